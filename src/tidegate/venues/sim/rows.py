"""The simulator's rows and codes: what the matching kernel keeps of symbols, orders and tapes. Numbers only.

Prices and quantities are nanos, times ns of venue time. Lists of orders are linked by slot + 1; 0 ends them.
"""

from typing import Any, Final, NamedTuple

from tidegate.kernel.layout import Layout, Table, row
from tidegate.values.time import NEVER_NS

# What the kernel is asked to do, after taking in all records that come before.
ADVANCE: Final = 0  # nothing more
SUBMIT: Final = 1
CANCEL: Final = 2
REPLACE: Final = 3
FORECAST: Final = 4  # copy what rests to the scratch rows, then scan ahead on them
SCAN: Final = 5  # scan on from where the forecast stands

# Why it came back.
DONE: Final = 0
DRAIN: Final = 1  # the event rows are full: take them out and ask again
BAD_RECORD: Final = 2  # a record of an instrument that the tape does not have
FOUND: Final = 3  # the forecast met something that changes an order
SCANNED: Final = 4  # the forecast's budget of records is used up
OUTCOMES: Final = 8

# Order types, in the order of `tidegate.values.enums.OrderType`: from STOP on they wait for a mark first.
MARKET: Final = 1
LIMIT: Final = 2
STOP: Final = 3
STOP_LIMIT: Final = 4
TRAILING: Final = 5

# Time in force: from IOC on nothing rests.
DAY: Final = 1
GTC: Final = 2
IOC: Final = 3
FOK: Final = 4

# Where an order stands.
FREE: Final = 0
ARRIVING: Final = 1  # in no list
RESTING: Final = 2  # in the list of its side
WAITING: Final = 3  # a stop, in the list of stops
ENDED: Final = 4

# What the event rows say.
ACCEPTED: Final = 1
PARTIALLY_FILLED: Final = 2
FILLED: Final = 3
CANCELED: Final = 4
REJECTED: Final = 5
EXPIRED: Final = 6
REPLACED: Final = 7
CANCEL_REJECTED: Final = 8
REPLACE_REJECTED: Final = 9

# Why; the sentences are in `responses.py`.
NO_REASON: Final = 0
NOT_IMMEDIATE: Final = 1
NOT_WHOLE: Final = 2
ON_REQUEST: Final = 3
SESSION_OVER: Final = 4
NOT_TRADING: Final = 5
CLOSED: Final = 6
STOP_PASSED: Final = 7
NO_SHORTS: Final = 8
ALREADY_ENDED: Final = 9
NOTHING_LEFT: Final = 10

QUEUE_UNKNOWN: Final = -1

HEAD = row(
    [
        ("orders_open", "<i8"),  # resting or waiting, all symbols
        ("hour", "<i8"),  # row of the current or next session
        ("open_ns", "<i8"),  # of that session
        ("close_ns", "<i8"),
        ("disjoint", "<i8"),  # 1: no symbol is on two tapes
        ("short_selling", "<i8"),
        ("queues_outside", "<i8"),  # 1: orders outside trading hours wait for the open
        ("replace_total", "<i8"),  # 1: a replacement's quantity counts what its original has filled
        ("venue_ns", "<i8"),  # of the record or command in hand
        ("cause_stream", "<i8"),  # of the record in hand; -1: none
        ("cause_place", "<i8"),
    ]
)

SYMBOL = row(
    [
        ("bid", "<i8"),  # last displayed quote, as it came
        ("ask", "<i8"),
        ("bid_size", "<i8"),
        ("ask_size", "<i8"),
        ("bid_used", "<i8"),  # what we took of this display
        ("ask_used", "<i8"),
        ("firm", "<i8"),  # 0: the source or the venue does not stand by this quote
        ("halted", "<i8"),
        ("last_print", "<i8"),  # last price that may elect a stop; 0: none yet
        ("position", "<i8"),  # of the account, from fills here
        ("orders_open", "<i8"),
        ("buys", "<i8"),  # first resting buy, best first
        ("sells", "<i8"),
        ("stops", "<i8"),  # first waiting stop, oldest first
        (
            "print_low",
            "<i8",
        ),  # a print at or beyond these, an ask or a bid at or beyond those: an order may change
        ("print_high", "<i8"),
        ("ask_low", "<i8"),
        ("ask_high", "<i8"),
        ("bid_low", "<i8"),
        ("bid_high", "<i8"),
    ]
)

