"""Is this order sane by itself and beside the last ones.

Grid, collars, size, duplicates, self-trades, message rates.
"""

from typing import Final

from tidegate.events.acts import CheckResult, TradeIntent
from tidegate.portfolio.activity import signature_of
from tidegate.portfolio.exposure import NO_PRICE, book_price
from tidegate.risk.exits import sees_market
from tidegate.risk.limits import BPS
from tidegate.risk.view import RiskView
from tidegate.values.enums import OrderType, Side

_LIMITED: Final = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
_MEETS_NONE: Final[CheckResult] = ("self_trade", True, None, None)
_STOPPED: Final = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})

# Members of an enum are looked up slowly before Python 3.12.
_BUY: Final = Side.BUY
_LIMIT: Final = OrderType.LIMIT
_MARKET: Final = OrderType.MARKET
_STOP: Final = OrderType.STOP
_STOP_LIMIT: Final = OrderType.STOP_LIMIT
_TRAILING_STOP: Final = OrderType.TRAILING_STOP


def price_grid(intent: TradeIntent, view: RiskView) -> CheckResult:
    """Every price the order type needs is positive and on the instrument's grid.

    Observed is the first bad one.
    """
    instrument = view.instrument
    if instrument is None:
        return ("price_grid", False, None, None)
    kind = intent.order_type
    limit, stop = intent.limit_price_nanos, intent.stop_price_nanos
    if kind in _LIMITED and (limit <= 0 or limit % instrument.tick_at(limit)):
        return ("price_grid", False, instrument.tick_at(limit), limit)
    if kind in _STOPPED and (stop <= 0 or stop % instrument.tick_at(stop)):
        return ("price_grid", False, instrument.tick_at(stop), stop)
    if kind is _TRAILING_STOP and intent.trail_nanos <= 0:
        return ("price_grid", False, instrument.tick_at(0), intent.trail_nanos)
    return ("price_grid", True, None, limit)


def quantity_grid(intent: TradeIntent, view: RiskView) -> CheckResult:
    """The quantity is a positive whole number of lots."""
    instrument = view.instrument
    if instrument is None:
        return ("quantity_grid", False, None, None)
    quantity, lot = intent.quantity_nanos, instrument.lot_nanos
    return ("quantity_grid", quantity > 0 and quantity % lot == 0, lot, quantity)


def price_collar(intent: TradeIntent, view: RiskView) -> CheckResult:
    """The limit does not pass the far touch (a stop-limit's: its stop) by more than the collar.

    Observed is rounded up.
    """
    limit = view.limits.collar_bps_max
    kind = intent.order_type
    if kind is _LIMIT:
        anchor = view.ask_nanos if intent.side is _BUY else view.bid_nanos
    elif kind is _STOP_LIMIT:
        anchor = intent.stop_price_nanos
    else:
        return ("price_collar", True, limit, 0)
    if anchor <= 0:
        return ("price_collar", False, limit, None)
    bps = bps_past(intent, anchor)
    return ("price_collar", bps <= limit, limit, bps)


def exit_price(intent: TradeIntent, view: RiskView) -> CheckResult:
    """An exit does not give the position away: a limit near the far touch, or blind near the last good price.

    Without a fresh clean quote a market order is not an exit but a bet, and is refused as not seen; stops at
    the venue wait for a price by themselves and pass.
    """
    kind = intent.order_type
    limit = view.limits.exit_collar_bps_max
    if kind is _STOP or kind is _TRAILING_STOP:
        return ("exit_price", True, limit, 0)
    if kind is _STOP_LIMIT:
        anchor = intent.stop_price_nanos
    elif sees_market(view.bid_nanos, view.ask_nanos, view.quality, view.now_ns - view.quote_ns, view.limits.quote_age_ns_max):
        if kind is _MARKET:
            return ("exit_price", True, limit, 0)
        anchor = view.ask_nanos if intent.side is _BUY else view.bid_nanos
    else:
        limit = view.limits.blind_collar_bps_max
        anchor = 0 if kind is _MARKET else view.last_good_nanos
    if anchor <= 0:
        return ("exit_price", False, limit, None)
    bps = bps_past(intent, anchor)
    return ("exit_price", bps <= limit, limit, bps)


