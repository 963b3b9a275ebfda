"""What a plan refuses, and what its distances are worth."""

from typing import Any

import msgspec
import pytest

from tidegate.strategies.plan import (
    BadPlanError,
    EntryRule,
    EntryStyle,
    ExitRule,
    PartialFillRule,
    Plan,
    ReentryRule,
    SizingMethod,
    SizingRule,
    Subscription,
    atr,
    bps,
    dollars,
)
from tidegate.values.enums import TimeInForce
from tidegate.values.money import NANOS
from tidegate.values.time import SECOND_NS

pytestmark = pytest.mark.req("A2.1")

SOUND = Plan(signal="a test", exits=ExitRule(stop=atr(2.0)))
FOLLOWING: dict[str, Any] = {
    "style": EntryStyle.PASSIVE_LIMIT,
    "time_in_force": TimeInForce.DAY,
    "follow_ns": SECOND_NS,
    "follow_bps_max": 1,
    "follows_max": 1,
}


def test_a_sound_plan_is_let_through() -> None:
    SOUND.check()
    msgspec.structs.replace(SOUND, sizing=SizingRule(method=SizingMethod.FIXED, fixed_quantity_nanos=NANOS)).check()


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"exits": ExitRule()}, "exits.stop"),
        ({"sizing": SizingRule(method=SizingMethod.FIXED)}, "fixed_quantity_nanos"),
        ({"exits": ExitRule(stop=bps(10), time_stop_ns=-1)}, "negative"),
        ({"exits": ExitRule(stop=bps(10), retry_ns=-1)}, "negative"),
        ({"exits": ExitRule(stop=bps(10), retry_ns=0)}, "1 ms at the soonest"),
        ({"reentry": ReentryRule(cooldown_ns=-1)}, "negative"),
        ({"entry": EntryRule(live_for_ns=-1)}, "negative"),
        ({"entry": EntryRule(slippage=bps(float("nan")))}, r"entry\.slippage\.value is nan"),
        ({"exits": ExitRule(stop=bps(-10))}, r"exits\.stop\.value is -10"),
        ({"exits": ExitRule(stop=bps(10), failures_max=0)}, "1 at least"),
        ({"sizing": SizingRule(risk_bps=float("inf"))}, "finite"),
        ({"reentry": ReentryRule(loss_cooldown_ns=-1)}, "negative"),
        ({"partial_fill": PartialFillRule(after_ns=-1)}, "negative"),
        ({"subscribe": Subscription(timer_ns=-1)}, "negative"),
        ({"subscribe": Subscription(timer_ns=1_000)}, "every 1 ms at the most"),
        ({"entry": FOLLOWING | {"style": EntryStyle.MARKETABLE_LIMIT}}, "needs a passive_limit entry that rests"),
        ({"entry": FOLLOWING | {"time_in_force": TimeInForce.IOC}}, "needs a passive_limit entry that rests"),
        ({"entry": FOLLOWING | {"follow_ns": SECOND_NS - 1}}, "every second at the most"),
        ({"entry": FOLLOWING | {"follow_bps_max": 0}}, "how far and how often"),
        ({"entry": FOLLOWING | {"follows_max": 0}}, "how far and how often"),
    ],
)
def test_a_plan_that_cannot_work_is_refused(changes: dict[str, Any], word: str) -> None:
    if isinstance(changes.get("entry"), dict):
        changes = changes | {"entry": EntryRule(**changes["entry"])}
    with pytest.raises(BadPlanError, match=word):
        msgspec.structs.replace(SOUND, **changes).check()


@pytest.mark.req("G1")
def test_a_resting_entry_may_follow_the_market() -> None:
    for life in (TimeInForce.DAY, TimeInForce.GTC):
        msgspec.structs.replace(SOUND, entry=EntryRule(**FOLLOWING | {"time_in_force": life})).check()


@pytest.mark.parametrize(
    ("distance", "atr_usd", "nanos"),
    [
        (dollars(0.29), 0.0, 290_000_000),
        (dollars(2.01), 0.0, 2_010_000_000),
        (bps(8.2), 0.0, 41_000_000),  # of $50
        (bps(0.1), 0.0, 500_000),
        (atr(1.5), 0.04, 60_000_000),
        (atr(1.5), 0.0, 0),
    ],
)
def test_a_distance_is_exact_to_the_nano(distance: Any, atr_usd: float, nanos: int) -> None:
    assert distance.nanos(price_nanos=50 * NANOS, atr=atr_usd) == nanos
