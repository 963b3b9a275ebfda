"""What a command does when it arrives: submit, cancel, replace. Kernel code.

Commands are checked for form before they get here (`checks.py`); what is refused here depends on the state of the market.
"""

from typing import Any

from tidegate.kernel.mode import kernel
from tidegate.kernel.tables import row_at
from tidegate.values.time import NEVER_NS
from tidegate.venues.sim import rows
from tidegate.venues.sim.fills import arrive, end, say
from tidegate.venues.sim.lists import link, wait
from tidegate.venues.sim.stops import mark_for


@kernel
def submit(tables: Any, order: Any) -> None:
    """Accept a new order and let it meet the market, or refuse it."""
    reason = refusal(tables, order, 0)
    if reason != rows.NO_REASON:
        order.status = rows.ENDED
        order.ended = rows.REJECTED
        say(tables, order, rows.REJECTED, reason)
        return
    accept(tables, order)


@kernel
def accept(tables: Any, order: Any) -> None:
    """Take an order in: match it, let it rest until trading resumes, or let it wait for its stop."""
    say(tables, order, rows.ACCEPTED, rows.NO_REASON)
    symbol = row_at(tables.symbols, order.symbol)
    if order.type >= rows.STOP:
        order.extreme = mark_for(symbol, order.side)
        wait(tables, order)
    elif symbol.halted == 0 and is_open(tables):
        arrive(tables, order)
    elif order.life == rows.IOC or order.life == rows.FOK:
        end(tables, order, rows.CANCELED)
        say(tables, order, rows.CANCELED, rows.NOT_TRADING)
    else:
        order.fresh = 1
        order.queue = rows.QUEUE_UNKNOWN if order.limit > 0 else 0
        link(tables, order)


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
    if order.type == rows.STOP or order.type == rows.STOP_LIMIT:
        mark = mark_for(symbol, order.side)
        if mark > 0 and order.side * (mark - order.stop) >= 0:
            return rows.STOP_PASSED
    if order.side < 0 and head.short_selling == 0:
        open_sells = open_quantity(tables, symbol.sells) + open_quantity(tables, symbol.stops) - sells_back
        if order.quantity - order.filled + open_sells > symbol.position:
            return rows.NO_SHORTS
    return rows.NO_REASON


@kernel
def open_quantity(tables: Any, place: int) -> int:
    """Return what may still be sold by the orders of a list."""
    total = 0
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
def replace(tables: Any, order: Any, successor: Any) -> None:
    """End an order and put its successor in its place, at the end of the queue; or refuse both words.

    The successor's quantity is the chain's total: what the replaced order has filled is taken off it.
    """
    reason = rows.NO_REASON
    if order.status == rows.ENDED:
        reason = rows.ALREADY_ENDED
    elif successor.quantity <= order.filled:
        reason = rows.NOTHING_LEFT
    else:
        back = order.quantity - order.filled if order.side < 0 else 0
        successor.quantity -= order.filled
        reason = refusal(tables, successor, back)
    if reason != rows.NO_REASON:
        say(tables, order, rows.REPLACE_REJECTED, reason)
        successor.status = rows.ENDED
        successor.ended = rows.REJECTED
        say(tables, successor, rows.REJECTED, reason)
        return
    end(tables, order, rows.REPLACED)
    say(tables, order, rows.REPLACED, rows.ON_REQUEST)
    accept(tables, successor)
