"""What the venue displays of a symbol, and what we have taken of it. Kernel code.

Taking a record in must be cheap: between our orders this is all that happens to it.
"""

from typing import Any

from tidegate.events import records
from tidegate.kernel.mode import kernel
from tidegate.venues.sim import rows

_NOT_FIRM = records.SLOW_QUOTE | records.SUSPICIOUS
_NO_SALE = records.CORRECTION | records.SUSPICIOUS
_NO_QUEUE = _NO_SALE | records.OFF_EXCHANGE


@kernel
def take_in(symbol: Any, record: Any) -> None:
    """Take a record into the display of its symbol."""
    kind = record.kind
    if kind == records.QUOTE:
        show_quote(symbol, record)
    elif kind == records.TRADE:
        if is_sale(symbol, record):
            symbol.last_print = record.a
    elif kind == records.STATUS:
        show_status(symbol, record.a)


@kernel
def show_quote(symbol: Any, record: Any) -> None:
    """Show a quote; what we took of a side counts no longer once its price or size has changed."""
    if symbol.bid_used > 0 and (record.a != symbol.bid or record.c != symbol.bid_size):
        symbol.bid_used = 0
    if symbol.ask_used > 0 and (record.b != symbol.ask or record.d != symbol.ask_size):
        symbol.ask_used = 0
    symbol.bid, symbol.ask = record.a, record.b
    symbol.bid_size, symbol.ask_size = record.c, record.d
    symbol.firm = 1 if record.flags & _NOT_FIRM == 0 else 0


@kernel
def show_status(symbol: Any, code: int) -> None:
    """Halt or resume; either way the quote of before is void."""
    if code == records.STATUS_HALT:
        symbol.halted = 1
    elif code == records.STATUS_RESUME:
        symbol.halted = 0
    else:
        return
    symbol.bid = symbol.ask = symbol.bid_size = symbol.ask_size = 0
    symbol.bid_used = symbol.ask_used = 0


@kernel
def is_sale(symbol: Any, record: Any) -> bool:
    """Tell whether a print may elect stops: regular, standing, and within the quote where both sides are known."""
    if record.flags & records.REGULAR == 0 or record.flags & _NO_SALE != 0 or record.a <= 0 or record.b <= 0:
        return False
    bid = taking_price(symbol, -1)
    ask = taking_price(symbol, 1)
    return bid == 0 or ask == 0 or bid <= record.a <= ask


@kernel
def moves_queues(record: Any) -> bool:
    """Tell whether a print traded against orders that stood at an exchange."""
    return record.flags & records.REGULAR != 0 and record.flags & _NO_QUEUE == 0 and record.a > 0 and record.b > 0


@kernel
def taking_price(symbol: Any, side: int) -> int:
    """Return the displayed price an order of this side would take; 0 if there is none to rely on."""
    if symbol.firm == 0 or (symbol.bid > symbol.ask and symbol.ask > 0):
        return 0
    if side > 0:
        return symbol.ask if symbol.ask > 0 and symbol.ask_size > 0 else 0
    return symbol.bid if symbol.bid > 0 and symbol.bid_size > 0 else 0


@kernel
def taking_size(symbol: Any, side: int) -> int:
    """Return what is left for us of the size displayed at that price."""
    return symbol.ask_size - symbol.ask_used if side > 0 else symbol.bid_size - symbol.bid_used


@kernel
def use_display(symbol: Any, side: int, quantity: int) -> None:
    """Remember what we took."""
    if side > 0:
        symbol.ask_used += quantity
    else:
        symbol.bid_used += quantity


@kernel
def crosses(side: int, limit: int, price: int) -> bool:
    """Tell whether an order may trade at a price; limit 0 is any price."""
    return limit == 0 or side * (limit - price) >= 0


@kernel
def queue_ahead(symbol: Any, side: int, limit: int) -> int:
    """Return the size that stands before a new order at its price.

    Nothing does when it crosses or betters the display; behind the best price it is unknown, and so it is while
    its own side shows nothing.
    """
    taking = taking_price(symbol, side)
    if taking > 0 and crosses(side, limit, taking):
        return 0
    best = taking_price(symbol, -side)
    if best == 0:
        return rows.QUEUE_UNKNOWN
    better = side * (limit - best)
    if better == 0:
        return symbol.bid_size if side > 0 else symbol.ask_size
    return 0 if better > 0 else rows.QUEUE_UNKNOWN
