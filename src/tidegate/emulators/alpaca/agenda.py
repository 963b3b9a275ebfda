"""What is due at a time of the tape: ends of minutes and sessions, delayed deliveries. Deterministic: by time, then by order of asking."""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import final

from tidegate.values.time import NEVER_NS

Act = Callable[[], None]


@final
class Agenda:
    """Acts by their time."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Act]] = []
        self._asked = 0

    def at(self, tape_ns: int, act: Act) -> None:
        """Do something at a time."""
        heappush(self._heap, (tape_ns, self._asked, act))
        self._asked += 1

    @property
    def next_ns(self) -> int:
        """When the next act is due; NEVER_NS: none is."""
        return self._heap[0][0] if self._heap else NEVER_NS

    def do_next(self) -> None:
        """Do the next act."""
        heappop(self._heap)[2]()
