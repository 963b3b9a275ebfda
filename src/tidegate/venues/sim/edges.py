"""Edges: which records may touch our open orders of a symbol, in six numbers, so that others cost little. Kernel code.

They are wide rather than exact: a record beyond an edge is looked at in full and may still change nothing.
"""

from typing import Any

from tidegate.events import records
from tidegate.kernel.mode import kernel
from tidegate.kernel.tables import row_at
from tidegate.values.time import NEVER_NS
from tidegate.venues.sim import rows
from tidegate.venues.sim.lists import LISTS, first_of


@kernel
def is_near(symbol: Any, record: Any) -> bool:
    """Tell whether a record may change one of our orders."""
    if symbol.orders_open == 0:
        return False
    if record.kind == records.QUOTE:
        return record.b <= symbol.ask_low or record.b >= symbol.ask_high or record.a <= symbol.bid_low or record.a >= symbol.bid_high
    return record.kind == records.TRADE and (record.a <= symbol.print_low or record.a >= symbol.print_high)


@kernel
def mark_edges(tables: Any, symbol: Any) -> None:
    """Set the edges of a symbol from its open orders."""
    symbol.print_low = symbol.ask_low = symbol.bid_low = 0
    symbol.print_high = symbol.ask_high = symbol.bid_high = NEVER_NS
    for which in range(LISTS):
        place = first_of(symbol, which)
        while place > 0:
            order = row_at(tables.orders, place - 1)
            place = order.next
            if order.status == rows.WAITING:
                _mark_stop(symbol, order)
            elif order.limit == 0 or order.fresh == 1:
                _mark_everything(symbol)
            else:
                _mark_limit(symbol, order)


@kernel
def _mark_everything(symbol: Any) -> None:
    symbol.print_low = symbol.ask_low = NEVER_NS


@kernel
def _mark_stop(symbol: Any, order: Any) -> None:
    """A trailing stop follows every sale; another waits for the market to reach it."""
    if order.type == rows.TRAILING:
        _mark_everything(symbol)
    elif order.side > 0:
        symbol.print_high = min(symbol.print_high, order.stop)
        symbol.ask_high = min(symbol.ask_high, order.stop)
    else:
        symbol.print_low = max(symbol.print_low, order.stop)
        symbol.bid_low = max(symbol.bid_low, order.stop)


@kernel
def _mark_limit(symbol: Any, order: Any) -> None:
    """A resting limit fills when the other side comes to it, and learns its queue when its own side falls back to it."""
    if order.side > 0:
        symbol.print_low = max(symbol.print_low, order.limit)
        symbol.ask_low = max(symbol.ask_low, order.limit)
        if order.queue == rows.QUEUE_UNKNOWN:
            symbol.bid_low = max(symbol.bid_low, order.limit)
    else:
        symbol.print_high = min(symbol.print_high, order.limit)
        symbol.bid_high = min(symbol.bid_high, order.limit)
        if order.queue == rows.QUEUE_UNKNOWN:
            symbol.ask_high = min(symbol.ask_high, order.limit)
