"""Runs a module as a process that kills itself at the n-th crossing of a boundary: `python -m tests.service.killed_at HOW FILE MODULE …`.

HOW is `ledger_before:3`, or `none:0` to run on. A boundary is crossed right before something becomes durable or leaves, or right after.
A process that ends in order leaves in FILE how often each boundary was crossed, so that a harness knows which there are.
"""

import atexit
import functools
import json
import os
import runpy
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from enum import StrEnum
from pathlib import Path
from typing import Any, NoReturn


class Boundary(StrEnum):
    """Where a process may die."""

    NONE = "none"
    DISK_BEFORE = "disk_before"  # log blocks, seals, snapshots, folders: whatever is synced
    DISK_AFTER = "disk_after"
    LEDGER_BEFORE = "ledger_before"  # outbox rows, marks, executions
    LEDGER_AFTER = "ledger_after"
    LEASE_BEFORE = "lease_before"
    LEASE_AFTER = "lease_after"
    ORDER_BEFORE = "order_before"  # an order on the wire
    ORDER_AFTER = "order_after"  # the venue has answered; nobody knows yet


class Counter:
    """Counts crossings from any thread, and dies at the one that was named."""

    def __init__(self, boundary: Boundary, count: int) -> None:
        self.crossed = dict.fromkeys(Boundary, 0)
        self._boundary = boundary
        self._count = count
        self._lock = threading.Lock()

    def cross(self, boundary: Boundary) -> None:
        with self._lock:
            self.crossed[boundary] += 1
            if boundary is self._boundary and self.crossed[boundary] == self._count:
                die()

    def around(self, function: Callable[..., Any], before: Boundary, after: Boundary) -> Callable[..., Any]:
        """Return the function with a crossing on each side; one that fails has crossed one side."""

        @functools.wraps(function)
        def crossing(*given: Any) -> Any:
            self.cross(before)
            result = function(*given)
            self.cross(after)
            return result

        return crossing

    def around_orders(self, send: Callable[..., Awaitable[Any]]) -> Callable[..., Coroutine[Any, Any, Any]]:
        @functools.wraps(send)
        async def crossing(requests: Any, call: Any) -> Any:
            if call.method != "POST":
                return await send(requests, call)
            self.cross(Boundary.ORDER_BEFORE)
            reply = await send(requests, call)
            self.cross(Boundary.ORDER_AFTER)
            return reply

        return crossing


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nobody comes here")


def lay_boundaries(counter: Counter) -> None:
    """Put the crossings in; the disk's first, since others take the function when they are imported."""
    for name in ("fsync", "fdatasync"):
        if hasattr(os, name):
            setattr(os, name, counter.around(getattr(os, name), Boundary.DISK_BEFORE, Boundary.DISK_AFTER))
    from tidegate.service.ledger.sql import SqlLedger
    from tidegate.venues.alpaca.http import Requests

    for name in ("write", "write_all"):
        setattr(SqlLedger, name, counter.around(getattr(SqlLedger, name), Boundary.LEDGER_BEFORE, Boundary.LEDGER_AFTER))
    for name in ("take_lease", "renew", "release"):
        setattr(SqlLedger, name, counter.around(getattr(SqlLedger, name), Boundary.LEASE_BEFORE, Boundary.LEASE_AFTER))
    setattr(Requests, "send", counter.around_orders(Requests.send))  # noqa: B010 - the type checker is not to know


def main() -> None:
    how, counts, module, *arguments = sys.argv[1:]
    boundary, _, count = how.partition(":")
    counter = Counter(Boundary(boundary), int(count))
    lay_boundaries(counter)
    atexit.register(lambda: Path(counts).write_text(json.dumps(counter.crossed)))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
