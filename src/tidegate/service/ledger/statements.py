"""The ledger's statements, built once and compiled once for each connection, and the way between rows and structs.

Names of bound values differ from column names where a statement sets columns as well (`of_account`), as SQLAlchemy asks.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Insert, Update, and_, bindparam, case, false, insert, literal, or_, select, true, update
from sqlalchemy.dialects import postgresql, sqlite

from tidegate.service.ledger.rows import Batch, ExecutionRow, KillRow, Lease, LeaseClaim, Mark, OutboxRow, StageRow, VersionRow
from tidegate.service.ledger.schema import CONFIG_STAGES, CONFIG_VERSIONS, EXECUTIONS, KILLS, LEASE, OUTBOX
from tidegate.service.ledger.states import OutboxState, before_states
from tidegate.values.enums import CommandKind

Condition = ColumnElement[bool]
Values = Mapping[str, object]
_S = TypeVar("_S", bound=msgspec.Struct)
_Found = Sequence[Any]  # what a driver returns has the types of the schema, which no type checker sees

LEASE_COLUMNS: Final = tuple(LEASE.c[name] for name in Lease.__struct_fields__)
OUTBOX_COLUMNS: Final = tuple(OUTBOX.c[name] for name in OutboxRow.__struct_fields__)
EXECUTION_COLUMNS: Final = tuple(EXECUTIONS.c[name] for name in ExecutionRow.__struct_fields__)
KILL_COLUMNS: Final = tuple(KILLS.c[name] for name in KillRow.__struct_fields__)
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


_EXECUTION_NAMES: Final = tuple(name for name in ExecutionRow.__struct_fields__ if name != "sequence")  # the database counts


_STAGE_NAMES: Final = tuple(name for name in StageRow.__struct_fields__ if name != "sequence")
ADD_STAGE: Final = insert(CONFIG_STAGES).values({name: bindparam(name) for name in (*_STAGE_NAMES, "writer_epoch")}).inline()


class DialectStatements(NamedTuple):
    """What the two databases spell in their own way."""

    first_lease: Insert
    add_execution: Insert
    set_kill: Insert
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
    execution = make(EXECUTIONS).values({name: bindparam(name) for name in (*_EXECUTION_NAMES, "writer_epoch")})
    version = make(CONFIG_VERSIONS).values({name: bindparam(name) for name in (*VersionRow.__struct_fields__, "writer_epoch")})
    return DialectStatements(
        first_lease=first.on_conflict_do_nothing().execution_options(preserve_rowcount=True),
        add_execution=execution.on_conflict_do_nothing().inline(),
        set_kill=kill.on_conflict_do_update(index_elements=["account", "scope", "key"], set_=new),
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


def version_row(row: _Found) -> VersionRow:
    """Return a version's row."""
    return _struct(VersionRow, row)


def stage_row(row: _Found) -> StageRow:
    """Return a step's row."""
    return _struct(StageRow, row)


def _struct(kind: type[_S], row: _Found) -> _S:
    return msgspec.convert(dict(zip(kind.__struct_fields__, row, strict=True)), kind)
