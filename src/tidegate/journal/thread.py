"""The writer's thread of a live log: takes what is queued, writes it, makes it durable, and says so.

It owns the `LogWriter` and all files. After its first error it writes nothing more: what the disk holds beyond the
watermark is not known to anyone, and only the next start finds out.
"""

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final, final

import numpy as np

from tidegate.clock.clock import Clock
from tidegate.events.records import RECORD
from tidegate.events.session import SessionOpened
from tidegate.journal.errors import LogFailedError
from tidegate.journal.keeping import Keeper
from tidegate.journal.layout import NO_N, EntryKind
from tidegate.journal.settings import LiveSettings
from tidegate.journal.snapshots import Snapshot, drop_snapshots, write_snapshot
from tidegate.journal.waiting import Told, Waiters
from tidegate.journal.writer import LogWriter
from tidegate.values.errors import TidegateError
from tidegate.values.time import SECOND_NS

Item = tuple[int, int, int, bytes | Snapshot]  # kind, n, k, what

SNAPSHOT: Final = 1_000  # a kind of item that is no entry of the log
_INPUT, _ACT, _EVIDENCE, _JUDGED, _RECORDS = (
    int(kind) for kind in (EntryKind.INPUT, EntryKind.ACT, EntryKind.EVIDENCE, EntryKind.JUDGED, EntryKind.RECORDS)
)
_CLOSED: Final = 1 << 62


