"""A strategy for campaigns: it trades by counting, so that every kind of order, exit and partial fill comes up in seconds."""

from typing import Any

import msgspec

from tidegate.strategies.plan import (
    EntryRule,
    EntryStyle,
    ExitAt,
    ExitRule,
    PartialFillRule,
    Plan,
    ReentryRule,
    SizingMethod,
    SizingRule,
    Subscription,
    bps,
)
from tidegate.strategies.rows import BUY, NONE, SELL
from tidegate.strategies.strategy import Attention, Intent, NoState, Nothing, View
from tidegate.values.enums import PartialFillPolicy, Side, TimeInForce
from tidegate.values.money import NANOS
from tidegate.values.time import MILLISECOND_NS, SECOND_NS

NAME = "drill"
VERSION = 1
State = NoState


class Params(msgspec.Struct, frozen=True, kw_only=True):
    """What can be set."""

    every: int = 9  # accepted records of the symbol between two signals
    resting: int = 0  # 1: orders rest, follow the market, and their rest is chased; 0: they cross, their stops rest at the venue
    size: int = 6  # shares
    hold_s: float = 6.0


def plan(params: Params) -> Plan:
    """State every rule from the parameters."""
    resting = params.resting == 1
    return Plan(
        signal="a count of records",
        entry=EntryRule(
            style=EntryStyle.PASSIVE_LIMIT if resting else EntryStyle.MARKETABLE_LIMIT,
            time_in_force=TimeInForce.DAY if resting else TimeInForce.IOC,
            live_for_ns=2 * SECOND_NS if resting else 0,
            follow_ns=SECOND_NS if resting else 0,
            follow_bps_max=40,
            follows_max=2,
        ),
        exits=ExitRule(
            exit_at=ExitAt.ENGINE if resting else ExitAt.VENUE,
            stop=bps(25.0),
            take=bps(20.0),
            time_stop_ns=int(params.hold_s * SECOND_NS),
            retry_ns=SECOND_NS,
        ),
        sizing=SizingRule(method=SizingMethod.FIXED, fixed_quantity_nanos=params.size * NANOS),
        reentry=ReentryRule(cooldown_ns=SECOND_NS // 2, loss_cooldown_ns=SECOND_NS // 2, refusal_cooldown_ns=2 * SECOND_NS),
        partial_fill=PartialFillRule(
            policy=PartialFillPolicy.CHASE if resting else PartialFillPolicy.KEEP,
            after_ns=600 * MILLISECOND_NS,
            chase_bps_max=40,
            chases_max=2,
        ),
        subscribe=Subscription(),
    )


def trigger(_symbol: Any, _regime: Any, own: Any, params: Any) -> int:
    """Fire by count, buying and selling in turn; numbers only."""
    own.scratch[0] += 1.0
    if own.position_nanos != 0 or own.scratch[0] < params.every:
        return NONE
    own.scratch[0] = 0.0
    own.scratch[1] = 1.0 - own.scratch[1]
    return BUY if own.scratch[1] != 0.0 else SELL


def decide(_view: View, state: NoState, attention: Attention) -> tuple[NoState, Intent | Nothing]:
    """Take the trigger's side."""
    if attention.side is None:
        return state, Nothing(reason="no side")
    return state, Intent(side=Side.BUY if attention.side is Side.BUY else Side.SELL, reason="the count is full")
