"""What reports read from tapes: price series for plots, extremes of a position's life, and the engine's mask counters."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tidegate.analytics.collect import Prices
from tidegate.analytics.entries import MaskedTrigger
from tidegate.analytics.trades import Marks
from tidegate.engine.engine import Engine
from tidegate.engine.spec import StrategySlot
from tidegate.events.records import CROSSED, LOCKED, ONE_SIDED, QUOTE, REGULAR, TRADE
from tidegate.strategies.rows import MASK_NAMES
from tidegate.tapes.format import Tape
from tidegate.values.money import NANOS

_BAD_QUOTE = CROSSED | LOCKED | ONE_SIDED


def price_series(tapes: Sequence[Tape]) -> Prices:
    """Return a reader of (venue times, mids) of a symbol; regular trade prices where it has no quotes."""

    def prices(symbol: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        times, bids, asks = _quotes(tapes, symbol)
        if len(times):
            return times, (bids + asks) / (2 * NANOS)
        return _trades(tapes, symbol)

    return prices


def price_marks(tapes: Sequence[Tape]) -> Marks:
    """Return a reader of the extremes of bid and ask between two venue times; None where no quote lies between."""
    kept: dict[str, tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]] = {}

    def marks(symbol: str, from_ns: int, to_ns: int) -> tuple[int, int, int, int] | None:
        if symbol not in kept:
            kept[symbol] = _quotes(tapes, symbol)
        times, bids, asks = kept[symbol]
        first = max(int(np.searchsorted(times, from_ns, side="right")) - 1, 0)
        last = int(np.searchsorted(times, to_ns, side="right"))
        if last <= first:
            return None
        bid, ask = bids[first:last], asks[first:last]
        return int(bid.min()), int(bid.max()), int(ask.min()), int(ask.max())

    return marks


def masked_triggers(slots: Sequence[StrategySlot], engine: Engine) -> tuple[MaskedTrigger, ...]:
    """Return how often each strategy's trigger was masked in each symbol, and by what."""
    found = []
    for place, slot in enumerate(slots):
        for symbol in slot.symbols:
            counts = engine.masked(place, engine.place_of(symbol))
            found += [
                MaskedTrigger(slot.strategy.strategy_id, symbol, mask, times)
                for mask, times in zip(MASK_NAMES, counts, strict=True)
                if times
            ]
    return tuple(found)


def _quotes(tapes: Sequence[Tape], symbol: str) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    parts = []
    for records in _of(tapes, symbol):
        chosen = records[(records["kind"] == QUOTE) & (records["flags"] & _BAD_QUOTE == 0)]
        parts.append((chosen["ts_event"], chosen["a"], chosen["b"]))
    if not parts:
        nothing = np.empty(0, np.int64)
        return nothing, nothing, nothing
    times, bids, asks = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.argsort(times, kind="stable")
    return times[order], bids[order], asks[order]


def _trades(tapes: Sequence[Tape], symbol: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    parts = [records[(records["kind"] == TRADE) & (records["flags"] & REGULAR != 0)] for records in _of(tapes, symbol)]
    if not parts:
        return np.empty(0, np.int64), np.empty(0, np.float64)
    joined = np.concatenate(parts)
    joined = joined[np.argsort(joined["ts_event"], kind="stable")]
    return joined["ts_event"], joined["a"] / NANOS


def _of(tapes: Sequence[Tape], symbol: str) -> list[NDArray[np.void]]:
    return [
        tape.records[tape.records["instrument"] == instrument.index]
        for tape in tapes
        for instrument in tape.symbols
        if instrument.symbol == symbol
    ]
