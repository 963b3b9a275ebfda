"""Heads outside the database: a file of one signed head a line, appended and forced to the disk, on another disk perhaps."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple, final

import msgspec

from tidegate.journal.audit.heads import Head
from tidegate.values.errors import ExitCode, TidegateError

ANCHORS_NAME: Final = "anchors.jsonl"
LINE_MAX: Final = 4_096  # bytes; a head takes some 450
_TAIL_BYTES: Final = 65_536


class AnchorsUnwritableError(TidegateError):
    """The file of anchors refuses a head. Trading goes on; the head is tried again."""

    exit_code = ExitCode.ENVIRONMENT


class AnchorsUnreadableError(TidegateError):
    """The file of anchors is there and cannot be read."""

    exit_code = ExitCode.ENVIRONMENT


class AnchorLine(NamedTuple):
    """One line: its number from 1, the offset of its first byte, and its head; None: it is not a head as we write them."""

    number: int
    offset: int
    head: Head | None
    is_torn: bool  # the last one, without its end: the machine went down in the middle of it


@final
class Anchors:
    """The file as its one writer sees it."""

    def __init__(self, path: Path) -> None:
        self.path: Final = path
        self._checked = False

    def append(self, head: Head) -> None:
        """Add a head; return when the disk has it. A line that was torn by a crash is taken away first.

        Raises:
            AnchorsUnwritableError: the disk refuses.
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            is_new = not self.path.exists()
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                end = _whole_bytes(handle)
                os.ftruncate(handle, end)
                os.pwrite(handle, _line(head), end)
                os.fsync(handle)
            finally:
                os.close(handle)
            if is_new:
                _sync_folder(self.path.parent)
        except OSError as error:
            raise AnchorsUnwritableError(
                f"The anchors {self.path} cannot be written ({error.strerror}); make room or give the right, or name another file."
            ) from error


def anchor_lines(path: Path, *, from_byte: int = 0) -> Iterator[AnchorLine]:
    """Yield the lines of a file; nothing if there is none. from_byte: begin with the first whole line after it, as number 1.

    Raises:
        AnchorsUnreadableError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            file.seek(from_byte)
            offset, number = from_byte + (len(file.readline()) if from_byte else 0), 0
            while line := file.readline(LINE_MAX):
                number += 1
                yield AnchorLine(number, offset, _head(line), is_torn=not line.endswith(b"\n") and len(line) < LINE_MAX)
                offset += len(line)
    except FileNotFoundError:
        return
    except OSError as error:
        raise AnchorsUnreadableError(f"The anchors {path} cannot be read ({error.strerror}); give this user the right.") from error


def last_anchor(path: Path, account: str) -> Head | None:
    """Return the newest head of an account; None: there is none.

    Raises:
        AnchorsUnreadableError: the file cannot be read.
    """
    size = path.stat().st_size if path.exists() else 0
    for from_byte in (max(0, size - _TAIL_BYTES), 0):  # nearly always it is one of the last
        newest = None
        for line in anchor_lines(path, from_byte=from_byte):
            if line.head is not None and line.head.account == account:
                newest = line.head
        if newest is not None:
            return newest
    return None


def _line(head: Head) -> bytes:
    return msgspec.json.encode(head, order="sorted") + b"\n"


def _head(line: bytes) -> Head | None:
    try:
        head = msgspec.json.decode(line, type=Head)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return head if _line(head) == line else None


def _whole_bytes(handle: int) -> int:
    """Return how many bytes whole lines take."""
    size = os.fstat(handle).st_size
    tail = os.pread(handle, LINE_MAX, max(0, size - LINE_MAX))
    return size if tail.endswith(b"\n") or not size else size - len(tail) + tail.rfind(b"\n") + 1


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
