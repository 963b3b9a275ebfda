"""The errors of database drivers, turned into ours once, with one sentence each. No foreign exception passes this file."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from tidegate.service.ledger.errors import LedgerLockedError, LedgerUnavailableError

STALE: Final = "stale epoch"  # as the triggers of the first migration say it

_LOCKED: Final = "is locked by another program; stop that program"
_FULL: Final = "has no room left on its disk; make room"
_READ_ONLY: Final = "may not be written; give this user the right to write it"

_SQLITE: Final = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; see that its folder is there and may be written",
    sqlite3.SQLITE_NOTADB: "is not a database; name another file or restore it from a copy",
    sqlite3.SQLITE_CORRUPT: "is damaged; restore it from a copy",
    sqlite3.SQLITE_IOERR: "could not be read or written by its disk; look at the disk and start again",
}
_SQLITE_LOCKS: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_POSTGRESQL_LOCK: Final = "55P03"
_FATAL: Final = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_POSTGRESQL: Final = {
    _POSTGRESQL_LOCK: "is locked by another program; end its transaction",
    "57014": "did not answer in time; look at the load of its server",
    "53100": _FULL,
    "25006": "is read-only, a replica perhaps; name the primary server",
}
_PRIMARY_CODE: Final = 0xFF  # SQLite's extended codes keep the plain one in the low byte


@contextmanager
def store_errors(name: str) -> Iterator[None]:
    """Turn what SQLAlchemy raises into one sentence about the ledger `name`.

    Raises:
        LedgerUnavailableError: any error of the database.
    """
    try:
        yield
    except SQLAlchemyError as error:
        raise unavailable(name, error) from error


def unavailable(name: str, error: Exception) -> LedgerUnavailableError:
    """Return one sentence for an error of SQLAlchemy or of a driver."""
    cause = _cause(error)
    kind = LedgerLockedError if _is_lock(cause) else LedgerUnavailableError
    return kind(f"The ledger {name} {_advice(cause)}.")


def is_fatal(error: BaseException | None) -> bool:
    """Say whether what the disk holds is unknown after an error, so that nothing more may be written through it."""
    cause = _cause(error)
    return isinstance(cause, sqlite3.Error) and _code(cause) in _FATAL


def _cause(error: BaseException | None) -> BaseException | None:
    return error.orig if isinstance(error, DBAPIError) else error


def _is_lock(cause: BaseException | None) -> bool:
    """Say whether another program holds what was asked for, so that asking again may help."""
    if isinstance(cause, sqlite3.Error):
        return _code(cause) in _SQLITE_LOCKS
    return getattr(cause, "sqlstate", None) == _POSTGRESQL_LOCK


def _advice(cause: BaseException | None) -> str:
    """Return what is wrong and what to do, as the end of a sentence."""
    if isinstance(cause, sqlite3.Error):
        return _SQLITE.get(_code(cause), f"failed ({cause}); look at its disk")
    known = _POSTGRESQL.get(str(getattr(cause, "sqlstate", "")))
    first_line = str(cause).strip().partition("\n")[0].rstrip(".")
    return known or f"cannot be reached ({first_line}); see that its server runs and lets this user in"


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & _PRIMARY_CODE
