"""The trigger of the live benchmark: buy whenever the bid stands above a level. Every such quote is an order."""

from typing import Any

import msgspec

from tidegate.strategies.plan import EntryRule, ExitRule, Plan, ReentryRule, SizingMethod, SizingRule, dollars
from tidegate.strategies.rows import BUY, NONE
from tidegate.strategies.strategy import Attention, Intent, NoState, View
from tidegate.values.money import NANOS

NAME = "above"
VERSION = 1
LEVEL_USD = 100.095


class Params(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing can be set."""


def plan(params: Params) -> Plan:  # noqa: ARG001 - the contract of a plan
    """State the rules: one share, immediately or not at all, again at once."""
    return Plan(
        signal="a bid above a level",
        entry=EntryRule(slippage=dollars(0.01)),
        exits=ExitRule(slippage=dollars(0.05), failures_max=1_000_000),
        sizing=SizingRule(method=SizingMethod.FIXED, fixed_quantity_nanos=NANOS, displayed_share=0.0, notional_usd_max=1e9),
        reentry=ReentryRule(refusal_cooldown_ns=0),
    )


def trigger(symbol: Any, regime: Any, own: Any, params: Any) -> int:  # noqa: ARG001 - the contract of a trigger
    """Look at the bid."""
    return BUY if symbol.bid > LEVEL_USD else NONE


def decide(view: View, state: NoState, attention: Attention) -> tuple[NoState, Intent]:  # noqa: ARG001 - the contract of decide
    """Take the trigger at its word."""
    assert attention.side is not None, "a trigger's attention has a side"
    return state, Intent(attention.side, "the bid is above the level")
