"""Corners of the order layer that ordinary lives do not reach."""

import msgspec
import pytest

from tests.oms.making import POLICY, Desk
from tests.portfolio.making import INSTRUMENTS, NOW_NS, PRICE, decision, intent, shares, usd
from tidegate.oms.order import Finding, FindingKind, Order
from tidegate.oms.orders import FINISHED_KEPT
from tidegate.oms.plans import KEEP_PLAN, OrderPlan
from tidegate.oms.timers import chase_price
from tidegate.values.enums import (
    CommandKind,
    OrderState,
    OrderType,
    PartialFillPolicy,
    Purpose,
    Side,
    TimeInForce,
)
from tidegate.values.enums import OrderEventKind as Kind
from tidegate.values.money import NANOS
from tidegate.values.time import NEVER_NS, SECOND_NS

FIFTY_ONE = 51 * NANOS
CHASE = OrderPlan(partial_fill=PartialFillPolicy.CHASE, partial_after_ns=3 * SECOND_NS, chase_bps_max=100, chases_max=2)


def kinds(findings: tuple[Finding, ...]) -> list[FindingKind]:
    return [finding.kind for finding in findings]


def again(desk: Desk) -> Desk:
    """The same desk after a restart."""
    other = Desk()
    other.orders.restore(desk.orders.snapshot())
    assert other.orders.snapshot() == desk.orders.snapshot()
    assert other.orders.executions == desk.orders.executions
    return other


# Quantities.


@pytest.mark.req("B2.2")
def test_an_execution_that_the_running_total_has_room_for_explains_nothing() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.PARTIALLY_FILLED, cum=30, price=PRICE)
    more = desk.change(Kind.PARTIALLY_FILLED, execution="e2", last=50, price=FIFTY_ONE, cum=80)
    assert (more.order.filled_nanos, more.order.anonymous_nanos) == (shares(80), shares(30))
    assert more.fills[0].cost_attos == usd(50 * 51)


@pytest.mark.req("B2.2")
def test_an_execution_that_the_running_total_has_no_room_for_is_one_we_have() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.PARTIALLY_FILLED, execution="stream-1", last=40, price=PRICE)  # the stream tells no totals
    twin = desk.change(Kind.PARTIALLY_FILLED, execution="rest-1", last=40, price=PRICE, cum=40)
    assert (twin.fills, kinds(twin.findings)) == ((), [FindingKind.DUPLICATE_EXECUTION])
    assert twin.order.venue_filled_nanos == shares(40)
    assert desk.orders.executions["0-a"]["rest-1"].quantity_nanos == 0
    desk = again(desk)
    assert desk.change(Kind.PARTIALLY_FILLED, execution="rest-1", last=40, price=PRICE, cum=40).findings == ()
    fresh = desk.change(Kind.PARTIALLY_FILLED, execution="rest-2", last=10, price=PRICE, cum=50)
    assert fresh.order.filled_nanos == shares(50)


def test_what_is_remembered_of_copies_and_unseen_busts_survives_a_restart() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=40, price=PRICE, cum=40)
    desk.change(Kind.PARTIALLY_FILLED, execution="twin", last=40, price=PRICE, cum=40)
    desk.change(Kind.FILL_BUSTED, execution="unseen", last=5, price=PRICE)
    kept = again(desk).orders.executions["0-a"]
    assert {name: one.quantity_nanos for name, one in kept.items()} == {"e1": shares(40), "twin": 0, "unseen": 0}


def test_a_repeated_execution_leaves_the_venues_total_alone() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=40, price=PRICE, cum=40)
    assert desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=40).order.venue_filled_nanos == shares(40)
    desk.change(Kind.FILL_CORRECTED, execution="e1", last=40, price=FIFTY_ONE)
    told = desk.change(Kind.FILL_CORRECTED, execution="e1", last=40, price=FIFTY_ONE)
    assert told.order.venue_filled_nanos == shares(40)


