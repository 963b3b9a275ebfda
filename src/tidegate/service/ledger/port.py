"""The ledger port: uniqueness and fencing, durable. Synchronous verbs, called from one thread.

Two forms under one contract suite: `memory` (simulation, tests) and `sql` (SQLite, PostgreSQL). `thread` gives an event loop
the same with group commit.

Everything that is written carries a lease, and the transaction that writes checks it: a stale holder can neither create
sendable work nor mark it, nor take an execution away from the trader that holds the account now. For the same reason a start
takes the lease before it reads: only then can nothing of the former holder come in behind what was read.
"""

from collections.abc import Collection, Sequence
from typing import Protocol

from tidegate.authority.users import User
from tidegate.journal.audit.heads import Head
from tidegate.journal.audit.record import AuditRecord, Link
from tidegate.service.ledger.errors import LedgerError
from tidegate.service.ledger.rows import (
    ApprovalRow,
    Batch,
    ExecutionRow,
    KillRow,
    Lease,
    LeaseClaim,
    OutboxRow,
    StageRow,
    VersionRow,
    Written,
)
from tidegate.service.ledger.states import OutboxState
from tidegate.values.ids import ClientOrderId, EventId, SessionId


class Ledger(Protocol):
    """Outbox, executions, kill states, approvals, users and the lease of each account. Every verb may raise `LedgerUnavailableError`."""

    def take_lease(self, claim: LeaseClaim) -> Lease:
        """Return the lease with a new epoch: the account was free, given back, run out, or has been waited out.

        Raises:
            LeaseHeldError: another holder's lease runs.
        """

    def renew(self, lease: Lease, now_ns: int) -> Lease:
        """Return the lease with its end moved to one time to live from now.

        Raises:
            StaleEpochError: it was taken over or given back.
        """

    def release(self, lease: Lease) -> None:
        """Give the account back. Nothing can be written under this lease any more; a stale lease is left alone."""

    def lease(self, account: str) -> Lease | None:
        """Return the account's lease as it stands, released ones included; None if nobody ever held it."""

    def write(self, batch: Batch) -> Written:
        """Make a batch durable in one transaction that checks its lease; return when the disk has it.

        Raises:
            StaleEpochError: the lease is not the account's any more.
            DuplicateOrderError: a command or the id of a new order is recorded already.
            MarkRefusedError: a mark contradicts its row.
            LedgerUnavailableError: also where the last used code of a user would be forgotten.
            ApprovalSpentError: an approval that it uses is not granted, has expired, or is of another order.
        """

    def write_all(self, batches: Sequence[Batch]) -> list[Written | LedgerError]:
        """Make several batches durable with one wait for the disk; each is whole, or refused with its own error.

        Raises:
            LedgerUnavailableError: none of them may be taken as written.
        """

    def command(self, command_id: EventId) -> OutboxRow | None:
        """Return the row of a command."""

    def order(self, client_order_id: ClientOrderId) -> OutboxRow | None:
        """Return the row of the command that made an order; None: the id is not ours."""

    def outbox(self, account: str, states: Collection[OutboxState], session: SessionId | None = None) -> list[OutboxRow]:
        """Return the account's rows in these states, of one session or of all, in the order in which they were recorded."""

    def last_let_go(self, account: str) -> OutboxRow | None:
        """Return the account's newest order that is known to have left (states `LET_GO`); None: none is."""

    def executions(self, account: str, after: int = 0) -> list[ExecutionRow]:
        """Return the account's executions past a sequence, in the order in which they were recorded."""

    def executions_of(self, account: str, client_order_ids: Collection[str]) -> list[ExecutionRow]:
        """Return the account's executions of these orders, in the order in which they were recorded."""

    def known_executions(self, account: str, execution_ids: Collection[str]) -> set[str]:
        """Return which of these executions of the account are recorded."""

    def kills(self, account: str) -> list[KillRow]:
        """Return the account's gate states as last set, sorted by scope and key."""

    def users(self, account: str) -> list[User]:
        """Return the account's users as last written, disabled ones included, sorted by name."""

    def audit_end(self, account: str) -> Link:
        """Return where the account's audit chain ends."""

    def audit(self, account: str, after: int = 0, count_max: int = 1_000) -> list[AuditRecord]:
        """Return the account's audit records past a number, in order, at most so many."""

    def heads(self, account: str) -> list[Head]:
        """Return the signed heads of the account's audit chain, in order."""

    def approvals(self, account: str) -> list[ApprovalRow]:
        """Return the account's requests for approval as they stand, sorted by id."""

    def versions(self, account: str | None = None) -> list[VersionRow]:
        """Return the account's versions of its configuration, by the time they were added, then by hash; None: every account's."""

    def stages(self, account: str) -> list[StageRow]:
        """Return every step of the account's versions and permissions, in the order in which they were recorded."""

    def close(self) -> None:
        """Let go of files and connections. No lease is given back."""
