"""A request to a venue that has ended, as the audit chain keeps it: no key, no body, no query."""

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

HELD_BACK: Final = "held back"  # why of an order that did not leave after all


class VenueCall(NamedTuple):
    """One attempt. status 0: no answer came, and `why` says what kind of error, or that it was held back; request_id is the venue's own."""

    method: str
    path: str
    status: int
    duration_ns: int
    request_id: str = ""
    why: str = ""


Called: TypeAlias = Callable[[VenueCall], None]


def nobody(_call: VenueCall) -> None:
    """Nobody listens."""
