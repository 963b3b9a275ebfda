"""Broken parts that take the place of ours in a world: each is a mistake that real trading systems have made."""

from typing import Any

from tidegate.oms.order import Order
from tidegate.service.desk import Desk
from tidegate.service.gatekeeper import Gatekeeper
from tidegate.service.ports import Send, WriteLedger
from tidegate.service.words import own_event
from tidegate.values.enums import CommandKind, OrderEventKind, Purpose
from tidegate.venues.errors import OutcomeUnsure
from tidegate.venues.port import Urgency


def resend_on_timeout(*given: Any) -> Desk:
    """A timeout is taken for a failure, and the order is sent again."""
    desk = Desk(*given)
    outbox = desk.outbox
    answered = outbox.answered

    def again(command_id: str, answer: Any) -> None:
        entry = outbox._entries.get(command_id)
        if isinstance(answer, OutcomeUnsure) and entry is not None and entry.commanded.command.kind is CommandKind.SUBMIT:
            outbox._effects.append(Send(entry.commanded.command, Urgency.ENTRY))
        answered(command_id, answer)

    outbox.answered = again  # type: ignore[method-assign]
    return desk


def drop_on_404(*given: Any) -> Desk:
    """An order that the venue does not find once is dropped from the books."""
    desk = Desk(*given)
    found = desk.outbox.found

    def drop(client_order_id: str, seen: Any) -> None:
        order = desk.engine.books.order(client_order_id)
        if seen is None and order is not None and order.working:
            desk.sequencer.offer(own_event(order, OrderEventKind.CANCELED, reason="not found"))
            return
        found(client_order_id, seen)

    desk.outbox.found = drop  # type: ignore[method-assign, assignment]
    return desk


def fill_counted_twice(*given: Any) -> Desk:
    """Fills are told apart by when they came, not by their id and running total."""
    desk = Desk(*given)
    offer = desk.sequencer.offer
    count = 0

    def offered(message: Any) -> bool:
        nonlocal count
        if getattr(message, "execution_id", "") and message.kind in (OrderEventKind.PARTIALLY_FILLED, OrderEventKind.FILLED):
            from msgspec.structs import replace

            count += 1
            message = replace(message, execution_id=f"{message.execution_id}#{count}", cum_quantity_nanos=0)
        return offer(message)

    desk.sequencer.offer = offered  # type: ignore[method-assign]
    return desk


def limit_race(*given: Any) -> Desk:
    """What was approved counts against the limits only once the venue has answered."""
    desk = Desk(*given)
    portfolio = desk.engine._core.portfolio

    class Late:
        """Stands before the books: the sums of working orders are those of orders that were answered."""

        def __getattr__(self, name: str) -> Any:
            return getattr(portfolio, name)

        @property
        def active(self) -> Any:
            return {symbol: _Answered(desk, symbol, book) for symbol, book in portfolio.active.items()}

        def book(self, symbol: str) -> Any:
            return _Answered(desk, symbol, portfolio.book(symbol))

    desk.engine._viewing._risk.portfolio = Late()  # type: ignore[assignment]
    return desk


class _Answered:
    def __init__(self, desk: Desk, symbol: str, book: Any) -> None:
        self._book = book
        waiting = [
            o for o in desk.engine.books.working_orders() if o.symbol == symbol and not o.venue_order_id and o.purpose is Purpose.ENTRY
        ]
        self.buys_nanos = max(0, book.buys_nanos - sum(o.remaining_nanos for o in waiting if o.side.sign > 0))
        self.sells_nanos = max(0, book.sells_nanos - sum(o.remaining_nanos for o in waiting if o.side.sign < 0))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._book, name)

    def worst_nanos(self, *, buys: int = 0, sells: int = 0) -> int:
        net = int(self._book.net_nanos)
        return int(max(net + self.buys_nanos + buys, self.sells_nanos + sells - net))


class _NoGate:
    """A gatekeeper that looks at the gate after the bytes have left."""

    def __init__(self, keeper: Gatekeeper) -> None:
        self._keeper = keeper

    def __getattr__(self, name: str) -> Any:
        return getattr(self._keeper, name)

    def refusal(self, command: Any, order: Order, *, now_ns: int, monotonic_ns: int) -> str:
        words = self._keeper.refusal(command, order, now_ns=now_ns, monotonic_ns=monotonic_ns)
        return "" if words.startswith("the gate") else words


def gate_after_send(*given: Any) -> Desk:
    """The gate is looked at when the order was let go already."""
    desk = Desk(*given)
    desk.outbox._gatekeeper = _NoGate(desk.gatekeeper)  # type: ignore[misc, assignment]
    return desk


def late_send_after_kill(*given: Any) -> Desk:
    """The gate is looked at once, when the order is taken; what waits for the disk then leaves, whatever has happened since."""
    desk = Desk(*given)
    outbox = desk.outbox
    asked: dict[str, str] = {}
    take = outbox.take

    def look(commands: Any) -> None:
        for commanded in commands:
            order = desk.engine.books.order(commanded.command.client_order_id)
            if order is not None:
                asked[commanded.command.event_id] = desk.gatekeeper.refusal(
                    commanded.command, order, now_ns=desk.sequencer.now_ns(), monotonic_ns=0
                )
        take(commands)

    class Once:
        def __getattr__(self, name: str) -> Any:
            return getattr(desk.gatekeeper, name)

        def refusal(self, command: Any, _order: Order, *, monotonic_ns: int, **_now: int) -> str:
            if not desk.gatekeeper.holds(monotonic_ns):
                return "the lease of the account is not ours any more"
            return asked.get(command.event_id, "")

    outbox.take = look  # type: ignore[method-assign]
    outbox._gatekeeper = Once()  # type: ignore[misc, assignment]
    return desk


def order_without_a_record(*given: Any) -> Desk:
    """What is recorded of orders waits with everything else, instead of going with their rows."""
    desk = Desk(*given)
    dress = desk.auditing.dress

    def undressed(effect: Any) -> Any:
        return effect if isinstance(effect, WriteLedger) and effect.batch.rows else dress(effect)

    desk.auditing.dress = undressed  # type: ignore[method-assign]
    return desk


PLANTED = {
    "resend on timeout": resend_on_timeout,
    "drop on 404": drop_on_404,
    "fill counted twice": fill_counted_twice,
    "check-then-await limit race": limit_race,
    "gate after send": gate_after_send,
    "late send after kill": late_send_after_kill,
    "order without a record": order_without_a_record,
}
