"""What the engine does with its inputs, in the order in which it does it: attention, features, intent, decision, command, changes.

State of the judgement layers changes only by folding these and the inputs, so a log of both rebuilds it without deciding again.
"""

import msgspec

from tidegate.events.base import Act
from tidegate.values.enums import (
    ApprovalState,
    AttentionKind,
    CommandKind,
    Difference,
    ExitReason,
    GateScope,
    GateState,
    LapseKind,
    OrderState,
    OrderType,
    Purpose,
    Regime,
    RequestStage,
    RequestVerb,
    Resolution,
    Side,
    TimeInForce,
    Verdict,
)

CheckResult = tuple[str, bool, int | None, int | None]  # check name, passed, limit, observed (in the check's declared unit)


class AttentionRaised(Act, frozen=True, kw_only=True, tag="attention", gc=False):
    """The senses stopped here for this strategy and symbol. The story's correlation_id is this event_id."""

    kind: AttentionKind
    side: Side | None = None
    exit_reason: ExitReason = ExitReason.NONE
    bar_length_ns: int = 0
    level_nanos: int = 0  # the exit level that was hit


class FeatureSnapshot(Act, frozen=True, kw_only=True, tag="features", gc=False):
    """All that the strategy and the gate could see of the symbol at that moment, so that a decision can be explained.

    Prices and sizes in nanos, ages in ns, `_bps` in basis points, volatility per square root of a second.
    """

    bid_nanos: int
    ask_nanos: int
    bid_size_nanos: int
    ask_size_nanos: int
    last_trade_nanos: int
    quote_age_ns: int
    quality_flags: int
    features_valid: bool
    spread_bps: float
    ema_fast: float
    ema_slow: float
    volatility_short: float
    volatility_long: float
    atr: float
    trend_strength: float
    trend_direction: float
    spread_anomaly: float
    volume_anomaly: float
    symbol_regime: Regime
    market_regime: Regime
    breadth: float
    position_nanos: int
    working_exit_nanos: int


class TradeIntent(Act, frozen=True, kw_only=True, tag="intent", gc=False):
    """What a strategy wants, sized and priced, before the gate saw it."""

    purpose: Purpose
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity_nanos: int
    limit_price_nanos: int  # 0 for a market order
    stop_price_nanos: int = 0
    trail_nanos: int = 0
    reference_price_nanos: int = 0  # the side of the book it was priced against
    stop_distance_nanos: int = 0  # exit plan, frozen with the intent; 0: none
    take_distance_nanos: int = 0
    trail_distance_nanos: int = 0
    time_stop_ns: int = 0
    spread_kill_bps: float = 0.0
    exit_reason: ExitReason = ExitReason.NONE
    sizing: str = ""  # how the quantity came about, one sentence
    reason: str = ""  # the strategy's own words
    replaces: str = ""  # client id of the working order this one continues (chase, replace)
    whole_quantity_nanos: int = 0  # of the entry that this is a slice of; 0: it is the whole itself
    slice_number: int = 0  # slices of a whole count from 0


class NothingDone(Act, frozen=True, kw_only=True, tag="nothing", gc=False):
    """A strategy was asked and declined, with its reason."""

    reason: str


class ExitWaits(Act, frozen=True, kw_only=True, tag="exit_waits", gc=False):
    """A position is to be left, once the stops that rest at the venue for it are confirmed as canceled."""

    exit_reason: ExitReason
    reason: str


class RiskDecision(Act, frozen=True, kw_only=True, tag="decision", gc=False):
    """The gate's verdict on one intent. Only `risk.gate` makes one.

    `checks` lists every check that ran, in order of precedence; `sentence` says why in one sentence.
    """

    intent_id: str
    verdict: Verdict
    purpose: Purpose
    side: Side
    quantity_nanos: int
    limit_price_nanos: int
    checks: tuple[CheckResult, ...]
    refusals: tuple[str, ...] = ()  # names of failed checks, in order of precedence
    sentence: str = ""
    approval_id: str = ""  # the person's approval it was judged under, as new; empty: it needed none or has none yet


class OrderCommand(Act, frozen=True, kw_only=True, tag="command", gc=False):
    """Please do. The sender drops it after valid_until_ns and says so as an input."""

    kind: CommandKind
    client_order_id: str
    venue: str
    account: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity_nanos: int
    limit_price_nanos: int
    stop_price_nanos: int
    trail_nanos: int
    valid_until_ns: int
    decision_id: str  # empty for cancels and lookups: they need no approval
    chain: int = 0
    target_id: str = ""  # the order a cancel, replace or lookup is about
    reason: str = ""
    approval_id: str = ""  # the approval that is used up with it; empty: it needed none


