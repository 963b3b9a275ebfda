"""What follows an input that is not market data: changes told, findings acted on, timers carried out."""

from typing import Final, final

from tidegate.engine.continuing import Continuing
from tidegate.engine.core import BrokenOff, Core
from tidegate.engine.differences import TABLE
from tidegate.engine.folding import Folding
from tidegate.engine.ordering import Ordering
from tidegate.engine.protecting import Protecting
from tidegate.engine.reporting import Step
from tidegate.engine.watching import Watching
from tidegate.events.acts import AttentionsLapsed, DifferenceFound, OrderChanged, PositionSnapshot
from tidegate.events.inputs import OrderEvent
from tidegate.oms.order import Change, Finding, Order
from tidegate.oms.timers import Due
from tidegate.portfolio.valuation import valuation
from tidegate.values.enums import CommandKind, GateScope, OrderState, Purpose, Resolution
from tidegate.values.money import attos_text

# Members of an enum are looked up slowly before Python 3.12.
_EXIT: Final = Purpose.EXIT


@final
class Following:
    """Emits what follows order events and ticks."""

    def __init__(
        self, core: Core, folding: Folding, ordering: Ordering, protecting: Protecting, watching: Watching, continuing: Continuing
    ) -> None:
        self._core: Final = core
        self._folding: Final = folding
        self._ordering: Final = ordering
        self._protecting: Final = protecting
        self._watching: Final = watching
        self._continuing: Final = continuing

    def order_event(self, event: OrderEvent) -> list[list[int]]:
        """Fold an order event and tell what changed; return the exit attentions it raised, still to be judged."""
        core = self._core
        change = self._folding.fold_order_event(event)
        seen = core.host.attentions()
        self._after(change)
        return seen

    def report(self, steps: list[Step]) -> None:
        """Tell what a report differed in, after it was folded: each difference, then what moved, then the gate it closes."""
        core = self._core
        for step in steps:
            rule = TABLE[step.kind]
            core.tell(
                DifferenceFound(
                    event_id=core.next_id(),
                    timestamp=core.now_ns,
                    symbol=step.symbol,
                    strategy_id="",
                    correlation_id=core.next_id(),
                    kind=step.kind,
                    resolution=step.resolution,
                    ours=step.ours,
                    theirs=step.theirs,
                    client_order_id=step.order_id,
                    sentence=rule.what,
                )
            )
            if step.change is not None:
                self._after(step.change)
            for strategy_id in step.restated:
                self._tell_position(strategy_id, step.symbol, core.next_id())
            if step.lookup is not None:
                due = Due(kind=CommandKind.LOOKUP, order=step.lookup, reason=rule.what)
                core.emit(core.orders.command_for(due, event_id=core.next_id(), now_ns=core.now_ns))
            if rule.scope is not None and step.resolution is not Resolution.AWAITED:
                key = step.symbol if rule.scope is GateScope.SYMBOL else ""
                self._ordering.tighten(rule.scope, key, state=rule.state, reason=rule.what, rule=step.kind.value)

    def _after(self, change: Change | Finding) -> None:
        """Tell what changed, then see to the stops at the venue and to how the strategy's orders fare."""
        if isinstance(change, Finding):
            self._act_on(change)
            return
        self._tell_change(change)
        self._protecting.after_order(change)
        self._watching.after_order(change.order.strategy_id)

    def _tell_change(self, change: Change) -> None:
        core, order, fills = self._core, change.order, change.fills
        # What an order of somebody else filled may be of several strategies.
        owners = sorted({fill.strategy_id for fill in fills}) if order.external else [order.strategy_id] if fills else []
        if core.telling:
            self._tell(order, change.before, change.note)
            for other, before in change.others:
                self._tell(other, before, "follows from another order")
            for strategy_id in owners:
                self._tell_position(strategy_id, order.symbol, order.correlation_id)
        else:
            core.keep_to_itself(1 + len(change.others) + len(owners))
        for finding in change.findings:
            self._act_on(finding)
        if order.purpose is _EXIT and order.strategy_id in core.strategy_places:
            self._ordering.watch_exit_failures(core.strategy_places[order.strategy_id], core.instruments[order.symbol].index)

    def due(self) -> None:
        """Carry out what is due: cancels, lookups and chases of orders, and the opening of what breakers have held long enough."""
        core = self._core
        for due in core.orders.due(core.now_ns):
            if due.kind is CommandKind.SUBMIT:
                self._continuing.chase(due)
            else:
                core.emit(core.orders.command_for(due, event_id=core.next_id(), now_ns=core.now_ns))
        if core.gates.any_closed:
            self._watching.lift()

    def value_account(self) -> None:
        """Tell what the account is worth, then close it if that is too little."""
        self._tell_worth()
        self._watching.after_valuation()

    def _tell_worth(self) -> None:
        """Tell what the account is worth; None where something held cannot be priced."""
        core = self._core
        if not core.telling:
            core.keep_to_itself()
            return
        book, value = core.portfolio, valuation(core.portfolio, core.mark)
        core.tell(
            PositionSnapshot(
                event_id=core.next_id(),
                timestamp=core.now_ns,
                symbol="",
                strategy_id="",
                correlation_id=core.next_id(),
                account=core.spec.account,
                quantity_nanos=0,
                cost_basis_usd=attos_text(book.basis_attos),
                realized_usd=attos_text(book.realized_attos),
                fees_usd=attos_text(book.fees_attos),
                cash_usd=attos_text(book.cash_attos),
                equity_usd=None if value is None else attos_text(value.equity_attos),
                unrealized_usd=None if value is None else attos_text(value.unrealized_attos),
                gross_usd=None if value is None else attos_text(value.gross_attos),
                net_usd=None if value is None else attos_text(value.net_attos),
            )
        )

    def tell_lapsed(self, broken: BrokenOff) -> None:
        """Tell what the session before left half done; folding it forgets it."""
        core = self._core
        event = core.next_id()
        core.emit(
            AttentionsLapsed(
                event_id=event,
                timestamp=core.now_ns,
                symbol="",
                strategy_id="",
                correlation_id=event,
                broken_session=broken.session,
                judged_to=broken.judged_to,
                taken_to=broken.taken_to,
                lapsed=broken.lapsed,
            )
        )

    def _tell(self, order: Order, before: OrderState, note: str) -> None:
        core = self._core
        core.tell(
            OrderChanged(
                event_id=core.next_id(),
                timestamp=core.now_ns,
                symbol=order.symbol,
                strategy_id=order.strategy_id,
                correlation_id=order.correlation_id,
                client_order_id=order.client_order_id,
                before=before,
                after=order.state,
                quantity_nanos=order.quantity_nanos,
                filled_nanos=order.filled_nanos,
                note=note,
            )
        )

    def _tell_position(self, strategy_id: str, symbol: str, correlation: str) -> None:
        core = self._core
        if not core.telling:
            core.keep_to_itself()
            return
        holding = core.portfolio.holding(strategy_id, symbol)
        core.tell(
            PositionSnapshot(
                event_id=core.next_id(),
                timestamp=core.now_ns,
                symbol=symbol,
                strategy_id=strategy_id,
                correlation_id=correlation,
                account=core.spec.account,
                quantity_nanos=holding.quantity_nanos,
                cost_basis_usd=attos_text(holding.basis_attos),
                realized_usd=attos_text(holding.realized_attos),
                fees_usd=attos_text(holding.fees_attos),
                cash_usd=attos_text(core.portfolio.cash_attos),
            )
        )

    def _act_on(self, finding: Finding) -> None:
        if finding.scope is not None:
            self._ordering.tighten(finding.scope, finding.key, state=finding.state, reason=finding.sentence, rule=finding.kind.value)
