"""Fold each order from its command to its end, with every execution once. Reads messages; decides nothing."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import final

from tidegate.analytics.entries import Entry
from tidegate.analytics.links import Links
from tidegate.events.acts import FeatureSnapshot, OrderChanged, OrderCommand, TradeIntent
from tidegate.events.inputs import OrderEvent
from tidegate.values.enums import CommandKind, Liquidity, OrderEventKind, OrderState, Regime, Side
from tidegate.values.money import attos

DONE = frozenset(
    (
        OrderState.FILLED,
        OrderState.CANCELED,
        OrderState.REJECTED,
        OrderState.EXPIRED,
        OrderState.REPLACED,
        OrderState.ABSENT,
        OrderState.NOT_SENT,
    )
)
_FILL_KINDS = frozenset((OrderEventKind.PARTIALLY_FILLED, OrderEventKind.FILLED, OrderEventKind.FILL_CORRECTED))
_BPS = 10_000


@final
@dataclass(slots=True, kw_only=True)
class FillRow:
    """One execution: nanos, attos; venue_ns is the receive time where the venue told none."""

    n: int
    timestamp_ns: int
    venue_ns: int
    client_order_id: str
    execution_id: str
    strategy_id: str
    symbol: str
    side: Side
    quantity_nanos: int
    price_nanos: int
    fee_attos: int
    liquidity: Liquidity | None
    correlation_id: str


@final
@dataclass(slots=True, kw_only=True)
class OrderRow:
    """One order we sent, with what was seen when it was decided and what became of it."""

    n: int
    k: int
    command: OrderCommand
    intent: TradeIntent | None
    features: FeatureSnapshot | None
    state: OrderState = OrderState.NEW
    note: str = ""
    accepted_ns: int | None = None
    done_ns: int | None = None
    first_fill_ns: int | None = None
    last_fill_ns: int | None = None
    fills: list[FillRow] = field(default_factory=list)

    @property
    def client_order_id(self) -> str:
        """Return the id the venue knows it by."""
        return self.command.client_order_id

    @property
    def filled_nanos(self) -> int:
        """Return the quantity filled."""
        return sum(fill.quantity_nanos for fill in self.fills)

    @property
    def fees_attos(self) -> int:
        """Return the fees of all executions; negative is a rebate."""
        return sum(fill.fee_attos for fill in self.fills)

    @property
    def average_price_nanos(self) -> float | None:
        """Return the quantity-weighted fill price; None without fills."""
        filled = self.filled_nanos
        return sum(fill.price_nanos * fill.quantity_nanos for fill in self.fills) / filled if filled else None

    @property
    def reference_price_nanos(self) -> int | None:
        """Return the side of the book the intent was priced against; None if it named none."""
        return (self.intent.reference_price_nanos or None) if self.intent else None

    @property
    def mid_nanos(self) -> float | None:
        """Return the middle of bid and ask when it was decided; None unless both stood and were seen then.

        A chase continues a story whose features were shown earlier: they tell its regime, but not its mid.
        """
        seen = self.features_then
        if seen is None or seen.bid_nanos <= 0 or seen.ask_nanos <= 0:
            return None
        return (seen.bid_nanos + seen.ask_nanos) / 2

    @property
    def features_then(self) -> FeatureSnapshot | None:
        """Return the features if they were taken at the very moment of the order."""
        return self.features if self.features and self.features.timestamp == self.command.timestamp else None

    @property
    def continues(self) -> str:
        """Return the id of the order whose rest this one asks for: chased or replaced; empty: none."""
        return (self.intent.replaces if self.intent else "") or self.command.target_id

    @property
    def regime(self) -> Regime | None:
        """Return the symbol's regime when it was decided."""
        return self.features.symbol_regime if self.features else None

    @property
    def was_sent(self) -> bool:
        """Return whether it may have left the process (all but NOT_SENT)."""
        return self.state is not OrderState.NOT_SENT

    def slippage_bps(self, against_nanos: float | None) -> float | None:
        """Return how much worse than a price it filled, in basis points of that price; negative is better."""
        price = self.average_price_nanos
        if price is None or not against_nanos:
            return None
        return self.command.side.sign * (price - against_nanos) / against_nanos * _BPS


