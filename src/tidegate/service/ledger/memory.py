"""The ledger in memory: the same rules without a disk, for simulation and tests."""

from collections.abc import Collection, Sequence
from typing import final

import msgspec

from tidegate.authority.users import User
from tidegate.journal.audit.heads import Head
from tidegate.journal.audit.record import AuditEntry, AuditRecord, Link, follow
from tidegate.risk.approval_states import OPEN as OPEN_APPROVALS
from tidegate.service.ledger.errors import (
    ApprovalSpentError,
    DuplicateOrderError,
    LeaseHeldError,
    LedgerError,
    LedgerUnavailableError,
    MarkRefusedError,
    StaleEpochError,
)
from tidegate.service.ledger.rows import (
    MAKES_ORDER,
    ApprovalRow,
    Batch,
    ExecutionRow,
    KillRow,
    Lease,
    LeaseClaim,
    Mark,
    OutboxRow,
    StageRow,
    VersionRow,
    Written,
)
from tidegate.service.ledger.sentences import duplicate_sentence, mark_sentence, spent_sentence, stale_sentence, step_sentence
from tidegate.service.ledger.states import LET_GO, OutboxState, may_follow
from tidegate.values.enums import ApprovalState, GateScope
from tidegate.values.ids import ApprovalId, ClientOrderId, EventId, ExecutionId, SessionId


