"""What is due by time alone, whatever else happens: the account's valuation and the strategies' own timers."""

from collections.abc import Sequence
from typing import Final, final

from tidegate.values.time import NEVER_NS


@final
class Clocks:
    """When each comes next. `earliest_ns` follows from them, so that asking what is due need not look at each."""

    __slots__ = ("_timers_every_ns", "_valuation_every_ns", "earliest_ns", "timers_ns", "valuation_ns")

    def __init__(self, valuation_every_ns: int, timers_every_ns: Sequence[int]) -> None:
        self._valuation_every_ns: Final = valuation_every_ns
        self._timers_every_ns: Final = tuple(timers_every_ns)
        self.stop()

    def start(self, now_ns: int) -> None:
        """Set all of them going: each is due at the next whole multiple of its interval."""
        self.put(after(now_ns, self._valuation_every_ns), [after(now_ns, every_ns) for every_ns in self._timers_every_ns])

    def stop(self) -> None:
        """Let none of them come before the next start."""
        self.put(NEVER_NS, [NEVER_NS for _ in self._timers_every_ns])

    def put(self, valuation_ns: int, timers_ns: Sequence[int]) -> None:
        """Set when each comes next."""
        self.valuation_ns, self.timers_ns = valuation_ns, tuple(timers_ns)
        self.earliest_ns = min(valuation_ns, *timers_ns, NEVER_NS)

    def take(self, now_ns: int) -> tuple[bool, list[int]]:
        """Return whether a valuation is due and the places of the strategies whose timers are; what is due begins anew."""
        value = now_ns >= self.valuation_ns
        due = [place for place, due_ns in enumerate(self.timers_ns) if now_ns >= due_ns]
        self.put(
            after(now_ns, self._valuation_every_ns) if value else self.valuation_ns,
            [after(now_ns, self._timers_every_ns[place]) if place in due else due_ns for place, due_ns in enumerate(self.timers_ns)],
        )
        return value, due


def after(now_ns: int, every_ns: int) -> int:
    """Return the next whole multiple of an interval; NEVER_NS for one that never comes."""
    return NEVER_NS if every_ns >= NEVER_NS else now_ns - now_ns % every_ns + every_ns
