"""The bytes of the golden log. This file alone knows offsets; `docs/golden-log.md` shows the same to people.

A log is a directory of segments `000000.seg`, `000001.seg`, ... A segment is a row of blocks: one OPENING,
then ENTRIES and RECORDS, then, when it is finished, one SEAL. All numbers are little-endian.

Block = header (64 bytes), payload, zeros up to the next multiple of 64. So every payload starts on a multiple
of 64 and market records can be mapped into the kernel where they lie.

| at | bytes | header field                                                                  |
|----|-------|-------------------------------------------------------------------------------|
| 0  | 4     | magic `TGLB`                                                                  |
| 4  | 2     | format version                                                                |
| 6  | 2     | block kind: 1 OPENING, 2 ENTRIES, 3 RECORDS, 4 SEAL                           |
| 8  | 4     | number of the segment                                                         |
| 12 | 4     | number of the block in its segment                                            |
| 16 | 4     | payload length, without padding                                               |
| 20 | 4     | number of entries in the payload (a record is an entry)                       |
| 24 | 8     | number of the first entry; entries are numbered through the whole log from 0  |
| 32 | 8     | first n in the payload; the last one before it where the payload holds none   |
| 40 | 8     | last n in the payload; likewise                                               |
| 48 | 8     | judged to: every act of every input up to this n stands at or before here; -1 |
| 56 | 4     | CRC32C of payload and padding                                                 |
| 60 | 4     | CRC32C of bytes 0 to 59                                                       |

Magic, version and the header's own CRC stay at these places in every future version, so that an old program
can say "newer" instead of "damaged".

OPENING payload: 32 bytes SHA-256 of the whole file of the segment before this one (zeros for the first), u32
session number, u32 1 if this segment only continues the session and 0 if it begins it, then the msgpack bytes
of SessionOpened. Every segment repeats its session's opening, so that it explains itself alone; only the one
that begins the session counts as an entry.

ENTRIES payload: entries one after the other, each a 20-byte frame (u32 length, u16 kind, u16 zero, i64 n, i32
k) and its bytes. INPUT and ACT hold a message; EVIDENCE a venue's raw bytes (n is the last input's, for
orientation only); SPAN holds an i64 count: inputs n, n+1, ... are the next `count` records of the session's
merged tapes; JUDGED holds nothing and exists only to carry a mark in the header when nothing else is to be
written.

RECORDS payload: market records of 64 bytes; the first is input `first n`, the others follow one by one.

SEAL payload: see `Seal`; 144 bytes and a 40-byte index row for each block before it. It is the last block of
its file.

A log whose oldest segments were dropped on purpose has a file `dropped` that says where it now begins, see
`Start`; a log that begins later without it has lost segments.
"""

from enum import IntEnum
from mmap import mmap
from struct import Struct
from typing import Final, NamedTuple

import google_crc32c
import msgspec
import numpy as np
from numpy.typing import NDArray

Bytes = bytes | mmap

FORMAT_VERSION: Final = 1
MAGIC: Final = b"TGLB"
START_MAGIC: Final = b"TGLD"
ALIGNMENT: Final = 64
HEADER_BYTES: Final = 64
NO_N: Final = -1  # no input yet, nothing judged yet

FRAME: Final = Struct("<IHHqi")
SPAN_COUNT: Final = Struct("<q")
OPENING_HEAD: Final = Struct("<32sII")
INDEX_ROW: Final = np.dtype(
    [
        ("offset", "<i8"),
        ("kind", "<u4"),
        ("count", "<u4"),
        ("first_entry", "<i8"),
        ("first_n", "<i8"),
        ("last_n", "<i8"),
    ]
)

INDEX_PACKED: Final = Struct("<qIIqqq")  # one INDEX_ROW

_HEADER: Final = Struct("<4sHHIIIIqqqqI")
_CRC: Final = Struct("<I")
_START: Final = Struct("<4sHHIIq32s")
_SEAL_HEAD: Final = Struct("<32sIIqqqqq64s")


class BlockKind(IntEnum):
    """What a block holds."""

    OPENING = 1
    ENTRIES = 2
    RECORDS = 3
    SEAL = 4


class EntryKind(IntEnum):
    """What an entry is. OPENING and RECORDS have blocks of their own and never appear in a frame."""

    OPENING = 1
    INPUT = 2
    ACT = 3
    EVIDENCE = 4
    SPAN = 5
    JUDGED = 6
    RECORDS = 7


class SealReason(IntEnum):
    """Why a segment ended."""

    ROTATED = 1  # it was full; the session goes on in the next
    CLOSED = 2  # the session ended and said so
    CRASHED = 3  # sealed by the start after a crash


class Damage(msgspec.Struct, frozen=True, kw_only=True):
    """Where a log is damaged, and which entries that touches.

    Damage to a seal, or to an opening that a later segment repeats, touches the whole segment. torn: only the
    end of the newest, unsealed segment is incomplete, as a crash leaves it; `recover` cuts it off.
    """

    segment: int
    block: int
    first_entry: int
    last_entry: int
    what: str
    torn: bool = False


