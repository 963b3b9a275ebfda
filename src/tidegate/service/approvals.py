"""Requests for approval between engine, ledger and socket: rows to be written, who may answer, what is told of them."""

from typing import Final

from tidegate.control.approval_replies import ApprovalLine, ImpactLine
from tidegate.control.protocol import AnswerApproval
from tidegate.engine.books import Books
from tidegate.engine.impact import Impact
from tidegate.events.inputs import ApprovalAnswered
from tidegate.portfolio.valuation import MICRO
from tidegate.risk.approvals import Approval
from tidegate.service.ledger.rows import ApprovalRow, ApprovalUse
from tidegate.values.enums import ApprovalState
from tidegate.values.ids import ApprovalId
from tidegate.values.money import attos_text, nanos_text

_OPEN: Final = frozenset({ApprovalState.WAITING, ApprovalState.HALF_GRANTED})


def approval_row(account: str, approval: Approval) -> ApprovalRow:
    """Return what the ledger keeps of a request. USED is not written so: its use is written with its order."""
    used = approval.state is ApprovalState.USED
    return ApprovalRow(
        account=account,
        approval_id=ApprovalId(approval.approval_id),
        order_sha256=approval.order_sha256,
        state=ApprovalState.GRANTED if used else approval.state,
        approvers="\n".join(approval.approvers),
        expires_ns=approval.expires_ns,
        at_ns=approval.moved_ns or approval.asked_ns,
    )


def approval_use(books: Books, approval_id: str, now_ns: int) -> tuple[ApprovalUse, ...]:
    """Return the use of an approval, to be written with the orders that rest on it and with no others; nothing for an empty id."""
    if not approval_id:
        return ()
    approval = books.approval(approval_id)
    assert approval is not None, "the engine knows what it has just used"
    return (ApprovalUse(approval_id=ApprovalId(approval_id), order_sha256=approval.order_sha256, at_ns=now_ns),)


def approval_answer(request: AnswerApproval, approver: str) -> ApprovalAnswered:
    """Return a person's answer as the engine's input."""
    return ApprovalAnswered(
        event_id="",
        timestamp=0,
        symbol="",
        strategy_id="",
        correlation_id="",
        approval_id=request.approval_id,
        order_sha256=request.order_sha256,
        approver=approver,
        granted=request.granted,
        request_id=request.request_id,
        reason=request.reason,
    )


def approval_line(books: Books, approval: Approval) -> ApprovalLine:
    """Return one request in the words of the socket; of one that waits, what its order would do."""
    intent = approval.intent
    impact = books.impact(approval) if approval.state in _OPEN else None
    return ApprovalLine(
        approval_id=approval.approval_id,
        order_sha256=approval.order_sha256,
        state=approval.state,
        strategy_id=intent.strategy_id,
        symbol=intent.symbol,
        side=intent.side,
        order_type=intent.order_type,
        time_in_force=intent.time_in_force,
        quantity=nanos_text(intent.quantity_nanos),
        limit_price=_price(intent.limit_price_nanos),
        stop_price=_price(intent.stop_price_nanos),
        notional_usd=approval.notional_usd,
        requester=approval.requester,
        needed=approval.needed,
        approvers=approval.approvers,
        asked_ns=approval.asked_ns,
        expires_ns=approval.expires_ns,
        moved_ns=approval.moved_ns,
        sentence=approval.sentence,
        outcome=approval.moved_why,
        reason=intent.reason,
        impact=None if impact is None else _impact_line(impact),
    )


def _impact_line(impact: Impact) -> ImpactLine:
    return ImpactLine(
        notional_usd=_usd(impact.notional_micros),
        net_before=nanos_text(impact.net_before_nanos),
        net_after=nanos_text(impact.net_after_nanos),
        worst_before=nanos_text(impact.worst_before_nanos),
        worst_after=nanos_text(impact.worst_after_nanos),
        gross_before_usd=_usd(impact.gross_before_micros),
        gross_after_usd=_usd(impact.gross_after_micros),
        orders=impact.orders,
        refusal=impact.refusal,
    )


def _usd(micros: int | None) -> str | None:
    return None if micros is None else attos_text(micros * MICRO)


def _price(nanos: int) -> str | None:
    return nanos_text(nanos) if nanos else None