@final
class MemoryLedger:
    """A `Ledger` that is gone with its process. A batch is checked whole before anything of it is kept."""

    def __init__(self) -> None:
        self._leases: dict[str, Lease] = {}
        self._rows: dict[EventId, OutboxRow] = {}
        self._orders: dict[ClientOrderId, EventId] = {}
        self._executions: dict[tuple[str, ExecutionId], ExecutionRow] = {}
        self._kills: dict[tuple[str, GateScope, str], KillRow] = {}
        self._users: dict[tuple[str, str], User] = {}
        self._audit: dict[str, list[AuditRecord]] = {}
        self._heads: dict[str, dict[int, Head]] = {}
        self._approvals: dict[tuple[str, ApprovalId], ApprovalRow] = {}
        self._versions: dict[tuple[str, str], VersionRow] = {}
        self._stages: list[StageRow] = []

    def take_lease(self, claim: LeaseClaim) -> Lease:
        """See `Ledger`."""
        held = self._leases.get(claim.account)
        if held is not None and not held.released and held.expires_ns > claim.now_ns and held != claim.waited_out:
            raise LeaseHeldError(held)
        lease = Lease(
            account=claim.account,
            holder=claim.holder,
            epoch=1 if held is None else held.epoch + 1,
            expires_ns=claim.now_ns + claim.ttl_ns,
            ttl_ns=claim.ttl_ns,
            taken_from="" if held is None or held.released else held.holder,
            code_sha256=claim.code_sha256,
            config_sha256=claim.config_sha256,
        )
        self._leases[claim.account] = lease
        return lease

    def renew(self, lease: Lease, now_ns: int) -> Lease:
        """See `Ledger`."""
        self._check(lease.account, lease.epoch)
        renewed = msgspec.structs.replace(lease, expires_ns=now_ns + lease.ttl_ns)
        self._leases[lease.account] = renewed
        return renewed

    def release(self, lease: Lease) -> None:
        """See `Ledger`."""
        held = self._leases.get(lease.account)
        if held is not None and held.epoch == lease.epoch:
            self._leases[lease.account] = msgspec.structs.replace(held, released=True)

    def lease(self, account: str) -> Lease | None:
        """See `Ledger`."""
        return self._leases.get(account)

    def write(self, batch: Batch) -> Written:
        """See `Ledger`."""
        self._check(batch.account, batch.epoch)
        changed = self._recorded(batch.rows)
        for mark in batch.marks:
            changed[mark.command_id] = self._marked(changed.get(mark.command_id) or self._rows.get(mark.command_id), mark, batch)
        self._check_steps(batch.users)
        approvals = self._moved(batch)
        self._rows |= changed
        self._approvals |= approvals
        self._orders |= {row.client_order_id: row.command_id for row in batch.rows if row.kind in MAKES_ORDER}
        new = tuple(row.execution_id for row in batch.executions if self._keep(row))
        self._kills |= {(row.account, row.scope, row.key): row for row in batch.kills}
        self._users |= {(user.account, user.name): user for user in batch.users}
        for entry in batch.audit:
            self._record(entry, batch)
        for head in batch.heads:
            assert self._audit[head.account][head.seq - 1].hash == head.hash, "a head names a record that is there"
            self._heads.setdefault(head.account, {}).setdefault(head.seq, head)
        self._versions = {(row.account, row.sha256): row for row in batch.versions} | self._versions  # the first one stays
        self._stages += [msgspec.structs.replace(row, sequence=len(self._stages) + at) for at, row in enumerate(batch.stages, start=1)]
        return Written(new_executions=new)

    def write_all(self, batches: Sequence[Batch]) -> list[Written | LedgerError]:
        """See `Ledger`."""
        outcomes: list[Written | LedgerError] = []
        for batch in batches:
            try:
                outcomes.append(self.write(batch))
            except LedgerError as error:
                outcomes.append(error)
        return outcomes

    def command(self, command_id: EventId) -> OutboxRow | None:
        """See `Ledger`."""
        return self._rows.get(command_id)

    def order(self, client_order_id: ClientOrderId) -> OutboxRow | None:
        """See `Ledger`."""
        command_id = self._orders.get(client_order_id)
        return None if command_id is None else self._rows[command_id]

    def outbox(self, account: str, states: Collection[OutboxState], session: SessionId | None = None) -> list[OutboxRow]:
        """See `Ledger`."""
        found = [row for row in self._rows.values() if row.account == account and row.state in states]
        return found if session is None else [row for row in found if row.session == session]

    def last_let_go(self, account: str) -> OutboxRow | None:
        """See `Ledger`."""
        rows = (row for row in reversed(self._rows.values()) if row.account == account and row.kind in MAKES_ORDER)
        return next((row for row in rows if row.state in LET_GO), None)

    def executions(self, account: str, after: int = 0) -> list[ExecutionRow]:
        """See `Ledger`."""
        return [row for row in self._executions.values() if row.account == account and row.sequence > after]

    def executions_of(self, account: str, client_order_ids: Collection[str]) -> list[ExecutionRow]:
        """See `Ledger`."""
        return [row for row in self._executions.values() if row.account == account and row.client_order_id in client_order_ids]

    def known_executions(self, account: str, execution_ids: Collection[str]) -> set[str]:
        """See `Ledger`."""
        return {key for key in execution_ids if (account, ExecutionId(key)) in self._executions}

    def kills(self, account: str) -> list[KillRow]:
        """See `Ledger`."""
        return [row for key, row in sorted(self._kills.items()) if key[0] == account]

    def users(self, account: str) -> list[User]:
        """See `Ledger`."""
        return [user for key, user in sorted(self._users.items(), key=lambda item: item[0]) if key[0] == account]

    def audit_end(self, account: str) -> Link:
        """See `Ledger`."""
        chain = self._audit.get(account)
        return Link(chain[-1].seq, chain[-1].hash) if chain else Link()

    def audit(self, account: str, after: int = 0, count_max: int = 1_000) -> list[AuditRecord]:
        """See `Ledger`."""
        return self._audit.get(account, [])[after : after + count_max]

    def heads(self, account: str) -> list[Head]:
        """See `Ledger`."""
        return [head for _, head in sorted(self._heads.get(account, {}).items())]

    def approvals(self, account: str) -> list[ApprovalRow]:
        """See `Ledger`."""
        return [row for key, row in sorted(self._approvals.items()) if key[0] == account]

    def versions(self, account: str | None = None) -> list[VersionRow]:
        """See `Ledger`."""
        return sorted(
            (row for row in self._versions.values() if account in {None, row.account}), key=lambda row: (row.added_ns, row.sha256)
        )

    def stages(self, account: str) -> list[StageRow]:
        """See `Ledger`."""
        return [row for row in self._stages if row.account == account]

    def close(self) -> None:
        """See `Ledger`; what was written stays, as it would on a disk."""

    def _check(self, account: str, epoch: int) -> None:
        held = self._leases.get(account)
        if held is None or held.released or held.epoch != epoch:
            raise StaleEpochError(stale_sentence(account, epoch))

    def _check_steps(self, users: Sequence[User]) -> None:
        """Refuse to forget a used code, as the database's own rule does."""
        for user in users:
            known = self._users.get((user.account, user.name))
            if known is not None and user.last_step < known.last_step:
                raise LedgerUnavailableError(step_sentence(user.name))

    def _recorded(self, rows: Sequence[OutboxRow]) -> dict[EventId, OutboxRow]:
        """Return the new rows by command, none of which was there before, nor twice among themselves."""
        commands: dict[EventId, OutboxRow] = {}
        orders: set[ClientOrderId] = set()
        for row in rows:
            makes = row.kind in MAKES_ORDER
            known = row.command_id in self._rows or row.command_id in commands
            if known or (makes and (row.client_order_id in self._orders or row.client_order_id in orders)):
                raise DuplicateOrderError(duplicate_sentence(row))
            commands[row.command_id] = row
            if makes:
                orders.add(row.client_order_id)
        return commands

    def _marked(self, row: OutboxRow | None, mark: Mark, batch: Batch) -> OutboxRow:
        """Return the row as the mark makes it; only the lease that recorded an order may release it."""
        sends = mark.state is OutboxState.SENT
        if row is None or row.account != batch.account or not may_follow(row.state, mark.state) or (sends and row.epoch != batch.epoch):
            raise MarkRefusedError(mark_sentence(mark, row))
        return msgspec.structs.replace(
            row,
            state=mark.state,
            sent_ns=mark.at_ns if sends else row.sent_ns,
            changed_ns=mark.at_ns,
            note=mark.note,
        )

    def _record(self, entry: AuditEntry, batch: Batch) -> None:
        record = follow(self.audit_end(batch.account), entry, account=batch.account, epoch=batch.epoch)
        self._audit.setdefault(batch.account, []).append(record)

    def _moved(self, batch: Batch) -> dict[tuple[str, ApprovalId], ApprovalRow]:
        """Return the approvals that a batch changes, with its uses; what is closed stays as it is."""
        changed: dict[tuple[str, ApprovalId], ApprovalRow] = {}
        for row in batch.approvals:
            key = (row.account, row.approval_id)
            known = changed.get(key) or self._approvals.get(key)
            if known is None or (known.state in OPEN_APPROVALS and known.order_sha256 == row.order_sha256):
                changed[key] = row if known is None else msgspec.structs.replace(row, expires_ns=known.expires_ns)
        for use in batch.uses:
            key = (batch.account, use.approval_id)
            known = changed.get(key) or self._approvals.get(key)
            granted = known is not None and known.state is ApprovalState.GRANTED
            if known is None or not granted or known.order_sha256 != use.order_sha256 or known.expires_ns <= use.at_ns:
                raise ApprovalSpentError(spent_sentence(use, known))
            changed[key] = msgspec.structs.replace(known, state=ApprovalState.USED, at_ns=use.at_ns)
        return changed

    def _keep(self, row: ExecutionRow) -> bool:
        """Keep an execution; False: it was seen before."""
        key = (row.account, row.execution_id)
        if key in self._executions:
            return False
        self._executions[key] = msgspec.structs.replace(row, sequence=len(self._executions) + 1)
        return True
