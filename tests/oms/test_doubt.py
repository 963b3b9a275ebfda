"""Orders whose outcome is not proved: lookups, absence by evidence, late appearances (faults FT1 to FT3)."""

import msgspec
import pytest

from tests.oms.making import POLICY, Desk
from tests.portfolio.making import NOW_NS, PRICE, shares
from tidegate.oms.order import FindingKind
from tidegate.oms.plans import LOOKUP_SPACING_LEAST_NS, OmsPolicy
from tidegate.values.enums import CommandKind, GateScope, OrderState
from tidegate.values.enums import OrderEventKind as Kind
from tidegate.values.time import NEVER_NS, SECOND_NS

SPACING_S = POLICY.lookup_spacing_ns / SECOND_NS
GRACE_S = POLICY.lookup_grace_ns / SECOND_NS


def unknown() -> Desk:
    desk = Desk()
    desk.send()
    desk.change(Kind.SUBMITTED)
    desk.change(Kind.OUTCOME_UNKNOWN)
    return desk


def kinds_due(desk: Desk) -> list[CommandKind]:
    return [due.kind for due in desk.carry_out()]


@pytest.mark.req("B2.1")
def test_a_timeout_makes_an_order_unknown_and_it_counts_in_full() -> None:
    desk = unknown()
    order = desk.order()
    assert (order.state, order.unknown, order.working) == (OrderState.UNKNOWN, True, True)
    assert (order.remaining_nanos, order.unknown_ns) == (shares(100), NOW_NS)
    assert desk.books.book("AIG").buys_nanos == shares(100)
    assert desk.books.book("AIG").orders["0-a"].unknown


@pytest.mark.req("B2.1")
def test_an_unknown_order_is_looked_up_at_once_and_then_with_a_distance() -> None:
    desk = unknown()
    assert desk.orders.due_ns() == NOW_NS
    (due,) = desk.carry_out()
    assert (due.kind, due.reason, due.order.client_order_id) == (
        CommandKind.LOOKUP,
        "the outcome is not proved",
        "0-a",
    )
    assert not due.chase
    assert desk.orders.due_ns() == NOW_NS + POLICY.lookup_spacing_ns
    assert desk.carry_out() == []
    desk.wait(SPACING_S)
    assert kinds_due(desk) == [CommandKind.LOOKUP]
    assert desk.order().lookup_ns == desk.now_ns


def test_a_lookup_is_a_command_about_the_order() -> None:
    desk = unknown()
    (due,) = desk.orders.due(desk.now_ns)
    made = desk.orders.command_for(due, event_id="c", now_ns=desk.now_ns)
    assert (made.kind, made.client_order_id, made.target_id, made.decision_id) == (
        CommandKind.LOOKUP,
        "0-a",
        "0-a",
        "",
    )
    assert (made.reason, made.timestamp, made.event_id) == ("the outcome is not proved", desk.now_ns, "c")
    assert made.valid_until_ns == desk.now_ns + 5 * SECOND_NS


@pytest.mark.req("B2.1")
@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (Kind.ACCEPTED, OrderState.ACCEPTED),
        (Kind.FOUND_WORKING, OrderState.ACCEPTED),
        (Kind.CANCELED, OrderState.CANCELED),
        (Kind.REJECTED, OrderState.REJECTED),
        (Kind.NOT_SENT, OrderState.NOT_SENT),
    ],
)
def test_evidence_ends_the_doubt(kind: Kind, state: OrderState) -> None:
    desk = unknown()
    desk.change(Kind.LOOKUP_MISSED)
    told = desk.change(kind)
    assert (told.order.state, told.order.unknown, told.order.unknown_ns) == (state, False, 0)
    assert told.order.lookups_missed == 0
    assert told.findings == ()
    assert desk.orders.due_ns() == NEVER_NS