def test_an_execution_id_without_a_quantity_is_a_running_total() -> None:
    desk = Desk()
    desk.send()
    told = desk.change(Kind.PARTIALLY_FILLED, execution="e1", cum=40, price=PRICE)
    assert told.order.anonymous_nanos == shares(40)
    assert not desk.orders.executions


def test_a_fill_that_overtakes_the_acceptance_brings_the_venues_id() -> None:
    desk = Desk()
    desk.send()
    told = desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=40, price=PRICE, cum=40, venue_id="v-early")
    assert told.order.venue_order_id == "v-early"


def test_the_same_running_total_again_books_nothing() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.PARTIALLY_FILLED, cum=40, price=PRICE)
    again_told = desk.change(Kind.PARTIALLY_FILLED, cum=40, price=PRICE)
    assert (again_told.fills, again_told.note) == ((), "")


def test_the_smallest_execution_counts() -> None:
    desk = Desk()
    desk.send()
    told = desk.change(Kind.PARTIALLY_FILLED, execution="e1", last="0.000000001", price=1)
    assert (told.order.filled_nanos, told.order.filled_cost_attos, told.findings) == (1, 1, ())
    more = desk.change(Kind.PARTIALLY_FILLED, cum="0.000000002", price=1)
    assert (more.order.filled_nanos, more.order.filled_cost_attos, more.findings) == (2, 2, ())
    explained = desk.change(Kind.PARTIALLY_FILLED, execution="e2", last="0.000000001", price=5, cum="0.000000002")
    assert (explained.order.filled_nanos, explained.order.filled_cost_attos) == (2, 6)


def test_an_explanation_without_a_price_is_told_and_remembered() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.PARTIALLY_FILLED, cum=40, price=FIFTY_ONE)
    told = desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=40, cum=40)
    assert kinds(told.findings) == [FindingKind.FILL_WITHOUT_PRICE]
    assert "e1" in desk.orders.executions["0-a"]


@pytest.mark.req("B2.1")
def test_a_corrected_quantity_takes_its_fee_along() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=40, price=PRICE, cum=40, fee="0.5")
    fixed = desk.change(Kind.FILL_CORRECTED, execution="e1", last=60, price=PRICE, fee="0.7")
    assert [one.fee_attos for one in fixed.fills] == [usd("-0.5"), usd("0.7")]
    assert fixed.order.fees_attos == usd("0.7")
    bust = desk.change(Kind.FILL_BUSTED, execution="e1")
    assert [(one.quantity_nanos, one.fee_attos) for one in bust.fills] == [(shares(-60), usd("-0.7"))]
    assert bust.order.fees_attos == 0


def test_a_corrected_execution_still_knows_its_copies() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.PARTIALLY_FILLED, execution="e2", last=20, price=PRICE, cum=60)
    desk.change(Kind.FILL_CORRECTED, execution="e2", last=20, price=FIFTY_ONE)
    twin = desk.change(Kind.PARTIALLY_FILLED, execution="twin", last=20, price=PRICE, cum=60)
    assert kinds(twin.findings) == [FindingKind.DUPLICATE_EXECUTION]


# Findings beside one another.


def test_an_order_that_fills_at_once_was_never_partly_filled() -> None:
    desk = Desk()
    desk.send()
    assert desk.change(Kind.FILLED, execution="e1", last=100, price=PRICE, cum=100).order.partial_ns == 0
    desk.send(order="0-b")
    assert desk.change(Kind.FILL_BUSTED, "0-b", execution="x").order.partial_ns == 0


def test_nothing_filled_is_no_late_appearance() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.REJECTED)
    told = desk.change(Kind.FILL_BUSTED, execution="e1", last=5)
    assert kinds(told.findings) == [FindingKind.UNSEEN_BUST]


