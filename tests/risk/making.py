"""A view in which everything is as it should be, and limits that bind nothing: each test breaks one thing."""

from typing import Any

import msgspec

from tests.portfolio.making import CASH, INSTRUMENTS, NOW_NS, books, intent, shares, usd
from tidegate.events.acts import RiskDecision, TradeIntent
from tidegate.portfolio.in_trade import InTrade
from tidegate.portfolio.portfolio import Portfolio
from tidegate.risk.gate import judge
from tidegate.risk.limits import RiskLimits
from tidegate.risk.view import RiskView
from tidegate.values.enums import Purpose, Regime, Side
from tidegate.values.money import NANOS
from tidegate.values.time import HOUR_NS, MILLISECOND_NS, SECOND_NS

BID, ASK = 50 * NANOS - NANOS // 100, 50 * NANOS

LIMITS = RiskLimits(
    symbols_allowed=None,
    symbols_blocked=frozenset(),
    order_notional_attos_max=usd(50_000),
    order_quantity_nanos_max=shares(1_000),
    position_notional_attos_max=usd(60_000),
    position_quantity_nanos_max=shares(1_200),
    total_notional_attos_max=usd(200_000),
    total_quantity_nanos_max=shares(4_000),
    gross_exposure_attos_max=usd(220_000),
    net_exposure_attos_max=usd(210_000),
    sector_exposure_attos_max=usd(90_000),
    cluster_exposure_attos_max=usd(80_000),
    concentration_bps_max=7_000,
    buying_power_bps=23_000,
    spread_bps_max=20,
    displayed_size_nanos_min=shares(100),
    liquidity_bps_max=5_000,
    collar_bps_max=50,
    exit_collar_bps_max=300,
    blind_collar_bps_max=1_000,
    quote_age_ns_max=2 * SECOND_NS,
    lag_ns_max=500 * MILLISECOND_NS,
    orders_per_minute_max=30,
    symbol_messages_per_minute_max=20,
    duplicate_window_ns=SECOND_NS,
    exit_repeat_ns=2 * SECOND_NS,
    amend_spacing_ns=SECOND_NS,
    daily_loss_attos_max=usd(5_000),
    weekly_loss_attos_max=usd(15_000),
    monthly_loss_attos_max=usd(30_000),
    intraday_drawdown_bps_max=800,
    drawdown_bps_max=1_000,
    unpriced_ns_max=60 * SECOND_NS,
    daily_spend_attos_max=usd(100_000),
    weekly_spend_attos_max=usd(300_000),
    monthly_spend_attos_max=usd(1_000_000),
    entries_per_hour_max=60,
    rejects_in_row_max=5,
    rate_orders_min=20,
    reject_rate_bps_max=3_000,
    cancel_rate_bps_max=9_000,
    slippage_bps_max=25,
    slippage_deviations_max=6,
    delay_ns_max=5 * SECOND_NS,
    delay_deviations_max=6,
    breaker_cooldown_ns=900 * SECOND_NS,
    approval_notional_attos_max=usd(1_000_000),
    approval_loss_attos_max=usd(2_000),
    second_approval_notional_attos_max=usd(1_000_000),
    approval_wait_ns=60 * SECOND_NS,
)


def limits(**changes: Any) -> RiskLimits:
    return msgspec.structs.replace(LIMITS, **changes)


def mark(symbol: str, sign: int) -> int | None:
    return {"AIG": BID if sign > 0 else ASK, "BAC": 20 * NANOS, "RAIN": 10 * NANOS}[symbol]


def view(portfolio: Portfolio | None = None, **changes: Any) -> RiskView:
    facts: dict[str, Any] = {
        "now_ns": NOW_NS,
        "limits": LIMITS,
        "portfolio": portfolio or books(),
        "in_trade": InTrade(CASH),
        "mark": mark,
        "instrument": INSTRUMENTS["AIG"],
        "bid_nanos": BID,
        "ask_nanos": ASK,
        "bid_size_nanos": shares(500),
        "ask_size_nanos": shares(400),
        "quote_ns": NOW_NS - SECOND_NS,
        "quality": 0,
        "last_good_nanos": ASK,
        "halted": False,
        "features_valid": True,
        "newsy": False,
        "open_ns": NOW_NS - HOUR_NS,
        "close_ns": NOW_NS + HOUR_NS,
        "symbol_regime": Regime.TREND,
        "market_regime": Regime.CHOP,
        "eligible": True,
        "cell_spread_bps_max": None,
        "permitted": True,
        "owner": "",
        "foreign_nanos": 0,
        "lag_ns": MILLISECOND_NS,
        "streams_up": True,
        "store_ok": True,
        "equity_attos": CASH,
    }
    return RiskView(**facts | changes)


def entry(**changes: Any) -> TradeIntent:
    facts: dict[str, Any] = {"price": ASK, "purpose": Purpose.ENTRY}
    return intent(**facts | changes)


def leave(**changes: Any) -> TradeIntent:
    facts: dict[str, Any] = {"side": Side.SELL, "price": BID, "purpose": Purpose.EXIT}
    return intent(**facts | changes)


def verdict(of: TradeIntent, seen: RiskView) -> RiskDecision:
    return judge(of, seen, event_id="s-1-2")