@pytest.mark.req("B2.1")
def test_an_order_found_partly_filled_is_booked_and_works_on() -> None:
    desk = unknown()
    found = desk.change(Kind.FOUND_WORKING, cum=40, price=PRICE)
    assert (found.order.state, found.order.filled_nanos) == (OrderState.PARTIAL, shares(40))
    assert found.order.remaining_nanos == shares(60)
    assert desk.books.book("AIG").net_nanos == shares(40)
    assert desk.books.book("AIG").buys_nanos == shares(60)


@pytest.mark.req("B2.1")
def test_an_order_found_whole_in_the_fills_is_filled() -> None:
    desk = unknown()
    assert desk.change(Kind.FILLED, execution="e1", last=100, price=PRICE, cum=100).order.state is OrderState.FILLED


@pytest.mark.parametrize("kind", [Kind.SUBMITTED, Kind.OUTCOME_UNKNOWN, Kind.CANCEL_REJECTED])
def test_what_proves_nothing_leaves_the_doubt_as_old_as_it_is(kind: Kind) -> None:
    desk = unknown()
    desk.wait(3)
    told = desk.change(kind)
    assert (told.order.state, told.order.unknown_ns) == (OrderState.UNKNOWN, NOW_NS)


@pytest.mark.req("B2.1")
def test_it_takes_two_complete_lookups_past_the_grace_to_prove_absence() -> None:
    desk = unknown()
    desk.wait(GRACE_S)
    first = desk.change(Kind.LOOKUP_MISSED)
    assert (first.order.state, first.order.lookups_missed) == (OrderState.UNKNOWN, 1)
    assert first.order.missed_ns == desk.now_ns
    desk.wait(SPACING_S)
    second = desk.change(Kind.LOOKUP_MISSED)
    assert (second.order.state, second.order.working) == (OrderState.ABSENT, False)
    assert second.order.lookups_missed == 2
    assert desk.books.book("AIG").idle
    assert desk.orders.due_ns() == NEVER_NS


@pytest.mark.req("B2.1")
def test_lookups_within_the_grace_prove_nothing() -> None:
    desk = unknown()
    for _ in range(5):
        assert desk.change(Kind.LOOKUP_MISSED).order.lookups_missed == 0
    desk.now_ns = NOW_NS + POLICY.lookup_grace_ns - 1
    assert desk.change(Kind.LOOKUP_MISSED).order.lookups_missed == 0
    desk.now_ns += 1
    assert desk.change(Kind.LOOKUP_MISSED).order.lookups_missed == 1


@pytest.mark.req("B2.1")
def test_lookups_close_together_are_one() -> None:
    desk = unknown()
    desk.wait(GRACE_S)
    desk.change(Kind.LOOKUP_MISSED)
    desk.now_ns += POLICY.lookup_spacing_ns - 1
    near = desk.change(Kind.LOOKUP_MISSED)
    assert (near.order.state, near.order.lookups_missed) == (OrderState.UNKNOWN, 1)
    assert near.order.missed_ns == desk.now_ns - POLICY.lookup_spacing_ns + 1
    desk.now_ns += 1
    assert desk.change(Kind.LOOKUP_MISSED).order.state is OrderState.ABSENT


def test_evidence_between_two_misses_starts_the_count_again() -> None:
    desk = unknown()
    desk.wait(GRACE_S)
    desk.change(Kind.LOOKUP_MISSED)
    desk.change(Kind.CANCEL_REJECTED)
    desk.wait(SPACING_S)
    assert desk.change(Kind.LOOKUP_MISSED).order.state is OrderState.UNKNOWN


def test_a_second_doubt_begins_with_no_misses() -> None:
    desk = unknown()
    desk.wait(GRACE_S)
    desk.change(Kind.LOOKUP_MISSED)
    desk.change(Kind.NOT_SENT)
    again = desk.change(Kind.OUTCOME_UNKNOWN)
    assert (again.order.state, again.order.lookups_missed, again.order.unknown_ns) == (
        OrderState.UNKNOWN,
        0,
        desk.now_ns,
    )


