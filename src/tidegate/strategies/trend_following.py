"""Trend following, for a market with direction: go with the averages while price, averages and returns all point one way."""

from typing import Any

import msgspec

from tidegate.kernel.mode import kernel
from tidegate.strategies.plan import EntryRule, ExitRule, Plan, ReentryRule, SizingRule, atr, bps
from tidegate.strategies.rows import BUY, EXIT, NONE, SELL
from tidegate.strategies.strategy import Attention, Intent, NoState, Nothing, View
from tidegate.values.time import SECOND_NS

NAME = "trend_following"
VERSION = 1


class Params(msgspec.Struct, frozen=True, kw_only=True):
    """What can be set."""

    gap_atr: float = 0.5  # the fast average must lead the slow one by this many average true ranges of a minute
    stop_atr: float = 2.0  # stop loss, in average true ranges of a minute
    take_atr: float = 6.0  # take profit, likewise
    trail_atr: float = 3.0  # trailing stop, likewise
    hold_s: float = 1_800.0  # the longest it stays in
    spread_kill_bps: float = 40.0  # a wider spread ends the position: the market has changed
    slippage_bps: float = 5.0  # how far beyond the touch an entry may pay
    risk_bps: float = 5.0  # of equity, lost if the stop is hit
    notional_usd: float = 8_000.0  # an entry is never larger
    volatility_target: float = 0.0005  # above this volatility per root second it takes less; 0: never less
    pause_s: float = 120.0  # after a position, before the next in the same symbol
    loss_pause_s: float = 600.0  # likewise, after a losing one
    short: bool = True  # also sell what it does not hold


def plan(params: Params) -> Plan:
    """State every rule that a machine can enforce."""
    return Plan(
        signal=f"fast average {params.gap_atr:g} ATR beyond the slow one, price beyond the fast one, returns likewise",
        entry=EntryRule(slippage=bps(params.slippage_bps)),
        exits=ExitRule(
            stop=atr(params.stop_atr),
            take=atr(params.take_atr),
            trail=atr(params.trail_atr),
            time_stop_ns=int(params.hold_s * SECOND_NS),
            spread_kill_bps=params.spread_kill_bps,
        ),
        sizing=SizingRule(
            risk_bps=params.risk_bps,
            notional_usd_max=params.notional_usd,
            volatility_target=params.volatility_target,
            displayed_share=1.0,
        ),
        reentry=ReentryRule(cooldown_ns=int(params.pause_s * SECOND_NS), loss_cooldown_ns=int(params.loss_pause_s * SECOND_NS)),
        do_nothing=(
            "the features are not warm",
            "price, averages and returns disagree about the direction",
            "the market as a whole trends the other way",
            "a minute's range is smaller than the spread: the stop would be hit by standing still",
        ),
    )


def trigger(symbol: Any, regime: Any, own: Any, params: Any) -> int:
    """Say which way everything points, and when that is over."""
    if symbol.valid == 0 or symbol.quote_ns == 0:
        return NONE
    gap = symbol.ema_fast - symbol.ema_slow
    if own.position > 0.0:
        return EXIT if gap < 0.0 else NONE
    if own.position < 0.0:
        return EXIT if gap > 0.0 else NONE
    return _enter(symbol, regime, params, gap)


@kernel
def _enter(symbol: Any, regime: Any, params: Any, gap: float) -> int:
    lead = params.gap_atr * symbol.atr
    if gap > lead and symbol.mid > symbol.ema_fast and symbol.trend_direction > 0.0 and regime.breadth >= 0.0:
        return BUY
    if params.short == 0:
        return NONE
    if gap < -lead and symbol.mid < symbol.ema_fast and symbol.trend_direction < 0.0 and regime.breadth <= 0.0:
        return SELL
    return NONE


def decide(view: View, state: NoState, attention: Attention) -> tuple[NoState, Intent | Nothing]:
    """Say why, or why not."""
    seen = view.features
    if attention.side is None:
        return state, Nothing(reason="only the trigger's entries are followed")
    if seen.atr <= view.ask - view.bid:
        return state, Nothing(reason=f"a minute's range of ${seen.atr:.4f} is within the spread of ${view.ask - view.bid:.4f}")
    gap_atr = (seen.ema_fast - seen.ema_slow) / seen.atr
    return state, Intent(
        side=attention.side,
        reason=f"fast average leads by {gap_atr:+.2f} ATR of ${seen.atr:.4f}, trend strength {seen.trend_strength:.2f}",
    )
