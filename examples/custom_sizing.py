"""Sizing of one's own: a share of equity, less where volatility is high, named in the intent.

The gate judges it all the same: a quantity above a limit is refused, whoever thought of it.
"""

from typing import Any

import msgspec

from tidegate.strategies.plan import ExitRule, Plan, atr
from tidegate.strategies.rows import BUY, NONE
from tidegate.strategies.strategy import Attention, Intent, NoState, Nothing, View
from tidegate.values.time import MINUTE_NS

NAME = "custom_sizing"
VERSION = 1


class Params(msgspec.Struct, frozen=True, kw_only=True):
    """What can be set."""

    equity_share: float = 0.05  # of equity in one position, in a calm market
    calm: float = 0.0002  # volatility per root second up to which the whole share is used
    strength: float = 0.3  # trend strength, 0 to 1, at which it buys


def plan(params: Params) -> Plan:
    """State exits; sizing stays the default, for the entries that name no quantity."""
    return Plan(
        signal=f"upward trend of strength {params.strength:g}",
        exits=ExitRule(stop=atr(2.0), take=atr(4.0), time_stop_ns=15 * MINUTE_NS),
        do_nothing=("equity cannot be valued", "not even one share fits"),
    )


def trigger(symbol: Any, regime: Any, own: Any, params: Any) -> int:
    """Buy into a trend that is strong enough, while the market as a whole does not fall."""
    rising = symbol.trend_direction > 0.0 and symbol.trend_strength >= params.strength
    if symbol.valid == 1 and own.position == 0.0 and rising and regime.breadth >= 0.0:
        return BUY
    return NONE


def decide(view: View, state: NoState, attention: Attention) -> tuple[NoState, Intent | Nothing]:
    """Work out the quantity and say how."""
    if attention.side is None or view.equity_usd is None:
        return state, Nothing(reason="equity cannot be valued, so no share of it can be taken")
    volatility = max(view.features.volatility_short, view.params.calm)
    share = view.params.equity_share * view.params.calm / volatility
    quantity = float(int(share * view.equity_usd / view.ask))
    if quantity < 1.0:
        return state, Nothing(reason=f"{share:.2%} of equity is less than a share at {view.ask:.2f}")
    strength = view.features.trend_strength
    reason = f"trend strength {strength:.2f}; {share:.2%} of equity is {quantity:g} shares"
    return state, Intent(side=attention.side, quantity=quantity, reason=reason)
