"""What the engine is told besides market records: facts in the past tense, and requests of people.

An input's `timestamp` is its receive time; its event_id ends in `-0`.
"""

from typing import Final

import msgspec

from tidegate.events.base import Input
from tidegate.values.enums import (
    CallKind,
    GateScope,
    GateState,
    Liquidity,
    OrderEventKind,
    OrderState,
    ReportCause,
    RequestNote,
    RequestVerb,
    Side,
    StatusLevel,
    StatusSource,
)
from tidegate.values.instruments import Instrument


class Tick(Input, frozen=True, kw_only=True, tag="tick", gc=False):
    """Time has passed to something that was due. Made by the loop at max(next_due(), last receive time)."""


class InstrumentDefined(Input, frozen=True, kw_only=True, tag="instrument_defined", gc=False):
    """An instrument exists from here on, or has changed; precedes its first record."""

    instrument: Instrument


class SessionChanged(Input, frozen=True, kw_only=True, tag="session_changed", gc=False):
    """The trading hours of a venue's day, ns UTC; entries need open_ns <= now < close_ns.

    The engine reads no calendar: holidays and early closes arrive as data.
    """

    venue: str
    day: str  # ISO date in the venue's own time zone
    pre_open_ns: int
    open_ns: int
    close_ns: int
    post_close_ns: int
    early_close: bool = False


class EventListed(Input, frozen=True, kw_only=True, tag="event_listed", gc=False):
    """A listed event (earnings, data release) or news makes a symbol newsy between two times. Empty symbol: the market."""

    from_ns: int
    until_ns: int
    title: str


class GateSet(Input, frozen=True, kw_only=True, tag="gate_set", gc=False):
    """Somebody or something outside set a gate state. The engine folds it; who may do so is checked before."""

    scope: GateScope
    key: str  # venue, account, strategy id or symbol; empty for global
    state: GateState
    reason: str
    actor: str


class PermissionSet(Input, frozen=True, kw_only=True, tag="permission_set", gc=False):
    """Whether a strategy (`strategy_id`) may trade here: bound to the hash of its file, its section, the limits and the instruments.

    A void permission lets no entry out and takes working ones back; exits go on. A replay is told nothing and permits everything.
    """

    permission_sha256: str
    permitted: bool
    stage: str  # what the permission holds
    reason: str


class OrderEvent(Input, frozen=True, kw_only=True, tag="order_event", gc=False):
    """What a venue, or our own edge, says of one order. Quantities and prices in nanos; 0 where it does not apply.

    cum_quantity_nanos is the venue's running total; last_* and execution_id belong to one execution. fee is an exact decimal
    string of dollars. Fills are applied in every state and deduplicated by execution_id.
    """

    client_order_id: str
    venue_order_id: str
    kind: OrderEventKind
    side: Side
    ts_venue: int
    execution_id: str = ""
    last_quantity_nanos: int = 0
    last_price_nanos: int = 0
    cum_quantity_nanos: int = 0
    fee_usd: str = "0"
    liquidity: Liquidity | None = None
    reason: str = ""
    successor_id: str = ""  # client id of the replacing order
    durable_ns: int = 0  # of our own edge: when the command and its cause were on the disk
    sent_ns: int = 0  # of our own edge: when its first byte left


class LagMeasured(Input, frozen=True, kw_only=True, tag="lag_measured", gc=False):
    """The loop measured how far its processing falls behind receive time."""

    lag_ns: int


class StreamChanged(Input, frozen=True, kw_only=True, tag="stream_changed", gc=False):
    """A market or order stream of ours went down, or is trusted again after its snapshot and gap query."""

    venue: str
    stream: str
    up: bool
    reason: str


class ReportedOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """One open order as a venue showed it. Nanos; an average price is rounded and never becomes money by itself."""

    client_order_id: str
    venue_order_id: str
    symbol: str
    side: Side
    state: OrderState
    quantity_nanos: int
    filled_nanos: int = 0
    average_price_nanos: int = 0
    limit_price_nanos: int = 0


