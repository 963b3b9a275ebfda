"""Arithmetic on curves, intervals and samples: drawdown, Sharpe ratio, overlaps, clusters."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import sqrt
from statistics import fmean, median, stdev
from typing import NamedTuple

from tidegate.values.time import DAY_NS, MINUTE_NS

Interval = tuple[int, int]  # from_ns <= until_ns

SHARPE_STEP_NS = 5 * MINUTE_NS
SHARPE_STEPS_PER_YEAR = 252 * 78  # five-minute steps of a 6.5-hour session, 252 sessions
SHARPE_DAYS_PER_YEAR = 252
SHARPE_DAILY_FROM_DAYS = 20
_RETURNS_MIN = 2


class Drawdown(NamedTuple):
    """The deepest fall from a running peak: a negative amount, and its share of a positive peak."""

    amount: int
    share: float | None
    peak_index: int
    trough_index: int


class Sharpe(NamedTuple):
    """An annualized Sharpe ratio with how it was sampled."""

    ratio: float
    samples: int
    sampling: str


def max_drawdown(values: Sequence[int]) -> Drawdown | None:
    """Return the largest fall from a running peak; None without values, amount 0 if it never fell."""
    if not values:
        return None
    peak_index = 0
    deepest = Drawdown(0, 0.0, 0, 0)
    for index, value in enumerate(values):
        if value > values[peak_index]:
            peak_index = index
        fall = value - values[peak_index]
        if fall < deepest.amount:
            peak = values[peak_index]
            deepest = Drawdown(fall, fall / peak if peak > 0 else None, peak_index, index)
    return deepest


def sharpe(points: Sequence[tuple[int, int]]) -> Sharpe | None:
    """Return the annualized Sharpe ratio of (ns, equity) points, no risk-free rate (Sharpe 1994).

    Sampled once per UTC day when the points touch at least 20 days, else every five minutes (the last point
    of each step; steps without a point are skipped). None with fewer than two returns, no variance, or equity
    that is not positive.
    """
    days = {ns // DAY_NS for ns, _ in points}
    daily = len(days) >= SHARPE_DAILY_FROM_DAYS
    step_ns, per_year = (DAY_NS, SHARPE_DAYS_PER_YEAR) if daily else (SHARPE_STEP_NS, SHARPE_STEPS_PER_YEAR)
    sampled = list({ns // step_ns: value for ns, value in points}.values())
    if any(value <= 0 for value in sampled):
        return None
    returns = [after / before - 1.0 for before, after in pairwise(sampled)]
    if len(returns) < _RETURNS_MIN or (spread := stdev(returns)) == 0.0:
        return None
    return Sharpe(fmean(returns) / spread * sqrt(per_year), len(returns), "daily" if daily else "5-minute")


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the intervals merged where they touch or overlap, ascending."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def overlap_ns(first: Iterable[Interval], second: Iterable[Interval]) -> int:
    """Return how long both are on."""
    ahead, behind = union(first), union(second)
    total = i = j = 0
    while i < len(ahead) and j < len(behind):
        total += max(0, min(ahead[i][1], behind[j][1]) - max(ahead[i][0], behind[j][0]))
        if ahead[i][1] <= behind[j][1]:
            i += 1
        else:
            j += 1
    return total


def length_ns(intervals: Iterable[Interval]) -> int:
    """Return the time covered at least once."""
    return sum(end - start for start, end in union(intervals))


def clusters(moments: Iterable[int], *, gap_ns: int, size_min: int) -> list[int]:
    """Return the sizes of chains of moments of which each follows the last within gap_ns, if long enough."""
    sizes: list[int] = []
    size, last = 0, 0
    for moment in sorted(moments):
        if size and moment - last <= gap_ns:
            size += 1
        else:
            sizes.append(size)
            size = 1
        last = moment
    sizes.append(size)
    return [size for size in sizes if size >= size_min]


def mean(values: Iterable[float]) -> float | None:
    """Return the mean; None of nothing."""
    known = list(values)
    return fmean(known) if known else None


def middle(values: Iterable[float]) -> float | None:
    """Return the median; None of nothing."""
    known = list(values)
    return median(known) if known else None


def share(part: float, whole: float) -> float | None:
    """Return part of whole; None of nothing."""
    return part / whole if whole else None
