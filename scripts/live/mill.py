"""A strategy that always has something under way: it enters by counting records and leaves by counting more, whatever the market does."""

from typing import Any

import msgspec

from tidegate.strategies.plan import EntryRule, EntryStyle, ExitAt, ExitRule, Plan, ReentryRule, SizingMethod, SizingRule, bps
from tidegate.strategies.rows import BUY, EXIT, NONE
from tidegate.strategies.strategy import Attention, Intent, NoState, Nothing, View
from tidegate.values.enums import TimeInForce
from tidegate.values.money import NANOS
from tidegate.values.time import SECOND_NS

BPS = 10_000.0
NAME = "mill"
VERSION = 1


class Params(msgspec.Struct, frozen=True, kw_only=True):
    """What can be set."""

    every: int = 40  # accepted records of a symbol between an exit and the next entry
    hold: int = 40  # accepted records that a position is held
    resting: bool = False  # entries rest at the near side of the book instead of crossing it
    live_for_s: float = 20.0  # what rests is canceled after so long
    follow_s: float = 0.0  # what rests is laid at the near side anew after so long; 0: it stays
    away_bps: float = 0.0  # resting entries stand so far below the bid: they are never filled
    shares: int = 5
    stop_bps: float = 0.0  # a stop rests at the venue so far from the fill; 0: none


def plan(params: Params) -> Plan:
    """State the rules: the count ends a position, or its stop at the venue."""
    style = EntryStyle.PASSIVE_LIMIT if params.resting else EntryStyle.MARKETABLE_LIMIT
    return Plan(
        signal="a count of records",
        entry=EntryRule(
            style=style,
            slippage=bps(20.0),
            time_in_force=TimeInForce.DAY if params.resting else TimeInForce.IOC,
            live_for_ns=int(params.live_for_s * SECOND_NS) if params.resting else 0,
            follow_ns=int(params.follow_s * SECOND_NS) if params.resting else 0,
            follow_bps_max=100,
            follows_max=4,
        ),
        exits=ExitRule(
            exit_at=ExitAt.VENUE if params.stop_bps else ExitAt.ENGINE,
            stop=bps(params.stop_bps) if params.stop_bps else None,
            slippage=bps(40.0),
            failures_max=1_000,
        ),
        sizing=SizingRule(method=SizingMethod.FIXED, fixed_quantity_nanos=params.shares * NANOS, displayed_share=0.0),
        reentry=ReentryRule(refusal_cooldown_ns=SECOND_NS // 4),
    )


def trigger(symbol: Any, regime: Any, own: Any, params: Any) -> int:  # noqa: ARG001 - the contract of a trigger
    """Fire by count."""
    if own.position_nanos != 0:
        own.scratch[0] = 0.0
        return EXIT if own.age_events >= params.hold else NONE
    own.scratch[0] += 1.0
    if own.scratch[0] >= params.every:
        own.scratch[0] = 0.0
        return BUY
    return NONE


def decide(view: View, state: NoState, attention: Attention) -> tuple[NoState, Intent | Nothing]:
    """Take the trigger at its word."""
    if attention.side is None:
        return state, Nothing(reason="no side")
    away = view.params.away_bps / BPS
    limit = round(view.bid * (1.0 - away), 2) if away else None
    return state, Intent(side=attention.side, reason=f"the count is full at {view.bid:.2f}", limit_price=limit)