@final
class Queue:
    """What waits to be written. One thread puts, one takes; both ends of a deque are safe without a lock."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max: Final = bytes_max
        self._much: Final = bytes_max // 4
        self._items: deque[tuple[Item, int]] = deque()
        self._put_bytes = 0  # only the putting thread writes this, only the taking one the next
        self._taken_bytes = 0
        self._called = threading.Event()
        self._lock = threading.Lock()
        self._room: list[Told] = []

    @property
    def bytes(self) -> int:
        """Return how much waits."""
        return self._put_bytes - self._taken_bytes

    def put(self, item: Item, size: int) -> None:
        """Add an item; the writer is woken where much waits."""
        self._put_bytes += size
        self._items.append((item, size))
        if self._put_bytes - self._taken_bytes > self._much and not self._called.is_set():
            self._called.set()

    def wake(self) -> None:
        """Wake the writer: somebody waits for the disk."""
        self._called.set()

    def wait(self, timeout_s: float) -> None:
        """Wait until something is wanted, or the time is out."""
        self._called.wait(timeout_s)
        self._called.clear()

    def take_all(self, write: Callable[[Item], None]) -> bool:
        """Hand over what waited when this was called; return whether anything did."""
        count, next_item = len(self._items), self._items.popleft
        for _ in range(count):
            item, size = next_item()
            write(item)
            self._taken_bytes += size
        return count > 0

    def tell_room(self, told: Told, error: LogFailedError | None) -> None:
        """Tell once at least half of the queue is free; at once if it is."""
        with self._lock:
            waits = error is None and self.bytes > self.bytes_max // 2
            if waits:
                self._room.append(told)
        if not waits:
            told(error)
        self.wake()

    def settle_room(self, error: LogFailedError | None) -> None:
        """Tell those who wait for room, if there is some or never will be."""
        with self._lock:
            if not self._room or (error is None and self.bytes > self.bytes_max // 2):
                return
            waiting, self._room = self._room, []
        for told in waiting:
            told(error)


@final
class WriterThread:
    """What runs in the thread. Only `close`, `abandon`, `error`, `keep_trouble` and `waiters` are for others."""

    def __init__(self, directory: Path, opening: SessionOpened, settings: LiveSettings, *, queue: Queue, clock: Clock) -> None:
        self._directory = directory
        self._opening = opening
        self._settings = settings
        self._queue = queue
        self._clock = clock
        self._keeper = Keeper(directory, settings, clock)
        self._writer: LogWriter | None = None
        self._state_sha256 = ""
        self._ending = False
        self._sealing = False
        self._dirty = False
        self._snapshots: list[Snapshot] = []
        self._segment = 0
        self._segment_since_ns = 0
        self.waiters: Final = Waiters()
        self.error: LogFailedError | None = None
        self.on_failed: Callable[[LogFailedError], None] = _nobody

    @property
    def keep_trouble(self) -> TidegateError | None:
        """Return what kept old segments from being dropped; None: nothing did."""
        return self._keeper.trouble

    def close(self, state_sha256: str) -> None:
        """Have all that is queued written and sealed."""
        self._state_sha256 = state_sha256
        self._sealing = self._ending = True
        self._queue.wake()

    def abandon(self) -> None:
        """Have all that is queued written and the thread ended without a seal."""
        self._ending = True
        self._queue.wake()

    def run(self) -> None:
        """Write until told to end or the disk refuses; whatever ends this, nobody is left waiting."""
        why = "it ended by a fault of its own"
        try:
            self._run()
            why = "it was closed"
        except TidegateError as error:
            why = str(error)
        finally:
            self._end(why)

    def _run(self) -> None:
        writer = self._writer = LogWriter(
            self._directory,
            self._opening,
            segment_bytes_max=self._settings.segment_bytes_max,
            block_bytes_max=self._settings.block_bytes_max,
            continuing=True,
        )
        self._note_segment(writer)
        self.waiters.settle(NO_N)
        while True:
            ending = self._ending  # read first: what was put before it was said is still written
            self._dirty |= self._queue.take_all(self._write)
            self._queue.settle_room(None)
            if self._dirty:
                self._commit(writer)
            if ending:
                break
            self._queue.wait(self._settings.sync_every_ns / SECOND_NS)
        if self._sealing:
            writer.close(state_sha256=self._state_sha256)
            self.waiters.settle(_CLOSED)
        else:
            writer.abandon()
        self._keeper.stop()

    def _write(self, item: Item) -> None:
        writer, (kind, n, k, what) = self._writer, item
        assert writer is not None
        if kind == _JUDGED:
            writer.judged(n)
        elif isinstance(what, Snapshot):
            self._snapshots.append(what)
        elif kind == _ACT:
            writer.act(n, k, what)
        elif kind == _RECORDS:
            writer.records(n, np.frombuffer(what, RECORD))
        elif kind == _INPUT:
            writer.input(n, what)
        else:
            assert kind == _EVIDENCE
            writer.evidence(what)

    def _commit(self, writer: LogWriter) -> None:
        """Make durable all that was taken, tell those who wait, then do what can wait."""
        writer.flush()
        self._dirty = False
        self.waiters.settle(writer.judged_to)
        while self._snapshots:
            snapshot = self._snapshots.pop(0)
            write_snapshot(self._directory, snapshot)
            drop_snapshots(self._directory, session_id=snapshot.session_id, keep=self._settings.snapshots_kept)
        if self._clock.monotonic_ns() - self._segment_since_ns > self._settings.segment_age_ns_max:
            writer.rotate()
            self._segment_since_ns = self._clock.monotonic_ns()
        if writer.segment != self._segment:
            self._note_segment(writer)

    def _note_segment(self, writer: LogWriter) -> None:
        self._segment = writer.segment
        self._segment_since_ns = self._clock.monotonic_ns()
        self._keeper.look()

    def _end(self, why: str) -> None:
        if self.waiters.durable_n == _CLOSED:
            error = LogFailedError("The golden log is closed; open a new session.")
        elif self._writer is None:
            error = LogFailedError(f"The golden log cannot be opened: {why}")
        else:
            error = LogFailedError(
                f"The golden log has ended and writes nothing more: {why} What it holds after input {self.waiters.durable_n} is "
                "not known before the next start; mend the cause and start again."
            )
            self._writer.abandon()
        self.error = error
        if not self._ending:
            self.on_failed(error)  # first: whoever stops the trading on it waits for nobody
        self.waiters.fail(error)
        self._queue.settle_room(error)


def _nobody(_error: LogFailedError) -> None:
    """Nobody asked to be told."""
