"""The end of a log, as far back as a start needs it: how long a log is must not decide how long a start takes.

Needed is what the newest session comes back from (the older of its two newest snapshots, or its beginning), and a stretch of time before
the log's end, for senses that warm up. Of what lies before, each segment is only seen to be there and to end where the next one begins.
"""

from pathlib import Path
from typing import NamedTuple

from tidegate.events.codec import decode_opening
from tidegate.journal.files import log_start, mapped, segment_numbers, segment_path
from tidegate.journal.layout import (
    MAGIC,
    NO_N,
    BlockKind,
    Bytes,
    Opening,
    Start,
    payload_is_right,
    payload_of,
    read_head,
    unpack_opening,
)
from tidegate.journal.reader import LogReader
from tidegate.journal.snapshots import Snapshot, read_snapshots

SNAPSHOTS_SURE = 2  # so many sound ones let go of what came before the older


class _Front(NamedTuple):
    start: Start
    opening: Opening
    before_n: int  # the session's last n before this segment
    written_ns: int


def read_end(directory: Path, *, window_ns: int) -> LogReader:
    """Open the end of a log for reading, or all of it where something in it is not as it should be: whoever reads that says what.

    Args:
        directory: of the log.
        window_ns: of what was written so long before the log's end nothing is left out.

    Raises:
        NotALogError: no log is there.
        NewerFormatError: written by a later version.
        DamagedLogError: a header, opening or seal is wrong, or a segment is missing.
    """
    return LogReader(directory, start=_needed(directory, window_ns))


def _needed(directory: Path, window_ns: int) -> Start | None:
    """Return where a start has to begin to read; None: at the log's beginning, or it cannot be told."""
    first, numbers = log_start(directory), segment_numbers(directory)
    newest = _front(directory, numbers[-1]) if first is not None and numbers else None
    if first is None or newest is None:
        return None
    known_n = _known_n(directory, newest)
    needed, found, at = True, newest, newest
    for number in range(numbers[-1], first.segment - 1, -1):
        front = at if number == at.start.segment else _front(directory, number)
        if front is None or (number < numbers[-1] and not _leads_to(directory, number, at)):
            return None
        at = front
        if needed or at.written_ns >= newest.written_ns - window_ns:
            found = at
        needed = needed and at.opening.session == newest.opening.session and at.opening.continued and at.before_n > known_n
    return found.start


def _known_n(directory: Path, newest: _Front) -> int:
    """Return the input of the newest session up to which its snapshots stand for the log."""
    session = decode_opening(newest.opening.message).session_id
    sound = [found.n for found in read_snapshots(directory, session_id=session) if isinstance(found, Snapshot)]
    return sound[:SNAPSHOTS_SURE][-1] if sound else NO_N


def _front(directory: Path, number: int) -> _Front | None:
    """Return how a segment begins; None: it is not there, or not sound."""
    try:
        with mapped(directory, number) as data:
            head = read_head(data, 0)
            if head is None or head.kind != BlockKind.OPENING or not payload_is_right(data, 0, head):
                return None
            opening = unpack_opening(payload_of(data, 0, head))
        written_ns = segment_path(directory, number).stat().st_mtime_ns
    except FileNotFoundError:
        return None
    return _Front(Start(number, head.first_entry, opening.previous_sha256), opening, head.last_n, written_ns)


def _leads_to(directory: Path, number: int, following: _Front) -> bool:
    """Tell whether a segment ends with its seal, where the next one begins."""
    with mapped(directory, number) as data:
        offset = _last_block(data)
        head = read_head(data, offset) if offset >= 0 else None
        if head is None or head.kind != BlockKind.SEAL or offset + head.bytes_total != len(data):
            return False
        return (head.segment, head.end_entry) == (number, following.start.first_entry) and payload_is_right(data, offset, head)


def _last_block(data: Bytes) -> int:
    """Return where the last sound header of a segment stands; -1: nowhere."""
    at = data.rfind(MAGIC)
    while at >= 0 and read_head(data, at) is None:
        at = data.rfind(MAGIC, 0, at)
    return at
