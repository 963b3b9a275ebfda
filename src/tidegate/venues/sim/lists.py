"""Lists of open orders by symbol: buys and sells best price first, then oldest first; stops oldest first. Kernel code."""

from typing import Any, Final

from tidegate.kernel.mode import kernel
from tidegate.kernel.tables import row_at
from tidegate.venues.sim import rows

BUYS: Final = 0
SELLS: Final = 1
STOPS: Final = 2
LISTS: Final = 3


@kernel
def list_of(order: Any) -> int:
    """Return which list an order of this status and side belongs to."""
    if order.status == rows.WAITING:
        return STOPS
    return BUYS if order.side > 0 else SELLS


@kernel
def first_of(symbol: Any, which: int) -> int:
    """Return the head of a list."""
    if which == STOPS:
        return symbol.stops
    return symbol.buys if which == BUYS else symbol.sells


@kernel
def set_first(symbol: Any, which: int, place: int) -> None:
    """Set the head of a list."""
    if which == STOPS:
        symbol.stops = place
    elif which == BUYS:
        symbol.buys = place
    else:
        symbol.sells = place


@kernel
def goes_before(order: Any, other: Any) -> bool:
    """Tell whether an order that comes now stands before one that is there: only by a better price."""
    if other.limit == 0:
        return False
    return order.limit == 0 or order.side * (order.limit - other.limit) > 0


@kernel
def link(tables: Any, order: Any, status: int) -> None:
    """Let an order rest at its place by price and time, or a stop wait behind the other stops."""
    order.status = status
    symbol = row_at(tables.symbols, order.symbol)
    which = list_of(order)
    before = 0
    after = first_of(symbol, which)
    while after > 0:
        other = row_at(tables.orders, after - 1)
        if which != STOPS and goes_before(order, other):
            break
        before = after
        after = other.next
    order.previous = before
    order.next = after
    if before > 0:
        row_at(tables.orders, before - 1).next = order.slot + 1
    else:
        set_first(symbol, which, order.slot + 1)
    if after > 0:
        row_at(tables.orders, after - 1).previous = order.slot + 1
    symbol.orders_open += 1
    tables.head.orders_open += 1


@kernel
def unlink(tables: Any, order: Any) -> None:
    """Take an order out of its list, if it is in one."""
    if not rows.RESTING <= order.status <= rows.WAITING:
        return
    symbol = row_at(tables.symbols, order.symbol)
    if order.previous > 0:
        row_at(tables.orders, order.previous - 1).next = order.next
    else:
        set_first(symbol, list_of(order), order.next)
    if order.next > 0:
        row_at(tables.orders, order.next - 1).previous = order.previous
    order.status = rows.ARRIVING
    symbol.orders_open -= 1
    tables.head.orders_open -= 1
