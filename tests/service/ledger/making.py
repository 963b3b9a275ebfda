"""Rows for ledger tests: short to write, complete to the ledger."""

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tidegate.authority.users import User
from tidegate.journal.audit.heads import sign
from tidegate.journal.audit.record import AuditEntry, AuditType, entry
from tidegate.service.ledger.port import Ledger
from tidegate.service.ledger.rows import (
    ApprovalRow,
    ApprovalUse,
    Batch,
    ExecutionRow,
    KillRow,
    Lease,
    LeaseClaim,
    Mark,
    OutboxRow,
    StageRow,
    VersionRow,
)
from tidegate.service.ledger.states import OutboxState
from tidegate.values.enums import ApprovalState, CommandKind, GateScope, GateState, Role
from tidegate.values.ids import ApprovalId, ClientOrderId, EventId, ExecutionId, SessionId
from tidegate.values.time import SECOND_NS

ACCOUNT = "paper"
START_NS = 1_800_000_000 * SECOND_NS
TTL_NS = 10 * SECOND_NS
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def claim(holder: str = "one", *, at_ns: int = START_NS, account: str = ACCOUNT, waited_out: Lease | None = None) -> LeaseClaim:
    return LeaseClaim(account=account, holder=holder, now_ns=at_ns, ttl_ns=TTL_NS, waited_out=waited_out)


def row(
    number: int,
    *,
    epoch: int = 1,
    kind: CommandKind = CommandKind.SUBMIT,
    order: int | None = None,
    state: OutboxState = OutboxState.PENDING,
    account: str = ACCOUNT,
) -> OutboxRow:
    """Return the row of the session's command `number`; it makes, or is about, order `order` (the same number unless said)."""
    return OutboxRow(
        command_id=EventId(f"{account}-{epoch}-{number}-1"),
        client_order_id=ClientOrderId(f"{epoch}-{account}-{number if order is None else order}"),
        kind=kind,
        account=account,
        epoch=epoch,
        session=SessionId(f"{account}-{epoch}"),
        n=number,
        k=1,
        intent_id=f"intent-{number}",
        decision_id=f"decision-{number}",
        command=b"\x00command %d" % number,
        recorded_ns=START_NS + number,
        previous_n=number - 1,
        previous_k=1,
        state=state,
        sent_ns=START_NS + number if state is OutboxState.SENT else 0,
    )


def mark(number: int, state: OutboxState, *, epoch: int = 1, at_ns: int = START_NS, note: str = "") -> Mark:
    return Mark(command_id=EventId(f"{ACCOUNT}-{epoch}-{number}-1"), state=state, at_ns=at_ns, note=note)


def execution(number: int, *, account: str = ACCOUNT) -> ExecutionRow:
    return ExecutionRow(
        account=account,
        execution_id=ExecutionId(f"execution-{number}"),
        client_order_id=ClientOrderId(f"1-{account}-{number}"),
        event=b"\xffevent %d" % number,
        recorded_ns=START_NS + number,
    )


def kill(state: GateState = GateState.HALTED, *, scope: GateScope = GateScope.GLOBAL, key: str = "", reason: str = "why") -> KillRow:
    return KillRow(account=ACCOUNT, scope=scope, key=key, state=state, reason=reason, actor="operator:ada", at_ns=START_NS)


def user(name: str = "ada", *, role: Role = Role.VIEWER, account: str = ACCOUNT, last_step: int = 0, disabled: bool = False) -> User:
    return User(
        account=account,
        name=name,
        role=role,
        password_hash=f"hash of {name}",
        totp_secret=f"secret of {name}",
        disabled=disabled,
        created_ns=START_NS,
        changed_ns=START_NS + last_step,
        last_step=last_step,
    )


def approval(
    number: int, state: ApprovalState = ApprovalState.WAITING, *, order: int | None = None, by: str = "", account: str = ACCOUNT
) -> ApprovalRow:
    """Return request `number` of an order (its own unless said), which waits for one time to live."""
    return ApprovalRow(
        account=account,
        approval_id=ApprovalId(f"approval-{number}"),
        order_sha256=f"{number if order is None else order:064}",
        state=state,
        approvers=by,
        expires_ns=START_NS + TTL_NS,
        at_ns=START_NS + number,
    )


def use(number: int, *, order: int | None = None, at_ns: int = START_NS) -> ApprovalUse:
    return ApprovalUse(approval_id=ApprovalId(f"approval-{number}"), order_sha256=f"{number if order is None else order:064}", at_ns=at_ns)


def batch(
    *,
    epoch: int = 1,
    account: str = ACCOUNT,
    rows: tuple[OutboxRow, ...] = (),
    marks: tuple[Mark, ...] = (),
    executions: tuple[ExecutionRow, ...] = (),
    kills: tuple[KillRow, ...] = (),
    users: tuple[User, ...] = (),
    approvals: tuple[ApprovalRow, ...] = (),
    uses: tuple[ApprovalUse, ...] = (),
    versions: tuple[VersionRow, ...] = (),
    stages: tuple[StageRow, ...] = (),
) -> Batch:
    return Batch(
        account=account,
        epoch=epoch,
        rows=rows,
        marks=marks,
        executions=executions,
        kills=kills,
        users=users,
        approvals=approvals,
        uses=uses,
        versions=versions,
        stages=stages,
    )


def happened(number: int) -> AuditEntry:
    return entry(
        AuditType.REQUEST, ts_ns=START_NS + number, actor="ann", subject=f"request-{number}", body={"why": 'a "test"', "number": number}
    )


def audited(*entries: AuditEntry, epoch: int = 1) -> Batch:
    return msgspec.structs.replace(batch(epoch=epoch), audit=entries)


def headed(ledger: Ledger, *, epoch: int = 1, at_ns: int = START_NS) -> Batch:
    """Return a batch with a signed head of the chain as it ends now."""
    head = sign(KEY, ledger.audit_end(ACCOUNT), account=ACCOUNT, epoch=epoch, ts_ns=at_ns)
    return msgspec.structs.replace(batch(epoch=epoch), heads=(head,))


def everything(ledger: Ledger) -> tuple[object, ...]:
    """Return all that a ledger says of the account."""
    return (
        ledger.lease(ACCOUNT),
        ledger.outbox(ACCOUNT, tuple(OutboxState)),
        ledger.executions(ACCOUNT),
        ledger.kills(ACCOUNT),
        ledger.users(ACCOUNT),
        ledger.audit(ACCOUNT),
        ledger.heads(ACCOUNT),
        ledger.approvals(ACCOUNT),
        ledger.versions(ACCOUNT),
        ledger.stages(ACCOUNT),
    )
