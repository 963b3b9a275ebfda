"""Orders: from the approval to the last late fill."""

from typing import Any

import msgspec
import pytest

from tests.oms.making import POLICY, Desk
from tests.portfolio.making import CASH, NOW_NS, PRICE, command, decision, intent, shares, usd
from tidegate.oms.commands import ChainExceededError, NotApprovedError
from tidegate.oms.order import Finding, FindingKind, Order
from tidegate.oms.orders import FINISHED_KEPT, Orders
from tidegate.oms.plans import OrderPlan
from tidegate.values.enums import (
    CommandKind,
    ExitReason,
    GateScope,
    GateState,
    OrderState,
    OrderType,
    Purpose,
    Side,
    Verdict,
)
from tidegate.values.enums import OrderEventKind as Kind
from tidegate.values.errors import ExitCode
from tidegate.values.ids import EventId, client_order_id
from tidegate.values.money import NANOS
from tidegate.values.time import SECOND_NS

FIFTY_ONE = 51 * NANOS


def kinds(findings: tuple[Finding, ...]) -> list[FindingKind]:
    return [finding.kind for finding in findings]


# Commands.


@pytest.mark.req("B2.2")
def test_an_approval_becomes_one_order_with_everything_it_was_approved_for() -> None:
    desk = Desk(OrderPlan(valid_ns=7))
    wanted = intent(
        Side.SELL,
        40,
        FIFTY_ONE,
        purpose=Purpose.EXIT,
        order_type=OrderType.STOP_LIMIT,
        stop=PRICE,
        trail=3,
        reference=PRICE + 1,
    )
    approved = msgspec.structs.replace(decision(wanted, name="d"), approval_id="by-persons")
    made = desk.orders.open(approved, wanted, event_id="c", client_order_id="0-a", now_ns=NOW_NS + 5)
    assert made.kind is CommandKind.SUBMIT
    assert made.approval_id == "by-persons", "the ledger lets it go by this alone"
    assert (made.event_id, made.timestamp, made.client_order_id) == ("c", NOW_NS + 5, "0-a")
    assert (made.venue, made.account, made.valid_until_ns) == ("sim", "acct", NOW_NS + 12)
    assert (made.decision_id, made.chain, made.target_id) == ("d", 0, "")
    assert (made.symbol, made.strategy_id, made.correlation_id) == ("AIG", "mr", "s-1-0")
    assert (made.quantity_nanos, made.limit_price_nanos) == (shares(40), FIFTY_ONE)
    assert (made.stop_price_nanos, made.trail_nanos) == (PRICE, 3)
    desk.orders.fold_decision(decision(wanted, name="d"), wanted)
    order = desk.orders.fold_command(made)
    assert order == Order(
        client_order_id="0-a",
        correlation_id="s-1-0",
        strategy_id="mr",
        symbol="AIG",
        venue="sim",
        side=Side.SELL,
        purpose=Purpose.EXIT,
        order_type=OrderType.STOP_LIMIT,
        time_in_force=wanted.time_in_force,
        quantity_nanos=shares(40),
        limit_price_nanos=FIFTY_ONE,
        submitted_ns=NOW_NS + 5,
        begun_ns=NOW_NS + 5,
        approved_nanos=shares(40),
        remaining_nanos=shares(40),
        decision_id="d",
        intent_id="s-1-1",
        stop_price_nanos=PRICE,
        trail_nanos=3,
        reference_price_nanos=PRICE + 1,
        exit_reason=ExitReason.STOP_LOSS,
        valid_until_ns=NOW_NS + 12,
        event_ns=NOW_NS + 5,
    )
    assert desk.orders.live == {"0-a": order}


@pytest.mark.req("B2.2")
@pytest.mark.parametrize("verdict", [Verdict.REFUSED, Verdict.NEEDS_APPROVAL])
def test_no_order_comes_of_anything_but_an_approval(verdict: Verdict) -> None:
    desk, wanted = Desk(), intent()
    with pytest.raises(NotApprovedError, match="d does not approve intent s-1-1") as raised:
        desk.orders.open(
            decision(wanted, name="d", verdict=verdict),
            wanted,
            event_id="c",
            client_order_id="0-a",
            now_ns=NOW_NS,
        )
    assert raised.value.exit_code is ExitCode.REFUSED
    desk.orders.fold_decision(decision(wanted, name="d", verdict=verdict), wanted)
    assert not desk.orders.approved


def test_an_approval_of_another_intent_does_not_do() -> None:
    desk = Desk()
    with pytest.raises(NotApprovedError):
        desk.orders.open(decision(intent(name="other")), intent(), event_id="c", client_order_id="0-a", now_ns=NOW_NS)


@pytest.mark.req("B2.2")
def test_one_approval_makes_one_order() -> None:
    desk = Desk()
    desk.send()
    with pytest.raises(NotApprovedError, match="0-b has no approval waiting"):
        desk.orders.fold_command(command(intent(), order="0-b", decision_id="d1"))


def test_a_lapsed_approval_makes_none() -> None:
    desk = Desk()
    name = desk.approve(intent())
    desk.orders.fold_lapse(name)
    with pytest.raises(NotApprovedError):
        desk.orders.fold_command(command(intent(), decision_id=name))


def test_building_a_command_changes_nothing() -> None:
    desk = Desk()
    desk.send()
    before = desk.orders.snapshot()
    desk.orders.cancel(desk.order(), event_id="c", now_ns=NOW_NS, reason="asked")
    desk.orders.due(NOW_NS + 60 * SECOND_NS)
    assert desk.orders.snapshot() == before


