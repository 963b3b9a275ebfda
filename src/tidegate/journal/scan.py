"""Walk one segment from its first byte, stop at the first wrong one, and say which entries that touches.

A checksum finds a wrong byte; to name the entries in a block whose own header is wrong, its neighbors and the
seal's index are asked: entries are numbered without gaps, so what lies between two good blocks is known.
"""

from typing import NamedTuple

import msgspec

from tidegate.journal.errors import NewerFormatError
from tidegate.journal.layout import (
    ALIGNMENT,
    FORMAT_VERSION,
    HEADER_BYTES,
    MAGIC,
    BlockKind,
    Bytes,
    Damage,
    Head,
    Opening,
    Seal,
    payload_is_right,
    payload_of,
    read_head,
    unpack_opening,
    unpack_seal,
)

UNSEALED = "it ends without a seal though a later segment follows"

_KINDS = frozenset(BlockKind)
_SECTOR_BYTES = 512  # what a disk writes whole


class Placed(NamedTuple):
    """A block and where it stands in its file."""

    offset: int
    head: Head


class Spot(NamedTuple):
    """The first wrong place of a segment. `head` is there if the header itself is right."""

    offset: int
    head: Head | None
    what: str


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """The good blocks of a segment from its start, and what came after them."""

    number: int
    blocks: tuple[Placed, ...]
    opening: Opening | None
    seal: Seal | None
    spot: Spot | None
    first_entry: int  # number of the entry that should come first
    size: int

    @property
    def end_entry(self) -> int:
        """Return the number of the first entry after the good blocks."""
        return self.blocks[-1].head.end_entry if self.blocks else self.first_entry

    @property
    def end_offset(self) -> int:
        """Return where the good blocks end."""
        return self.blocks[-1].offset + self.blocks[-1].head.bytes_total if self.blocks else 0


def scan_segment(data: Bytes, number: int, *, first_entry: int, payloads: bool) -> Scan:
    """Walk a segment.

    Without `payloads` only headers, the opening, the seal and an unsealed last block are checksummed.

    Raises:
        NewerFormatError: a sound header of a later version.
    """
    blocks: list[Placed] = []
    spot: Spot | None = None
    offset, entry = 0, first_entry
    while offset < len(data) or not blocks:
        head = read_head(data, offset)
        what = _wrong(data, offset, head, Head(0, 0, number, len(blocks), 0, 0, entry, 0, 0, 0))
        if not what and head is not None and (payloads or _always_checked(data, offset, head)):
            what = "" if payload_is_right(data, offset, head) else "the checksum of its payload does not match"
        if what or head is None:
            spot = Spot(offset, head, what)
            break
        blocks.append(Placed(offset, head))
        offset += head.bytes_total
        entry = head.end_entry
    last = blocks[-1] if blocks else None
    sealed = last is not None and last.head.kind == BlockKind.SEAL
    return Scan(
        number=number,
        blocks=tuple(blocks),
        opening=unpack_opening(payload_of(data, *blocks[0])) if blocks else None,
        seal=unpack_seal(payload_of(data, *last)) if last is not None and sealed else None,
        spot=spot,
        first_entry=first_entry,
        size=len(data),
    )


def damage_at(data: Bytes, scan: Scan, *, newest: bool, next_entry: int | None = None) -> Damage:
    """Return the damage at the scan's wrong spot: block, entry range, and whether a crash explains it.

    `next_entry` is the first entry of the next segment, if there is one that says so.
    """
    assert scan.spot is not None
    later = _heads_after(data, scan.spot.offset + ALIGNMENT, scan.number)
    first, last = _entry_range(data, scan, later, next_entry)
    torn = newest and scan.seal is None and not later and _is_torn(data, scan.spot)
    return Damage(
        segment=scan.number,
        block=len(scan.blocks),
        first_entry=first,
        last_entry=last,
        what=scan.spot.what,
        torn=torn,
    )


