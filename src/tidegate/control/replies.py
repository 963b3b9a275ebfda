"""What a trader answers. Quantities, prices and money are exact decimal text; times are ns UTC, 0 where something did not happen.

`None` is what could not be seen or computed: never a zero.
"""

import msgspec

from tidegate.config.versions import ConfigVersion
from tidegate.values.enums import GateScope, GateState, OrderState, OrderType, Purpose, RequestStage, RequestVerb, Side, TimeInForce


class Reply(msgspec.Struct, frozen=True, kw_only=True, tag_field="reply"):
    """Root of replies."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Root of what replies are made of."""


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
    version: str = ""  # of the configuration
    stage: str = ""  # what it holds
    not_permitted: tuple[str, ...] = ()  # strategies that may not enter, with why


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
    """A request was taken. repeated: its id was seen before, and nothing happens a second time. follows: what happens now."""

    request_id: str
    verb: RequestVerb
    scope: GateScope
    key: str
    requester: str
    repeated: bool
    follows: tuple[str, ...]


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


class CriterionLine(Part, frozen=True, kw_only=True):
    """One criterion of a promotion, of the strategy that is furthest from it; empty: of the account."""

    name: str
    required: str
    measured: str
    strategy_id: str
    met: bool


class VersionReply(Reply, frozen=True, kw_only=True, tag="version"):
    """One version and what became of the request. refused: a criterion is not met; version: its bytes, where they were asked for."""

    sha256: str
    stage: str
    lines: tuple[str, ...]
    criteria: tuple[CriterionLine, ...] = ()
    refused: bool = False
    version: ConfigVersion | None = None


class VersionLine(Part, frozen=True, kw_only=True):
    """One version. permissions: what each strategy's holds by itself; in_force: modes of real money it may run in; next_stage: or none."""

    sha256: str
    parent: str
    stage: str
    permissions: tuple[str, ...]
    in_force: str
    running: bool
    actor: str
    added_ns: int
    next_stage: str


class StepLine(Part, frozen=True, kw_only=True):
    """One step of a version, or of one strategy's permission."""

    version_sha256: str
    strategy_id: str
    step: str
    before: str
    after: str
    actor: str
    approver: str
    reason: str
    evidence: str
    at_ns: int


class VersionsReply(Reply, frozen=True, kw_only=True, tag="versions"):
    """Every version, the newest first, and the last steps, the newest last."""

    running: str
    versions: tuple[VersionLine, ...]
    steps: tuple[StepLine, ...]


AnyReply = (
    StatusReply
    | OrdersReply
    | PositionsReply
    | LimitsReply
    | ExplainReply
    | AskReply
    | HealthReply
    | DoctorReply
    | VersionReply
    | VersionsReply
    | Refused
)
