"""What could still fill in one symbol: working orders and reservations, counted as they come and go.

An order counts at full remaining size until it is proved done; UNKNOWN changes nothing in that. A replacement
in flight counts with its original as the larger of the two (Alpaca reserves the same), never as their sum and
never as one alone.
"""

from typing import Final, Protocol, final

import msgspec

from tidegate.values.enums import OrderType, Purpose, Side

ANY_PRICE = 0  # book_price_nanos of an order that may trade at any price
NO_PRICE = -1  # book_price_nanos of an order that cannot meet another of ours

# Members of an enum are looked up slowly before Python 3.12.
_LIMIT: Final = OrderType.LIMIT
_STOP_LIMIT: Final = OrderType.STOP_LIMIT
_TRAILING_STOP: Final = OrderType.TRAILING_STOP


class OrderFacts(Protocol):
    """What the portfolio reads of an order: `oms.order.Order` is one."""

    @property
    def client_order_id(self) -> str:
        """Our id of the order."""

    @property
    def strategy_id(self) -> str:
        """Who owns it; empty: an order that is not ours."""

    @property
    def symbol(self) -> str:
        """What it trades."""

    @property
    def side(self) -> Side:
        """Which way."""

    @property
    def purpose(self) -> Purpose:
        """Whether it may add risk."""

    @property
    def order_type(self) -> OrderType:
        """How it may fill."""

    @property
    def limit_price_nanos(self) -> int:
        """Its limit; 0: none."""

    @property
    def remaining_nanos(self) -> int:
        """What may still fill; 0 when it is done."""

    @property
    def working(self) -> bool:
        """False once it is proved that nothing of it works."""

    @property
    def unknown(self) -> bool:
        """True while its outcome is not proved."""

    @property
    def predecessor_id(self) -> str:
        """The order it replaces; empty: none."""


class WorkingOrder(msgspec.Struct, kw_only=True, gc=False):
    """One order that may still fill. Only `Portfolio` changes it."""

    client_order_id: str
    strategy_id: str
    symbol: str
    side: Side
    purpose: Purpose
    book_price_nanos: int
    predecessor_id: str = ""
    replaced: bool = False  # others were commanded in its place
    remaining_nanos: int = 0
    counted_nanos: int = 0  # what it adds to the sums: less than remaining while its original still works
    unknown: bool = False
    sent_ns: int = 0  # when it was commanded; 0: not by us


@final
class SymbolBook:
    """The account's net position in a symbol and all that could change it."""

    __slots__ = ("buys_nanos", "net_nanos", "orders", "sells_nanos")

    def __init__(self) -> None:
        self.net_nanos = 0
        self.buys_nanos = 0  # working, UNKNOWN and reserved
        self.sells_nanos = 0
        self.orders: dict[str, WorkingOrder] = {}

    @property
    def idle(self) -> bool:
        """Tell whether nothing is held and nothing could fill."""
        return self.net_nanos == 0 and self.buys_nanos == 0 and self.sells_nanos == 0

    def worst_nanos(self, *, buys: int = 0, sells: int = 0) -> int:
        """Return the largest absolute position that could come about with so much more on either side."""
        net = self.net_nanos
        long, short = net + self.buys_nanos + buys, self.sells_nanos + sells - net
        return max(long, short)

    def crossing(self, side: Side, price_nanos: int, *, besides: str) -> int | None:
        """Return the price of an own resting order that an order would trade with; None: there is none.

        ANY_PRICE stands for a market or stop order on either side. `besides` is the order being replaced.
        """
        found: int | None = None
        sign = side.sign
        for order in self.orders.values():
            own = order.book_price_nanos
            if order.side is side or own == NO_PRICE or order.client_order_id == besides:
                continue
            if ANY_PRICE in {own, price_nanos} or (price_nanos - own) * sign >= 0:
                found = own if found is None else min(found, own)
        return found


UNTOUCHED: Final = SymbolBook()  # of a symbol in which nothing ever happened; read only


def book_price(order_type: OrderType, limit_price_nanos: int) -> int:
    """Return the price at which an order could meet another of ours.

    Alpaca refuses any pair of opposite orders with a market or a stop in it as a potential wash trade, and
    lets trailing stops pass (fact sheet, 13.4); the strictest venue sets the rule.
    """
    if order_type is _LIMIT or order_type is _STOP_LIMIT:
        return limit_price_nanos
    if order_type is _TRAILING_STOP:
        return NO_PRICE
    return ANY_PRICE
