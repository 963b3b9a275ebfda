"""Order stories: each order's life from what asked for it to its end, over sessions, as one row.

An order is folded by the same code as a run's table of orders, from its own messages alone. Those of orders that work are kept;
of ended ones only so many, so that a fill that comes late still counts. `late` counts what came later than that.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, final

from tidegate.analytics.entries import Entry
from tidegate.analytics.explain import outcome_words
from tidegate.analytics.journal.cells import exact, place, terms, why
from tidegate.analytics.journal.columns import Kind, Row, full
from tidegate.analytics.journal.recent import Recent
from tidegate.analytics.journal.source import Told
from tidegate.analytics.links import Links
from tidegate.analytics.orders import DONE, FillRow, OrderRow, fold_orders
from tidegate.analytics.telling import lines_of, order_words, verdict_words
from tidegate.events.acts import OrderChanged, OrderCommand
from tidegate.events.inputs import OrderEvent
from tidegate.journal.evidence import OrderStages
from tidegate.values.enums import CommandKind
from tidegate.values.money import attos_text, nanos_text
from tidegate.values.time import iso_utc

ENDED_KEPT_MAX: Final = 4_096
_MAKES: Final = (CommandKind.SUBMIT, CommandKind.REPLACE)


@dataclass(slots=True, kw_only=True)
class _Life:
    """What is known of one order."""

    told: Told  # of the command that made it
    command: OrderCommand
    entries: list[Entry]
    stages: OrderStages | None = None
    changed: OrderChanged | None = None  # how it moved last
    events: list[OrderEvent] = field(default_factory=list)  # of our own edge, which tell when it left


@final
class OrderStories:
    """Folds a log into order stories, in one pass."""

    def __init__(self) -> None:
        self._recent: Final = Recent()
        self._open: Final[dict[str, _Life]] = {}
        self._ended: Final[OrderedDict[str, _Life]] = OrderedDict()
        self.late = 0  # words about orders whose row was given out before

    def rows(self, source: Iterator[Told]) -> Iterator[Row]:
        """Yield each order once: those that ended long ago first, then all others in order of creation."""
        for told in source:
            self._take(told)
            while len(self._ended) > ENDED_KEPT_MAX:
                yield _row(self._ended.popitem(last=False)[1])
        left = [*self._ended.values(), *self._open.values()]
        for life in sorted(left, key=lambda life: (life.command.timestamp, life.told.n, life.told.k)):
            yield _row(life)

    def _take(self, told: Told) -> None:
        message = told.message
        if isinstance(message, OrderStages):
            life = self._life(message.client_order_id)
            if life is not None:
                life.stages = message
            return
        self._recent.take(message, told.n, told.k)
        match message:
            case OrderCommand(kind=kind) if kind in _MAKES and message.client_order_id not in self._ended:
                self._command(told, message)
            case OrderCommand() | OrderEvent() | OrderChanged():
                self._word(told, message)
            case _:
                return

    def _command(self, told: Told, command: OrderCommand) -> None:
        entry = Entry(told.n, told.k, command)
        life = _Life(told=told, command=command, entries=[*self._recent.before(command), entry])
        self._open.setdefault(command.client_order_id, life)
        replaced = self._life(command.target_id)
        if replaced is not None:
            replaced.entries.append(entry)

    def _word(self, told: Told, message: OrderCommand | OrderEvent | OrderChanged) -> None:
        name = message.client_order_id
        life = self._life(name) or (self._life(message.target_id) if isinstance(message, OrderCommand) else None)
        if life is None:
            self.late += 1
            return
        life.entries.append(Entry(told.n, told.k, message))
        if isinstance(message, OrderChanged):
            life.changed = message
            if message.after in DONE and name in self._open:
                self._ended[name] = self._open.pop(name)
        elif isinstance(message, OrderEvent) and message.sent_ns:
            life.events.append(message)

    def _life(self, name: str) -> _Life | None:
        return self._open.get(name) or self._ended.get(name)


def _row(life: _Life) -> Row:
    links = Links.of(life.entries)
    rows, _ = fold_orders(life.entries, links)
    row = next(row for row in rows if row.client_order_id == life.command.client_order_id)
    verdict = links.decisions.get(life.command.decision_id)
    command = life.command
    return full(
        Kind.ORDERS,
        place(life.told, command)
        | terms(command)
        | why(row.intent, row.features)
        | _end(row, life)
        | _stages(row, life)
        | {
            "client_order_id": command.client_order_id,
            "venue": command.venue,
            "account": command.account,
            "reason": row.intent.reason if row.intent else command.reason,
            "verdict": verdict.verdict.value if verdict else None,
            "verdict_sentence": verdict_words(verdict) if verdict else None,
            "life": _life_cells(life),
            "replaces": row.continues,
            "sentence": f"{order_words(command)}, {outcome_words(row)}",
            "intent_id": row.intent.event_id if row.intent else None,
            "decision_id": command.decision_id,
        },
    )


def _end(row: OrderRow, life: _Life) -> Row:
    told = life.changed.filled_nanos if life.changed else 0  # of fills that only a venue's report told of, the sum alone is known
    return {
        "state": row.state.value,
        "note": row.note,
        "filled": nanos_text(max(row.filled_nanos, told)),
        "average_price": _average(row.fills),
        "fees_usd": attos_text(row.fees_attos) if row.fills else None,
        "slippage_reference_bps": row.slippage_bps(row.reference_price_nanos),
        "slippage_mid_bps": row.slippage_bps(row.mid_nanos),
        "fills": [_fill(fill) for fill in row.fills],
    }


def _stages(row: OrderRow, life: _Life) -> Row:
    """Return when each stage was reached: as measured, else as the command and our own edge's events say."""
    stages = life.stages
    sent = next((event.sent_ns for event in life.events), 0)
    durable = next((event.durable_ns for event in life.events), 0)
    return {
        "received_ns": (stages.received_ns if stages else 0) or life.command.timestamp,
        "decided_ns": (stages.decided_ns if stages else 0) or None,
        "durable_ns": (stages.durable_ns if stages else 0) or durable or None,
        "sent_ns": (stages.sent_ns if stages else 0) or sent or None,
        "acked_ns": (stages.acked_ns if stages else 0) or None,
        "accepted_ns": row.accepted_ns,
        "first_fill_ns": row.first_fill_ns,
        "last_fill_ns": row.last_fill_ns,
        "done_ns": row.done_ns,
    }


def _average(fills: list[FillRow]) -> str | None:
    quantity = sum(fill.quantity_nanos for fill in fills)
    if not quantity:
        return None
    return exact(round(Fraction(sum(fill.price_nanos * fill.quantity_nanos for fill in fills), quantity)))


def _fill(fill: FillRow) -> Row:
    return {
        "execution_id": fill.execution_id or None,
        "at": iso_utc(fill.timestamp_ns),
        "at_ns": fill.timestamp_ns,
        "quantity": nanos_text(fill.quantity_nanos),
        "price": nanos_text(fill.price_nanos),
        "fee_usd": attos_text(fill.fee_attos),
        "liquidity": fill.liquidity.value if fill.liquidity else None,
    }


def _life_cells(life: _Life) -> list[Row]:
    lines = [line for entry in life.entries for line in lines_of(entry)]
    return [{"n": line.n, "k": line.k, "at": iso_utc(line.ns), "at_ns": line.ns, "topic": line.topic, "text": line.text} for line in lines]
