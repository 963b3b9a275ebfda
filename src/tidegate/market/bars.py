"""Time bars of a symbol, on receive time: built from accepted mids, or from regular trades where the row says so.

A bar closes at the first record or tick of its symbol at or past its end. An interval without activity has no bar; one with trades but
no quote has the last mid as its price.
"""

from typing import Any

from tidegate.kernel.mode import kernel


@kernel
def extend(bar: Any, now_ns: int, length_ns: int, price: float) -> None:
    """Take a price into the bar that covers now; the caller has closed an older one before."""
    if bar.start_ns == 0:
        bar.start_ns = now_ns - now_ns % length_ns
        bar.open = bar.high = bar.low = bar.close = price
        return
    if price > bar.high:
        bar.high = price
    elif price < bar.low:
        bar.low = price
    bar.close = price


@kernel
def add_volume(bar: Any, now_ns: int, length_ns: int, price: float, size: float) -> None:
    """Count a regular trade in the bar that covers now; `price` opens the bar where nothing else has."""
    if bar.start_ns == 0:
        extend(bar, now_ns, length_ns, price)
    bar.volume += size
    bar.trades += 1


@kernel
def is_over(bar: Any, now_ns: int, length_ns: int) -> bool:
    """Tell whether the bar being built has ended."""
    return bar.start_ns != 0 and now_ns >= bar.start_ns + length_ns


@kernel
def close(bar: Any, last: Any) -> None:
    """Move the ended bar to the last closed one and start empty."""
    last.start_ns, last.trades = bar.start_ns, bar.trades
    last.open, last.high, last.low, last.close, last.volume = bar.open, bar.high, bar.low, bar.close, bar.volume
    bar.start_ns = 0
    bar.trades = 0
    bar.volume = 0.0
