"""What happened, in the words of the audit chain. Pure; money and quantities as exact decimal text."""

from typing import Final, TypeAlias

import msgspec

from tidegate.authority.facts import AnyFact, Denied, LoggedIn, LoggedOut, LoginFailed, SecondAwaited, SecondConfirmed, UserChanged
from tidegate.control.protocol import AddVersion, MoveVersion
from tidegate.control.reply_roots import Reply
from tidegate.control.version_replies import VersionReply
from tidegate.events.acts import ApprovalMoved, ApprovalRequested, GateChanged, OrderCommand, RequestMoved
from tidegate.events.codec import decode
from tidegate.events.inputs import GateSet, OperatorRequested, OrderEvent
from tidegate.journal.audit.record import AuditEntry, AuditType, Plain, entry
from tidegate.service.ledger.rows import OutboxRow
from tidegate.service.ports import Answer
from tidegate.values.enums import ApprovalState, CommandKind, GateScope, OrderEventKind
from tidegate.values.money import nanos_text
from tidegate.venues.calls import VenueCall
from tidegate.venues.errors import Declined, OutcomeUnsure, Unreachable

TRADER: Final = "trader"
VENUE: Final = "venue"
ENGINE: Final = "engine"

Told: TypeAlias = GateChanged | RequestMoved | GateSet | OperatorRequested | OrderEvent | ApprovalRequested | ApprovalMoved
TOLD: Final = frozenset({GateChanged, RequestMoved, GateSet, OperatorRequested, ApprovalRequested, ApprovalMoved})
_APPROVAL: Final = {
    ApprovalState.USED: AuditType.APPROVAL_USED,
    ApprovalState.EXPIRED: AuditType.APPROVAL_EXPIRED,
    ApprovalState.LAPSED: AuditType.APPROVAL_EXPIRED,
}
_NO_ANSWER: Final = frozenset({OrderEventKind.NOT_SENT, OrderEventKind.OUTCOME_UNKNOWN})


def belongs(message: object) -> bool:
    """Tell whether an input or act of the engine belongs in the chain."""
    return type(message) in TOLD or (type(message) is OrderEvent and message.kind in _NO_ANSWER)


def told_entry(message: Told) -> tuple[AuditEntry, bool]:
    """Return the entry of an input or act, and whether it hurries."""
    match message:
        case OperatorRequested():
            return _entry(message, AuditType.REQUEST, message.requester, message.request_id, _asked(message)), True
        case RequestMoved():
            body: dict[str, Plain] = {"verb": message.verb, "stage": message.stage, "tries": message.tries, "note": message.note}
            return _entry(message, AuditType.REQUEST_MOVED, ENGINE, message.request_id, body), True
        case GateSet():
            body = {"state": message.state, "reason": message.reason}
            return _entry(message, AuditType.GATE_SET, message.actor, _scope(message.scope, message.key), body), True
        case GateChanged():
            body = {"before": message.before, "after": message.after, "reason": message.reason}
            return _entry(message, AuditType.GATE_CHANGED, message.actor, _scope(message.scope, message.key), body), True
        case ApprovalRequested() | ApprovalMoved():
            return _approval(message), True
        case OrderEvent():
            body = {"outcome": message.kind, "reason": message.reason}
            return _entry(message, AuditType.ORDER_OUTCOME, TRADER, message.client_order_id, body), False


def fact_entry(fact: AnyFact) -> AuditEntry:
    """Return the entry of what happened at the door."""
    kind, actor, subject = _place_of(fact)
    body: dict[str, Plain] = msgspec.to_builtins(fact)
    del body["at_ns"]
    return entry(kind, ts_ns=fact.at_ns, actor=actor, subject=subject, body=body)


def _place_of(fact: AnyFact) -> tuple[AuditType, str, str]:
    """Return type, actor and subject; without a proof the actor is the system user."""
    match fact:
        case LoggedIn() | LoggedOut():
            return AuditType.LOGIN, fact.name, fact.name
        case LoginFailed():
            return AuditType.LOGIN, fact.peer, fact.name
        case UserChanged():
            return AuditType.USER_CHANGED, fact.by or fact.peer, fact.name
        case Denied():
            return AuditType.DENIED, fact.by or fact.peer, f"{fact.action.value} {_scope(fact.scope, fact.key)}"
        case SecondAwaited() | SecondConfirmed():
            return AuditType.SECOND_PERSON, fact.by, f"{fact.action.value} {_scope(fact.scope, fact.key)}"


