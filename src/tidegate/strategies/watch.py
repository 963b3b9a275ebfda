"""What the kernel watches for each pair: exit levels, which are level-triggered, and the mask over a trigger's entries.

A mask hides the result of a trigger, never its indicators: the trigger runs on every accepted record.
"""

from typing import Any

from tidegate.kernel.mode import kernel
from tidegate.strategies import rows


@kernel
def exit_wanted(own: Any, symbol: Any, now_ns: int) -> int:
    """Return which exit level is hit, EXIT_NONE if none; moves the trailing stop's best price.

    A long position is valued at the bid, a short one at the ask: the side it would be closed against.
    """
    long = own.position_nanos > 0
    price = symbol.bid_nanos if long else symbol.ask_nanos
    sign = 1 if long else -1
    own.exit_level_nanos = 0
    if own.time_stop_at_ns != 0 and now_ns >= own.time_stop_at_ns:
        return rows.EXIT_TIME
    reason = rows.EXIT_NONE
    if price != 0:
        reason = _price_level_hit(own, price, sign)
        if reason == rows.EXIT_NONE and own.spread_kill_bps != 0.0 and symbol.spread_bps > own.spread_kill_bps:
            reason = rows.EXIT_SPREAD
    return reason


@kernel
def _price_level_hit(own: Any, price: int, sign: int) -> int:
    """Look at stop, trailing stop and take profit in this order: what protects comes before what earns."""
    if own.stop_nanos != 0 and sign * (price - own.stop_nanos) <= 0:
        own.exit_level_nanos = own.stop_nanos
        return rows.EXIT_STOP
    if own.trail_nanos != 0:
        if own.trail_best_nanos == 0 or sign * (price - own.trail_best_nanos) > 0:
            own.trail_best_nanos = price
        level = own.trail_best_nanos - sign * own.trail_nanos
        if sign * (price - level) <= 0:
            own.exit_level_nanos = level
            return rows.EXIT_TRAIL
    if own.take_nanos != 0 and sign * (price - own.take_nanos) >= 0:
        own.exit_level_nanos = own.take_nanos
        return rows.EXIT_TAKE
    return rows.EXIT_NONE


@kernel
def may_exit(own: Any, now_ns: int) -> bool:
    """Tell whether something is left to exit and the throttle is over."""
    return own.position_nanos + own.working_exit_nanos != 0 and now_ns >= own.exit_next_ns


@kernel
def entry_mask(  # noqa: PLR0911 - one mask a line, in their order
    own: Any, symbol: Any, regime: Any, strategy: Any, session: Any, now_ns: int
) -> int:
    """Return the place of the first mask that hides an entry, -1 if none does."""
    if now_ns < own.armed_at_ns:
        return rows.MASK_DISARMED
    if now_ns < symbol.cooldown_until_ns:
        return rows.MASK_COOLDOWN
    if not session.entries_from_ns <= now_ns < session.entries_until_ns:
        return rows.MASK_SESSION
    if symbol.quality != 0:
        return rows.MASK_QUALITY
    cell = 4 * regime.label + regime.market_label
    if (strategy.eligible >> cell) & 1 == 0:
        return rows.MASK_REGIME
    if symbol.spread_bps > strategy.spread_max_bps[cell]:
        return rows.MASK_SPREAD
    return -1
