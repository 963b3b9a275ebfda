"""The common strategy as one plain compiled loop with fills at the far side: the judge of every engine's result, and the speed of light."""

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from benchmarks.market import Columns

FAST_WEIGHT, SLOW_WEIGHT, WARM_UP, SHARES = 2.0 / 21.0, 2.0 / 401.0, 1_000, 100


class Rule(NamedTuple):
    """What varies: the entry threshold, and the time stop in quotes of the symbol."""

    z_in: float = 1.85
    hold_quotes: int = 1_500


class Outcome(NamedTuple):
    """What an engine must come to."""

    orders: int
    pnl: float
    position: int


@numba.njit  # type: ignore[untyped-decorator]  # numba is untyped
def _loop(bid: NDArray[np.float64], ask: NDArray[np.float64], z_in: float, hold: int, quantity: int) -> tuple[int, float, int]:
    fast = slow = 0.5 * (bid[0] + ask[0])
    variance = cash = 0.0
    position = entered = orders = 0
    for i in range(len(bid)):
        mid = 0.5 * (bid[i] + ask[i])
        fast += FAST_WEIGHT * (mid - fast)
        slow += SLOW_WEIGHT * (mid - slow)
        off = mid - slow
        variance += SLOW_WEIGHT * (off * off - variance)
        if i < WARM_UP or variance <= 0.0:
            continue
        z = (fast - slow) / np.sqrt(variance)
        side = 0
        if position == 0:
            side = -1 if z > z_in else (1 if z < -z_in else 0)
            if side != 0:
                entered = i
        elif (position > 0 and z >= 0.0) or (position < 0 and z <= 0.0) or i - entered >= hold:
            side = -1 if position > 0 else 1
        if side != 0:
            orders += 1
            position += side * quantity
            cash -= side * quantity * (ask[i] if side > 0 else bid[i])
    return orders, cash, position


def outcome(made: Columns, rule: Rule, *, symbols: int = 1) -> Outcome:
    """Return orders, P&L (cash, positions at cost of their last trade left open) and open shares over all symbols."""
    orders, pnl, position = 0, 0.0, 0
    for place in range(symbols):
        bid, ask = made["bid"][place::symbols] * 0.01, made["ask"][place::symbols] * 0.01
        if not len(bid):
            continue
        found = _loop(np.round(bid, 2), np.round(ask, 2), rule.z_in, rule.hold_quotes, SHARES)
        orders, pnl, position = orders + found[0], pnl + found[1], position + found[2]
    return Outcome(orders, round(pnl, 2), position)


def rule_for(made: Columns, orders_per_million: int, *, symbols: int = 1) -> Rule:
    """Return the rule that comes nearest to a density of orders; the published one for none asked."""
    count = len(made["ts"])
    hold = min(1_500, max(2, 1_500_000 // orders_per_million))
    low, high = 0.0, 4.0
    for _ in range(30):
        middle = 0.5 * (low + high)
        found = outcome(made, Rule(middle, hold), symbols=symbols).orders * 1_000_000 / count
        low, high = (middle, high) if found > orders_per_million else (low, middle)
    return Rule(round(high, 6), hold)
