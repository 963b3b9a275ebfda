"""When a person is asked: each threshold below, at and above it, for the whole entry, and never for an exit."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.portfolio.making import CASH, shares, usd
from tests.risk.making import ASK, entry, leave, limits, verdict, view
from tests.risk.test_checks import holding
from tidegate.events.acts import RiskDecision
from tidegate.portfolio.valuation import MICRO
from tidegate.risk.approval_checks import WAITING_MAX
from tidegate.risk.approval_rules import ApprovalRule
from tidegate.risk.checks import APPROVAL_CHECKS, ASKING_CHECKS
from tidegate.risk.exposure_checks import prepare
from tidegate.risk.gate import explain, persons_needed
from tidegate.risk.wording import WORDING
from tidegate.values.enums import OrderType, Side, Verdict

pytestmark = pytest.mark.req("I1", "B3.5", "B3.7")

MILLION = 1_000_000
FIVE = {"price": ASK, "quantity": 100}  # $5,000


def asked(limit: int | None = None, second: int | None = None, **seen: Any) -> Any:
    changes: dict[str, Any] = {}
    if limit is not None:
        changes["approval_notional_attos_max"] = usd(limit)
    if second is not None:
        changes["second_approval_notional_attos_max"] = usd(second)
    return view(limits=limits(**changes), **seen)


@pytest.mark.parametrize(("limit", "said"), [(5_001, Verdict.APPROVED), (5_000, Verdict.APPROVED), (4_999, Verdict.NEEDS_APPROVAL)])
def test_the_threshold_below_at_and_above(limit: int, said: Verdict) -> None:
    decision = verdict(entry(**FIVE), asked(limit))
    assert decision.verdict is said
    row = next(result for result in decision.checks if result[0] == "approval_notional")
    assert row == ("approval_notional", said is Verdict.APPROVED, limit * MILLION, 5_000 * MILLION)
    assert persons_needed(decision) == (said is Verdict.NEEDS_APPROVAL)


@pytest.mark.parametrize(("second", "persons"), [(5_001, 1), (5_000, 1), (4_999, 2)])
def test_the_second_threshold_below_at_and_above(second: int, persons: int) -> None:
    decision = verdict(entry(**FIVE), asked(1_000, second))
    assert persons_needed(decision) == persons
    assert ("two persons" in decision.sentence) is (persons == 2)


@given(price=st.integers(1, 10**13), quantity=st.integers(1, 10**12), more=st.integers(0, 10**12))
def test_the_worth_of_the_whole_is_exact_and_rounded_up(price: int, quantity: int, more: int) -> None:
    seen = asked(1)
    whole = quantity + more
    intent = msgspec.structs.replace(entry(**FIVE), limit_price_nanos=price, quantity_nanos=quantity, whole_quantity_nanos=whole)
    prepare(intent, seen)
    exact = max(price, seen.ask_nanos) * whole
    assert seen.whole_micros == -(-exact // 10**12)
    assert isinstance(seen.whole_micros, int)


@given(parts=st.integers(1, 16), whole=st.integers(1, 900))
def test_many_small_slices_count_as_their_whole(parts: int, whole: int) -> None:
    """However a whole is cut, each slice asks exactly where the whole would."""
    seen = asked(5_000)
    part = max(1, whole // parts)
    slice_of = entry(price=ASK, quantity=min(part, 100), whole_quantity_nanos=shares(whole))
    alone = entry(price=ASK, quantity=min(whole, 100))
    asks = verdict(slice_of, seen).verdict is Verdict.NEEDS_APPROVAL
    assert asks is (whole * 50 > 5_000)
    assert verdict(alone, asked(5_000)).verdict is Verdict.APPROVED


@pytest.mark.parametrize(
    ("loss", "said", "observed"),
    [
        (-1 * MILLION, Verdict.APPROVED, 0),
        (1_999 * MILLION, Verdict.APPROVED, 1_999 * MILLION),
        (2_000 * MILLION, Verdict.APPROVED, 2_000 * MILLION),
        (2_000 * MILLION + 1, Verdict.NEEDS_APPROVAL, 2_000 * MILLION + 1),
    ],
)
def test_a_losing_day(loss: int, said: Verdict, observed: int) -> None:
    decision = verdict(entry(quantity=1), view(equity_attos=CASH - loss * MICRO))
    assert decision.verdict is said
    row = next(result for result in decision.checks if result[0] == "approval_loss")
    assert row == ("approval_loss", said is Verdict.APPROVED, 2_000 * MILLION, observed)


RULES = (
    ApprovalRule(name="shorts", sentence="selling short is new here", side=Side.SELL),
    ApprovalRule(name="big", sentence="it is thin", symbol="AIG", quantity_nanos_above=shares(100)),
    ApprovalRule(name="dear", sentence="it is dear", strategy_id="mr", notional_micros_above=4_000 * MILLION),
)


@pytest.mark.parametrize(
    ("wanted", "place"),
    [
        (entry(quantity=10), 0),
        (entry(quantity=10, side=Side.SELL), 1),
        (entry(quantity=80), 0),
        (entry(quantity=81), 3),
        (entry(quantity=81, strategy="other"), 0),
        (entry(quantity=100, strategy="other"), 0),
        (entry(quantity=101, strategy="other"), 2),
        (entry(quantity=101), 2),
        (entry(quantity=10, whole_quantity_nanos=shares(101), strategy="other"), 2),
    ],
)
def test_the_first_rule_that_is_about_an_entry_asks(wanted: Any, place: int) -> None:
    decision = verdict(wanted, view(approval_rules=RULES))
    row = next(result for result in decision.checks if result[0] == "approval_rule")
    assert row == ("approval_rule", place == 0, 0, place)
    assert decision.verdict is (Verdict.NEEDS_APPROVAL if place else Verdict.APPROVED)
    if place:
        rule = RULES[place - 1]
        assert f"rule {place} of the configuration asks for it ({rule.name}: {rule.sentence})" in decision.sentence


def test_a_rule_about_worth_covers_what_has_no_price() -> None:
    assert RULES[2].covers(entry(quantity=1), None)


def test_what_is_refused_is_refused_and_nobody_is_asked() -> None:
    decision = verdict(entry(**FIVE), asked(1, permitted=False))
    assert decision.verdict is Verdict.REFUSED
    assert not any(result[0] in {check.name for check in (*APPROVAL_CHECKS, *ASKING_CHECKS)} for result in decision.checks)


def test_an_exit_is_never_asked_about() -> None:
    decision = verdict(
        leave(), view(holding((100, "AIG")), limits=limits(approval_notional_attos_max=0), equity_attos=None, approval_rules=RULES)
    )
    assert decision.verdict is Verdict.APPROVED
    assert not any(result[0].startswith("approval") for result in decision.checks)


@pytest.mark.parametrize("changes", [{"replaces": "0-a"}, {"slice_number": 1, "whole_quantity_nanos": shares(500)}])
def test_what_continues_an_order_is_refused_instead_of_waiting(changes: dict[str, Any]) -> None:
    decision = verdict(entry(**FIVE, **changes), asked(1))
    assert (decision.verdict, decision.refusals) == (Verdict.REFUSED, ("approval_part",))


@pytest.mark.parametrize(("waiting", "said"), [(WAITING_MAX - 1, Verdict.NEEDS_APPROVAL), (WAITING_MAX, Verdict.REFUSED)])
def test_a_full_queue_refuses(waiting: int, said: Verdict) -> None:
    decision = verdict(entry(**FIVE), asked(1, approvals_waiting=waiting))
    assert decision.verdict is said
    assert decision.refusals == (() if said is Verdict.NEEDS_APPROVAL else ("approval_queue",))
    if said is Verdict.REFUSED:
        assert decision.sentence.endswith(f"it would be request {waiting + 1} in the queue, above {WAITING_MAX}.")


@pytest.mark.parametrize(("given_", "said"), [(0, Verdict.NEEDS_APPROVAL), (1, Verdict.NEEDS_APPROVAL), (2, Verdict.APPROVED)])
def test_who_has_approved_counts_at_release(given_: int, said: Verdict) -> None:
    decision = verdict(entry(**FIVE), asked(1, 1, approval_id="x", approvals_given=given_, approvals_waiting=WAITING_MAX))
    assert (decision.verdict, decision.approval_id) == (said, "x")
    assert (decision.sentence == "") is (said is Verdict.APPROVED)
    assert decision.refusals == ()


def test_a_release_is_judged_by_every_other_check_as_any_entry() -> None:
    decision = verdict(entry(**FIVE), asked(1, approval_id="x", approvals_given=2, streams_up=False))
    assert (decision.verdict, decision.refusals) == (Verdict.REFUSED, ("streams_up",))


def test_what_a_market_order_is_worth_is_what_it_would_take() -> None:
    decision = verdict(entry(quantity=100, price=0, order_type=OrderType.MARKET), asked(4_999))
    assert decision.verdict is Verdict.NEEDS_APPROVAL


def test_the_catalogue_names_each_and_explains_it() -> None:
    assert all(WORDING[check.name].what for check in APPROVAL_CHECKS)
    decision: RiskDecision = verdict(entry(**FIVE), asked(1, 1, approval_rules=RULES))
    lines = explain(decision)
    assert lines[0].startswith("Needs approval: entry buy AIG. The entry needs the approval of two persons because ")
    assert "FAILED  approval_notional: the whole entry is worth $5000, above $1" in lines
    assert all("{" not in line for line in lines)