ORDER = row(
    [
        ("slot", "<i8"),
        ("symbol", "<i8"),
        ("side", "<i8"),  # +1 buy, -1 sell
        ("type", "<i8"),
        ("life", "<i8"),  # time in force
        ("quantity", "<i8"),
        ("limit", "<i8"),  # 0: any price
        ("stop", "<i8"),
        ("trail", "<i8"),
        ("filled", "<i8"),
        ("status", "<i8"),
        ("ended", "<i8"),  # the event that ended it
        ("extreme", "<i8"),  # best mark since arrival, of a trailing stop; 0: none seen
        ("queue", "<i8"),  # displayed size ahead of it
        ("fresh", "<i8"),  # 1: it came while nothing traded and has not met the book
        ("next", "<i8"),
        ("previous", "<i8"),
    ]
)

STREAM = row(
    [
        ("cursor", "<i8"),  # next record
        ("next_ns", "<i8"),  # venue time of the next record: the largest event time so far; NEVER at the end
        ("watched", "<i8"),  # 0: the forecast has no business with it
    ]
)

SOURCE = row(
    [
        ("address", "<i8"),
        ("length", "<i8"),
        ("map_start", "<i8"),
        ("map_count", "<i8"),
    ]
)

MAP = row([("symbol", "<i8")])  # a tape's instrument -> our symbol row; -1: not traded here
HOURS = row([("close_ns", "<i8"), ("open_ns", "<i8")])  # not a beginning of `market.rows.SESSION`
TAKEN = row([("records", "<i8")])  # of each stream, by the engine when it sent the command in hand

EVENT = row(
    [
        ("kind", "<i8"),
        ("slot", "<i8"),
        ("quantity", "<i8"),
        ("price", "<i8"),
        ("filled", "<i8"),  # running total of the order
        ("venue_ns", "<i8"),
        ("stream", "<i8"),
        ("place", "<i8"),
        ("maker", "<i8"),
        ("reason", "<i8"),
    ]
)

DESK = row(  # what passes between the kernel and its caller
    [
        ("verb", "<i8"),
        ("until_ns", "<i8"),  # venue time at which the command arrives
        ("slot", "<i8"),  # the order submitted or canceled, or the one that replaces another
        ("target", "<i8"),  # the order replaced
        ("budget", "<i8"),  # records the scan may read
        ("symbol", "<i8"),  # the new order
        ("side", "<i8"),
        ("type", "<i8"),
        ("life", "<i8"),
        ("quantity", "<i8"),
        ("limit", "<i8"),
        ("stop", "<i8"),
        ("trail", "<i8"),
        ("outcome", "<i8"),
        ("events", "<i8"),  # rows written
        ("limit_ns", "<i8"),  # venue time before which the forecast has seen everything
        ("bad_stream", "<i8"),
        ("bad_place", "<i8"),
        ("scanning", "<i8"),
    ]
)


class Request(NamedTuple):
    """What the kernel is asked: the first cells of the desk row."""

    verb: int
    until_ns: int = 0
    slot: int = 0
    target: int = 0
    budget: int = NEVER_NS
    symbol: int = 0
    side: int = 0
    type: int = 0
    life: int = 0
    quantity: int = 0
    limit: int = 0
    stop: int = 0
    trail: int = 0


class Tables(NamedTuple):
    """One set of rows as the kernel sees it: the venue's own, or the forecast's scratch copy."""

    head: Any
    symbols: Any
    orders: Any
    streams: Any
    sources: Any
    maps: Any
    hours: Any
    taken: Any
    events: Any
    desk: Any
    tapes: Any


class Counts(NamedTuple):
    """How many rows a run needs."""

    symbols: int
    orders: int
    streams: int
    maps: int
    hours: int


def events_for(orders: int) -> int:
    """Return how many event rows hold what one record and one close can do to so many orders, twice over."""
    return 4 * orders + 32


def sim_layout(counts: Counts) -> Layout:
    """Return the layout of a run; `entry.py` carves it in this order."""
    return Layout(
        (
            Table("head", HEAD, 1),
            Table("symbols", SYMBOL, counts.symbols),
            Table("orders", ORDER, counts.orders),
            Table("streams", STREAM, counts.streams),
            Table("hours", HOURS, counts.hours),
            Table("scratch_head", HEAD, 1, volatile=True),
            Table("scratch_symbols", SYMBOL, counts.symbols, volatile=True),
            Table("scratch_orders", ORDER, counts.orders, volatile=True),
            Table("scratch_streams", STREAM, counts.streams, volatile=True),
            Table("sources", SOURCE, counts.streams, volatile=True),
            Table("maps", MAP, counts.maps, volatile=True),
            Table("taken", TAKEN, counts.streams, volatile=True),
            Table("events", EVENT, events_for(counts.orders), volatile=True),
            Table("desk", DESK, 1, volatile=True),
        )
    )
