"""What a trader answers. Quantities, prices and money are exact decimal text; times are ns UTC, 0 where something did not happen.

`None` is what could not be seen or computed: never a zero.
"""

from tidegate.control.approval_replies import AnyApprovalReply
from tidegate.control.identity_replies import AnyIdentityReply
from tidegate.control.reply_roots import Part, Reply
from tidegate.control.version_replies import AnyVersionReply
from tidegate.values.enums import (
    GateScope,
    GateState,
    OrderState,
    OrderType,
    Purpose,
    RequestNote,
    RequestStage,
    RequestVerb,
    Side,
    StatusLevel,
    StatusSource,
    TimeInForce,
)


class Refused(Reply, frozen=True, kw_only=True, tag="refused"):
    """No, in one sentence that says what to do."""

    sentence: str
    exit_code: int


class GateLine(Part, frozen=True, kw_only=True):
    """One scope that is not open, why, and who closed it."""

    scope: GateScope
    key: str
    state: GateState
    reason: str
    actor: str


class StreamLine(Part, frozen=True, kw_only=True):
    """One stream, and since when it is, or is not, trusted. since_ns 0: since the trader started."""

    name: str
    trusted: bool
    since_ns: int
    reason: str


class StoreLine(Part, frozen=True, kw_only=True):
    """Whether a store takes what is written; why not."""

    ok: bool
    why: str


class RequestLine(Part, frozen=True, kw_only=True):
    """A request that is not done."""

    request_id: str
    verb: RequestVerb
    scope: GateScope
    key: str
    stage: RequestStage
    tries: int
    requester: str
    reason: str
    begun_ns: int


class LeaseLine(Part, frozen=True, kw_only=True):
    """The right to trade the account."""

    held: bool
    holder: str
    epoch: int
    expires_ns: int


class LogLine(Part, frozen=True, kw_only=True):
    """The golden log: inputs taken in, and up to where they are on disk."""

    folder: str
    n: int
    durable_n: int
    ok: bool
    why: str


class AccessLine(Part, frozen=True, kw_only=True):
    """Who may do what now, in a sentence; how many users are enabled; what waits for a second person, in words."""

    rule: str
    users: int
    waiting: tuple[str, ...]


class VenueLine(Part, frozen=True, kw_only=True):
    """How the venue is by one source: what it says, and how fast it answers (median of the last answers; 0: none came yet)."""

    source: StatusSource
    level: StatusLevel
    words: str
    answers: int
    median_ns: int
    worst_ns: int


class StatusReply(Reply, frozen=True, kw_only=True, tag="status"):
    """How the trader stands."""

    mode: str
    session: str
    epoch: int
    account: str
    venue: str
    now_ns: int
    uptime_ns: int
    trading: bool  # an entry could leave now, as far as the trader itself is concerned
    why_not: tuple[str, ...]
    gates: tuple[GateLine, ...]
    streams: tuple[StreamLine, ...]
    reconciled_ns: int
    lag_ns: int
    working_orders: int
    unknown_orders: tuple[str, ...]
    open_commands: int
    oldest_cancel_ns: int
    requests: tuple[RequestLine, ...]
    lease: LeaseLine
    log: LogLine
    ledger: StoreLine
    venue_suspended: bool
    kill_file: bool
    equity_usd: str | None
    access: AccessLine
    waiting_approvals: int = 0  # orders that wait for a person
    version: str = ""  # of the configuration
    stage: str = ""  # what it holds
    not_permitted: tuple[str, ...] = ()  # strategies that may not enter, with why
    venue_status: tuple[VenueLine, ...] = ()
    not_understood: int = 0  # messages of the venue
    newest_doubt: str = ""  # about which of them, and why


class OrderTimesLine(Part, frozen=True, kw_only=True):
    """When an order passed which stage: the input that caused it, decision, disk, first byte out, venue's first word."""

    received_ns: int = 0
    decided_ns: int = 0
    durable_ns: int = 0
    sent_ns: int = 0
    acked_ns: int = 0


class OrderLine(Part, frozen=True, kw_only=True):
    """One order."""

    client_order_id: str
    venue_order_id: str
    strategy_id: str
    symbol: str
    side: Side
    purpose: Purpose
    order_type: OrderType
    time_in_force: TimeInForce
    state: OrderState
    working: bool
    quantity: str
    filled: str
    limit_price: str | None
    filled_cost_usd: str
    fees_usd: str
    commanded_ns: int
    heard_ns: int
    doubtful_since_ns: int
    cancel_wanted: bool
    external: bool
    chain: int
    times: OrderTimesLine
    expires_ns: int = 0  # when the venue itself ends it, as it said last; 0: it did not


class OrdersReply(Reply, frozen=True, kw_only=True, tag="orders"):
    """Working orders by id, then those that finished, the newest first."""

    now_ns: int
    working: tuple[OrderLine, ...]
    finished: tuple[OrderLine, ...]


