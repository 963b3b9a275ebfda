"""Stops a strategy that does not come back. Only the root may look at a clock; the engine stays deterministic.

The run is abandoned, not the strategy alone: an act that depends on how fast a machine is could not be replayed.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from tidegate.engine.engine import Engine
from tidegate.values.errors import ExitCode, TidegateError

DECIDE_SECONDS_MAX: Final = 5


class StrategyStuckError(TidegateError):
    """A strategy's `decide` did not return in time."""

    exit_code = ExitCode.REFUSED


class _Stuck(BaseException):
    """Interrupts a decide that does not return; no Exception, since the engine handles those itself."""


@contextmanager
def watching(engine: Engine) -> Iterator[None]:
    """Watch `decide` while the block runs; off the main thread, where signals cannot be had, nothing is watched.

    Raises:
        StrategyStuckError: one call took longer than DECIDE_SECONDS_MAX.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    seen = [-1, 0]

    def look(_number: int, _frame: FrameType | None) -> None:
        asked = engine.deciding
        seen[1] = seen[1] + 1 if asked == seen[0] and asked >= 0 else 0
        seen[0] = asked
        if seen[1] >= DECIDE_SECONDS_MAX:
            raise _Stuck

    before = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, 1.0, 1.0)
    try:
        yield
    except _Stuck:
        raise StrategyStuckError(
            f"Strategy {engine.deciding_strategy} did not return from decide within {DECIDE_SECONDS_MAX} seconds; "
            "look for a loop without an end."
        ) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
