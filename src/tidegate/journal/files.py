"""Names and bytes of segment files on disk. Reads only."""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tidegate.journal.errors import NotALogError
from tidegate.journal.layout import Bytes, Start, unpack_start

SEGMENT_SUFFIX = ".seg"
UNFINISHED_SUFFIX = ".tmp"  # a file that is not yet, and by its name never was, part of the log
START_NAME = "dropped"
START_DAMAGED = f"the file {START_NAME!r}, which says where the log begins, is damaged"


def segment_path(directory: Path, number: int) -> Path:
    """Return the file of a segment."""
    return directory / f"{number:06d}{SEGMENT_SUFFIX}"


def segment_numbers(directory: Path) -> list[int]:
    """Return the numbers of the segments present, ascending; empty if there are none or no directory."""
    if not directory.is_dir():
        return []
    return sorted(int(path.stem) for path in directory.glob("*" + SEGMENT_SUFFIX) if path.stem.isdigit())


def require_segments(directory: Path) -> list[int]:
    """Return the numbers of the segments present.

    Raises:
        NotALogError: there are none.
    """
    numbers = segment_numbers(directory)
    if not numbers:
        raise NotALogError(f"{directory} holds no golden log (no *{SEGMENT_SUFFIX} file); name the directory given to --log.")
    return numbers


def log_start(directory: Path) -> Start | None:
    """Return where the log begins; None if the note that says so is damaged."""
    try:
        return unpack_start((directory / START_NAME).read_bytes())
    except FileNotFoundError:
        return Start()


def map_segment(directory: Path, number: int) -> Bytes:
    """Return a segment's bytes, mapped read-only (an empty file cannot be mapped and gives no bytes)."""
    with segment_path(directory, number).open("rb") as file:
        if not file.seek(0, 2):
            return b""
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


@contextmanager
def mapped(directory: Path, number: int) -> Iterator[Bytes]:
    """Map a segment for the length of a block of code."""
    data = map_segment(directory, number)
    try:
        yield data
    finally:
        if isinstance(data, mmap.mmap):
            data.close()
