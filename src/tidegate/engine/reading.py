"""Reads the senses' cells into messages and views: one place that knows which cell holds what.

What is read together is unpacked in one go: cell by cell it would cost several times as much.
"""

from struct import Struct
from typing import Any, Final, NamedTuple, final

import numpy as np

from tidegate.engine.layout import SYMBOL
from tidegate.engine.senses import SensesHost
from tidegate.events import acts
from tidegate.kernel.layout import CELL_BYTES
from tidegate.market.rows import BAR, SESSION
from tidegate.regime.rows import GROUP, REGIME
from tidegate.strategies.rows import OWN
from tidegate.strategies.strategy import Bar
from tidegate.values.enums import Regime
from tidegate.values.time import MINUTE_NS

_acts: Final = acts  # by a name that is not imported: otherwise Python calls with more than 15 keywords at four times the cost
REGIMES: Final = tuple(Regime)


def cells(row: np.dtype[np.void]) -> dict[str, int]:
    """Return the place of each field within a row, in cells."""
    assert row.fields is not None
    return {name: row.fields[name][1] // CELL_BYTES for name in row.names or ()}


def unpacking(row: np.dtype[np.void], *names: str) -> Struct:
    """Return what unpacks these fields of a row, named in the row's order, and passes over those between them."""
    assert row.fields is not None
    form, at = "<", 0
    for name in names:
        field, start = row.fields[name][:2]
        form += f"{start - at}x{field.itemsize // CELL_BYTES}{'d' if field.base.kind == 'f' else 'q'}"
        at = start + field.itemsize
    return Struct(form)


class Quote(NamedTuple):
    """Top of book as judgement needs it, nanos and ns."""

    bid_nanos: int
    ask_nanos: int
    bid_size_nanos: int
    ask_size_nanos: int
    quote_ns: int
    last_trade_nanos: int
    trade_ns: int
    quality: int


_S: Final = cells(SYMBOL)
_O: Final = cells(OWN)
_BID, _ASK, _SESSION, _ARMED = _S["bid_nanos"], _S["ask_nanos"], _S["session"], _O["armed_at_ns"]

_AVERAGES: Final = ("ema_fast", "ema_slow", "volatility_short", "volatility_long", "trend_strength", "trend_direction", "atr")
_QUOTE: Final = unpacking(SYMBOL, *Quote._fields)
_INDICATORS: Final = unpacking(SYMBOL, "spread_bps", "valid", *_AVERAGES, "spread_anomaly", "volume_anomaly")
_JUDGED: Final = unpacking(
    SYMBOL,
    *("bid_nanos", "ask_nanos", "bid_size_nanos", "ask_size_nanos", "quote_ns", "last_trade_nanos", "quality"),
    *("newsy_until_ns", "newsy_from_ns", "cooldown_until_ns", "valid", "shock_until_ns"),
)
_DOLLARS: Final = unpacking(SYMBOL, "bid", "ask")
_REGIME: Final = unpacking(REGIME, "label", "market_label", "breadth")
_WHY: Final = unpacking(REGIME, "label", "why")
_GROUP_WHY: Final = unpacking(GROUP, "label", "why")
_HELD: Final = unpacking(OWN, "position_nanos", "working_exit_nanos")
_OWN_VIEW: Final = unpacking(OWN, "age_ns", "entry_price", "scratch")
_MASKED: Final = unpacking(OWN, "masked")
_HOURS: Final = unpacking(SESSION, "open_ns", "close_ns", "entries_from_ns", "entries_until_ns")
_BAR: Final = unpacking(BAR, "start_ns", "trades", "open", "high", "low", "close", "volume")


@final
class Reading:
    """Where each row starts in the buffer, and the readers that use it."""

    def __init__(self, host: SensesHost) -> None:
        self._buffer: Final = host.buffer.data
        self._integers: Final = host.integers
        self.now_cell: Final = host.layout.cell_of("header", 0, "now_ns")
        self.n_cell: Final = host.layout.cell_of("header", 0, "n")
        self.timer_cell: Final = host.layout.cell_of("header", 0, "timer_due_ns")
        self._symbol: Final = _firsts(host, "symbols", host.counts.symbols, SYMBOL)
        self._regime: Final = _firsts(host, "regimes", host.counts.symbols, REGIME)
        self._group: Final = _firsts(host, "groups", host.counts.groups, GROUP)
        self._own: Final = _firsts(host, "own", host.counts.symbols * host.counts.strategies, OWN)
        self._session: Final = _firsts(host, "sessions", host.counts.sessions, SESSION)

    def quote(self, place: int) -> Quote:
        """Return a symbol's last accepted quote and quality."""
        return Quote._make(_QUOTE.unpack_from(self._buffer, CELL_BYTES * self._symbol[place]))

    def touch(self, place: int, sign: int) -> int:
        """Return the price at which a position of this sign is closed now: the bid for a long one; 0: no quote was accepted yet."""
        return self._integers[self._symbol[place] + (_BID if sign > 0 else _ASK)]

    def judged(self, place: int) -> tuple[int, ...]:
        """Return what the gate looks at of a symbol: the quote without `trade_ns`, then the conditions.

        They are newsy_until_ns, newsy_from_ns, cooldown_until_ns, valid and shock_until_ns.
        """
        return _JUDGED.unpack_from(self._buffer, CELL_BYTES * self._symbol[place])

    def symbol_cell(self, place: int, field: str) -> int:
        """Return the cell of a field of a symbol row."""
        return self._symbol[place] + _S[field]

    def own_cell(self, pair: int, field: str) -> int:
        """Return the cell of a field of a pair's row."""
        return self._own[pair] + _O[field]

    def own_start(self, pair: int) -> int:
        """Return the first cell of a pair's row."""
        return self._own[pair]

    def session_start(self, session: int) -> int:
        """Return the first cell of a trading session's row."""
        return self._session[session]

    def hours(self, place: int) -> tuple[int, ...]:
        """Return (open_ns, close_ns, entries_from_ns, entries_until_ns) of a symbol's venue; zeros: they were not told."""
        session = self._session[self._integers[self._symbol[place] + _SESSION]]
        return _HOURS.unpack_from(self._buffer, CELL_BYTES * session)

    def labels(self, place: int) -> tuple[Regime, Regime]:
        """Return the regimes of a symbol and of its market."""
        label, market, _ = _REGIME.unpack_from(self._buffer, CELL_BYTES * self._regime[place])
        return REGIMES[label], REGIMES[market]

    def armed_at_ns(self, pair: int) -> int:
        """Return when a pair may enter again."""
        return self._integers[self._own[pair] + _ARMED]

    def regime_cells(self, place: int) -> tuple[int, ...]:
        """Return label and reason code of a symbol's regime."""
        return _WHY.unpack_from(self._buffer, CELL_BYTES * self._regime[place])

    def group_cells(self, place: int) -> tuple[int, ...]:
        """Return label and reason code of a market group's regime."""
        return _GROUP_WHY.unpack_from(self._buffer, CELL_BYTES * self._group[place])

    def features(self, place: int, pair: int, *, head: tuple[str, int, str, str, str]) -> acts.FeatureSnapshot:
        """Return all that could be seen of a symbol; head is (event_id, timestamp, symbol, strategy_id, correlation_id)."""
        event_id, now_ns, symbol, strategy_id, correlation_id = head
        buffer = self._buffer
        at = CELL_BYTES * self._symbol[place]
        bid, ask, bid_size, ask_size, quote_ns, last_trade, _, quality = _QUOTE.unpack_from(buffer, at)
        spread, valid, fast, slow, short, long, strength, direction, atr, spread_off, volume_off = _INDICATORS.unpack_from(buffer, at)
        label, market, breadth = _REGIME.unpack_from(buffer, CELL_BYTES * self._regime[place])
        position, working = _HELD.unpack_from(buffer, CELL_BYTES * self._own[pair])
        return _acts.FeatureSnapshot(
            event_id=event_id,
            timestamp=now_ns,
            symbol=symbol,
            strategy_id=strategy_id,
            correlation_id=correlation_id,
            bid_nanos=bid,
            ask_nanos=ask,
            bid_size_nanos=bid_size,
            ask_size_nanos=ask_size,
            last_trade_nanos=last_trade,
            quote_age_ns=now_ns - quote_ns,
            quality_flags=quality,
            features_valid=valid == 1,
            spread_bps=spread,
            ema_fast=fast,
            ema_slow=slow,
            volatility_short=short,
            volatility_long=long,
            atr=atr,
            trend_strength=strength,
            trend_direction=direction,
            spread_anomaly=spread_off,
            volume_anomaly=volume_off,
            symbol_regime=REGIMES[label],
            market_regime=REGIMES[market],
            breadth=breadth,
            position_nanos=position,
            working_exit_nanos=working,
        )

    def own_view(self, pair: int) -> tuple[int, float, tuple[float, ...]]:
        """Return age in ns, entry price and scratch floats of a pair."""
        seen = _OWN_VIEW.unpack_from(self._buffer, CELL_BYTES * self._own[pair])
        return seen[0], seen[1], seen[2:]

    def masked(self, pair: int) -> tuple[int, ...]:
        """Return the mask counters of a pair."""
        return _MASKED.unpack_from(self._buffer, CELL_BYTES * self._own[pair])

    def prices(self, place: int) -> tuple[float, ...]:
        """Return bid and ask in dollars."""
        return _DOLLARS.unpack_from(self._buffer, CELL_BYTES * self._symbol[place])

    def bar(self, place: int, length_ns: int) -> Bar:
        """Return the last closed bar of a length."""
        at = self.symbol_cell(place, "last_minute" if length_ns == MINUTE_NS else "last_second")
        start_ns, trades, opened, high, low, close, volume = _BAR.unpack_from(self._buffer, CELL_BYTES * at)
        return Bar(start_ns, length_ns, opened, high, low, close, volume, trades)


def _firsts(host: SensesHost, name: str, count: int, row: np.dtype[Any]) -> list[int]:
    if count == 0:
        return []
    first, step = host.layout.cell_of(name, 0, (row.names or ("",))[0]), row.itemsize // CELL_BYTES
    return [first + step * index for index in range(count)]
