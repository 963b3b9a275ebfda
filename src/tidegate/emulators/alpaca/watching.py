"""Orders that the emulator itself follows through the market: trailing stops, and multi-leg orders.

The simulated venue works a trail in dollars; here its high-water mark is kept, for clients to see. A trail in percent changes
with the mark, so it is elected here and sent as a market order.
"""

from typing import TYPE_CHECKING, Final, final

from tidegate.emulators.alpaca import multi
from tidegate.emulators.alpaca.market import Row, Top, is_sale
from tidegate.emulators.alpaca.orders import Life, Order, Status
from tidegate.events import records
from tidegate.values.enums import CommandKind, OrderType

if TYPE_CHECKING:
    from tidegate.emulators.alpaca.desk import Desk


@final
class Watching:
    """Watched orders of one account by the place of their symbol."""

    def __init__(self, desk: "Desk") -> None:
        self._desk: Final = desk
        self.places: dict[int, list[Order]] = {}

    def start(self, order: Order) -> None:
        """Follow an order from now on."""
        floor = self._desk.floor
        for symbol in {order.symbol, *(leg.symbol for leg in order.legs)} - {""}:
            self.places.setdefault(floor.market.places[symbol], []).append(order)
        if order.order_type is OrderType.TRAILING_STOP:
            order.high_nanos = floor.market.top(order.symbol).mark_nanos
        if order.life is Life.DAY:
            floor.agenda.at(floor.schedule.next_close_ns(floor.player.now_ns), lambda: self._expire(order))

    def stop(self, order: Order) -> None:
        """Follow an order no longer."""
        for place in [place for place, orders in self.places.items() if order in orders]:
            self.places[place].remove(order)
            if not self.places[place]:
                del self.places[place]

    def see(self, row: Row) -> None:
        """Follow the market through one record."""
        top = self._desk.floor.market.tops[row.instrument]
        for order in tuple(self.places.get(row.instrument, ())):
            if order.legs:
                if row.kind == records.QUOTE:
                    multi.try_fill(self._desk, order)
            elif row.kind == records.TRADE and is_sale(row.flags) and _is_inside(row.a, top):
                self._trail(order, row.a)

    def _trail(self, order: Order, price_nanos: int) -> None:
        """Let a trailing stop follow a sale; elect it once the market has come back by its trail."""
        if not self._desk.floor.is_open():
            return
        sign = -1 if order.side is not None and order.side.sign > 0 else 1
        if not order.high_nanos or sign * (price_nanos - order.high_nanos) > 0:
            order.high_nanos = price_nanos
            order.updated_ns = self._desk.floor.now_ns()
            return
        stop_nanos = order.high_nanos - sign * order.distance_nanos
        if order.trail_percent is not None and sign * (price_nanos - stop_nanos) <= 0:
            self.stop(order)
            self._desk.send(CommandKind.SUBMIT, order, sim_id=order.id, order_type=OrderType.MARKET)

    def _expire(self, order: Order) -> None:
        if not order.is_over and not self._desk.is_sent(order):
            self._desk.end(order, Status.EXPIRED)


def _is_inside(price_nanos: int, top: Top) -> bool:
    quote = top.quote
    return quote is None or not quote.a or not quote.b or quote.a <= price_nanos <= quote.b