class ReportedExecution(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """One fill as a venue's history shows it; cum_quantity_nanos is the order's running total with it, 0 if not told."""

    execution_id: str
    client_order_id: str
    venue_order_id: str
    symbol: str
    side: Side
    quantity_nanos: int
    price_nanos: int
    ts_venue: int
    cum_quantity_nanos: int = 0
    fee_usd: str = "0"


class ReportedPosition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A position as a venue showed it; a short is negative, the price is the venue's average."""

    symbol: str
    quantity_nanos: int
    average_price_nanos: int


class VenueReported(Input, frozen=True, kw_only=True, tag="venue_reported", gc=False):
    """What a venue said it holds, to be compared with our books. What is None was not read; an empty list was.

    Began and ended are the times around the reads, in our receive clock: an answer cannot speak of what happened after
    `began_ns`. `orders` holds every open order. The order of the reads is executions, orders, positions, cash.
    """

    venue: str
    cause: ReportCause
    began_ns: int
    ended_ns: int
    executions: tuple[ReportedExecution, ...] | None = None
    orders: tuple[ReportedOrder, ...] | None = None
    positions: tuple[ReportedPosition, ...] | None = None
    cash_usd: str | None = None


class OperatorRequested(Input, frozen=True, kw_only=True, tag="operator_requested", gc=False):
    """A person, or a declared policy in a person's name, asks something. Role and second pair of eyes were checked before.

    request_id makes it idempotent: the same id asks once. key names what the scope covers; order_id one order of a CANCEL.
    """

    request_id: str
    verb: RequestVerb
    scope: GateScope
    key: str
    requester: str
    reason: str
    order_id: str = ""


class NotedPosition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """What the account holds of one symbol, in nanos; a short is negative."""

    symbol: str
    quantity_nanos: int


class RequestNoted(Input, frozen=True, kw_only=True, tag="request_noted", gc=False):
    """What came of a kill or a flatten at our own edge. Nothing is decided by it: its report is made of it, in every later session too.

    took_ns: of LATCHED, from the moment the request came in until nothing of its scope could leave. expected_ns: how long its cancels
    take at most by the venue's limit; 0: no more than a moment. order_ids: whom the note is about; of LATCHED, orders on the wire then.
    """

    request_id: str
    note: RequestNote
    took_ns: int = 0
    expected_ns: int = 0
    order_ids: tuple[str, ...] = ()
    words: str = ""
    positions: tuple[NotedPosition, ...] = ()


class ApprovalAnswered(Input, frozen=True, kw_only=True, tag="approval_answered", gc=False):
    """A person approved or rejected a waiting order. That the person may was checked before.

    request_id makes it idempotent: the same id answers once. order_sha256 names the order that the person saw.
    """

    approval_id: str
    order_sha256: str
    approver: str
    granted: bool
    request_id: str
    reason: str


class PositionRestated(Input, frozen=True, kw_only=True, tag="position_restated", gc=False):
    """A corporate event changes a holding by itself: every holding of the symbol becomes holding x numerator / denominator.

    What does not divide is paid out: the venue's cash follows by report. The cost basis stays.
    """

    numerator: int
    denominator: int
    reason: str


class ClockAnchored(Input, frozen=True, kw_only=True, tag="clock_anchored", gc=False):
    """Receive times were anchored to the wall clock anew. `step_ns` is how far the new anchor lies from the old one's time."""

    wall_ns: int
    monotonic_ns: int
    step_ns: int


class VenueStatusChanged(Input, frozen=True, kw_only=True, tag="venue_status_changed", gc=False):
    """A venue's status page, or the answers of its clock, tell otherwise than before. A hint for people: nothing is decided by it."""

    venue: str
    source: StatusSource
    before: StatusLevel
    after: StatusLevel
    words: str


class CallFigures(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Requests of one kind that ended. Each that was answered otherwise than well is in one of the four counts after `calls`."""

    kind: CallKind
    calls: int
    throttled: int  # HTTP 429
    refused: int  # another status from 400 to 499
    failed: int  # 500 and above
    unanswered: int
    answer_ns_total: int  # from the request to the end of its answer, over those that have one
    answer_ns_max: int


class VenueCallsMeasured(Input, frozen=True, kw_only=True, tag="venue_calls_measured", gc=False):
    """How a venue answered our requests since from_ns, in kinds that had any. Nothing is decided by it: reports are made of it."""

    venue: str
    from_ns: int
    figures: tuple[CallFigures, ...]


AnyInput = (
    Tick
    | InstrumentDefined
    | SessionChanged
    | EventListed
    | GateSet
    | PermissionSet
    | OrderEvent
    | LagMeasured
    | StreamChanged
    | VenueReported
    | OperatorRequested
    | RequestNoted
    | ApprovalAnswered
    | PositionRestated
    | ClockAnchored
    | VenueStatusChanged
    | VenueCallsMeasured
)

# Nothing is decided by these: reports are made of them and people told, an answer's own act moves what it answers, time never goes back.
TOLD_ONLY: Final = (ApprovalAnswered, ClockAnchored, RequestNoted, VenueCallsMeasured, VenueStatusChanged)
