"""`read`: a log's entries in order, straight from mapped memory, each block proved before it is used.

Reading never repairs. A torn end of the newest segment is left out and told (`torn`); other damage raises.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import assert_never

import msgspec
import numpy as np
from numpy.typing import NDArray

from tidegate.events.codec import decode_opening
from tidegate.events.records import RECORD
from tidegate.events.session import SessionOpened
from tidegate.journal.check import check
from tidegate.journal.errors import DamagedLogError, NewerFormatError
from tidegate.journal.files import START_DAMAGED, log_start, map_segment, require_segments
from tidegate.journal.layout import (
    FORMAT_VERSION,
    FRAME,
    HEADER_BYTES,
    NO_N,
    SPAN_COUNT,
    BlockKind,
    Bytes,
    Damage,
    EntryKind,
    SealReason,
    Start,
    payload_is_right,
    payload_of,
    unpack_opening,
)
from tidegate.journal.scan import UNSEALED, Placed, Scan, damage_at, scan_segment, whole_segment


class Entry(msgspec.Struct, frozen=True):
    """One entry, or a run: `count` records from input n on (RECORDS), or `count` inputs from n on (SPAN)."""

    kind: EntryKind
    n: int
    k: int
    payload: memoryview
    count: int
    entry: int  # its number in the log; of the first record of a run
    segment: int
    block: int


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One session of a log. `closed`: it ended properly, with `state_sha256` if its end gave one."""

    number: int
    opening: SessionOpened
    first_segment: int
    last_segment: int
    first_entry: int
    last_entry: int
    last_n: int  # of its inputs; -1: none
    before_n: int  # the last of its inputs that was dropped with older segments; -1: its beginning stands in the log
    judged_to: int  # -1: nothing
    closed: bool
    state_sha256: str


class LogReader:
    """A log as it stood when it was opened for reading."""

    def __init__(self, directory: Path, *, start: Start | None = None) -> None:
        """Map all segments and walk their headers; payloads are proved when they are read.

        Args:
            directory: of the log.
            start: the segment to begin with, as if the log began there; None: all of it.

        Raises:
            NotALogError: no log is there.
            NewerFormatError: written by a later version.
            DamagedLogError: a header, opening or seal is wrong, or a segment is missing.
        """
        self.directory = directory
        self.torn: Damage | None = None
        numbers = require_segments(directory)
        start = start or log_start(directory)
        if start is None:
            raise self._damaged(numbers[0], START_DAMAGED)
        self._data: dict[int, Bytes] = {}
        self.scans: dict[int, Scan] = {}
        entry = start.first_entry
        for number in range(start.segment, numbers[-1] + 1):
            if number not in numbers:
                raise self._damaged(number, "the segment's file is missing")
            scan = self._scan(number, entry, newest=number == numbers[-1])
            entry = scan.end_entry
        self.sessions = tuple(self._sessions())

    @property
    def opening(self) -> SessionOpened:
        """Return the first entry of the newest session."""
        return self.sessions[-1].opening

    @property
    def sealed(self) -> bool:
        """Say whether the newest session ended properly."""
        return self.sessions[-1].closed

    @property
    def judged_to(self) -> int:
        """Return the newest session's mark: all acts of inputs up to this n are in the log; -1: none."""
        return self.sessions[-1].judged_to

    @property
    def state_sha256(self) -> str:
        """Return the hash of the newest session's final state; empty if it gave none."""
        return self.sessions[-1].state_sha256

    def entries(self, session: int | None = None, *, after_n: int = NO_N) -> Iterator[Entry]:
        """Yield the entries of one session, or of all, in order; blocks with no input past `after_n` are left out unread.

        Raises:
            DamagedLogError: a block's payload changed after it was written.
        """
        for number, scan in self.scans.items():
            if session is not None and scan.blocks and self._session_of(number) != session:
                continue
            for placed in scan.blocks:
                if placed.head.last_n <= after_n and after_n != NO_N:
                    continue
                self._prove(scan, placed)
                yield from entries_of(self._data[number], placed)

    def records(self, entry: Entry) -> NDArray[np.void]:
        """Return the market records of a RECORDS entry, as they lie in the file."""
        assert entry.kind is EntryKind.RECORDS
        return np.frombuffer(entry.payload, RECORD)

    def _scan(self, number: int, first_entry: int, *, newest: bool) -> Scan:
        data = map_segment(self.directory, number)
        scan = scan_segment(data, number, first_entry=first_entry, payloads=False)
        if scan.spot is not None:
            damage = damage_at(data, scan, newest=newest)
            if not damage.torn or not (scan.blocks or self.scans):
                raise DamagedLogError(self.directory, check(self.directory) or damage)
            self.torn = damage
        elif scan.seal is None and not newest:
            raise DamagedLogError(self.directory, whole_segment(scan, block=len(scan.blocks), what=UNSEALED))
        self._data[number] = data
        if scan.blocks:
            self.scans[number] = scan
        return scan

    def _sessions(self) -> Iterator[Session]:
        """Join the segments of each session."""
        parts: list[Scan] = []
        for scan in self.scans.values():
            assert scan.opening is not None
            if parts and not scan.opening.continued:
                yield self._session(parts)
                parts = []
            parts.append(scan)
        yield self._session(parts)

    def _session(self, parts: list[Scan]) -> Session:
        first, last = parts[0], parts[-1]
        assert first.opening is not None
        opening = decode_opening(first.opening.message)
        if opening.format_version > FORMAT_VERSION:
            raise NewerFormatError(
                f"Session {opening.session_id} is of log format {opening.format_version} and this tidegate "
                f"reads up to {FORMAT_VERSION}; upgrade tidegate to read this log."
            )
        return Session(
            number=first.opening.session,
            opening=opening,
            first_segment=first.number,
            last_segment=last.number,
            first_entry=first.first_entry,
            last_entry=last.end_entry - 1,
            last_n=last.blocks[-1].head.last_n,
            before_n=first.blocks[0].head.last_n if first.opening.continued else NO_N,
            judged_to=last.blocks[-1].head.judged_to,
            closed=last.seal is not None and last.seal.reason == SealReason.CLOSED,
            state_sha256=last.seal.state_sha256 if last.seal else "",
        )

    def _session_of(self, number: int) -> int:
        opening = self.scans[number].opening
        assert opening is not None
        return opening.session

    def _prove(self, scan: Scan, placed: Placed) -> None:
        offset, head = placed
        data = self._data[scan.number]
        if not payload_is_right(data, offset, head):
            whole = scan_segment(data, scan.number, first_entry=scan.first_entry, payloads=True)
            raise DamagedLogError(self.directory, damage_at(data, whole, newest=False))

    def _damaged(self, segment: int, what: str) -> DamagedLogError:
        return DamagedLogError(self.directory, Damage(segment=segment, block=0, first_entry=0, last_entry=0, what=what))