def fold_orders(entries: Sequence[Entry], links: Links) -> tuple[tuple[OrderRow, ...], tuple[FillRow, ...]]:
    """Return all orders in order of creation, and all executions in order of arrival.

    An execution id counts once per order; a correction replaces its execution in place, a bust removes it.
    """
    rows: dict[str, OrderRow] = {}
    executions = _Executions()
    for entry in entries:
        match entry.message:
            case OrderCommand(kind=CommandKind.SUBMIT | CommandKind.REPLACE) as command:
                rows.setdefault(command.client_order_id, _new_row(entry, command, links))
            case OrderChanged() as change if change.client_order_id in rows:
                _change(rows[change.client_order_id], change)
            case OrderEvent() as event:
                _hear(rows.get(event.client_order_id), event)
                executions.take(entry.n, event, rows.get(event.client_order_id))
            case _:
                pass
    for fill in executions.rows.values():
        row = rows.get(fill.client_order_id)
        if row is not None:
            row.fills.append(fill)
            row.first_fill_ns = fill.timestamp_ns if row.first_fill_ns is None else row.first_fill_ns
            row.last_fill_ns = fill.timestamp_ns
    return tuple(rows.values()), tuple(executions.rows.values())


def _new_row(entry: Entry, command: OrderCommand, links: Links) -> OrderRow:
    intent = links.intent_of(command)
    features = links.features.get(intent.event_id) if intent else None
    return OrderRow(n=entry.n, k=entry.k, command=command, intent=intent, features=features)


def _change(row: OrderRow, change: OrderChanged) -> None:
    row.state = change.after
    row.note = change.note or row.note
    if change.after in DONE and row.done_ns is None:
        row.done_ns = change.timestamp


def _hear(row: OrderRow | None, event: OrderEvent) -> None:
    if row is None:
        return
    if event.kind is OrderEventKind.ACCEPTED and row.accepted_ns is None:
        row.accepted_ns = event.timestamp
    row.note = event.reason or row.note


@final
class _Executions:
    """Every execution once: by its id, and by the venue's running total where one comes under two ids."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], FillRow] = {}
        self.busted: set[tuple[str, str]] = set()
        self.sums: defaultdict[str, int] = defaultdict(int)  # by order, as booked here
        self.totals: defaultdict[str, int] = defaultdict(int)  # by order, the largest the venue told

    def take(self, n: int, event: OrderEvent, row: OrderRow | None) -> None:
        name = event.client_order_id
        key = (name, event.execution_id or f"#{n}")
        self.totals[name] = max(self.totals[name], event.cum_quantity_nanos)
        if event.kind is OrderEventKind.FILL_BUSTED:
            self.busted.add(key)
            self._put(key, None)
        elif event.kind in _FILL_KINDS and event.last_quantity_nanos > 0 and key not in self.busted:
            first = self.rows.get(key)
            if event.kind is OrderEventKind.FILL_CORRECTED or (first is None and not self._is_repeated(event)):
                self._put(key, _fill_row(n, event, row, first))

    def _is_repeated(self, event: OrderEvent) -> bool:
        total = self.totals[event.client_order_id]
        return total > 0 and self.sums[event.client_order_id] + event.last_quantity_nanos > total

    def _put(self, key: tuple[str, str], fill: FillRow | None) -> None:
        old = self.rows.pop(key, None) if fill is None else self.rows.get(key)
        if fill is not None:
            self.rows[key] = fill
        self.sums[key[0]] += (fill.quantity_nanos if fill else 0) - (old.quantity_nanos if old else 0)


def _fill_row(n: int, event: OrderEvent, row: OrderRow | None, first: FillRow | None) -> FillRow:
    """Take an execution as told now; a correction keeps the place and time at which it was first told."""
    return FillRow(
        n=first.n if first else n,
        timestamp_ns=first.timestamp_ns if first else event.timestamp,
        venue_ns=first.venue_ns if first else (event.ts_venue or event.timestamp),
        client_order_id=event.client_order_id,
        execution_id=event.execution_id,
        strategy_id=row.command.strategy_id if row else event.strategy_id,
        symbol=row.command.symbol if row else event.symbol,
        side=event.side,
        quantity_nanos=event.last_quantity_nanos,
        price_nanos=event.last_price_nanos,
        fee_attos=attos(event.fee_usd),
        liquidity=event.liquidity,
        correlation_id=row.command.correlation_id if row else event.correlation_id,
    )