def test_a_cancel_names_its_order_and_needs_no_approval() -> None:
    desk = Desk(OrderPlan(valid_ns=7))
    order = desk.send(intent(quantity=100))
    desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=30, price=PRICE, cum=30)
    made = desk.orders.cancel(desk.order(), event_id="c", now_ns=NOW_NS + 1, reason="asked")
    assert (made.kind, made.client_order_id, made.target_id) == (CommandKind.CANCEL, "0-a", "0-a")
    assert (made.decision_id, made.reason, made.chain) == ("", "asked", 0)
    assert made.quantity_nanos == shares(70)
    assert made.valid_until_ns == NOW_NS + 8
    assert (made.side, made.order_type, made.time_in_force) == (
        order.side,
        order.order_type,
        order.time_in_force,
    )
    assert (made.symbol, made.strategy_id, made.correlation_id) == ("AIG", "mr", "s-1-0")
    assert (made.venue, made.account, made.event_id, made.timestamp) == ("sim", "acct", "c", NOW_NS + 1)
    assert (made.limit_price_nanos, made.stop_price_nanos, made.trail_nanos) == (PRICE, 0, 0)


# The usual life.


@pytest.mark.req("B2.1")
def test_an_order_is_sent_accepted_and_filled() -> None:
    desk = Desk()
    assert desk.send().state is OrderState.NEW
    assert desk.change(Kind.SUBMITTED).order.state is OrderState.SUBMITTED
    accepted = desk.change(Kind.ACCEPTED)
    assert (accepted.before, accepted.order.state) == (OrderState.SUBMITTED, OrderState.ACCEPTED)
    assert accepted.order.venue_order_id == "v-1"
    desk.wait(1)
    part = desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=40, price=PRICE, cum=40, fee="0.1", venue_id="")
    assert part.order.state is OrderState.PARTIAL
    assert (part.order.filled_nanos, part.order.remaining_nanos) == (shares(40), shares(60))
    assert part.order.partial_ns == part.order.event_ns == desk.now_ns
    assert part.order.venue_order_id == "v-1"
    desk.wait(1)
    whole = desk.change(Kind.FILLED, execution="e2", last=60, price=FIFTY_ONE, cum=100, fee="0.2")
    order = whole.order
    assert (order.state, order.working, order.remaining_nanos) == (OrderState.FILLED, False, 0)
    assert (order.filled_cost_attos, order.fees_attos) == (usd(5_060), usd("0.3"))
    assert order.venue_filled_nanos == shares(100)
    assert order.partial_ns == NOW_NS + SECOND_NS
    assert whole.findings == ()
    assert not desk.orders.live
    assert desk.books.book("AIG").net_nanos == shares(100)
    assert desk.books.cash_attos == CASH - usd("5060.3")


def test_what_was_sold_is_booked_with_the_sign_of_its_side() -> None:
    desk = Desk()
    desk.send(intent(Side.SELL))
    fills = desk.change(Kind.FILLED, execution="e", last=100, price=PRICE, cum=100, fee="0.5", side=Side.SELL).fills
    assert [(one.quantity_nanos, one.cost_attos, one.fee_attos) for one in fills] == [(shares(-100), usd(-5_000), usd("0.5"))]
    assert (fills[0].strategy_id, fills[0].symbol, fills[0].side) == ("mr", "AIG", Side.SELL)
    assert desk.order().filled_nanos == shares(100)


def test_contracts_cost_their_multiplier() -> None:
    desk = Desk()
    desk.send(intent(symbol="RAIN"))
    filled = desk.change(Kind.FILLED, execution="e", last=100, price=PRICE, cum=100, symbol="RAIN")
    assert filled.fills[0].cost_attos == usd(15_000)


@pytest.mark.req("B2.1")
@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (Kind.CANCELED, OrderState.CANCELED),
        (Kind.REJECTED, OrderState.REJECTED),
        (Kind.EXPIRED, OrderState.EXPIRED),
        (Kind.REPLACED, OrderState.REPLACED),
        (Kind.NOT_SENT, OrderState.NOT_SENT),
    ],
)
def test_an_order_that_ended_works_no_more(kind: Kind, state: OrderState) -> None:
    desk = Desk()
    desk.send()
    ended = desk.change(kind)
    assert (ended.order.state, ended.order.working, ended.order.remaining_nanos) == (state, False, 0)
    assert desk.books.book("AIG").idle
    assert desk.order() == ended.order
    assert ended.findings == ()


# Fills in every order and state.


@pytest.mark.req("B2.2")
def test_an_execution_counts_once() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=40, price=PRICE, cum=40)
    again = desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=40, price=PRICE, cum=40)
    assert (again.fills, again.findings, again.note) == ((), (), "execution seen before")
    assert again.order.filled_nanos == shares(40)


@pytest.mark.req("B2.2")
def test_one_execution_under_two_ids_counts_once_and_is_told() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.PARTIALLY_FILLED, execution="stream-1", last=40, price=PRICE, cum=40)
    twin = desk.change(Kind.PARTIALLY_FILLED, execution="rest-1", last=40, price=PRICE, cum=40)
    assert twin.fills == ()
    assert kinds(twin.findings) == [FindingKind.DUPLICATE_EXECUTION]
    assert twin.findings[0].scope is None
    assert "counted once" in twin.findings[0].sentence
    assert desk.order().filled_nanos == shares(40)
    repeated = desk.change(Kind.PARTIALLY_FILLED, execution="rest-1", last=40, price=PRICE, cum=40)
    assert repeated.findings == ()


