"""A golden log as tables: the `Run` that a replay gives, read back from disk, and its entries as rows."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import polars as pl

from tidegate.analytics.collect import Run, Sources, run_from_entries
from tidegate.events.codec import AnyMessage, decode
from tidegate.journal import EntryKind, LogReader, read
from tidegate.journal.reader import Session
from tidegate.journal.rows import COLUMNS, rows
from tidegate.recovery.specs import recorded_instruments
from tidegate.replay.marks import price_marks, price_series
from tidegate.replay.recorded import TapeNotFoundError, find_tapes
from tidegate.tapes.errors import TapeError
from tidegate.tapes.format import Tape

_MESSAGES: Final = frozenset({EntryKind.INPUT, EntryKind.ACT})
RECORDS_SHOWN_MAX: Final = 10_000_000  # of a log's own; a longer session is shown without prices
_NUMBERS: Final = frozenset({"entry", "segment", "block", "n", "k", "time"})


def read_log(directory: str | Path, *, tapes: Sequence[str | Path] = (), back: int = 0) -> Run:
    """Return the newest session of a golden log as tables.

    Args:
        directory: the log.
        tapes: where to look for its tapes besides where they were; without them the run has no prices.
        back: so many sessions before the newest.

    Raises:
        TidegateError: no log, a damaged one, or one of a newer version.
    """
    reader = read(Path(directory))
    session = reader.sessions[-1 - back]
    found = _tapes(reader, session, [Path(tape) for tape in tapes])
    return run_from_entries(_entries(reader, session), session.opening, _sources(reader, session, found))


def sessions_in(directory: str | Path) -> int:
    """Return how many sessions a golden log holds.

    Raises:
        TidegateError: no log, a damaged one, or one of a newer version.
    """
    return len(read(Path(directory)).sessions)


def log_entries(directory: str | Path) -> pl.DataFrame:
    """Return every entry of a log as a row: its place, type, whom it concerns, and its body as JSON text.

    Raises:
        TidegateError: no log, a damaged one, or one of a newer version.
    """
    encode = msgspec.json.Encoder().encode
    schema = {name: pl.Int64 if name in _NUMBERS else pl.String for name in COLUMNS}
    found = [row | {"body": encode(row["body"]).decode()} for row in rows(read(Path(directory)))]
    return pl.DataFrame(found, schema=schema)


def _entries(reader: LogReader, session: Session) -> Iterator[tuple[str, int, int, AnyMessage]]:
    for entry in reader.entries(session.number):
        if entry.kind in _MESSAGES:
            yield entry.kind.name.lower(), entry.n, entry.k, decode(entry.payload)


def _tapes(reader: LogReader, session: Session, more: Sequence[Path]) -> tuple[Tape, ...]:
    """Return where the session's market records stand: its tapes, or the log itself as one."""
    if not session.opening.tapes:
        return _own_records(reader, session)
    try:
        return find_tapes(session.opening, more)
    except (TapeNotFoundError, TapeError):
        return ()


def _own_records(reader: LogReader, session: Session) -> tuple[Tape, ...]:
    parts = [reader.records(entry) for entry in reader.entries(session.number) if entry.kind is EntryKind.RECORDS]
    if not 0 < sum(map(len, parts)) <= RECORDS_SHOWN_MAX:
        return ()
    return (Tape.of(np.concatenate(parts), symbols=recorded_instruments(session.opening), name=session.opening.session_id),)


def _sources(reader: LogReader, session: Session, tapes: tuple[Tape, ...]) -> Sources:
    records = sum(tape.records for tape in session.opening.tapes) or sum(map(len, tapes))
    if not tapes:
        return Sources(records=records, log=str(reader.directory))
    return Sources(
        marks=price_marks(tapes),
        prices=price_series(tapes),
        records=records,
        from_ns=min(tape.meta.first_ns for tape in tapes),
        until_ns=max(tape.meta.last_ns for tape in tapes),
        log=str(reader.directory),
    )
