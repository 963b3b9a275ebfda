"""How edges wait on an event loop: handed in beside the clock, so that scaled time waits scaled and tests do not wait."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from tidegate.clock.clock import Clock
from tidegate.values.time import MINUTE_NS, SECOND_NS

Wait: TypeAlias = Callable[[int], Awaitable[None]]  # a duration in ns of the clock that it belongs to


PIECE_NS: Final = MINUTE_NS


async def wait_out(duration_ns: int, clock: Clock, wait: Wait) -> None:
    """Wait a long time in pieces, and no longer than until it has passed by the clock: a loop does not count how long a machine sleeps."""
    until_ns, left_ns = clock.now_ns() + duration_ns, duration_ns
    while left_ns > 0 and clock.now_ns() < until_ns:
        piece_ns = min(left_ns, PIECE_NS)
        await wait(piece_ns)
        left_ns -= piece_ns


async def loop_wait(duration_ns: int) -> None:
    """Wait on the running loop; only yields when the duration is 0 or less."""
    await asyncio.sleep(max(duration_ns, 0) / SECOND_NS)


def scaled_wait(speed: float) -> Wait:
    """Return the waiting that belongs to a `ScaledClock` of this speed."""

    async def wait(duration_ns: int) -> None:
        await asyncio.sleep(max(duration_ns, 0) / SECOND_NS / speed)

    return wait
