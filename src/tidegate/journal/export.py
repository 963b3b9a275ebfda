"""A log as a file for other programs: Parquet or JSON lines, in bounded batches, complete or not at all."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from tidegate.journal.errors import UnknownExportError, UnwritableExportError
from tidegate.journal.files import UNFINISHED_SUFFIX
from tidegate.journal.reader import LogReader
from tidegate.journal.rows import COLUMNS, Row, rows

BATCH_ROWS = 10_000

Write = TypeVar("Write")

_TWO: Final = 2
_NUMBERS = {"entry", "segment", "block", "n", "k", "time"}


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of a log. Times in ns UTC, None if no entry has one; `records` are those in the log itself."""

    sessions: int
    segments: int
    blocks: int
    bytes: int
    entries: int
    entries_by_kind: dict[str, int]
    messages_by_type: dict[str, int]
    inputs: int
    records: int
    first_time: int | None
    last_time: int | None
    sealed: bool
    judged_to: int
    torn: str  # what is wrong with the newest segment's end; empty if nothing is


def export(reader: LogReader, out: Path) -> int:
    """Write all rows of a log to a `.jsonl` or `.parquet` file; return how many.

    Raises:
        UnknownExportError: another ending.
        UnwritableExportError: the disk refuses.
        DamagedLogError: a block's payload changed after it was written; no file is left.
    """
    return whole_file(out, _WRITERS, lambda write, unfinished: write(rows(reader), unfinished))


def whole_file(out: Path, writers: Mapping[str, Write], run: Callable[[Write, Path], int]) -> int:
    """Write a file by the writer of its ending, under another name until it is complete; return what the writer does.

    Raises:
        UnknownExportError: there is no writer for the ending.
        UnwritableExportError: the disk refuses.
    """
    write = writers.get(out.suffix)
    if write is None:
        *others, last = writers
        known = f"neither {' nor '.join(writers)}" if len(writers) == _TWO else f"none of {', '.join(others)} and {last}"
        raise UnknownExportError(f"{out} ends in {known}; name the file to be written so.")
    unfinished = out.with_name(out.name + UNFINISHED_SUFFIX)
    try:
        try:
            count = run(write, unfinished)
            unfinished.replace(out)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise UnwritableExportError(f"{out} cannot be written ({error.strerror or error}); free space or name another file.") from error
    return count


def stats(reader: LogReader) -> Stats:
    """Return the figures of a log; every block is read and proved.

    Raises:
        DamagedLogError: a block's payload changed after it was written.
        UnreadableMessageError: a message was written by a later version.
    """
    kinds: Counter[str] = Counter()
    types: Counter[str] = Counter()
    inputs = 0
    first_time: int | None = None
    last_time: int | None = None
    for row in rows(reader):
        kinds[row["kind"]] += 1
        if row["kind"] in {"input", "act"}:
            types[row["type"]] += 1
        inputs += {"input": 1, "records": 1, "span": row["body"].get("count", 0)}.get(row["kind"], 0)
        if row["time"] is not None:
            first_time = row["time"] if first_time is None else min(first_time, row["time"])
            last_time = row["time"] if last_time is None else max(last_time, row["time"])
    scans = reader.scans.values()
    return Stats(
        sessions=len(reader.sessions),
        segments=len(scans),
        blocks=sum(len(scan.blocks) for scan in scans),
        bytes=sum(scan.end_offset for scan in scans),
        entries=sum(kinds.values()),
        entries_by_kind=dict(sorted(kinds.items())),
        messages_by_type=dict(sorted(types.items())),
        inputs=inputs,
        records=kinds["records"],
        first_time=first_time,
        last_time=last_time,
        sealed=reader.sealed,
        judged_to=reader.judged_to,
        torn=reader.torn.what if reader.torn else "",
    )


def write_lines(source: Iterator[Row], out: Path) -> int:
    """Write rows as JSON lines and return how many."""
    encode = msgspec.json.Encoder().encode
    count = 0
    with out.open("wb") as file:
        for row in source:
            file.write(encode(row) + b"\n")
            count += 1
    return count


def _write_parquet(source: Iterator[Row], out: Path) -> int:
    """Write typed columns; the body, which differs from type to type, as JSON text."""
    encode = msgspec.json.Encoder().encode
    schema = pa.schema([(name, pa.int64() if name in _NUMBERS else pa.string()) for name in COLUMNS])
    count = 0
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        while batch := list(islice(source, BATCH_ROWS)):
            flat = [row | {"body": encode(row["body"]).decode()} for row in batch]
            writer.write_table(pa.Table.from_pylist(flat, schema=schema))
            count += len(batch)
    return count


_WRITERS: dict[str, Callable[[Iterator[Row], Path], int]] = {
    ".jsonl": write_lines,
    ".parquet": _write_parquet,
}
