"""The golden log of a running trader: the loop hands entries over and goes on, a thread of its own writes them.

    loop ── records, inputs, acts, evidence, marks ─► queue ─► writer thread ─► blocks ─► fdatasync ─► watermark

No file is touched on the calling thread. Whatever was queued while the disk was busy goes into its next commit, so a slow
disk makes commits larger, never more. `durable_n` is the newest input that is on disk with all its acts; nothing that
depends on a later one may leave the process (`wait_durable`).

A queue that fills up is said (`is_pressed`: entries must stop; LogBehindError: nothing more is taken before `wait_room`);
nothing is ever dropped. The first error of the disk ends the log for good: everybody who waits, and everybody who comes later,
gets the same LogFailedError.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, final

from numpy.typing import NDArray

from tidegate.clock.clock import Clock, WallClock
from tidegate.events.records import RECORD, RECORD_BYTES
from tidegate.events.session import SessionOpened
from tidegate.journal.errors import LogBehindError, LogFailedError
from tidegate.journal.layout import FRAME, NO_N, EntryKind
from tidegate.journal.settings import LIVE, LiveSettings
from tidegate.journal.snapshots import Snapshot
from tidegate.journal.thread import SNAPSHOT, Item, Queue, WriterThread
from tidegate.journal.waiting import NOTHING_OPEN, Told, told_in_loop
from tidegate.values.errors import TidegateError

_INPUT, _ACT, _EVIDENCE, _JUDGED, _RECORDS = (
    int(kind) for kind in (EntryKind.INPUT, EntryKind.ACT, EntryKind.EVIDENCE, EntryKind.JUDGED, EntryKind.RECORDS)
)
_FRAME_BYTES: Final = FRAME.size
CLOSED: Final = 1 << 62  # above every n: who waits for it waits for the seal


@final
class LiveLog:
    """The calling side of a live log; all its verbs belong to one thread, the loop's.

    n counts the session's inputs without gaps; acts follow their input; `judged(n)` follows the last act of n.
    """

    def __init__(
        self,
        directory: Path,
        opening: SessionOpened,
        settings: LiveSettings = LIVE,
        *,
        clock: Clock | None = None,
        on_failed: Callable[[LogFailedError], None] | None = None,
    ) -> None:
        """Begin a session's log, in the writer's thread; `opened` tells when it stands.

        Args:
            directory: of the log; a log that stands there is continued.
            opening: the session's first entry.
            settings: bounds of queue, segments and what is kept.
            clock: for the age of segments; default: the machine's.
            on_failed: told once, in the writer's thread, that the log has ended.
        """
        self._queue: Final = Queue(settings.queue_bytes_max)
        self._writer: Final = WriterThread(directory, opening, settings, queue=self._queue, clock=clock or WallClock())
        if on_failed is not None:
            self._writer.on_failed = on_failed
        self._last_n = NO_N
        self._judged_n = NO_N
        self._thread: Final = threading.Thread(target=self._writer.run, name="golden-log", daemon=True)
        self._thread.start()

    # What is asked.

    @property
    def durable_n(self) -> int:
        """Return the newest input that is on disk with all its acts; -1: none, -2: the log is not open yet."""
        return min(self._writer.waiters.durable_n, self._judged_n)  # once closed, more than everything is durable

    @property
    def failed(self) -> LogFailedError | None:
        """Return what ended the log; None while it lives."""
        return self._writer.error

    @property
    def keep_trouble(self) -> TidegateError | None:
        """Return what kept old segments from being dropped at the last look; None: nothing did."""
        return self._writer.keep_trouble

    @property
    def is_pressed(self) -> bool:
        """Say that the disk falls behind or is gone: entries must stop."""
        return self._queue.bytes > self._queue.bytes_max // 2 or self._writer.error is not None

    # What is told. Nothing is copied but market records.

    def input(self, n: int, message: bytes) -> None:
        """Log an input that is not a market record.

        Raises:
            LogBehindError: the queue is full; nothing was taken.
            LogFailedError: the log has ended.
        """
        assert n == self._last_n + 1 or self._last_n == NO_N, "inputs are numbered without gaps"
        self._require_room(len(message))
        self._last_n = n
        self._queue.put((_INPUT, n, 0, message), len(message) + _FRAME_BYTES)

    def records(self, n_first: int, records: NDArray) -> None:  # type: ignore[type-arg]  # RECORD, asserted
        """Log market records; the first is input n_first. They are copied: the array may be used again.

        Raises:
            LogBehindError: the queue is full; nothing was taken.
            LogFailedError: the log has ended.
        """
        assert records.dtype == RECORD
        assert n_first == self._last_n + 1 or self._last_n == NO_N, "inputs are numbered without gaps"
        if not len(records):
            return
        self._require_room(len(records) * RECORD_BYTES)
        self._last_n = n_first + len(records) - 1
        self._queue.put((_RECORDS, n_first, 0, records.tobytes()), len(records) * RECORD_BYTES)

    def evidence(self, raw: bytes) -> None:
        """Log what a venue sent, before it is mapped.

        Raises:
            LogBehindError: the queue is full; nothing was taken.
            LogFailedError: the log has ended.
        """
        self._require_room(len(raw))
        self._queue.put((_EVIDENCE, NO_N, 0, raw), len(raw) + _FRAME_BYTES)

    def act(self, n: int, k: int, message: bytes) -> None:
        """Log act k of the newest input; taken even when the queue is full, since its input was.

        Raises:
            LogFailedError: the log has ended.
        """
        assert n == self._last_n, "an act follows its input"
        if self._writer.error is not None:
            raise self._writer.error
        self._queue.put((_ACT, n, k, message), len(message) + _FRAME_BYTES)

    def judged(self, n: int) -> None:
        """Note that all acts of all inputs up to n have been given; only then can n become durable.

        Raises:
            LogFailedError: the log has ended.
        """
        assert self._judged_n <= n <= self._last_n
        if self._writer.error is not None:
            raise self._writer.error
        self._judged_n = n
        self._queue.put((_JUDGED, n, 0, b""), 0)

    def snapshot(self, snapshot: Snapshot) -> None:
        """Keep a snapshot of the engine, taken after all acts of the newest input; it is written once that one is durable.

        Raises:
            LogFailedError: the log has ended.
        """
        assert snapshot.n == self._judged_n == self._last_n, "a snapshot is taken between inputs"
        self._require_life()
        item: Item = (SNAPSHOT, snapshot.n, 0, snapshot)
        self._queue.put(item, len(snapshot.state))

    # What is waited for.

    async def opened(self) -> None:
        """Wait until the log can be written: the one before was made whole, and the opening is on disk.

        Raises:
            LogFailedError: it cannot be.
        """
        await told_in_loop(lambda told: self.tell_durable(NO_N, told))

    async def wait_durable(self, n: int) -> None:
        """Wait until input n and all its acts are on disk.

        Raises:
            LogFailedError: the log has ended, and whether they are is not known.
        """
        if n > self.durable_n:
            await told_in_loop(lambda told: self.tell_durable(n, told))

    async def wait_room(self) -> None:
        """Wait until half of the queue is free.

        Raises:
            LogFailedError: the log has ended.
        """
        await told_in_loop(self._tell_room)

    async def close(self, *, state_sha256: str = "") -> None:
        """Write what is queued, seal the log with the hash of the engine's final state, and end the thread.

        Raises:
            LogFailedError: the log has ended before.
        """
        self._writer.close(state_sha256)
        await told_in_loop(lambda told: self.tell_durable(CLOSED, told))

    def tell_durable(self, n: int, told: Told) -> None:
        """Tell once input n is durable, in the writer's thread: for callers without an event loop."""
        assert n <= self._judged_n or n in {NO_N, CLOSED}, "say `judged` first: before, it cannot be known that n is complete"
        self._writer.waiters.add(n, told)
        self._queue.wake()

    def abandon(self) -> None:
        """End the thread without a seal: what is queued is written, and the log left as a crash would leave it."""
        self._writer.abandon()
        self._thread.join()

    # Private.

    def _tell_room(self, told: Told) -> None:
        self._queue.tell_room(told, self._writer.error)

    def _require_room(self, size: int) -> None:
        self._require_life()
        if self._queue.bytes + size > self._queue.bytes_max and self._queue.bytes:
            raise LogBehindError(
                f"The golden log has {self._queue.bytes:,} bytes waiting for its disk; stop taking in until there is room "
                "(wait_room), and look at the disk."
            )

    def _require_life(self) -> None:
        error = self._writer.error
        if error is not None:
            raise error


assert NOTHING_OPEN < NO_N
