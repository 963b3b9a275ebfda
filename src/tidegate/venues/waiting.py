"""How edges wait on an event loop: handed in beside the clock, so that scaled time waits scaled and tests do not wait."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from tidegate.values.time import SECOND_NS

Wait: TypeAlias = Callable[[int], Awaitable[None]]  # a duration in ns of the clock that it belongs to


async def loop_wait(duration_ns: int) -> None:
    """Wait on the running loop; only yields when the duration is 0 or less."""
    await asyncio.sleep(max(duration_ns, 0) / SECOND_NS)


def scaled_wait(speed: float) -> Wait:
    """Return the waiting that belongs to a `ScaledClock` of this speed."""

    async def wait(duration_ns: int) -> None:
        await asyncio.sleep(max(duration_ns, 0) / SECOND_NS / speed)

    return wait