@pytest.mark.req("B2.2")
def test_a_second_copy_explains_nothing_that_another_execution_filled() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.PARTIALLY_FILLED, execution="e0", last=1, price=PRICE, cum=1)
    desk.change(Kind.CANCELED, cum=2, price=PRICE)
    twin = desk.change(Kind.PARTIALLY_FILLED, execution="twin-e0", last=1, price=PRICE, cum=1)
    assert kinds(twin.findings) == [FindingKind.DUPLICATE_EXECUTION]
    assert twin.order.anonymous_nanos == shares(1)
    late = desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=1, price=FIFTY_ONE, cum=2, fee="0.35")
    assert (late.order.fees_attos, late.order.filled_cost_attos) == (usd("0.35"), usd(101))


@pytest.mark.req("B2.2")
def test_a_second_copy_of_a_later_execution_does_not_stand_in_for_an_earlier_one() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=1, price=FIFTY_ONE, cum=2)
    twin = desk.change(Kind.PARTIALLY_FILLED, execution="twin-e1", last=1, price=FIFTY_ONE, cum=2)
    assert kinds(twin.findings) == [FindingKind.DUPLICATE_EXECUTION]
    first = desk.change(Kind.PARTIALLY_FILLED, execution="e0", last=1, price=PRICE, cum=1)
    assert (first.order.filled_nanos, first.order.filled_cost_attos) == (shares(2), usd(101))


@pytest.mark.req("B2.1")
def test_a_whole_fill_whose_first_part_is_late_keeps_working_until_it_comes() -> None:
    desk = Desk()
    desk.send()
    last = desk.change(Kind.FILLED, execution="e2", last=60, price=FIFTY_ONE, cum=100)
    assert (last.order.state, last.order.remaining_nanos) == (OrderState.PARTIAL, shares(40))
    assert last.order.unknown_ns == NOW_NS
    first = desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=40, price=PRICE, cum=40)
    assert (first.order.state, first.order.unknown_ns) == (OrderState.FILLED, 0)
    assert first.order.filled_cost_attos == usd(5_060)


def test_a_whole_fill_without_a_running_total_says_that_all_filled() -> None:
    desk = Desk()
    desk.send()
    last = desk.change(Kind.FILLED, execution="e2", last=60, price=FIFTY_ONE)
    assert last.order.state is OrderState.PARTIAL
    assert last.order.venue_filled_nanos == shares(100)
    assert last.order.unknown_ns == NOW_NS


@pytest.mark.req("B2.1", "B2.2")
def test_an_order_called_whole_again_with_what_we_have_of_it_is_over() -> None:
    """Its execution was busted before anybody told us of it: the venue shows it filled, and nothing of it."""
    desk = Desk()
    desk.send()
    first = desk.change(Kind.FILLED)
    assert (first.order.state, first.order.unknown_ns) == (OrderState.PARTIAL, NOW_NS), "one picture alone may be ahead of its executions"
    desk.wait(5)
    again = desk.change(Kind.FILLED)
    assert (again.order.state, again.order.working, again.order.unknown_ns, again.order.remaining_nanos) == (OrderState.FILLED, False, 0, 0)
    assert desk.books.book("AIG").buys_nanos == 0
    late = desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=100, price=PRICE, cum=100)
    assert late.order.filled_nanos == shares(100), "and yet a fill that comes late counts"


@pytest.mark.req("B2.1")
def test_an_order_called_whole_again_with_more_than_we_have_stays_in_doubt_until_it_is_told() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.FILLED, execution="e2", last=60, price=PRICE, cum=100)
    twice = desk.change(Kind.FILLED, execution="e2", last=60, price=PRICE, cum=100)
    assert (twice.order.state, twice.order.filled_nanos, twice.order.unknown_ns) == (OrderState.PARTIAL, shares(60), NOW_NS)
    whole = desk.change(Kind.FILLED, price=PRICE, cum=100)
    assert (whole.order.state, whole.order.filled_nanos) == (OrderState.FILLED, shares(100))


@pytest.mark.req("B2.1")
def test_a_bust_after_a_whole_fill_takes_the_running_total_back() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.FILLED, execution="e1", last=100, price=PRICE, cum=100)
    bust = desk.change(Kind.FILL_BUSTED, execution="e1")
    assert (bust.order.state, bust.order.filled_nanos, bust.order.venue_filled_nanos) == (OrderState.FILLED, 0, 0)


@pytest.mark.req("B2.1")
def test_a_fill_after_the_cancel_is_applied() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.CANCELED)
    late = desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=40, price=PRICE, cum=40)
    assert (late.order.state, late.order.filled_nanos) == (OrderState.CANCELED, shares(40))
    assert late.findings == ()
    assert desk.books.book("AIG").net_nanos == shares(40)
    rest = desk.change(Kind.FILLED, execution="e2", last=60, price=PRICE, cum=100)
    assert rest.order.state is OrderState.FILLED


@pytest.mark.req("B2.1")
def test_a_cancel_that_tells_more_than_we_booked_fills_first() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.ACCEPTED)
    ended = desk.change(Kind.CANCELED, cum=40, price=FIFTY_ONE)
    assert (ended.before, ended.order.state) == (OrderState.ACCEPTED, OrderState.CANCELED)
    assert ended.note == "booked by running total"
    assert ended.fills[0].cost_attos == usd(2_040)
    assert ended.order.anonymous_nanos == shares(40)
    assert ended.order.lookups_missed == 0
    explained = desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=40, price=PRICE, cum=40, fee="0.2")
    assert explained.fills[0].quantity_nanos == 0
    assert explained.fills[0].cost_attos == usd(-40)
    assert explained.order.filled_cost_attos == usd(2_000)
    assert explained.order.anonymous_nanos == explained.order.anonymous_cost_attos == 0
    assert explained.note == "explains what a running total told before"
    assert desk.books.cash_attos == CASH - usd("2000.2")


