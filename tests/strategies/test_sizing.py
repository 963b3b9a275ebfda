"""Quantities by hand and by property: never above a cap, whole lots, never more for less risk."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.strategies.plan import SizingMethod, SizingRule
from tidegate.strategies.sizing import entry_quantity
from tidegate.values.instruments import Instrument
from tidegate.values.money import ATTOS, NANOS

STOCK = Instrument(index=0, symbol="AIG", venue="sim")
OPTION = Instrument(index=0, symbol="AIG C50", venue="sim", multiplier=100)
FREE: dict[str, Any] = {"displayed_share": 0.0, "notional_usd_max": 1e8}


def sized(
    rule: SizingRule,
    *,
    price: float = 50.0,
    stop: float = 0.5,
    equity: int | None = 100_000,
    shown: float = 1e6,
    volatility: float = 0.0,
    instrument: Instrument = STOCK,
) -> tuple[Fraction, str]:
    quantity, words = entry_quantity(
        rule,
        instrument,
        price_nanos=round(price * NANOS),
        stop_distance_nanos=round(stop * NANOS),
        equity_attos=None if equity is None else equity * ATTOS,
        market=(round(shown * NANOS), volatility),
    )
    return Fraction(quantity, NANOS), words


@pytest.mark.req("A3.1")
@pytest.mark.parametrize(
    ("risk_bps", "equity", "stop", "shares"),
    [
        (10.0, 100_000, 0.5, 200),  # $100 at risk, 50 cents a share
        (10.0, 100_000, 0.3, 333),
        (5.0, 100_000, 0.04, 1_250),  # $50 at risk
        (0.3, 1_000_000, 0.1, 300),  # $30 at risk; 0.3 is no binary fraction and loses no share
        (25.0, 33_333, 0.07, 1_190),  # $83.3325 / 0.07 = 1190.46
        (1.0, 100, 0.02, 0),  # a cent at risk
    ],
)
def test_quantity_is_what_may_be_lost_over_what_a_share_can_lose(risk_bps: float, equity: int, stop: float, shares: int) -> None:
    assert sized(SizingRule(risk_bps=risk_bps, **FREE), stop=stop, equity=equity)[0] == shares


@pytest.mark.req("A3.1")
def test_a_contract_risks_its_multiplier() -> None:
    assert sized(SizingRule(risk_bps=10.0, **FREE), instrument=OPTION)[0] == 2
    capped = SizingRule(risk_bps=100.0, notional_usd_max=16_000.0, displayed_share=0.0)
    assert sized(capped, instrument=OPTION)[0] == 3  # of 20 by risk; $5,000 each


@pytest.mark.req("A3.2")
@pytest.mark.parametrize(("volatility", "shares"), [(0.0, 200), (0.0004, 200), (0.0008, 100), (0.0012, 66)])
def test_a_wild_market_scales_down_and_a_quiet_one_never_up(volatility: float, shares: int) -> None:
    rule = SizingRule(risk_bps=10.0, volatility_target=0.0004, **FREE)
    quantity, words = sized(rule, volatility=volatility)
    assert quantity == shares
    assert ("scaled by volatility" in words) == (shares < 200)


@pytest.mark.req("A3.3")
@pytest.mark.parametrize(("share", "shown", "shares"), [(1.0, 120, 120), (0.5, 121, 60), (0.0, 1, 200), (1.0, 0, 0)])
def test_what_is_displayed_caps_the_quantity(share: float, shown: float, shares: int) -> None:
    rule = SizingRule(risk_bps=10.0, displayed_share=share, notional_usd_max=1e8)
    assert sized(rule, shown=shown)[0] == shares


@pytest.mark.req("A3.1")
def test_notional_caps_the_quantity_at_the_price_it_takes() -> None:
    rule = SizingRule(risk_bps=10.0, notional_usd_max=1_234.56, displayed_share=0.0)
    assert sized(rule, price=10.0)[0] == 123
    assert sized(rule, price=1_234.56)[0] == 1
    assert sized(rule, price=1_234.57)[0] == 0
    assert "capped at $1234.56" in sized(rule, price=10.0)[1]


@pytest.mark.req("A3.1")
@pytest.mark.parametrize(("equity", "stop"), [(None, 0.5), (0, 0.5), (-5, 0.5), (100_000, 0.0)])
def test_what_cannot_be_known_risks_nothing_and_says_so(equity: int | None, stop: float) -> None:
    quantity, words = sized(SizingRule(), equity=equity, stop=stop)
    assert quantity == 0
    assert ("equity" if stop else "stop distance") in words


def test_a_fixed_size_needs_no_equity_but_keeps_the_caps() -> None:
    rule = SizingRule(method=SizingMethod.FIXED, fixed_quantity_nanos=300 * NANOS, notional_usd_max=10_000.0)
    assert sized(rule, equity=None, stop=0.0)[0] == 200
    assert sized(rule, equity=None, stop=0.0, shown=70)[0] == 70


RULES = st.builds(
    SizingRule,
    risk_bps=st.floats(0.01, 500.0),
    volatility_target=st.sampled_from([0.0, 0.0002, 0.01]),
    displayed_share=st.floats(0.0, 1.0),
    notional_usd_max=st.floats(1.0, 1e7),
)
CASES: dict[str, Any] = {
    "rule": RULES,
    "price": st.integers(1, 10**15),
    "stop": st.integers(1, 10**12),
    "equity": st.integers(1, 10**9),
    "shown": st.integers(0, 10**15),
    "volatility": st.floats(0.0, 0.1),
    "lot": st.sampled_from([NANOS, NANOS // 1_000, 100 * NANOS]),
    "multiplier": st.sampled_from([1, 100]),
}


def quantity_of(case: dict[str, Any], **changes: Any) -> int:
    case = {**case, **changes}
    instrument = Instrument(index=0, symbol="A", venue="sim", lot_nanos=case["lot"], multiplier=case["multiplier"])
    return entry_quantity(
        case["rule"],
        instrument,
        price_nanos=case["price"],
        stop_distance_nanos=case["stop"],
        equity_attos=case["equity"] * ATTOS,
        market=(case["shown"], case["volatility"]),
    )[0]


@pytest.mark.req("A3.1", "A3.2", "A3.3")
@given(case=st.fixed_dictionaries(CASES))
def test_no_quantity_is_above_a_cap_or_between_two_lots(case: dict[str, Any]) -> None:
    quantity, rule = quantity_of(case), case["rule"]
    hair = Fraction(1, 10**8)  # a rule's floats are read to nine decimals
    at_risk = Fraction(quantity, NANOS) * Fraction(case["stop"], NANOS) * case["multiplier"]
    worth = Fraction(quantity, NANOS) * Fraction(case["price"], NANOS) * case["multiplier"]
    assert quantity >= 0
    assert quantity % case["lot"] == 0
    assert at_risk <= Fraction(case["equity"]) * (Fraction(rule.risk_bps) + hair) / 10_000
    assert worth <= Fraction(rule.notional_usd_max) + hair
    if rule.displayed_share:
        assert quantity <= case["shown"] * Fraction(rule.displayed_share) + 1


@pytest.mark.req("A3.1", "A3.2")
@given(case=st.fixed_dictionaries(CASES), more=st.floats(1.0, 3.0))
def test_more_risk_never_buys_less_and_a_wider_stop_or_wilder_market_never_more(case: dict[str, Any], more: float) -> None:
    from msgspec.structs import replace

    quantity, rule = quantity_of(case), case["rule"]
    assert quantity_of(case, rule=replace(rule, risk_bps=rule.risk_bps * more)) >= quantity
    assert quantity_of(case, equity=int(case["equity"] * more)) >= quantity
    assert quantity_of(case, stop=int(case["stop"] * more)) <= quantity
    assert quantity_of(case, volatility=case["volatility"] * more) <= quantity
    assert quantity_of(case, shown=case["shown"] + case["lot"]) >= quantity
