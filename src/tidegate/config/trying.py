"""Trying a strategy by hand: rows and a view of a quiet market, for tests of strategy files and for notebooks."""

from tidegate.config.rehearsal import Rows, zero_rows
from tidegate.events.acts import FeatureSnapshot
from tidegate.strategies.rows import SCRATCH_CELLS
from tidegate.strategies.strategy import Attention, Strategy, View
from tidegate.values.enums import AttentionKind, InstrumentKind, Regime, Side
from tidegate.values.instruments import Instrument
from tidegate.values.money import NANOS
from tidegate.values.time import SECOND_NS

_NOW_NS = 1_400_000_000 * SECOND_NS
_BID_CENTS, _ASK_CENTS = 4_999, 5_001
_SHARES = 1_000


def quiet_rows(strategy: Strategy) -> Rows:
    """Return symbol, regime, own and params of a warm, quiet market at $50, spread 2 cents, flat; change what a test is about."""
    rows = zero_rows(strategy.params)
    symbol = rows.symbol
    symbol.bid_nanos, symbol.ask_nanos = _BID_CENTS * NANOS // 100, _ASK_CENTS * NANOS // 100
    symbol.bid, symbol.ask, symbol.mid = _BID_CENTS / 100, _ASK_CENTS / 100, 50.0
    symbol.bid_size_nanos = symbol.ask_size_nanos = _SHARES * NANOS
    symbol.bid_size = symbol.ask_size = float(_SHARES)
    symbol.last_trade_nanos, symbol.last_trade = 50 * NANOS, 50.0
    symbol.spread_bps = symbol.spread_mean = 4.0
    symbol.quote_ns = symbol.trade_ns = symbol.seen_ns = _NOW_NS
    symbol.valid, symbol.warm_seconds, symbol.warm_minutes = 1, 3_600, 60
    symbol.ema_fast = symbol.ema_slow = symbol.vwap = 50.0
    symbol.volatility_short = symbol.volatility_long = 0.0001
    symbol.atr, symbol.range_high, symbol.range_low = 0.05, 50.2, 49.8
    symbol.volume_short = symbol.volume_long = 500.0
    symbol.volume_anomaly = 1.0
    rows.regime.label = rows.regime.market_label = int(Regime.CHOP)
    rows.own.active = 1
    return rows


def quiet_view(strategy: Strategy) -> View:
    """Return what `decide` sees of the same market; use `msgspec.structs.replace` to change it."""
    features = FeatureSnapshot(
        event_id="",
        timestamp=_NOW_NS,
        symbol="TEST",
        strategy_id=strategy.strategy_id,
        correlation_id="",
        bid_nanos=_BID_CENTS * NANOS // 100,
        ask_nanos=_ASK_CENTS * NANOS // 100,
        bid_size_nanos=_SHARES * NANOS,
        ask_size_nanos=_SHARES * NANOS,
        last_trade_nanos=50 * NANOS,
        quote_age_ns=0,
        quality_flags=0,
        features_valid=True,
        spread_bps=4.0,
        ema_fast=50.0,
        ema_slow=50.0,
        volatility_short=0.0001,
        volatility_long=0.0001,
        atr=0.05,
        trend_strength=0.0,
        trend_direction=0.0,
        spread_anomaly=0.0,
        volume_anomaly=1.0,
        symbol_regime=Regime.CHOP,
        market_regime=Regime.CHOP,
        breadth=0.0,
        position_nanos=0,
        working_exit_nanos=0,
    )
    return View(
        now_ns=_NOW_NS,
        symbol="TEST",
        instrument=Instrument(index=0, symbol="TEST", venue="sim", kind=InstrumentKind.STOCK),
        params=strategy.params,
        features=features,
        bid=_BID_CENTS / 100,
        ask=_ASK_CENTS / 100,
        position=0.0,
        entry_price=0.0,
        age_ns=0,
        equity_usd=100_000.0,
        bar=None,
        scratch=(0.0,) * SCRATCH_CELLS,
    )


def entry_attention(side: Side) -> Attention:
    """Return the attention of a trigger that said BUY or SELL."""
    return Attention(kind=AttentionKind.ENTRY, side=side)
