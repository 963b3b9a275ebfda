"""Write blocks into segments: place, checksum, write, rotate, seal. Knows files, not entries.

The writer hands over sealed-off payloads (`Piece`). After the first error of the disk the chain is finished:
what a failed fsync left behind is not known to anyone.
"""

import errno
import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tidegate.journal.errors import LogUnwritableError
from tidegate.journal.files import UNFINISHED_SUFFIX, segment_path
from tidegate.journal.layout import (
    FORMAT_VERSION,
    INDEX_PACKED,
    INDEX_ROW,
    NO_N,
    BlockKind,
    Head,
    Opening,
    Seal,
    SealReason,
    Start,
    pack_block,
    pack_opening,
    pack_seal,
    padded,
)

_SEAL_BYTES = 2 * 64 + 192  # head of a block, head of the seal, padding
_CLOSED = -1
_sync = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


class Piece(NamedTuple):
    """One block's payload and what its header says of it."""

    kind: BlockKind
    payload: bytes
    entries: int
    first_n: int
    last_n: int
    judged_to: int


class Totals(NamedTuple):
    """How much a session holds; -1 where nobody counted."""

    inputs: int = -1
    acts: int = -1
    evidence: int = -1
    state_sha256: str = ""


_UNCOUNTED = Totals()


class SegmentChain:
    """The open end of a log on disk."""

    def __init__(self, directory: Path, start: Start, *, opening: bytes, session: int, segment_bytes_max: int) -> None:
        """Begin a session in a new segment.

        Raises:
            LogUnwritableError: the disk refuses.
        """
        self._directory = directory
        self._opening = opening
        self._session = session
        self._segment_bytes_max = segment_bytes_max
        self._segment = start.segment
        self._entry = start.first_entry
        self._fd = _CLOSED
        self._last = Head(FORMAT_VERSION, BlockKind.OPENING, start.segment, 0, 0, 0, start.first_entry, NO_N, NO_N, NO_N)
        self._begin(start.previous_sha256, continued=False)

    def append(self, piece: Piece) -> None:
        """Write one block, in a new segment if this one is full.

        Raises:
            LogUnwritableError: the disk refuses.
        """
        assert self._fd != _CLOSED, "the log is closed, or the disk refused it before"
        seal_bytes = _SEAL_BYTES + padded(len(self._index) + 2 * INDEX_ROW.itemsize)
        needed = 64 + padded(len(piece.payload)) + seal_bytes
        if self._offset + needed > self._segment_bytes_max:
            self.rotate()
        self._write_piece(piece)

    @property
    def segment(self) -> int:
        """Return the number of the segment that is written to."""
        return self._segment

    def rotate(self) -> None:
        """Seal the segment, durably, and begin the next one; a segment that holds nothing but its opening stays.

        Raises:
            LogUnwritableError: the disk refuses.
        """
        if self._blocks > 1:
            previous_sha256 = self._seal(SealReason.ROTATED, _UNCOUNTED)
            self._segment += 1
            self._begin(previous_sha256, continued=True)

    def sync(self) -> None:
        """Make all that was written durable.

        A disk takes what is written to a file that has lost its name, and says nothing; no start would find it again.

        Raises:
            LogUnwritableError: the disk refuses, or the file is not in its place any more.
        """
        assert self._fd != _CLOSED, "the log is closed, or the disk refused it before"
        try:
            _sync(self._fd)
            in_place = stands_at(segment_path(self._directory, self._segment), os.fstat(self._fd))
        except OSError as error:
            raise self._finished(error) from error
        if not in_place:
            self.abandon()
            raise LogUnwritableError(
                f"The log {segment_path(self._directory, self._segment)} was removed or replaced while it was written; "
                "put it back if you can, find out who did it, and start again."
            )

    def close(self, totals: Totals) -> None:
        """Seal the last segment, durably.

        Raises:
            LogUnwritableError: the disk refuses.
        """
        self._seal(SealReason.CLOSED, totals)

    def abandon(self) -> None:
        """Close the file as it stands, unsealed."""
        if self._fd != _CLOSED:
            os.close(self._fd)
            self._fd = _CLOSED

    def _begin(self, previous_sha256: bytes, *, continued: bool) -> None:
        """Start a segment under another name and rename it: none without a whole opening ever exists."""
        payload = pack_opening(Opening(previous_sha256, self._session, continued, self._opening))
        entries, last_n = 0 if continued else 1, self._last.last_n
        path = segment_path(self._directory, self._segment)
        unfinished = path.with_suffix(UNFINISHED_SUFFIX)
        self._offset = 0
        self._blocks = 0
        self._index = bytearray()  # an INDEX_ROW for each block, for the seal
        self._sha256 = hashlib.sha256()
        try:
            self._fd = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            self._write_piece(Piece(BlockKind.OPENING, payload, entries, last_n, last_n, self._last.judged_to))
            _sync(self._fd)
            if path.exists():  # another trader has taken the log over while this one slept
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
            unfinished.rename(path)
            sync_directory(self._directory)
        except OSError as error:
            raise self._finished(error) from error

    def _write_piece(self, piece: Piece) -> None:
        head = Head(
            version=FORMAT_VERSION,
            kind=piece.kind,
            segment=self._segment,
            block=self._blocks,
            length=len(piece.payload),
            entries=piece.entries,
            first_entry=self._entry,
            first_n=piece.first_n,
            last_n=piece.last_n,
            judged_to=piece.judged_to,
        )
        self._write_block(pack_block(head, piece.payload))
        self._index += INDEX_PACKED.pack(self._offset, head.kind, head.entries, head.first_entry, head.first_n, head.last_n)
        self._blocks += 1
        self._offset += head.bytes_total
        self._entry += head.entries
        self._last = head

    def _write_block(self, block: bytes) -> None:
        try:
            write_all(self._fd, block)
        except OSError as error:
            raise self._finished(error) from error
        self._sha256.update(block)

    def _seal(self, reason: SealReason, totals: Totals) -> bytes:
        """Write the seal, make it durable, close the file; return the SHA-256 of the file."""
        assert self._fd != _CLOSED, "the log is closed, or the disk refused it before"
        rows = np.frombuffer(bytes(self._index), INDEX_ROW)
        self._write_block(seal_block(self._sha256.digest(), reason, rows, self._last, totals))
        self.sync()
        self.abandon()
        return self._sha256.digest()

    def _finished(self, error: OSError) -> LogUnwritableError:
        """Take a half-written block away and stop for good; if even that fails, the next start cuts it."""
        path = segment_path(self._directory, self._segment)
        if self._fd != _CLOSED:
            with suppress(OSError):
                os.ftruncate(self._fd, self._offset)
            self.abandon()
        return LogUnwritableError(
            f"The log {path} cannot be written ({error.strerror}); free space or mend the disk and start "
            "again; what stands in the log is whole."
        )


