"""The ledger's statements, built once and compiled once for each connection, and the way between rows and structs.

Names of bound values differ from column names where a statement sets columns as well (`of_account`), as SQLAlchemy asks.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Insert, Update, and_, bindparam, case, false, insert, literal, or_, select, true, update
from sqlalchemy.dialects import postgresql, sqlite

from tidegate.authority.users import User
from tidegate.journal.audit.heads import Head
from tidegate.journal.audit.record import AuditRecord
from tidegate.risk.approval_states import OPEN
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
from tidegate.service.ledger.schema import (
    APPROVALS,
    AUDIT,
    AUDIT_HEADS,
    CONFIG_STAGES,
    CONFIG_VERSIONS,
    EXECUTIONS,
    KILLS,
    LEASE,
    OUTBOX,
    USERS,
)
from tidegate.service.ledger.states import OutboxState, before_states
from tidegate.values.enums import ApprovalState, CommandKind

Condition = ColumnElement[bool]
Values = Mapping[str, object]
_S = TypeVar("_S", bound=msgspec.Struct)
_Found = Sequence[Any]  # what a driver returns has the types of the schema, which no type checker sees

LEASE_COLUMNS: Final = tuple(LEASE.c[name] for name in Lease.__struct_fields__)
OUTBOX_COLUMNS: Final = tuple(OUTBOX.c[name] for name in OutboxRow.__struct_fields__)
EXECUTION_COLUMNS: Final = tuple(EXECUTIONS.c[name] for name in ExecutionRow.__struct_fields__)
KILL_COLUMNS: Final = tuple(KILLS.c[name] for name in KillRow.__struct_fields__)
USER_COLUMNS: Final = tuple(USERS.c[name] for name in User.__struct_fields__)
AUDIT_NAMES: Final = tuple("writer_epoch" if name == "epoch" else name for name in AuditRecord.__struct_fields__)
HEAD_NAMES: Final = tuple("writer_epoch" if name == "epoch" else name for name in Head.__struct_fields__)
AUDIT_COLUMNS: Final = tuple(AUDIT.c[name] for name in AUDIT_NAMES)
HEAD_COLUMNS: Final = tuple(AUDIT_HEADS.c[name] for name in HEAD_NAMES)
APPROVAL_COLUMNS: Final = tuple(APPROVALS.c[name] for name in ApprovalRow.__struct_fields__)
VERSION_COLUMNS: Final = tuple(CONFIG_VERSIONS.c[name] for name in VersionRow.__struct_fields__)
STAGE_COLUMNS: Final = tuple(CONFIG_STAGES.c[name] for name in StageRow.__struct_fields__)
MAKES_ORDER_WHERE: Final = OUTBOX.c.kind.in_([CommandKind.SUBMIT.value, CommandKind.REPLACE.value])

_OF_LEASE: Final = and_(
    LEASE.c.account == bindparam("of_account"),
    LEASE.c.epoch == bindparam("of_epoch"),
    LEASE.c.released == false(),
)
READ_LEASE: Final = select(*LEASE_COLUMNS).where(LEASE.c.account == bindparam("of_account"))
HOLD_LEASE: Final = select(literal(1)).where(_OF_LEASE).select_from(LEASE).with_for_update(read=True)
RENEW_LEASE: Final = update(LEASE).where(_OF_LEASE).values(expires_ns=bindparam("until"))
RELEASE_LEASE: Final = update(LEASE).where(_OF_LEASE).values(released=true())
_WAITED_OUT: Final = and_(
    LEASE.c.epoch == bindparam("seen_epoch"),
    LEASE.c.holder == bindparam("seen_holder"),
    LEASE.c.expires_ns == bindparam("seen_expires_ns"),
)
TAKE_LEASE: Final = (
    update(LEASE)
    .where(
        LEASE.c.account == bindparam("of_account"),
        or_(LEASE.c.released == true(), LEASE.c.expires_ns <= bindparam("now_ns"), _WAITED_OUT),
    )
    .values(
        epoch=LEASE.c.epoch + 1,
        taken_from=case((LEASE.c.released == true(), ""), else_=LEASE.c.holder),
        holder=bindparam("new_holder"),
        expires_ns=bindparam("until"),
        ttl_ns=bindparam("new_ttl_ns"),
        released=false(),
        code_sha256=bindparam("new_code_sha256"),
        config_sha256=bindparam("new_config_sha256"),
    )
)
_ROW_NAMES: Final = (*OutboxRow.__struct_fields__, "writer_epoch")
ADD_ROW: Final = insert(OUTBOX).values({name: bindparam(name) for name in _ROW_NAMES}).inline()

ADD_AUDIT: Final = insert(AUDIT).values({name: bindparam(name) for name in AUDIT_NAMES}).inline()
AUDIT_END: Final = (
    select(AUDIT.c.seq, AUDIT.c.hash).where(AUDIT.c.account == bindparam("of_account")).order_by(AUDIT.c.seq.desc()).limit(literal(1))
)


READ_ROW: Final = select(*OUTBOX_COLUMNS).where(OUTBOX.c.command_id == bindparam("of_command"))


def _mark(after: OutboxState) -> Update:
    """Return the update that moves one row, by the table of `states` and by nothing else."""
    before = or_(false(), *(OUTBOX.c.state == state.value for state in before_states(after)))
    moved = update(OUTBOX).where(
        OUTBOX.c.command_id == bindparam("of_command"),
        OUTBOX.c.account == bindparam("of_account"),
        before,
    )
    values = moved.values(state=after.value, changed_ns=bindparam("at_ns"), note=bindparam("why"), writer_epoch=bindparam("of_epoch"))
    if after is not OutboxState.SENT:
        return values
    # Only the lease that recorded an order may release it.
    return values.where(OUTBOX.c.epoch == bindparam("of_epoch")).values(sent_ns=bindparam("at_ns"))


MARK: Final = {state: _mark(state) for state in OutboxState}


_USER_STAYS: Final = ("account", "name", "created_ns")
_USER_NAMES: Final = (*User.__struct_fields__, "writer_epoch")
_OF_APPROVAL: Final = and_(APPROVALS.c.account == bindparam("of_account"), APPROVALS.c.approval_id == bindparam("of_approval"))
READ_APPROVAL: Final = select(*APPROVAL_COLUMNS).where(_OF_APPROVAL)
USE_APPROVAL: Final = (
    update(APPROVALS)
    .where(
        _OF_APPROVAL,
        APPROVALS.c.order_sha256 == bindparam("of_order"),
        APPROVALS.c.state == ApprovalState.GRANTED.value,
        APPROVALS.c.expires_ns > bindparam("used_ns"),
    )
    .values(state=ApprovalState.USED.value, at_ns=bindparam("used_ns"), writer_epoch=bindparam("of_epoch"))
)


_EXECUTION_NAMES: Final = tuple(name for name in ExecutionRow.__struct_fields__ if name != "sequence")  # the database counts


_STAGE_NAMES: Final = tuple(name for name in StageRow.__struct_fields__ if name != "sequence")
ADD_STAGE: Final = insert(CONFIG_STAGES).values({name: bindparam(name) for name in (*_STAGE_NAMES, "writer_epoch")}).inline()


class DialectStatements(NamedTuple):
    """What the two databases spell in their own way."""

    first_lease: Insert
    add_execution: Insert
    set_kill: Insert
    set_user: Insert
    add_head: Insert
    set_approval: Insert
    add_version: Insert


def for_dialect(name: str) -> DialectStatements:
    """Return the statements of a database."""
    make = postgresql.insert if name == "postgresql" else sqlite.insert
    first = make(LEASE).values(
        account=bindparam("of_account"),
        holder=bindparam("new_holder"),
        epoch=1,
        expires_ns=bindparam("until"),
        ttl_ns=bindparam("new_ttl_ns"),
        released=false(),
        taken_from="",
        code_sha256=bindparam("new_code_sha256"),
        config_sha256=bindparam("new_config_sha256"),
    )
    kill = make(KILLS).values({name: bindparam(name) for name in (*KillRow.__struct_fields__, "writer_epoch")})
    new = {name: kill.excluded[name] for name in ("state", "reason", "actor", "at_ns", "writer_epoch")}
    user = make(USERS).values({name: bindparam(name) for name in _USER_NAMES})
    changed = {name: user.excluded[name] for name in _USER_NAMES if name not in _USER_STAYS}
    execution = make(EXECUTIONS).values({name: bindparam(name) for name in (*_EXECUTION_NAMES, "writer_epoch")})
    head = make(AUDIT_HEADS).values({name: bindparam(name) for name in HEAD_NAMES})
    approval = make(APPROVALS).values({name: bindparam(name) for name in (*ApprovalRow.__struct_fields__, "writer_epoch")})
    moved = {name: approval.excluded[name] for name in ("state", "approvers", "at_ns", "writer_epoch")}
    still_open = and_(
        APPROVALS.c.order_sha256 == approval.excluded.order_sha256,
        or_(*(APPROVALS.c.state == state.value for state in sorted(OPEN))),
    )
    version = make(CONFIG_VERSIONS).values({name: bindparam(name) for name in (*VersionRow.__struct_fields__, "writer_epoch")})
    return DialectStatements(
        first_lease=first.on_conflict_do_nothing().execution_options(preserve_rowcount=True),
        add_execution=execution.on_conflict_do_nothing().inline(),
        set_kill=kill.on_conflict_do_update(index_elements=["account", "scope", "key"], set_=new),
        set_user=user.on_conflict_do_update(index_elements=["account", "name"], set_=changed),
        add_head=head.on_conflict_do_nothing().inline(),  # one head for each record is enough: the first
        set_approval=approval.on_conflict_do_update(index_elements=["account", "approval_id"], set_=moved, where=still_open),
        add_version=version.on_conflict_do_nothing().inline(),
    )


def claim_values(claim: LeaseClaim) -> Values:
    """Return what taking a lease binds."""
    seen = claim.waited_out
    return {
        "of_account": claim.account,
        "new_holder": claim.holder,
        "now_ns": claim.now_ns,
        "until": claim.now_ns + claim.ttl_ns,
        "new_ttl_ns": claim.ttl_ns,
        "new_code_sha256": claim.code_sha256,
        "new_config_sha256": claim.config_sha256,
        "seen_epoch": 0 if seen is None else seen.epoch,  # epochs begin at 1
        "seen_holder": "" if seen is None else seen.holder,
        "seen_expires_ns": 0 if seen is None else seen.expires_ns,
    }


def row_values(row: OutboxRow) -> Values:
    """Return what recording a command binds."""
    return {name: getattr(row, name) for name in OutboxRow.__struct_fields__} | {"writer_epoch": row.epoch}


def mark_values(mark: Mark, batch: Batch) -> Values:
    """Return what moving a row binds."""
    return {
        "of_command": mark.command_id,
        "of_account": batch.account,
        "of_epoch": batch.epoch,
        "at_ns": mark.at_ns,
        "why": mark.note,
    }


def execution_values(row: ExecutionRow, epoch: int) -> Values:
    """Return what keeping an execution binds."""
    return {name: getattr(row, name) for name in _EXECUTION_NAMES} | {"writer_epoch": epoch}


def kill_values(row: KillRow, epoch: int) -> Values:
    """Return what setting a gate state binds."""
    return {name: getattr(row, name) for name in KillRow.__struct_fields__} | {"writer_epoch": epoch}


def user_values(user: User, epoch: int) -> Values:
    """Return what keeping a user binds."""
    return {name: getattr(user, name) for name in User.__struct_fields__} | {"writer_epoch": epoch}


def audit_values(record: AuditRecord) -> Values:
    """Return what adding a record to the audit chain binds."""
    return dict(zip(AUDIT_NAMES, msgspec.structs.astuple(record), strict=True))


def head_values(head: Head) -> Values:
    """Return what keeping a signed head binds."""
    return dict(zip(HEAD_NAMES, msgspec.structs.astuple(head), strict=True))


def approval_values(row: ApprovalRow, epoch: int) -> Values:
    """Return what keeping an approval's state binds."""
    return {name: getattr(row, name) for name in ApprovalRow.__struct_fields__} | {"writer_epoch": epoch}


