"""Stops at the venue: placed for what is held, canceled and confirmed before another exit, replaced by the engine's own where they fail."""

from typing import Any

import pytest

from tests.contract.kit import LIMITS
from tests.contract.markets import CENT
from tests.engine.scene import Scene, commands, of, only
from tidegate.events.acts import ExitWaits, NothingDone, OrderCommand, TradeIntent
from tidegate.events.inputs import GateSet, PositionRestated, ReportedExecution, VenueReported
from tidegate.strategies.plan import BadPlanError, ExitAt, ExitRule, Plan, bps
from tidegate.strategies.strategy import Intent
from tidegate.values.enums import (
    CommandKind,
    ExitReason,
    GateScope,
    GateState,
    OrderEventKind,
    OrderType,
    Purpose,
    ReportCause,
    Side,
    TimeInForce,
)
from tidegate.values.money import NANOS

pytestmark = pytest.mark.req("A2.1", "A4.4", "B2.4")

BUY = Intent(side=Side.BUY, reason="a test", quantity=5)
SELL = Intent(side=Side.SELL, reason="a test", quantity=5)
LEAVE = Intent(side=Side.SELL, purpose=Purpose.EXIT, reason="enough")


def scene(**changes: Any) -> Scene:
    return Scene(quotes=True, at_venue=True, **changes)


def entered(on: Scene, intent: Intent = BUY, *, at_ms: int = 7_000) -> OrderCommand:
    """Let the strategy enter, filled at once; return the stop that was placed."""
    on.answers(intent)
    entry = only(on.quote(at_ms), CommandKind.SUBMIT)
    return only(on.say(entry, OrderEventKind.FILLED, filled=5, total=5), CommandKind.SUBMIT)


def protected(on: Scene) -> OrderCommand:
    stop = entered(on)
    on.say(stop, OrderEventKind.ACCEPTED)
    return stop


@pytest.mark.parametrize(("intent", "side", "cents"), [(BUY, Side.SELL, 1_996), (SELL, Side.BUY, 2_006)])
def test_a_stop_rests_at_the_venue_for_all_that_is_held(intent: Intent, side: Side, cents: int) -> None:
    on = scene()
    stop = entered(on, intent)
    assert (stop.order_type, stop.side, stop.time_in_force) == (OrderType.STOP, side, TimeInForce.DAY)
    assert (stop.quantity_nanos, stop.stop_price_nanos, stop.limit_price_nanos) == (5_000_000_000, cents * CENT, 0)
    level = on.own("stop_nanos")
    assert abs(stop.stop_price_nanos - level) < CENT
    assert side.sign * (level - stop.stop_price_nanos) >= 0, "never further away than the engine's own"
    assert on.own("working_exit_nanos") == 0, "another exit may still be wanted"


def test_its_fill_closes_the_position() -> None:
    on = scene()
    stop = protected(on)
    acts = on.say(stop, OrderEventKind.FILLED, filled=5, total=5, price=1_995)
    assert commands(acts, CommandKind.SUBMIT) == []
    assert on.own("position_nanos") == 0
    assert on.core.memory(0, 0).unprotected is False


def test_no_stop_is_placed_while_the_entry_works() -> None:
    on = scene()
    on.answers(BUY)
    entry = only(on.quote(7_000), CommandKind.SUBMIT)
    assert commands(on.say(entry, OrderEventKind.PARTIALLY_FILLED, filled=2, total=2), CommandKind.SUBMIT) == []
    stop = only(on.say(entry, OrderEventKind.CANCELED, total=2), CommandKind.SUBMIT)
    assert stop.quantity_nanos == 2_000_000_000


def test_another_exit_cancels_the_stop_waits_for_the_word_and_goes_out_with_it() -> None:
    on = scene()
    stop = protected(on)
    acts = on.quote(8_000, bid=1_990, ask=1_991)
    (waits,) = of(acts, ExitWaits)
    assert waits.exit_reason is ExitReason.STOP_LOSS
    assert only(acts, CommandKind.CANCEL).target_id == stop.client_order_id
    assert commands(acts, CommandKind.SUBMIT) == []
    later = on.quote(9_500, bid=1_990, ask=1_991)
    assert commands(later, CommandKind.SUBMIT) == [], "nothing is sold twice"
    assert of(later, ExitWaits) == []
    left = only(on.say(stop, OrderEventKind.CANCELED), CommandKind.SUBMIT)
    assert (left.order_type, left.side, left.quantity_nanos) == (OrderType.LIMIT, Side.SELL, 5_000_000_000)
    (intent,) = [one for one in of(on.acts, TradeIntent) if one.event_id and one.correlation_id == left.correlation_id]
    assert (intent.exit_reason, intent.correlation_id) == (ExitReason.STOP_LOSS, waits.correlation_id)


