"""The messages a report or a story needs, each with its place in the log."""

from typing import NamedTuple

from tidegate.events.acts import (
    ApprovalMoved,
    ApprovalRequested,
    AttentionRaised,
    ExitWaits,
    FeatureSnapshot,
    GateChanged,
    NothingDone,
    OrderChanged,
    OrderCommand,
    PositionSnapshot,
    RegimeChanged,
    RiskDecision,
    StrategyFaulted,
    TradeIntent,
)
from tidegate.events.codec import AnyMessage
from tidegate.events.inputs import (
    ApprovalAnswered,
    EventListed,
    GateSet,
    InstrumentDefined,
    OrderEvent,
    PermissionSet,
    PositionRestated,
    RequestNoted,
    SessionChanged,
    StreamChanged,
    VenueCallsMeasured,
    VenueStatusChanged,
)

KEPT = frozenset(
    (
        AttentionRaised,
        FeatureSnapshot,
        TradeIntent,
        NothingDone,
        ExitWaits,
        RiskDecision,
        ApprovalRequested,
        ApprovalAnswered,
        ApprovalMoved,
        OrderCommand,
        OrderChanged,
        OrderEvent,
        PositionSnapshot,
        PositionRestated,
        RegimeChanged,
        GateChanged,
        GateSet,
        PermissionSet,
        StrategyFaulted,
        SessionChanged,
        InstrumentDefined,
        EventListed,
        StreamChanged,
        RequestNoted,
        VenueCallsMeasured,
        VenueStatusChanged,
    )
)  # left out: ticks, lag measurements, strategy state bytes, market records


class Entry(NamedTuple):
    """One message with its place: act k of input n, k = 0 being the input itself."""

    n: int
    k: int
    message: AnyMessage


class MaskedTrigger(NamedTuple):
    """How often a strategy's trigger fired in a symbol but was masked, and by what (regime, cooldown, …)."""

    strategy_id: str
    symbol: str
    mask: str
    times: int
