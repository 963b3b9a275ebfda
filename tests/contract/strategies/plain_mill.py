"""Plain Python asked by bars, quotes and timers; its answers follow from a number in its State."""

import msgspec

from tidegate.strategies.plan import (
    EntryRule,
    EntryStyle,
    ExitAt,
    ExitRule,
    PartialFillRule,
    Plan,
    ReentryRule,
    SizingRule,
    Subscription,
    bps,
)
from tidegate.strategies.strategy import Attention, Intent, Nothing, View
from tidegate.values.enums import PartialFillPolicy, Purpose, Side, TimeInForce
from tidegate.values.time import SECOND_NS

NAME = "plain_mill"
VERSION = 1


class Params(msgspec.Struct, frozen=True, kw_only=True):
    """What can be set."""

    quotes: bool = False
    seconds: bool = False
    minutes: bool = False
    timer_s: float = 0.0
    passive: bool = False
    chase: bool = False
    follow: bool = False  # where it rests
    hold_s: float = 0.0
    stop_bps: float = 25.0
    at_venue: bool = False
    live_for_s: float = 0.0
    eager: int = 3  # of ten answers so many are entries
    sliced: bool = False
    fault_at: int = 0  # the call that raises; 0: none


class State(msgspec.Struct, frozen=True):
    """A number that moves with every call, and the last symbols."""

    number: int = 1
    calls: int = 0
    last: tuple[str, ...] = ()


def plan(params: Params) -> Plan:
    """State every rule from the parameters."""
    return Plan(
        signal="a number in its state",
        subscribe=Subscription(
            quotes=params.quotes,
            second_bars=params.seconds,
            minute_bars=params.minutes,
            timer_ns=int(params.timer_s * SECOND_NS),
        ),
        entry=EntryRule(
            style=EntryStyle.PASSIVE_LIMIT if params.passive else EntryStyle.MARKETABLE_LIMIT,
            time_in_force=TimeInForce.DAY,
            live_for_ns=int(params.live_for_s * SECOND_NS),
            sliced=params.sliced,
            follow_ns=SECOND_NS if params.follow and params.passive else 0,
            follow_bps_max=60,
            follows_max=3,
        ),
        exits=ExitRule(
            exit_at=ExitAt.VENUE if params.at_venue else ExitAt.ENGINE,
            stop=bps(params.stop_bps),
            time_stop_ns=int(params.hold_s * SECOND_NS),
            retry_ns=SECOND_NS // 2,
        ),
        sizing=SizingRule(risk_bps=2.0, notional_usd_max=2_000.0),
        reentry=ReentryRule(refusal_cooldown_ns=SECOND_NS // 2),
        partial_fill=PartialFillRule(
            policy=PartialFillPolicy.CHASE if params.chase else PartialFillPolicy.CANCEL_REST,
            after_ns=SECOND_NS // 4,
            chase_bps_max=30,
            chases_max=2,
        ),
    )


def decide(view: View, state: State, attention: Attention) -> tuple[State, Intent | Nothing]:
    """Enter, leave or do nothing by the number."""
    calls = state.calls + 1
    if calls == view.params.fault_at:
        raise ValueError(f"the fault of call {calls}")
    number = (state.number * 1_103_515_245 + 12_345) % 2_147_483_648
    if view.now_ns // 1_000 % 11 == 0:
        return state, Nothing(reason="the state stays")
    state = State(number=number, calls=calls, last=(*state.last[-2:], view.symbol))
    draw = (number >> 16) % 10
    if view.position and draw >= 8:
        return state, Intent(side=Side.SELL, purpose=Purpose.EXIT, reason=f"left by {attention.kind.value}")
    if draw >= view.params.eager:
        return state, Nothing(reason=f"drew {draw}")
    side = Side.BUY if number % 2 else Side.SELL
    if draw == 0:
        return state, Intent(side=side, reason="own size", quantity=float(1 + number % 7))
    if draw == 1:
        return state, Intent(side=side, reason="own levels", stop_distance=0.05, take_distance=0.04)
    return state, Intent(side=side, reason="by the plan")
