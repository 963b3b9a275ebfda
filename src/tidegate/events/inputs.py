"""What the engine is told besides market records: facts in the past tense, and requests of people.

An input's `timestamp` is its receive time; its event_id ends in `-0`.
"""

from tidegate.events.base import Input
from tidegate.values.enums import GateScope, GateState, Liquidity, OrderEventKind, Side
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


class LagMeasured(Input, frozen=True, kw_only=True, tag="lag_measured", gc=False):
    """The loop measured how far its processing falls behind receive time."""

    lag_ns: int


class StreamChanged(Input, frozen=True, kw_only=True, tag="stream_changed", gc=False):
    """A market or order stream of ours went down, or is trusted again after its snapshot and gap query."""

    venue: str
    stream: str
    up: bool
    reason: str


AnyInput = Tick | InstrumentDefined | SessionChanged | EventListed | GateSet | OrderEvent | LagMeasured | StreamChanged
