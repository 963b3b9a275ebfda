"""What is true after every single input, whatever was decided: books that add up, nothing beyond what was approved, gates that hold."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings

from tests.contract.cases import Case, cases
from tests.contract.kit import How, exploded, run
from tests.contract.spies import spies
from tidegate.engine.engine import Engine
from tidegate.engine.toolchain import Toolchain
from tidegate.events.acts import GateChanged, OrderCommand, RiskDecision
from tidegate.events.inputs import GateSet, OrderEvent, PermissionSet
from tidegate.oms import chains
from tidegate.oms.transitions import TERMINAL
from tidegate.portfolio.exposure import WorkingOrder
from tidegate.risk.approval_states import ANSWERABLE
from tidegate.risk.checks import APPROVAL_CHECKS
from tidegate.risk.gates import BREAKER_ACTOR
from tidegate.values.enums import CommandKind, GateScope, GateState, OrderEventKind, OrderType, Purpose, Side, Verdict
from tidegate.values.money import attos
from tidegate.values.time import NEVER_NS

pytestmark = pytest.mark.req("B3.1", "B2.1", "B2.5")

ASKS = {check.name for check in APPROVAL_CHECKS}
STRICTNESS = {GateState.ACTIVE: 0, GateState.REDUCE_ONLY: 1, GateState.HALTED: 2}


def beyond_replaced(order: WorkingOrder, working: Mapping[str, WorkingOrder]) -> int:
    """What an order may fill beyond the one that it is to replace, while that one works."""
    original = working.get(order.predecessor_id)
    return max(0, order.remaining_nanos - (original.remaining_nanos if original else 0))


def books_add_up(engine: Engine) -> None:
    core = engine._core
    book, orders = core.portfolio, core.orders
    assert book.reserved == {}, "a reservation outlived its input"
    assert orders.approved == {}
    assert core.intents == {}
    assert core.approvals.asking == {}
    assert all(approval.state in ANSWERABLE for approval in core.approvals.open.values()), "a grant outlived its input"
    assert book.cash_attos + book.basis_attos - book.realized_attos + book.fees_attos == core.spec.cash_attos
    for symbol, one in book.books.items():
        held = [holding.quantity_nanos for (_, its), holding in book.holdings.items() if its == symbol]
        assert sum(held) == one.net_nanos
        for side, total in ((Side.BUY, one.buys_nanos), (Side.SELL, one.sells_nanos)):
            assert total == sum(beyond_replaced(order, one.orders) for order in one.orders.values() if order.side is side)
    for (strategy_id, symbol), holding in book.holdings.items():
        row = core.host.table("own")[core.host.pair(core.strategy_places[strategy_id], core.instruments[symbol].index)]
        assert int(row["position_nanos"]) == holding.quantity_nanos
        if holding.quantity_nanos:
            sign = -1 if holding.quantity_nanos > 0 else 1
            ours = [o for o in orders.live.values() if (o.strategy_id, o.symbol) == (strategy_id, symbol)]
            resting = sum(o.remaining_nanos for o in ours if o.order_type is OrderType.STOP)
            assert int(row["working_exit_nanos"]) == sign * (holding.exits_nanos - resting)


def no_pair_is_forgotten(engine: Engine) -> None:
    """A pair that may not enter until something ends has something that will end."""
    core = engine._core
    own = core.host.table("own")
    for strategy, slot in enumerate(core.spec.strategies):
        for symbol in slot.symbols:
            if own[core.host.pair(strategy, core.instruments[symbol].index)]["armed_at_ns"] != NEVER_NS:
                continue
            orders = core.portfolio.book(symbol).orders.values()
            held = core.portfolio.holding(slot.strategy.strategy_id, symbol).quantity_nanos
            if core.approvals.waits(slot.strategy.strategy_id, symbol):
                assert core.approvals.due_ns() < NEVER_NS
                continue
            entering = [o for o in orders if (o.strategy_id, o.purpose) == (slot.strategy.strategy_id, Purpose.ENTRY)]
            assert held or entering, f"{slot.strategy.strategy_id} can never enter {symbol} again"


def nothing_beyond_what_was_approved(engine: Engine) -> None:
    core = engine._core
    orders = core.orders
    for order in (*orders.live.values(), *orders.finished.values()):
        assert order.working is (order.state not in TERMINAL)
        assert order.remaining_nanos == (order.quantity_nanos - order.filled_nanos if order.working else 0)
        chain = chains.members(order, orders.find)
        # A replacement works once its original does not: never both.
        assert chains.filled(chain) + max(member.remaining_nanos for member in chain) <= chain[0].approved_nanos
        working = core.portfolio.book(order.symbol).orders.get(order.client_order_id)
        assert (working is not None) is order.working
    limits = core.spec.limits
    for one in core.portfolio.books.values():
        assert one.worst_nanos() <= limits.position_quantity_nanos_max
    assert sum(abs(one.net_nanos) for one in core.portfolio.books.values()) <= limits.total_quantity_nanos_max
    for (_, symbol), holding in core.portfolio.holdings.items():
        assert 0 <= holding.exits_nanos <= abs(holding.quantity_nanos), f"{symbol}: more would be left than is held"


@settings(max_examples=40)
@given(case=cases())
def test_books_add_up_and_nothing_goes_beyond_what_was_approved(compiled: Toolchain, case: Case) -> None:
    def look(engine: Engine) -> None:
        books_add_up(engine)
        nothing_beyond_what_was_approved(engine)
        no_pair_is_forgotten(engine)

    watch, _ = spies(look)
    run(case.plan, compiled, How(batch=1), more=case.more, watch=watch)


@pytest.mark.req("D2.2")
@settings(max_examples=60)
@given(case=cases())
def test_no_entry_passes_without_permission_and_every_exit_does(compiled: Toolchain, case: Case) -> None:
    void: set[str] = set()
    for entry in exploded(run(case.plan, compiled, more=case.more).entries):
        message = None if entry.kind == "span" else entry.message
        if isinstance(message, PermissionSet):
            (void.discard if message.permitted else void.add)(message.strategy_id)
        elif isinstance(message, RiskDecision):
            refused = message.purpose is Purpose.ENTRY and message.strategy_id in void
            assert ("permitted" in message.refusals) is refused


class GateModel:
    """Every gate, who set it and when; opened by a rule only if the rule closed it and its cooldown is over."""

    def __init__(self, cooldown_ns: int) -> None:
        self.cooldown_ns = cooldown_ns
        self.rows: dict[tuple[GateScope, str], tuple[GateState, str, int]] = {}

    def state(self, scope: GateScope, key: str) -> GateState:
        return self.rows.get((scope, key), (GateState.ACTIVE, "", 0))[0]

    def told(self, message: GateSet) -> None:
        """A person's word; said again it changes nothing, not even since when."""
        row = self.rows.get((message.scope, message.key))
        if row is None or row[:2] != (message.state, message.actor):
            self.rows[message.scope, message.key] = message.state, message.actor, message.timestamp

    def changed(self, message: GateChanged) -> None:
        before, actor, since_ns = self.rows.get((message.scope, message.key), (GateState.ACTIVE, "", 0))
        assert message.before is before
        if STRICTNESS[message.after] < STRICTNESS[before]:
            assert message.actor == actor, "a rule opened what it had not closed itself"
            assert actor.startswith(BREAKER_ACTOR), "only breakers open again"
            assert 0 < self.cooldown_ns <= message.timestamp - since_ns, "too early"
        elif message.after is before:
            assert message.actor != actor, "taken over from nobody else"
        self.rows[message.scope, message.key] = message.after, message.actor, message.timestamp

    def strictest(self, decision: RiskDecision) -> int:
        covered = (
            (GateScope.GLOBAL, ""),
            (GateScope.VENUE, "sim"),
            (GateScope.ACCOUNT, "test"),
            (GateScope.STRATEGY, decision.strategy_id),
            (GateScope.SYMBOL, decision.symbol),
        )
        return max(STRICTNESS[self.state(*scope)] for scope in covered)


