"""What a trader's folder says, and what the venue says, laid beside each other: duplicate orders, lost fills, positions, open rows."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from scripts.live.pair import Venue
from tidegate.events.acts import OrderChanged, PositionSnapshot
from tidegate.events.codec import AnyMessage, decode
from tidegate.journal import EntryKind, read
from tidegate.service.ledger.rows import OutboxRow
from tidegate.service.ledger.sql import SqlLedger
from tidegate.service.ledger.states import OutboxState
from tidegate.values.enums import CommandKind
from tidegate.values.money import nanos, nanos_text

_MESSAGES = (EntryKind.INPUT, EntryKind.ACT)
_OPEN = frozenset({OutboxState.PENDING, OutboxState.SENT, OutboxState.UNSURE})


class Books(NamedTuple):
    """A log's own account: positions by symbol that are not zero, and how much of each order it knows to be filled, in nanos.

    Whether a fill came as an execution, or a lookup told of it as a quantity, makes no difference here.
    """

    positions: dict[str, str]
    filled: dict[str, int]


def messages(log: Path) -> Iterator[AnyMessage]:
    """Yield the inputs and acts of a log, as far as they can be read while a trader writes."""
    for entry in read(log).entries():
        if entry.kind in _MESSAGES:
            yield decode(entry.payload)


def books(log: Path) -> Books:
    """Return what a log says of positions and executions."""
    held: dict[tuple[str, str], int] = {}
    filled: dict[str, int] = {}
    for message in messages(log):
        if isinstance(message, PositionSnapshot) and message.symbol:
            held[message.symbol, message.strategy_id] = message.quantity_nanos
        elif isinstance(message, OrderChanged):
            filled[message.client_order_id] = message.filled_nanos
    totals: Counter[str] = Counter()
    for (symbol, _), quantity in held.items():
        totals[symbol] += quantity
    return Books({symbol: nanos_text(quantity) for symbol, quantity in totals.items() if quantity}, filled)


def filled_at(venue: Venue) -> dict[str, int]:
    """Return how much of each order is filled at the venue, in nanos."""
    return {order["client_order_id"]: nanos(order["filled_qty"]) for order in venue.orders() if nanos(order["filled_qty"])}


def lost(ours: Books, theirs: dict[str, int]) -> list[str]:
    """Return the orders of which the log does not know all that the venue has filled."""
    return sorted(name for name, quantity in theirs.items() if ours.filled.get(name, 0) < quantity)


def rows(ledger: Path, account: str = "mill") -> list[OutboxRow]:
    """Return every row of a ledger's outbox."""
    store = SqlLedger(ledger)
    try:
        return store.outbox(account, tuple(OutboxState))
    finally:
        store.close()


class Verdict(NamedTuple):
    """What a comparison found; each list is empty where all is well."""

    orders: int
    fills: int
    duplicates: list[str]  # decisions with more than one order at the venue
    unknown: list[str]  # orders at the venue without a row
    lost_fills: list[str]  # orders of which more is filled at the venue than the log knows
    open_rows: list[str]  # rows that are neither answered nor abandoned nor absent
    positions: list[str]  # what is held by the log and what at the venue, where the two differ

    @property
    def is_clean(self) -> bool:
        """Tell whether nothing was found."""
        return not (self.duplicates or self.unknown or self.lost_fills or self.open_rows or self.positions)


def compare(home: Path, venue: Venue) -> Verdict:
    """Lay ledger, log and venue beside each other; the trader must have stopped, or the newest fills and rows are under way."""
    orders, theirs = venue.orders(), filled_at(venue)
    known = {str(row.client_order_id): row for row in rows(home / "ledger.db") if row.kind is not CommandKind.CANCEL}
    by_intent = Counter(known[order["client_order_id"]].intent_id for order in orders if order["client_order_id"] in known)
    by_id = Counter(order["client_order_id"] for order in orders)
    ours, held = books(home / "log"), venue.positions()
    return Verdict(
        orders=len(orders),
        fills=len(theirs),
        duplicates=sorted([intent for intent, count in by_intent.items() if count > 1] + [name for name, n in by_id.items() if n > 1]),
        unknown=sorted(name for name in by_id if name not in known),
        lost_fills=lost(ours, theirs),
        open_rows=sorted(f"{name}: {row.state.value}" for name, row in known.items() if row.state in _OPEN),
        positions=[] if ours.positions == held else [f"log {ours.positions}", f"venue {held}"],
    )
