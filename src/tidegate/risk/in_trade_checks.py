"""Has the account lost or spent too much already: what it lost counts at the worth of this moment.

Money in millionths of a dollar, the observed value rounded up. A worth that cannot be seen refuses: missing is not zero.
"""

from typing import Final

from tidegate.events.acts import CheckResult, TradeIntent
from tidegate.portfolio.periods import Period
from tidegate.portfolio.valuation import MICRO
from tidegate.risk.view import RiskView

# Members of an enum are looked up slowly before Python 3.12.
_DAY: Final = Period.DAY
_WEEK: Final = Period.WEEK
_MONTH: Final = Period.MONTH


def daily_loss(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """Lost since the trading day began, realized and unrealized, fees in."""
    limit, lost = view.bounds.daily_loss, view.day_loss_micros
    return ("daily_loss", lost is not None and lost <= limit, limit, lost)


def weekly_loss(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """The same since the week's first trading day."""
    return _loss("weekly_loss", _WEEK, view.bounds.weekly_loss, view)


def monthly_loss(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """The same since the month's first trading day."""
    return _loss("monthly_loss", _MONTH, view.bounds.monthly_loss, view)


def intraday_drawdown(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """How far the account stands below its highest worth of the day."""
    worth, limit = view.equity_attos, view.limits.intraday_drawdown_bps_max
    if worth is None:
        return ("intraday_drawdown", False, limit, None)
    below = view.in_trade.losses.day_drawdown_bps(worth)
    return ("intraday_drawdown", below <= limit, limit, below)


def drawdown(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """How far the account stands below its highest worth of all time."""
    worth, limit = view.equity_attos, view.limits.drawdown_bps_max
    if worth is None:
        return ("drawdown", False, limit, None)
    below = view.in_trade.losses.drawdown_bps(worth)
    return ("drawdown", below <= limit, limit, below)


def daily_spend(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """The day's entries, filled and working, and this one."""
    return _spend("daily_spend", _DAY, view.bounds.daily_spend, view)


def weekly_spend(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """The week's entries, filled and working, and this one."""
    return _spend("weekly_spend", _WEEK, view.bounds.weekly_spend, view)


def monthly_spend(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """The month's entries, filled and working, and this one."""
    return _spend("monthly_spend", _MONTH, view.bounds.monthly_spend, view)


def entries_per_hour(intent: TradeIntent, view: RiskView) -> CheckResult:
    """The strategy's entries in the symbol within the last hour, this one included."""
    limit = view.limits.entries_per_hour_max
    count = view.in_trade.conduct.entries_of(intent.strategy_id, intent.symbol, view.now_ns) + 1
    return ("entries_per_hour", count <= limit, limit, count)


def _loss(name: str, period: Period, limit: int, view: RiskView) -> CheckResult:
    worth = view.equity_attos
    if worth is None:
        return (name, False, limit, None)
    lost = view.in_trade.losses.lost_micros(period, worth)
    return (name, lost <= limit, limit, lost)


def _spend(name: str, period: Period, limit: int, view: RiskView) -> CheckResult:
    added = view.notional_micros
    if added is None:
        return (name, False, limit, None)
    spent = added - (-view.in_trade.spending.spent[period] // MICRO)
    return (name, spent <= limit, limit, spent)
