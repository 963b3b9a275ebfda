"""Reads the senses' cells into messages and views: one place that knows which cell holds what."""

from typing import Any, Final, NamedTuple, final

import numpy as np

from tidegate.engine.layout import HEADER, SYMBOL
from tidegate.engine.senses import SensesHost
from tidegate.events.acts import FeatureSnapshot
from tidegate.kernel.layout import CELL_BYTES
from tidegate.market.rows import BAR, SESSION
from tidegate.regime.rows import GROUP, REGIME
from tidegate.strategies.rows import MASKS, OWN, SCRATCH_CELLS
from tidegate.strategies.strategy import Bar
from tidegate.values.enums import Regime
from tidegate.values.time import MINUTE_NS

REGIMES: Final = tuple(Regime)


def cells(row: np.dtype[np.void]) -> dict[str, int]:
    """Return the place of each field within a row, in cells."""
    assert row.fields is not None
    return {name: row.fields[name][1] // CELL_BYTES for name in row.names or ()}


_S: Final = cells(SYMBOL)
_R: Final = cells(REGIME)
_O: Final = cells(OWN)
_H: Final = cells(HEADER)
_BAR: Final = cells(BAR)
_BID_F, _ASK_F, _VALID = _S["bid"], _S["ask"], _S["valid"]
_SPREAD, _FAST, _SLOW, _VOL, _VOL_LONG = _S["spread_bps"], _S["ema_fast"], _S["ema_slow"], _S["volatility_short"], _S["volatility_long"]
_ATR, _STRENGTH, _DIRECTION = _S["atr"], _S["trend_strength"], _S["trend_direction"]
_SPREAD_ANOMALY, _VOLUME_ANOMALY = _S["spread_anomaly"], _S["volume_anomaly"]
_LABEL, _MARKET, _BREADTH = _R["label"], _R["market_label"], _R["breadth"]
_SHOCK, _NEWS, _NEWS_END, _COOLDOWN = _S["shock_until_ns"], _S["newsy_from_ns"], _S["newsy_until_ns"], _S["cooldown_until_ns"]
_ARMED = _O["armed_at_ns"]
_POSITION, _WORKING, _AGE, _ENTRY = _O["position_nanos"], _O["working_exit_nanos"], _O["age_ns"], _O["entry_price"]
_SCRATCH = _O["scratch"]


class Quote(NamedTuple):
    """Top of book as judgement needs it, nanos and ns: the first cells of a symbol's row, read in one go."""

    bid_nanos: int
    ask_nanos: int
    bid_size_nanos: int
    ask_size_nanos: int
    quote_ns: int
    last_trade_nanos: int
    trade_ns: int
    quality: int


_QUOTE_CELLS: Final = len(Quote._fields)
assert all(_S[name] == place for place, name in enumerate(Quote._fields))


@final
class Reading:
    """Where each row starts in the buffer, and the readers that use it."""

    def __init__(self, host: SensesHost) -> None:
        self._integers, self._floats = host.integers, host.floats
        self.now_cell: Final = host.layout.cell_of("header", 0, "now_ns")
        self.n_cell: Final = host.layout.cell_of("header", 0, "n")
        self.timer_cell: Final = host.layout.cell_of("header", 0, "timer_due_ns")
        self._symbol = _firsts(host, "symbols", host.counts.symbols, SYMBOL)
        self._regime = _firsts(host, "regimes", host.counts.symbols, REGIME)
        self._group = _firsts(host, "groups", host.counts.groups, GROUP)
        self._own = _firsts(host, "own", host.counts.symbols * host.counts.strategies, OWN)
        self._session = _firsts(host, "sessions", host.counts.sessions, SESSION)

    def quote(self, place: int) -> Quote:
        """Return a symbol's last accepted quote and quality."""
        at = self._symbol[place]
        return Quote._make(self._integers[at : at + _QUOTE_CELLS].tolist())

    def symbol_cell(self, place: int, field: str) -> int:
        """Return the cell of a field of a symbol row."""
        return self._symbol[place] + _S[field]

    def own_cell(self, pair: int, field: str) -> int:
        """Return the cell of a field of a pair's row."""
        return self._own[pair] + _O[field]

    def own_start(self, pair: int) -> int:
        """Return the first cell of a pair's row."""
        return self._own[pair]

    def session_start(self, place: int) -> int:
        """Return the first cell of a trading session's row."""
        return self._session[place]

    def labels(self, place: int) -> tuple[Regime, Regime]:
        """Return the regimes of a symbol and of its market."""
        at = self._regime[place]
        return REGIMES[self._integers[at + _LABEL]], REGIMES[self._integers[at + _MARKET]]

    def conditions(self, place: int) -> tuple[int, int, int, int, int]:
        """Return (valid, shock_until_ns, newsy_from_ns, newsy_until_ns, cooldown_until_ns) of a symbol."""
        integers, at = self._integers, self._symbol[place]
        return integers[at + _VALID], integers[at + _SHOCK], integers[at + _NEWS], integers[at + _NEWS_END], integers[at + _COOLDOWN]

    def armed_at_ns(self, pair: int) -> int:
        """Return when a pair may enter again."""
        return self._integers[self._own[pair] + _ARMED]

    def regime_cells(self, place: int) -> tuple[int, int]:
        """Return label and reason code of a symbol's regime."""
        at = self._regime[place]
        return self._integers[at + _LABEL], self._integers[at + _R["why"]]

    def group_cells(self, place: int) -> tuple[int, int]:
        """Return label and reason code of a market group's regime."""
        at, fields = self._group[place], cells(GROUP)
        return self._integers[at + fields["label"]], self._integers[at + fields["why"]]

    def features(self, place: int, pair: int, *, head: tuple[str, int, str, str, str]) -> FeatureSnapshot:
        """Return all that could be seen of a symbol; head is (event_id, timestamp, symbol, strategy_id, correlation_id)."""
        integers, floats = self._integers, self._floats
        s, r, o = self._symbol[place], self._regime[place], self._own[pair]
        event_id, now_ns, symbol, strategy_id, correlation_id = head
        bid, ask, bid_size, ask_size, quote_ns, last_trade, _, quality = integers[s : s + _QUOTE_CELLS].tolist()
        return FeatureSnapshot(
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
            features_valid=integers[s + _VALID] == 1,
            spread_bps=floats[s + _SPREAD],
            ema_fast=floats[s + _FAST],
            ema_slow=floats[s + _SLOW],
            volatility_short=floats[s + _VOL],
            volatility_long=floats[s + _VOL_LONG],
            atr=floats[s + _ATR],
            trend_strength=floats[s + _STRENGTH],
            trend_direction=floats[s + _DIRECTION],
            spread_anomaly=floats[s + _SPREAD_ANOMALY],
            volume_anomaly=floats[s + _VOLUME_ANOMALY],
            symbol_regime=REGIMES[integers[r + _LABEL]],
            market_regime=REGIMES[integers[r + _MARKET]],
            breadth=floats[r + _BREADTH],
            position_nanos=integers[o + _POSITION],
            working_exit_nanos=integers[o + _WORKING],
        )

    def own_view(self, pair: int) -> tuple[float, int, tuple[float, ...]]:
        """Return entry price, age in ns and scratch floats of a pair."""
        o = self._own[pair]
        scratch = tuple(self._floats[o + _SCRATCH : o + _SCRATCH + SCRATCH_CELLS].tolist())
        return self._floats[o + _ENTRY], self._integers[o + _AGE], scratch

    def masked(self, pair: int) -> tuple[int, ...]:
        """Return the mask counters of a pair."""
        at = self._own[pair] + _O["masked"]
        return tuple(self._integers[at : at + MASKS].tolist())

    def prices(self, place: int) -> tuple[float, float]:
        """Return bid and ask in dollars."""
        at = self._symbol[place]
        return self._floats[at + _BID_F], self._floats[at + _ASK_F]

    def bar(self, place: int, length_ns: int) -> Bar:
        """Return the last closed bar of a length."""
        at = self._symbol[place] + _S["last_minute" if length_ns == MINUTE_NS else "last_second"]
        integers, floats = self._integers, self._floats
        return Bar(
            integers[at + _BAR["start_ns"]],
            length_ns,
            floats[at + _BAR["open"]],
            floats[at + _BAR["high"]],
            floats[at + _BAR["low"]],
            floats[at + _BAR["close"]],
            floats[at + _BAR["volume"]],
            integers[at + _BAR["trades"]],
        )


def _firsts(host: SensesHost, name: str, count: int, row: np.dtype[Any]) -> list[int]:
    if count == 0:
        return []
    first, step = host.layout.cell_of(name, 0, (row.names or ("",))[0]), row.itemsize // CELL_BYTES
    return [first + step * index for index in range(count)]