def whole_segment(scan: Scan, *, block: int, what: str) -> Damage:
    """Return damage that touches every entry of a segment whose blocks are each sound."""
    first = scan.blocks[0].head.first_entry
    return Damage(
        segment=scan.number,
        block=block,
        first_entry=first,
        last_entry=max(first, scan.end_entry - 1),
        what=what,
    )


def _wrong(data: Bytes, offset: int, head: Head | None, expected: Head) -> str:
    """What is wrong with a header, payload aside; empty if nothing is."""
    if head is None:
        return "its header is cut off" if len(data) - offset < HEADER_BYTES else "its header is wrong"
    if head.version > FORMAT_VERSION:
        raise NewerFormatError(
            f"Segment {expected.segment} is of log format {head.version} and this tidegate reads up to "
            f"{FORMAT_VERSION}; upgrade tidegate to read this log."
        )
    place = (head.segment, head.block, head.first_entry)
    end = offset + head.bytes_total
    opens = head.kind == BlockKind.OPENING
    if place != (expected.segment, expected.block, expected.first_entry) or opens != (head.block == 0):
        return "a block of another place stands here"
    if head.kind not in _KINDS:
        return "its kind is unknown"
    if end > len(data):
        return "it is cut off"
    if head.kind == BlockKind.SEAL and end != len(data):
        return "bytes follow the seal"
    return ""


def _always_checked(data: Bytes, offset: int, head: Head) -> bool:
    return head.kind in {BlockKind.OPENING, BlockKind.SEAL} or offset + head.bytes_total == len(data)


def _heads_after(data: Bytes, start: int, segment: int) -> list[Placed]:
    """Find every sound block of this segment at or after an offset."""
    found: list[Placed] = []
    position = data.find(MAGIC, start)
    while position >= 0:
        head = read_head(data, position) if position % ALIGNMENT == 0 else None
        step = 1
        if head is not None and head.segment == segment:
            found.append(Placed(position, head))
            step = head.bytes_total
        position = data.find(MAGIC, position + step)
    return found


def _entry_range(data: Bytes, scan: Scan, later: list[Placed], next_entry: int | None) -> tuple[int, int]:
    """Which entries the wrong block vouched for: its own; those of the segment for a block without any."""
    assert scan.spot is not None
    block, first = len(scan.blocks), scan.end_entry
    head = scan.spot.head or _mended_head(data, scan.spot.offset)
    if head is not None and (head.segment, head.block, head.first_entry) == (scan.number, block, first):
        count = head.entries
    elif later:
        count = _count_by_neighbors(data, block, first, later)
    else:
        count = 1 if next_entry is None else next_entry - first
    if count > 0:
        return first, first + count - 1
    start = scan.blocks[0].head.first_entry if scan.blocks else first
    end = max([first, *(placed.head.end_entry for placed in later)])
    return start, max(start, end - 1)


def _mended_head(data: Bytes, offset: int) -> Head | None:
    """Return what a header said before one of its bits flipped; None if more than that happened."""
    raw = int.from_bytes(data[offset : offset + HEADER_BYTES])
    for bit in range(HEADER_BYTES * 8):
        head = read_head((raw ^ (1 << bit)).to_bytes(HEADER_BYTES), 0)
        if head is not None:
            return head
    return None


def _count_by_neighbors(data: Bytes, block: int, first: int, later: list[Placed]) -> int:
    offset, head = later[-1]
    if head.kind == BlockKind.SEAL and payload_is_right(data, offset, head):
        rows = unpack_seal(payload_of(data, offset, head)).rows
        return int(rows["count"][block]) if block < len(rows) else 0
    return later[0].head.first_entry - first


def _is_torn(data: Bytes, spot: Spot) -> bool:
    """Say whether a crash explains the spot: bytes are missing, or sectors never written read as zeros."""
    end = len(data) if spot.head is None else spot.offset + spot.head.bytes_total
    if end > len(data) or len(data) - spot.offset < HEADER_BYTES:
        return True
    start = spot.offset
    while start < end:
        stop = min(end, (start // _SECTOR_BYTES + 1) * _SECTOR_BYTES)
        if not any(data[start:stop]):
            return True
        start = stop
    return False
