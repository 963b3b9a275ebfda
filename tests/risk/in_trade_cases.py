"""Cases of the checks that look at what the account has lost and spent: one below, at and above each limit."""

from collections.abc import Callable
from typing import Any

from tests.portfolio.making import CASH, NOW_NS, usd
from tests.risk.making import entry, limits, view
from tidegate.events.acts import TradeIntent
from tidegate.portfolio.in_trade import InTrade
from tidegate.portfolio.periods import Period
from tidegate.risk.view import RiskView
from tidegate.values.time import HOUR_NS

Row = tuple[tuple[TradeIntent, RiskView], bool, int | None, int | None]
_MICROS = 1_000_000


def _worth(equity_attos: int | None, **changes: Any) -> tuple[TradeIntent, RiskView]:
    return entry(), view(equity_attos=equity_attos, **changes)


def loss_rows(name: str, limit: int) -> Callable[[], list[Row]]:
    """Return rows of a loss limit in dollars, the others out of its way; a gain is no loss."""
    open_wide = {f"{other}_loss_attos_max": usd(10**9) for other in ("daily", "weekly", "monthly")}
    wide = {"intraday_drawdown_bps_max": 10_000, "drawdown_bps_max": 10_000}

    def rows() -> list[Row]:
        bounds = limits(**open_wide | wide | {f"{name}_loss_attos_max": usd(limit)})
        micros = limit * _MICROS
        return [
            (_worth(CASH - usd(limit) + 1, limits=bounds), True, micros, micros),  # rounded up, and not beyond
            (_worth(CASH - usd(limit), limits=bounds), True, micros, micros),
            (_worth(CASH - usd(limit) - 1, limits=bounds), False, micros, micros + 1),
            (_worth(CASH + usd(5), limits=bounds), True, micros, 0),
            (_worth(None, limits=bounds), False, micros, None),
        ]

    return rows


def drawdown_rows(name: str) -> Callable[[], list[Row]]:
    """Return rows of a drawdown of 800 basis points below a peak of twice the cash."""

    def rows() -> list[Row]:
        books = InTrade(CASH)
        books.losses.fold_valued(NOW_NS, 2 * CASH)
        bounds = limits(intraday_drawdown_bps_max=10_000, drawdown_bps_max=10_000)
        bounds = limits(**{f"{name}_bps_max": 800, "intraday_drawdown_bps_max" if name == "drawdown" else "drawdown_bps_max": 10_000})
        at = 2 * CASH * 92 // 100
        return [
            (_worth(at + 1, limits=bounds, in_trade=books), True, 800, 800),
            (_worth(at, limits=bounds, in_trade=books), True, 800, 800),
            (_worth(at - 1, limits=bounds, in_trade=books), False, 800, 801),
            (_worth(2 * CASH, limits=bounds, in_trade=books), True, 800, 0),
            (_worth(None, limits=bounds, in_trade=books), False, 800, None),
        ]

    return rows


def spend_rows(name: str, period: Period) -> Callable[[], list[Row]]:
    """Return rows of a spend limit: the entry of making is worth $5,000."""

    def spent(attos: int) -> InTrade:
        books = InTrade(CASH)
        books.spending.spent[period] = attos
        return books

    def rows() -> list[Row]:
        bounds = limits(**{f"{name}_spend_attos_max": usd(8_000)})
        micros = 8_000 * _MICROS
        return [
            ((entry(), view(limits=bounds, in_trade=spent(usd(2_999)))), True, micros, 7_999 * _MICROS),
            ((entry(), view(limits=bounds, in_trade=spent(usd(3_000)))), True, micros, micros),
            ((entry(), view(limits=bounds, in_trade=spent(usd(3_000) + 1))), False, micros, micros + 1),
            ((entry(), view(limits=bounds, in_trade=spent(0), instrument=None)), False, micros, None),
        ]

    return rows


def repeat_rows() -> list[Row]:
    """Return rows of the entries of an hour."""

    def entered(times: int, ago_ns: int = 0) -> InTrade:
        books, wanted = InTrade(CASH), entry()
        for _ in range(times):
            books.conduct.fold_entry(wanted.strategy_id, wanted.symbol, NOW_NS - ago_ns)
        return books

    return [
        ((entry(), view(in_trade=entered(58))), True, 60, 59),
        ((entry(), view(in_trade=entered(59))), True, 60, 60),
        ((entry(), view(in_trade=entered(60))), False, 60, 61),
        ((entry(), view(in_trade=entered(60, HOUR_NS))), True, 60, 1),
        ((entry(), view(in_trade=entered(60, HOUR_NS - 1))), False, 60, 61),
        ((entry(symbol="BAC"), view(in_trade=entered(60))), True, 60, 1),
    ]


CASES: dict[str, Callable[[], list[Row]]] = {
    "daily_loss": loss_rows("daily", 5_000),
    "weekly_loss": loss_rows("weekly", 15_000),
    "monthly_loss": loss_rows("monthly", 30_000),
    "intraday_drawdown": drawdown_rows("intraday_drawdown"),
    "drawdown": drawdown_rows("drawdown"),
    "daily_spend": spend_rows("daily", Period.DAY),
    "weekly_spend": spend_rows("weekly", Period.WEEK),
    "monthly_spend": spend_rows("monthly", Period.MONTH),
    "entries_per_hour": repeat_rows,
}