@pytest.mark.req("B2.1")
@pytest.mark.parametrize("ended", [OrderState.ABSENT, OrderState.NOT_SENT, OrderState.REJECTED])
def test_an_order_that_appears_late_is_taken_back_canceled_and_halts_its_symbol(ended: OrderState) -> None:
    desk = unknown()
    if ended is OrderState.ABSENT:
        for wait in (GRACE_S, SPACING_S):
            desk.wait(wait)
            desk.change(Kind.LOOKUP_MISSED)
    else:
        desk.change(Kind.NOT_SENT if ended is OrderState.NOT_SENT else Kind.REJECTED)
    assert desk.order().state is ended
    desk.wait(1)
    late = desk.change(Kind.ACCEPTED)
    assert (late.order.state, late.order.working, late.order.cancel_wanted) == (
        OrderState.ACCEPTED,
        True,
        True,
    )
    assert late.order.remaining_nanos == shares(100)
    (finding,) = late.findings
    assert finding.kind is FindingKind.LATE_APPEARANCE
    assert (finding.scope, finding.key) == (GateScope.SYMBOL, "AIG")
    assert f"was {ended.value} and now the venue says accepted" in finding.sentence
    assert desk.books.book("AIG").buys_nanos == shares(100)
    assert desk.orders.due_ns() == desk.now_ns
    (due,) = desk.carry_out()
    assert (due.kind, due.reason) == (CommandKind.CANCEL, "it must not work")
    assert "0-a" in desk.orders.live
    assert "0-a" not in desk.orders.finished


@pytest.mark.req("B2.1")
@pytest.mark.parametrize(("last", "state", "works"), [(100, OrderState.FILLED, False), (40, OrderState.PARTIAL, True)])
def test_a_late_fill_of_an_absent_order_counts_and_halts(*, last: int, state: OrderState, works: bool) -> None:
    desk = unknown()
    desk.change(Kind.NOT_SENT)
    late = desk.change(Kind.PARTIALLY_FILLED, execution="e1", last=last, price=PRICE, cum=last)
    assert (late.order.state, late.order.cancel_wanted) == (state, works)
    assert [finding.kind for finding in late.findings] == [FindingKind.LATE_APPEARANCE]
    assert desk.books.book("AIG").net_nanos == shares(last)


def test_a_late_running_total_is_a_late_appearance_once() -> None:
    desk = unknown()
    desk.change(Kind.REJECTED)
    late = desk.change(Kind.ACCEPTED, cum=40, price=PRICE)
    assert late.order.state is OrderState.PARTIAL
    assert [finding.kind for finding in late.findings] == [FindingKind.LATE_APPEARANCE]


def test_an_absent_order_that_turns_out_to_have_been_canceled_is_no_alarm() -> None:
    desk = unknown()
    desk.change(Kind.NOT_SENT)
    told = desk.change(Kind.CANCELED)
    assert (told.order.state, told.findings) == (OrderState.CANCELED, ())


@pytest.mark.parametrize("kind", [Kind.ACCEPTED, Kind.PARTIALLY_FILLED])
def test_a_lookup_that_misses_a_working_order_is_told_and_changes_nothing(kind: Kind) -> None:
    desk = Desk()
    desk.send()
    desk.change(kind, cum=0 if kind is Kind.ACCEPTED else 40, price=PRICE)
    before = desk.order().state
    for _ in range(2):
        desk.wait(60)
        desk.change(Kind.LOOKUP_MISSED)
    desk.wait(60)
    told = desk.change(Kind.LOOKUP_MISSED)
    assert told.order.state is before
    assert told.order.lookups_missed == 0
    assert [finding.kind for finding in told.findings] == [FindingKind.LOOKUP_MISSED_WORKING]
    assert "0-a, which works" in told.findings[0].sentence
    assert told.findings[0].scope is None


def test_a_lookup_that_misses_a_finished_order_says_nothing() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.CANCELED)
    assert desk.change(Kind.LOOKUP_MISSED).findings == ()


