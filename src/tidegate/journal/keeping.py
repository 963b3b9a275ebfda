"""How much of a live log is kept: old segments go by age and by size, never what the running session comes back from.

The newest session is kept whole, or from the older of its two newest snapshots on: from either it can be folded again. It
looks at headers only, and reads through what it is about to drop: a damaged segment is evidence and stays.
"""

import threading
from pathlib import Path
from typing import NamedTuple, final

from tidegate.clock.clock import Clock
from tidegate.events.codec import decode_opening
from tidegate.journal.ending import SNAPSHOTS_SURE
from tidegate.journal.errors import LogUnwritableError, NotALogError
from tidegate.journal.files import UNFINISHED_SUFFIX, log_start, mapped, segment_numbers, segment_path
from tidegate.journal.layout import payload_of, read_head, unpack_opening
from tidegate.journal.retention import drop_before
from tidegate.journal.settings import LiveSettings
from tidegate.journal.snapshots import SNAPSHOT_SUFFIX, Snapshot, read_snapshots
from tidegate.values.errors import TidegateError


class _Segment(NamedTuple):
    number: int
    size: int
    ended_ns: int  # when it was written last
    session_id: str
    before_n: int  # the session's last n before it


def retain(directory: Path, settings: LiveSettings, *, now_ns: int) -> list[int]:
    """Drop what is too old or too much, and snapshots of sessions that are gone; return the numbers of dropped segments.

    Raises:
        DamagedLogError: what would be dropped is damaged; it stays.
        LogUnwritableError: the disk refuses.
    """
    try:
        return _retain(directory, settings, now_ns)
    except OSError as error:
        raise LogUnwritableError(f"What is kept of {directory} cannot be looked through ({error.strerror}); mend the disk.") from error


def _retain(directory: Path, settings: LiveSettings, now_ns: int) -> list[int]:
    segments = _segments(directory)
    if not segments:
        return []
    needed = _needed_from(directory, segments)
    total, first_kept = sum(segment.size for segment in segments), segments[0].number
    for segment in segments:
        too_much, too_old = total > settings.keep_bytes, now_ns - segment.ended_ns > settings.keep_ns
        if segment.number >= needed or not (too_much or too_old):
            break
        total -= segment.size
        first_kept = segment.number + 1
    dropped = drop_before(directory, first_kept) if first_kept > segments[0].number else []
    _drop_snapshots(directory, {segment.session_id for segment in segments if segment.number >= first_kept})
    return dropped


@final
class Keeper:
    """Looks now and then whether something may go, in a thread of its own; trouble is kept and ends nothing."""

    def __init__(self, directory: Path, settings: LiveSettings, clock: Clock) -> None:
        self._directory = directory
        self._settings = settings
        self._clock = clock
        self._thread: threading.Thread | None = None
        self.trouble: TidegateError | None = None

    def look(self) -> None:
        """Look unless a look is under way."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._look, name="golden-log-keeper", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Wait for a look that is under way."""
        if self._thread is not None:
            self._thread.join()

    def _look(self) -> None:
        try:
            retain(self._directory, self._settings, now_ns=self._clock.now_ns())
            self.trouble = None
        except TidegateError as error:
            self.trouble = error


def _segments(directory: Path) -> list[_Segment]:
    start = log_start(directory)
    if start is None:
        raise NotALogError(f"The note in {directory} of where its log begins is damaged; nothing is dropped.")
    found = []
    for number in segment_numbers(directory):
        if number < start.segment:
            continue
        status = segment_path(directory, number).stat()
        with mapped(directory, number) as data:
            head = read_head(data, 0)
            if head is None:
                break  # damaged: it and all after it stay
            session_id = decode_opening(unpack_opening(payload_of(data, 0, head)).message).session_id
        found.append(_Segment(number, status.st_size, status.st_mtime_ns, session_id, head.last_n))
    return found


def _needed_from(directory: Path, segments: list[_Segment]) -> int:
    """Return the first segment that the newest session needs to come back."""
    newest = [segment for segment in segments if segment.session_id == segments[-1].session_id]
    sound = [found for found in read_snapshots(directory, session_id=newest[0].session_id) if isinstance(found, Snapshot)]
    if len(sound) < SNAPSHOTS_SURE:
        return newest[0].number
    snapshot_n = sound[SNAPSHOTS_SURE - 1].n
    return max(segment.number for segment in newest if segment is newest[0] or segment.before_n <= snapshot_n)


def _drop_snapshots(directory: Path, sessions: set[str]) -> None:
    for path in (directory / "snapshots").glob(f"*{SNAPSHOT_SUFFIX}"):
        if path.stem.rpartition("-")[0] not in sessions:
            path.unlink(missing_ok=True)
    for path in (directory / "snapshots").glob(f"*{UNFINISHED_SUFFIX}"):
        if path.stem.rpartition("-")[0] not in sessions:
            path.unlink(missing_ok=True)