def test_the_smallest_late_fill_is_a_late_appearance() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.REJECTED)
    late = desk.change(Kind.PARTIALLY_FILLED, execution="e1", last="0.000000001", price=PRICE)
    assert kinds(late.findings) == [FindingKind.LATE_APPEARANCE]


def test_an_overfill_is_told_once_and_to_the_last_nano() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.FILLED, execution="e1", last=100, price=PRICE)
    over = desk.change(Kind.PARTIALLY_FILLED, execution="e2", last="0.000000001", price=PRICE)
    assert kinds(over.findings) == [FindingKind.OVERFILL]
    assert desk.change(Kind.PARTIALLY_FILLED, execution="e2", last="0.000000001", price=PRICE).findings == ()


def test_everything_that_does_not_add_up_is_told() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.REJECTED)
    told = desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=120)
    assert kinds(told.findings) == [
        FindingKind.LATE_APPEARANCE,
        FindingKind.FILL_WITHOUT_PRICE,
        FindingKind.OVERFILL,
    ]


def test_a_refused_cancel_may_tell_of_a_fill_as_well() -> None:
    desk = Desk()
    desk.send()
    for _ in range(POLICY.cancels_refused_max - 1):
        desk.change(Kind.CANCEL_REJECTED)
    told = desk.change(Kind.CANCEL_REJECTED, cum=40)
    assert (told.order.state, told.order.filled_nanos) == (OrderState.PARTIAL, shares(40))
    assert kinds(told.findings) == [FindingKind.FILL_WITHOUT_PRICE, FindingKind.CANCEL_REFUSED]


def test_a_mismatch_says_what_was_said() -> None:
    desk = Desk()
    desk.send()
    told = desk.hear(Kind.ACCEPTED, symbol="BAC", side=Side.SELL)
    assert isinstance(told, Finding)
    assert "says sell BAC, the order is buy AIG" in told.sentence


# Doubt.


def test_a_finished_order_is_in_no_doubt() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.FILLED, execution="e2", last=60, price=PRICE, cum=100)
    assert desk.change(Kind.EXPIRED).order.unknown_ns == 0


def test_our_own_notes_end_no_doubt_about_a_cancel() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.ACCEPTED)
    desk.change(Kind.OUTCOME_UNKNOWN)
    desk.wait(1)
    assert desk.change(Kind.SUBMITTED).order.unknown_ns == NOW_NS


def test_a_fill_starts_the_count_of_missed_lookups_again() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.OUTCOME_UNKNOWN)
    desk.wait(POLICY.lookup_grace_ns / SECOND_NS)
    desk.change(Kind.LOOKUP_MISSED)
    assert desk.change(Kind.PARTIALLY_FILLED, cum=1, price=PRICE).order.lookups_missed == 0


# Plans.


def test_a_strategy_without_a_plan_keeps_its_orders() -> None:
    desk = Desk()
    wanted = intent(strategy="unplanned")
    order = desk.send(wanted)
    assert order.valid_until_ns == NOW_NS + KEEP_PLAN.valid_ns
    desk.change(Kind.PARTIALLY_FILLED, cum=40, price=PRICE)
    assert desk.orders.due_ns() == NEVER_NS
    assert desk.cancel().cancel_wanted
    desk.now_ns += POLICY.cancel_retry_ns
    assert [due.kind for due in desk.carry_out()] == [CommandKind.CANCEL]


def test_an_order_carries_the_words_of_its_intent() -> None:
    desk = Desk()
    wanted = msgspec.structs.replace(intent(), reason="the trigger fired")
    made = desk.orders.open(decision(wanted, name="d"), wanted, event_id="c", client_order_id="0-a", now_ns=NOW_NS)
    assert made.reason == "the trigger fired"


