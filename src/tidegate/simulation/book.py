"""Events to records: what is quoted and traded when something happens, block by block.

What is not modeled: depth behind the top, a trade taking away what it hits, cancels. Sizes wander by
themselves.
"""

from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tidegate.events import records as layout
from tidegate.simulation.flow import Flow
from tidegate.simulation.latent import Floats, Ints, Latent
from tidegate.simulation.plan import BAD_PRINT_SHARE, GAP_MESSAGES, Plan, Special
from tidegate.tapes.join import quote_flags
from tidegate.values.money import NANOS

Records: TypeAlias = NDArray[np.void]

TICK_NANOS: Final = NANOS // 100
SUB_PENNY_NANOS: Final = NANOS // 10_000
_WIDE_TICKS: Final = 150
_LOCKED_SHARE: Final = 0.015
_CROSSED_SHARE: Final = 0.0003
_SIZE_RENEWED: Final = 0.45  # chance that an event changes the size of a side
_BUY_SHARE: Final = 0.5
_SIGN_RENEWED: Final = 0.25  # chance that a trade does not follow the side of the one before
_OFF_EXCHANGE_SHARE: Final = 0.3
_IRREGULAR_SHARE: Final = 0.003  # of trades; they may not set the last price
_TRADE_LOG_SIZE: Final = 4.6

_QUOTES: Final = (
    Special.BEFORE_GAP,
    Special.AFTER_GAP,
    Special.WIDE,
    Special.ZERO,
    Special.CROSSED,
    Special.LOCKED,
    Special.FUTURE,
)
_PRINTS: Final = (Special.OPENING, Special.CLOSING, Special.REOPENING, Special.BAD_PRINT)
_STATUS: Final = {
    Special.HALT: layout.STATUS_HALT,
    Special.RESUME: layout.STATUS_RESUME,
    Special.FEED_DOWN: layout.STATUS_FEED_DOWN,
    Special.FEED_UP: layout.STATUS_FEED_UP,
}
_PRINT_FLAGS: Final = {
    Special.OPENING: layout.OPENING,
    Special.REOPENING: layout.OPENING,
    Special.CLOSING: layout.CLOSING,
    Special.BAD_PRINT: 0,
}
_AUCTION_SIZE: Final = 25_000 * NANOS


class Carried(NamedTuple):
    """What a block hands to the next, by instrument. Changed in place."""

    bid: Ints  # last quoted, in ticks
    ask: Ints
    numbers: Ints  # the venue's last message number
    trades: Ints  # the venue's last trade id


def make_carried(plan: Plan, latent: Latent) -> Carried:
    """Return what holds before the first event: a book around the opening price."""
    bid, ask = _book(plan, latent, np.zeros(len(plan.prices)), np.arange(len(plan.prices)))
    return Carried(bid, ask, np.zeros_like(bid), np.zeros_like(bid))


def make_records(rng: Generator, plan: Plan, latent: Latent, flow: Flow, carried: Carried) -> Records:
    """Return records of the events, in their order, without times; `carried` moves on."""
    order = np.argsort(flow.symbol.astype(np.int16), kind="stable")  # each symbol's events together
    flow = flow.in_order(order)
    starts = _starts(flow.symbol)
    records = np.zeros(len(order), layout.RECORD)
    records["instrument"] = flow.symbol
    bid, ask = _book(plan, latent, flow.seconds, flow.symbol)
    _fill_quotes(rng, records, flow, plan, (bid, ask))
    last_bid, last_ask = _last_quotes(records, flow, starts, carried)
    _fill_trades(rng, records, flow, last_bid, last_ask)
    _fill_specials(records, flow, bid, ask)
    _number(records, flow, starts, carried, plan)
    result = np.empty_like(records)
    result[order] = records
    return result


