"""What could the account come to hold with this order.

Per symbol, in total, per sector and cluster, against equity. Position limits count held + working + UNKNOWN +
reserved + this, the worse way round. Money is compared in millionths of a dollar, the observed value rounded
up and the limit down. A price or a mark that cannot be seen refuses.
"""

from typing import Final

from tidegate.events.acts import CheckResult, TradeIntent
from tidegate.portfolio.exposure import UNTOUCHED
from tidegate.portfolio.periods import Period
from tidegate.portfolio.valuation import MICRO, exposure
from tidegate.risk.limits import BPS, Bounds
from tidegate.risk.view import RiskView
from tidegate.values.enums import Side

# Members of an enum are looked up slowly before Python 3.12.
_BUY: Final = Side.BUY
_DAY: Final = Period.DAY


MICROS_MOST: Final = 4 * 10**18  # more than any limit allows; with all that the account may hold, 64 bits still carry it

_NO_CLUSTER: Final[CheckResult] = ("cluster_exposure", True, None, None)


def prepare(intent: TradeIntent, view: RiskView) -> None:
    """Work out once what several checks of an entry need.

    Price, notional, worst position, the account's exposure.
    """
    if view.bounds.limits is not view.limits:
        view.bounds = Bounds(view.limits)
    portfolio, instrument = view.portfolio, view.instrument
    buying = intent.side is _BUY
    quantity = intent.quantity_nanos if not intent.replaces else portfolio.beyond_replaced(intent)
    view.book = book = portfolio.books.get(intent.symbol, UNTOUCHED)
    idle = book.idle
    worst = quantity if idle else book.worst_nanos(buys=quantity) if buying else book.worst_nanos(sells=quantity)
    view.worst_nanos = worst
    equity = view.equity_attos
    view.equity_micros = None if equity is None else equity // MICRO
    view.day_loss_micros = None if equity is None else view.in_trade.losses.lost_micros(_DAY, equity)
    view.notional_micros = view.whole_micros = view.worst_micros = view.added_micros = view.exposure = None
    if instrument is None:
        return
    view.exposure = exposure(portfolio, view.mark, instrument.sector, instrument.event_cluster)
    price = view.ask_nanos if buying else view.bid_nanos
    price = max(price, intent.limit_price_nanos, intent.stop_price_nanos)
    if price <= 0:
        return
    price *= -instrument.multiplier  # negative, so that // rounds what follows up
    view.notional_micros = notional = -(price * intent.quantity_nanos // MICRO)
    whole = intent.whole_quantity_nanos
    view.whole_micros = -(price * whole // MICRO) if whole else notional
    if idle and not intent.replaces:
        view.worst_micros = view.added_micros = notional
    else:
        view.worst_micros = -(price * worst // MICRO)
        view.added_micros = -(price * (worst - book.worst_nanos()) // MICRO)
    if view.worst_micros > MICROS_MOST or view.whole_micros > MICROS_MOST:
        _saturate(view)


def _saturate(view: RiskView) -> None:
    """Hold what an entry is worth to what a message can carry: a strategy may name any quantity and any price, and is to be refused."""
    for name in ("notional_micros", "whole_micros", "worst_micros", "added_micros"):
        setattr(view, name, min(getattr(view, name), MICROS_MOST))


def order_notional(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """Price x quantity of the order is within the cap."""
    limit, observed = view.bounds.order_notional, view.notional_micros
    return ("order_notional", observed is not None and observed <= limit, limit, observed)


def position_quantity(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """The symbol's worst position, as a quantity."""
    limit = view.limits.position_quantity_nanos_max
    return ("position_quantity", view.worst_nanos <= limit, limit, view.worst_nanos)


def position_notional(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """The symbol's worst position, in money."""
    limit, observed = view.bounds.position_notional, view.worst_micros
    return ("position_notional", observed is not None and observed <= limit, limit, observed)


def total_quantity(intent: TradeIntent, view: RiskView) -> CheckResult:
    """All positions and this order, as a quantity."""
    limit, seen = view.limits.total_quantity_nanos_max, view.exposure
    if seen is None:
        return ("total_quantity", False, limit, None)
    total = seen.held_nanos + intent.quantity_nanos
    return ("total_quantity", total <= limit, limit, total)


def total_notional(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """All positions and this order, in money."""
    limit, seen, notional = view.bounds.total_notional, view.exposure, view.notional_micros
    if seen is None or notional is None:
        return ("total_notional", False, limit, None)
    total = seen.held_micros + notional
    return ("total_notional", total <= limit, limit, total)


def concentration(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """The symbol's worst position as a share of equity; the limit is shown in money."""
    equity, observed = view.equity_micros, view.worst_micros
    if equity is None or observed is None:
        return ("concentration", False, None, None)
    limit = equity * view.limits.concentration_bps_max // BPS
    return ("concentration", observed <= limit, limit, observed)


def sector_exposure(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """Gross exposure of the symbol's sector."""
    limit, seen, added = view.bounds.sector_exposure, view.exposure, view.added_micros
    if seen is None or added is None:
        return ("sector_exposure", False, limit, None)
    total = seen.sector_micros + added
    return ("sector_exposure", total <= limit, limit, total)


def cluster_exposure(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """Gross exposure to markets settled by the same fact; passes where the instrument names none."""
    instrument = view.instrument
    if instrument is not None and not instrument.event_cluster:
        return _NO_CLUSTER
    limit, seen, added = view.bounds.cluster_exposure, view.exposure, view.added_micros
    if seen is None or added is None:
        return ("cluster_exposure", False, limit, None)
    total = seen.cluster_micros + added
    return ("cluster_exposure", total <= limit, limit, total)


def gross_exposure(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """Gross exposure over all symbols."""
    limit, seen, added = view.bounds.gross_exposure, view.exposure, view.added_micros
    if seen is None or added is None:
        return ("gross_exposure", False, limit, None)
    total = seen.gross_micros + added
    return ("gross_exposure", total <= limit, limit, total)


def net_exposure(intent: TradeIntent, view: RiskView) -> CheckResult:
    """Net exposure over all symbols, whichever side fills."""
    limit, seen, notional = view.bounds.net_exposure, view.exposure, view.notional_micros
    if seen is None or notional is None:
        return ("net_exposure", False, limit, None)
    long, short = seen.long_micros, seen.short_micros
    if intent.side is _BUY:
        long += notional
    else:
        short += notional
    net = max(long, short)
    return ("net_exposure", net <= limit, limit, net)


def buying_power(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """Gross exposure against equity times its multiple; the limit is shown in money."""
    equity, seen, added = view.equity_micros, view.exposure, view.added_micros
    if equity is None or seen is None or added is None:
        return ("buying_power", False, None, None)
    limit = equity * view.limits.buying_power_bps // BPS
    total = seen.gross_micros + added
    return ("buying_power", total <= limit, limit, total)
