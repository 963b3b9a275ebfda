"""What is due about working orders.

Entries that live too long, rests of partial fills, chases, repeated cancels.
"""

import pytest

from tests.oms.making import POLICY, Desk
from tests.portfolio.making import INSTRUMENTS, NOW_NS, PRICE, decision, intent, shares
from tidegate.oms.plans import OrderPlan
from tidegate.oms.timers import chase_price
from tidegate.values.enums import CommandKind, OrderState, PartialFillPolicy, Purpose, Side, Verdict
from tidegate.values.enums import OrderEventKind as Kind
from tidegate.values.money import NANOS
from tidegate.values.time import NEVER_NS, SECOND_NS

CENT = NANOS // 100
CANCEL_REST = OrderPlan(partial_fill=PartialFillPolicy.CANCEL_REST, partial_after_ns=3 * SECOND_NS)
CHASE = OrderPlan(partial_fill=PartialFillPolicy.CHASE, partial_after_ns=3 * SECOND_NS, chase_bps_max=100, chases_max=2)


def working(plan: OrderPlan, *, purpose: Purpose = Purpose.ENTRY, filled: int = 0, side: Side = Side.BUY) -> Desk:
    desk = Desk(plan)
    desk.send(intent(side, purpose=purpose))
    desk.change(Kind.ACCEPTED, side=side)
    if filled:
        desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=filled, price=PRICE, cum=filled, side=side)
    return desk


def test_nothing_is_due_about_a_resting_order_without_rules() -> None:
    desk = working(OrderPlan(), filled=40)
    assert desk.orders.due_ns() == NEVER_NS
    assert desk.orders.due(NEVER_NS - 1) == []


@pytest.mark.req("A4.3")
def test_an_entry_that_lives_too_long_is_canceled() -> None:
    desk = working(OrderPlan(entry_life_ns=4 * SECOND_NS))
    assert desk.orders.due_ns() == NOW_NS + 4 * SECOND_NS
    desk.wait(4)
    (due,) = desk.carry_out()
    assert (due.kind, due.reason, due.chase) == (CommandKind.CANCEL, "the entry did not fill in time", False)
    assert desk.order().cancel_ns == desk.now_ns
    assert desk.order().cancel_wanted


def test_an_exit_is_not_canceled_for_its_age() -> None:
    assert working(OrderPlan(entry_life_ns=4), purpose=Purpose.EXIT).orders.due_ns() == NEVER_NS


@pytest.mark.req("A4.3")
def test_the_rest_of_a_partial_fill_is_canceled_after_a_while() -> None:
    desk = working(CANCEL_REST, filled=40)
    desk.wait(1)
    desk.change(Kind.PARTIALLY_FILLED, execution="e2", last=10, price=PRICE, cum=50)
    assert desk.orders.due_ns() == NOW_NS + 3 * SECOND_NS  # counted from the first partial fill
    desk.wait(2)
    (due,) = desk.carry_out()
    assert (due.kind, due.reason, due.chase) == (CommandKind.CANCEL, "the rest did not fill in time", False)


@pytest.mark.req("A4.3")
def test_the_rest_of_an_exit_is_treated_the_same() -> None:
    desk = working(CANCEL_REST, purpose=Purpose.EXIT, filled=40)
    assert desk.orders.due_ns() == NOW_NS + 3 * SECOND_NS


def test_an_order_that_did_not_fill_at_all_has_no_rest() -> None:
    assert working(CANCEL_REST).orders.due_ns() == NEVER_NS


def test_the_earlier_of_two_reasons_to_cancel_counts() -> None:
    desk = working(
        OrderPlan(
            entry_life_ns=2 * SECOND_NS,
            partial_fill=PartialFillPolicy.CANCEL_REST,
            partial_after_ns=3 * SECOND_NS,
        ),
        filled=1,
    )
    assert desk.orders.due_ns() == NOW_NS + 2 * SECOND_NS
    desk.wait(2)
    assert [due.reason for due in desk.carry_out()] == ["the entry did not fill in time"]


def test_a_cancel_that_is_not_confirmed_is_repeated() -> None:
    desk = working(OrderPlan())
    desk.cancel()
    assert desk.orders.due_ns() == NOW_NS + POLICY.cancel_retry_ns
    desk.change(Kind.CANCEL_REJECTED)  # refused at once: no storm of cancels
    assert desk.orders.due_ns() == NOW_NS + POLICY.cancel_retry_ns
    desk.now_ns = NOW_NS + POLICY.cancel_retry_ns
    (due,) = desk.carry_out()
    assert (due.kind, due.reason) == (CommandKind.CANCEL, "an earlier cancel has not been confirmed")
    desk.change(Kind.CANCELED)
    assert desk.orders.due_ns() == NEVER_NS