def order_quantity(intent: TradeIntent, view: RiskView) -> CheckResult:
    """The order's quantity is within the cap."""
    limit = view.limits.order_quantity_nanos_max
    return ("order_quantity", intent.quantity_nanos <= limit, limit, intent.quantity_nanos)


def duplicate_order(intent: TradeIntent, view: RiskView) -> CheckResult:
    """The same order was not sent within the window: of a sliced entry, the same whole. Observed is how long ago it was."""
    limit = view.limits.duplicate_window_ns
    sent_ns = view.portfolio.activity.signatures.get(signature_of(intent))
    if sent_ns is None or intent.replaces or intent.slice_number:
        return ("duplicate_order", True, limit, None)
    age_ns = view.now_ns - sent_ns
    return ("duplicate_order", age_ns >= limit, limit, age_ns)


def self_trade(intent: TradeIntent, view: RiskView) -> CheckResult:
    """The order would not trade with one of our own.

    Limit is the own price it meets (0: a market or stop order).
    """
    book = view.book
    if not (book.sells_nanos if intent.side is _BUY else book.buys_nanos):
        return _MEETS_NONE
    price = book_price(intent.order_type, intent.limit_price_nanos)
    if price == NO_PRICE:
        return _MEETS_NONE
    met = book.crossing(intent.side, price, besides=intent.replaces)
    return ("self_trade", met is None, met, price)


def amend_spacing(intent: TradeIntent, view: RiskView) -> CheckResult:
    """A working order is not replaced again too soon. Observed is how long ago it was sent."""
    limit = view.limits.amend_spacing_ns
    if not intent.replaces:
        return ("amend_spacing", True, limit, None)
    replaced = view.portfolio.book(intent.symbol).orders.get(intent.replaces)
    if replaced is None:
        return ("amend_spacing", True, limit, None)
    age_ns = view.now_ns - replaced.sent_ns
    return ("amend_spacing", age_ns >= limit, limit, age_ns)


def orders_per_minute(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """The account's orders of the last minute, this one included, are within the cap."""
    limit = view.limits.orders_per_minute_max
    count = view.portfolio.activity.orders.within_minute(view.now_ns) + 1
    return ("orders_per_minute", count <= limit, limit, count)


def symbol_messages(intent: TradeIntent, view: RiskView) -> CheckResult:
    """The symbol's orders, replaces and cancels of the last minute, this one included, are within the cap."""
    limit = view.limits.symbol_messages_per_minute_max
    count = view.portfolio.activity.messages_of(intent.symbol, view.now_ns) + 1
    return ("symbol_messages", count <= limit, limit, count)


def reducing_quantity(intent: TradeIntent, view: RiskView) -> CheckResult:
    """An exit only reduces what is held and not being exited, on the account's net and the strategy's own."""
    limit = view.portfolio.reducible(intent)
    return ("reducing_quantity", intent.quantity_nanos <= limit, limit, intent.quantity_nanos)


def exit_repeat(intent: TradeIntent, view: RiskView) -> CheckResult:
    """Another story's exit of this position is not too recent.

    Slices of one story may follow at once, and so may a stop, which waits for its price.
    """
    limit = view.limits.exit_repeat_ns
    holding = view.portfolio.holding(intent.strategy_id, intent.symbol)
    if not holding.exit_ns or holding.exit_correlation_id == intent.correlation_id or intent.order_type is _STOP:
        return ("exit_repeat", True, limit, None)
    age_ns = view.now_ns - holding.exit_ns
    return ("exit_repeat", age_ns >= limit, limit, age_ns)


def bps_past(intent: TradeIntent, anchor_nanos: int) -> int:
    """Return by how many basis points a limit gives more than the anchor price, rounded up.

    0 when it gives nothing.
    """
    limit = intent.limit_price_nanos
    given = limit - anchor_nanos if intent.side is _BUY else anchor_nanos - limit
    return -(-given * BPS // anchor_nanos) if given > 0 else 0
