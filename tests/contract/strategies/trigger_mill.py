"""A trigger that fires by counting, so that every entry style, exit rule and partial-fill policy comes up often."""

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
from tidegate.strategies.rows import BUY, EXIT, NONE, SELL
from tidegate.strategies.strategy import Attention, Intent, Nothing, View
from tidegate.values.enums import PartialFillPolicy, Purpose, Side, TimeInForce
from tidegate.values.money import NANOS
from tidegate.values.time import SECOND_NS

NAME = "trigger_mill"
VERSION = 1
STYLES = (EntryStyle.MARKETABLE_LIMIT, EntryStyle.PASSIVE_LIMIT, EntryStyle.MARKET)
LIVES = (TimeInForce.IOC, TimeInForce.DAY, TimeInForce.FOK)
POLICIES = (PartialFillPolicy.KEEP, PartialFillPolicy.CANCEL_REST, PartialFillPolicy.CHASE)


class Params(msgspec.Struct, frozen=True, kw_only=True):
    """What can be set."""

    every: int = 7  # accepted records between two signals
    exit_after: int = 0  # accepted records until the trigger says exit; 0: never
    declines: int = 5  # every so many signals are declined; 0: none
    style: int = 0
    life: int = 0
    policy: int = 0
    live_for_s: float = 0.0
    follow: bool = False  # where it rests
    size: int = 5  # shares; 0: by risk
    stop_bps: float = 30.0
    at_venue: bool = False
    take_bps: float = 0.0
    trail_bps: float = 0.0
    hold_s: float = 0.0
    spread_kill_bps: float = 0.0
    cooldown_s: float = 0.5
    loss_cooldown_s: float = 1.0
    timer_s: float = 0.0
    sliced: bool = False


class State(msgspec.Struct, frozen=True):
    """How often it was asked."""

    asked: int = 0


def plan(params: Params) -> Plan:
    """State every rule from the parameters."""
    follows = params.follow and params.style == params.life == 1
    return Plan(
        signal="a count of records",
        entry=EntryRule(
            follow_ns=SECOND_NS if follows else 0,
            follow_bps_max=60,
            follows_max=3,
            style=STYLES[params.style],
            time_in_force=LIVES[params.life],
            live_for_ns=int(params.live_for_s * SECOND_NS),
            sliced=params.sliced,
        ),
        exits=ExitRule(
            exit_at=ExitAt.VENUE if params.at_venue else ExitAt.ENGINE,
            stop=bps(params.stop_bps) if params.stop_bps else None,
            take=bps(params.take_bps) if params.take_bps else None,
            trail=bps(params.trail_bps) if params.trail_bps else None,
            time_stop_ns=int(params.hold_s * SECOND_NS),
            spread_kill_bps=params.spread_kill_bps,
            retry_ns=SECOND_NS // 2,
        ),
        sizing=SizingRule(method=SizingMethod.FIXED if params.size else SizingMethod.RISK, fixed_quantity_nanos=params.size * NANOS),
        reentry=ReentryRule(
            cooldown_ns=int(params.cooldown_s * SECOND_NS),
            loss_cooldown_ns=int(params.loss_cooldown_s * SECOND_NS),
            refusal_cooldown_ns=SECOND_NS // 4,
        ),
        partial_fill=PartialFillRule(policy=POLICIES[params.policy], after_ns=SECOND_NS // 5, chase_bps_max=50, chases_max=2),
        subscribe=Subscription(timer_ns=int(params.timer_s * SECOND_NS)),
    )


def trigger(symbol: Any, regime: Any, own: Any, params: Any) -> int:
    """Fire by count; numbers only."""
    own.scratch[0] += 1.0
    own.scratch[1] = 0.9 * own.scratch[1] + 0.1 * symbol.mid
    if own.position_nanos != 0:
        if params.exit_after > 0 and own.age_events >= params.exit_after:
            return EXIT
        return NONE
    if own.scratch[0] >= params.every:
        own.scratch[0] = 0.0
        return BUY if symbol.mid <= own.scratch[1] or regime.label == 1 else SELL
    return NONE


def decide(view: View, state: State, attention: Attention) -> tuple[State, Intent | Nothing]:
    """Take the trigger's side, and now and then decline or leave."""
    asked = state.asked + 1
    state = State(asked=asked)
    if attention.side is None:
        if view.position and asked % 3 == 0:
            return state, Intent(side=Side.SELL, purpose=Purpose.EXIT, reason="the timer says so")
        return state, Nothing(reason="no side")
    if view.params.declines and asked % view.params.declines == 0:
        return state, Nothing(reason="declined by count")
    return state, Intent(side=attention.side, reason=f"signal {asked} at {view.bid:.2f}")