def test_a_cancel_that_tells_of_a_whole_fill_leaves_it_filled() -> None:
    desk = Desk()
    desk.send()
    assert desk.change(Kind.CANCELED, cum=100, price=PRICE).order.state is OrderState.FILLED


def test_an_execution_in_another_word_counts_as_well() -> None:
    desk = Desk()
    desk.send()
    ended = desk.change(Kind.CANCELED, execution="e1", last=40, price=PRICE)
    assert (ended.order.state, ended.order.filled_nanos) == (OrderState.CANCELED, shares(40))
    assert "e1" in desk.orders.executions["0-a"]


def test_a_running_total_never_falls() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.PARTIALLY_FILLED, cum=40, price=PRICE)
    older = desk.change(Kind.PARTIALLY_FILLED, cum=20, price=PRICE)
    assert older.fills == ()
    assert (older.order.filled_nanos, older.order.venue_filled_nanos) == (shares(40), shares(40))
    newer = desk.change(Kind.PARTIALLY_FILLED, cum=70, price=FIFTY_ONE)
    assert newer.fills[0].quantity_nanos == shares(30)
    assert newer.order.anonymous_nanos == shares(70)
    assert newer.order.anonymous_cost_attos == usd(2_000 + 1_530)


def test_anonymous_quantity_is_explained_bit_by_bit_and_exactly() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.PARTIALLY_FILLED, cum=70, price=PRICE + 1, fee="0.7")
    one = desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=30, price=FIFTY_ONE, cum=30, fee="0.1")
    assert (one.order.filled_nanos, one.order.anonymous_nanos) == (shares(70), shares(40))
    assert one.order.anonymous_fees_attos == usd("0.4")
    two = desk.change(Kind.PARTIALLY_FILLED, execution="e2", last=40, price=FIFTY_ONE, cum=70, fee="0.1")
    assert two.order.filled_cost_attos == usd(70 * 51)
    assert two.order.fees_attos == usd("0.2")
    assert (two.order.anonymous_nanos, two.order.anonymous_cost_attos, two.order.anonymous_fees_attos) == (
        0,
        0,
        0,
    )


def test_an_execution_partly_told_before_adds_only_the_rest() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.PARTIALLY_FILLED, cum=30, price=PRICE)
    more = desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=80, price=FIFTY_ONE, cum=80)
    assert (more.order.filled_nanos, more.order.anonymous_nanos) == (shares(80), 0)
    assert more.fills[0].quantity_nanos == shares(50)
    assert more.order.filled_cost_attos == usd(80 * 51)


def test_without_a_running_total_an_execution_explains_what_is_anonymous() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.FOUND_WORKING, cum=30, price=PRICE)
    one = desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=20, price=PRICE)
    assert (one.order.filled_nanos, one.order.anonymous_nanos) == (shares(30), shares(10))
    two = desk.change(Kind.PARTIALLY_FILLED, execution="e2", last=25, price=PRICE)
    assert (two.order.filled_nanos, two.order.anonymous_nanos) == (shares(45), 0)


@pytest.mark.parametrize(("execution", "last", "cum"), [("e1", 10, 10), ("", 0, 10)])
def test_a_fill_without_a_price_is_booked_at_the_orders_own(execution: str, last: int, cum: int) -> None:
    desk = Desk()
    desk.send(intent(price=FIFTY_ONE))
    told = desk.change(Kind.PARTIALLY_FILLED, execution=execution, last=last, cum=cum)
    assert told.fills[0].cost_attos == usd(510)
    assert kinds(told.findings) == [FindingKind.FILL_WITHOUT_PRICE]
    assert told.findings[0].scope is None
    assert (told.findings[0].client_order_id, told.findings[0].symbol) == ("0-a", "AIG")


@pytest.mark.parametrize(("limit", "stop", "reference", "expected"), [(5, 6, 7, 5), (0, 6, 7, 6), (0, 0, 7, 7), (0, 0, 0, 0)])
def test_an_orders_own_price_is_its_limit_its_stop_or_what_it_was_priced_against(
    limit: int, stop: int, reference: int, expected: int
) -> None:
    desk = Desk()
    assert desk.send(intent(price=limit, stop=stop, reference=reference)).price_nanos == expected


@pytest.mark.req("B2.1")
def test_more_than_was_ordered_counts_and_halts_the_symbol() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.FILLED, execution="e1", last=100, price=PRICE, cum=100)
    over = desk.change(Kind.PARTIALLY_FILLED, execution="e2", last=5, price=PRICE, cum=105)
    assert over.order.filled_nanos == shares(105)
    assert over.order.remaining_nanos == 0
    assert kinds(over.findings) == [FindingKind.OVERFILL]
    finding = over.findings[0]
    assert (finding.scope, finding.key, finding.state) == (GateScope.SYMBOL, "AIG", GateState.HALTED)
    assert "was for 100 and 105 filled" in finding.sentence
    assert desk.books.book("AIG").net_nanos == shares(105)


# Corrections.


