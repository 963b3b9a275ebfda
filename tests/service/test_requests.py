"""What people ask: at once, once, in stages, and a kill goes before everything."""

import msgspec
import pytest

from tests.service.making import ACCOUNT, Office, shown
from tidegate.events.acts import OrderCommand, RequestMoved
from tidegate.events.inputs import GateSet
from tidegate.service.ports import Suspend
from tidegate.values.enums import CommandKind, ExitReason, GateScope, GateState, OrderState, Purpose, RequestStage, RequestVerb
from tidegate.values.time import NEVER_NS

pytestmark = pytest.mark.req("B2.4")


def holding(shares: int = 5) -> Office:
    office = Office()
    office.enter(shares)
    send = office.let_go()
    office.desk.answered(send, shown(send, OrderState.FILLED, filled=shares))
    office.turn()
    assert office.desk.engine.books.net_nanos("AAA") == shares * 1_000_000_000
    office.effects.clear()
    return office


def stages(office: Office, request_id: str = "r1") -> list[RequestStage]:
    return [act.stage for act in office.messages(RequestMoved) if act.request_id == request_id]


def test_a_flatten_sells_what_is_held_and_ends_when_it_is_sold() -> None:
    office = holding()
    office.ask(RequestVerb.FLATTEN)
    exits = [order for order in office.orders() if order.purpose is Purpose.EXIT]
    assert [(order.quantity_nanos, order.exit_reason) for order in exits] == [(5_000_000_000, ExitReason.OPERATOR)]
    send = office.let_go()
    office.desk.answered(send, shown(send, OrderState.FILLED, filled=5, price=2_000))
    office.turn()
    assert stages(office)[-1] is RequestStage.DONE
    assert office.desk.engine.books.positions() == {}
    assert office.desk.engine.books.gate(GateScope.GLOBAL, "") is GateState.REDUCE_ONLY


def test_the_same_request_twice_is_one() -> None:
    office = holding()
    office.ask(RequestVerb.FLATTEN)
    before = len(office.messages(OrderCommand))
    office.ask(RequestVerb.FLATTEN)
    assert stages(office)[-1] is RequestStage.REPEATED
    assert len(office.messages(OrderCommand)) == before


def test_slices_keep_within_the_cap_on_one_order() -> None:
    from tests.contract.kit import LIMITS

    office = Office(limits=LIMITS | {"order_quantity_max": 5, "order_notional_usd_max": 10_000})
    office.enter(5)
    send = office.let_go()
    office.desk.answered(send, shown(send, OrderState.FILLED, filled=5))
    office.turn()
    office.ask(RequestVerb.FLATTEN, GateScope.SYMBOL, "AAA")
    assert all(order.quantity_nanos <= 5_000_000_000 for order in office.orders())


def test_a_flatten_passes_a_halt_and_a_strategy_does_not() -> None:
    office = holding()
    office.ask(RequestVerb.KILL, request_id="k1")
    office.ask(RequestVerb.FLATTEN, request_id="f1")
    assert [order.exit_reason for order in office.orders()] == [ExitReason.OPERATOR]
    assert len(office.submits()) == 0
    assert office.let_go().command.side.value == "sell"


def test_a_kill_closes_cancels_and_then_sets_the_venues_switch() -> None:
    office = Office()
    key = office.enter()
    send = office.let_go()
    office.desk.answered(send, shown(send, OrderState.ACCEPTED))
    office.turn()
    office.effects.clear()
    office.ask(RequestVerb.KILL)
    assert office.desk.engine.books.gate(GateScope.GLOBAL, "") is GateState.HALTED
    office.wait(0.3)
    cancels = [effect for effect in office.sends() if effect.command.kind is CommandKind.CANCEL]
    assert [effect.command.target_id for effect in cancels] == [key]
    assert Suspend(on=True) not in office.effects
    office.desk.answered(cancels[0], None)
    office.turn()
    assert Suspend(on=True) in office.effects


def test_a_kill_of_one_symbol_leaves_the_account_alone() -> None:
    office = Office()
    office.ask(RequestVerb.KILL, GateScope.SYMBOL, "AAA")
    office.wait(5)
    assert not [effect for effect in office.effects if isinstance(effect, Suspend)]
    assert office.desk.engine.books.gate(GateScope.SYMBOL, "AAA") is GateState.HALTED


def test_a_kill_ends_with_the_orders_that_it_met_though_others_came_after_a_resume() -> None:
    office = Office()
    office.enter()
    first = office.let_go()
    office.desk.answered(first, shown(first, OrderState.ACCEPTED))
    office.ask(RequestVerb.KILL, GateScope.SYMBOL, "AAA", request_id="k1")
    office.wait(0.3)
    office.ask(RequestVerb.RESUME, GateScope.SYMBOL, "AAA", request_id="r2")
    assert stages(office, "k1")[-1] is RequestStage.CANCELING
    office.effects.clear()
    office.enter()
    send = office.let_go()
    office.desk.answered(send, msgspec.structs.replace(shown(send, OrderState.ACCEPTED), venue_order_id="v2"))
    office.desk.found(first.command.client_order_id, shown(first, OrderState.CANCELED))
    office.turn()
    assert office.state(first.command.client_order_id) is OrderState.CANCELED
    assert stages(office, "k1")[-1] is RequestStage.DONE
    assert office.state(send.command.client_order_id) is OrderState.ACCEPTED


def test_a_flatten_lifts_the_switch_first() -> None:
    office = holding()
    office.desk.operator.seen(suspended=True)
    effects = office.ask(RequestVerb.FLATTEN)
    assert next(effect for effect in effects if isinstance(effect, Suspend)) == Suspend(on=False)


