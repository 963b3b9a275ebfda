"""Make a log whole again after a crash: cut what was half written, seal what was left open.

Only the end of the newest segment may be cut, and only if a crash explains it (bytes missing, or sectors
never written). Everything else is damage: it is named and left alone.

A segment that was left open gets a new file in place of the old one: a writer that was only asleep, and wakes after another
has taken over, still holds the old file, and what it writes is no part of the log any more.
"""

import os
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from tidegate.journal.chain import seal_block, sync_directory, write_all
from tidegate.journal.check import Checked, check_segments, file_digest
from tidegate.journal.errors import DamagedLogError, LogUnwritableError
from tidegate.journal.files import UNFINISHED_SUFFIX, mapped, segment_path
from tidegate.journal.layout import INDEX_ROW, SealReason, Start
from tidegate.journal.scan import Scan


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """What recovery did. `last_entry`: the last one kept; `sealed`: the newest session had ended properly."""

    cut_bytes: int
    segment: int
    last_entry: int
    sealed: bool
    what: str  # what was cut, in words; empty if nothing was


_COPY_BYTES: Final = 1 << 20
NEWEST: Final = 2  # segments that a start looks through; where nothing of the last is whole, the one before is the end


def recover(directory: Path, *, whole: bool = True) -> Recovery:
    """Keep all whole blocks of a log, cut a half-written end, and say what was cut.

    Without `whole` only the newest segments are looked through, so that a start takes no longer the longer the log is.

    Raises:
        NotALogError: no log is there.
        NewerFormatError: written by a later version.
        DamagedLogError: damage that no crash explains; nothing was touched.
        LogUnwritableError: the file cannot be shortened.
    """
    return _recover(directory, newest=None if whole else NEWEST)[0]


def end_of_log(directory: Path) -> tuple[Start, int]:
    """Recover a log's newest segments, seal its open end; return where the next segment begins and the next session's number.

    Raises:
        The same as `recover`.
    """
    _, checked = _recover(directory, newest=NEWEST)
    scan = checked.scan
    assert scan.opening is not None
    sha256 = checked.sha256 or _seal(directory, scan)
    return Start(scan.number + 1, scan.end_entry, sha256), scan.opening.session + 1


def _recover(directory: Path, *, newest: int | None) -> tuple[Recovery, Checked]:
    segments = list(check_segments(directory, newest=newest))
    for unfinished in directory.glob("*" + UNFINISHED_SUFFIX):
        unfinished.unlink()  # never was part of the log
    last = segments[-1]
    cut_bytes, what = 0, ""
    if last.damage is not None:
        nothing_stays = len(segments) == 1 and not last.scan.blocks
        if nothing_stays or not last.damage.torn:
            raise DamagedLogError(directory, last.damage)
        cut_bytes = last.scan.size - last.scan.end_offset
        what = f"block {last.damage.block} of segment {last.scan.number}: {last.damage.what}"
    if last.scan.seal is None:
        _take_over(segment_path(directory, last.scan.number), last.scan.end_offset)
        last = last if last.scan.blocks else segments[-2]
    seal = last.scan.seal
    recovery = Recovery(
        cut_bytes=cut_bytes,
        segment=last.scan.number,
        last_entry=last.scan.end_entry - 1,
        sealed=seal is not None and seal.reason == SealReason.CLOSED,
        what=what,
    )
    return recovery, last


def _take_over(path: Path, length: int) -> None:
    """Put a copy of a file's beginning in its place, durably; a file of which nothing stays is removed."""
    unfinished = path.with_suffix(UNFINISHED_SUFFIX)
    try:
        if not length:
            path.unlink()
        else:
            with path.open("rb") as old, unfinished.open("wb") as new:
                os.fchmod(new.fileno(), 0o600)
                while length and (part := old.read(min(length, _COPY_BYTES))):
                    new.write(part)
                    length -= len(part)
                new.flush()
                os.fsync(new.fileno())
            unfinished.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise LogUnwritableError(f"The open end of {path} cannot be taken over ({error.strerror}); free space or mend the disk.") from error


def _seal(directory: Path, scan: Scan) -> bytes:
    """Seal an open segment in the name of the session that crashed; return the SHA-256 of the file."""
    path = segment_path(directory, scan.number)
    with mapped(directory, scan.number) as data:
        digest = file_digest(data, scan.end_offset)
    rows = [(offset, h.kind, h.entries, h.first_entry, h.first_n, h.last_n) for offset, h in scan.blocks]
    block = seal_block(digest.digest(), SealReason.CRASHED, np.array(rows, INDEX_ROW), scan.blocks[-1].head)
    try:
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            write_all(fd, block)
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise LogUnwritableError(f"The log {path} cannot be sealed ({error.strerror}); free space or mend the disk.") from error
    digest.update(block)
    return digest.digest()
