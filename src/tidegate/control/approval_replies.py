"""What a trader answers about orders that wait for a person. Quantities, prices and money are exact decimal text; times are ns UTC."""

from tidegate.control.reply_roots import Part, Reply
from tidegate.values.enums import ApprovalState, OrderType, Side, TimeInForce


class ImpactLine(Part, frozen=True, kw_only=True):
    """What a waiting order would do if it were let out now. refusal: why the gate would not; empty: it would.

    net: the account's position; worst: the largest that could come about with what works; gross: exposure over all symbols.
    """

    notional_usd: str | None
    net_before: str
    net_after: str
    worst_before: str
    worst_after: str
    gross_before_usd: str | None
    gross_after_usd: str | None
    orders: int
    refusal: str


class ApprovalLine(Part, frozen=True, kw_only=True):
    """One request for approval, with exactly the order it is about. impact: of one that waits.

    sentence: why it was asked; outcome: what came of it last; reason: the strategy's own words.
    """

    approval_id: str
    order_sha256: str
    state: ApprovalState
    strategy_id: str
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: str
    limit_price: str | None
    stop_price: str | None
    notional_usd: str
    requester: str
    needed: int
    approvers: tuple[str, ...]
    asked_ns: int
    expires_ns: int
    moved_ns: int
    sentence: str
    outcome: str
    reason: str
    impact: ImpactLine | None = None


class ApprovalsReply(Reply, frozen=True, kw_only=True, tag="approvals"):
    """Requests for approval: those that wait, the oldest first, then those closed lately, the newest first."""

    now_ns: int
    waiting: tuple[ApprovalLine, ...]
    closed: tuple[ApprovalLine, ...]


class AnswerReply(Reply, frozen=True, kw_only=True, tag="answered"):
    """An answer was taken. repeated: its id was seen before, and nothing happens a second time. follows: what happens now."""

    request_id: str
    approval_id: str
    approver: str
    repeated: bool
    follows: str


AnyApprovalReply = ApprovalsReply | AnswerReply
