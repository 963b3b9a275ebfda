"""The one ledger thread, with group commit: an event loop hands batches over and never waits for a disk.

All that comes in while a commit runs goes into the next one, so that the wait for the disk is shared when there is much to
write and nobody waits for company when there is little. Work is done in the order in which it was handed over.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import groupby
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final, NamedTuple, TypeVar, final

from tidegate.service.ledger.errors import LedgerBusyError, LedgerUnavailableError
from tidegate.service.ledger.port import Ledger
from tidegate.service.ledger.rows import Batch, Written

PENDING_MAX: Final = 1_024  # what a venue lets out in five minutes; more than that has piled up for a reason
GROUP_MAX: Final = 256  # batches in one transaction

_T = TypeVar("_T")
_Future = asyncio.Future[Written]


class Commit(NamedTuple):
    """One group that went through the store: how many batches, and how long it took, the disk included."""

    batches: int
    duration_ns: int


_Verb = Callable[[], None]
_Submitted = tuple[Batch, _Future]
_Work = _Submitted | _Verb | None  # None: the end


@final
class LedgerThread:
    """Gives an event loop a ledger. Every method is called on the loop's own thread."""

    def __init__(self, ledger: Ledger, *, pending_max: int = PENDING_MAX, on_commit: Callable[[Commit], None] | None = None) -> None:
        """Start the thread; needs a running loop.

        Args:
            ledger: what the thread works on; nobody else may use it from now on.
            pending_max: how much may wait before callers are told to stop.
            on_commit: told of every commit, on the loop.
        """
        self._loop = asyncio.get_running_loop()
        self._ledger = ledger
        self._pending_max = pending_max
        self._pending = 0
        self._closed = False
        self._on_commit = on_commit
        self._queue: SimpleQueue[_Work] = SimpleQueue()
        self._thread = Thread(target=self._work, name="ledger", daemon=True)
        self._thread.start()

    @property
    def pending(self) -> int:
        """How much was handed over and has no answer yet."""
        return self._pending

    def submit(self, batch: Batch) -> _Future:
        """Hand a batch over; the future has its outcome once it is durable, or the error that it was refused with.

        Raises:
            LedgerBusyError: too much waits already; nothing was taken in.
            LedgerUnavailableError: the thread was closed.
        """
        future: _Future = self._loop.create_future()
        self._take_in((batch, future))
        return future

    def ask(self, verb: Callable[[Ledger], _T]) -> asyncio.Future[_T]:
        """Let the thread call any other verb, after what was handed over before; the future has its result or error.

        Raises:
            LedgerBusyError: too much waits already; nothing was taken in.
            LedgerUnavailableError: the thread was closed.
        """
        future: asyncio.Future[_T] = self._loop.create_future()

        def call() -> None:
            outcome: _T | Exception
            try:
                outcome = verb(self._ledger)
            except Exception as error:  # noqa: BLE001 - whoever asked is told, and the thread lives on
                outcome = error
            self._post(lambda: self._settle([future], [outcome]))

        self._take_in(call)
        return future

    async def close(self) -> None:
        """Finish what was handed over, close the ledger and end the thread. Can be called twice."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _take_in(self, work: _Work) -> None:
        if self._closed:
            raise LedgerUnavailableError("The ledger is closed: this trader is stopping; nothing can be sent any more.")
        if self._pending >= self._pending_max:
            raise LedgerBusyError(f"{self._pending} batches wait for the ledger already; stop entries until its disk has caught up.")
        self._pending += 1
        self._queue.put(work)

    def _work(self) -> None:
        """Do what comes, in order, until the end comes."""
        while True:
            for batches, works in groupby(self._waiting(), key=_is_batch):
                if batches:
                    self._commit([work for work in works if isinstance(work, tuple)])
                    continue
                for work in works:
                    if not callable(work):
                        self._ledger.close()
                        return
                    work()

    def _waiting(self) -> list[_Work]:
        """Wait for work and return all there is, up to one group."""
        waiting = [self._queue.get()]
        with suppress(Empty):
            while len(waiting) < GROUP_MAX:
                waiting.append(self._queue.get_nowait())
        return waiting

    def _commit(self, group: list[_Submitted]) -> None:
        began_ns = time.perf_counter_ns()
        outcomes: Sequence[Written | Exception]
        try:
            outcomes = self._ledger.write_all([batch for batch, _ in group])
        except Exception as error:  # noqa: BLE001 - likewise; nothing of the group may be taken as written
            outcomes = [error] * len(group)
        commit = Commit(batches=len(group), duration_ns=time.perf_counter_ns() - began_ns)

        def settle() -> None:
            self._settle([future for _, future in group], outcomes)
            if self._on_commit is not None:
                self._on_commit(commit)

        self._post(settle)

    def _post(self, call: _Verb) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(call)

    def _settle(self, futures: Sequence[asyncio.Future[_T]], outcomes: Sequence[_T | Exception]) -> None:
        """Tell those who wait, on the loop."""
        self._pending -= len(futures)
        for future, outcome in zip(futures, outcomes, strict=True):
            if future.cancelled():  # written all the same
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)


def _is_batch(work: _Work) -> bool:
    return isinstance(work, tuple)