def use_values(use: ApprovalUse, batch: Batch) -> Values:
    """Return what using an approval binds."""
    return {
        "of_account": batch.account,
        "of_approval": use.approval_id,
        "of_order": use.order_sha256,
        "used_ns": use.at_ns,
        "of_epoch": batch.epoch,
    }


def version_values(row: VersionRow, epoch: int) -> Values:
    """Return what adding a version binds."""
    return {name: getattr(row, name) for name in VersionRow.__struct_fields__} | {"writer_epoch": epoch}


def stage_values(row: StageRow, epoch: int) -> Values:
    """Return what recording a step binds."""
    return {name: getattr(row, name) for name in _STAGE_NAMES} | {"writer_epoch": epoch}


def lease_of(row: _Found) -> Lease:
    """Return a lease from its row."""
    return _struct(Lease, row)


def outbox_row(row: _Found) -> OutboxRow:
    """Return a command's row."""
    return _struct(OutboxRow, row)


def execution_row(row: _Found) -> ExecutionRow:
    """Return an execution's row."""
    return _struct(ExecutionRow, row)


def kill_row(row: _Found) -> KillRow:
    """Return a gate state's row."""
    return _struct(KillRow, row)


def user_of(row: _Found) -> User:
    """Return a user from his row."""
    return _struct(User, row)


def audit_record(row: _Found) -> AuditRecord:
    """Return a record of the audit chain."""
    return _struct(AuditRecord, row)


def head_of(row: _Found) -> Head:
    """Return a signed head."""
    return _struct(Head, row)


def approval_row(row: _Found) -> ApprovalRow:
    """Return an approval's row."""
    return _struct(ApprovalRow, row)


def version_row(row: _Found) -> VersionRow:
    """Return a version's row."""
    return _struct(VersionRow, row)


def stage_row(row: _Found) -> StageRow:
    """Return a step's row."""
    return _struct(StageRow, row)


def _struct(kind: type[_S], row: _Found) -> _S:
    return msgspec.convert(dict(zip(kind.__struct_fields__, row, strict=True)), kind)
