"""Let the oldest segments of a log go, on purpose and on record.

The note of where the log now begins is written before anything is deleted, so that a crash in between leaves
a log that is whole and a few files it no longer counts as its own.
"""

import os
from pathlib import Path

from tidegate.journal.chain import sync_directory, write_all
from tidegate.journal.check import Checked, check_segments
from tidegate.journal.errors import DamagedLogError, LogUnwritableError
from tidegate.journal.files import START_NAME, UNFINISHED_SUFFIX, log_start, segment_numbers, segment_path
from tidegate.journal.layout import Start, pack_start


def drop_segments(directory: Path, *, keep: int) -> list[int]:
    """Delete all but the newest `keep` segments of a log; return the numbers of the dropped ones.

    Every segment repeats its session's opening, so that what stays explains itself. Only what is whole is
    dropped: a damaged log is evidence.

    Raises:
        NotALogError: no log is there.
        DamagedLogError: the log is damaged.
        LogUnwritableError: the disk refuses.
    """
    assert keep >= 1, "the newest segment stays"
    segments = list(check_segments(directory))
    if segments[-1].damage is not None:
        raise DamagedLogError(directory, segments[-1].damage)
    return _drop(directory, segments[:-keep])


def drop_before(directory: Path, number: int) -> list[int]:
    """Delete the segments before one of a log that may be being written; return their numbers. They alone are looked through.

    Raises:
        NotALogError: no log is there.
        DamagedLogError: one of them is damaged.
        LogUnwritableError: the disk refuses.
    """
    segments: list[Checked] = []
    for checked in check_segments(directory):
        if checked.scan.number >= number:
            break
        if checked.damage is not None:
            raise DamagedLogError(directory, checked.damage)
        segments.append(checked)
        if checked.scan.number == number - 1:
            break
    return _drop(directory, segments)


def _drop(directory: Path, dropped: list[Checked]) -> list[int]:
    try:
        if dropped:
            _note(directory, dropped[-1])
        start = log_start(directory)
        return [] if start is None else _sweep(directory, before=start.segment)
    except OSError as error:
        raise LogUnwritableError(
            f"Old segments of {directory} cannot be dropped ({error.strerror}); mend the disk and try again."
        ) from error


def _note(directory: Path, last: Checked) -> None:
    """Write where the log begins from now on."""
    unfinished = directory / (START_NAME + UNFINISHED_SUFFIX)
    fd = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        write_all(fd, pack_start(Start(last.scan.number + 1, last.scan.end_entry, last.sha256)))
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
