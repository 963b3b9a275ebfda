"""The journal as a file for other programs: JSON lines, CSV or Parquet, in bounded batches, complete or not at all.

All three hold the same rows. Null is null in JSON and Parquet and an empty field in CSV; what is nested is nested in JSON lines and
JSON text in the other two.
"""

import csv
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from tidegate.analytics.journal.columns import COLUMNS, Kind, Row, Type
from tidegate.journal.export import whole_file, write_lines

_BATCH_ROWS: Final = 1_000  # rows with all their checks are large
_encode = msgspec.json.Encoder().encode
_ARROW: Final[Mapping[Type, Any]] = MappingProxyType(
    {Type.TEXT: pa.string(), Type.INT: pa.int64(), Type.FLOAT: pa.float64(), Type.JSON: pa.string()}
)


def export_rows(rows: Iterator[Row], kind: Kind, out: Path) -> int:
    """Write rows to a file whose ending says how; return how many.

    Raises:
        UnknownExportError: another ending than .jsonl, .csv or .parquet.
        UnwritableExportError: the disk refuses.
        TidegateError: what reading the rows raises; no file is left.
    """
    return whole_file(out, _WRITERS, lambda write, unfinished: write(rows, kind, unfinished))


def flat(row: Row, kind: Kind) -> Row:
    """Return a row with its JSON columns as text."""
    return row | {
        column.name: _encode(row[column.name]).decode()
        for column in COLUMNS[kind]
        if column.type is Type.JSON and row[column.name] is not None
    }


def _lines(rows: Iterator[Row], kind: Kind, out: Path) -> int:  # noqa: ARG001 - one signature for all writers
    return write_lines(rows, out)


def _csv(rows: Iterator[Row], kind: Kind, out: Path) -> int:
    names = [column.name for column in COLUMNS[kind]]
    count = 0
    with out.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, names, lineterminator="\n")
        table.writeheader()
        for row in rows:
            table.writerow(flat(row, kind))
            count += 1
    return count


def _parquet(rows: Iterator[Row], kind: Kind, out: Path) -> int:
    schema = pa.schema([(column.name, _ARROW[column.type]) for column in COLUMNS[kind]])
    count = 0
    with pq.ParquetWriter(out, schema, compression="zstd") as table:
        while batch := list(islice(rows, _BATCH_ROWS)):
            table.write_table(pa.Table.from_pylist([flat(row, kind) for row in batch], schema=schema))
            count += len(batch)
    return count


_WRITERS: Final[Mapping[str, Callable[[Iterator[Row], Kind, Path], int]]] = MappingProxyType(
    {".jsonl": _lines, ".csv": _csv, ".parquet": _parquet}
)
