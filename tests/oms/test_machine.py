"""Orders of a venue whose words come late, twice or out of order, over restarts (INV4, INV7, FT4, FT5)."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from tests.oms.making import Desk
from tests.portfolio.making import CASH, PRICE, intent
from tidegate.oms.order import Change, FindingKind
from tidegate.oms.plans import OrderPlan
from tidegate.oms.transitions import TERMINAL, next_state
from tidegate.values.enums import CommandKind, OrderState, PartialFillPolicy, Side
from tidegate.values.enums import OrderEventKind as Kind
from tidegate.values.money import NANOS, attos

Told = tuple[Kind, dict[str, Any]]  # a word of the venue with what it says


def facts(desk: Desk, order: str = "0-a") -> tuple[object, ...]:
    found = desk.order(order)
    return found.state, found.filled_nanos, found.remaining_nanos, found.filled_cost_attos, found.fees_attos


def heard(story: Sequence[Told], side: Side = Side.BUY) -> Desk:
    desk = Desk()
    desk.send(intent(side))
    for kind, what in story:
        desk.change(kind, side=side, **what)
    return desk


@st.composite
def stories(draw: st.DrawFn, *, totals: bool) -> list[Told]:
    """One order's life as the venue saw it, in order.

    An acceptance, executions, perhaps a cancel or expiry.
    """
    sizes = draw(st.lists(st.integers(1, 60), max_size=5).filter(lambda found: sum(found) <= 100))
    story: list[Told] = [(Kind.SUBMITTED, {})] if draw(st.booleans()) else []
    story += [(Kind.ACCEPTED, {})] if draw(st.booleans()) else []
    done = 0
    for number, size in enumerate(sizes):
        done += size
        what = {
            "execution": f"e{number}",
            "last": size,
            "price": PRICE + draw(st.integers(-500, 500)) * NANOS // 100,
        }
        what |= {"fee": draw(st.sampled_from(("0", "0.35", "12.5")))}
        if totals:
            what["cum"] = done
        story.append((Kind.FILLED if done == 100 else Kind.PARTIALLY_FILLED, what))
    if done < 100 and draw(st.booleans()):
        ending = draw(st.sampled_from((Kind.CANCELED, Kind.EXPIRED)))
        story.append((ending, {"cum": done} if totals else {}))
    return story


@pytest.mark.req("B2.1", "B2.2")
@given(data=st.data(), totals=st.booleans(), side=st.sampled_from(Side))
def test_late_repeated_and_disordered_words_end_where_an_orderly_story_does(*, data: st.DataObject, totals: bool, side: Side) -> None:
    story = data.draw(stories(totals=totals))
    repeated = data.draw(st.lists(st.sampled_from(story), max_size=3)) if story else []
    twins: list[Told] = []
    if totals:  # the same execution under another id, as by stream and by lookup
        fills = [one for one in story if "execution" in one[1]]
        chosen = data.draw(st.lists(st.sampled_from(fills), max_size=2)) if fills else []
        twins = [(kind, what | {"execution": f"twin-{what['execution']}"}) for kind, what in chosen]
    shuffled = data.draw(st.permutations([*story, *repeated, *twins]))
    orderly, disorderly = heard(story, side), heard(shuffled, side)
    assert facts(disorderly) == facts(orderly)
    assert disorderly.books.cash_attos == orderly.books.cash_attos
    assert disorderly.books.holding("mr", "AIG").quantity_nanos == orderly.books.holding("mr", "AIG").quantity_nanos
    assert disorderly.order().anonymous_nanos == 0


class Venue(RuleBasedStateMachine):
    """A venue that fills and cancels, and a wire that delays, repeats and reorders its words."""

    sent = Bundle("sent")
    plan = OrderPlan(partial_fill=PartialFillPolicy.CANCEL_REST, partial_after_ns=1)

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(self.plan)
        self.number = 0
        self.truth: dict[str, dict[str, Any]] = {}
        self.wire: list[tuple[str, Kind, dict[str, Any]]] = []
        self.delivered: list[tuple[str, Kind, dict[str, Any]]] = []

    def _next(self) -> int:
        self.number += 1
        return self.number

    @rule(target=sent, lots=st.integers(1, 100), side=st.sampled_from(Side))
    def send(self, lots: int, side: Side) -> str:
        name = f"0-{self._next()}"
        self.desk.send(intent(side, lots, name=f"i-{name}"), name)
        self.truth[name] = {"lots": lots, "filled": 0, "cost": 0, "fees": 0, "side": side, "state": "working"}
        return name

    def _say(self, order: str, kind: Kind, **what: Any) -> None:
        self.wire.append((order, kind, what))

    @rule(order=sent, kind=st.sampled_from((Kind.SUBMITTED, Kind.ACCEPTED, Kind.OUTCOME_UNKNOWN)))
    def say_a_word(self, order: str, kind: Kind) -> None:
        self._say(order, kind)

    @rule(
        order=sent,
        lots=st.integers(1, 60),
        cents=st.integers(-900, 900),
        fee=st.sampled_from(("0", "0.25", "11")),
    )
    def fill(self, order: str, lots: int, cents: int, fee: str) -> None:
        truth = self.truth[order]
        lots = min(lots, truth["lots"] - truth["filled"])
        if truth["state"] != "working" or not lots:
            return
        price = PRICE + cents * NANOS // 100
        truth["filled"] += lots
        truth["cost"] += lots * NANOS * price
        truth["fees"] += attos(fee)
        whole = truth["filled"] == truth["lots"]
        what = {
            "execution": f"e{self._next()}",
            "last": lots,
            "price": price,
            "cum": truth["filled"],
            "fee": fee,
        }
        self._say(order, Kind.FILLED if whole else Kind.PARTIALLY_FILLED, **what)

    @rule(order=sent, kind=st.sampled_from((Kind.CANCELED, Kind.EXPIRED)))
    def end(self, order: str, kind: Kind) -> None:
        truth = self.truth[order]
        if truth["state"] == "working" and truth["filled"] < truth["lots"]:
            truth["state"] = kind.value
            self._say(order, kind, cum=truth["filled"])

    @rule(order=sent)
    def ask_to_cancel(self, order: str) -> None:
        self.desk.cancel(order)
        truth = self.truth[order]
        if truth["state"] != "working" or truth["filled"] == truth["lots"]:
            self._say(order, Kind.CANCEL_REJECTED)
        else:
            self.end(order, Kind.CANCELED)

    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        if self.wire:
            self._deliver(self.wire.pop(data.draw(st.integers(0, len(self.wire) - 1))))

    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        if self.delivered:
            self._deliver(data.draw(st.sampled_from(self.delivered)))

    @rule(order=sent)
    def look_up(self, order: str) -> None:
        """An honest lookup: what is true now, by running total alone."""
        truth = self.truth[order]
        what = {"cum": truth["filled"], "price": PRICE}
        if truth["filled"] == truth["lots"]:
            kind = Kind.FILLED
        else:
            kind = Kind.FOUND_WORKING if truth["state"] == "working" else Kind(truth["state"])
        self._hear(order, kind, what)

    @rule(seconds=st.integers(0, 20))
    def wait(self, seconds: int) -> None:
        self.desk.wait(seconds)
        for due in self.desk.carry_out():
            assert due.kind is not CommandKind.SUBMIT
        assert self.desk.orders.due_ns() > self.desk.now_ns

    @rule()
    def restart(self) -> None:
        other = Desk(self.plan)
        other.orders.restore(self.desk.orders.snapshot())
        other.books.restore(self.desk.books.snapshot())
        assert other.orders.snapshot() == self.desk.orders.snapshot()
        assert other.orders.due_ns() == self.desk.orders.due_ns()
        assert other.orders.due(2**61) == self.desk.orders.due(2**61)
        other.now_ns, other.number = self.desk.now_ns, self.desk.number
        self.desk = other

    def _deliver(self, told: tuple[str, Kind, dict[str, Any]]) -> None:
        self._hear(*told)
        self.delivered.append(told)

    def _hear(self, order: str, kind: Kind, what: dict[str, Any]) -> None:
        before = self.desk.order(order)
        told = self.desk.hear(kind, order, side=self.truth[order]["side"], **what)
        assert isinstance(told, Change)
        after = told.order
        assert after.filled_nanos >= before.filled_nanos, "a running total fell without a correction"
        assert after.venue_filled_nanos >= before.venue_filled_nanos
        assert (told.before, after) == (before.state, self.desk.order(order))
        self._check_moved_by_the_table(before.state, kind, after.state)
        allowed = {FindingKind.ILLEGAL_TRANSITION, FindingKind.CANCEL_REFUSED, FindingKind.FILL_WITHOUT_PRICE}
        assert {finding.kind for finding in told.findings} <= allowed

    def _check_moved_by_the_table(self, before: OrderState, kind: Kind, after: OrderState) -> None:
        reached = {before}
        for complete in (False, True):
            for middle in (before, next_state(before, Kind.PARTIALLY_FILLED, complete=complete)):
                assert middle is not None
                reached |= {middle, next_state(middle, kind, complete=complete) or middle}
        assert after in reached

    @invariant()
    def no_order_fills_or_works_beyond_its_approval(self) -> None:
        for name, truth in self.truth.items():
            order = self.desk.order(name)
            assert order.filled_nanos + order.remaining_nanos <= order.approved_nanos == truth["lots"] * NANOS
            assert order.filled_nanos <= truth["filled"] * NANOS
            assert order.working is (order.state not in TERMINAL)
            assert (name in self.desk.orders.live) is order.working
            # What may still fill at the venue is counted here, whatever was lost on the way.
            if truth["state"] == "working":
                assert order.filled_nanos + order.remaining_nanos == order.approved_nanos

    @invariant()
    def books_and_orders_agree(self) -> None:
        desk = self.desk
        orders = [desk.order(name) for name in self.truth]
        net = sum(order.filled_nanos * order.side.sign for order in orders)
        assert desk.books.book("AIG").net_nanos == net
        spent = sum(order.filled_cost_attos * order.side.sign + order.fees_attos for order in orders)
        assert desk.books.cash_attos == CASH - spent
        buys = sum(order.remaining_nanos for order in orders if order.side is Side.BUY)
        assert desk.books.book("AIG").buys_nanos == buys

    def teardown(self) -> None:
        """Everything arrives in the end, and then we know what the venue knows, to the last cent."""
        while self.wire:
            self._deliver(self.wire.pop())
        for name, truth in self.truth.items():
            order = self.desk.order(name)
            assert order.filled_nanos == truth["filled"] * NANOS
            assert order.filled_cost_attos == truth["cost"]
            assert order.fees_attos == truth["fees"]
            assert order.anonymous_nanos == 0
            if truth["filled"] == truth["lots"]:
                assert order.state is OrderState.FILLED
            elif truth["state"] != "working":
                assert order.state.value == truth["state"]


TestVenue = pytest.mark.req("B2.1", "B2.2")(Venue.TestCase)
