"""The simulated venue's slow obvious twin: plain lists, every record one by one, nothing shared with the kernel.

It judges the simulator on random tapes. Where both could be wrong in the same way, the rules stand in `assumptions.py`.
"""

import copy
from collections.abc import Sequence

from tests.venues.twin_market import IMMEDIATE, STOPS, Order, TwinMarket, Word
from tidegate.events import records
from tidegate.events.acts import OrderCommand
from tidegate.values.enums import CommandKind, OrderType, Side, TimeInForce
from tidegate.values.enums import OrderEventKind as Kind
from tidegate.values.latency import ORDER_STREAM
from tidegate.values.time import NEVER_NS
from tidegate.venues.sim import checks
from tidegate.venues.sim.settings import OutsideHours, ReplaceQuantity


class Twin(TwinMarket):
    """The same questions as `SimVenue`, answered slowly."""

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

    def close_until(self, until: int) -> None:
        while self.close_ns <= until and self.close_ns < NEVER_NS:
            self.now, self.cause = self.close_ns, None
            self.closed += 1
            for instrument in self.instruments:
                ours = self.open_orders(instrument.symbol)
                for order in [o for o in ours if not o.waiting] + [o for o in ours if o.waiting]:
                    if order.command.time_in_force is TimeInForce.DAY:
                        self.finish(order, Kind.EXPIRED)

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

    def submit(self, command: OrderCommand) -> None:
        if self.fault(command) or self.refused(command, command.quantity_nanos, 0):
            self.reject(command)
            return
        self.accept(self.record(command, command.quantity_nanos))

    def reject(self, command: OrderCommand) -> None:
        if self.find(command.client_order_id) is None:
            self.orders.append(Order(command, command.symbol, command.order_type, None, 0, open=False, end=Kind.REJECTED))
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
        if command.order_type is OrderType.STOP and command.side is Side.BUY and self.settings.buy_stop_collar:
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

    def find(self, client_order_id: str) -> Order | None:
        return next((o for o in self.orders if o.command.client_order_id == client_order_id), None)
