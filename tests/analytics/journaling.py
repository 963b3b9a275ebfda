"""Golden logs written from scripted messages, and what an export gives when it is read again."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from tests.events.examples import session_opened
from tidegate.analytics.entries import Entry
from tidegate.analytics.journal.columns import COLUMNS, Kind, Type
from tidegate.events.codec import encode
from tidegate.journal import LogWriter


def write_session(log: Path, entries: Iterable[Entry], *, name: str = "testsession12345", close: bool = True, **sizes: int) -> LogWriter:
    """Write messages as one session; an input that no message tells of stands for a market record."""
    writer = LogWriter(log, session_opened(session_id=name), continuing=True, **sizes)
    last = -1
    for n, k, message in entries:
        if n > last + 1 or (k and n > last):
            writer.span(last + 1, n - last if k else n - last - 1)
        if k == 0:
            writer.input(n, encode(message))
        else:
            writer.act(n, k, encode(message))
        last = n
    writer.judged(last)
    if close:
        writer.close()
    else:
        writer.flush()
    return writer


def read_again(path: Path, kind: Kind) -> list[dict[str, Any]]:
    """Return the rows of an exported file, with what each form cannot hold put back."""
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    rows = pl.read_parquet(path).to_dicts() if path.suffix == ".parquet" else _csv_rows(path, kind)
    nested = {column.name for column in COLUMNS[kind] if column.type is Type.JSON}
    return [{name: json.loads(value) if name in nested and value is not None else value for name, value in row.items()} for row in rows]


def _csv_rows(path: Path, kind: Kind) -> list[dict[str, Any]]:
    turn = {Type.TEXT: str, Type.INT: int, Type.FLOAT: float, Type.JSON: str}
    types = {column.name: turn[column.type] for column in COLUMNS[kind]}
    with path.open(newline="", encoding="utf-8") as file:
        return [{name: types[name](value) if value else None for name, value in row.items()} for row in csv.DictReader(file)]
