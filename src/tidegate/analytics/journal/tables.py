"""The journal for notebooks and scripts: rows as a DataFrame, or as a file."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import msgspec
import polars as pl

from tidegate.analytics.journal.columns import COLUMNS, Kind, Type
from tidegate.analytics.journal.files import export_rows, flat
from tidegate.analytics.journal.query import journal_rows
from tidegate.analytics.journal.wanted import Wanted, moment_ns
from tidegate.values.errors import TidegateError

Moment = str | int | datetime | None
_POLARS: Final[Mapping[Type, Any]] = MappingProxyType(
    {Type.TEXT: pl.String(), Type.INT: pl.Int64(), Type.FLOAT: pl.Float64(), Type.JSON: pl.String()}
)


class UnknownKindError(TidegateError):
    """The journal has no rows of this kind."""


class JournalFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows of the journal; what is left empty is not asked for. Moments: ISO 8601 text, datetimes, or ns since 1970."""

    strategy: str = ""
    symbol: str = ""
    since: Moment = None  # from this moment on
    until: Moment = None  # before this moment
    identity: str = ""  # only what has this id, and all of the same story


_ANY: Final = JournalFilter()


def read_journal(directory: str | Path, kind: str, only: JournalFilter = _ANY) -> pl.DataFrame:
    """Return the journal of a golden log as a table; the log may be of a trader that runs.

    Args:
        directory: the log.
        kind: events, orders, risk or decisions.
        only: which rows; all if not said.

    Raises:
        TidegateError: no such kind or moment; no log, a damaged one, or one of a newer version.
    """
    named = kind_of(kind)
    rows = journal_rows(Path(directory), named, wanted_of(only))
    schema = {column.name: _POLARS[column.type] for column in COLUMNS[named]}
    return pl.DataFrame([flat(row, named) for row in rows], schema=schema, orient="row")


def export_journal(directory: str | Path, kind: str, out: str | Path, only: JournalFilter = _ANY) -> int:
    """Write the journal of a golden log to a .jsonl, .csv or .parquet file and return how many rows; see `read_journal`.

    Raises:
        TidegateError: as `read_journal`; another ending; the disk refuses.
    """
    named = kind_of(kind)
    return export_rows(journal_rows(Path(directory), named, wanted_of(only)), named, Path(out))


def kind_of(word: str) -> Kind:
    """Return a kind by its word.

    Raises:
        UnknownKindError: there is none.
    """
    try:
        return Kind(word)
    except ValueError:
        raise UnknownKindError(f"The journal has no {word!r}; ask for {', '.join(Kind)}.") from None


def wanted_of(only: JournalFilter) -> Wanted:
    """Return a filter with its moments read.

    Raises:
        BadMomentError: since or until is no moment.
    """
    since_ns, until_ns = moment_ns(only.since), moment_ns(only.until)
    return Wanted(strategy_id=only.strategy, symbol=only.symbol, since_ns=since_ns, until_ns=until_ns, identity=only.identity)
