"""What could the account come to hold with this order: per symbol, in total, per sector and cluster, against equity.

Position limits count held + working + UNKNOWN + reserved + this, the worse way round. A price or a mark that cannot be seen refuses.
"""

from tidegate.events.acts import CheckResult, TradeIntent
from tidegate.portfolio.valuation import exposure
from tidegate.risk.limits import BPS
from tidegate.risk.order_checks import money
from tidegate.risk.view import RiskView
from tidegate.values.enums import Side


def prepare(intent: TradeIntent, view: RiskView) -> None:
    """Work out once what several checks of an entry need: its price, its notional, the worst position and the account's exposure."""
    instrument = view.instrument
    view.price_nanos = view.notional_attos = view.worst_attos = view.added_attos = view.exposure = None
    view.worst_nanos = worst = view.portfolio.worst_after(intent)
    if instrument is None:
        return
    touch = view.ask_nanos if intent.side is Side.BUY else view.bid_nanos
    price = max(intent.limit_price_nanos, intent.stop_price_nanos, touch)
    view.exposure = exposure(
        view.portfolio, view.mark, sector=instrument.sector, cluster=instrument.event_cluster
    )
    if price <= 0:
        return
    view.price_nanos = price
    price *= instrument.multiplier
    book = view.portfolio.book(intent.symbol)
    most, least = book.net_nanos + book.buys_nanos, book.sells_nanos - book.net_nanos
    view.notional_attos = price * intent.quantity_nanos
    view.worst_attos = price * worst
    view.added_attos = price * (worst - (most if most >= least else least))


def position_quantity(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """The symbol's worst position, as a quantity."""
    limit = view.limits.position_quantity_nanos_max
    return ("position_quantity", view.worst_nanos <= limit, limit, view.worst_nanos)


def position_notional(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """The symbol's worst position, in money."""
    return money("position_notional", view.limits.position_notional_attos_max, view.worst_attos)


def total_quantity(intent: TradeIntent, view: RiskView) -> CheckResult:
    """All positions and this order, as a quantity."""
    limit = view.limits.total_quantity_nanos_max
    if view.exposure is None:
        return ("total_quantity", False, limit, None)
    total = view.exposure.held_nanos + intent.quantity_nanos
    return ("total_quantity", total <= limit, limit, total)


def total_notional(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """All positions and this order, in money."""
    seen = view.exposure
    observed = None if seen is None or view.notional_attos is None else seen.held_attos + view.notional_attos
    return money("total_notional", view.limits.total_notional_attos_max, observed)


def concentration(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """The symbol's worst position as a share of equity; the limit is shown in money."""
    equity = view.equity_attos
    if equity is None:
        return ("concentration", False, None, None)
    return money("concentration", equity * view.limits.concentration_bps_max // BPS, view.worst_attos)


def sector_exposure(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """Gross exposure of the symbol's sector."""
    seen, added = view.exposure, view.added_attos
    observed = None if seen is None or added is None else seen.sector_attos + added
    return money("sector_exposure", view.limits.sector_exposure_attos_max, observed)


def cluster_exposure(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """Gross exposure to markets settled by the same fact; passes where the instrument names none."""
    instrument = view.instrument
    if instrument is not None and not instrument.event_cluster:
        return ("cluster_exposure", True, None, None)
    seen, added = view.exposure, view.added_attos
    observed = None if seen is None or added is None else seen.cluster_attos + added
    return money("cluster_exposure", view.limits.cluster_exposure_attos_max, observed)


def gross_exposure(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """Gross exposure over all symbols."""
    return money("gross_exposure", view.limits.gross_exposure_attos_max, _gross_after(view))


def net_exposure(intent: TradeIntent, view: RiskView) -> CheckResult:
    """Net exposure over all symbols, whichever side fills."""
    limit = view.limits.net_exposure_attos_max
    seen, notional = view.exposure, view.notional_attos
    if seen is None or notional is None:
        return money("net_exposure", limit, None)
    long, short = seen.long_attos, seen.short_attos
    if intent.side is Side.BUY:
        long += notional
    else:
        short -= notional
    return money("net_exposure", limit, max(long, -short))


def buying_power(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """Gross exposure against equity times its multiple; the limit is shown in money."""
    equity = view.equity_attos
    if equity is None:
        return ("buying_power", False, None, None)
    return money("buying_power", equity * view.limits.buying_power_bps // BPS, _gross_after(view))


def _gross_after(view: RiskView) -> int | None:
    seen, added = view.exposure, view.added_attos
    return None if seen is None or added is None else seen.gross_attos + added
