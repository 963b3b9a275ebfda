"""Takes a venue's report in: compares it with our books and moves them by the table of `engine.differences`.

Folding decides all of it from state and report alone, so a recovered log moves the books the same way; telling comes after.
"""

from typing import Final, NamedTuple, final

from tidegate.engine.core import Core
from tidegate.engine.differences import CONFIRM_NS, POSITION_GRACE_NS, TABLE
from tidegate.engine.folding import Folding
from tidegate.engine.records import Pending
from tidegate.events.inputs import OrderEvent, ReportedExecution, ReportedOrder, ReportedPosition, VenueReported
from tidegate.oms.order import Change, Finding, FindingKind, Order
from tidegate.oms.transitions import NEVER_LIVED
from tidegate.portfolio.attribution import attributed
from tidegate.portfolio.positions import Fill
from tidegate.values.enums import Difference, OrderEventKind, OrderState, Resolution, Side
from tidegate.values.money import attos, attos_text, nanos_text

_UNPROVED: Final = frozenset({OrderState.NEW, OrderState.SUBMITTED, OrderState.UNKNOWN})
_OPEN: Final = frozenset({OrderState.ACCEPTED, OrderState.PARTIAL})
_TAKEN_IN: Final = frozenset({Difference.ORDER_CONFIRMED, Difference.ORDER_FILLED_MORE})
_STRANGERS: Final = {
    FindingKind.UNKNOWN_OWN_ORDER: Difference.ORDER_OURS_UNKNOWN,
    FindingKind.UNKNOWN_INSTRUMENT: Difference.INSTRUMENT_UNKNOWN,
}


class Step(NamedTuple):
    """One difference: what each side says, what was done, and what moved. `lookup`: the order to be asked after."""

    kind: Difference
    resolution: Resolution
    symbol: str
    ours: str
    theirs: str
    order_id: str = ""
    change: Change | Finding | None = None
    lookup: Order | None = None
    restated: tuple[str, ...] = ()  # strategies whose holding of the symbol was restated


