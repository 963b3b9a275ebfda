"""How the features move: cheap ones with every accepted quote, the rest when a second or minute bar closes.

After a gap every feature starts again and is invalid until warm: a return across a gap is not a return.
"""

import math
from typing import Any

from tidegate.kernel.mode import kernel

_SECOND_NS = 1_000_000_000
_SPREAD_STEP_BPS = 0.01  # a spread that never moved must not make its first move endlessly strange


@kernel
def ratio(above: float, below: float, when_none: float) -> float:
    """Divide, or say what the answer is when there is nothing to divide by: the one guarded division."""
    return above / below if below > 0.0 else when_none


@kernel
def weight(settled: float, samples: int) -> float:
    """Weigh the newest of so many samples: a plain mean at first, lest the very first one is taken for what is usual."""
    return 1.0 / samples if settled * samples < 1.0 else settled


@kernel
def on_quote(symbol: Any, settings: Any) -> None:
    """Move what follows every accepted quote: the spread's mean and anomaly."""
    spread = symbol.spread_bps
    symbol.spread_quotes += 1
    if symbol.spread_quotes == 1:
        symbol.spread_mean = spread
    off = spread - symbol.spread_mean
    symbol.spread_anomaly = off / max(symbol.spread_deviation, _SPREAD_STEP_BPS)
    share = weight(settings.spread_weight, symbol.spread_quotes)
    symbol.spread_mean += share * off
    symbol.spread_deviation += share * (abs(off) - symbol.spread_deviation)


@kernel
def on_trade(symbol: Any, price: float, size: float) -> None:
    """Count a regular trade in the volume-weighted average price."""
    symbol.vwap_notional += price * size
    symbol.vwap_volume += size
    symbol.vwap = symbol.vwap_notional / symbol.vwap_volume


@kernel
def on_second(symbol: Any, settings: Any) -> None:
    """Move returns, volatility, direction, averages and volume with the second bar just closed."""
    bar = symbol.last_second
    close = bar.close
    symbol.warm_seconds += 1
    samples = symbol.warm_seconds
    if samples == 1:
        symbol.ema_fast = symbol.ema_slow = close
        symbol.volume_short = symbol.volume_long = bar.volume
    else:
        seconds = (bar.start_ns - symbol.previous_second_ns) // _SECOND_NS
        _take_return(symbol, settings, math.log(close / symbol.previous_second_close), seconds)
        symbol.ema_fast += weight(settings.ema_fast_weight, samples) * (close - symbol.ema_fast)
        symbol.ema_slow += weight(settings.ema_slow_weight, samples) * (close - symbol.ema_slow)
        symbol.volume_short += weight(settings.volume_short_weight, samples) * (bar.volume - symbol.volume_short)
        symbol.volume_long += weight(settings.volume_long_weight, samples) * (bar.volume - symbol.volume_long)
    symbol.volume_anomaly = ratio(symbol.volume_short, symbol.volume_long, 1.0)
    symbol.previous_second_close = close
    symbol.previous_second_ns = bar.start_ns
    _note_warmth(symbol, settings)
    if symbol.valid == 1 and symbol.volume_anomaly >= settings.shock_volume:
        symbol.shock_until_ns = bar.start_ns + _SECOND_NS + settings.shock_ns


@kernel
def _take_return(symbol: Any, settings: Any, log_return: float, seconds: int) -> None:
    squared = log_return * log_return / seconds  # over quiet seconds the variance is spread evenly
    samples = symbol.warm_seconds - 1
    if samples == 1:
        symbol.variance_short = symbol.variance_long = squared
    symbol.variance_short += weight(settings.variance_short_weight, samples) * (squared - symbol.variance_short)
    symbol.variance_long += weight(settings.variance_long_weight, samples) * (squared - symbol.variance_long)
    symbol.volatility_short = math.sqrt(symbol.variance_short)
    symbol.volatility_long = math.sqrt(symbol.variance_long)
    share = weight(settings.trend_weight, samples)
    symbol.return_mean += share * (log_return - symbol.return_mean)
    symbol.return_size += share * (abs(log_return) - symbol.return_size)
    symbol.trend_strength = ratio(abs(symbol.return_mean), symbol.return_size, 0.0)
    symbol.trend_direction = 1.0 if symbol.return_mean > 0.0 else (-1.0 if symbol.return_mean < 0.0 else 0.0)


@kernel
def on_minute(symbol: Any, settings: Any) -> None:
    """Move the average true range and the range of the last minutes with the minute bar just closed."""
    bar = symbol.last_minute
    high, low = bar.high, bar.low
    true_range = high - low
    if symbol.warm_minutes > 0:
        true_range = max(high, symbol.previous_minute_close) - min(low, symbol.previous_minute_close)
    symbol.warm_minutes += 1
    symbol.atr += weight(settings.atr_weight, symbol.warm_minutes) * (true_range - symbol.atr)  # Wilder starts with the plain mean
    symbol.previous_minute_close = bar.close
    place = symbol.warm_minutes % settings.range_minutes
    symbol.highs[place], symbol.lows[place] = high, low
    symbol.range_high, symbol.range_low = high, low
    for i in range(min(symbol.warm_minutes, settings.range_minutes)):
        at = (symbol.warm_minutes - i) % settings.range_minutes
        symbol.range_high = max(symbol.range_high, symbol.highs[at])
        symbol.range_low = min(symbol.range_low, symbol.lows[at])
    _note_warmth(symbol, settings)


@kernel
def _note_warmth(symbol: Any, settings: Any) -> None:
    warm = symbol.warm_seconds >= settings.warm_seconds_min and symbol.warm_minutes >= settings.warm_minutes_min
    symbol.valid = 1 if warm else 0


@kernel
def start_again(symbol: Any, now_ns: int, settings: Any) -> None:
    """Forget everything rolling after a gap, a split or a tick change; the gap itself counts as a shock."""
    symbol.gaps += 1
    symbol.valid = 0
    symbol.warm_seconds = 0
    symbol.warm_minutes = 0
    symbol.atr = 0.0
    symbol.return_mean = 0.0
    symbol.return_size = 0.0
    symbol.spread_quotes = 0
    symbol.spread_deviation = 0.0
    symbol.second.start_ns = 0
    symbol.minute.start_ns = 0
    symbol.second.trades = 0
    symbol.minute.trades = 0
    symbol.second.volume = 0.0
    symbol.minute.volume = 0.0
    symbol.shock_until_ns = now_ns + settings.shock_ns
