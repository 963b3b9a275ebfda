"""The emulator's time: the tape's own, moved by whole minutes so that the tape plays now.

Whole minutes keep bars on their minutes. What of the tape comes before the start has been played already.
"""

from typing import Final, final

from tidegate.clock.clock import Clock
from tidegate.values.time import MINUTE_NS


@final
class Timeline:
    """Tape time and shown time, a constant apart, over any clock (scaled for speed, manual for tests): `begin_ns` of the tape is now."""

    def __init__(self, clock: Clock, *, begin_ns: int) -> None:
        self._clock: Final = clock
        self.shift_ns: Final = (clock.now_ns() - begin_ns) // MINUTE_NS * MINUTE_NS
        self._last_ns = 0

    def now_ns(self) -> int:
        """Return the time that clients are shown; it never goes back."""
        self._last_ns = max(self._last_ns, self._clock.now_ns())
        return self._last_ns

    def tape_ns(self) -> int:
        """Return the tape's time now."""
        return self.now_ns() - self.shift_ns

    def shown(self, tape_ns: int) -> int:
        """Return the shown time of a time of the tape."""
        return tape_ns + self.shift_ns

    def on_tape(self, shown_ns: int) -> int:
        """Return the tape's time of a shown time."""
        return shown_ns - self.shift_ns