def seal_block(sha256: bytes, reason: SealReason, rows: NDArray[np.void], last: Head, totals: Totals = _UNCOUNTED) -> bytes:
    """Return the whole SEAL block of a segment whose blocks are `rows`, INDEX_ROW each, and whose newest header is `last`."""
    first_entry = int(rows[0]["first_entry"])
    seal = Seal(
        sha256=sha256,
        reason=reason,
        entries=last.end_entry - first_entry,
        first_entry=first_entry,
        inputs=totals.inputs,
        acts=totals.acts,
        evidence=totals.evidence,
        state_sha256=totals.state_sha256,
        rows=rows,
    )
    payload = pack_seal(seal)
    head = last._replace(
        kind=BlockKind.SEAL,
        block=len(rows),
        length=len(payload),
        entries=0,
        first_entry=last.end_entry,
        first_n=last.last_n,
        payload_crc=0,
    )
    return pack_block(head, payload)


def stands_at(path: Path, opened: os.stat_result) -> bool:
    """Tell whether a path still leads to the file that was opened there."""
    try:
        return os.path.samestat(path.stat(), opened)
    except (FileNotFoundError, NotADirectoryError):
        return False


def write_all(fd: int, data: bytes) -> None:
    """Write all bytes, however few the system takes at a time."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def sync_directory(directory: Path) -> None:
    """Make names in a directory durable."""
    fd = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
