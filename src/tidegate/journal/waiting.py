"""Who waits until the disk has what, and how they are told: from the writer's thread, once."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, final

from tidegate.journal.errors import LogFailedError

Told = Callable[[LogFailedError | None], None]  # called in the writer's thread; None: it is durable


class _Waiter(NamedTuple):
    n: int
    told: Told


@final
class Waiters:
    """Waiters for inputs to become durable; used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[_Waiter] = []
        self._durable_n = NOTHING_OPEN
        self._error: LogFailedError | None = None

    @property
    def durable_n(self) -> int:
        """Return the newest n that was told durable."""
        return self._durable_n

    def add(self, n: int, told: Told) -> None:
        """Tell once input n is durable, or the log has failed; at once if either is so already."""
        with self._lock:
            if n > self._durable_n and self._error is None:
                self._waiting.append(_Waiter(n, told))
                return
            error = None if n <= self._durable_n else self._error
        told(error)

    def settle(self, durable_n: int) -> None:
        """Tell everybody who waits for an n up to this one."""
        with self._lock:
            self._durable_n = durable_n
            done = [waiter for waiter in self._waiting if waiter.n <= durable_n]
            if done:
                self._waiting = [waiter for waiter in self._waiting if waiter.n > durable_n]
        for waiter in done:
            waiter.told(None)

    def fail(self, error: LogFailedError) -> None:
        """Tell everybody, and whoever comes later for something not durable, that it never will be known."""
        with self._lock:
            self._error = error
            waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.told(error)


async def told_in_loop(add: Callable[[Told], None]) -> None:
    """Wait in an event loop for what is told in another thread.

    Raises:
        LogFailedError: the log has failed.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def resolve(error: LogFailedError | None) -> None:
        if done.done():  # the waiter was canceled
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def told(error: LogFailedError | None) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits there any more
            loop.call_soon_threadsafe(resolve, error)

    add(told)
    await done


NOTHING_OPEN = -2  # below every n: the log is not open yet