def test_the_bound_of_a_chase_is_a_whole_number() -> None:
    desk = Desk(CHASE)
    for side in Side:
        order = desk.send(intent(side, price=33 * NANOS + NANOS // 3), f"0-{side.value}")
        price = chase_price(order, CHASE, INSTRUMENTS["AIG"], 0)
        assert type(price) is int
    assert chase_price(desk.order("0-buy"), CHASE, INSTRUMENTS["AIG"], 1) == 0  # the smallest touch there is


# Chains.


def chained(remaining: int = 60) -> Desk:
    """Two orders of one chain approved for 100: 40 filled and canceled, the rest asked for again."""
    desk = Desk(CHASE)
    desk.send(intent(quantity=100))
    desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=40, price=PRICE, cum=40)
    desk.wait(3)
    desk.carry_out()
    desk.change(Kind.CANCELED)
    desk.send(intent(quantity=remaining, replaces="0-a"), "0-b")
    return desk


@pytest.mark.req("A4.3")
def test_a_late_fill_that_leaves_something_leaves_the_chase_open() -> None:
    desk = chained()
    desk.change(Kind.PARTIALLY_FILLED, "0-b", execution="e2", last=10, price=PRICE, cum=10)
    desk.wait(3)
    desk.carry_out()
    desk.change(Kind.CANCELED, "0-b")
    desk.change(Kind.PARTIALLY_FILLED, execution="e3", last=20, price=PRICE, cum=60)
    assert desk.order("0-b").chase_open
    assert desk.orders.chase_terms(desk.order("0-b"), PRICE)[0] == shares(30)
    desk.change(Kind.PARTIALLY_FILLED, execution="e4", last="29.999999999", price=PRICE, cum="89.999999999")
    assert desk.order("0-b").chase_open  # one nano is left


@pytest.mark.req("A4.3")
def test_an_order_that_must_not_work_is_not_chased_either() -> None:
    desk = chained()
    desk.change(Kind.PARTIALLY_FILLED, "0-b", execution="e2", last=10, price=PRICE, cum=10)
    desk.wait(3)
    assert [due.chase for due in desk.carry_out()] == [True]
    desk.change(Kind.PARTIALLY_FILLED, execution="e3", last=5, price=PRICE, cum=45)  # a late fill of the first order
    assert desk.order("0-b").cancel_wanted
    desk.change(Kind.CANCELED, "0-b")
    assert not desk.order("0-b").chase_open
    assert desk.orders.due_ns() == NEVER_NS


def test_a_chain_that_filled_exactly_what_was_approved_halts_nothing() -> None:
    desk = chained()
    told = desk.change(Kind.PARTIALLY_FILLED, execution="e3", last=60, price=PRICE, cum=100)
    assert kinds(told.findings) == [FindingKind.CHAIN_OVERFILL]
    assert (told.findings[0].scope, told.findings[0].client_order_id) == (None, "0-a")
    assert "Order 0-a and those" in told.findings[0].sentence
    assert desk.order("0-b").cancel_wanted


def test_a_chain_may_not_work_on_one_nano_more_than_is_left() -> None:
    desk = chained()
    told = desk.change(Kind.PARTIALLY_FILLED, execution="e3", last="0.000000001", price=PRICE, cum="40.000000001")
    assert kinds(told.findings) == [FindingKind.CHAIN_OVERFILL]


def test_all_findings_of_a_chain_are_told() -> None:
    desk = chained()
    told = desk.change(Kind.PARTIALLY_FILLED, execution="e3", last=70)
    assert kinds(told.findings) == [
        FindingKind.FILL_WITHOUT_PRICE,
        FindingKind.OVERFILL,
        FindingKind.CHAIN_OVERFILL,
    ]


def test_a_replacement_in_doubt_that_is_refused_is_in_doubt_no_more() -> None:
    desk = Desk()
    desk.send(intent(quantity=100))
    desk.change(Kind.ACCEPTED)
    desk.send(intent(quantity=100, replaces="0-a"), "0-b")
    desk.change(Kind.OUTCOME_UNKNOWN, "0-b")
    ((refused, before),) = desk.change(Kind.REPLACE_REJECTED).others
    assert (before, refused.unknown_ns) == (OrderState.UNKNOWN, 0)
    assert desk.orders.due_ns() == NEVER_NS


# Memory.


def test_orders_without_executions_are_forgotten_like_others() -> None:
    desk = Desk()
    for number in range(FINISHED_KEPT + 2):
        desk.send(intent(), f"0-{number}")
        desk.change(Kind.REJECTED, f"0-{number}")
    assert len(desk.orders.finished) == FINISHED_KEPT
    assert not desk.orders.executions


@pytest.mark.req("B2.3")
def test_orders_that_never_left_do_not_push_out_those_that_lived() -> None:
    """The venue's rate limit held back a thousand orders within two minutes; fills of before them were then a stranger's."""
    desk = Desk()
    lived = [f"0-lived-{number}" for number in range(FINISHED_KEPT)]
    for place, name in enumerate(lived):
        desk.send(intent(), name)
        desk.change(Kind.FILLED, name, execution=f"e{place}", last=100, price=PRICE, cum=100)
    for number in range(FINISHED_KEPT):
        desk.send(intent(), f"0-held-{number}")
        desk.change(Kind.NOT_SENT, f"0-held-{number}")
    assert list(desk.orders.finished) == [*lived[1:], f"0-held-{FINISHED_KEPT - 1}"]
    assert len(desk.orders.executions) == FINISHED_KEPT - 1
    desk.send(intent(), "0-next")
    desk.change(Kind.REJECTED, "0-next")
    assert list(desk.orders.finished)[:2] == lived[2:4]
    assert again(desk).orders.finished == desk.orders.finished


def test_a_forgotten_order_has_nothing_due() -> None:
    desk = Desk(CHASE)
    desk.send(intent(quantity=100))
    desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=40, price=PRICE, cum=40)
    desk.wait(3)
    desk.carry_out()
    desk.change(Kind.CANCELED)
    assert desk.orders.due_ns() == desk.now_ns
    for number in range(FINISHED_KEPT):
        desk.send(intent(), f"0-{number}")
        desk.change(Kind.REJECTED, f"0-{number}")
    assert desk.orders.find("0-a") is None
    assert desk.orders.due_ns() == NEVER_NS
    assert desk.orders.due(NEVER_NS - 1) == []


