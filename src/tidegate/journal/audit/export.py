"""Audit records as a file for other programs: JSON lines, CSV or Parquet, in bounded batches, complete or not at all."""

import csv
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from tidegate.journal.audit.record import json_bytes
from tidegate.journal.errors import UnknownExportError, UnwritableExportError
from tidegate.journal.files import UNFINISHED_SUFFIX

COLUMNS: Final = ("account", "seq", "ts_ns", "epoch", "actor", "type", "subject", "body", "prev_hash", "hash")
_NUMBERS: Final = frozenset({"seq", "ts_ns", "epoch"})
_BATCH: Final = 10_000
Record = dict[str, Any]


def export_records(records: Iterator[Record], out: Path) -> int:
    """Write records to a `.jsonl`, `.csv` or `.parquet` file; return how many.

    Raises:
        UnknownExportError: another ending.
        UnwritableExportError: the disk refuses, or a record that was changed fits no column.
    """
    write = _WRITERS.get(out.suffix)
    if write is None:
        raise UnknownExportError(f"{out} ends in none of .jsonl, .csv and .parquet; name the file to be written so.")
    unfinished = out.with_name(out.name + UNFINISHED_SUFFIX)
    try:
        try:
            count = write(map(_named, records), unfinished)
            unfinished.replace(out)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise UnwritableExportError(f"{out} cannot be written ({error.strerror or error}); free space or name another file.") from error
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise UnwritableExportError(
            f"{out} was not written: a record was changed and fits no column; run `tidegate audit verify`."
        ) from error
    return count


def _named(record: Record) -> Record:
    """Return a record under the names that are hashed, in the order of the columns."""
    named = {("epoch" if name == "writer_epoch" else name): value for name, value in record.items()}
    return {name: named[name] for name in COLUMNS}


def _write_lines(records: Iterator[Record], out: Path) -> int:
    """Write each record as it was hashed, with its hash: canonical JSON whose body is JSON as well."""
    count = 0
    with out.open("wb") as file:
        while batch := list(islice(records, _BATCH)):
            file.write(b"".join(json_bytes(record | {"body": _raw(record["body"])}) + b"\n" for record in batch))
            count += len(batch)
    return count


def _raw(body: object) -> object:
    """Return a body as it stands; one that was changed into something else as text."""
    try:
        msgspec.json.decode(str(body))
    except msgspec.DecodeError:
        return str(body)
    return msgspec.Raw(str(body).encode())


def _write_csv(records: Iterator[Record], out: Path) -> int:
    count = 0
    with out.open("w", newline="", encoding="utf-8") as file:
        sheet = csv.DictWriter(file, COLUMNS)
        sheet.writeheader()
        while batch := list(islice(records, _BATCH)):
            sheet.writerows(batch)
            count += len(batch)
    return count


def _write_parquet(records: Iterator[Record], out: Path) -> int:
    schema = pa.schema([(name, pa.int64() if name in _NUMBERS else pa.string()) for name in COLUMNS])
    count = 0
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        while batch := list(islice(records, _BATCH)):
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
            count += len(batch)
    return count


_WRITERS: Final[dict[str, Callable[[Iterator[Record], Path], int]]] = {
    ".jsonl": _write_lines,
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}