@settings(max_examples=60)
@given(case=cases())
def test_no_entry_passes_a_gate_that_is_not_active_and_no_exit_one_that_is_halted(compiled: Toolchain, case: Case) -> None:
    gates = GateModel(case.plan.spec.limits.breaker_cooldown_ns)
    for entry in exploded(run(case.plan, compiled, more=case.more).entries):
        message = None if entry.kind == "span" else entry.message
        if isinstance(message, GateSet):
            gates.told(message)
        elif isinstance(message, GateChanged):
            gates.changed(message)
        elif isinstance(message, RiskDecision):
            strictest = gates.strictest(message)
            allowed = strictest == 0 if message.purpose is Purpose.ENTRY else strictest <= 1
            assert allowed is ("gate_state" not in message.refusals)
            assert message.verdict is Verdict.REFUSED or allowed


@pytest.mark.req("B3.7")
@settings(max_examples=40)
@given(case=cases())
def test_every_verdict_lists_its_checks_and_every_refusal_says_why(compiled: Toolchain, case: Case) -> None:
    for decision in run(case.plan, compiled, more=case.more).of(RiskDecision):
        failed = [name for name, passed, _, _ in decision.checks if not passed]
        asking = [name for name in failed if name in ASKS]
        assert (decision.verdict is Verdict.APPROVED) is (not failed)
        assert (decision.verdict is Verdict.NEEDS_APPROVAL) is (failed == asking != [])
        assert [refusal.split(":")[-1] for refusal in decision.refusals] == failed[len(asking) :]
        assert bool(decision.sentence) is bool(failed)


@settings(max_examples=40)
@given(case=cases())
def test_the_account_is_worth_its_cash_and_what_fills_made_of_it(compiled: Toolchain, case: Case) -> None:
    """Cash from the executions alone, by hand."""
    ran = run(case.plan, compiled, more=case.more)
    cash = case.plan.spec.cash_attos
    held: dict[str, int] = {}
    for event in ran.of(OrderEvent):
        if event.kind in (OrderEventKind.PARTIALLY_FILLED, OrderEventKind.FILLED):
            signed = event.side.sign * event.last_quantity_nanos
            cash -= signed * event.last_price_nanos + attos(event.fee_usd)
            held[event.symbol] = held.get(event.symbol, 0) + signed
    book = ran.engine._core.portfolio
    assert book.cash_attos == cash
    assert {symbol: one.net_nanos for symbol, one in book.books.items() if one.net_nanos} == {
        symbol: quantity for symbol, quantity in held.items() if quantity
    }


@settings(max_examples=40)
@given(case=cases())
def test_every_order_was_approved_and_every_approval_is_an_order(compiled: Toolchain, case: Case) -> None:
    """There is no other door: one verdict, one command, of the same size."""
    ran = run(case.plan, compiled, more=case.more)
    approved = {d.event_id: d for d in ran.of(RiskDecision) if d.verdict is Verdict.APPROVED}
    orders = [c for c in ran.of(OrderCommand) if c.kind in (CommandKind.SUBMIT, CommandKind.REPLACE)]
    assert [order.decision_id for order in orders] == list(approved)
    for order in orders:
        decision = approved[order.decision_id]
        assert (order.quantity_nanos, order.limit_price_nanos, order.side) == (
            decision.quantity_nanos,
            decision.limit_price_nanos,
            decision.side,
        )