def test_an_order_in_doubt_may_be_canceled_and_looked_up_together() -> None:
    desk = working(OrderPlan(entry_life_ns=1))
    desk.wait(1)
    desk.change(Kind.OUTCOME_UNKNOWN)
    assert [due.kind for due in desk.carry_out()] == [CommandKind.CANCEL, CommandKind.LOOKUP]


# Chases.


def canceled_for_a_chase(plan: OrderPlan = CHASE, filled: int = 40) -> Desk:
    desk = working(plan, filled=filled)
    desk.wait(3)
    (due,) = desk.carry_out()
    assert (due.kind, due.chase, due.reason) == (CommandKind.CANCEL, True, "the rest did not fill in time")
    desk.wait(1)
    return desk


@pytest.mark.req("A4.3")
def test_a_chase_is_a_cancel_then_its_confirmation_then_a_new_intent() -> None:
    desk = canceled_for_a_chase()
    assert desk.order().chase_open
    assert not desk.order().cancel_wanted
    desk.change(Kind.CANCELED)
    assert desk.orders.due_ns() == desk.now_ns
    (due,) = desk.orders.due(desk.now_ns)
    assert (due.kind, due.reason, due.chase) == (CommandKind.SUBMIT, "chase the unfilled rest", False)
    with pytest.raises(AssertionError, match="judged as a new intent"):
        desk.orders.command_for(due, event_id="c", now_ns=desk.now_ns)
    assert desk.orders.chase_terms(due.order, PRICE + CENT) == (shares(60), PRICE + CENT)
    order = desk.send(intent(quantity=60, price=PRICE + CENT, replaces="0-a"), "0-b")
    assert (order.chain, order.predecessor_id) == (1, "0-a")
    assert not desk.order("0-a").chase_open
    assert desk.orders.due(desk.now_ns) == []


@pytest.mark.req("A4.3")
def test_a_chase_that_the_gate_refuses_is_over() -> None:
    desk = canceled_for_a_chase()
    desk.change(Kind.CANCELED)
    wanted = intent(quantity=60, replaces="0-a")
    desk.orders.fold_decision(decision(wanted, verdict=Verdict.REFUSED), wanted)
    assert desk.orders.due_ns() == NEVER_NS
    assert not desk.order().chase_open


def test_a_verdict_on_another_order_ends_no_chase() -> None:
    desk = canceled_for_a_chase()
    desk.change(Kind.CANCELED)
    for replaces in ("", "unheard"):
        wanted = intent(quantity=60, replaces=replaces)
        desk.orders.fold_decision(decision(wanted, verdict=Verdict.REFUSED), wanted)
    assert desk.order().chase_open


@pytest.mark.req("A4.3")
def test_there_are_no_more_chases_than_allowed() -> None:
    desk = Desk(CHASE)
    desk.send()
    left = 100
    for number, (order, following) in enumerate((("0-a", "0-b"), ("0-b", "0-c"), ("0-c", ""))):
        desk.change(Kind.PARTIALLY_FILLED, order, execution=f"e{number}", last=10, price=PRICE, cum=10)
        left -= 10
        desk.wait(3)
        (due,) = desk.carry_out()
        assert due.chase is bool(following)
        desk.change(Kind.CANCELED, order)
        found = desk.orders.due(desk.now_ns)
        assert [one.kind for one in found] == [CommandKind.SUBMIT] * bool(following)
        if following:
            assert desk.orders.chase_terms(found[0].order, PRICE) == (shares(left), PRICE)
            desk.send(intent(quantity=left, replaces=order), following)


@pytest.mark.req("A4.3")
def test_a_rest_that_fills_while_it_is_canceled_is_not_chased() -> None:
    desk = canceled_for_a_chase()
    desk.change(Kind.FILLED, execution="e2", last=60, price=PRICE, cum=100)
    assert desk.order().state is OrderState.FILLED
    assert not desk.order().chase_open
    assert desk.orders.due_ns() == NEVER_NS


def test_a_rest_that_fills_after_its_cancel_is_not_chased() -> None:
    desk = canceled_for_a_chase()
    desk.change(Kind.CANCELED)
    desk.change(Kind.FILLED, execution="e2", last=60, price=PRICE, cum=100)
    assert desk.orders.due_ns() == NEVER_NS
    assert not desk.order().chase_open


