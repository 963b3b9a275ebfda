"""What a venue said that was not understood: kept out of everything, counted, told to people, and never guessed.

The first is told at once, later ones at most once a minute with their number; the status has the count and the newest in any case.
"""

from collections.abc import Callable
from typing import Final, final

from tidegate.clock.clock import Clock
from tidegate.values.time import MINUTE_NS

TELL_EVERY_NS: Final = MINUTE_NS
_SHOWN: Final = 300  # characters of a doubt: it may quote what came


@final
class Doubts:
    """The doubts of one session."""

    def __init__(self, clock: Clock, tell: Callable[[str], None]) -> None:
        self._clock: Final = clock
        self._tell: Final = tell
        self._told = 0
        self._told_ns = -TELL_EVERY_NS  # monotonic
        self.count = 0
        self.newest = ""

    def note(self, stream: str, doubt: str) -> None:
        """Take in a message that was not understood, or not wholly."""
        self.count += 1
        self.newest = f"{stream}: {' '.join(doubt.split())}"[:_SHOWN]
        now_ns = self._clock.monotonic_ns()
        if now_ns - self._told_ns >= TELL_EVERY_NS:
            many = self.count - self._told
            whose = "A message" if many == 1 else f"{many} messages"
            self._tell(f"{whose} of the venue {'was' if many == 1 else 'were'} not understood and not used, the newest of {self.newest}")
            self._told, self._told_ns = self.count, now_ns
