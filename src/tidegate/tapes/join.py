"""One-sided rows to two-sided quotes, and the flags that a quote earns by its own numbers."""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tidegate.events import records as layout
from tidegate.tapes.check import Records

Side: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]  # prices, sizes


class Joined(NamedTuple):
    """The quotes that a run of one-sided rows amounts to."""

    rows: NDArray[np.intp]  # the row at which each quote stands
    bid: NDArray[np.int64]
    ask: NDArray[np.int64]
    bid_size: NDArray[np.int64]
    ask_size: NDArray[np.int64]
    is_second: NDArray[np.bool_]  # by row: the second half of a pair


def join_sides(*, times: NDArray[np.int64], bid: Side, ask: Side) -> Joined:
    """Join bid rows with the ask rows of their time right behind them.

    Other rows keep the other side's last value.
    A row with both sides is a quote by itself. A row with neither says that nobody quotes: both sides end.
    """
    has_bid = (bid[0] != 0) | (bid[1] != 0)
    has_ask = (ask[0] != 0) | (ask[1] != 0)
    is_second = np.zeros(len(times), np.bool_)
    is_second[1:] = (has_bid & ~has_ask)[:-1] & (has_ask & ~has_bid)[1:] & (times[1:] == times[:-1])
    is_first = np.zeros(len(times), np.bool_)
    is_first[:-1] = is_second[1:]
    rows = np.flatnonzero(~is_first)
    nothing = ~has_bid & ~has_ask
    last_bid = _last(has_bid | nothing)[rows]
    last_ask = _last(has_ask | nothing)[rows]
    return Joined(
        rows=rows,
        bid=_take(bid[0], last_bid),
        ask=_take(ask[0], last_ask),
        bid_size=_take(bid[1], last_bid),
        ask_size=_take(ask[1], last_ask),
        is_second=is_second,
    )


def quote_flags(quotes: Records) -> NDArray[np.int16]:
    """Return ONE_SIDED, LOCKED and CROSSED for quote records, from their prices and sizes."""
    bid, ask = quotes["a"], quotes["b"]
    one_sided = (bid == 0) | (ask == 0) | (quotes["c"] == 0) | (quotes["d"] == 0)
    both = (bid != 0) & (ask != 0)
    flags = np.where(one_sided, layout.ONE_SIDED, 0)
    flags |= np.where(both & (bid == ask), layout.LOCKED, 0)
    flags |= np.where(both & (bid > ask), layout.CROSSED, 0)
    return flags.astype(np.int16)


def _last(marks: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return for each row the last marked row up to it, -1 before the first."""
    return np.maximum.accumulate(np.where(marks, np.arange(len(marks)), -1))


def _take(values: NDArray[np.int64], rows: NDArray[np.intp]) -> NDArray[np.int64]:
    """Return values at rows; 0, which means none, where there is no row yet."""
    return np.where(rows >= 0, values[rows], 0)