@pytest.mark.req("B3.6")
def test_the_switch_stays_while_a_kill_of_all_is_in_force_whatever_else_is_resumed() -> None:
    office = Office()
    office.ask(RequestVerb.KILL, request_id="k1")
    office.ask(RequestVerb.KILL, GateScope.ACCOUNT, ACCOUNT, request_id="k2")
    office.desk.suspended(Suspend(on=True), taken=True)
    office.wait(0.1)
    office.desk.suspended(Suspend(on=True), taken=True)
    for place, (scope, key) in enumerate(((GateScope.SYMBOL, "AAA"), (GateScope.STRATEGY, "one"), (GateScope.GLOBAL, ""))):
        office.ask(RequestVerb.RESUME, scope, key, request_id=f"r{place}")
        office.wait(1)
        assert Suspend(on=False) not in office.effects, scope
    office.ask(RequestVerb.RESUME, GateScope.ACCOUNT, ACCOUNT, request_id="r9")
    assert Suspend(on=False) in office.effects


@pytest.mark.req("B3.6")
def test_a_symbols_resume_does_not_keep_the_switch_of_a_kill_from_being_set() -> None:
    office = Office()
    office.enter()
    send = office.let_go()
    office.desk.answered(send, shown(send, OrderState.ACCEPTED))
    office.ask(RequestVerb.KILL, request_id="k1")
    office.ask(RequestVerb.RESUME, GateScope.SYMBOL, "AAA", request_id="r1")
    office.wait(3)
    assert Suspend(on=True) in office.effects


def switches(office: Office) -> list[bool]:
    """Return how the venue's switch was told to be since the last call."""
    told = [effect.on for effect in office.effects if isinstance(effect, Suspend)]
    office.effects.clear()
    return told


@pytest.mark.req("B3.6")
@pytest.mark.parametrize("taken", [True, False])
@pytest.mark.parametrize("verb", [RequestVerb.RESUME, RequestVerb.FLATTEN])
def test_a_switch_that_was_on_its_way_when_a_person_opened_does_not_stay_set(verb: RequestVerb, taken: bool) -> None:  # noqa: FBT001
    office = Office()
    office.ask(RequestVerb.KILL, request_id="k1")
    office.wait(3)
    assert switches(office) == [True]
    office.ask(verb, request_id="r1")
    assert switches(office) == [], "the answer is waited for: two on their way could arrive in either order"
    office.desk.suspended(Suspend(on=True), taken=taken)
    office.wait(0.1)
    assert switches(office) == [False], "without an answer it may be set as well"
    office.desk.suspended(Suspend(on=False), taken=True)
    office.wait(5)
    assert switches(office) == []
    assert not office.desk.operator.suspended


@pytest.mark.req("B3.6")
def test_a_lift_that_failed_is_tried_again_until_somebody_kills() -> None:
    office = Office()
    office.ask(RequestVerb.KILL, request_id="k1")
    office.wait(3)
    office.desk.suspended(Suspend(on=True), taken=True)
    office.ask(RequestVerb.RESUME, request_id="r1")
    assert switches(office) == [True, False]
    for _ in range(2):
        office.desk.suspended(Suspend(on=False), taken=False)
        office.wait(1)
        assert switches(office) == []
        office.wait(2)
        assert switches(office) == [False]
    office.desk.suspended(Suspend(on=False), taken=False)
    office.desk.operator.seen(suspended=False)
    office.wait(5)
    assert switches(office) == [], "the venue says that it is lifted"
    assert office.desk.operator.due_ns() == NEVER_NS
    office.desk.operator.seen(suspended=True)
    office.ask(RequestVerb.FLATTEN, request_id="f1")
    assert switches(office) == [False]
    office.ask(RequestVerb.KILL, request_id="k2")
    office.wait(5)
    assert switches(office) == [], "not while the lift is on its way"
    office.desk.suspended(Suspend(on=False), taken=False)
    office.wait(5)
    assert switches(office) == [True]


def test_a_pause_does_not_loosen_a_halt() -> None:
    office = Office()
    office.ask(RequestVerb.KILL, request_id="k1")
    office.ask(RequestVerb.PAUSE, request_id="p1")
    assert office.desk.engine.books.gate(GateScope.GLOBAL, "") is GateState.HALTED
    office.ask(RequestVerb.RESUME, request_id="r2")
    assert office.desk.engine.books.gate(GateScope.GLOBAL, "") is GateState.ACTIVE


@pytest.mark.req("B3.6")
def test_a_persons_pause_takes_over_what_a_rule_has_closed_and_the_rule_lifts_it_no_more() -> None:
    office = Office()
    office.desk.sequencer.offer(gate_set(GateState.REDUCE_ONLY, "rule:log-stall"))
    office.turn()
    office.ask(RequestVerb.PAUSE, request_id="p1")
    ((_, actor),) = office.desk.engine.books.closed_gates()
    assert actor == "ann"
    office.desk.sequencer.offer(gate_set(GateState.ACTIVE, "rule:log-stall"))
    office.turn()
    assert office.desk.engine.books.gate(GateScope.GLOBAL, "") is GateState.REDUCE_ONLY
    office.ask(RequestVerb.RESUME, request_id="r1")
    assert office.desk.engine.books.gate(GateScope.GLOBAL, "") is GateState.ACTIVE


def gate_set(state: GateState, actor: str) -> GateSet:
    return GateSet(
        event_id="",
        timestamp=0,
        symbol="",
        strategy_id="",
        correlation_id="",
        scope=GateScope.GLOBAL,
        key="",
        state=state,
        reason="a test",
        actor=actor,
    )