@pytest.mark.req("B1.3")
def test_money_of_any_size_survives_a_restart() -> None:
    desk = Desk()
    desk.send(intent(quantity=900_000, price=900 * NANOS))
    desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=500_000, price=900 * NANOS, cum=500_000, fee="1234567.89")
    desk.change(Kind.PARTIALLY_FILLED, cum=700_000, price=900 * NANOS, fee="98765.43")
    order, other = desk.order(), again(desk).order()
    assert order.filled_cost_attos == usd(630_000_000)
    assert other == order
    money = (order.fees_attos, order.anonymous_cost_attos, order.anonymous_fees_attos)
    assert min(money) > 2**64


def test_an_adopted_order_is_kept_as_little_as_we_know_of_it() -> None:
    desk = Desk()
    told = desk.change(Kind.SUBMITTED, "human", venue_id="v-5")
    assert told.order == Order(
        client_order_id="human",
        correlation_id="s-9-0",
        strategy_id="",
        symbol="AIG",
        venue="",
        side=Side.BUY,
        purpose=Purpose.ENTRY,
        order_type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTC,
        quantity_nanos=0,
        limit_price_nanos=0,
        submitted_ns=NOW_NS,
        begun_ns=NOW_NS,
        approved_nanos=0,
        remaining_nanos=0,
        state=OrderState.SUBMITTED,
        venue_order_id="v-5",
        event_ns=NOW_NS,
        external=True,
    )
    assert told.findings[0].symbol == "AIG"
    assert "human of AIG was placed by somebody else" in told.findings[0].sentence
    again(desk)
