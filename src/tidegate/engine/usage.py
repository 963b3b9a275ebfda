"""How much of each limit is used now, by the gate's own sums: what the next entry would be added to.

What a limit allows for one order alone (its size, its price, the age of its quote) is used by nothing between orders. Where a limit
holds for each symbol, sector or cluster, the one that uses most of it is told.
"""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from tidegate.engine.core import Core
from tidegate.portfolio.exposure import SymbolBook
from tidegate.portfolio.periods import Period
from tidegate.portfolio.valuation import MICRO, Exposure, exposure, micros, valuation
from tidegate.risk.limits import BPS, LimitField, limit_fields


class LimitUse(NamedTuple):
    """A limit, how much of it is used and by what. In the limit's own unit; money in attos; lists as they are.

    used None: it is counted for each order alone, or a price that is needed cannot be seen. of: what uses most of it; empty: the account.
    """

    field: LimitField
    limit: object
    used: int | None = None
    of: str = ""


_Most = tuple[int | None, str]
_NONE: Final[_Most] = (None, "")


def limits_use(core: Core, now_ns: int) -> list[LimitUse]:
    """Return every limit in the order of the manual."""
    used = _uses(core, now_ns)
    limits = core.spec.limits
    return [LimitUse(field, getattr(limits, field.name), *used.get(field.name, _NONE)) for field in limit_fields()]


def _uses(core: Core, now_ns: int) -> dict[str, _Most]:
    active, activity = core.portfolio.active, core.portfolio.activity
    found: dict[str, _Most] = {
        "position_quantity_nanos_max": _most((book.worst_nanos(), symbol) for symbol, book in active.items()),
        "position_notional_attos_max": _worst_notional(core),
        "lag_ns_max": (core.lag_ns, ""),
        "orders_per_minute_max": (activity.orders.within_minute(now_ns), ""),
        "symbol_messages_per_minute_max": _most((count.within_minute(now_ns), symbol) for symbol, count in activity.by_symbol.items()),
        "sector_exposure_attos_max": _worst_group(core, lambda symbol: core.instruments[symbol].sector, lambda sums: sums.sector_micros),
        "cluster_exposure_attos_max": _worst_group(
            core, lambda symbol: core.instruments[symbol].event_cluster, lambda sums: sums.cluster_micros
        ),
    }
    found |= _in_trade(core, now_ns)
    sums = exposure(core.portfolio, core.mark, "", "")
    if sums is not None:
        found |= {
            "total_notional_attos_max": (sums.held_micros * MICRO, ""),
            "total_quantity_nanos_max": (sums.held_nanos, ""),
            "gross_exposure_attos_max": (sums.gross_micros * MICRO, ""),
            "net_exposure_attos_max": (max(sums.long_micros, sums.short_micros) * MICRO, ""),
        }
        found |= _of_equity(core, sums, found["position_notional_attos_max"])
    return found


def _in_trade(core: Core, now_ns: int) -> dict[str, _Most]:
    """Return what is lost and spent, at the worth of now, and how the orders of the strategy that fares worst do."""
    books = core.in_trade
    spent, records = books.spending.spent, sorted(books.conduct.strategies.items())
    found: dict[str, _Most] = {
        "daily_spend_attos_max": (spent[Period.DAY], ""),
        "weekly_spend_attos_max": (spent[Period.WEEK], ""),
        "monthly_spend_attos_max": (spent[Period.MONTH], ""),
        "rejects_in_row_max": _most((record.rejects_in_row, name) for name, record in records),
        "entries_per_hour_max": _most(
            (books.conduct.entries_of(name, symbol, now_ns), f"{name} {symbol}") for name, record in records for symbol in record.entries_ns
        ),
    }
    value = valuation(core.portfolio, core.mark)
    if value is not None:
        worth, losses = value.equity_attos, books.losses
        found |= {
            "daily_loss_attos_max": (losses.lost_micros(Period.DAY, worth) * MICRO, ""),
            "weekly_loss_attos_max": (losses.lost_micros(Period.WEEK, worth) * MICRO, ""),
            "monthly_loss_attos_max": (losses.lost_micros(Period.MONTH, worth) * MICRO, ""),
            "intraday_drawdown_bps_max": (losses.day_drawdown_bps(worth), ""),
            "drawdown_bps_max": (losses.drawdown_bps(worth), ""),
        }
    return found


def _of_equity(core: Core, sums: Exposure, worst: _Most) -> dict[str, _Most]:
    """Return what is measured against equity, in basis points, rounded up as the gate rounds what it observes."""
    value = valuation(core.portfolio, core.mark)
    equity = None if value is None else value.equity_attos // MICRO
    if equity is None or equity <= 0 or worst[0] is None:
        return {}
    return {
        "concentration_bps_max": (-(-micros(worst[0]) * BPS // equity), worst[1]),
        "buying_power_bps": (-(-sums.gross_micros * BPS // equity), ""),
    }


def _worst_notional(core: Core) -> _Most:
    found: list[tuple[int, str]] = []
    for symbol, book in core.portfolio.active.items():
        price = core.mark(symbol, _worst_sign(book))
        if price is None or symbol not in core.instruments:
            return None, symbol
        found.append((book.worst_nanos() * price * core.instruments[symbol].multiplier, symbol))
    return _most(found)


def _worst_group(core: Core, group_of: Callable[[str], str], sum_of: Callable[[Exposure], int]) -> _Most:
    """Return what the group (a sector or a cluster) with the largest gross exposure has of it."""
    groups = {group_of(symbol) for symbol in core.portfolio.active if symbol in core.instruments} - {""}
    found: list[tuple[int, str]] = []
    for group in sorted(groups):
        sums = exposure(core.portfolio, core.mark, group, group)
        if sums is None:
            return None, group
        found.append((sum_of(sums) * MICRO, group))
    return _most(found)


def _worst_sign(book: SymbolBook) -> int:
    return 1 if book.net_nanos + book.buys_nanos >= book.sells_nanos - book.net_nanos else -1


def _most(found: Iterable[tuple[int, str]]) -> _Most:
    """Return the largest, the first by name among equals; 0 of nothing."""
    return min(found, key=lambda one: (-one[0], one[1]), default=(0, ""))
