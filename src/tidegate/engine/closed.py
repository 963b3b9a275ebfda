"""When a venue is known to be closed: an exit sent then could only fail, and five failures would halt the symbol before it opens again."""

from typing import Final

from tidegate.engine.core import Core
from tidegate.market.rows import HALTED
from tidegate.values.time import HOUR_NS, MINUTE_NS

LOOK_NS: Final = MINUTE_NS  # an exit that waits is looked at so often: the next day's hours may have been told meanwhile
KNOWN_NS: Final = 12 * HOUR_NS  # after a close; then the next day should have been told, and not knowing keeps no exit back
EXIT_WAITS: Final = "the venue is closed, so the exit waits until it opens"


def closed_until_ns(core: Core, place: int) -> int:
    """Return until when a symbol's venue is known to be closed; 0: it is open, or its hours are not known."""
    open_ns, close_ns, _, _ = core.reading.hours(place)
    now_ns = core.now_ns
    if not close_ns:
        return 0
    if now_ns < open_ns:
        return open_ns
    return close_ns + KNOWN_NS if close_ns <= now_ns < close_ns + KNOWN_NS else 0


def is_halted(core: Core, place: int) -> bool:
    """Tell whether the venue has halted a symbol: what fails then tells nothing about the exit."""
    return core.reading.quote(place).quality & HALTED != 0
