"""Figures of one symbol of a tape over a stretch of time: what a market is like.

For people, not for decisions: floats throughout. None where there is too little to compute from.
"""

from typing import Final, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from tidegate.events import records as layout
from tidegate.tapes.check import Records
from tidegate.tapes.format import Tape
from tidegate.values.money import NANOS
from tidegate.values.time import MILLISECOND_NS, MINUTE_NS, SECOND_NS

Floats: TypeAlias = NDArray[np.float64]

_BPS: Final = 10_000.0
_EDGE: Final = 1 / 13  # half an hour of a regular session


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """What quotes and trades look like: spreads in ticks, sizes in shares, returns of the middle price."""

    quotes: int
    trades: int
    quotes_per_second: float
    busiest_second: int  # most quotes within one second
    quiet_seconds_share: float  # without a quote
    gap_ms_median: float | None  # between one quote and the next
    gap_ms_p99: float | None
    price_changes_share: float | None  # of quotes, those that change a price
    spread_ticks_median: float | None
    spread_ticks_mean: float | None
    spread_ticks_p95: float | None
    size_shares_median: float | None  # of a quoted side
    locked_share: float | None
    crossed_share: float | None
    trade_size_shares_median: float | None
    off_exchange_share: float | None  # of trades
    irregular_share: float | None  # of trades, those that may not set the last price
    edges_share: float | None  # of quotes, those in the first and the last thirteenth of the time
    volatility_bps_per_minute: float | None  # standard deviation of minute returns
    second_return_correlation: float | None  # of a second's return with that of the second before
    minute_range_correlation: float | None  # of a minute's absolute return with the one before: clustering


def statistics(tape: Tape, symbol: int, *, from_ns: int, until_ns: int) -> Statistics:
    """Return figures of a symbol between two receive times.

    Args:
        tape: the tape.
        symbol: the symbol's index in the tape.
        from_ns: first receive time that counts.
        until_ns: first receive time that does not.
    """
    assert from_ns < until_ns
    first, last = np.searchsorted(tape.records["ts_recv"], (from_ns, until_ns))
    records = tape.records[first:last]
    records = records[records["instrument"] == symbol]
    quotes = records[records["kind"] == layout.QUOTE]
    trades = records[records["kind"] == layout.TRADE]
    sound = quotes[(quotes["flags"] & (layout.ONE_SIDED | layout.CROSSED)) == 0]
    tick = tape.symbols[symbol].tick_at(int(np.median(sound["a"]))) if len(sound) else 1
    spread = (sound["b"] - sound["a"]) / tick
    gaps_ms = np.diff(quotes["ts_recv"]) / MILLISECOND_NS
    per_second = np.bincount((quotes["ts_recv"] - from_ns) // SECOND_NS, minlength=(until_ns - from_ns) // SECOND_NS)
    changes = (np.diff(quotes["a"]) != 0) | (np.diff(quotes["b"]) != 0)
    place = (quotes["ts_recv"] - from_ns) / (until_ns - from_ns)
    by_second = _returns(sound, from_ns, until_ns, SECOND_NS)
    by_minute = _returns(sound, from_ns, until_ns, MINUTE_NS)
    return Statistics(
        quotes=len(quotes),
        trades=len(trades),
        quotes_per_second=float(per_second.mean()),
        busiest_second=int(per_second.max()),
        quiet_seconds_share=float(np.mean(per_second == 0)),
        gap_ms_median=_quantile(gaps_ms, 0.5),
        gap_ms_p99=_quantile(gaps_ms, 0.99),
        price_changes_share=_mean(changes),
        spread_ticks_median=_quantile(spread, 0.5),
        spread_ticks_mean=_mean(spread),
        spread_ticks_p95=_quantile(spread, 0.95),
        size_shares_median=_quantile(np.concatenate((sound["c"], sound["d"])) / NANOS, 0.5),
        locked_share=_flagged(quotes, layout.LOCKED),
        crossed_share=_flagged(quotes, layout.CROSSED),
        trade_size_shares_median=_quantile(trades["b"] / NANOS, 0.5),
        off_exchange_share=_flagged(trades, layout.OFF_EXCHANGE),
        irregular_share=_mean((trades["flags"] & layout.REGULAR) == 0),
        edges_share=_mean((place < _EDGE) | (place >= 1 - _EDGE)),
        volatility_bps_per_minute=float(np.std(by_minute) * _BPS) if len(by_minute) > 1 else None,
        second_return_correlation=_correlation(by_second),
        minute_range_correlation=_correlation(np.abs(by_minute)),
    )


def _returns(quotes: Records, from_ns: int, until_ns: int, step_ns: int) -> Floats:
    """Return log returns of the middle price, from step to step, once there is a price."""
    if not len(quotes):
        return np.empty(0)
    ends = np.arange(from_ns + step_ns, until_ns + 1, step_ns)
    last = np.searchsorted(quotes["ts_recv"], ends) - 1
    last = last[last >= 0]
    return np.diff(np.log((quotes["a"][last] + quotes["b"][last]) / 2.0))


def _correlation(series: Floats) -> float | None:
    if len(series) <= 2 or not np.ptp(series[1:]) or not np.ptp(series[:-1]):  # noqa: PLR2004 - two points always fit
        return None
    return float(np.corrcoef(series[1:], series[:-1])[0, 1])


def _quantile(values: Floats, share: float) -> float | None:
    return float(np.quantile(values, share)) if len(values) else None


def _mean(values: Floats | NDArray[np.bool_]) -> float | None:
    return float(np.mean(values)) if len(values) else None


def _flagged(records: Records, flag: int) -> float | None:
    return _mean((records["flags"] & flag) != 0)
