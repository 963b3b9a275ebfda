"""Orders against the display and the tape: arrival, resting, prints, fills. Kernel code.

Each rule is a line of `assumptions.py`. Callers make sure that the symbol trades: session open, not halted.
"""

from typing import Any

from tidegate.kernel.mode import kernel
from tidegate.kernel.tables import row_at
from tidegate.venues.sim import rows
from tidegate.venues.sim.display import crosses, queue_ahead, taking_price, taking_size, use_display
from tidegate.venues.sim.lists import BUYS, STOPS, first_of, link, unlink


@kernel
def say(tables: Any, order: Any, kind: int, reason: int) -> Any:
    """Write an event row about an order and return it."""
    head = tables.head
    event = row_at(tables.events, tables.desk.events)
    tables.desk.events += 1
    event.kind = kind
    event.slot = order.slot
    event.quantity = 0
    event.price = 0
    event.filled = order.filled
    event.venue_ns = head.venue_ns
    event.stream, event.place = head.cause_stream, head.cause_place
    event.maker = 0
    event.reason = reason
    return event


@kernel
def end(tables: Any, order: Any, kind: int) -> None:
    """Take an order out of the market for good."""
    unlink(tables, order)
    order.status = rows.ENDED
    order.ended = kind


@kernel
def fill(tables: Any, order: Any, quantity: int, price: int, maker: int) -> None:
    """Execute a part of an order, or its rest."""
    order.filled += quantity
    row_at(tables.symbols, order.symbol).position += order.side * quantity
    kind = rows.FILLED if order.filled == order.quantity else rows.PARTIALLY_FILLED
    event = say(tables, order, kind, rows.NO_REASON)
    event.quantity = quantity
    event.price = price
    event.maker = maker
    if kind == rows.FILLED:
        end(tables, order, kind)


@kernel
def take(tables: Any, order: Any, price: int, maker: int) -> None:
    """Fill an order from the display, as far as that goes."""
    symbol = row_at(tables.symbols, order.symbol)
    quantity = min(order.quantity - order.filled, taking_size(symbol, order.side))
    if quantity > 0:
        use_display(symbol, order.side, quantity)
        fill(tables, order, quantity, price, maker)


@kernel
def arrive(tables: Any, order: Any) -> None:
    """Match an order that has just come, or a stop just elected, with the display; cancel or rest what is left."""
    symbol = row_at(tables.symbols, order.symbol)
    price = taking_price(symbol, order.side)
    order.fresh = 0
    if price > 0 and crosses(order.side, order.limit, price):
        whole = taking_size(symbol, order.side) >= order.quantity - order.filled
        if order.life != rows.FOK or whole:
            take(tables, order, price, 0)
    if order.status == rows.ENDED:
        return
    if order.life >= rows.IOC:
        end(tables, order, rows.CANCELED)
        say(tables, order, rows.CANCELED, rows.NOT_WHOLE if order.life == rows.FOK else rows.NOT_IMMEDIATE)
    else:
        order.queue = queue_ahead(symbol, order.side, order.limit) if order.limit > 0 else 0
        link(tables, order, rows.RESTING)


@kernel
def meet_quote(tables: Any, symbol: Any) -> None:
    """Match the resting orders, buys first, with a new quote; then let them learn the queues that it shows."""
    for which in range(STOPS):
        side = 1 if which == BUYS else -1
        price = taking_price(symbol, side)
        place = first_of(symbol, which)
        while place > 0:
            order = row_at(tables.orders, place - 1)
            place = order.next
            if price > 0:
                if crosses(side, order.limit, price):
                    taking = order.limit == 0 or order.fresh == 1
                    take(tables, order, price if taking else order.limit, 0 if taking else 1)
                order.fresh = 0
            if order.status == rows.RESTING and order.queue == rows.QUEUE_UNKNOWN:
                order.queue = queue_ahead(symbol, side, order.limit)


@kernel
def meet_print(tables: Any, symbol: Any, record: Any) -> None:
    """Let a print advance and fill the resting orders, buys first; what it gives us in all is at most its size."""
    used = 0
    for which in range(STOPS):
        place = first_of(symbol, which)
        while place > 0:
            order = row_at(tables.orders, place - 1)
            place = order.next
            if order.limit > 0 and crosses(order.side, order.limit, record.a):
                free = _behind_queue(order, record.a, record.b) - used
                quantity = min(order.quantity - order.filled, free)
                if quantity > 0:
                    used += quantity
                    fill(tables, order, quantity, order.limit, 1)


@kernel
def _behind_queue(order: Any, price: int, size: int) -> int:
    """Return what of a print comes to an order, and move its queue."""
    if price != order.limit:
        order.queue = 0
        return size
    if order.queue == rows.QUEUE_UNKNOWN:
        return 0
    ahead = min(order.queue, size)
    order.queue -= ahead
    return size - ahead
