"""What is told to receivers: from messages of the log to bodies of deliveries. Knows no file, clock or network.

A fill that the venue told twice is told once, as far as it is remembered; a gate that is set to the state it has is not told, so a
restart that restores closed gates is quiet.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NamedTuple, final

import msgspec

from tidegate.analytics.journal.risk import gate_kind
from tidegate.analytics.journal.words import sentence
from tidegate.events.acts import DifferenceFound, GateChanged, OrderChanged, RiskDecision
from tidegate.events.codec import AnyMessage
from tidegate.events.inputs import GateSet, OperatorRequested, OrderEvent, VenueStatusChanged
from tidegate.journal.rows import full_names
from tidegate.values.enums import Difference, GateState, OrderEventKind, OrderState, RequestVerb, StatusLevel, Verdict
from tidegate.values.money import nanos_text
from tidegate.values.time import iso_utc

BODY_BYTES_MAX: Final = 32_768
EXECUTIONS_KEPT: Final = 8_192
_SENTENCE_LENGTH_MAX: Final = 2_000
_FILLS: Final = {
    OrderEventKind.PARTIALLY_FILLED: "fill",
    OrderEventKind.FILLED: "fill",
    OrderEventKind.FILL_CORRECTED: "fill_corrected",
    OrderEventKind.FILL_BUSTED: "fill_busted",
}
_WELL: Final = frozenset({StatusLevel.UNKNOWN, StatusLevel.OK})  # a start that finds all well is no news
_FOUND: Final = frozenset({Difference.FILL_UNSEEN, Difference.FILL_FOREIGN, Difference.ORDER_FILLED_MORE})


class Topic(StrEnum):
    """What a receiver may ask to be told of."""

    FILLS = "fills"
    TRIPS = "trips"
    UNKNOWN = "unknown"
    APPROVALS = "approvals"
    VENUE = "venue"


class Spot(NamedTuple):
    """Where a message stands."""

    session: str
    n: int
    k: int


class Notice(NamedTuple):
    """One thing to tell. gate: the scope and key whose state this tells, with the state; empty: none."""

    identity: str
    topic: Topic
    event: str
    body: bytes
    gate: tuple[str, str] = ("", "")


class _Found(NamedTuple):
    topic: Topic
    event: str
    more: Mapping[str, Any] = MappingProxyType({})
    gate: tuple[str, str] = ("", "")


@final
class Teller:
    """Chooses for one receiver; `gates` are the states it was told of, ACTIVE ones left out."""

    def __init__(self, topics: Collection[Topic], gates: dict[str, str]) -> None:
        self._topics: Final = frozenset(topics)
        self._gates: Final = dict(gates)
        self._executions: Final[OrderedDict[tuple[str, str], None]] = OrderedDict()

    def notice(self, message: AnyMessage, spot: Spot) -> Notice | None:
        """Return what a message gives to tell; None: nothing for this receiver."""
        found = next((one for one in self._found(message) if one.topic in self._topics), None)
        if found is None:
            return None
        return Notice(message.event_id, found.topic, found.event, _body(message, spot, found), found.gate)

    def _found(self, message: AnyMessage) -> Iterator[_Found]:
        match message:
            case OrderEvent(kind=kind) if kind in _FILLS and self._is_new(message):
                yield _Found(Topic.FILLS, _FILLS[kind], {"fill": _fill(message)})
            case DifferenceFound(kind=kind) if kind in _FOUND:
                yield _Found(Topic.FILLS, "fill_found")
            case GateChanged() | GateSet():
                yield from self._gate(message)
            case OperatorRequested(verb=RequestVerb.KILL):
                yield _Found(Topic.TRIPS, "kill")
            case OrderChanged() if OrderState.UNKNOWN in {message.before, message.after}:
                yield _Found(Topic.UNKNOWN, "unknown" if message.after is OrderState.UNKNOWN else "unknown_resolved")
            case RiskDecision(verdict=Verdict.NEEDS_APPROVAL):
                yield _Found(Topic.APPROVALS, "approval_needed")
            case VenueStatusChanged() if not {message.before, message.after} <= _WELL:
                yield _Found(Topic.VENUE, f"venue_{message.after.value}")
            case _:
                return

    def _is_new(self, event: OrderEvent) -> bool:
        if not event.execution_id or event.kind in {OrderEventKind.FILL_CORRECTED, OrderEventKind.FILL_BUSTED}:
            return True
        key = (event.client_order_id, event.execution_id)
        if key in self._executions:
            return False
        self._executions[key] = None
        if len(self._executions) > EXECUTIONS_KEPT:
            self._executions.popitem(last=False)
        return True

    def _gate(self, message: GateChanged | GateSet) -> Iterator[_Found]:
        state = message.after if isinstance(message, GateChanged) else message.state
        name = f"{message.scope.value}:{message.key}"
        if self._gates.get(name, GateState.ACTIVE.value) == state.value:
            return
        note_gate(self._gates, (name, state.value))
        yield _Found(Topic.TRIPS, gate_kind(message), gate=(name, state.value))


def note_gate(gates: dict[str, str], gate: tuple[str, str]) -> None:
    """Keep the state that a notice told; an open gate needs no line."""
    name, state = gate
    if state == GateState.ACTIVE.value:
        gates.pop(name, None)
    elif name:
        gates[name] = state


def _fill(event: OrderEvent) -> dict[str, Any]:
    return {
        "client_order_id": event.client_order_id,
        "execution_id": event.execution_id,
        "side": event.side.value,
        "quantity": nanos_text(event.last_quantity_nanos),
        "price": nanos_text(event.last_price_nanos),
        "fee_usd": event.fee_usd,
        "quantity_so_far": nanos_text(event.cum_quantity_nanos),
    }


def _body(message: AnyMessage, spot: Spot, found: _Found) -> bytes:
    head = {
        "id": message.event_id,
        "topic": found.topic.value,
        "event": found.event,
        "at": iso_utc(message.timestamp),
        "session": spot.session,
        "n": spot.n,
        "k": spot.k,
        "symbol": message.symbol,
        "strategy_id": message.strategy_id,
        "correlation_id": message.correlation_id,
        "sentence": sentence(message, spot.n, spot.k)[:_SENTENCE_LENGTH_MAX],
        **found.more,
    }
    whole = msgspec.json.encode(head | {"type": message.__struct_config__.tag, "data": full_names(message)})
    return whole if len(whole) <= BODY_BYTES_MAX else msgspec.json.encode(head | {"data_left_out": True})
