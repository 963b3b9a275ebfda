"""The walk over the tapes in venue order: (venue time, stream rank, place). Kernel code.

A stream's venue time is the running maximum of its event times. The walk stops where a command arrives: before
the first record of a later venue time, and before those of the same time that the engine had not taken in when it sent the command.
"""

from typing import Any

from tidegate.events import records
from tidegate.kernel.mode import kernel
from tidegate.kernel.tables import record_at, row_at, row_count
from tidegate.values.time import NEVER_NS
from tidegate.venues.sim import rows
from tidegate.venues.sim.display import is_sale, moves_queues, show_quote, show_status, take_in
from tidegate.venues.sim.fills import end, meet_print, meet_quote, say
from tidegate.venues.sim.stops import elect


@kernel
def advance(tables: Any, until_ns: int) -> None:
    """Take in all that comes before a command arriving at until_ns; `desk.outcome` says why it stopped earlier."""
    head, desk = tables.head, tables.desk
    desk.outcome = rows.DONE
    if head.orders_open == 0 and head.disjoint == 1 and desk.scanning == 0:
        for rank in range(row_count(tables.streams)):
            if desk.outcome == rows.DONE:
                read(tables, rank, until_ns, NEVER_NS, 0)
    else:
        merge(tables, until_ns)
    while desk.outcome == rows.DONE and head.close_ns <= until_ns:
        if has_room(tables):
            close_session(tables)
        else:
            desk.outcome = rows.DRAIN


@kernel
def merge(tables: Any, until_ns: int) -> None:
    """Read the streams in venue order, each as far as it comes before the others."""
    desk = tables.desk
    while desk.outcome == rows.DONE and desk.budget > 0:
        rank = earliest(tables, until_ns, -1)
        if rank < 0:
            return
        other = earliest(tables, until_ns, rank)
        if other < 0:
            read(tables, rank, until_ns, NEVER_NS, 0)
        else:
            read(tables, rank, until_ns, row_at(tables.streams, other).next_ns, other)


@kernel
def earliest(tables: Any, until_ns: int, besides: int) -> int:
    """Return the stream whose next record comes first; -1 if none is due."""
    best = -1
    best_ns = NEVER_NS
    for rank in range(row_count(tables.streams)):
        stream = row_at(tables.streams, rank)
        if (
            stream.next_ns < best_ns
            and rank != besides
            and stream.watched == 1
            and is_due(tables, rank, until_ns)
        ):
            best = rank
            best_ns = stream.next_ns
    return best


@kernel
def is_due(tables: Any, rank: int, until_ns: int) -> bool:
    """Tell whether a stream's next record comes before what arrives at until_ns."""
    stream = row_at(tables.streams, rank)
    if stream.next_ns == until_ns:
        return stream.cursor < row_at(tables.taken, rank).records
    return stream.next_ns < until_ns


@kernel
def read(tables: Any, rank: int, until_ns: int, other_ns: int, other_rank: int) -> None:
    """Read one stream up to what arrives at until_ns, and no further than the other stream's next record."""
    stream, source = row_at(tables.streams, rank), row_at(tables.sources, rank)
    tapes, address, length = tables.tapes, source.address, source.length
    desk, head, symbols, maps = tables.desk, tables.head, tables.symbols, tables.maps
    until_place = row_at(tables.taken, rank).records
    if rank < other_rank:
        other_ns += 1  # at equal times the lower rank goes first
    start = place = stream.cursor
    stop = min(length, start + desk.budget)
    now_ns = stream.next_ns
    while (
        place < stop
        and now_ns < other_ns
        and (now_ns < until_ns or (now_ns == until_ns and place < until_place))
    ):
        record = record_at(tapes, rank, address, length, place)
        if not 0 <= record.instrument < source.map_count:
            desk.outcome, desk.bad_stream, desk.bad_place = rows.BAD_RECORD, rank, place
            break
        target = row_at(maps, source.map_start + record.instrument).symbol
        if now_ns >= head.close_ns or (target >= 0 and row_at(symbols, target).orders_open > 0):
            if not has_room(tables):
                desk.outcome = rows.DRAIN
                break
            head.cause_place = place
            if not stir(tables, rank, now_ns, target, record):
                break
        elif target >= 0 and desk.scanning == 0:
            take_in(row_at(symbols, target), record)
        place += 1
        if place < length:
            now_ns = max(now_ns, record_at(tapes, rank, address, length, place).ts_event)
        else:
            now_ns = NEVER_NS
    stream.cursor = place
    stream.next_ns = now_ns
    desk.budget -= place - start


@kernel
def has_room(tables: Any) -> bool:
    """Tell whether the event rows hold all that one record, one close and one command can do."""
    return tables.desk.events + 2 * tables.head.orders_open + 8 <= row_count(tables.events)


@kernel
def stir(tables: Any, rank: int, now_ns: int, target: int, record: Any) -> bool:
    """Take in a record that may change an order; False when a forecast has found what it looks for."""
    head, desk = tables.head, tables.desk
    place = head.cause_place
    while head.close_ns <= now_ns:
        close_session(tables)
    if desk.scanning == 0 or desk.events == 0:
        head.venue_ns, head.cause_stream, head.cause_place = now_ns, rank, place
        if target >= 0:
            match_record(tables, row_at(tables.symbols, target), record)
    if desk.scanning == 1 and desk.events > 0:
        desk.outcome = rows.FOUND
        return False
    return True


@kernel
def match_record(tables: Any, symbol: Any, record: Any) -> None:
    """Take a record into the display and match our open orders with it: what rests first, then stops it elects."""
    kind = record.kind
    trades = symbol.halted == 0 and tables.head.open_ns <= tables.head.venue_ns
    if kind == records.QUOTE:
        show_quote(symbol, record)
        if trades:
            meet_quote(tables, symbol, 1)
            meet_quote(tables, symbol, -1)
            if symbol.last_print == 0:
                elect(tables, symbol)
    elif kind == records.TRADE:
        if trades and moves_queues(record):
            used = meet_print(tables, symbol.buys, record, 0)
            meet_print(tables, symbol.sells, record, used)
        if is_sale(symbol, record):
            symbol.last_print = record.a
            if trades:
                elect(tables, symbol)
    elif kind == records.STATUS:
        show_status(symbol, record.a)


@kernel
def close_session(tables: Any) -> None:
    """End the trading session: day orders expire, symbol by symbol, and the next session is awaited."""
    head = tables.head
    head.venue_ns, head.cause_stream, head.cause_place = head.close_ns, -1, -1
    if head.orders_open > 0:
        for place in range(row_count(tables.symbols)):
            symbol = row_at(tables.symbols, place)
            expire(tables, symbol.buys)
            expire(tables, symbol.sells)
            expire(tables, symbol.stops)
    head.hour += 1
    if head.hour < row_count(tables.hours):
        hours = row_at(tables.hours, head.hour)
        head.open_ns, head.close_ns = hours.open_ns, hours.close_ns
    else:
        head.open_ns = head.close_ns = NEVER_NS


@kernel
def expire(tables: Any, place: int) -> None:
    """End the day orders of one list."""
    while place > 0:
        order = row_at(tables.orders, place - 1)
        place = order.next
        if order.life == rows.DAY:
            end(tables, order, rows.EXPIRED)
            say(tables, order, rows.EXPIRED, rows.SESSION_OVER)
