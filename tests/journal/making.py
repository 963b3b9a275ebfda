"""Small logs, and the slow obvious twin of a log: a list."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.events.examples import session_opened
from tidegate.events.records import RECORD
from tidegate.journal import Damage, EntryKind, LogReader, LogWriter, check
from tidegate.journal.files import mapped, require_segments
from tidegate.journal.scan import scan_segment

Item = tuple[str, int, int, bytes]  # kind, n, k, bytes; a market record's bytes where the log holds them


class Block(NamedTuple):
    """Where a block of an undamaged log lies and what it holds."""

    segment: int
    block: int
    begin: int
    end: int
    first_entry: int
    entries: int


@dataclass
class Twin:
    """The same calls as the writer's, kept as a list."""

    items: list[Item] = field(default_factory=list)

    def input(self, n, message):
        self.items.append(("input", n, 0, message))

    def act(self, n, k, message):
        self.items.append(("act", n, k, message))

    def evidence(self, message):
        self.items.append(("evidence", 0, 0, message))

    def span(self, n_first, count):
        self.items.extend(("span", n_first + i, 0, b"") for i in range(count))

    def records(self, n_first, records):
        self.items.extend(("record", n_first + i, 0, record.tobytes()) for i, record in enumerate(records))


def items(reader: LogReader) -> list[Item]:
    """Return a log's entries one by one, runs taken apart, marks left out."""
    found: list[Item] = []
    for entry in reader.entries():
        match entry.kind:
            case EntryKind.SPAN:
                found.extend(("span", entry.n + i, 0, b"") for i in range(entry.count))
            case EntryKind.RECORDS:
                rows = reader.records(entry)
                found.extend(("record", entry.n + i, 0, row.tobytes()) for i, row in enumerate(rows))
            case EntryKind.EVIDENCE:
                found.append(("evidence", 0, 0, bytes(entry.payload)))
            case EntryKind.INPUT | EntryKind.ACT:
                found.append((entry.kind.name.lower(), entry.n, entry.k, bytes(entry.payload)))
            case EntryKind.OPENING | EntryKind.JUDGED:
                pass
    return found


def market_records(count: int, *, first: int = 0) -> np.ndarray:
    """Return distinct records without a zero sector in them."""
    made = np.zeros(count, RECORD)
    made["ts_recv"] = np.arange(first + 1, first + count + 1)
    made["a"] = -1
    made["d"] = made["ts_recv"] * 7 + 1
    return made


def small_log(directory: Path, *, segment_bytes_max: int = 2_000, close: bool = True) -> LogWriter:
    """Write two sessions over several small segments, with every kind of block and entry."""
    first = LogWriter(directory, session_opened(session_id="one"), segment_bytes_max=segment_bytes_max)
    _fill(first, rounds=2)
    first.close(state_sha256="ab" * 32)
    second = LogWriter(
        directory,
        session_opened(session_id="two"),
        segment_bytes_max=segment_bytes_max,
        block_bytes_max=200,
        continuing=True,
    )
    _fill(second, rounds=3)
    second.flush()
    if close:
        second.close()
    else:
        second.abandon()
    return second


def _fill(writer: LogWriter, *, rounds: int) -> None:
    n = 0
    for _ in range(rounds):
        writer.span(n, 4)
        n += 4
        writer.act(n - 1, 1, b"an act of the last of them")
        writer.act(n - 1, 2, b"and another")
        writer.judged(n - 1)
        writer.flush()
        writer.evidence(b'{"raw": "what the venue said"}')
        writer.input(n, b"what it was mapped to")
        writer.records(n + 1, market_records(3, first=n))
        n += 4
        writer.judged(n - 1)
        writer.flush()


def blocks(directory: Path) -> list[Block]:
    """Return where every block of an undamaged log lies."""
    found = []
    entry = 0
    for number in require_segments(directory):
        with mapped(directory, number) as data:
            scan = scan_segment(data, number, first_entry=entry, payloads=True)
        assert scan.spot is None
        found += [
            Block(number, head.block, offset, offset + head.bytes_total, head.first_entry, head.entries) for offset, head in scan.blocks
        ]
        entry = scan.end_entry
    return found


def damage_of(directory: Path) -> Damage:
    """Return the damage of a log that has some."""
    damage = check(directory)
    assert damage is not None
    return damage


def flip(path: Path, at: int, bit: int) -> Callable[[], None]:
    """Flip one bit of a file and return what undoes it."""

    def turn() -> None:
        with path.open("r+b") as file:
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ (1 << bit)]))

    turn()
    return turn