@pytest.mark.req("B2.1")
def test_a_busted_trade_is_taken_back() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=40, price=PRICE, cum=40, fee="0.2")
    bust = desk.change(Kind.FILL_BUSTED, execution="e1", last=40, price=PRICE)
    assert (bust.order.filled_nanos, bust.order.filled_cost_attos, bust.order.fees_attos) == (0, 0, 0)
    assert (bust.order.state, bust.order.remaining_nanos) == (OrderState.PARTIAL, shares(100))
    assert bust.order.venue_filled_nanos == 0
    assert desk.books.cash_attos == CASH
    assert desk.books.book("AIG").net_nanos == 0
    assert desk.change(Kind.FILL_BUSTED, execution="e1", last=40).note == "correction seen before"
    assert desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=40, price=PRICE, cum=40).fills == ()


@pytest.mark.req("B2.1")
def test_a_bust_of_a_filled_order_does_not_make_it_work_again() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.FILLED, execution="e1", last=100, price=PRICE, cum=100)
    bust = desk.change(Kind.FILL_BUSTED, execution="e1", last=100)
    assert (bust.order.state, bust.order.remaining_nanos, bust.order.filled_nanos) == (
        OrderState.FILLED,
        0,
        0,
    )


@pytest.mark.req("B2.1")
def test_a_corrected_price_restates_cost_and_fee_alone() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=40, price=PRICE, cum=40, fee="0.2")
    fixed = desk.change(Kind.FILL_CORRECTED, execution="e1", last=40, price=FIFTY_ONE, fee="0.3")
    assert [(one.quantity_nanos, one.cost_attos, one.fee_attos) for one in fixed.fills] == [(0, usd(40), usd("0.1"))]
    assert fixed.order.filled_cost_attos == usd(2_040)
    assert desk.books.holding("mr", "AIG").basis_attos == usd(2_040)
    assert desk.books.cash_attos == CASH - usd("2040.3")
    assert desk.change(Kind.FILL_CORRECTED, execution="e1", last=40, price=FIFTY_ONE, fee="0.3").fills == ()


@pytest.mark.req("B2.1")
def test_a_corrected_quantity_is_a_reversal_and_a_new_fill() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=40, price=PRICE, cum=40)
    fixed = desk.change(Kind.FILL_CORRECTED, execution="e1", last=100, price=FIFTY_ONE)
    assert [one.quantity_nanos for one in fixed.fills] == [shares(-40), shares(100)]
    assert fixed.order.state is OrderState.FILLED
    assert (fixed.order.filled_nanos, fixed.order.filled_cost_attos) == (shares(100), usd(5_100))
    assert fixed.order.venue_filled_nanos == shares(100)


def test_a_correction_of_a_trade_not_yet_seen_is_the_trade() -> None:
    desk = Desk()
    desk.send()
    first = desk.change(Kind.FILL_CORRECTED, execution="e1", last=30, price=PRICE, cum=30)
    assert first.order.filled_nanos == shares(30)
    assert desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=40, price=PRICE, cum=40).fills == ()


def test_a_bust_of_a_trade_not_yet_seen_is_remembered_and_told() -> None:
    desk = Desk()
    desk.send()
    bust = desk.change(Kind.FILL_BUSTED, execution="e1", last=40, price=PRICE)
    assert (bust.fills, kinds(bust.findings)) == ((), [FindingKind.UNSEEN_BUST])
    assert bust.findings[0].scope is None
    assert desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=40, price=PRICE, cum=40).fills == ()


@pytest.mark.parametrize("kind", [Kind.FILL_BUSTED, Kind.FILL_CORRECTED])
def test_a_correction_that_names_no_trade_is_not_booked_and_halts(kind: Kind) -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=40, price=PRICE, cum=40)
    told = desk.change(kind, last=40, price=PRICE, cum=80)
    assert (told.fills, kinds(told.findings)) == ((), [FindingKind.CORRECTION_WITHOUT_ID])
    assert told.findings[0].scope is GateScope.SYMBOL
    assert desk.order().venue_filled_nanos == shares(40)


# What does not add up.


def test_a_word_that_no_row_allows_moves_nothing_and_is_told() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.CANCELED)
    odd = desk.change(Kind.FOUND_WORKING)
    assert (odd.before, odd.order.state) == (OrderState.CANCELED, OrderState.CANCELED)
    assert kinds(odd.findings) == [FindingKind.ILLEGAL_TRANSITION]
    assert "0-a is canceled and now the venue says found_working" in odd.findings[0].sentence
    assert (odd.findings[0].scope, odd.findings[0].key) == (None, "")


def test_a_fill_within_a_word_that_no_row_allows_still_counts() -> None:
    desk = Desk()
    desk.send()
    odd = desk.change(Kind.REJECTED, cum=40, price=PRICE)
    assert (odd.order.state, odd.order.filled_nanos) == (OrderState.PARTIAL, shares(40))
    assert kinds(odd.findings) == [FindingKind.ILLEGAL_TRANSITION]


@pytest.mark.parametrize("what", [{"symbol": "BAC"}, {"side": Side.SELL}])
def test_an_event_of_another_symbol_or_side_is_not_booked(what: dict[str, Any]) -> None:
    desk = Desk()
    desk.send()
    before = desk.orders.snapshot()
    wrong = desk.hear(Kind.FILLED, execution="e1", last=100, price=PRICE, cum=100, **what)
    assert isinstance(wrong, Finding)
    assert wrong.kind is FindingKind.MISMATCH
    assert (wrong.scope, wrong.key) == (GateScope.SYMBOL, "AIG")
    assert desk.orders.snapshot() == before


