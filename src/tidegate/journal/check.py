"""`check`: find and locate a changed, missing or moved byte anywhere in a log. Reads only.

Every byte is under a CRC32C; over that, each seal holds the SHA-256 of its segment and each opening that of
the segment before, so that a segment swapped for another sound one is found too. What it cannot see is the
loss of whole newest segments: that is told by comparing with a place outside the log.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tidegate.journal.files import START_DAMAGED, log_start, mapped, require_segments
from tidegate.journal.layout import BlockKind, Bytes, Damage, Start, payload_is_right, payload_of, read_head, unpack_opening
from tidegate.journal.scan import UNSEALED, Scan, damage_at, scan_segment, whole_segment

_CHUNK_BYTES = 1 << 20


class Checked(NamedTuple):
    """One segment, what is wrong with it, if anything, and the SHA-256 of its file if it is sealed."""

    scan: Scan
    damage: Damage | None
    sha256: bytes


def check(directory: Path) -> Damage | None:
    """Return the first damage of a log, or None if every byte is as it was written.

    Raises:
        NotALogError: no log is there.
        NewerFormatError: written by a later version.
    """
    return next((checked.damage for checked in check_segments(directory) if checked.damage), None)


def check_segments(directory: Path, *, newest: int | None = None) -> Iterator[Checked]:
    """Yield every segment in order up to and including the first damaged one; with `newest`, the last so many alone.

    Raises:
        NotALogError: no log is there.
        NewerFormatError: written by a later version.
    """
    numbers = require_segments(directory)
    start = log_start(directory)
    if start is None:
        yield _missing(numbers[0], 0, what=START_DAMAGED)
        return
    if newest is not None and numbers[-1] - newest >= start.segment:
        start = start_at(directory, numbers[-1] - newest + 1) or start
    for number in range(start.segment, numbers[-1] + 1):
        if number not in numbers:
            yield _missing(number, start.first_entry, what="the segment's file is missing")
            return
        last = number == numbers[-1]
        next_entry = None if last else _first_entry(directory, number + 1)
        with mapped(directory, number) as data:
            checked = _checked(data, start, newest=last, next_entry=next_entry)
        yield checked
        if checked.damage:
            return
        start = Start(number + 1, checked.scan.end_entry, checked.sha256)


def file_digest(data: Bytes, length: int) -> "hashlib._Hash":
    """Return the running SHA-256 over the first `length` bytes, read in pieces."""
    digest = hashlib.sha256()
    for at in range(0, length, _CHUNK_BYTES):
        digest.update(data[at : min(length, at + _CHUNK_BYTES)])
    return digest


def _missing(number: int, first_entry: int, *, what: str) -> Checked:
    damage = Damage(segment=number, block=0, first_entry=first_entry, last_entry=first_entry, what=what)
    return Checked(scan_segment(b"", number, first_entry=first_entry, payloads=False), damage, b"")


def start_at(directory: Path, number: int) -> Start | None:
    """Return where a segment begins and what it says of the file before it; None if its opening is not sound."""
    try:
        with mapped(directory, number) as data:
            head = read_head(data, 0)
            if head is None or head.kind != BlockKind.OPENING or not payload_is_right(data, 0, head):
                return None
            return Start(number, head.first_entry, unpack_opening(payload_of(data, 0, head)).previous_sha256)
    except FileNotFoundError:
        return None


def _first_entry(directory: Path, number: int) -> int | None:
    """Return what a segment says its first entry is; None if it cannot be asked."""
    try:
        with mapped(directory, number) as data:
            head = read_head(data, 0)
    except FileNotFoundError:
        return None
    return None if head is None else head.first_entry


def _checked(data: Bytes, start: Start, *, newest: bool, next_entry: int | None) -> Checked:
    """Check one segment against itself and against the end of the one before."""
    scan = scan_segment(data, start.segment, first_entry=start.first_entry, payloads=True)
    if scan.spot is not None:
        return Checked(scan, damage_at(data, scan, newest=newest, next_entry=next_entry), b"")
    assert scan.opening is not None, "a segment without a wrong spot begins with its opening"
    if scan.opening.previous_sha256 != start.previous_sha256:
        foreign = whole_segment(scan, block=0, what="it does not continue the segment before it")
        return Checked(scan, foreign, b"")
    if scan.seal is None:
        unsealed = whole_segment(scan, block=len(scan.blocks), what=UNSEALED)
        return Checked(scan, None if newest else unsealed, b"")
    sealed_bytes = scan.blocks[-1].offset
    digest = file_digest(data, sealed_bytes)
    if digest.digest() != scan.seal.sha256:
        changed = whole_segment(scan, block=len(scan.blocks) - 1, what="the segment is not the one that was sealed")
        return Checked(scan, changed, b"")
    digest.update(data[sealed_bytes:])
    return Checked(scan, None, digest.digest())