@pytest.mark.req("B2.1")
def test_a_cancel_without_an_answer_leaves_the_order_working_and_asks_after_it() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.ACCEPTED)
    assert desk.orders.due_ns() == NEVER_NS
    desk.wait(1)
    told = desk.change(Kind.OUTCOME_UNKNOWN)
    assert (told.order.state, told.order.unknown_ns) == (OrderState.ACCEPTED, desk.now_ns)
    assert kinds_due(desk) == [CommandKind.LOOKUP]
    assert desk.change(Kind.FOUND_WORKING).order.unknown_ns == 0
    assert desk.orders.due_ns() == NEVER_NS


def test_executions_short_of_the_venues_total_are_looked_for() -> None:
    desk = Desk()
    desk.send()
    desk.change(Kind.FILLED, execution="e2", last=60, price=PRICE, cum=100)
    assert kinds_due(desk) == [CommandKind.LOOKUP]
    desk.wait(1)
    assert desk.change(Kind.ACCEPTED).order.unknown_ns == NOW_NS  # an old word; the fill is still missing
    desk.change(Kind.FILLED, cum=100, price=PRICE)
    assert desk.order().state is OrderState.FILLED


@pytest.mark.req("B2.1")
@pytest.mark.parametrize("submitted", [False, True])
def test_an_order_nobody_answers_for_is_looked_up(*, submitted: bool) -> None:
    desk = Desk()
    desk.send()
    if submitted:
        desk.wait(1)
        desk.change(Kind.SUBMITTED)
    assert desk.orders.due_ns() == NOW_NS + POLICY.answer_ns
    desk.now_ns = NOW_NS + POLICY.answer_ns - 1
    assert desk.carry_out() == []
    desk.now_ns += 1
    (due,) = desk.carry_out()
    assert (due.kind, due.reason) == (CommandKind.LOOKUP, "no answer came")
    assert desk.orders.due_ns() == desk.now_ns + POLICY.lookup_spacing_ns


def test_several_orders_are_due_oldest_first() -> None:
    desk = Desk()
    for name in ("0-b", "0-a", "0-c"):
        desk.send(order=name)
        if name == "0-a":
            desk.wait(1)
    desk.now_ns = NOW_NS + POLICY.answer_ns
    assert [due.order.client_order_id for due in desk.orders.due(desk.now_ns)] == ["0-a", "0-b"]
    desk.wait(1)
    assert [due.order.client_order_id for due in desk.carry_out()] == ["0-a", "0-b", "0-c"]
    assert desk.carry_out() == []


def test_timers_of_many_short_lived_orders_stay_small() -> None:
    desk = Desk()
    desk.send(order="0-resting")
    for number in range(500):
        desk.send(order=f"0-{number}")
        desk.change(Kind.FILLED, f"0-{number}", execution="e", last=100, price=PRICE, cum=100)
    assert len(desk.orders._agenda) <= 70
    assert desk.orders.due_ns() == NOW_NS + POLICY.answer_ns
    assert [due.order.client_order_id for due in desk.orders.due(NEVER_NS - 1)] == ["0-resting"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"lookups_missed_min": 1},
        {"lookup_spacing_ns": LOOKUP_SPACING_LEAST_NS - 1},
        {"answer_ns": 0},
        {"lookup_grace_ns": 0},
        {"cancel_retry_ns": 0},
        {"cancels_refused_max": 0},
    ],
)
def test_rules_under_which_a_timeout_would_pass_for_a_failure_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"at least 5 s apart|must be above 0"):
        OmsPolicy(**wrong)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, OmsPolicy)


def test_the_least_rules_are_allowed() -> None:
    policy = OmsPolicy(
        lookups_missed_min=2,
        lookup_spacing_ns=5 * SECOND_NS,
        answer_ns=1,
        lookup_grace_ns=1,
        cancel_retry_ns=1,
        cancels_refused_max=1,
    )
    assert policy.lookups_missed_min == 2
