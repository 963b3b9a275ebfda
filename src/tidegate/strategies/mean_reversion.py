"""Mean reversion, for a market without direction: buy what fell far below its recent mean, sell what rose far above it.

The mean and the usual distance from it are kept by the trigger itself and weighted by time, so that a burst of a thousand
quotes in one second counts as one second.
"""

from typing import Any

import msgspec

from tidegate.features.update import ratio
from tidegate.kernel.mode import kernel
from tidegate.strategies.plan import EntryRule, ExitRule, Plan, ReentryRule, SizingRule, atr, bps
from tidegate.strategies.rows import BUY, EXIT, NONE, SELL
from tidegate.strategies.strategy import Attention, Intent, NoState, Nothing, View
from tidegate.values.time import SECOND_NS

NAME = "mean_reversion"
VERSION = 1

NS_PER_S = 1e9

# Cells of own.scratch.
MEAN = 0  # of the mid, dollars
DEVIATION = 1  # mean distance of the mid from its mean, dollars
SEEN_S = 2  # when both were last moved, seconds since 1970
STARTED_S = 3  # when both began; 0: not yet
Z = 4  # distance from the mean in deviations, for the reason


class Params(msgspec.Struct, frozen=True, kw_only=True):
    """What can be set."""

    memory_s: float = 120.0  # seconds after which an old price has lost most of its weight in the mean
    entry_z: float = 2.5  # deviations from the mean at which it enters
    exit_z: float = 0.5  # deviations from the mean at which it has come back
    edge_spreads: float = 2.0  # the way back to the mean must be this many spreads long, or it does not pay
    stop_atr: float = 3.0  # stop loss, in average true ranges of a minute
    take_atr: float = 3.0  # take profit, likewise
    trail_atr: float = 4.0  # trailing stop, likewise
    hold_s: float = 600.0  # what has not come back by then is sold
    spread_kill_bps: float = 40.0  # a wider spread ends the position: the market has changed
    slippage_bps: float = 3.0  # how far beyond the touch an entry may pay
    risk_bps: float = 5.0  # of equity, lost if the stop is hit
    notional_usd: float = 8_000.0  # an entry is never larger
    pause_s: float = 60.0  # after a position, before the next in the same symbol
    loss_pause_s: float = 300.0  # likewise, after a losing one
    short: bool = True  # also sell what it does not hold


def plan(params: Params) -> Plan:
    """State every rule that a machine can enforce."""
    return Plan(
        signal=f"mid {params.entry_z:g} deviations and {params.edge_spreads:g} spreads from its mean over {params.memory_s:g} s",
        entry=EntryRule(slippage=bps(params.slippage_bps)),
        exits=ExitRule(
            stop=atr(params.stop_atr),
            take=atr(params.take_atr),
            trail=atr(params.trail_atr),
            time_stop_ns=int(params.hold_s * SECOND_NS),
            spread_kill_bps=params.spread_kill_bps,
        ),
        sizing=SizingRule(risk_bps=params.risk_bps, notional_usd_max=params.notional_usd, displayed_share=1.0),
        reentry=ReentryRule(cooldown_ns=int(params.pause_s * SECOND_NS), loss_cooldown_ns=int(params.loss_pause_s * SECOND_NS)),
        do_nothing=(
            "the features are not warm",
            f"the mean is younger than {2 * params.memory_s:g} s",
            f"the way back is shorter than {params.edge_spreads:g} spreads",
            "a minute's range is smaller than the spread: the stop would be hit by standing still",
        ),
    )


def trigger(symbol: Any, regime: Any, own: Any, params: Any) -> int:  # noqa: ARG001 - the regime decides by eligibility
    """Move the mean, then say what the distance from it means."""
    if symbol.quote_ns == 0:
        return NONE
    now_s = symbol.seen_ns / NS_PER_S
    if own.scratch[STARTED_S] == 0.0 or symbol.warm_seconds == 0:  # first quote, or first after a gap
        own.scratch[MEAN] = symbol.mid
        own.scratch[DEVIATION] = 0.0
        own.scratch[STARTED_S] = now_s
    z = _move(symbol, own, params, now_s)
    if own.position > 0.0:
        return EXIT if z >= -params.exit_z else NONE
    if own.position < 0.0:
        return EXIT if z <= params.exit_z else NONE
    return _enter(symbol, own, params, now_s)


@kernel
def _move(symbol: Any, own: Any, params: Any, now_s: float) -> float:
    """Take the mid into mean and deviation, weighted by the time since the last one; return the new z."""
    passed_s = now_s - own.scratch[SEEN_S]
    weight = ratio(passed_s, params.memory_s + passed_s, 0.0)
    off = symbol.mid - own.scratch[MEAN]
    own.scratch[MEAN] += weight * off
    own.scratch[DEVIATION] += weight * (abs(off) - own.scratch[DEVIATION])
    own.scratch[SEEN_S] = now_s
    own.scratch[Z] = ratio(symbol.mid - own.scratch[MEAN], own.scratch[DEVIATION], 0.0)
    return own.scratch[Z]


@kernel
def _enter(symbol: Any, own: Any, params: Any, now_s: float) -> int:
    young = now_s - own.scratch[STARTED_S] < 2.0 * params.memory_s
    short_way = abs(symbol.mid - own.scratch[MEAN]) < params.edge_spreads * (symbol.ask - symbol.bid)
    if symbol.valid == 0 or young or short_way:
        return NONE
    if own.scratch[Z] <= -params.entry_z:
        return BUY
    if own.scratch[Z] >= params.entry_z and params.short == 1:
        return SELL
    return NONE


def decide(view: View, state: NoState, attention: Attention) -> tuple[NoState, Intent | Nothing]:
    """Say why, or why not."""
    if attention.side is None:
        return state, Nothing(reason="only the trigger's entries are followed")
    if view.features.atr <= view.ask - view.bid:
        return state, Nothing(reason=f"a minute's range of ${view.features.atr:.4f} is within the spread of ${view.ask - view.bid:.4f}")
    mid = 0.5 * (view.bid + view.ask)
    return state, Intent(
        side=attention.side,
        reason=f"mid ${mid:.4f} is {view.scratch[Z]:+.1f} deviations from its mean ${view.scratch[MEAN]:.4f}",
    )
