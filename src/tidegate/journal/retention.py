"""Let the oldest segments of a log go, on purpose and on record.

The note of where the log now begins is written before anything is deleted, so that a crash in between leaves
a log that is whole and a few files it no longer counts as its own.
"""

import os
from pathlib import Path

from tidegate.journal.chain import sync_directory, write_all
from tidegate.journal.check import check, file_digest, start_at
from tidegate.journal.errors import DamagedLogError, LogUnwritableError
from tidegate.journal.files import START_NAME, UNFINISHED_SUFFIX, log_start, mapped, segment_numbers, segment_path
from tidegate.journal.layout import Damage, Start, pack_start


def drop_before(directory: Path, number: int) -> list[int]:
    """Delete the segments before one of a log that may be being written; return their numbers.

    Every segment repeats its session's opening, so that what stays explains itself. Each that goes must still have the hash that
    the one after it was begun with, since a damaged log is evidence: a sum over the file, so that the writer beside is not held up.

    Raises:
        DamagedLogError: one of them is damaged.
        LogUnwritableError: the disk refuses.
    """
    start, first_kept = log_start(directory), None
    if start is None:
        raise DamagedLogError(directory, _first_damage(directory))
    for at in range(start.segment, number):
        first_kept = start_at(directory, at + 1)
        if first_kept is None or _sha256(directory, at) != first_kept.previous_sha256:
            raise DamagedLogError(directory, _first_damage(directory))
    return _drop(directory, first_kept)


def _sha256(directory: Path, number: int) -> bytes:
    try:
        with mapped(directory, number) as data:
            return file_digest(data, len(data)).digest()
    except FileNotFoundError:
        return b""


def _first_damage(directory: Path) -> Damage:
    damage = check(directory)
    assert damage is not None, "what made us look is what a check finds"
    return damage


def _drop(directory: Path, first_kept: Start | None) -> list[int]:
    try:
        if first_kept is not None:
            _note(directory, first_kept)
        start = log_start(directory)
        return [] if start is None else _sweep(directory, before=start.segment)
    except OSError as error:
        raise LogUnwritableError(
            f"Old segments of {directory} cannot be dropped ({error.strerror}); mend the disk and try again."
        ) from error


def _note(directory: Path, start: Start) -> None:
    """Write where the log begins from now on."""
    unfinished = directory / (START_NAME + UNFINISHED_SUFFIX)
    fd = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        write_all(fd, pack_start(start))
        os.fsync(fd)
    finally:
        os.close(fd)
    unfinished.rename(directory / START_NAME)
    sync_directory(directory)


def _sweep(directory: Path, *, before: int) -> list[int]:
    """Delete segments the log no longer counts as its own, those of an interrupted run included."""
    numbers = [number for number in segment_numbers(directory) if number < before]
    for number in numbers:
        segment_path(directory, number).unlink()
    sync_directory(directory)
    return numbers
