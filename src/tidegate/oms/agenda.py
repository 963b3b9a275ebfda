"""When something is due about which order, earliest first. Follows from the orders; no state of its own."""

from heapq import heapify, heappop, heappush
from typing import Final, final

from tidegate.values.time import NEVER_NS

SLACK: Final = 64  # outdated entries kept before the heap is built again


@final
class Agenda:
    """One time per order; an order without one has nothing due."""

    __slots__ = ("_heap", "times")

    def __init__(self) -> None:
        self.times: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []  # the same, earliest first, with outdated entries

    def __len__(self) -> int:
        return len(self._heap)

    def put(self, key: str, due_ns: int) -> None:
        """Set an order's time; NEVER_NS takes it off."""
        if due_ns == NEVER_NS:
            self.times.pop(key, None)
            return
        self.times[key] = due_ns
        heappush(self._heap, (due_ns, key))
        if len(self._heap) > 2 * len(self.times) + SLACK:
            self._heap = [(due, name) for name, due in self.times.items()]
            heapify(self._heap)

    def earliest_ns(self) -> int:
        """Return the earliest time; NEVER_NS when nothing is due."""
        heap, times = self._heap, self.times
        while heap:
            due_ns, key = heap[0]
            if times.get(key) == due_ns:
                return due_ns
            heappop(heap)
        return NEVER_NS

    def until(self, now_ns: int) -> list[str]:
        """Return the orders whose time has come, oldest first, then by id."""
        if self.earliest_ns() > now_ns:
            return []
        return [key for _, key in sorted((due_ns, key) for key, due_ns in self.times.items() if due_ns <= now_ns)]
