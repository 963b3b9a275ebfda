"""The common strategy of the benchmark as a user would write it: z-score mean reversion on two moving averages of the mid.

A marketable IOC order of 100 shares against the move where |z| > 1.85; exit where z crosses 0, or after 1,500 quotes.
"""

import math
from typing import Any

import msgspec

from tidegate.features.update import ratio
from tidegate.strategies.plan import EntryRule, ExitRule, Plan, ReentryRule, SizingMethod, SizingRule, dollars
from tidegate.strategies.rows import BUY, EXIT, NONE, SELL
from tidegate.strategies.strategy import Attention, Intent, NoState, View
from tidegate.values.money import NANOS
from tidegate.values.time import MILLISECOND_NS

NAME = "zscore"
VERSION = 1

FAST, SLOW, VARIANCE, SEEN = 0, 1, 2, 3


class Params(msgspec.Struct, frozen=True, kw_only=True):
    """Weights of the averages, thresholds and the time stop in quotes."""

    fast_weight: float = 2.0 / 21.0
    slow_weight: float = 2.0 / 401.0
    z_in: float = 1.85
    hold_quotes: int = 1_500
    warm_up_quotes: int = 1_000
    shares: int = 100


def plan(params: Params) -> Plan:
    """Return the declared rules."""
    return Plan(
        signal="z-score of the fast average against the slow one",
        entry=EntryRule(slippage=dollars(0.05)),
        exits=ExitRule(slippage=dollars(0.05), retry_ns=MILLISECOND_NS),
        sizing=SizingRule(method=SizingMethod.FIXED, fixed_quantity_nanos=params.shares * NANOS, displayed_share=0.0, notional_usd_max=1e9),
        reentry=ReentryRule(refusal_cooldown_ns=0),
    )


def trigger(symbol: Any, regime: Any, own: Any, params: Any) -> int:  # noqa: ARG001 - the contract of a trigger
    """Move the averages with every quote and say what to do."""
    mid = symbol.mid
    if own.scratch[SEEN] == 0.0:
        own.scratch[FAST] = mid
        own.scratch[SLOW] = mid
    fast = own.scratch[FAST] + params.fast_weight * (mid - own.scratch[FAST])
    slow = own.scratch[SLOW] + params.slow_weight * (mid - own.scratch[SLOW])
    off = mid - slow
    variance = own.scratch[VARIANCE] + params.slow_weight * (off * off - own.scratch[VARIANCE])
    own.scratch[FAST] = fast
    own.scratch[SLOW] = slow
    own.scratch[VARIANCE] = variance
    own.scratch[SEEN] += 1.0
    if own.scratch[SEEN] <= params.warm_up_quotes or variance <= 0.0:
        return NONE
    z = ratio(fast - slow, math.sqrt(variance), 0.0)
    if own.position_nanos == 0:
        return SELL if z > params.z_in else (BUY if z < -params.z_in else NONE)
    late = own.age_events >= params.hold_quotes
    if own.position_nanos > 0:
        return EXIT if z >= 0.0 or late else NONE
    return EXIT if z <= 0.0 or late else NONE


def decide(view: View, state: NoState, attention: Attention) -> tuple[NoState, Intent]:  # noqa: ARG001 - the contract of decide
    """Take the trigger at its word."""
    assert attention.side is not None, "a trigger's attention has a side"
    return state, Intent(attention.side, "z beyond its threshold")