def order_sent(command: OrderCommand | bytes, ts_ns: int, *, row: OutboxRow | None = None) -> AuditEntry:
    """Return the entry of a command that leaves; row: as the ledger records it in the same transaction."""
    if isinstance(command, bytes):
        decoded = decode(command)
        assert isinstance(decoded, OrderCommand), "a row holds a command"
        command = decoded
    body: dict[str, Plain] = {"kind": command.kind, "command_id": command.event_id, "symbol": command.symbol, "reason": command.reason}
    if command.kind is not CommandKind.SUBMIT:
        body["target_id"] = command.target_id
    if command.kind is not CommandKind.CANCEL:
        body |= {
            "side": command.side,
            "order_type": command.order_type,
            "time_in_force": command.time_in_force,
            "quantity": nanos_text(command.quantity_nanos),
            "limit_price": nanos_text(command.limit_price_nanos),
            "stop_price": nanos_text(command.stop_price_nanos),
            "decision_id": command.decision_id,
        }
    if row is not None:
        body |= {"intent_id": row.intent_id, "session": row.session}
    actor = f"strategy:{command.strategy_id}" if command.strategy_id else TRADER
    return entry(AuditType.ORDER_SENT, ts_ns=ts_ns, actor=actor, subject=_subject(command), body=body)


def order_answered(command: OrderCommand, answer: Answer, ts_ns: int) -> AuditEntry | None:
    """Return the entry of an answer; None: what is known comes as an event of the order."""
    orders = command.kind is not CommandKind.CANCEL
    if isinstance(answer, Unreachable | OutcomeUnsure):
        if orders:
            return None
        body: dict[str, Plain] = {"outcome": OrderEventKind.OUTCOME_UNKNOWN, "reason": str(answer)}
    elif isinstance(answer, Declined):
        body = {"outcome": "declined", "reason": answer.words, "status": answer.status}
    elif answer is None:
        body = {"outcome": "taken"}
    else:
        body = {"outcome": "taken", "venue_order_id": answer.venue_order_id, "state": answer.state}
    return entry(AuditType.ORDER_OUTCOME, ts_ns=ts_ns, actor=VENUE, subject=_subject(command), body=body | {"kind": command.kind})


def venue_call(call: VenueCall, ts_ns: int) -> AuditEntry:
    """Return the entry of a request to the venue."""
    body: dict[str, Plain] = {
        "method": call.method,
        "path": call.path,
        "status": call.status,
        "duration_ms": call.duration_ns // 1_000_000,
        "request_id": call.request_id,
    }
    if call.why:
        body["why"] = call.why
    return entry(AuditType.VENUE_CALL, ts_ns=ts_ns, actor=TRADER, subject=f"{call.method} {call.path}", body=body)


def version_changed(request: AddVersion | MoveVersion, reply: Reply) -> tuple[str, dict[str, Plain]]:
    """Return subject and body of what a person did to a version of the configuration."""
    assert isinstance(reply, VersionReply), "what changes a version is answered with it"
    verb = "add" if isinstance(request, AddVersion) else request.verb.value
    reason = "" if isinstance(request, AddVersion) else request.reason
    told: dict[str, Plain] = {"verb": verb, "reason": reason, "stage": reply.stage, "refused": reply.refused, "lines": list(reply.lines)}
    return reply.sha256, told


def _asked(request: OperatorRequested) -> dict[str, Plain]:
    asked: dict[str, Plain] = {
        "verb": request.verb,
        "scope": request.scope,
        "key": request.key,
        "reason": request.reason,
        "outcome": "taken",
        "event_id": request.event_id,
    }
    return asked | {"order_id": request.order_id} if request.order_id else asked


def _entry(message: Told, kind: AuditType, actor: str, subject: str, body: dict[str, Plain]) -> AuditEntry:
    return entry(kind, ts_ns=message.timestamp, actor=actor, subject=subject, body=body)


def _approval(message: ApprovalRequested | ApprovalMoved) -> AuditEntry:
    """Return the entry of a request for approval, or of what became of it; an answer that was not taken is one too."""
    if isinstance(message, ApprovalRequested):
        asked: dict[str, Plain] = {
            "order_sha256": message.order_sha256,
            "needed": message.needed,
            "expires_ns": message.expires_ns,
            "quantity": nanos_text(message.quantity_nanos),
            "notional_usd": message.notional_usd,
            "sentence": message.sentence,
        }
        return _entry(message, AuditType.APPROVAL_ASKED, f"strategy:{message.requester}", message.approval_id, asked)
    moved: dict[str, Plain] = {
        "order_sha256": message.order_sha256,
        "before": message.before,
        "after": message.after,
        "approvers": list(message.approvers),
        "request_id": message.request_id,
        "sentence": message.sentence,
    }
    kind = (
        AuditType.APPROVAL_ANSWERED
        if message.approver or message.after is None
        else _APPROVAL.get(message.after, AuditType.APPROVAL_ANSWERED)
    )
    return _entry(message, kind, message.approver or ENGINE, message.approval_id, moved)


def _scope(scope: GateScope, key: str) -> str:
    return f"{scope.value} {key}".strip()


def _subject(command: OrderCommand) -> str:
    return command.target_id if command.kind is CommandKind.CANCEL else command.client_order_id