def read(directory: Path) -> LogReader:
    """Open a log for reading.

    Raises:
        NotALogError: no log is there.
        NewerFormatError: written by a later version.
        DamagedLogError: a header, opening or seal is wrong, or a segment is missing.
    """
    return LogReader(directory)


def entries_of(data: Bytes, placed: Placed) -> Iterator[Entry]:
    """Yield the entries of a block that was proved; `placed` says where it stands in the data."""
    offset, head = placed
    begin = offset + HEADER_BYTES
    where = (head.segment, head.block)
    match BlockKind(head.kind):
        case BlockKind.OPENING:
            if head.entries:
                message = memoryview(unpack_opening(payload_of(data, offset, head)).message)
                yield Entry(EntryKind.OPENING, NO_N, 0, message, 1, head.first_entry, *where)
        case BlockKind.ENTRIES:
            yield from _framed(memoryview(data)[begin : begin + head.length], head.first_entry, where)
        case BlockKind.RECORDS:
            view = memoryview(data)[begin : begin + head.length]
            yield Entry(EntryKind.RECORDS, head.first_n, 0, view, head.entries, head.first_entry, *where)
        case BlockKind.SEAL:
            return
        case never:
            assert_never(never)


def _framed(view: memoryview, first_entry: int, where: tuple[int, int]) -> Iterator[Entry]:
    at, entry, end = 0, first_entry, len(view)
    frame_bytes, span = FRAME.size, EntryKind.SPAN
    while at < end:
        length, code, _, n, k = FRAME.unpack_from(view, at)
        at += frame_bytes
        payload = view[at : at + length]
        at += length
        kind = _KINDS[code]
        count = SPAN_COUNT.unpack(payload)[0] if kind is span else 1
        yield Entry(kind, n, k, payload, count, entry, *where)
        entry += 1


_KINDS = {int(kind): kind for kind in EntryKind}
