"""Limits are complete or not built."""

import msgspec
import pytest

from tests.portfolio.making import usd
from tests.risk.making import LIMITS, limits
from tidegate.portfolio.activity import MESSAGES_MAX
from tidegate.portfolio.conduct import ORDERS_MAX, REPEATS_MAX
from tidegate.risk.limits import ATTOS_MAX, BPS_MAX, Bounds, RiskLimits, limit_fields
from tidegate.risk.view import NOTHING_ALLOWED
from tidegate.values.money import INT64_MAX

NAMES = RiskLimits.__struct_fields__
NUMBERS = [name for name in NAMES if not name.startswith("symbols_")]
RATES = {
    "orders_per_minute_max": MESSAGES_MAX,
    "symbol_messages_per_minute_max": MESSAGES_MAX,
    "entries_per_hour_max": REPEATS_MAX,
    "rate_orders_min": ORDERS_MAX,
}


@pytest.mark.req("B3.1")
@pytest.mark.parametrize("name", NAMES)
def test_a_missing_limit_cannot_be_built(name: str) -> None:
    given = {field: getattr(LIMITS, field) for field in NAMES if field != name}
    with pytest.raises(TypeError, match=name):
        RiskLimits(**given)
    with pytest.raises(msgspec.ValidationError, match=name):
        msgspec.convert(given, RiskLimits)


def test_an_unknown_limit_is_an_error() -> None:
    given = {field: getattr(LIMITS, field) for field in NAMES}
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.convert(given | {"order_notional_max": 1}, RiskLimits)


def largest(name: str) -> int:
    if name in RATES:
        return RATES[name]
    if "_attos_" in name:
        return ATTOS_MAX
    return BPS_MAX if "_bps" in name else INT64_MAX


@pytest.mark.parametrize("name", NUMBERS)
def test_a_limit_lies_between_nothing_and_what_a_message_can_carry(name: str) -> None:
    for value in (0, largest(name)):
        RiskLimits(**{field: getattr(LIMITS, field) for field in NAMES} | {name: value})
    for value in (-1, largest(name) + 1):
        with pytest.raises(ValueError, match=f"{name} is {value}; (give a number from 0 to|no more than)"):
            RiskLimits(**{field: getattr(LIMITS, field) for field in NAMES} | {name: value})


@pytest.mark.req("B3.1")
def test_every_limit_says_its_unit_and_meaning() -> None:
    listed = limit_fields()
    assert [field.name for field in listed] == list(NAMES)
    assert all(field.text for field in listed)
    units = {field.name: field.unit for field in listed}
    for name, unit in units.items():
        assert ("_attos_" in name) is (unit == "usd"), name
        assert ("_bps" in name) is (unit == "bps"), name
        assert ("_nanos_" in name) is (unit == "quantity"), name
        assert name.startswith("symbols_") is (unit == "symbols"), name
        counted = ("_per_minute_", "_per_hour_", "_in_row_", "_deviations_", "rate_orders_")
        assert any(word in name for word in counted) is (unit == "count"), name
        assert ("_ns" in name) is (unit == "ns"), name


def test_equal_limits_have_equal_bytes_and_others_have_others() -> None:
    one = limits(symbols_allowed=frozenset({"A", "B", "C"}), symbols_blocked=frozenset({"X", "Y"}))
    two = limits(symbols_allowed=frozenset({"C", "A", "B"}), symbols_blocked=frozenset({"Y", "X"}))
    assert one.canonical() == two.canonical()
    # Sets as sorted lists: their text would depend on the seed of Python's hashes.
    told = msgspec.msgpack.decode(one.canonical())
    assert (told["symbols_allowed"], told["symbols_blocked"]) == (["A", "B", "C"], ["X", "Y"])
    seen = {LIMITS.canonical(), one.canonical()}
    for name in NUMBERS:
        seen.add(limits(**{name: getattr(LIMITS, name) + 1}).canonical())
    assert len(seen) == len(NUMBERS) + 2
    assert limits(symbols_allowed=frozenset()).canonical() != LIMITS.canonical()


def test_money_limits_are_compared_in_millionths_rounded_down() -> None:
    bounds = Bounds(limits(order_notional_attos_max=usd("1.000001") + 999_999_999_999))
    assert bounds.order_notional == 1_000_001
    assert bounds.position_notional == 60_000_000_000
    assert bounds.total_notional == 200_000_000_000
    assert bounds.gross_exposure == 220_000_000_000
    assert bounds.net_exposure == 210_000_000_000
    assert bounds.sector_exposure == 90_000_000_000
    assert bounds.cluster_exposure == 80_000_000_000
    assert bounds.limits is not None
    assert {type(getattr(bounds, name)) for name in Bounds.__slots__ if name != "limits"} == {int}
    assert Bounds(None).order_notional == Bounds(None).cluster_exposure == 0
    assert NOTHING_ALLOWED.limits is None
    assert {getattr(NOTHING_ALLOWED, name) for name in Bounds.__slots__ if name != "limits"} == {0}
