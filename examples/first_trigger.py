"""A first strategy: buy a price that fell well below its slow average, sell when it is back."""

from typing import Any

import msgspec

from tidegate import BUY, EXIT, NONE, Attention, ExitRule, Intent, NoState, Plan, SizingRule, View, atr

NAME = "first_trigger"
VERSION = 1


class Params(msgspec.Struct, frozen=True, kw_only=True):
    """What can be set."""

    below_atr: float = 1.0  # how far below its slow average it buys, in average true ranges of a minute


def plan(params: Params) -> Plan:
    """State what the engine enforces: the exits of every position."""
    return Plan(
        signal=f"{params.below_atr:g} ATR below the slow average",
        exits=ExitRule(stop=atr(3.0), take=atr(3.0)),
        sizing=SizingRule(risk_bps=5.0, notional_usd_max=5_000.0),
    )


def trigger(symbol: Any, regime: Any, own: Any, params: Any) -> int:
    """Say what to do at this record; compiled, so numbers only."""
    below = symbol.ema_slow - symbol.mid
    if own.position > 0.0:
        return EXIT if below <= 0.0 else NONE
    cheap = symbol.valid == 1 and below > params.below_atr * symbol.atr
    return BUY if cheap and regime.direction >= 0.0 else NONE


def decide(view: View, state: NoState, attention: Attention) -> tuple[NoState, Intent]:
    """Say why; size, price and exits follow from the plan."""
    reason = f"ask {view.ask:.2f} is below the average {view.features.ema_slow:.2f}"
    return state, Intent(side=attention.side, reason=reason)