@pytest.mark.req("B2.2")
def test_an_unknown_order_of_our_shape_halts_everything() -> None:
    desk = Desk()
    stranger = client_order_id(account="acct", event=EventId("x-1-1"), chain=0, epoch=12)
    told = desk.hear(Kind.ACCEPTED, stranger)
    assert isinstance(told, Finding)
    assert told.kind is FindingKind.UNKNOWN_OWN_ORDER
    assert (told.scope, told.key, told.state) == (GateScope.GLOBAL, "", GateState.HALTED)
    assert (told.client_order_id, told.symbol) == (stranger, "AIG")
    assert stranger in told.sentence
    assert "(accepted)" in told.sentence
    assert desk.orders.find(stranger) is None


OURS = client_order_id(account="a", event=EventId("e"), chain=0, epoch=0)


@pytest.mark.parametrize(
    "key",
    [
        "human-1",
        "",
        OURS + "a",
        OURS[:-1],
        OURS[:-1] + "A",
        OURS[:-1] + "1",
        "x" + OURS,
        OURS[1:],
        OURS.replace("-", "_"),
        "²" + OURS[1:],
    ],
)
def test_another_unknown_order_is_adopted_and_flagged(key: str) -> None:
    desk = Desk()
    told = desk.change(Kind.PARTIALLY_FILLED, key, execution="e1", last=5, price=PRICE, cum=5, venue_id="v-77")
    assert kinds(told.findings) == [FindingKind.EXTERNAL_ORDER]
    finding = told.findings[0]
    assert (finding.scope, finding.key, finding.state) == (GateScope.SYMBOL, "AIG", GateState.REDUCE_ONLY)
    order = told.order
    assert order.external
    assert order.client_order_id == (key or "v-77")
    assert finding.client_order_id == order.client_order_id
    assert (order.quantity_nanos, order.filled_nanos, order.remaining_nanos) == (shares(5), shares(5), 0)
    assert (order.state, order.strategy_id, order.purpose) == (OrderState.PARTIAL, "", Purpose.ENTRY)
    assert desk.books.holding("", "AIG").quantity_nanos == shares(5)
    again = desk.change(Kind.PARTIALLY_FILLED, key, execution="e2", last=6, price=PRICE, cum=11, venue_id="v-77")
    assert (again.findings, again.order.quantity_nanos) == ((), shares(11))
    done = desk.change(Kind.FILLED, key, execution="e3", last=1, price=PRICE, cum=12, venue_id="v-77")
    assert (done.order.state, done.findings) == (OrderState.FILLED, ())


def test_an_external_order_that_only_works_is_flagged_too() -> None:
    desk = Desk()
    told = desk.change(Kind.ACCEPTED, "human")
    assert (told.before, told.order.state, told.order.remaining_nanos) == (
        OrderState.NEW,
        OrderState.ACCEPTED,
        0,
    )
    assert (told.order.venue_order_id, told.order.submitted_ns) == ("v-1", NOW_NS)


def test_an_order_of_an_instrument_nobody_defined_cannot_be_booked() -> None:
    desk = Desk()
    told = desk.hear(Kind.ACCEPTED, "human", symbol="XYZ")
    assert isinstance(told, Finding)
    assert told.kind is FindingKind.UNKNOWN_INSTRUMENT
    assert (told.scope, told.key, told.state) == (GateScope.GLOBAL, "", GateState.REDUCE_ONLY)
    assert (told.client_order_id, told.symbol) == ("human", "XYZ")
    assert "XYZ" in told.sentence


def test_a_venue_that_keeps_refusing_a_cancel_halts_the_symbol() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.ACCEPTED)
    for _ in range(POLICY.cancels_refused_max - 1):
        assert desk.change(Kind.CANCEL_REJECTED, reason="busy").findings == ()
    told = desk.change(Kind.CANCEL_REJECTED, reason="busy")
    assert kinds(told.findings) == [FindingKind.CANCEL_REFUSED]
    assert told.findings[0].scope is GateScope.SYMBOL
    assert "refused 3 times to cancel order 0-a (busy)" in told.findings[0].sentence
    assert told.order.state is OrderState.ACCEPTED
    assert desk.change(Kind.CANCEL_REJECTED).findings == ()


def test_a_refused_cancel_of_a_finished_order_is_no_trouble() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.FILLED, execution="e1", last=100, price=PRICE, cum=100)
    told = [desk.change(Kind.CANCEL_REJECTED) for _ in range(5)][-1]
    assert (told.order.cancels_refused, told.findings) == (0, ())


def test_no_reason_given_is_said_so() -> None:
    desk = Desk()
    desk.send()
    told = [desk.change(Kind.CANCEL_REJECTED) for _ in range(3)][-1]
    assert "(no reason given)" in told.findings[0].sentence


# Memory and bytes.


def test_only_the_last_finished_orders_are_remembered() -> None:
    desk = Desk()
    for number in range(FINISHED_KEPT + 3):
        order = f"0-{number}"
        desk.send(intent(), order)
        desk.change(Kind.FILLED, order, execution=f"e{number}", last=100, price=PRICE, cum=100)
        if number == 1:
            desk.send(intent(), "live")
    assert len(desk.orders.finished) == FINISHED_KEPT
    assert desk.orders.find("0-2") is None
    assert desk.orders.find("0-3") is not None
    assert "0-2" not in desk.orders.executions
    assert len(desk.orders.executions) == FINISHED_KEPT
    assert desk.orders.find("live") is not None


