"""Fees are exact, dated and explained."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.values.enums import InstrumentKind, Side
from tidegate.values.fees import (
    ALPACA_FEES,
    BadFeeError,
    Charge,
    FeeRate,
    FeeSchedule,
    FeeTable,
    Fill,
    fee_attos,
)
from tidegate.values.money import ATTOS, NANOS, attos, nanos
from tidegate.values.time import DAY_NS, HOUR_NS

pytestmark = pytest.mark.req("C1.2")

STOCK, OPTION = InstrumentKind.STOCK, InstrumentKind.OPTION


def day_ns(day: str, hour: int = 15) -> int:
    return (date.fromisoformat(day) - date(1970, 1, 1)).days * DAY_NS + hour * HOUR_NS


def fill(day: str, side: Side, shares: int, price: str = "50", kind: InstrumentKind = STOCK) -> Fill:
    multiplier = 100 if kind is OPTION else 1
    return Fill(kind, side, nanos(price), shares * NANOS, multiplier, day_ns(day))


@pytest.mark.parametrize(
    ("one", "parts"),
    [
        # 1,000 shares at $50 are $50,000: 50,000 x 27.80 / 1,000,000 = 1.39.
        (fill("2025-03-03", Side.SELL, 1_000), {"SEC": "1.39", "TAF": "0.166", "CAT": "0.0265"}),
        (fill("2025-03-03", Side.BUY, 1_000), {"CAT": "0.0265"}),
        (fill("2025-05-13", Side.SELL, 1_000), {"SEC": "1.39", "TAF": "0.166", "CAT": "0.0265"}),
        (fill("2025-05-14", Side.SELL, 1_000), {"SEC": "0", "TAF": "0.166", "CAT": "0.0265"}),
        (fill("2025-06-02", Side.SELL, 100_000), {"SEC": "0", "TAF": "8.3", "CAT": "2.65"}),
        (fill("2026-01-02", Side.SELL, 1_000), {"SEC": "0", "TAF": "0.195", "CAT": "0.0265"}),
        (fill("2026-04-06", Side.SELL, 1_000), {"SEC": "1.03", "TAF": "0.195", "CAT": "0.0265"}),
        (fill("2013-10-07", Side.SELL, 1_000), {"SEC": "1.39", "TAF": "0.166", "CAT": "0.0265"}),
        (fill("2025-03-03", Side.BUY, 10, "2", OPTION), {"ORF": "0.2685", "OCC": "0.2", "CAT": "0.0265"}),
        (
            fill("2025-03-03", Side.SELL, 10, "2", OPTION),
            {"SEC": "0.0556", "TAF": "0.0279", "ORF": "0.2685", "OCC": "0.2", "CAT": "0.0265"},
        ),
        (fill("2025-03-03", Side.BUY, 5_000, "2", OPTION), {"ORF": "134.25", "OCC": "55", "CAT": "13.25"}),
        (fill("2025-03-03", Side.SELL, 10, "0.4", InstrumentKind.EVENT_CONTRACT), {}),
    ],
)
def test_alpaca_fees_by_day_side_and_kind(one: Fill, parts: dict[str, str]) -> None:
    table = FeeTable(ALPACA_FEES)
    assert dict(table.parts(one)) == {name: attos(text) for name, text in parts.items()}
    assert table.total(one) == sum(attos(text) for text in parts.values())


def test_a_day_of_new_york_is_meant() -> None:
    table = FeeTable(ALPACA_FEES)
    late = fill("2025-05-13", Side.SELL, 1_000)._replace(ts_ns=day_ns("2025-05-14", 1))
    assert dict(table.parts(late))["SEC"] > 0


def test_no_schedule_charges_nothing() -> None:
    table = FeeTable(FeeSchedule.none())
    assert table.parts(fill("2025-03-03", Side.SELL, 9)) == ()
    assert table.total(fill("2025-03-03", Side.SELL, 9)) == 0
    assert FeeSchedule.none().assumptions(date(2013, 10, 7)) == ("No fees are charged.",)


@given(
    st.integers(0, 10**13),
    st.integers(0, 10**13),
    st.integers(0, 10**15),
    st.integers(0, 10**17),
    st.integers(-1, 10**19),
)
def test_a_fee_is_never_too_low_and_at_most_an_atto_a_part_too_high(
    price: int, quantity: int, per_dollar: int, per_unit: int, cap: int
) -> None:
    charge = Charge("x", per_dollar, per_unit, cap)
    exact = Fraction(price * quantity * per_dollar, ATTOS) + Fraction(quantity * per_unit, NANOS)
    fee = fee_attos(charge, Fill(STOCK, Side.BUY, price, quantity, 1, 0))
    if cap >= 0 and exact >= cap:
        assert fee == cap
    else:
        assert exact <= fee < exact + 2


def test_the_oldest_rate_used_for_older_days_is_said() -> None:
    lines = ALPACA_FEES.assumptions(date(2013, 10, 7))
    assert lines[0].startswith("Fees are those of Alpaca (")
    assert "not rounded to cents" in lines[1]
    assert any(line.startswith("SEC: the oldest listed rate, of 2025-01-01") for line in lines)
    assert len(ALPACA_FEES.assumptions(date(2025, 1, 1))) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"from_day": "1.1.2025"}, "is not a day"),
        ({"per_unit_usd": "-1"}, "cannot be negative"),
        ({"per_dollar": "-1"}, "cannot be negative"),
        ({"cap_usd": "-1"}, "cannot be negative"),
    ],
)
def test_a_rate_that_cannot_be_is_refused(changes: dict[str, str], message: str) -> None:
    words = {"name": "X", "from_day": "2025-01-01"} | changes
    rate = msgspec.convert(words | {"kinds": ["stock"]}, FeeRate)
    with pytest.raises(BadFeeError, match=message):
        FeeTable(FeeSchedule(name="x", rates=(rate, rate))).total(fill("2026-01-01", Side.BUY, 1))


def test_a_schedule_can_be_written_in_a_configuration() -> None:
    data = msgspec.json.encode(ALPACA_FEES)
    assert msgspec.json.decode(data, type=FeeSchedule) == ALPACA_FEES
    assert all(Decimal(rate.per_unit_usd) >= 0 for rate in ALPACA_FEES.rates)
