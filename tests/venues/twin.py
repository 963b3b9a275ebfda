"""The simulated venue's slow obvious twin: plain lists, every record one by one, nothing shared with the kernel.

It judges the simulator on random tapes. Where both could be wrong in the same way, the rules stand in `assumptions.py`.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tidegate.events import records
from tidegate.events.acts import OrderCommand
from tidegate.values.enums import CommandKind, Liquidity, OrderType, Side, TimeInForce
from tidegate.values.enums import OrderEventKind as Kind
from tidegate.values.instruments import Instrument
from tidegate.values.latency import ORDER_STREAM, RESPONSE_STREAM, Latency
from tidegate.values.time import NEVER_NS
from tidegate.venues.sim import checks
from tidegate.venues.sim.settings import OutsideHours, ReplaceQuantity, SimSettings

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


class Twin:
    """The same questions as `SimVenue`, answered slowly."""

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

    def __deepcopy__(self, memo: dict[int, Any]) -> "Twin":
        other = copy.copy(self)
        for name in ("books", "orders", "cursor", "words", "count", "taken_from"):
            setattr(other, name, copy.deepcopy(getattr(self, name), memo))
        return other

    # The caller's questions.

    def command(self, command: OrderCommand, *, sent_ns: int, taken: Sequence[int]) -> None:
        delay = self.latencies[0].draw(seed=self.seed, stream=ORDER_STREAM, index=self.count["commands"])
        self.count["commands"] += 1
        self.arrived = max(self.arrived, sent_ns + delay)
        self.run_to(self.arrived, list(taken))
        self.now, self.cause = self.arrived, None
        if command.kind is CommandKind.SUBMIT:
            self.submit(command)
        elif command.kind is CommandKind.CANCEL:
            self.cancel(command)
        elif command.kind is CommandKind.REPLACE:
            self.replace(command)
        else:
            self.look_up(command)

    def next_response_ns(self) -> int:
        ahead = copy.deepcopy(self)
        ahead.run_until_word()
        return int(ahead.words[0][0]) if ahead.words else NEVER_NS

    def next_response(self) -> Word:
        self.run_until_word()
        return self.words.pop(0)

    # The walk.

    def times(self, rank: int) -> list[int]:
        latest, times = -NEVER_NS, []
        for record in self.tapes[rank]:
            latest = max(latest, record.ts_event)
            times.append(latest)
        return times

    def next_record(self, until: int, taken: Sequence[int]) -> tuple[int, int] | None:
        heads = []
        for rank, tape in enumerate(self.tapes):
            place = self.cursor[rank]
            if place < len(tape):
                time = self.times(rank)[place]
                if time < until or (time == until and place < taken[rank]):
                    heads.append((time, rank))
        return min(heads, default=None)

    def run_to(self, until: int, taken: Sequence[int]) -> None:
        while (head := self.next_record(until, taken)) is not None:
            self.take(*head)
        self.close_until(until)

    def run_until_word(self) -> None:
        """Run on to the next word; all of one record or one close is said before it stops."""
        while not self.words and any(order.open for order in self.orders):
            head = self.next_record(NEVER_NS, [0] * len(self.tapes))
            if self.close_ns < NEVER_NS and (head is None or self.close_ns <= head[0]):
                self.run_to(self.close_ns, [0] * len(self.tapes))
            elif head is None:
                return
            else:
                self.take(*head)

    @property
    def close_ns(self) -> int:
        hours = self.settings.hours
        if not hours or self.closed >= len(hours):
            return NEVER_NS
        return hours[self.closed].close_ns

    def close_until(self, until: int) -> None:
        while self.close_ns <= until and self.close_ns < NEVER_NS:
            self.now, self.cause = self.close_ns, None
            self.closed += 1
            for instrument in self.instruments:
                ours = self.open_orders(instrument.symbol)
                for order in [o for o in ours if not o.waiting] + [o for o in ours if o.waiting]:
                    if order.command.time_in_force is TimeInForce.DAY:
                        self.finish(order, Kind.EXPIRED)

    def is_open(self) -> bool:
        hours = self.settings.hours
        if not hours:
            return True
        return self.closed < len(hours) and hours[self.closed].open_ns <= self.now

    def take(self, time: int, rank: int) -> None:
        self.close_until(time)
        place = self.cursor[rank]
        self.cursor[rank] += 1
        record = self.tapes[rank][place]
        self.now, self.cause = time, (rank, place)
        index = self.maps[rank][record.instrument]
        if index < 0:
            return
        symbol = self.instruments[index].symbol
        if record.kind == records.QUOTE:
            self.on_quote(symbol, record)
        elif record.kind == records.TRADE:
            self.on_trade(symbol, record)
        elif record.kind == records.STATUS:
            self.on_status(symbol, record.a)

    # The market.

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

    # Stops.

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

    # Commands.

    def submit(self, command: OrderCommand) -> None:
        if self.fault(command) or self.refused(command, command.quantity_nanos, 0):
            self.reject(command)
            return
        self.accept(self.record(command, command.quantity_nanos))

    def reject(self, command: OrderCommand) -> None:
        if self.find(command.client_order_id) is None:
            self.orders.append(
                Order(command, command.symbol, command.order_type, None, 0, open=False, end=Kind.REJECTED)
            )
        self.word(Kind.REJECTED, command.client_order_id)

    def fault(self, command: OrderCommand) -> bool:
        by_symbol = {instrument.symbol: instrument for instrument in self.instruments}
        if command.symbol not in by_symbol or self.find(command.client_order_id) is not None:
            return True
        if sum(order.open for order in self.orders) >= self.settings.orders_max:
            return True
        return bool(checks.form_fault(command, by_symbol[command.symbol]))

    def refused(self, command: OrderCommand, quantity: int, back: int) -> bool:
        later = bool(self.settings.hours) and self.closed >= len(self.settings.hours)
        if not self.is_open() and (later or self.settings.outside_hours is OutsideHours.REJECT):
            return True
        buys = command.side is Side.BUY
        mark = self.market(command.symbol, buys)
        if command.order_type in (OrderType.STOP, OrderType.STOP_LIMIT) and mark is not None:
            stop = command.stop_price_nanos
            if mark >= stop if buys else mark <= stop:
                return True
        if buys or self.settings.short_selling:
            return False
        selling = sum(order.rest for order in self.open_orders(command.symbol) if not order.buys)
        return quantity + selling - back > self.books[command.symbol].position

    def record(self, command: OrderCommand, quantity: int) -> Order:
        limit: int | None = command.limit_price_nanos or None
        if (
            command.order_type is OrderType.STOP
            and command.side is Side.BUY
            and self.settings.buy_stop_collar
        ):
            instrument = next(i for i in self.instruments if i.symbol == command.symbol)
            limit = checks.collared_limit(command.stop_price_nanos, instrument)
        order = Order(command, command.symbol, command.order_type, limit, quantity)
        self.orders.append(order)
        return order

    def accept(self, order: Order) -> None:
        self.say(Kind.ACCEPTED, order)
        if order.type in STOPS:
            order.waiting = True
            order.extreme = self.market(order.symbol, order.buys)
            self.rest(order)
        elif self.trading(order.symbol):
            self.arrive(order)
        elif order.command.time_in_force in IMMEDIATE:
            self.finish(order, Kind.CANCELED)
        else:
            order.fresh = True
            self.rest(order)

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

    def cancel(self, command: OrderCommand) -> None:
        order = self.find(command.target_id)
        if order is None or not order.open:
            self.refuse_target(Kind.CANCEL_REJECTED, command, order)
        else:
            self.finish(order, Kind.CANCELED)

    def replace(self, command: OrderCommand) -> None:
        old = self.find(command.target_id)
        fault = self.fault(command) or old is None or not old.open
        if not fault and old is not None:
            fault = bool(checks.replace_fault(command, old.command))
        if not fault and old is not None:
            rest = command.quantity_nanos - self.taken_off(old)
            fault = rest <= 0 or self.refused(command, rest, 0 if old.buys else old.rest)
        if fault or old is None:
            self.refuse_target(Kind.REPLACE_REJECTED, command, old)
            self.reject(command)
            return
        old.successor = command.client_order_id
        self.finish(old, Kind.REPLACED)
        self.accept(self.record(command, command.quantity_nanos - self.taken_off(old)))

    def taken_off(self, old: Order) -> int:
        return old.filled if self.settings.replace_quantity is ReplaceQuantity.TOTAL else 0

    def look_up(self, command: OrderCommand) -> None:
        order = self.find(command.target_id)
        if order is None:
            self.word(Kind.LOOKUP_MISSED, command.target_id)
        else:
            self.word(order.end or Kind.FOUND_WORKING, command.target_id, filled=order.filled)

    def refuse_target(self, kind: Kind, command: OrderCommand, order: Order | None) -> None:
        known = kind is Kind.REPLACE_REJECTED and order is not None
        successor = command.client_order_id if known else ""
        self.word(kind, command.target_id, filled=order.filled if order else 0, successor=successor)

    # Fills and words.

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

    def find(self, client_order_id: str) -> Order | None:
        return next((o for o in self.orders if o.command.client_order_id == client_order_id), None)

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
        self.word(
            kind, order.command.client_order_id, filled=order.filled, execution=execution, successor=successor
        )

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
