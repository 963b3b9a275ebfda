"""Labels of symbols and of market groups.

Hysteresis is twofold: the threshold to leave a label is lower than the one to enter it, and a new label must hold for a
number of evaluations in a row. UNTRADEABLE alone is taken at once, and left like any other.
"""

from typing import Any

from tidegate.kernel.mode import kernel
from tidegate.kernel.tables import row_at, row_count
from tidegate.market.rows import FEED_DOWN, HALTED
from tidegate.regime import rows
from tidegate.values.time import NEVER_NS


@kernel
def classify_symbol(symbol: Any, regime: Any, settings: Any, now_ns: int) -> bool:
    """Evaluate one symbol; return whether its label changed."""
    why = untradeable_why(symbol, settings, now_ns)
    if why == 0 and symbol.spread_anomaly >= threshold(regime.why == rows.WHY_SPREAD, settings.spread_enter, settings.spread_leave):
        why = rows.WHY_SPREAD
    label = rows.UNTRADEABLE
    if why == 0:
        label, why = _moving_label(symbol, regime.label, settings)
    changed = settle(regime, label, why, settings.confirmations_min, now_ns)
    regime.direction = symbol.trend_direction if regime.label == rows.TREND else 0.0
    return changed


@kernel
def untradeable_why(symbol: Any, settings: Any, now_ns: int) -> int:
    """Return why the symbol cannot be traded, 0 if it can."""
    if symbol.quality & HALTED != 0:
        return rows.WHY_HALTED
    if symbol.quality & FEED_DOWN != 0:
        return rows.WHY_FEED
    if symbol.valid == 0:
        return rows.WHY_BLIND
    if is_stale(symbol, settings, now_ns):
        return rows.WHY_STALE
    if now_ns < symbol.shock_until_ns or symbol.newsy_from_ns <= now_ns < symbol.newsy_until_ns:
        return rows.WHY_NEWSY
    return 0


@kernel
def is_stale(symbol: Any, settings: Any, now_ns: int) -> bool:
    """Tell whether the last quote (where bars are made of prints: the last regular one) is too old to be traded on."""
    return now_ns - _last_ns(symbol) > _stale_ns(symbol, settings)


@kernel
def stale_due_ns(symbol: Any, settings: Any) -> int:
    """Return when a symbol that stays silent is to be looked at: the first evaluation of groups at which it is stale."""
    last_ns = _last_ns(symbol)
    fresh_until_ns = last_ns + min(_stale_ns(symbol, settings), NEVER_NS - last_ns)
    if fresh_until_ns >= NEVER_NS:
        return NEVER_NS
    return fresh_until_ns - fresh_until_ns % settings.evaluate_ns + settings.evaluate_ns


@kernel
def _last_ns(symbol: Any) -> int:
    return symbol.trade_ns if symbol.bars_from_trades == 1 else symbol.quote_ns


@kernel
def _stale_ns(symbol: Any, settings: Any) -> int:
    return symbol.stale_ns if symbol.stale_ns != 0 else settings.stale_ns


@kernel
def _moving_label(symbol: Any, now_label: int, settings: Any) -> tuple[int, int]:
    expansion = threshold(now_label == rows.VOL_EXPANSION, settings.expansion_enter, settings.expansion_leave)
    if symbol.volatility_short >= expansion * symbol.volatility_long and symbol.volatility_long > 0.0:
        return rows.VOL_EXPANSION, rows.WHY_VOLATILITY
    if symbol.trend_strength >= threshold(now_label == rows.TREND, settings.trend_enter, settings.trend_leave):
        return rows.TREND, rows.WHY_DIRECTION
    return rows.CHOP, rows.WHY_QUIET


@kernel
def threshold(inside: Any, enter: float, leave: float) -> float:
    """Return the level that counts: the lower one to stay, the higher one to enter."""
    return leave if inside else enter


@kernel
def settle(row: Any, label: int, why: int, confirmations_min: int, now_ns: int) -> bool:
    """Move the row's label when the new one has held long enough; return whether it changed."""
    if label == row.label:
        row.confirmations = 0
        row.why = why
        return False
    if label != row.candidate:
        row.candidate = label
        row.confirmations = 0
    row.confirmations += 1
    if label != rows.UNTRADEABLE and row.confirmations < confirmations_min:
        return False
    row.label = label
    row.why = why
    row.since_ns = now_ns
    row.confirmations = 0
    return True


@kernel
def classify_group(group: Any, place: int, symbols: Any, regimes: Any, settings: Any, now_ns: int) -> bool:
    """Evaluate a market group from its index symbol, if it has one, and its breadth; return whether its label changed."""
    trending, expanding, signed = _count_members(group, place, symbols, regimes, settings, now_ns)
    readable = group.readable
    if group.members == 0 or readable < settings.readable_min * group.members or readable == 0:
        return settle(group, rows.UNTRADEABLE, rows.WHY_BREADTH, settings.confirmations_min, now_ns)
    group.trending = trending / readable
    group.expanding = expanding / readable
    group.breadth = signed / readable
    index_label = rows.CHOP
    if group.index_symbol >= 0:
        why = untradeable_why(row_at(symbols, group.index_symbol), settings, now_ns)
        if why != 0:
            return settle(group, rows.UNTRADEABLE, why, settings.confirmations_min, now_ns)
        index_label = row_at(regimes, group.index_symbol).label
    label, why = _group_label(group, index_label, settings)
    return settle(group, label, why, settings.confirmations_min, now_ns)


@kernel
def _count_members(group: Any, place: int, symbols: Any, regimes: Any, settings: Any, now_ns: int) -> tuple[int, int, float]:
    readable = 0
    members = 0
    trending = 0
    expanding = 0
    signed = 0.0
    for i in range(row_count(symbols)):
        if row_at(symbols, i).group != place or i == group.index_symbol:
            continue
        members += 1
        if untradeable_why(row_at(symbols, i), settings, now_ns) != 0:
            continue
        readable += 1
        if row_at(regimes, i).label == rows.TREND:
            trending += 1
            signed += row_at(regimes, i).direction
        elif row_at(regimes, i).label == rows.VOL_EXPANSION:
            expanding += 1
    group.readable = readable
    group.members = members
    return trending, expanding, signed


@kernel
def _group_label(group: Any, index_label: int, settings: Any) -> tuple[int, int]:
    in_expansion = group.label == rows.VOL_EXPANSION
    in_trend = group.label == rows.TREND
    if index_label == rows.VOL_EXPANSION or group.expanding >= threshold(in_expansion, settings.breadth_enter, settings.breadth_leave):
        return rows.VOL_EXPANSION, rows.WHY_VOLATILITY
    if index_label == rows.TREND or group.trending >= threshold(in_trend, settings.breadth_enter, settings.breadth_leave):
        return rows.TREND, rows.WHY_DIRECTION
    return rows.CHOP, rows.WHY_QUIET
