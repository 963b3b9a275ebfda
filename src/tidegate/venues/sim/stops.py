"""Stops: what elects them, and how a trailing one follows the market. Kernel code."""

from typing import Any

from tidegate.kernel.mode import kernel
from tidegate.kernel.tables import row_at
from tidegate.venues.sim import rows
from tidegate.venues.sim.display import taking_price
from tidegate.venues.sim.fills import arrive
from tidegate.venues.sim.lists import unlink


@kernel
def mark_for(symbol: Any, side: int) -> int:
    """Return the market price by which a stop of this side is judged: the last sale, before any the side it would take."""
    return symbol.last_print if symbol.last_print > 0 else taking_price(symbol, side)


@kernel
def elect(tables: Any, symbol: Any) -> None:
    """Elect the waiting stops that the market has reached and match them at once."""
    place = symbol.stops
    while place > 0:
        order = row_at(tables.orders, place - 1)
        place = order.next
        mark = mark_for(symbol, order.side)
        if mark > 0 and is_reached(order, mark):
            unlink(tables, order)
            order.type = rows.LIMIT if order.limit > 0 else rows.MARKET
            arrive(tables, order)


@kernel
def is_reached(order: Any, mark: int) -> bool:
    """Tell whether the market has reached a stop; a trailing one first follows the market."""
    side = order.side
    if order.type != rows.TRAILING:
        return side * (mark - order.stop) >= 0
    if order.extreme == 0 or side * (order.extreme - mark) > 0:
        order.extreme = mark
    return side * (mark - order.extreme) >= order.trail