def busy() -> Desk:
    desk = Desk()
    desk.send(intent(), "0-a")
    desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=40, price=PRICE, cum=40, fee="12.5")
    desk.change(Kind.PARTIALLY_FILLED, execution="e0", last=10, price=PRICE, cum=50, fee="0.1")
    desk.send(intent(name="s-2-1"), "0-b")
    desk.change(Kind.CANCELED, "0-b", cum=20, price=PRICE, fee="1")
    desk.send(intent(name="s-3-1"), "0-c")
    desk.change(Kind.OUTCOME_UNKNOWN, "0-c")
    desk.approve(intent(name="s-4-1"))
    return desk


@pytest.mark.req("B1.3")
def test_restored_orders_are_the_same_and_go_on_the_same() -> None:
    desk, other = busy(), Desk()
    other.orders.restore(desk.orders.snapshot())
    other.books.restore(desk.books.snapshot())
    assert other.orders.snapshot() == desk.orders.snapshot()
    assert other.orders.live == desk.orders.live
    assert list(other.orders.finished.items()) == list(desk.orders.finished.items())
    assert other.orders.executions == desk.orders.executions
    assert other.orders.approved == desk.orders.approved
    assert other.orders.due_ns() == desk.orders.due_ns() == NOW_NS
    for one in (desk, other):
        one.change(Kind.PARTIALLY_FILLED, execution="e0", last=10, price=PRICE, cum=50)
        one.change(Kind.FILLED, execution="e2", last=50, price=PRICE, cum=100)
        one.change(Kind.FOUND_WORKING, "0-c")
        one.orders.fold_command(command(intent(name="s-4-1"), order="0-d", decision_id="d4"))
    assert other.orders.snapshot() == desk.orders.snapshot()
    assert other.orders.due_ns() == desk.orders.due_ns()


def test_snapshots_name_the_account() -> None:
    orders = Orders("other", {}, {}, POLICY)
    orders.restore(Desk().orders.snapshot())
    assert orders.account == "acct"


def test_live_orders_leave_no_trace_of_their_order() -> None:
    one, other = Desk(), Desk()
    for desk, names in ((one, "ab"), (other, "ba")):
        for name in names:
            wanted = intent(name=f"s-{name}")
            verdict = decision(wanted, name=f"d-{name}")
            desk.orders.fold_decision(verdict, wanted)
            desk.orders.fold_command(command(wanted, order=f"0-{name}", decision_id=f"d-{name}"))
            for execution in names:
                desk.change(
                    Kind.PARTIALLY_FILLED,
                    f"0-{name}",
                    execution=f"e{execution}",
                    last=10,
                    price=PRICE,
                    fee="0.1",
                )
            desk.orders.fold_decision(decision(wanted, name=f"e-{name}"), wanted)
    assert one.orders.snapshot() == other.orders.snapshot()


# Chains.


def test_a_replacement_names_what_it_replaces() -> None:
    desk = Desk()
    desk.send(intent(quantity=100))
    desk.change(Kind.ACCEPTED)
    wanted = intent(quantity=100, price=FIFTY_ONE, replaces="0-a", name="s-2-1")
    assert desk.orders.chain_number(wanted) == 1
    assert desk.orders.chain_number(intent()) == 0
    assert desk.orders.chain_number(intent(replaces="unheard")) == 0
    made = desk.orders.open(decision(wanted, name="d"), wanted, event_id="c", client_order_id="0-b", now_ns=NOW_NS)
    assert (made.kind, made.target_id, made.chain) == (CommandKind.REPLACE, "0-a", 1)
    order = desk.send(wanted, "0-b")
    assert (order.predecessor_id, order.chain, order.approved_nanos) == ("0-a", 1, shares(100))
    assert desk.order("0-a").successor_id == "0-b"
    assert desk.books.book("AIG").buys_nanos == shares(100)
    done = desk.change(Kind.REPLACED, successor="0-b")
    assert done.order.state is OrderState.REPLACED
    assert desk.change(Kind.ACCEPTED, "0-b").order.state is OrderState.ACCEPTED
    assert desk.books.book("AIG").buys_nanos == shares(100)


@pytest.mark.req("B2.2")
def test_a_chain_never_asks_for_more_than_is_left_of_what_was_approved() -> None:
    desk = Desk()
    desk.send(intent(quantity=100))
    desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=40, price=PRICE, cum=40)
    desk.cancel()
    desk.change(Kind.CANCELED)
    too_much = intent(quantity=61, replaces="0-a")
    with pytest.raises(ChainExceededError, match="at most 60, not for 61") as raised:
        desk.send(too_much, "0-b")
    assert raised.value.exit_code is ExitCode.REFUSED
    order = desk.send(intent(quantity=60, replaces="0-a"), "0-b")
    assert (order.chain, order.approved_nanos) == (1, shares(100))
    with pytest.raises(ChainExceededError, match="continued once"):
        desk.send(intent(quantity=1, replaces="0-a"), "0-c")


def test_a_chase_of_a_canceled_order_is_a_new_order() -> None:
    desk = Desk()
    desk.send(intent(quantity=100))
    desk.change(Kind.CANCELED)
    wanted = intent(quantity=100, replaces="0-a")
    made = desk.orders.open(decision(wanted, name="d"), wanted, event_id="c", client_order_id="0-b", now_ns=NOW_NS)
    assert (made.kind, made.target_id, made.chain) == (CommandKind.SUBMIT, "", 1)


def test_an_unknown_order_cannot_be_continued() -> None:
    with pytest.raises(ChainExceededError, match="unheard, which is not known"):
        Desk().send(intent(replaces="unheard"))