def test_a_strategys_own_wish_is_not_forgotten_while_it_waits() -> None:
    on = scene()
    stop = protected(on)
    on.answers(LEAVE)
    acts = on.quote(8_000)
    assert [one.reason for one in of(acts, ExitWaits)] == ["enough"]
    left = only(on.say(stop, OrderEventKind.CANCELED), CommandKind.SUBMIT)
    assert left.order_type is OrderType.LIMIT
    assert left.reason == "enough"


def test_a_stop_that_fills_while_it_is_canceled_leaves_nothing_to_exit() -> None:
    on = scene()
    stop = protected(on)
    on.quote(8_000, bid=1_990, ask=1_991)
    acts = on.say(stop, OrderEventKind.FILLED, filled=5, total=5, price=1_990)
    assert commands(acts, CommandKind.SUBMIT) == []
    assert on.own("position_nanos") == 0


def test_a_stop_that_fills_in_part_while_it_is_canceled_leaves_the_rest() -> None:
    on = scene()
    stop = protected(on)
    on.quote(8_000, bid=1_990, ask=1_991)
    on.say(stop, OrderEventKind.PARTIALLY_FILLED, filled=2, total=2, price=1_990)
    left = only(on.say(stop, OrderEventKind.CANCELED, total=2), CommandKind.SUBMIT)
    assert (left.order_type, left.quantity_nanos) == (OrderType.LIMIT, 3_000_000_000)


@pytest.mark.parametrize("kind", [OrderEventKind.REJECTED, OrderEventKind.CANCELED, OrderEventKind.EXPIRED, OrderEventKind.NOT_SENT])
def test_a_stop_that_ends_otherwise_is_not_placed_again_and_the_engines_own_stands_in(kind: OrderEventKind) -> None:
    on = scene()
    stop = entered(on)
    if kind in {OrderEventKind.CANCELED, OrderEventKind.EXPIRED}:
        on.say(stop, OrderEventKind.ACCEPTED)
    assert commands(on.say(stop, kind), CommandKind.SUBMIT) == []
    assert on.core.memory(0, 0).unprotected
    assert on.core.memory(0, 0).exit_failures == 0, "it is no exit that failed"
    left = only(on.quote(8_000, bid=1_990, ask=1_991), CommandKind.SUBMIT)
    assert (left.order_type, left.side) == (OrderType.LIMIT, Side.SELL)


def test_the_next_position_is_protected_again() -> None:
    on = scene()
    stop = entered(on)
    on.say(stop, OrderEventKind.REJECTED)
    left = only(on.quote(8_000, bid=1_990, ask=1_991), CommandKind.SUBMIT)
    on.say(left, OrderEventKind.FILLED, filled=5, total=5, price=1_990)
    assert entered(on, at_ms=12_000).order_type is OrderType.STOP


@pytest.mark.parametrize("state", [GateState.REDUCE_ONLY, GateState.HALTED])
def test_no_stop_is_placed_into_a_closed_gate(state: GateState) -> None:
    on = scene()
    on.answers(BUY)
    entry = only(on.quote(7_000), CommandKind.SUBMIT)
    gate(on, state, GateScope.GLOBAL, "")
    assert commands(on.say(entry, OrderEventKind.FILLED, filled=5, total=5), CommandKind.SUBMIT) == []


def gate(on: Scene, state: GateState, scope: GateScope = GateScope.SYMBOL, key: str = "AAA") -> None:
    head: dict[str, Any] = {"event_id": "", "timestamp": on.engine.now_ns, "symbol": "", "strategy_id": "", "correlation_id": ""}
    on.tell(GateSet(scope=scope, key=key, state=state, reason="a test", actor="ann", **head))


def test_a_stop_is_not_given_up_for_an_exit_that_a_halt_would_refuse() -> None:
    on = scene()
    stop = protected(on)
    gate(on, GateState.HALTED)
    acts = on.quote(8_000, bid=1_990, ask=1_991)
    assert commands(acts, CommandKind.CANCEL) == []
    assert of(acts, ExitWaits) == []
    gate(on, GateState.REDUCE_ONLY)
    assert only(on.quote(8_600, bid=1_990, ask=1_991), CommandKind.CANCEL).target_id == stop.client_order_id


