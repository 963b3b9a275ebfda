"""The forecast: a scan ahead for the first record that changes one of our orders, on scratch rows. Kernel code.

The venue's own rows do not move. Only the rows of symbols with open orders are copied, and only records of these are
taken in. A command that reaches the venue earlier makes the forecast void.
"""

from typing import Any, Final

from tidegate.kernel.mode import kernel
from tidegate.kernel.tables import row_at, row_count
from tidegate.values.time import NEVER_NS
from tidegate.venues.sim import rows
from tidegate.venues.sim.lists import LISTS, first_of
from tidegate.venues.sim.walk import close_sessions, earliest

END_NS: Final = NEVER_NS - 1  # no record is later


@kernel
def begin(own: Any, scratch: Any) -> None:
    """Copy what rests from the venue's own rows to the scratch rows."""
    copy_head(own.head, scratch.head)
    for place in range(row_count(own.symbols)):
        symbol = row_at(own.symbols, place)
        twin = row_at(scratch.symbols, place)
        if symbol.orders_open == 0:
            twin.orders_open = 0
        else:
            copy_symbol(symbol, twin)
            copy_orders(own, scratch, symbol)
    for rank in range(row_count(own.streams)):
        stream = row_at(own.streams, rank)
        twin = row_at(scratch.streams, rank)
        twin.cursor, twin.next_ns = stream.cursor, stream.next_ns
        twin.watched = 1 if is_busy(own, rank) else 0


@kernel
def is_busy(tables: Any, rank: int) -> bool:
    """Tell whether a stream has a symbol with open orders."""
    source = row_at(tables.sources, rank)
    for place in range(source.map_start, source.map_start + source.map_count):
        target = row_at(tables.maps, place).symbol
        if target >= 0 and row_at(tables.symbols, target).orders_open > 0:
            return True
    return False


@kernel
def conclude(tables: Any) -> None:
    """Say what the walk on the scratch rows has found.

    FOUND: the first event row says when and why. SCANNED: nothing happens at a venue time before desk.limit_ns, which is
    NEVER when nothing can happen any more.
    """
    desk = tables.desk
    if desk.outcome != rows.DONE:
        return
    rank = earliest(tables, END_NS, -1)
    desk.limit_ns = NEVER_NS if rank < 0 else row_at(tables.streams, rank).next_ns
    close_sessions(tables, desk.limit_ns)
    desk.outcome = rows.FOUND if desk.events > 0 else rows.SCANNED


@kernel
def copy_head(source: Any, target: Any) -> None:
    """Copy the venue's head."""
    target.orders_open, target.hour = source.orders_open, source.hour
    target.open_ns, target.close_ns = source.open_ns, source.close_ns
    target.disjoint = source.disjoint
    target.short_selling, target.queues_outside = source.short_selling, source.queues_outside
    target.replace_total = source.replace_total
    target.venue_ns = source.venue_ns
    target.cause_stream, target.cause_place = source.cause_stream, source.cause_place


@kernel
def copy_symbol(source: Any, target: Any) -> None:
    """Copy a symbol's row."""
    target.bid, target.ask = source.bid, source.ask
    target.bid_size, target.ask_size = source.bid_size, source.ask_size
    target.bid_used, target.ask_used = source.bid_used, source.ask_used
    target.firm, target.halted = source.firm, source.halted
    target.last_print, target.position = source.last_print, source.position
    target.orders_open = source.orders_open
    target.buys, target.sells, target.stops = source.buys, source.sells, source.stops
    target.print_low, target.print_high = source.print_low, source.print_high
    target.ask_low, target.ask_high = source.ask_low, source.ask_high
    target.bid_low, target.bid_high = source.bid_low, source.bid_high


@kernel
def copy_orders(own: Any, scratch: Any, symbol: Any) -> None:
    """Copy the open orders of a symbol."""
    for which in range(LISTS):
        place = first_of(symbol, which)
        while place > 0:
            order = row_at(own.orders, place - 1)
            copy_order(order, row_at(scratch.orders, place - 1))
            place = order.next


@kernel
def copy_order(source: Any, target: Any) -> None:
    """Copy an order's row."""
    target.slot, target.symbol, target.side = source.slot, source.symbol, source.side
    target.type, target.life = source.type, source.life
    target.quantity, target.filled = source.quantity, source.filled
    target.limit, target.stop, target.trail = source.limit, source.stop, source.trail
    target.status, target.ended = source.status, source.ended
    target.extreme, target.queue, target.fresh = source.extreme, source.queue, source.fresh
    target.next, target.previous = source.next, source.previous
