"""Entries that follow the market by being replaced: when they are looked at, how far they go, and fills that cross a replacement."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.oms.making import Desk
from tests.portfolio.making import INSTRUMENTS, NOW_NS, PRICE, intent, shares
from tidegate.oms.order import FindingKind, Order
from tidegate.oms.plans import OrderPlan
from tidegate.oms.timers import follow_price, look_due_ns, may_follow
from tidegate.values.enums import CommandKind, OrderState, Purpose, Side
from tidegate.values.enums import OrderEventKind as Kind
from tidegate.values.money import NANOS
from tidegate.values.time import NEVER_NS, SECOND_NS

pytestmark = pytest.mark.req("G1")

CENT = NANOS // 100
FOLLOW = OrderPlan(entry_life_ns=10 * SECOND_NS, follow_ns=2 * SECOND_NS, follow_bps_max=20, follows_max=2)
BOUND = PRICE + PRICE * 20 // 10_000


def resting(plan: OrderPlan = FOLLOW, side: Side = Side.BUY) -> Desk:
    desk = Desk(plan)
    desk.send(intent(side))
    desk.change(Kind.ACCEPTED, side=side)
    return desk


def replaced(desk: Desk, price: int = PRICE + CENT) -> Desk:
    """The desk after its entry was replaced, before the venue said so."""
    desk.send(intent(quantity=100, price=price, replaces="0-a"), "0-b")
    return desk


def looked_at(desk: Desk) -> list[str]:
    return [order.client_order_id for order in desk.orders.fold_looks(desk.now_ns)]


def test_a_resting_entry_is_looked_at_again_and_again() -> None:
    desk = resting()
    assert desk.orders.due_ns() == NOW_NS + 2 * SECOND_NS
    desk.wait(1.9)
    assert looked_at(desk) == []
    for _ in range(3):
        desk.wait(2)
        assert looked_at(desk) == ["0-a"]
        assert looked_at(desk) == [], "once is enough"
        assert desk.orders.due(desk.now_ns) == [], "a look is no command"
        assert desk.order().looked_ns == desk.now_ns
    assert desk.orders.due_ns() == NOW_NS + 7_900_000_000 + 2 * SECOND_NS


def test_a_plan_that_does_not_follow_looks_at_nothing() -> None:
    desk = resting(OrderPlan(entry_life_ns=10 * SECOND_NS))
    desk.wait(9)
    assert looked_at(desk) == []
    assert desk.orders.follow_limit(desk.order(), PRICE + CENT) == 0


def test_looks_survive_a_snapshot() -> None:
    desk = resting()
    desk.wait(2)
    looked_at(desk)
    other = Desk(FOLLOW)
    other.orders.restore(desk.orders.snapshot())
    assert other.orders.due_ns() == desk.orders.due_ns() == desk.now_ns + 2 * SECOND_NS


CHANGES = (
    {"purpose": Purpose.EXIT},
    {"filled_nanos": 1},
    {"venue_filled_nanos": 1},
    {"unknown_ns": 1},
    {"cancel_wanted": True},
    {"cancel_ns": 1},
    {"successor_id": "0-b"},
    {"chain": 2},
    *({"state": state} for state in OrderState if state is not OrderState.ACCEPTED),
)


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_only_an_entry_that_surely_rests_untouched_may_follow(change: dict[str, object]) -> None:
    order = resting().order()
    assert may_follow(order, FOLLOW)
    assert not may_follow(order, OrderPlan())
    assert not may_follow(replace(order, **change), FOLLOW)
    assert look_due_ns(replace(order, **change), FOLLOW) == NEVER_NS


@given(
    near=st.integers(1, 4 * PRICE // CENT).map(lambda cents: cents * CENT),
    first=st.integers(2, 3 * PRICE // CENT).map(lambda cents: cents * CENT),
    bps_max=st.integers(1, 500),
    side=st.sampled_from(Side),
)
def test_it_follows_the_near_side_and_never_past_its_bound(near: int, first: int, bps_max: int, side: Side) -> None:
    order = replace(_ORDERS[side], limit_price_nanos=first)
    price = follow_price(order, replace(FOLLOW, follow_bps_max=bps_max), INSTRUMENTS["AIG"], near)
    slack = first * bps_max // 10_000
    assert price <= first + slack if side is Side.BUY else price >= first - slack
    inside = near <= first + slack if side is Side.BUY else near >= first - slack
    if inside:
        assert price == near, "within the bound it joins the near side"


_ORDERS: dict[Side, Order] = {side: resting(side=side).order() for side in Side}


def test_the_bound_is_counted_from_the_first_order_of_the_chain() -> None:
    desk = replaced(resting(), PRICE + 4 * CENT)
    desk.change(Kind.REPLACED, successor="0-b")
    desk.change(Kind.ACCEPTED, "0-b")
    assert desk.orders.follow_limit(desk.order("0-b"), PRICE + 50 * CENT) == BOUND // CENT * CENT
    assert desk.orders.follow_limit(desk.order("0-b"), PRICE + 4 * CENT) == 0, "it is there already"
    assert desk.orders.follow_limit(desk.order("0-b"), PRICE - 9 * CENT) == PRICE - 9 * CENT
    assert desk.orders.follow_limit(desk.order("0-a"), PRICE - 9 * CENT) == 0, "it is no more"


def test_a_replacement_begins_no_new_life_and_a_chase_does() -> None:
    desk = resting()
    desk.wait(6)
    replaced(desk)
    assert (desk.order("0-b").begun_ns, desk.order("0-b").submitted_ns) == (NOW_NS, desk.now_ns)
    desk.change(Kind.REPLACED, successor="0-b")
    desk.change(Kind.ACCEPTED, "0-b")
    desk.wait(4)
    (due,) = desk.carry_out()
    assert (due.kind, due.order.client_order_id, due.reason) == (CommandKind.CANCEL, "0-b", "the entry did not fill in time")
    desk.change(Kind.CANCELED, "0-b")
    desk.send(intent(quantity=100, replaces="0-b"), "0-c")
    assert desk.order("0-c").begun_ns == desk.now_ns


def test_a_refused_replacement_lets_the_original_follow_on() -> None:
    desk = replaced(resting())
    desk.wait(2)
    assert looked_at(desk) == [], "one replacement at a time"
    desk.change(Kind.REJECTED, "0-b")
    assert desk.order().successor_id == ""
    assert looked_at(desk) == ["0-a"]
    assert desk.orders.follow_limit(desk.order(), PRICE + CENT) == PRICE + CENT


@pytest.mark.parametrize("when", ["before the answer", "after the answer"])
def test_a_replacement_that_a_fill_crossed_is_whole_with_what_was_left(when: str) -> None:
    """Alpaca and the simulated venue take what the original filled off the replacement."""
    desk = replaced(resting())
    if when == "after the answer":
        desk.change(Kind.REPLACED, successor="0-b")
        desk.change(Kind.ACCEPTED, "0-b")
    told = desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=40, price=PRICE, cum=40)
    assert [finding.kind for finding in told.findings] == [FindingKind.CHAIN_OVERFILL]
    assert told.findings[0].scope is None, "nothing is halted: nothing filled too much"
    ((after, before),) = told.others
    assert (after.client_order_id, after.state, before) == ("0-b", before, after.state)
    assert (after.quantity_nanos, after.remaining_nanos, after.cancel_wanted) == (shares(60), shares(60), True)
    assert desk.books.book("AIG").buys_nanos == shares(60)
    desk.change(Kind.REPLACED, successor="0-b")
    desk.change(Kind.ACCEPTED, "0-b")
    done = desk.change(Kind.FILLED, "0-b", execution="e2", last=60, price=PRICE, cum=60)
    assert (done.order.state, done.order.working, done.order.unknown_ns, done.findings) == (OrderState.FILLED, False, 0, ())
    assert desk.orders.due_ns() == NEVER_NS
    assert desk.books.book("AIG").buys_nanos == 0


@pytest.mark.parametrize("fill", ["with its execution", "by running total, then its execution"])
def test_a_replacement_called_whole_before_the_fill_that_crossed_it_is_told_counts_once(fill: str) -> None:
    desk = replaced(resting())
    if fill != "with its execution":
        desk.change(Kind.FILLED, "0-b", cum=60, price=PRICE)
    early = desk.change(Kind.FILLED, "0-b", execution="e2", last=60, price=PRICE, cum=60)
    assert (early.order.state, early.order.filled_nanos, early.order.unknown_ns) == (OrderState.PARTIAL, shares(60), NOW_NS)
    due = [(due.kind, due.order.client_order_id) for due in desk.carry_out()]
    assert due == [(CommandKind.CANCEL, "0-a"), (CommandKind.LOOKUP, "0-b")], "as far as is known, both could fill"
    late = desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=40, price=PRICE, cum=40)
    assert late.findings[0].scope is None
    assert desk.books.book("AIG").net_nanos == shares(100)
    found = desk.change(Kind.FILLED, "0-b", cum=60, price=PRICE)
    assert (found.order.state, found.order.unknown_ns, found.fills) == (OrderState.FILLED, 0, ())


def test_an_original_that_filled_whole_leaves_nothing_to_its_replacement() -> None:
    desk = replaced(resting())
    desk.change(Kind.FILLED, execution="e1", last=100, price=PRICE, cum=100)
    assert (desk.order("0-b").remaining_nanos, desk.order("0-b").working) == (0, True)
    desk.change(Kind.REJECTED, "0-b")
    assert not desk.order("0-b").working
    assert desk.books.book("AIG").buys_nanos == 0