class OrderChanged(Act, frozen=True, kw_only=True, tag="order_changed", gc=False):
    """One of our orders moved by the table of `oms.transitions`."""

    client_order_id: str
    before: OrderState
    after: OrderState
    quantity_nanos: int
    filled_nanos: int
    note: str = ""


class PositionSnapshot(Act, frozen=True, kw_only=True, tag="position", gc=False):
    """A strategy's position in a symbol after a fill or restatement. Cost basis and money as exact decimal strings.

    symbol empty: the whole account at a valuation (quantity 0), with equity in `equity_usd`.
    """

    account: str
    quantity_nanos: int
    cost_basis_usd: str
    realized_usd: str
    fees_usd: str
    cash_usd: str
    equity_usd: str | None = None  # None: something could not be priced
    unrealized_usd: str | None = None
    gross_usd: str | None = None
    net_usd: str | None = None


class RegimeChanged(Act, frozen=True, kw_only=True, tag="regime_changed", gc=False):
    """The label of a symbol, or of a market group (symbol empty, `group` set), changed."""

    group: str
    before: Regime
    after: Regime
    why: str


class GateChanged(Act, frozen=True, kw_only=True, tag="gate_changed", gc=False):
    """A gate state changed; a person's request or a rule of our own."""

    scope: GateScope
    key: str
    before: GateState
    after: GateState
    reason: str
    actor: str


class StrategyStateChanged(Act, frozen=True, kw_only=True, tag="strategy_state", gc=False):
    """`decide` returned a new State for this strategy; msgpack bytes of it."""

    state: bytes


class StrategyFaulted(Act, frozen=True, kw_only=True, tag="strategy_fault", gc=False):
    """A strategy raised or returned nonsense. Its gate goes to REDUCE_ONLY: exits by its levels go on."""

    error: str
    where: str


class Lapse(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """One thing that was left half done. symbol and strategy_id empty: it concerns none."""

    kind: LapseKind
    symbol: str
    strategy_id: str
    attention: AttentionKind | None = None  # of what kind the attention was


class AttentionsLapsed(Act, frozen=True, kw_only=True, tag="attentions_lapsed", gc=False):
    """The session before this one broke off; what the acts of its last input had left half done came to nothing.

    Told with this session's first input. `broken_session` is the other session's id, `judged_to` its mark, `taken_to` its last input.
    """

    broken_session: str
    judged_to: int
    taken_to: int
    lapsed: tuple[Lapse, ...]


class DifferenceFound(Act, frozen=True, kw_only=True, tag="difference", gc=False):
    """Our books and a venue's report differ. What each says, and what becomes of it by the table of the manual."""

    kind: Difference
    resolution: Resolution
    ours: str
    theirs: str
    client_order_id: str = ""
    sentence: str = ""


class RequestMoved(Act, frozen=True, kw_only=True, tag="request_moved", gc=False):
    """A person's request was taken, or has come to another stage."""

    request_id: str
    verb: RequestVerb
    stage: RequestStage
    tries: int = 0  # rounds of liquidation so far; the collar widens with them
    due_ns: int = 0  # when it is looked at again by itself; 0: when an order of its scope moves
    note: str = ""


class ApprovalRequested(Act, frozen=True, kw_only=True, tag="approval_requested", gc=False):
    """An entry waits for a person. It reserves nothing; once it is granted it is judged as new.

    `order_sha256` is the hash of exactly this order under this configuration: an answer must name it. Quantity and notional are of the
    whole entry, before it is cut into slices.
    """

    approval_id: str
    decision_id: str
    order_sha256: str
    needed: int  # persons
    expires_ns: int
    requester: str
    quantity_nanos: int
    limit_price_nanos: int
    notional_usd: str
    sentence: str


class ApprovalMoved(Act, frozen=True, kw_only=True, tag="approval_moved", gc=False):
    """A request for approval moved by the table of `risk.approval_states`, or an answer to it was not taken (before = after).

    approver and request_id are the answer's; empty: time, the gate or a crash moved it. before None: no such request is known.
    """

    approval_id: str
    order_sha256: str
    before: ApprovalState | None
    after: ApprovalState | None
    sentence: str
    approver: str = ""
    request_id: str = ""
    approvers: tuple[str, ...] = ()  # who has approved it so far, this one included


AnyAct = (
    AttentionRaised
    | FeatureSnapshot
    | TradeIntent
    | NothingDone
    | ExitWaits
    | RiskDecision
    | OrderCommand
    | OrderChanged
    | PositionSnapshot
    | RegimeChanged
    | GateChanged
    | StrategyStateChanged
    | StrategyFaulted
    | AttentionsLapsed
    | DifferenceFound
    | RequestMoved
    | ApprovalRequested
    | ApprovalMoved
)