@final
class Reporting:
    """Folds reports. `attentions` are the exits that the last one raised, still to be judged."""

    def __init__(self, core: Core, folding: Folding) -> None:
        self._core: Final = core
        self._folding: Final = folding
        self._steps: list[Step] = []
        self._touched: set[str] = set()
        self.attentions: list[list[int]] = []

    def fold(self, report: VenueReported) -> list[Step]:
        """Move the books by a report and return what differed, in the order in which it was met."""
        self._steps, self._touched, self.attentions = [], set(), []
        for execution in report.executions or ():
            self._execution(report, execution)
        if report.orders is not None:
            self._open_orders(report, report.orders)
        if report.positions is not None:
            self._positions(report, report.positions)
        if report.cash_usd is not None:
            self._cash(report, report.cash_usd)
        return self._steps

    # Executions.

    def _execution(self, report: VenueReported, seen: ReportedExecution) -> None:
        order = self._find(seen.client_order_id, seen.venue_order_id)
        if order is None and not seen.client_order_id and self._may_be_ours(seen):
            self._touched.add(seen.symbol)
            return
        key = order.client_order_id if order else seen.client_order_id or seen.venue_order_id
        if seen.execution_id in self._core.orders.executions.get(key, {}):
            return
        if order is not None and not seen.cum_quantity_nanos and not order.anonymous_nanos:
            return  # without a running total it may be one that came under another id: it explains, it does not add
        change = self._event(
            report,
            seen,
            OrderEventKind.PARTIALLY_FILLED,
            key=key,
            execution_id=seen.execution_id,
            last_quantity_nanos=seen.quantity_nanos,
            last_price_nanos=seen.price_nanos,
            cum_quantity_nanos=seen.cum_quantity_nanos,
            fee_usd=seen.fee_usd,
            ts_venue=seen.ts_venue,
        )
        kind = Difference.FILL_UNSEEN if order and not order.external else Difference.FILL_FOREIGN
        if isinstance(change, Finding):
            kind = _STRANGERS.get(change.kind, Difference.ORDER_OTHER_TERMS)
        elif not change.fills:
            return
        theirs = f"{seen.side.value} {nanos_text(seen.quantity_nanos)} at {nanos_text(seen.price_nanos)}"
        self._step(kind, seen.symbol, "not booked", theirs, order_id=key, change=change)

    def _may_be_ours(self, seen: ReportedExecution) -> bool:
        """Tell whether a nameless fill may be of an order of ours that has no id of the venue's yet.

        Booked as somebody else's, it would count a second time once that order's outcome is known; the next read names it.
        """
        return any(
            order.symbol == seen.symbol and order.side is seen.side and not order.venue_order_id and order.state in _UNPROVED
            for order in self._core.orders.live.values()
        )

    # Orders.

    def _open_orders(self, report: VenueReported, orders: tuple[ReportedOrder, ...]) -> None:
        named = set()
        for seen in orders:
            order = self._find(seen.client_order_id, seen.venue_order_id)
            if order is None:
                self._stranger(report, seen)
                continue
            named.add(order.client_order_id)
            if order.event_ns < report.began_ns:  # what we heard since is newer than this answer
                self._known(report, seen, order)
        live = self._core.orders.live
        for key in sorted(live):
            order = live[key]
            if key in named or order.state not in _OPEN or order.event_ns >= report.began_ns:
                continue
            self._touched.add(order.symbol)
            if self._may_ask(order):
                self._step(Difference.ORDER_NOT_OPEN, order.symbol, order.state.value, "not open", order_id=key, lookup=order)

    def _stranger(self, report: VenueReported, seen: ReportedOrder) -> None:
        key = seen.client_order_id or seen.venue_order_id
        change = self._found(report, seen, key)
        kind = _STRANGERS.get(change.kind, Difference.ORDER_OTHER_TERMS) if isinstance(change, Finding) else Difference.ORDER_FOREIGN
        self._step(kind, seen.symbol, "not known", _terms(seen), order_id=key, change=change)

    def _known(self, report: VenueReported, seen: ReportedOrder, order: Order) -> None:
        ours = f"{order.state.value}, {nanos_text(order.filled_nanos)} filled"
        kind = _difference(seen, order)
        if kind is None:
            return
        if kind in _TAKEN_IN or (kind is Difference.ORDER_ALIVE and order.state in NEVER_LIVED):
            change = self._found(report, seen, order.client_order_id)
            self._step(kind, order.symbol, ours, _terms(seen), order_id=order.client_order_id, change=change)
        elif kind is Difference.ORDER_OTHER_TERMS:
            ours = f"{nanos_text(order.quantity_nanos)} at {nanos_text(order.limit_price_nanos)}"
            self._step(kind, order.symbol, ours, _terms(seen), order_id=order.client_order_id)
        elif self._may_ask(order):
            self._step(kind, order.symbol, ours, _terms(seen), order_id=order.client_order_id, lookup=order)

    def _found(self, report: VenueReported, seen: ReportedOrder, key: str) -> Change | Finding:
        order = self._core.orders.find(key)
        price = seen.average_price_nanos
        more = seen.filled_nanos - order.filled_nanos if order else 0
        if order and more > 0 and price:  # the venue's average is of the whole; what is new cost the rest of it
            multiplier = self._core.instruments[order.symbol].multiplier
            price = max(1, (price * seen.filled_nanos - order.filled_cost_attos // multiplier) // more)
        return self._event(
            report,
            seen,
            OrderEventKind.FOUND_WORKING,
            key=key,
            last_price_nanos=price,
            cum_quantity_nanos=seen.filled_nanos,
        )

    def _may_ask(self, order: Order) -> bool:
        policy = self._core.spec.orders
        return not order.lookup_ns or self._core.now_ns - order.lookup_ns >= policy.lookup_spacing_ns

    # Positions and cash.

    def _positions(self, report: VenueReported, positions: tuple[ReportedPosition, ...]) -> None:
        core = self._core
        theirs = {position.symbol: position for position in positions}
        ours = {symbol for symbol, book in core.portfolio.books.items() if book.net_nanos}
        for symbol in sorted(ours | theirs.keys()):
            held = core.portfolio.book(symbol).net_nanos
            seen = theirs.get(symbol, ReportedPosition(symbol=symbol, quantity_nanos=0, average_price_nanos=0))
            if held == seen.quantity_nanos or self._moving(symbol, report):
                core.pending.pop(symbol, None)
            elif symbol not in core.instruments:
                self._await(Difference.INSTRUMENT_UNKNOWN, symbol, "0", nanos_text(seen.quantity_nanos), report)
            elif not positions:
                self._await(Difference.POSITIONS_EMPTY, symbol, nanos_text(held), "no positions", report)
            else:
                kind = Difference.POSITION_DIFFERS if held else Difference.POSITION_FOREIGN
                if self._await(kind, symbol, nanos_text(held), nanos_text(seen.quantity_nanos), report):
                    self._restate(kind, seen, held)
        if positions:
            for symbol in sorted(core.pending.keys() - ours - theirs.keys() - {""}):
                del core.pending[symbol]

    def _moving(self, symbol: str, report: VenueReported) -> bool:
        """Tell whether something of a symbol may have changed the position since, or by more than the venue shows yet."""
        if symbol in self._touched:
            return True
        orders = self._core.orders
        if any(o.symbol == symbol and (o.state in _UNPROVED or o.unknown_ns) for o in orders.live.values()):
            return True
        calm_ns = report.began_ns - POSITION_GRACE_NS
        return any(
            order.symbol == symbol and order.filled_nanos and order.event_ns > calm_ns
            for order in (*orders.live.values(), *orders.finished.values())
        )

    def _await(self, kind: Difference, key: str, ours: str, theirs: str, report: VenueReported) -> bool:
        """Remember a difference, tell it once, and return whether a second read has confirmed it."""
        before = self._core.pending.get(key)
        if before is not None and (before.theirs, before.ours) == (theirs, ours):
            return report.began_ns - before.began_ns >= CONFIRM_NS
        self._core.pending[key] = Pending(theirs, ours, report.began_ns)
        stopped = TABLE[kind].resolution is Resolution.STOPPED
        resolution = Resolution.STOPPED if stopped else Resolution.AWAITED
        self._steps.append(Step(kind, resolution, key, ours, theirs))
        return False

    def _restate(self, kind: Difference, seen: ReportedPosition, held: int) -> None:
        core, symbol = self._core, seen.symbol
        change = seen.quantity_nanos - held
        price = seen.average_price_nanos or core.mark(symbol, 1 if change < 0 else -1) or 0
        fill = Fill(
            strategy_id="",
            symbol=symbol,
            side=Side.BUY if change > 0 else Side.SELL,
            quantity_nanos=change,
            cost_attos=change * price * core.instruments[symbol].multiplier,
            fee_attos=0,
        )
        parts = attributed(core.portfolio, fill)
        for part in parts:
            self._folding.fold_outside(part)
        core.portfolio.fold_cash(fill.cost_attos)  # what it cost or brought shows in the venue's cash, not here
        core.transfer(fill.cost_attos, self._worth_moved(symbol, held, seen.quantity_nanos))
        core.pending.pop(symbol, None)
        self._touched.add(symbol)
        owners = tuple(part.strategy_id for part in parts)
        self._steps.append(Step(kind, Resolution.ADOPTED, symbol, nanos_text(held), nanos_text(seen.quantity_nanos), restated=owners))

    def _worth_moved(self, symbol: str, before: int, after: int) -> int | None:
        """Return by how much the account's worth moves with a restated position; None where it has no price."""
        core, worth = self._core, 0
        for held, sign in ((before, -1), (after, 1)):
            price = core.mark(symbol, 1 if held > 0 else -1) if held else 0
            if price is None:
                return None
            worth += sign * held * price * core.instruments[symbol].multiplier
        return worth

    def _cash(self, report: VenueReported, text: str) -> None:
        core = self._core
        theirs, ours = attos(text), core.portfolio.cash_attos
        traded = {order.symbol for order in (*core.orders.live.values(), *core.orders.finished.values())}
        if theirs == ours or any(self._moving(symbol, report) for symbol in sorted(traded | self._touched)):
            core.pending.pop("", None)
            return
        if self._await(Difference.CASH_DIFFERS, "", attos_text(ours), text, report):
            core.portfolio.fold_cash(theirs - ours)
            core.transfer(theirs - ours)
            del core.pending[""]
            self._steps.append(Step(Difference.CASH_DIFFERS, Resolution.ADOPTED, "", attos_text(ours), text))

    # Inside.

    def _find(self, client_order_id: str, venue_order_id: str) -> Order | None:
        orders = self._core.orders
        found = orders.told_of(client_order_id, venue_order_id)
        if found is None and venue_order_id and not client_order_id:
            for order in (*orders.live.values(), *orders.finished.values()):
                if order.venue_order_id == venue_order_id:
                    return order
        return found

    def _event(  # noqa: PLR0913 - the fields of one order event
        self,
        report: VenueReported,
        seen: ReportedOrder | ReportedExecution,
        kind: OrderEventKind,
        *,
        key: str,
        execution_id: str = "",
        last_quantity_nanos: int = 0,
        last_price_nanos: int = 0,
        cum_quantity_nanos: int = 0,
        fee_usd: str = "0",
        ts_venue: int = 0,
    ) -> Change | Finding:
        event = OrderEvent(
            event_id=report.event_id,
            timestamp=report.timestamp,
            symbol=seen.symbol,
            strategy_id="",
            correlation_id=report.correlation_id,
            client_order_id=key,
            venue_order_id=seen.venue_order_id,
            kind=kind,
            side=seen.side,
            ts_venue=ts_venue,
            execution_id=execution_id,
            last_quantity_nanos=last_quantity_nanos,
            last_price_nanos=last_price_nanos,
            cum_quantity_nanos=cum_quantity_nanos,
            fee_usd=fee_usd,
        )
        change = self._folding.fold_order_event(event)
        self.attentions += self._core.host.attentions()
        self._touched.add(seen.symbol)
        return change

    def _step(  # noqa: PLR0913 - the fields of one step
        self,
        kind: Difference,
        symbol: str,
        ours: str,
        theirs: str,
        *,
        order_id: str = "",
        change: Change | Finding | None = None,
        lookup: Order | None = None,
    ) -> None:
        resolution = TABLE[kind].resolution
        if kind is Difference.ORDER_ALIVE and change is not None:
            resolution = Resolution.TAKEN_IN
        self._steps.append(Step(kind, resolution, symbol, ours, theirs, order_id, change, lookup))


def _terms(seen: ReportedOrder) -> str:
    return (
        f"{seen.state.value} {seen.side.value} {nanos_text(seen.quantity_nanos)} at {nanos_text(seen.limit_price_nanos)}, "
        f"{nanos_text(seen.filled_nanos)} filled"
    )


def _difference(seen: ReportedOrder, order: Order) -> Difference | None:
    """Return what an open order of the venue differs in from the one in our books; None: nothing."""
    if not order.working:
        return Difference.ORDER_ALIVE
    if order.state in _UNPROVED:
        return Difference.ORDER_CONFIRMED
    if seen.filled_nanos != order.filled_nanos:
        return Difference.ORDER_FILLED_MORE if seen.filled_nanos > order.filled_nanos else Difference.ORDER_FILLED_LESS
    same = seen.quantity_nanos == order.quantity_nanos and seen.limit_price_nanos == order.limit_price_nanos
    return None if same or order.external else Difference.ORDER_OTHER_TERMS