def _book(plan: Plan, latent: Latent, seconds: Floats, symbol: NDArray[np.int32] | Ints) -> tuple[Ints, Ints]:
    """Return bid and ask in ticks around the hidden price."""
    second = np.minimum(seconds.astype(np.int64), latent.log_price.shape[1] - 2)
    before, after = latent.log_price[symbol, second], latent.log_price[symbol, second + 1]
    price = np.exp(before + (seconds - second) * (after - before)) * (NANOS // TICK_NANOS)
    spread = price * plan.spreads[symbol] * np.exp(latent.log_spread[symbol, second])
    exact = price - spread / 2
    bid = np.maximum(np.floor(exact + 0.5), 1.0)
    width = np.maximum(np.rint(spread), 1.0)
    # A bid that has just moved up to a narrow ask locks it for as long as the ask does not follow.
    is_locked = (exact + 0.5 - bid < _LOCKED_SHARE) & (width == 1.0)
    ask = bid + np.where(is_locked, 0.0, width)
    return bid.astype(np.int64), ask.astype(np.int64)


def _fill_quotes(rng: Generator, records: Records, flow: Flow, plan: Plan, book: tuple[Ints, Ints]) -> None:
    bid, ask = book
    chance = rng.random(len(records))
    ordinary = flow.special == Special.NONE
    ask = np.where(ordinary & (chance > 1.0 - _CROSSED_SHARE), np.maximum(bid - 1, 1), ask)
    is_quote = (ordinary & ~flow.is_trade) | np.isin(flow.special, _QUOTES)
    where = np.flatnonzero(is_quote)
    records["kind"][where] = layout.QUOTE
    records["a"][where], records["b"][where] = bid[where] * TICK_NANOS, ask[where] * TICK_NANOS
    for field in ("c", "d"):
        sizes = _round_lots(rng, plan.log_sizes[flow.symbol])
        records[field][where] = _persistent(rng, sizes, _SIZE_RENEWED)[where]


def _last_quotes(records: Records, flow: Flow, starts: Ints, carried: Carried) -> tuple[Ints, Ints]:
    """Return for each event the book in nanos that its symbol showed before it, and carry the last on."""
    is_sane = (records["kind"] == layout.QUOTE) & (flow.special == Special.NONE)
    row = np.arange(len(records))
    last = np.maximum.accumulate(np.where(is_sane, row, -1))
    known = last >= starts
    books = []
    for field, kept in (("a", carried.bid), ("b", carried.ask)):
        books.append(np.where(known, records[field][last], kept[flow.symbol] * TICK_NANOS))
    ends = np.flatnonzero(np.append(flow.symbol[1:] != flow.symbol[:-1], len(records) > 0))
    for book, kept in zip(books, (carried.bid, carried.ask), strict=True):
        kept[flow.symbol[ends]] = book[ends] // TICK_NANOS
    return books[0], books[1]


def _fill_trades(rng: Generator, records: Records, flow: Flow, bid: Ints, ask: Ints) -> None:
    count = len(records)
    is_buy = _persistent(rng, rng.random(count) < _BUY_SHARE, _SIGN_RENEWED)
    low, high = np.minimum(bid, ask), np.maximum(bid, ask)
    inside = low + (rng.random(count) * (high - low)).astype(np.int64) // SUB_PENNY_NANOS * SUB_PENNY_NANOS
    off_exchange = rng.random(count) < _OFF_EXCHANGE_SHARE
    price = np.where(off_exchange, inside, np.where(is_buy, ask, bid))
    sizes = _round_lots(rng, np.full(count, _TRADE_LOG_SIZE))
    where = np.flatnonzero(flow.is_trade)
    records["kind"][where] = layout.TRADE
    records["a"][where], records["b"][where] = price[where], sizes[where]
    flags = np.where(rng.random(count) < _IRREGULAR_SHARE, 0, layout.REGULAR)
    flags |= np.where(off_exchange, layout.OFF_EXCHANGE, 0)
    records["flags"][where] = flags[where]


def _fill_specials(records: Records, flow: Flow, bid: Ints, ask: Ints) -> None:
    for row in np.flatnonzero(flow.special != Special.NONE):
        code = Special(int(flow.special[row]))
        price = int(bid[row] + ask[row]) // 2 * TICK_NANOS
        if code in _STATUS:
            records["kind"][row] = layout.STATUS
            records["a"][row] = _STATUS[code]
        elif code in _PRINTS:
            records["kind"][row] = layout.TRADE
            shift = int(price * BAD_PRINT_SHARE) // TICK_NANOS * TICK_NANOS if code == Special.BAD_PRINT else 0
            records["a"][row] = price + shift
            records["b"][row] = 100 * NANOS if code == Special.BAD_PRINT else _AUCTION_SIZE
            records["flags"][row] = layout.REGULAR | _PRINT_FLAGS[code]
        else:
            _disturb(records, int(row), code)
    quotes = np.flatnonzero(records["kind"] == layout.QUOTE)
    records["flags"][quotes] = quote_flags(records[quotes])


def _disturb(records: Records, row: int, code: Special) -> None:
    if code == Special.WIDE:
        records["b"][row] += _WIDE_TICKS * TICK_NANOS
    elif code == Special.ZERO:
        records["a"][row] = records["c"][row] = 0
    elif code == Special.CROSSED:
        records["b"][row] = records["a"][row]
        records["a"][row] += TICK_NANOS
    elif code == Special.LOCKED:
        records["b"][row] = records["a"][row]


def _number(records: Records, flow: Flow, starts: Ints, carried: Carried, plan: Plan) -> None:
    """Give each symbol's messages the venue's numbers; those of the gap are missing."""
    row = np.arange(len(records))
    records["venue_seq"] = carried.numbers[flow.symbol] + 1 + row - starts
    after = (flow.symbol == plan.gap.symbol) & (flow.seconds >= plan.gap.end)
    crosses = bool((flow.special == Special.AFTER_GAP).any())
    if crosses:
        records["venue_seq"][after] += GAP_MESSAGES
    is_trade = records["kind"] == layout.TRADE
    count = np.cumsum(is_trade)
    before = np.concatenate(([0], count))[starts]
    ids = carried.trades[flow.symbol] + count - before
    records["c"] = np.where(is_trade, ids, records["c"])
    carried.trades[flow.symbol] = ids  # the last of each symbol stays
    carried.numbers[flow.symbol] = records["venue_seq"]


def _starts(symbol: NDArray[np.int32]) -> Ints:
    """Return for each row the first row of its symbol; rows of a symbol stand together."""
    row = np.arange(len(symbol))
    is_start = np.ones(len(symbol), np.bool_)
    is_start[1:] = symbol[1:] != symbol[:-1]
    return np.maximum.accumulate(np.where(is_start, row, 0))


def _persistent(rng: Generator, values: NDArray[np.generic], renewed: float) -> NDArray[np.generic]:
    """Return values of which each stays until chance renews it."""
    row = np.arange(len(values))
    return values[np.maximum.accumulate(np.where(rng.random(len(values)) < renewed, row, 0))]


def _round_lots(rng: Generator, log_size: Floats) -> Ints:
    lots = np.ceil(rng.lognormal(log_size, 1.0) / 100.0)
    return np.asarray(lots, np.int64) * 100 * NANOS
