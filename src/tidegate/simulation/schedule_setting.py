"""What schedules of `simulation.schedules` are played under: strategies, symbols, and limits of which a few bind."""

from typing import Final

from tidegate.risk.limits import RiskLimits
from tidegate.values.instruments import Instrument
from tidegate.values.money import ATTOS, NANOS
from tidegate.values.time import HOUR_NS, SECOND_NS

NOW_NS: Final = 1_380_000_000 * SECOND_NS
STRATEGIES: Final = ("one", "two", "three", "four", "five")
PRICES: Final = {"AAA": 20, "BBB": 35, "CCC": 50}  # dollars; they do not move, so a limit is one number
SHARES_MAX: Final = 40
POSITION_SHARES_MAX: Final = 100
GROSS_USD_MAX: Final = 6_000
SPEND_USD_MAX: Final = 8_000
CASH: Final = 100_000 * ATTOS
_WIDE: Final = 10**9 * ATTOS

LIMITS: Final = RiskLimits(
    symbols_allowed=None,
    symbols_blocked=frozenset(),
    order_notional_attos_max=_WIDE,
    order_quantity_nanos_max=SHARES_MAX * NANOS,
    position_notional_attos_max=4_000 * ATTOS,
    position_quantity_nanos_max=POSITION_SHARES_MAX * NANOS,
    total_notional_attos_max=_WIDE,
    total_quantity_nanos_max=10**9 * NANOS,
    gross_exposure_attos_max=GROSS_USD_MAX * ATTOS,
    net_exposure_attos_max=5_000 * ATTOS,
    sector_exposure_attos_max=_WIDE,
    cluster_exposure_attos_max=_WIDE,
    concentration_bps_max=10_000,
    buying_power_bps=10_000,
    daily_loss_attos_max=_WIDE,
    weekly_loss_attos_max=_WIDE,
    monthly_loss_attos_max=_WIDE,
    intraday_drawdown_bps_max=10_000,
    drawdown_bps_max=10_000,
    unpriced_ns_max=HOUR_NS,
    daily_spend_attos_max=SPEND_USD_MAX * ATTOS,
    weekly_spend_attos_max=_WIDE,
    monthly_spend_attos_max=_WIDE,
    spread_bps_max=100,
    displayed_size_nanos_min=0,
    liquidity_bps_max=100_000,
    collar_bps_max=1_000,
    exit_collar_bps_max=1_000,
    blind_collar_bps_max=1_000,
    quote_age_ns_max=HOUR_NS,
    lag_ns_max=HOUR_NS,
    orders_per_minute_max=60_000,
    symbol_messages_per_minute_max=60_000,
    duplicate_window_ns=0,
    exit_repeat_ns=0,
    amend_spacing_ns=0,
    entries_per_hour_max=60_000,
    rejects_in_row_max=1_000,
    rate_orders_min=1_000,
    reject_rate_bps_max=10_000,
    cancel_rate_bps_max=10_000,
    slippage_bps_max=10_000,
    slippage_deviations_max=1_000,
    delay_ns_max=HOUR_NS,
    delay_deviations_max=1_000,
    breaker_cooldown_ns=0,
    approval_notional_attos_max=_WIDE,
    approval_loss_attos_max=_WIDE,
    second_approval_notional_attos_max=_WIDE,
    approval_wait_ns=HOUR_NS,
)

INSTRUMENTS: Final = {symbol: Instrument(index=place, symbol=symbol, venue="sim", sector="all") for place, symbol in enumerate(PRICES)}
