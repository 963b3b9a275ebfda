"""Reads the audit chain past the trader: safe beside one that runs, and where none does. Nothing is written and nothing is trusted.

What a row holds is passed on as the database shows it, words as bytes: a field that somebody changed may be anything.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Self, final

import msgspec
from sqlalchemy import Connection, Engine, Select, create_engine, func, inspect, or_, select
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.pool import NullPool

from tidegate.journal.audit.heads import Head
from tidegate.journal.audit.record import json_bytes
from tidegate.journal.audit.verify import Row
from tidegate.service.ledger.errors import LedgerUnavailableError
from tidegate.service.ledger.failures import store_errors
from tidegate.service.ledger.opening import server_engine
from tidegate.service.ledger.schema import AUDIT, AUDIT_HEADS
from tidegate.service.ledger.statements import AUDIT_COLUMNS, AUDIT_NAMES, HEAD_COLUMNS, HEAD_NAMES

_FETCHED: Final = 10_000
_ROW_COLUMNS: Final = tuple(
    AUDIT.c[name] for name in ("seq", "ts_ns", "actor", "type", "subject", "body", "prev_hash", "hash", "writer_epoch")
)
_NUMBERS: Final = frozenset({"seq", "ts_ns", "writer_epoch"})
_ODD_MAX: Final = 10


class AuditWish(NamedTuple):
    """Which records: of one actor, type, subject; with these words anywhere; between two times; naming an id. Empty: any."""

    account: str = ""
    actor: str = ""
    type: str = ""
    subject: str = ""
    text: str = ""
    identifier: str = ""
    from_ns: int = 0
    until_ns: int = 0


@final
class AuditReader:
    """One look at a ledger's audit chain: all reads see the same moment. Use as a context."""

    def __init__(self, location: str | Path) -> None:
        """Name a ledger, as the trader does.

        Raises:
            LedgerUnavailableError: it cannot be read.
        """
        text = str(location)
        self._engine: Final = _server(text) if "://" in text else _engine(Path(text))
        self._name: Final = self._engine.url.render_as_string(hide_password=True) if "://" in text else text
        self._connection: Connection

    def __enter__(self) -> Self:
        with store_errors(self._name):
            self._connection = self._engine.connect()
            if self._is_file:
                self._connection.exec_driver_sql("BEGIN")
            if not inspect(self._connection).has_table(AUDIT_HEADS.name):
                self._connection.close()
                raise LedgerUnavailableError(f"The ledger {self._name} has no audit chain yet; start its trader once.")
            self._connection.execute(select(func.count()).select_from(AUDIT_HEADS))  # from here on it is one moment
        return self

    def __exit__(self, *_error: object) -> None:
        self._connection.close()
        self._engine.dispose()

    def accounts(self) -> list[str]:
        """Return the accounts that have a chain."""
        with store_errors(self._name):
            found = [row[0] for table in (AUDIT, AUDIT_HEADS) for row in self._connection.execute(select(table.c.account).distinct())]
        return sorted({_text(name) for name in found})

    def rows(self, account: str) -> Iterator[Row]:
        """Yield every record of an account by its number, as `journal.audit.verify.check_chain` takes it."""
        wish = select(*_ROW_COLUMNS).where(AUDIT.c.account == account).order_by(AUDIT.c.seq)
        with store_errors(self._name):
            if not self._is_file:
                for row in self._connection.execution_options(yield_per=_FETCHED).execute(wish):
                    yield tuple(word.encode() if isinstance(word, str) else word for word in row)
                return
            text = str(wish.compile(dialect=sqlite_dialect.dialect(paramstyle="named"), compile_kwargs={"literal_binds": False}))
            cursor = self._connection.connection.cursor()
            cursor.execute(text, {"account_1": account})
            while found := cursor.fetchmany(_FETCHED):
                yield from found

    def heads(self, account: str) -> list[Head | None]:
        """Return the signed heads of an account; None for a row that is none."""
        wish = select(*HEAD_COLUMNS).where(AUDIT_HEADS.c.account == account).order_by(AUDIT_HEADS.c.seq)
        with store_errors(self._name):
            return [_head(row) for row in self._connection.execute(wish)]

    def odd_rows(self, account: str) -> list[int]:
        """Return where fields have another type than they were written with, which one database allows: numbers of such records."""
        if not self._is_file:
            return []
        odd = or_(*(func.typeof(AUDIT.c[name]) != ("integer" if name in _NUMBERS else "text") for name in AUDIT_NAMES))
        wish = select(AUDIT.c.seq).where(AUDIT.c.account == account, odd).limit(_ODD_MAX)
        with store_errors(self._name):
            return [row[0] if isinstance(row[0], int) else 0 for row in self._connection.execute(wish)]

    def search(self, wish: AuditWish, limit: int | None = None, *, newest_first: bool = True) -> Iterator[dict[str, Any]]:
        """Yield records by field, in the order of their numbers or against it, at most so many."""
        order = AUDIT.c.seq.desc() if newest_first else AUDIT.c.seq
        found = _narrowed(select(*AUDIT_COLUMNS), wish).order_by(AUDIT.c.account, order).limit(limit)
        with store_errors(self._name):
            for row in self._connection.execution_options(yield_per=_FETCHED).execute(found):
                yield dict(zip(AUDIT_NAMES, map(_shown, row), strict=True))

    @property
    def _is_file(self) -> bool:
        return self._engine.dialect.name == "sqlite"


def _server(url: str) -> Engine:
    return server_engine(url)[0].execution_options(isolation_level="REPEATABLE READ")


def _engine(path: Path) -> Engine:
    return create_engine("sqlite://", creator=lambda: _file(path), poolclass=NullPool)


def _file(path: Path) -> sqlite3.Connection:
    """Open a file for reading alone."""
    if not path.exists():
        raise LedgerUnavailableError(f"There is no ledger {path}; name the trader's folder with --home.")
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    connection.text_factory = bytes
    return connection


def _narrowed(found: Select[Any], wish: AuditWish) -> Select[Any]:
    for name in ("account", "actor", "type", "subject"):
        if word := getattr(wish, name):
            found = found.where(AUDIT.c[name] == word)
    if wish.text:
        anywhere = (AUDIT.c.actor, AUDIT.c.type, AUDIT.c.subject, AUDIT.c.body)
        found = found.where(or_(*(_has(column, wish.text) for column in anywhere), _has(AUDIT.c.body, _inside(wish.text))))
    if wish.identifier:
        found = found.where(or_(AUDIT.c.subject == wish.identifier, _has(AUDIT.c.body, f'"{_inside(wish.identifier)}"')))
    if wish.from_ns:
        found = found.where(AUDIT.c.ts_ns >= wish.from_ns)
    if wish.until_ns:
        found = found.where(AUDIT.c.ts_ns < wish.until_ns)
    return found


def _has(column: Any, words: str) -> Any:
    return column.contains(words, autoescape=True)


def _inside(words: str) -> str:
    """Return words as they stand inside a body, which is JSON."""
    return json_bytes(words).decode()[1:-1]


def _head(row: Sequence[Any]) -> Head | None:
    values = {("epoch" if name == "writer_epoch" else name): _shown(value) for name, value in zip(HEAD_NAMES, row, strict=True)}
    try:
        return msgspec.convert(values, Head)
    except msgspec.ValidationError:
        return None


def _shown(value: object) -> object:
    return _text(value) if isinstance(value, bytes) else value


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode(errors="backslashreplace")
