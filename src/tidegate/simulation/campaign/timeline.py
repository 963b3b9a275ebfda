"""Virtual time: what happens next, and nothing else makes time pass."""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Final, final

Call = Callable[[], None]


@final
class Timeline:
    """Calls in order of their time; equal times in the order in which they were set."""

    def __init__(self, start_ns: int) -> None:
        self.now_ns = start_ns
        self.start_ns: Final = start_ns
        self._heap: list[tuple[int, int, Call]] = []
        self._count = 0

    def at(self, time_ns: int, call: Call) -> None:
        """Set a call; one in the past comes next."""
        self._count += 1
        heappush(self._heap, (max(time_ns, self.now_ns), self._count, call))

    def after(self, wait_ns: int, call: Call) -> None:
        """Set a call after a wait."""
        self.at(self.now_ns + wait_ns, call)

    def step(self, until_ns: int) -> Call | None:
        """Move to the next call at or before a time and return it; None: there is none, and time stands at `until_ns`."""
        if not self._heap or self._heap[0][0] > until_ns:
            self.now_ns = max(self.now_ns, until_ns)
            return None
        self.now_ns, _, call = heappop(self._heap)
        return call


@final
class NodeClock:
    """The clock of one machine: its wall may be wrong, its monotonic time is the world's."""

    def __init__(self, timeline: Timeline, wall_offset_ns: int = 0) -> None:
        self._timeline: Final = timeline
        self.wall_offset_ns = wall_offset_ns

    def now_ns(self) -> int:
        """See `clock.Clock`."""
        return self._timeline.now_ns + self.wall_offset_ns

    def monotonic_ns(self) -> int:
        """See `clock.Clock`."""
        return self._timeline.now_ns - self._timeline.start_ns

    def sleep(self, duration_ns: int) -> None:
        """See `clock.Clock`; a machine of a world never sleeps, it is called."""
        raise AssertionError(f"nobody waits {duration_ns} ns in a simulated world")