@pytest.mark.req("B2.1")
def test_a_late_fill_of_a_replaced_order_shrinks_what_may_still_work() -> None:
    desk = Desk()
    desk.send(intent(quantity=100))
    desk.send(intent(quantity=100, replaces="0-a"), "0-b")
    desk.change(Kind.REPLACED, successor="0-b")
    desk.change(Kind.ACCEPTED, "0-b")
    late = desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=30, price=PRICE, cum=30)
    assert late.order.state is OrderState.REPLACED
    assert kinds(late.findings) == [FindingKind.CHAIN_OVERFILL]
    assert late.findings[0].scope is None
    assert "approved for 100 together, filled 30" in late.findings[0].sentence
    assert desk.order("0-b").cancel_wanted
    assert [due.order.client_order_id for due in desk.carry_out()] == ["0-b"]
    both = desk.change(Kind.PARTIALLY_FILLED, "0-b", execution="e2", last=80, price=PRICE, cum=80)
    assert kinds(both.findings) == [FindingKind.OVERFILL, FindingKind.CHAIN_OVERFILL]
    assert [finding.scope for finding in both.findings] == [GateScope.SYMBOL, GateScope.SYMBOL]
    assert "filled 110" in both.findings[1].sentence


def test_a_chain_that_fills_within_what_was_approved_is_no_finding() -> None:
    desk = Desk()
    desk.send(intent(quantity=100))
    desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=40, price=PRICE, cum=40)
    desk.change(Kind.CANCELED)
    desk.send(intent(quantity=60, replaces="0-a"), "0-b")
    assert desk.change(Kind.PARTIALLY_FILLED, "0-b", execution="e2", last=10, price=PRICE, cum=10).findings == ()
    assert desk.change(Kind.FILLED, "0-b", execution="e3", last=50, price=PRICE, cum=60).findings == ()
    assert not desk.order("0-b").cancel_wanted


@pytest.mark.parametrize("successor", ["0-b", ""])
def test_a_refused_replacement_ends_and_its_original_works_on(successor: str) -> None:
    desk = Desk()
    desk.send(intent(quantity=100))
    desk.change(Kind.ACCEPTED)
    desk.send(intent(quantity=100, replaces="0-a"), "0-b")
    desk.wait(1)
    told = desk.change(Kind.REPLACE_REJECTED, successor=successor)
    assert told.order.state is OrderState.ACCEPTED
    assert told.order.successor_id == ""
    ((refused, before),) = told.others
    assert (refused.client_order_id, before, refused.state) == ("0-b", OrderState.NEW, OrderState.REJECTED)
    assert (refused.working, refused.remaining_nanos, refused.event_ns) == (False, 0, desk.now_ns)
    assert refused == desk.order("0-b")
    assert desk.books.book("AIG").buys_nanos == shares(100)
    assert desk.send(intent(quantity=100, replaces="0-a"), "0-c").chain == 1


def test_a_refusal_of_a_replacement_that_is_not_its_own_moves_nothing() -> None:
    desk = Desk()
    desk.send(intent(quantity=100))
    desk.send(intent(quantity=100, replaces="0-a"), "0-b")
    desk.send(intent(quantity=10), "0-x")
    assert desk.change(Kind.REPLACE_REJECTED, successor="0-x").others == ()
    assert desk.change(Kind.REPLACE_REJECTED, successor="unheard").others == ()
    assert desk.order("0-x").working
    desk.change(Kind.REPLACE_REJECTED)
    assert desk.change(Kind.REPLACE_REJECTED, successor="0-b").others == ()  # told twice


@pytest.mark.parametrize("kind", [Kind.REJECTED, Kind.NOT_SENT])
def test_a_replacement_that_never_lived_frees_its_original(kind: Kind) -> None:
    desk = Desk()
    desk.send(intent(quantity=100))
    desk.send(intent(quantity=100, replaces="0-a"), "0-b")
    told = desk.change(kind, "0-b")
    assert told.others == ()
    assert desk.order("0-a").successor_id == ""
    assert desk.order("0-a").working


def test_a_replacement_refused_after_another_took_its_place_frees_nothing() -> None:
    desk = Desk()
    desk.send(intent(quantity=100))
    desk.send(intent(quantity=100, replaces="0-a"), "0-b")
    desk.change(Kind.REJECTED, "0-b")
    desk.send(intent(quantity=100, replaces="0-a"), "0-c")
    desk.change(Kind.REJECTED, "0-b")
    assert desk.order("0-a").successor_id == "0-c"


def test_a_chain_is_followed_as_far_as_it_is_known() -> None:
    desk = Desk()
    desk.send(intent(quantity=100), "0-a")
    desk.change(Kind.CANCELED, "0-a")
    desk.send(intent(quantity=100, replaces="0-a"), "0-b")
    del desk.orders.finished["0-a"]  # forgotten
    assert desk.change(Kind.PARTIALLY_FILLED, "0-b", execution="e1", last=10, price=PRICE, cum=10).findings == ()
    desk.change(Kind.CANCELED, "0-b")
    desk.send(intent(quantity=90, replaces="0-b"), "0-c")
    del desk.orders.live["0-c"]
    late = desk.change(Kind.PARTIALLY_FILLED, "0-b", execution="e2", last=10, price=PRICE, cum=20)
    assert late.findings == ()
    desk.change(Kind.REJECTED, "0-b")  # its original is forgotten, nothing to free


def test_events_reach_orders_by_the_venues_id_when_they_have_no_other() -> None:
    desk = Desk()
    desk.hear(Kind.ACCEPTED, "", venue_id="v-9")
    assert desk.order("v-9").venue_order_id == "v-9"
    desk.change(Kind.CANCELED, "", venue_id="v-9")
    assert desk.order("v-9").state is OrderState.CANCELED
