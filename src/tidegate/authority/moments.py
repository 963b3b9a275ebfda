"""A moment on both clocks: a machine that slept counts, and a clock that was set back prolongs nothing."""

from typing import NamedTuple


class Moment(NamedTuple):
    """Wall time (ns UTC) and monotonic time of the same moment."""

    wall_ns: int
    monotonic_ns: int

    def passed_ns(self, since: "Moment") -> int:
        """Return how much time has passed, by the clock that says more."""
        return max(self.wall_ns - since.wall_ns, self.monotonic_ns - since.monotonic_ns)
