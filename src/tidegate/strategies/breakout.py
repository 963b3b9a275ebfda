"""Breakout, for a market whose volatility grows: go with a price that leaves its range on more volume than usual."""

from typing import Any

import msgspec

from tidegate.kernel.mode import kernel
from tidegate.strategies.plan import EntryRule, ExitRule, Plan, ReentryRule, SizingRule, atr, bps
from tidegate.strategies.rows import BUY, EXIT, NONE, SELL
from tidegate.strategies.strategy import Attention, Intent, NoState, Nothing, View
from tidegate.values.time import SECOND_NS

NAME = "breakout"
VERSION = 1

# Cells of own.scratch.
EDGE = 0  # the edge of the range that was left, dollars; 0: none yet


class Params(msgspec.Struct, frozen=True, kw_only=True):
    """What can be set."""

    beyond_atr: float = 0.1  # how far outside the range counts as left, in average true ranges of a minute
    back_atr: float = 1.0  # back inside the range by this much, the break was false
    volume: float = 1.2  # recent volume over usual volume must be at least this
    range_spreads: float = 4.0  # a range narrower than this many spreads is noise
    stop_atr: float = 1.5  # stop loss, in average true ranges of a minute
    take_atr: float = 4.0  # take profit, likewise
    trail_atr: float = 2.0  # trailing stop, likewise
    hold_s: float = 900.0  # the longest it stays in
    spread_kill_bps: float = 60.0  # a wider spread ends the position: the market has changed
    slippage_bps: float = 8.0  # how far beyond the touch an entry may pay
    risk_bps: float = 5.0  # of equity, lost if the stop is hit
    notional_usd: float = 8_000.0  # an entry is never larger
    pause_s: float = 300.0  # after a position, before the next in the same symbol
    loss_pause_s: float = 900.0  # likewise, after a losing one
    short: bool = True  # also sell what it does not hold


def plan(params: Params) -> Plan:
    """State every rule that a machine can enforce."""
    return Plan(
        signal=f"mid {params.beyond_atr:g} ATR outside the range of the last minutes on {params.volume:g} times the usual volume",
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
            f"the range is narrower than {params.range_spreads:g} spreads",
            "volume is as usual",
            "a minute's range is smaller than the spread: the stop would be hit by standing still",
        ),
    )


def trigger(symbol: Any, regime: Any, own: Any, params: Any) -> int:  # noqa: ARG001 - the regime decides by eligibility
    """Say when the range is left, and when the price is back inside."""
    if symbol.valid == 0 or symbol.quote_ns == 0:
        return NONE
    if own.position != 0.0:
        return _leave(symbol, own, params)
    narrow = symbol.range_high - symbol.range_low < params.range_spreads * (symbol.ask - symbol.bid)
    if narrow or symbol.volume_anomaly < params.volume:
        return NONE
    return _enter(symbol, own, params)


@kernel
def _enter(symbol: Any, own: Any, params: Any) -> int:
    beyond = params.beyond_atr * symbol.atr
    if symbol.mid > symbol.range_high + beyond:
        own.scratch[EDGE] = symbol.range_high
        return BUY
    if symbol.mid < symbol.range_low - beyond and params.short == 1:
        own.scratch[EDGE] = symbol.range_low
        return SELL
    return NONE


@kernel
def _leave(symbol: Any, own: Any, params: Any) -> int:
    inside = own.scratch[EDGE] - symbol.mid if own.position > 0.0 else symbol.mid - own.scratch[EDGE]
    return EXIT if inside > params.back_atr * symbol.atr else NONE


def decide(view: View, state: NoState, attention: Attention) -> tuple[NoState, Intent | Nothing]:
    """Say why, or why not."""
    seen = view.features
    if attention.side is None:
        return state, Nothing(reason="only the trigger's entries are followed")
    if seen.atr <= view.ask - view.bid:
        return state, Nothing(reason=f"a minute's range of ${seen.atr:.4f} is within the spread of ${view.ask - view.bid:.4f}")
    mid = 0.5 * (view.bid + view.ask)
    return state, Intent(
        side=attention.side,
        reason=f"mid ${mid:.4f} left the range at ${view.scratch[EDGE]:.4f} on {seen.volume_anomaly:.1f} times the usual volume",
    )