class Head(NamedTuple):
    """A block's header without magic and checksums of itself."""

    version: int
    kind: int
    segment: int
    block: int
    length: int
    entries: int
    first_entry: int
    first_n: int
    last_n: int
    judged_to: int
    payload_crc: int = 0

    @property
    def end_entry(self) -> int:
        """Return the number of the first entry after this block."""
        return self.first_entry + self.entries

    @property
    def bytes_total(self) -> int:
        """Return how long the block is in the file."""
        return HEADER_BYTES + padded(self.length)


class Opening(NamedTuple):
    """An OPENING payload."""

    previous_sha256: bytes
    session: int
    continued: bool
    message: bytes


class Seal(NamedTuple):
    """A SEAL payload.

    32 bytes hash, u32 reason, u32 rows, i64 entries, first entry, inputs, acts, evidence, 64 bytes state,
    then the rows.
    `sha256` covers all bytes of the segment before the seal. inputs, acts and evidence count the whole
    session and are -1 unless the reason is CLOSED. `state_sha256` is hex, empty if not given.
    """

    sha256: bytes
    reason: SealReason
    entries: int
    first_entry: int
    inputs: int
    acts: int
    evidence: int
    state_sha256: str
    rows: NDArray[np.void]  # the index: one INDEX_ROW for each block before the seal


class Start(NamedTuple):
    """Where a log begins.

    The file `dropped` holds: magic `TGLD`, u16 version, u16 zero, u32 segment, u32 zero, i64
    first entry, 32 bytes SHA-256 of the last dropped segment, u32 CRC32C of all before it.
    """

    segment: int = 0
    first_entry: int = 0
    previous_sha256: bytes = bytes(32)


def padded(length: int) -> int:
    """Return the next multiple of the alignment."""
    return -(-length // ALIGNMENT) * ALIGNMENT


def pack_block(head: Head, payload: bytes) -> bytes:
    """Return the whole block: header with both checksums, payload, padding."""
    assert len(payload) == head.length
    body = payload + bytes(padded(head.length) - head.length)
    front = _HEADER.pack(MAGIC, *head[:-1], google_crc32c.value(body))
    return front + _CRC.pack(google_crc32c.value(front)) + body


def read_head(data: Bytes, offset: int) -> Head | None:
    """Return the header at an offset, or None if no whole header with a right checksum stands there."""
    raw = data[offset : offset + HEADER_BYTES]
    if len(raw) < HEADER_BYTES or raw[:4] != MAGIC:
        return None
    crc_right = _CRC.unpack_from(raw, 60)[0] == google_crc32c.value(raw[:60])
    return Head(*_HEADER.unpack_from(raw)[1:]) if crc_right else None


def payload_is_right(data: Bytes, offset: int, head: Head) -> bool:
    """Say whether payload and padding of the block at an offset have the checksum of its header."""
    body = data[offset + HEADER_BYTES : offset + head.bytes_total]
    return len(body) == padded(head.length) and google_crc32c.value(body) == head.payload_crc


def payload_of(data: Bytes, offset: int, head: Head) -> bytes:
    """Return a copy of the payload of the block at an offset."""
    return data[offset + HEADER_BYTES : offset + HEADER_BYTES + head.length]


def pack_opening(opening: Opening) -> bytes:
    """Return an OPENING payload."""
    return OPENING_HEAD.pack(opening.previous_sha256, opening.session, opening.continued) + opening.message


def unpack_opening(payload: bytes) -> Opening:
    """Read an OPENING payload whose checksum was right."""
    previous, session, continued = OPENING_HEAD.unpack_from(payload)
    return Opening(previous, session, bool(continued), payload[OPENING_HEAD.size :])


def pack_seal(seal: Seal) -> bytes:
    """Return a SEAL payload."""
    counts = (seal.entries, seal.first_entry, seal.inputs, seal.acts, seal.evidence)
    state = seal.state_sha256.encode("ascii")
    assert len(state) in {0, 64}, "a state hash is 64 hexadecimal digits"
    return _SEAL_HEAD.pack(seal.sha256, seal.reason, len(seal.rows), *counts, state) + seal.rows.tobytes()


def unpack_seal(payload: bytes) -> Seal:
    """Read a SEAL payload whose checksum was right."""
    sha256, reason, count, entries, first_entry, inputs, acts, evidence, state = _SEAL_HEAD.unpack_from(payload)
    rows = np.frombuffer(payload, INDEX_ROW, count=count, offset=_SEAL_HEAD.size)
    state_sha256 = state.rstrip(b"\0").decode("ascii")
    return Seal(sha256, SealReason(reason), entries, first_entry, inputs, acts, evidence, state_sha256, rows)


def pack_start(start: Start) -> bytes:
    """Return the bytes of the file `dropped`."""
    body = _START.pack(START_MAGIC, FORMAT_VERSION, 0, start.segment, 0, start.first_entry, start.previous_sha256)
    return body + _CRC.pack(google_crc32c.value(body))


def unpack_start(data: bytes) -> Start | None:
    """Read the file `dropped`; None if it is damaged."""
    body, crc = data[: _START.size], data[_START.size :]
    if len(crc) != _CRC.size or _CRC.unpack(crc)[0] != google_crc32c.value(body):
        return None
    _, _, _, segment, _, first_entry, sha256 = _START.unpack(body)
    return Start(segment, first_entry, sha256)