class HoldingLine(Part, frozen=True, kw_only=True):
    """What one strategy holds of one symbol. mark: the price at which it could be closed now."""

    strategy_id: str
    symbol: str
    quantity: str
    working_exits: str
    cost_basis_usd: str
    mark: str | None
    value_usd: str | None
    unrealized_usd: str | None
    realized_usd: str
    fees_usd: str


class NetLine(Part, frozen=True, kw_only=True):
    """The account's net of one symbol, and what works or is reserved on either side."""

    symbol: str
    net: str
    working_buys: str
    working_sells: str
    worst: str
    mark: str | None
    value_usd: str | None


class PositionsReply(Reply, frozen=True, kw_only=True, tag="positions"):
    """What is held. Money of the whole account; None where something held has no price."""

    now_ns: int
    account: str
    holdings: tuple[HoldingLine, ...]
    net: tuple[NetLine, ...]
    cash_usd: str
    realized_usd: str
    fees_usd: str
    equity_usd: str | None
    unrealized_usd: str | None
    gross_usd: str | None
    net_usd: str | None


class LimitLine(Part, frozen=True, kw_only=True):
    """One limit. used: how much of it is used now by what uses most of it; None: it is counted for each order alone, or unseen."""

    name: str
    unit: str
    meaning: str
    limit: str
    used: str | None = None
    of: str = ""
    used_percent: float | None = None


class LimitsReply(Reply, frozen=True, kw_only=True, tag="limits"):
    """Every limit, in the order of the manual."""

    now_ns: int
    limits: tuple[LimitLine, ...]


class ExplainReply(Reply, frozen=True, kw_only=True, tag="explain"):
    """An order as it stands now (None: no order alive or finished lately has this id), and the log that tells the rest."""

    identifier: str
    order: OrderLine | None
    log: str


class AskReply(Reply, frozen=True, kw_only=True, tag="asked"):
    """A request was taken. repeated: its id was seen before, and nothing happens a second time. follows: what happens now.

    awaits_second: nothing happens before another person has asked for the same in the same words.
    """

    request_id: str
    verb: RequestVerb
    scope: GateScope
    key: str
    requester: str
    repeated: bool
    follows: tuple[str, ...]
    awaits_second: bool = False


class FateLine(Part, frozen=True, kw_only=True):
    """What became of one order that a request found working. over: it cannot fill any more; why: if not, why not yet, in words."""

    client_order_id: str
    symbol: str
    strategy_id: str
    state: OrderState | None  # None: nothing was heard of it since
    filled: str
    left_ns: int
    taken_ns: int
    ended_ns: int
    over: bool
    why: str


class LeftLine(Part, frozen=True, kw_only=True):
    """A position that a request has left."""

    symbol: str
    quantity: str


class ReportReply(Reply, frozen=True, kw_only=True, tag="report"):
    """What a kill or a flatten found and did. See the manual for each field.

    gate_took_ns: from the request's coming in until nothing of its scope could leave; None: not known. on_wire: orders that had left
    before and were not answered then. late: orders that left after it; there must be none. positions: None until it is through.
    """

    request_id: str
    verb: RequestVerb
    scope: GateScope
    key: str
    requester: str
    reason: str
    asked_ns: int
    gate_took_ns: int | None
    on_wire: tuple[str, ...]
    late: tuple[str, ...]
    found: int
    ended: int
    one_request: bool  # the cancels left as the venue's cancel-all
    expected_ns: int
    cancels_left_ns: int  # when the last cancel had left; 0: not all have
    cancels_ended_ns: int  # when the last order had ended; 0: not all have
    orders: tuple[FateLine, ...]
    stage: RequestStage
    switch: RequestNote | None  # what became of the venue's own; None: it was not touched
    switch_ns: int
    switch_words: str
    positions: tuple[LeftLine, ...] | None
    done: bool  # nothing of it is under way any more


class CheckLine(Part, frozen=True, kw_only=True):
    """One check of the trader by itself: whether it holds, what was seen, what to do if not. grave: nothing is well without it."""

    name: str
    ok: bool
    seen: str
    advice: str = ""
    grave: bool = True


class HealthReply(Reply, frozen=True, kw_only=True, tag="health"):
    """Whether all checks hold, and each of them."""

    ok: bool
    checks: tuple[CheckLine, ...]


class DoctorReply(Reply, frozen=True, kw_only=True, tag="doctor"):
    """What the trader finds about itself. A check that fails here need not stop trading."""

    mode: str
    session: str
    checks: tuple[CheckLine, ...]


AnyReply = (
    StatusReply
    | OrdersReply
    | PositionsReply
    | LimitsReply
    | ExplainReply
    | AnyApprovalReply
    | AskReply
    | ReportReply
    | HealthReply
    | DoctorReply
    | AnyIdentityReply
    | AnyVersionReply
    | Refused
)
