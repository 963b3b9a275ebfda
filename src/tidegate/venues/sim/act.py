"""What a command does when it arrives: submit, cancel, replace. Kernel code.

Commands are checked for form before they get here (`checks.py`); what is refused here depends on the state of the market.
"""

from typing import Any

from tidegate.kernel.mode import kernel
from tidegate.kernel.tables import row_at
from tidegate.values.time import NEVER_NS
from tidegate.venues.sim import rows
from tidegate.venues.sim.edges import mark_edges
from tidegate.venues.sim.fills import arrive, end, say
from tidegate.venues.sim.lists import LISTS, first_of, link
from tidegate.venues.sim.stops import mark_for
from tidegate.venues.sim.walk import close_sessions, has_room


@kernel
def obey(tables: Any) -> None:
    """Carry out the desk's command, now that all records before it are taken in; sessions over by then are closed first."""
    head, desk = tables.head, tables.desk
    if not has_room(tables):
        desk.outcome = rows.DRAIN
        return
    close_sessions(tables, desk.until_ns)
    if desk.verb == rows.ADVANCE:
        return
    head.venue_ns, head.cause_stream, head.cause_place = desk.until_ns, -1, -1
    order = row_at(tables.orders, desk.slot)
    if desk.verb == rows.CANCEL:
        cancel(tables, order)
    else:
        write_down(desk, order)
        if may_enter(tables, order):
            accept(tables, order)
    mark_edges(tables, row_at(tables.symbols, order.symbol))


@kernel
def may_enter(tables: Any, order: Any) -> bool:
    """Tell whether a new order is taken; if not, say so. A replacement that is taken has ended its original by then."""
    if tables.desk.verb == rows.REPLACE:
        original = row_at(tables.orders, tables.desk.target)
        reason = replace_refusal(tables, original, order)
        if reason == rows.NO_REASON:
            end(tables, original, rows.REPLACED)
            say(tables, original, rows.REPLACED, rows.ON_REQUEST)
            return True
        say(tables, original, rows.REPLACE_REJECTED, reason)
    else:
        reason = refusal(tables, order, 0)
        if reason == rows.NO_REASON:
            return True
    order.status = rows.ENDED
    order.ended = rows.REJECTED
    say(tables, order, rows.REJECTED, reason)
    return False


@kernel
def write_down(desk: Any, order: Any) -> None:
    """Fill a free row with the new order."""
    order.slot, order.symbol, order.side = desk.slot, desk.symbol, desk.side
    order.type, order.life, order.quantity = desk.type, desk.life, desk.quantity
    order.limit, order.stop, order.trail = desk.limit, desk.stop, desk.trail
    order.status = rows.ARRIVING
    order.filled = order.ended = order.extreme = order.queue = order.fresh = order.next = order.previous = 0


@kernel
def accept(tables: Any, order: Any) -> None:
    """Take an order in: match it, let it rest until trading resumes, or let it wait for its stop."""
    say(tables, order, rows.ACCEPTED, rows.NO_REASON)
    symbol = row_at(tables.symbols, order.symbol)
    if order.type >= rows.STOP:
        order.extreme = mark_for(symbol, order.side)
        link(tables, order, rows.WAITING)
    elif symbol.halted == 0 and is_open(tables):
        arrive(tables, order)
    elif order.life >= rows.IOC:
        end(tables, order, rows.CANCELED)
        say(tables, order, rows.CANCELED, rows.NOT_TRADING)
    else:
        order.fresh = 1
        order.queue = rows.QUEUE_UNKNOWN if order.limit > 0 else 0
        link(tables, order, rows.RESTING)


@kernel
def is_open(tables: Any) -> bool:
    """Tell whether the venue's session is on; sessions that have ended are closed already."""
    return tables.head.open_ns <= tables.head.venue_ns


@kernel
def refusal(tables: Any, order: Any, sells_back: int) -> int:
    """Return why the market's state does not allow an order; NO_REASON if it does.

    sells_back is the open quantity of the sell order that this one replaces.
    """
    head = tables.head
    if not is_open(tables) and (head.queues_outside == 0 or head.open_ns == NEVER_NS):
        return rows.CLOSED
    symbol = row_at(tables.symbols, order.symbol)
    if rows.STOP <= order.type <= rows.STOP_LIMIT:
        mark = mark_for(symbol, order.side)
        if mark > 0 and order.side * (mark - order.stop) >= 0:
            return rows.STOP_PASSED
    if order.side < 0 and head.short_selling == 0:
        wanted = order.quantity - order.filled + open_sells(tables, symbol) - sells_back
        if wanted > symbol.position:
            return rows.NO_SHORTS
    return rows.NO_REASON


@kernel
def open_sells(tables: Any, symbol: Any) -> int:
    """Return what may still be sold of a symbol by its open orders."""
    total = 0
    for which in range(LISTS):
        place = first_of(symbol, which)
        while place > 0:
            order = row_at(tables.orders, place - 1)
            place = order.next
            if order.side < 0:
                total += order.quantity - order.filled
    return total


@kernel
def cancel(tables: Any, order: Any) -> None:
    """Cancel an open order, or say that it has ended."""
    if order.status == rows.ENDED:
        say(tables, order, rows.CANCEL_REJECTED, rows.ALREADY_ENDED)
        return
    end(tables, order, rows.CANCELED)
    say(tables, order, rows.CANCELED, rows.ON_REQUEST)


@kernel
def replace_refusal(tables: Any, original: Any, order: Any) -> int:
    """Return why an order may not replace another; NO_REASON if it may.

    Where its quantity is the chain's total, what the original has filled is taken off it.
    """
    if original.status == rows.ENDED:
        return rows.ALREADY_ENDED
    if tables.head.replace_total == 1:
        if order.quantity <= original.filled:
            return rows.NOTHING_LEFT
        order.quantity -= original.filled
    return refusal(tables, order, original.quantity - original.filled)
