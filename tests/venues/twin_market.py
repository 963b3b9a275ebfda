"""What the twin of the simulated venue keeps of the market and of orders, and how these meet: plain lists and dataclasses."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from tidegate.events import records
from tidegate.events.acts import OrderCommand
from tidegate.values.enums import Liquidity, OrderType, Side, TimeInForce
from tidegate.values.enums import OrderEventKind as Kind
from tidegate.values.instruments import Instrument
from tidegate.values.latency import RESPONSE_STREAM, Latency
from tidegate.values.time import NEVER_NS
from tidegate.venues.sim.settings import SimSettings

Word = tuple[Any, ...]
IMMEDIATE = (TimeInForce.IOC, TimeInForce.FOK)
STOPS = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)


@dataclass
class Side2:
    """One side of the display: what is shown, what we took of it, and which showing it is."""

    price: int = 0
    size: int = 0
    used: int = 0
    showing: int = 0


@dataclass
class Book:
    bid: Side2 = field(default_factory=Side2)
    ask: Side2 = field(default_factory=Side2)
    firm: bool = True
    halted: bool = False
    sale: int = 0
    position: int = 0


@dataclass
class Order:
    command: OrderCommand
    symbol: str
    type: OrderType
    limit: int | None
    quantity: int
    filled: int = 0
    open: bool = True
    waiting: bool = False  # for its stop
    rests_since: int = 0
    queue: int | None = None  # None: not known
    fresh: bool = False
    extreme: int | None = None
    executions: int = 0
    successor: str = ""
    end: Kind | None = None

    @property
    def buys(self) -> bool:
        return self.command.side is Side.BUY

    @property
    def rest(self) -> int:
        return self.quantity - self.filled


class TwinMarket:
    """Displays, resting orders, stops and fills. `twin.Twin` adds the walk and the commands."""

    def __init__(
        self,
        tapes: Sequence[Sequence[Any]],
        maps: Sequence[Sequence[int]],
        instruments: Sequence[Instrument],
        settings: SimSettings,
        latencies: tuple[Latency, Latency],
        seed: int,
    ) -> None:
        self.tapes, self.maps, self.instruments = tapes, maps, instruments
        self.settings, self.latencies, self.seed = settings, latencies, seed
        self.books = {instrument.symbol: Book() for instrument in instruments}
        self.orders: list[Order] = []
        self.cursor = [0] * len(tapes)
        self.words: list[Word] = []  # said, not yet taken
        self.count = {"commands": 0, "words": 0, "rests": 0, "showings": 0}
        self.arrived = 0
        self.answered = 0
        self.closed = 0  # sessions that are over
        self.now = 0
        self.cause: tuple[int, int] | None = None
        self.taken_from: dict[Any, int] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        other = copy.copy(self)
        for name in ("books", "orders", "cursor", "words", "count", "taken_from"):
            setattr(other, name, copy.deepcopy(getattr(self, name), memo))
        return other

    @property
    def close_ns(self) -> int:
        hours = self.settings.hours
        if not hours or self.closed >= len(hours):
            return NEVER_NS
        return hours[self.closed].close_ns

    def is_open(self) -> bool:
        hours = self.settings.hours
        if not hours:
            return True
        return self.closed < len(hours) and hours[self.closed].open_ns <= self.now

    def trading(self, symbol: str) -> bool:
        return self.is_open() and not self.books[symbol].halted

    def on_quote(self, symbol: str, record: Any) -> None:
        book = self.books[symbol]
        self.show(book.bid, record.a, record.c)
        self.show(book.ask, record.b, record.d)
        book.firm = not record.flags & (records.SLOW_QUOTE | records.SUSPICIOUS)
        if not self.trading(symbol):
            return
        for order in self.open_orders(symbol):
            if not order.waiting:
                self.rest_meets_quote(order)
        for order in self.open_orders(symbol):
            if not order.waiting and order.queue is None and order.limit is not None:
                order.queue = self.queue_at(order)
        if not book.sale:
            self.elect(symbol)

    def show(self, side: Side2, price: int, size: int) -> None:
        if (side.price, side.size) != (price, size):
            side.price, side.size, side.used = price, size, 0
            self.count["showings"] += 1
            side.showing = self.count["showings"]

    def rest_meets_quote(self, order: Order) -> None:
        price = self.price_for(order.symbol, order.buys)
        if price is None:
            return
        if order.limit is None or order.fresh:
            if self.reaches(order, price):
                self.fill_from_display(order, price, Liquidity.TAKER)
        elif self.reaches(order, price):
            self.fill_from_display(order, order.limit, Liquidity.MAKER)
        order.fresh = False

    def on_trade(self, symbol: str, record: Any) -> None:
        price, size, flags = record.a, record.b, record.flags
        real = price > 0 and size > 0 and flags & records.REGULAR
        sound = real and not flags & (records.CORRECTION | records.SUSPICIOUS)
        sale = sound and self.within_quote(symbol, price)
        if sound and not flags & records.OFF_EXCHANGE and self.trading(symbol):
            left = size
            for order in self.open_orders(symbol):
                if not order.waiting and order.limit is not None and self.reaches(order, price):
                    left -= self.print_fills(order, price, size, left, (self.cause, "print"))
        if sale:
            self.books[symbol].sale = price
            if self.trading(symbol):
                self.elect(symbol)

    def print_fills(self, order: Order, price: int, size: int, left: int, source: Any) -> int:
        ahead = 0
        if price == order.limit:
            if order.queue is None:
                return 0
            ahead = min(order.queue, size)
            order.queue -= ahead
        else:
            order.queue = 0
        quantity = min(order.rest, size - ahead - (size - left))
        if quantity <= 0:
            return 0
        assert order.limit is not None
        self.fill(order, quantity, order.limit, Liquidity.MAKER, (source, size))
        return quantity

    def on_status(self, symbol: str, code: int) -> None:
        book = self.books[symbol]
        if code in (records.STATUS_HALT, records.STATUS_RESUME):
            book.halted = code == records.STATUS_HALT
            book.bid, book.ask = Side2(), Side2()

    def within_quote(self, symbol: str, price: int) -> bool:
        bid, ask = self.price_for(symbol, buys=False), self.price_for(symbol, buys=True)
        return bid is None or ask is None or bid <= price <= ask

    def price_for(self, symbol: str, buys: bool) -> int | None:  # noqa: FBT001
        book = self.books[symbol]
        crossed = book.bid.price > book.ask.price > 0
        side = book.ask if buys else book.bid
        if not book.firm or crossed or side.price <= 0 or side.size <= 0:
            return None
        return side.price

    @staticmethod
    def reaches(order: Order, price: int) -> bool:
        if order.limit is None:
            return True
        return order.limit >= price if order.buys else order.limit <= price

    def queue_at(self, order: Order) -> int | None:
        assert order.limit is not None
        other = self.price_for(order.symbol, order.buys)
        if other is not None and self.reaches(order, other):
            return 0
        best = self.price_for(order.symbol, not order.buys)
        if best is None:
            return None
        if best == order.limit:
            book = self.books[order.symbol]
            return (book.bid if order.buys else book.ask).size
        better = order.limit > best if order.buys else order.limit < best
        return 0 if better else None

    def market(self, symbol: str, buys: bool) -> int | None:  # noqa: FBT001
        return self.books[symbol].sale or self.price_for(symbol, buys)

    def elect(self, symbol: str) -> None:
        for order in [o for o in self.open_orders(symbol) if o.waiting]:
            mark = self.market(symbol, order.buys)
            if mark is not None and self.reached(order, mark):
                order.waiting = False
                order.type = OrderType.MARKET if order.limit is None else OrderType.LIMIT
                self.arrive(order)

    @staticmethod
    def reached(order: Order, mark: int) -> bool:
        stop = order.command.stop_price_nanos
        if order.type is OrderType.TRAILING_STOP:
            best = min if order.buys else max
            order.extreme = mark if order.extreme is None else best(order.extreme, mark)
            trail = order.command.trail_nanos
            stop = order.extreme + trail if order.buys else order.extreme - trail
        return mark >= stop if order.buys else mark <= stop

    def arrive(self, order: Order) -> None:
        price = self.price_for(order.symbol, order.buys)
        order.fresh = False
        whole_only = order.command.time_in_force is TimeInForce.FOK
        if price is not None and self.reaches(order, price):
            side = self.side_for(order)
            if not whole_only or side.size - side.used >= order.rest:
                self.fill_from_display(order, price, Liquidity.TAKER)
        if not order.open:
            return
        if order.command.time_in_force in IMMEDIATE:
            self.finish(order, Kind.CANCELED)
        else:
            order.queue = None if order.limit is None else self.queue_at(order)
            self.rest(order)

    def rest(self, order: Order) -> None:
        self.count["rests"] += 1
        order.rests_since = self.count["rests"]

    def open_orders(self, symbol: str) -> list[Order]:
        """Open orders: buys, then sells, each best price first; waiting stops and equals by age."""

        def key(order: Order) -> tuple[int, int, int]:
            if order.waiting:
                return (2, 0, order.rests_since)
            price = 0 if order.limit is None else order.limit
            if order.buys:
                return (0, -NEVER_NS if order.limit is None else -price, order.rests_since)
            return (1, -NEVER_NS if order.limit is None else price, order.rests_since)

        return sorted((o for o in self.orders if o.open and o.symbol == symbol and o.rests_since), key=key)

    def side_for(self, order: Order) -> Side2:
        book = self.books[order.symbol]
        return book.ask if order.buys else book.bid

    def fill_from_display(self, order: Order, price: int, liquidity: Liquidity) -> None:
        side = self.side_for(order)
        quantity = min(order.rest, side.size - side.used)
        if quantity > 0:
            side.used += quantity
            self.fill(order, quantity, price, liquidity, ((order.symbol, side.showing), side.size))

    def fill(self, order: Order, quantity: int, price: int, liquidity: Liquidity, source: Any) -> None:
        where, size = source
        self.taken_from[where] = self.taken_from.get(where, 0) + quantity
        assert self.taken_from[where] <= size, "more than was displayed or printed"
        assert order.limit is None or (price <= order.limit if order.buys else price >= order.limit)
        order.filled += quantity
        assert order.filled <= order.quantity
        order.executions += 1
        self.books[order.symbol].position += quantity if order.buys else -quantity
        done = order.filled == order.quantity
        if done:
            order.open, order.end = False, Kind.FILLED
        execution = (f"{order.command.client_order_id}-{order.executions}", quantity, price, liquidity)
        self.say(Kind.FILLED if done else Kind.PARTIALLY_FILLED, order, execution)

    def finish(self, order: Order, kind: Kind) -> None:
        order.open, order.end = False, kind
        self.say(kind, order)

    def say(self, kind: Kind, order: Order, execution: tuple[Any, ...] = ("", 0, 0, None)) -> None:
        successor = order.successor if kind is Kind.REPLACED else ""
        self.word(kind, order.command.client_order_id, filled=order.filled, execution=execution, successor=successor)

    def word(
        self,
        kind: Kind,
        about: str,
        *,
        filled: int = 0,
        execution: tuple[Any, ...] = ("", 0, 0, None),
        successor: str = "",
    ) -> None:
        delay = self.latencies[1].draw(seed=self.seed, stream=RESPONSE_STREAM, index=self.count["words"])
        self.count["words"] += 1
        self.answered = max(self.answered, self.now + delay)
        self.words.append((self.answered, self.cause, kind, about, self.now, *execution, filled, successor))
