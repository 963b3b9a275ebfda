"""What the venue answers: the words of the kernel's codes, and a response on its way."""

from typing import Final, NamedTuple

from tidegate.events.inputs import OrderEvent
from tidegate.values.enums import OrderEventKind
from tidegate.venues.sim import rows

Cause = tuple[int, int]  # (stream, place) of a market record

KINDS: Final = (
    OrderEventKind.SUBMITTED,
    OrderEventKind.ACCEPTED,
    OrderEventKind.PARTIALLY_FILLED,
    OrderEventKind.FILLED,
    OrderEventKind.CANCELED,
    OrderEventKind.REJECTED,
    OrderEventKind.EXPIRED,
    OrderEventKind.REPLACED,
    OrderEventKind.CANCEL_REJECTED,
    OrderEventKind.REPLACE_REJECTED,
)  # by the kernel's code

REASONS: Final = (
    "",
    "the rest of an immediate-or-cancel order",
    "not enough displayed to fill the whole order at once",
    "asked for",
    "the trading session closed",
    "trading is halted or closed, and the order may not wait",
    "the venue is closed",
    "the market has passed the stop price already",
    "insufficient quantity available: the account may not sell short",
    "the order has ended already",
    "the quantity must be more than what is filled already",
)  # by the kernel's code
assert len(REASONS) == rows.NOTHING_LEFT + 1


class Response(NamedTuple):
    """What the engine will be told of one order, stamped with the time at which it hears it; its id is given by whoever takes it in.

    cause is the market record that brought it about; None: a command or the close did.
    """

    event: OrderEvent
    cause: Cause | None
