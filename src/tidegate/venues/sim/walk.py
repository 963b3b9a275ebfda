"""The walk over the tapes in venue order: (venue time, stream rank, place). Kernel code.

A stream's venue time is the running maximum of its event times. The walk stops where a command arrives: before
the first record of a later venue time, and before those of the same time that the engine had not taken in when it
sent the command.
"""

from typing import Any

from tidegate.events import records
from tidegate.kernel.mode import kernel
from tidegate.kernel.tables import record_at, row_at, row_count
from tidegate.values.time import NEVER_NS
from tidegate.venues.sim import rows
from tidegate.venues.sim.display import is_sale, moves_queues, take_in
from tidegate.venues.sim.edges import is_near, mark_edges
from tidegate.venues.sim.fills import end, meet_print, meet_quote, say
from tidegate.venues.sim.lists import LISTS, first_of
from tidegate.venues.sim.stops import elect


@kernel
def walk(tables: Any, until_ns: int) -> None:
    """Read the streams in venue order, each as far as it comes before the others; `desk.outcome` says why it stopped earlier.

    While nothing rests and no symbol is on two tapes, the order between streams moves nothing: each is read in one go.
    """
    head, desk = tables.head, tables.desk
    desk.outcome = rows.DONE
    alone = head.orders_open == 0 and head.disjoint == 1
    rank = earliest(tables, until_ns, -1)
    while rank >= 0 and desk.outcome == rows.DONE and desk.budget > 0:
        other = -1 if alone else earliest(tables, until_ns, rank)
        other_ns = row_at(tables.streams, other).next_ns if other >= 0 else NEVER_NS
        read(tables, rank, until_ns, other_ns, other)
        rank = earliest(tables, until_ns, -1)


@kernel
def earliest(tables: Any, until_ns: int, besides: int) -> int:
    """Return the stream whose next record comes first; -1 if none is due."""
    best = -1
    best_ns = NEVER_NS
    for rank in range(row_count(tables.streams)):
        stream = row_at(tables.streams, rank)
        if stream.next_ns < best_ns and rank != besides and stream.watched == 1 and is_due(tables, rank, until_ns):
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
    """Read one stream up to what arrives at until_ns, and no further than the other stream's next record.

    What cannot touch an order of ours is only displayed, in a few nanoseconds. Values that the loop needs are held in locals:
    the compiler cannot know that storing into rows leaves them alone.
    """
    stream, source = row_at(tables.streams, rank), row_at(tables.sources, rank)
    tapes, address, length = tables.tapes, source.address, source.length
    first, count = source.map_start, source.map_count
    desk, head, symbols, maps = tables.desk, tables.head, tables.symbols, tables.maps
    until_place = row_at(tables.taken, rank).records
    if rank < other_rank:
        other_ns += 1  # at equal times the lower rank goes first
    start = place = stream.cursor
    stop = min(length, start + desk.budget)
    now_ns, close_ns = stream.next_ns, head.close_ns
    scanning = desk.scanning
    while place < stop and now_ns < other_ns and comes_before(now_ns, place, until_ns, until_place):
        record = record_at(tapes, rank, address, length, place)
        if not 0 <= record.instrument < count:
            desk.outcome, desk.bad_stream, desk.bad_place = rows.BAD_RECORD, rank, place
            break
        target = row_at(maps, first + record.instrument).symbol
        if target >= 0 or now_ns >= close_ns:
            symbol = row_at(symbols, max(target, 0))
            if now_ns >= close_ns or is_near(symbol, record):
                if not stir(tables, rank, place, now_ns, target):
                    break
                close_ns = head.close_ns
            elif scanning == 0 or symbol.orders_open > 0:
                take_in(symbol, record)
        place += 1
        now_ns = next_time(now_ns, tapes, rank, address, length, place)
    stream.cursor = place
    stream.next_ns = now_ns
    desk.budget -= place - start


@kernel
def comes_before(now_ns: int, place: int, until_ns: int, until_place: int) -> bool:
    """Tell whether a record comes before what arrives at until_ns, sent when so many records had been taken in."""
    return now_ns < until_ns or (now_ns == until_ns and place < until_place)


@kernel
def next_time(now_ns: int, tapes: Any, rank: int, address: int, length: int, place: int) -> int:
    """Return the venue time of a stream's next record."""
    if place >= length:
        return NEVER_NS
    return max(now_ns, record_at(tapes, rank, address, length, place).ts_event)


@kernel
def stir(tables: Any, rank: int, place: int, now_ns: int, target: int) -> bool:
    """Take in a record that may change an order, after the closes before it; False when the walk must stop before it."""
    head, desk = tables.head, tables.desk
    if not has_room(tables):
        desk.outcome = rows.DRAIN
        return False
    if head.close_ns <= now_ns:
        close_sessions(tables, now_ns)
    if target >= 0 and (desk.scanning == 0 or desk.events == 0):
        head.venue_ns, head.cause_stream, head.cause_place = now_ns, rank, place
        source = row_at(tables.sources, rank)
        record = record_at(tables.tapes, rank, source.address, source.length, place)
        symbol = row_at(tables.symbols, target)
        match_record(tables, symbol, record)
        mark_edges(tables, symbol)
    if desk.scanning == 1 and desk.events > 0:
        desk.outcome = rows.FOUND
        return False
    return True


@kernel
def has_room(tables: Any) -> bool:
    """Tell whether the event rows hold all that one record, one close and one command can do."""
    return tables.desk.events + 2 * tables.head.orders_open + 8 <= row_count(tables.events)


@kernel
def match_record(tables: Any, symbol: Any, record: Any) -> None:
    """Take a record into the display and match our open orders with it: what rests first, then stops it elects."""
    quotes = record.kind == records.QUOTE
    prints = record.kind == records.TRADE and is_sale(symbol, record)
    trades = symbol.halted == 0 and tables.head.open_ns <= tables.head.venue_ns
    if trades and record.kind == records.TRADE and moves_queues(record):
        meet_print(tables, symbol, record)
    take_in(symbol, record)
    if trades and quotes:
        meet_quote(tables, symbol)
    if trades and (prints or (quotes and symbol.last_print == 0)):
        elect(tables, symbol)


@kernel
def close_sessions(tables: Any, until_ns: int) -> None:
    """End the trading sessions that close by a time; a forecast stops at the first that ends an order."""
    head, desk = tables.head, tables.desk
    while head.close_ns <= until_ns and head.close_ns < NEVER_NS and (desk.scanning == 0 or desk.events == 0):
        head.venue_ns, head.cause_stream, head.cause_place = head.close_ns, -1, -1
        if head.orders_open > 0:
            for place in range(row_count(tables.symbols)):
                expire(tables, row_at(tables.symbols, place))
        head.hour += 1
        if head.hour < row_count(tables.hours):
            hours = row_at(tables.hours, head.hour)
            head.open_ns, head.close_ns = hours.open_ns, hours.close_ns
        else:
            head.open_ns = head.close_ns = NEVER_NS


@kernel
def expire(tables: Any, symbol: Any) -> None:
    """End the day orders of a symbol."""
    if symbol.orders_open == 0:
        return
    for which in range(LISTS):
        place = first_of(symbol, which)
        while place > 0:
            order = row_at(tables.orders, place - 1)
            place = order.next
            if order.life == rows.DAY:
                end(tables, order, rows.EXPIRED)
                say(tables, order, rows.EXPIRED, rows.SESSION_OVER)
    mark_edges(tables, symbol)