def test_a_part_that_fills_after_its_cancel_is_chased_for_less() -> None:
    desk = canceled_for_a_chase()
    desk.change(Kind.CANCELED)
    told = desk.change(Kind.PARTIALLY_FILLED, execution="e2", last=20, price=PRICE, cum=60)
    assert told.order.chase_open
    assert desk.orders.chase_terms(told.order, PRICE) == (shares(40), PRICE)


@pytest.mark.parametrize("kind", [Kind.EXPIRED, Kind.REPLACED])
def test_an_order_that_ended_otherwise_is_not_chased(kind: Kind) -> None:
    desk = canceled_for_a_chase()
    desk.change(kind)
    assert desk.orders.due_ns() == NEVER_NS


def test_a_person_who_cancels_ends_the_chase() -> None:
    desk = canceled_for_a_chase()
    desk.cancel()
    desk.change(Kind.CANCELED)
    assert desk.orders.due_ns() == NEVER_NS
    assert not desk.order().chase_open


def test_a_late_fill_of_an_earlier_order_ends_the_chase_of_a_later_one() -> None:
    desk = canceled_for_a_chase()
    desk.change(Kind.CANCELED)
    desk.send(intent(quantity=60, replaces="0-a"), "0-b")
    desk.change(Kind.PARTIALLY_FILLED, "0-b", execution="e2", last=10, price=PRICE, cum=10)
    desk.wait(3)
    desk.carry_out()
    desk.change(Kind.CANCELED, "0-b")
    assert desk.order("0-b").chase_open
    told = desk.change(Kind.PARTIALLY_FILLED, execution="e9", last=50, price=PRICE, cum=90)
    assert not desk.order("0-b").chase_open
    assert told.findings == ()
    assert desk.orders.due_ns() == NEVER_NS


def test_a_chase_not_yet_canceled_is_repeated_as_a_chase() -> None:
    desk = canceled_for_a_chase()
    desk.wait(POLICY.cancel_retry_ns / SECOND_NS)
    (due,) = desk.carry_out()
    assert (due.chase, due.reason) == (True, "an earlier cancel has not been confirmed")
    assert desk.order().chase_open


def test_an_entry_too_old_before_its_rest_is_due_is_canceled_without_a_chase() -> None:
    plan = OrderPlan(
        entry_life_ns=SECOND_NS,
        partial_fill=PartialFillPolicy.CHASE,
        partial_after_ns=9 * SECOND_NS,
        chases_max=2,
    )
    desk = working(plan, filled=40)
    desk.wait(1)
    (due,) = desk.carry_out()
    assert not due.chase


@pytest.mark.req("A4.3")
@pytest.mark.parametrize(
    ("side", "touch", "expected"),
    [
        (Side.BUY, PRICE + 30 * CENT, PRICE + 30 * CENT),
        (Side.BUY, PRICE + 50 * CENT, PRICE + 50 * CENT),
        (Side.BUY, PRICE + 51 * CENT, PRICE + 50 * CENT),  # no worse than 100 bps past the first limit
        (Side.BUY, PRICE - 30 * CENT, PRICE - 30 * CENT),
        (Side.BUY, PRICE + 30 * CENT + 1, PRICE + 30 * CENT),
        (Side.BUY, 0, PRICE + 50 * CENT),  # nothing seen: at the bound
        (Side.SELL, PRICE - 30 * CENT, PRICE - 30 * CENT),
        (Side.SELL, PRICE - 51 * CENT, PRICE - 50 * CENT),
        (Side.SELL, PRICE + 30 * CENT, PRICE + 30 * CENT),
        (Side.SELL, PRICE - 30 * CENT - 1, PRICE - 30 * CENT),
        (Side.SELL, 0, PRICE - 50 * CENT),
    ],
)
def test_a_chase_pays_the_touch_within_its_bound_and_on_the_grid(side: Side, touch: int, expected: int) -> None:
    order = working(CHASE, side=side).order()
    assert chase_price(order, CHASE, INSTRUMENTS["AIG"], touch) == expected


def test_a_chase_is_bound_by_the_first_order_of_its_chain() -> None:
    desk = canceled_for_a_chase()
    desk.change(Kind.CANCELED)
    desk.send(intent(quantity=60, price=PRICE + 50 * CENT, replaces="0-a"), "0-b")
    assert desk.orders.chase_terms(desk.order("0-b"), PRICE + 90 * CENT)[1] == PRICE + 50 * CENT
