"""Scoped limits only narrow, and the tightest of all that cover an order binds."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.portfolio.making import INSTRUMENTS
from tests.risk.making import LIMITS
from tidegate.risk.limits import RiskLimits
from tidegate.risk.scopes import LARGER_IS_TIGHTER, LOSSES, MAY_NARROW, LimitScope, ScopedLimits, narrowed, tighter

pytestmark = pytest.mark.req("B3.1")

NAMES = sorted(frozenset[str]().union(*MAY_NARROW.values()))


def test_what_may_be_narrowed_are_limits() -> None:
    assert set(NAMES) <= set(RiskLimits.__struct_fields__)
    assert set(NAMES) >= LARGER_IS_TIGHTER
    assert MAY_NARROW[LimitScope.STRATEGY] >= LOSSES
    assert all(LOSSES.isdisjoint(MAY_NARROW[scope]) for scope in (LimitScope.SYMBOL, LimitScope.SECTOR))


@given(st.lists(st.dictionaries(st.sampled_from(NAMES), st.integers(0, 10_000), max_size=6), max_size=4))
def test_the_tightest_binds(values: list[dict[str, int]]) -> None:
    scoped = [ScopedLimits(scope=LimitScope.SYMBOL, key="AIG", limits=given) for given in values]
    found = narrowed(LIMITS, scoped)
    for name in RiskLimits.__struct_fields__:
        stated = [getattr(LIMITS, name), *(given[name] for given in values if name in given)]
        if name not in NAMES:
            assert getattr(found, name) == stated[0]
        else:
            assert getattr(found, name) == (max(stated) if name in LARGER_IS_TIGHTER else min(stated))
            assert tighter(name, getattr(found, name), getattr(LIMITS, name)) == getattr(found, name)


def test_a_strategys_losses_stay_out_of_what_judges_the_account() -> None:
    one = ScopedLimits(scope=LimitScope.STRATEGY, key="mr", limits={"daily_loss_attos_max": 1, "order_quantity_nanos_max": 2})
    assert narrowed(LIMITS, [one], losses=False) == msgspec.structs.replace(LIMITS, order_quantity_nanos_max=2)
    assert narrowed(LIMITS, [one]).daily_loss_attos_max == 1
    assert narrowed(LIMITS, []) is LIMITS


@pytest.mark.parametrize(
    ("scope", "key", "covered"),
    [
        (LimitScope.STRATEGY, "mr", True),
        (LimitScope.STRATEGY, "tf", False),
        (LimitScope.SYMBOL, "AIG", True),
        (LimitScope.SYMBOL, "BAC", False),
        (LimitScope.SECTOR, "insurance", True),
        (LimitScope.SECTOR, "banks", False),
    ],
)
def test_a_scope_covers_its_own(scope: LimitScope, key: str, *, covered: bool) -> None:
    assert ScopedLimits(scope=scope, key=key, limits={}).covers("mr", INSTRUMENTS["AIG"]) is covered