@pytest.mark.parametrize(("cap", "given_up"), [(3, False), (4, True)])  # entry and stop, then the cancel, then the exit
def test_a_stop_is_not_given_up_for_an_exit_that_the_message_cap_would_refuse(cap: int, given_up: bool) -> None:  # noqa: FBT001 - a case
    on = scene(limits=LIMITS | {"symbol_messages_per_minute_max": cap})
    stop = protected(on)
    acts = on.quote(8_000, bid=1_990, ask=1_991)
    assert bool(commands(acts, CommandKind.CANCEL)) is given_up
    if given_up:
        assert only(on.say(stop, OrderEventKind.CANCELED), CommandKind.SUBMIT).order_type is OrderType.LIMIT


def test_a_fill_that_only_a_report_tells_of_is_protected_too() -> None:
    on = scene()
    on.answers(BUY)
    entry = only(on.quote(7_000), CommandKind.SUBMIT)
    now_ns = on.engine.now_ns
    head: dict[str, Any] = {"event_id": "", "timestamp": now_ns, "symbol": "", "strategy_id": "", "correlation_id": ""}
    filled = ReportedExecution(
        execution_id="e1", client_order_id=entry.client_order_id, venue_order_id="v1", symbol="AAA", side=Side.BUY,
        quantity_nanos=entry.quantity_nanos, price_nanos=20 * NANOS, ts_venue=now_ns, cum_quantity_nanos=entry.quantity_nanos,
    )  # fmt: skip
    acts = on.tell(VenueReported(venue="sim", cause=ReportCause.PERIODIC, began_ns=now_ns, ended_ns=now_ns, executions=(filled,), **head))
    assert only(acts, CommandKind.SUBMIT).order_type is OrderType.STOP


def test_a_position_above_the_cap_on_one_order_is_protected_in_parts() -> None:
    on = scene(limits=LIMITS | {"order_quantity_max": 3})
    on.answers(Intent(side=Side.BUY, reason="a test", quantity=3))
    first = only(on.quote(7_000), CommandKind.SUBMIT)
    stop = only(on.say(first, OrderEventKind.FILLED, filled=3, total=3), CommandKind.SUBMIT)
    on.say(stop, OrderEventKind.ACCEPTED)
    on.quote(8_000, bid=1_990, ask=1_991)
    assert only(on.say(stop, OrderEventKind.CANCELED), CommandKind.SUBMIT).order_type is OrderType.LIMIT


def test_an_entry_that_would_shrink_what_a_stop_holds_is_none() -> None:
    on = scene()
    protected(on)
    on.answers(Intent(side=Side.SELL, reason="a test", quantity=2))
    acts = on.quote(8_000)
    assert [one.reason for one in of(acts, NothingDone)] == [
        "a stop at the venue holds the position that it would reduce; leave with an exit"
    ]
    assert commands(acts, CommandKind.SUBMIT) == []


def test_a_position_made_smaller_from_outside_withdraws_its_stop() -> None:
    on = scene()
    stop = protected(on)
    head: dict[str, Any] = {"event_id": "", "timestamp": on.engine.now_ns, "strategy_id": "", "correlation_id": ""}
    acts = on.tell(PositionRestated(symbol="AAA", numerator=1, denominator=5, reason="a reverse split", **head))
    assert only(acts, CommandKind.CANCEL).target_id == stop.client_order_id
    left = only(on.say(stop, OrderEventKind.CANCELED), CommandKind.SUBMIT)
    assert on.core.memory(0, 0).unprotected, "no stop is placed for it any more"
    assert (left.order_type, left.quantity_nanos) == (OrderType.LIMIT, 1_000_000_000), "the engine's restated level stands in"


def test_an_engine_that_watches_itself_places_nothing() -> None:
    on = Scene(quotes=True)
    on.answers(BUY)
    entry = only(on.quote(7_000), CommandKind.SUBMIT)
    assert commands(on.say(entry, OrderEventKind.FILLED, filled=5, total=5), CommandKind.SUBMIT) == []


def test_a_snapshot_keeps_an_exit_that_waits() -> None:
    on = scene()
    protected(on)
    on.quote(8_000, bid=1_990, ask=1_991)
    data, state = on.engine.snapshot(), on.engine.state_sha256()
    again = scene(warm=False)
    again.engine.restore(data)
    assert again.engine.state_sha256() == state
    assert again.core.memory(0, 0).waiting == on.core.memory(0, 0).waiting is not None


def test_a_plan_that_rests_at_the_venue_says_what_rests_there() -> None:
    with pytest.raises(BadPlanError, match=r"needs exits\.stop"):
        Plan(signal="a test", exits=ExitRule(exit_at=ExitAt.VENUE, take=bps(10))).check()
