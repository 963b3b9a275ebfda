"""The clock port and its three forms: of the wall, scaled for demonstrations, moved by hand for tests.

Nothing below this layer knows a clock; the engine's only now is the receive time of its last input.
"""

import time
from typing import Protocol, final

from tidegate.values.time import SECOND_NS


class Clock(Protocol):
    """Time for edges and roots. Threads only: an event loop waits in its own way and asks `now_ns`."""

    def now_ns(self) -> int:
        """Return wall time, ns UTC. It may jump when the machine's clock is set."""

    def monotonic_ns(self) -> int:
        """Return ns since some moment; it never goes back."""

    def sleep(self, duration_ns: int) -> None:
        """Wait; not at all when the duration is 0 or less."""


@final
class WallClock:
    """The machine's own time."""

    def now_ns(self) -> int:
        """See `Clock`."""
        return time.time_ns()

    def monotonic_ns(self) -> int:
        """See `Clock`."""
        return time.monotonic_ns()

    def sleep(self, duration_ns: int) -> None:
        """See `Clock`."""
        if duration_ns > 0:
            time.sleep(duration_ns / SECOND_NS)


@final
class ManualClock:
    """Time that stands still until somebody moves it; sleeping moves it."""

    def __init__(self, now_ns: int = 0) -> None:
        self._now_ns = now_ns
        self._passed_ns = 0

    def now_ns(self) -> int:
        """See `Clock`."""
        return self._now_ns

    def monotonic_ns(self) -> int:
        """See `Clock`."""
        return self._passed_ns

    def sleep(self, duration_ns: int) -> None:
        """See `Clock`; returns at once."""
        self.advance(max(duration_ns, 0))

    def advance(self, duration_ns: int) -> None:
        """Let time pass."""
        assert duration_ns >= 0, "time does not go back; set the wall with `set_wall`"
        self._now_ns += duration_ns
        self._passed_ns += duration_ns

    def set_wall(self, now_ns: int) -> None:
        """Set the wall as an administrator would; monotonic time does not notice."""
        self._now_ns = now_ns


@final
class ScaledClock:
    """Time that starts at a chosen moment and runs faster or slower than the clock it is made of."""

    def __init__(self, base: Clock, *, start_ns: int, speed: float) -> None:
        assert speed > 0, "time that stands still is a ManualClock"
        self._base = base
        self._start_ns = start_ns
        self._speed = speed
        self._base_start_ns = base.monotonic_ns()

    def now_ns(self) -> int:
        """See `Clock`; does not jump, since it rests on monotonic time."""
        return self._start_ns + self.monotonic_ns()

    def monotonic_ns(self) -> int:
        """See `Clock`."""
        return int((self._base.monotonic_ns() - self._base_start_ns) * self._speed)

    def sleep(self, duration_ns: int) -> None:
        """See `Clock`; the duration is in scaled time."""
        self._base.sleep(int(duration_ns / self._speed))
