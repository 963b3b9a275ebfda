"""Top of book and data quality: takes a quote, a trade or a status into its symbol row.

A quote is accepted (moves the book, features and triggers) or not; either way its flags stay on the row and block entries until a
clean quote comes. The spike test compares with the last accepted mid; so many spikes in a row are a new price level,
which counts as a gap. Regular prints are tested alike: against the mid, or against the print before where bars are made of prints.
"""

from typing import Any

from tidegate.events import records
from tidegate.kernel.mode import kernel
from tidegate.market import rows

_DOLLARS = 1e9
_PRINT_FLAGS = records.REGULAR | records.SUSPICIOUS | records.CORRECTION  # a regular print has the first and neither of the others


@kernel
def take_quote(symbol: Any, record: Any, settings: Any) -> bool:
    """Fold a quote; return whether it was accepted."""
    symbol.quotes += 1
    flags = symbol.quality & (rows.HALTED | rows.FEED_DOWN)
    bid_nanos, ask_nanos = record.a, record.b
    if bid_nanos <= 0 or ask_nanos <= 0 or record.c <= 0 or record.d <= 0:
        flags |= rows.ONE_SIDED
    elif bid_nanos >= ask_nanos:
        flags |= rows.LOCKED if bid_nanos == ask_nanos else rows.CROSSED
    if record.flags & (records.SUSPICIOUS | records.SLOW_QUOTE):
        flags |= rows.SUSPICIOUS if record.flags & records.SUSPICIOUS else rows.SLOW_QUOTE
    if record.ts_event > record.ts_recv + settings.future_ns:
        flags |= rows.FUTURE
    bid, ask = bid_nanos / _DOLLARS, ask_nanos / _DOLLARS
    mid = 0.5 * (bid + ask)
    if flags & rows.NOT_ACCEPTED == 0 and symbol.quote_ns != 0:
        flags |= _jump_flags(symbol, mid, record.ts_recv, settings)
    if flags & rows.NOT_ACCEPTED != 0:
        symbol.quality = flags
        symbol.rejected += 1
        return False
    symbol.spikes = 0
    spread_bps = 10_000.0 * (ask - bid) / mid
    if spread_bps > settings.wide_bps:
        flags |= rows.WIDE
    symbol.quality = flags
    symbol.bid_nanos, symbol.ask_nanos = bid_nanos, ask_nanos
    symbol.bid_size_nanos, symbol.ask_size_nanos = record.c, record.d
    symbol.quote_ns = record.ts_recv
    symbol.bid, symbol.ask, symbol.mid = bid, ask, mid
    symbol.bid_size, symbol.ask_size = record.c / _DOLLARS, record.d / _DOLLARS
    symbol.spread_bps = spread_bps
    return True


@kernel
def _jump_flags(symbol: Any, mid: float, now_ns: int, settings: Any) -> int:
    """SPIKE, or GAP when the feed was silent or a row of spikes proved to be the new price."""
    flags = 0
    if now_ns - symbol.quote_ns > settings.gap_ns:
        flags |= rows.GAP
    if 10_000.0 * abs(mid - symbol.mid) > settings.spike_bps * symbol.mid:
        symbol.spikes += 1
        flags |= rows.GAP if symbol.spikes > settings.spikes_max or flags != 0 else rows.SPIKE
    return flags


@kernel
def take_trade(symbol: Any, record: Any, settings: Any) -> int:
    """Fold a trade; return whether it is a print that may move bars and features: one of `rows.PRINT_...`."""
    symbol.trades += 1
    if record.flags & _PRINT_FLAGS != records.REGULAR or record.a <= 0 or record.b <= 0:
        return rows.PRINT_IGNORED
    now_ns = record.ts_recv
    price = record.a / _DOLLARS
    is_after_gap = symbol.trade_ns != 0 and now_ns - symbol.trade_ns > settings.gap_ns
    from_mid = symbol.quote_ns != 0 and symbol.bars_from_trades == 0
    if not _is_far(symbol, price, from_mid, now_ns, settings):
        symbol.print_spikes = 0
    elif symbol.print_spikes < settings.spikes_max:
        symbol.print_spikes += 1
        symbol.quality |= rows.SPIKE
        return rows.PRINT_IGNORED
    else:
        is_after_gap = True
        if not from_mid:
            symbol.print_spikes = 0  # measured from here on; prints that left the mid count until they are back at it
    if symbol.quote_ns == 0:
        symbol.quality &= ~rows.SPIKE  # no quote will
    symbol.last_trade_nanos = record.a
    symbol.last_trade = price
    symbol.trade_ns = now_ns
    return rows.PRINT_AFTER_GAP if is_after_gap else rows.PRINT_COUNTS


@kernel
def _is_far(symbol: Any, price: float, from_mid: Any, now_ns: int, settings: Any) -> bool:
    """Tell whether a print is a spike, measured from the mid or the print before; one older than a gap measures nothing."""
    known_ns = symbol.quote_ns if from_mid else symbol.trade_ns
    known = symbol.mid if from_mid else symbol.last_trade
    if known_ns == 0 or now_ns - known_ns > settings.gap_ns:
        return False
    return 10_000.0 * abs(price - known) > settings.spike_bps * known


@kernel
def take_status(symbol: Any, record: Any) -> None:
    """Fold a halt, a resumption, a feed outage or news."""
    code = record.a
    if code == records.STATUS_HALT:
        symbol.quality |= rows.HALTED
    elif code == records.STATUS_RESUME:
        symbol.quality &= ~rows.HALTED
    elif code == records.STATUS_FEED_DOWN:
        symbol.quality |= rows.FEED_DOWN
    elif code == records.STATUS_FEED_UP:
        symbol.quality &= ~rows.FEED_DOWN
