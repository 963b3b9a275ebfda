"""Records in words, for people: names of kinds and flags, decimal strings, ISO times."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np

from tidegate.events import records as layout
from tidegate.tapes.format import Tape
from tidegate.values.money import nanos_text
from tidegate.values.time import iso_utc

Row: TypeAlias = dict[str, str | int]

FLAG_NAMES: Final = {
    layout.MADE_RECV: "made_recv",
    layout.SUSPICIOUS: "suspicious",
    layout.ONE_SIDED: "one_sided",
    layout.LOCKED: "locked",
    layout.CROSSED: "crossed",
    layout.SLOW_QUOTE: "slow_quote",
    layout.REGULAR: "regular",
    layout.OFF_EXCHANGE: "off_exchange",
    layout.OPENING: "opening",
    layout.CLOSING: "closing",
    layout.CORRECTION: "correction",
}
STATUS_NAMES: Final = {
    layout.STATUS_HALT: "halt",
    layout.STATUS_RESUME: "resume",
    layout.STATUS_FEED_DOWN: "feed_down",
    layout.STATUS_FEED_UP: "feed_up",
    layout.STATUS_LIMIT_BANDS: "limit_bands",
    layout.STATUS_NEWS: "news",
}
_FIELDS: Final = {
    layout.QUOTE: ("bid", "ask", "bid_size", "ask_size"),
    layout.TRADE: ("price", "size", "trade_id", "conditions"),
    layout.BOOK: ("price", "new_size", "side", ""),
    layout.STATUS: ("status", "lower_band", "upper_band", "reason"),
    layout.BAR_OPEN: ("open", "high", "low", "close"),
    layout.BAR_CLOSE: ("volume", "start_ns", "length_ns", "trades"),
}
_PLAIN: Final = frozenset({"trade_id", "conditions", "side", "reason", "start_ns", "length_ns", "trades"})
_NONE_AT_ZERO: Final = frozenset({"bid", "ask", "bid_size", "ask_size", "lower_band", "upper_band"})


def tape_info(path: Path) -> dict[str, object]:
    """Return what a tape says of itself, ready for JSON; the records are not read.

    Raises:
        TapeError: the file is not there, not a tape, newer or damaged.
    """
    tape = Tape.open(path)
    meta = tape.meta
    return {
        "path": str(path),
        "records": meta.records,
        "symbols": [symbol.symbol for symbol in meta.symbols],
        "first": iso_utc(meta.first_ns),
        "last": iso_utc(meta.last_ns),
        "source": meta.source,
        "receive_time": meta.receive_time,
        "importer": meta.importer,
        "sha256": meta.sha256,
        "statistics": dict(meta.statistics),
        "planted": [f"{item.kind} {item.symbol} {iso_utc(item.from_ns)}".strip() for item in meta.planted],
    }


def tape_head(path: Path, count: int) -> list[Row]:
    """Return the first records of a tape in words.

    Raises:
        TapeError: see `tape_info`.
    """
    tape = Tape.open(path)
    return rows(tape, range(min(count, len(tape))))


def tape_sample(path: Path, count: int) -> list[Row]:
    """Return records spread evenly over a tape in words, the first and the last among them.

    Raises:
        TapeError: see `tape_info`.
    """
    tape = Tape.open(path)
    spread = np.linspace(0, len(tape) - 1, num=min(max(count, 0), len(tape)))
    return rows(tape, spread.astype(int).tolist())


def rows(tape: Tape, numbers: Sequence[int]) -> list[Row]:
    """Return records of a tape by number in words."""
    return [_row(tape, number) for number in numbers]


def flag_names(flags: int) -> list[str]:
    """Return the names of the flags that are set."""
    return [name for flag, name in FLAG_NAMES.items() if flags & flag]


def _row(tape: Tape, number: int) -> Row:
    record = tape.records[number]
    kind = int(record["kind"])
    row: Row = {
        "record": number,
        "received": iso_utc(int(record["ts_recv"])),
        "happened": iso_utc(int(record["ts_event"])),
        "symbol": tape.symbols[int(record["instrument"])].symbol,
        "kind": layout.KIND_NAMES[kind],
        "flags": " ".join(flag_names(int(record["flags"]))),
    }
    for name, field in zip(_FIELDS[kind], ("a", "b", "c", "d"), strict=True):
        if name:
            row[name] = _value(name, int(record[field]))
    return row


def _value(name: str, value: int) -> str | int:
    if name == "status":
        return STATUS_NAMES.get(value, f"status {value}")
    if not value and name in _NONE_AT_ZERO:
        return "none"
    return value if name in _PLAIN else nanos_text(value)
