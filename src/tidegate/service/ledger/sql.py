"""The ledger in a database: SQLite in a file, or PostgreSQL.

Each verb is one transaction. What must hold is held by the statements themselves (unique indexes, updates that name the state
they start from, the lease read under a lock) and again by the database's own triggers: nothing is looked at first and written
later.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import final

from sqlalchemy import Connection, Row, select
from sqlalchemy.exc import IntegrityError

from tidegate.service.ledger import statements
from tidegate.service.ledger.errors import (
    DuplicateOrderError,
    LeaseHeldError,
    LedgerError,
    LedgerUnavailableError,
    MarkRefusedError,
    StaleEpochError,
)
from tidegate.service.ledger.failures import STALE, is_fatal, store_errors
from tidegate.service.ledger.opening import open_engine
from tidegate.service.ledger.rows import (
    MAKES_ORDER,
    Batch,
    ExecutionRow,
    KillRow,
    Lease,
    LeaseClaim,
    Mark,
    OutboxRow,
    Written,
)
from tidegate.service.ledger.schema import EXECUTIONS, KILLS, OUTBOX
from tidegate.service.ledger.sentences import duplicate_sentence, mark_sentence, stale_sentence
from tidegate.service.ledger.states import OutboxState
from tidegate.values.ids import ClientOrderId, EventId, SessionId


@final
class SqlLedger:
    """A `Ledger` on a disk. Used from one thread at a time; several processes may have one each."""

    def __init__(self, location: str | Path) -> None:
        """Open a ledger, make it where there is none, and bring it to the newest shape.

        Args:
            location: the path of a SQLite file, or a `postgresql://` URL.

        Raises:
            LedgerUnavailableError: it cannot be opened, or a newer version of tidegate wrote it.
        """
        self._engine, self._name = open_engine(location)
        self._statements = statements.for_dialect(self._engine.dialect.name)
        self._lost = False

    def take_lease(self, claim: LeaseClaim) -> Lease:
        """See `Ledger`."""
        with self._transaction() as connection:
            wish = statements.claim_values(claim)
            if connection.execute(statements.TAKE_LEASE, wish).rowcount == 0:
                made = connection.execute(self._statements.first_lease, wish).rowcount
                if made == 0:
                    raise LeaseHeldError(_lease_of(connection, claim.account))
            return _lease_of(connection, claim.account)

    def renew(self, lease: Lease, now_ns: int) -> Lease:
        """See `Ledger`."""
        with self._transaction() as connection:
            renewal = {"of_account": lease.account, "of_epoch": lease.epoch, "until": now_ns + lease.ttl_ns}
            if connection.execute(statements.RENEW_LEASE, renewal).rowcount == 0:
                raise StaleEpochError(stale_sentence(lease.account, lease.epoch))
            return _lease_of(connection, lease.account)

    def release(self, lease: Lease) -> None:
        """See `Ledger`."""
        with self._transaction() as connection:
            connection.execute(statements.RELEASE_LEASE, {"of_account": lease.account, "of_epoch": lease.epoch})

    def lease(self, account: str) -> Lease | None:
        """See `Ledger`."""
        with self._transaction() as connection:
            row = connection.execute(statements.READ_LEASE, {"of_account": account}).one_or_none()
        return None if row is None else statements.lease_of(row)

    def write(self, batch: Batch) -> Written:
        """See `Ledger`."""
        try:
            with self._transaction() as connection:
                return self._apply(connection, batch)
        except IntegrityError as error:
            raise self._explained(batch, error) from error

    def write_all(self, batches: Sequence[Batch]) -> list[Written | LedgerError]:
        """See `Ledger`.

        Refusals are rare: all batches share one transaction, and only if one of them is refused each gets its own.
        """
        if len(batches) > 1:
            try:
                with self._transaction() as connection:
                    return [self._apply(connection, batch) for batch in batches]
            except LedgerUnavailableError:
                raise
            except (LedgerError, IntegrityError):
                pass  # nothing was kept; which of them it was is found by trying them alone
        return [self._alone(batch) for batch in batches]

    def command(self, command_id: EventId) -> OutboxRow | None:
        """See `Ledger`."""
        return self._row(OUTBOX.c.command_id == command_id)

    def order(self, client_order_id: ClientOrderId) -> OutboxRow | None:
        """See `Ledger`."""
        return self._row((OUTBOX.c.client_order_id == client_order_id) & statements.MAKES_ORDER_WHERE)

    def outbox(self, account: str, states: Collection[OutboxState], session: SessionId | None = None) -> list[OutboxRow]:
        """See `Ledger`."""
        wish = select(*statements.OUTBOX_COLUMNS).where(OUTBOX.c.account == account, OUTBOX.c.state.in_([*states]))
        if session is not None:
            wish = wish.where(OUTBOX.c.session == session)
        with self._transaction() as connection:
            return [statements.outbox_row(row) for row in connection.execute(wish.order_by(OUTBOX.c.sequence))]

    def executions(self, account: str, after: int = 0) -> list[ExecutionRow]:
        """See `Ledger`."""
        wish = select(*statements.EXECUTION_COLUMNS).where(EXECUTIONS.c.account == account, EXECUTIONS.c.sequence > after)
        with self._transaction() as connection:
            return [statements.execution_row(row) for row in connection.execute(wish.order_by(EXECUTIONS.c.sequence))]

    def kills(self, account: str) -> list[KillRow]:
        """See `Ledger`."""
        wish = select(*statements.KILL_COLUMNS).where(KILLS.c.account == account)
        with self._transaction() as connection:
            rows = [statements.kill_row(row) for row in connection.execute(wish)]
        return sorted(rows, key=lambda row: (row.scope, row.key))  # here: databases sort text each in its own way

    def close(self) -> None:
        """See `Ledger`."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """Yield a connection whose work is durable when the block ends, or undone."""
        if self._lost:
            raise LedgerUnavailableError(f"The ledger {self._name} was lost to its disk before; look at the disk and start again.")
        try:
            with store_errors(self._name), self._engine.begin() as connection:
                yield connection
        except LedgerUnavailableError as error:
            self._lost = is_fatal(error.__cause__)
            raise

    def _apply(self, connection: Connection, batch: Batch) -> Written:
        """Check the lease under a lock and carry a batch out, or raise."""
        of = {"of_account": batch.account, "of_epoch": batch.epoch}
        if connection.execute(statements.HOLD_LEASE, of).one_or_none() is None:
            raise StaleEpochError(stale_sentence(batch.account, batch.epoch))
        if batch.rows:
            connection.execute(statements.ADD_ROW, [statements.row_values(row) for row in batch.rows])
        for mark in batch.marks:
            self._move(connection, mark, batch)
        new = tuple(row.execution_id for row in batch.executions if self._keep(connection, row, batch))
        for kill in batch.kills:
            connection.execute(self._statements.set_kill, statements.kill_values(kill, batch.epoch))
        return Written(new_executions=new)

    def _move(self, connection: Connection, mark: Mark, batch: Batch) -> None:
        if connection.execute(statements.MARK[mark.state], statements.mark_values(mark, batch)).rowcount == 0:
            row = connection.execute(select(*statements.OUTBOX_COLUMNS).where(OUTBOX.c.command_id == mark.command_id)).one_or_none()
            raise MarkRefusedError(mark_sentence(mark, None if row is None else statements.outbox_row(row)))

    def _keep(self, connection: Connection, row: ExecutionRow, batch: Batch) -> bool:
        """Keep an execution; False: it was seen before."""
        return connection.execute(self._statements.add_execution, statements.execution_values(row, batch.epoch)).rowcount == 1

    def _alone(self, batch: Batch) -> Written | LedgerError:
        """Carry a batch out in a transaction of its own; a refusal is an outcome, a lost store is not."""
        try:
            return self.write(batch)
        except LedgerUnavailableError:
            raise
        except LedgerError as error:
            return error

    def _explained(self, batch: Batch, error: IntegrityError) -> LedgerError:
        """Return which rule of ours a batch broke."""
        if STALE in str(error.orig):
            return StaleEpochError(stale_sentence(batch.account, batch.epoch))
        seen: set[str] = set()
        for row in batch.rows:
            names = {row.command_id, f"order {row.client_order_id}"} if row.kind in MAKES_ORDER else {str(row.command_id)}
            known = self.command(row.command_id) or (self.order(row.client_order_id) if row.kind in MAKES_ORDER else None)
            if known is not None or names & seen:
                return DuplicateOrderError(duplicate_sentence(row))
            seen |= names
        return LedgerUnavailableError(f"The ledger {self._name} refused a batch by a rule of its own ({error.orig}); report it.")

    def _row(self, where: statements.Condition) -> OutboxRow | None:
        with self._transaction() as connection:
            row = connection.execute(select(*statements.OUTBOX_COLUMNS).where(where)).one_or_none()
        return None if row is None else statements.outbox_row(row)


def _lease_of(connection: Connection, account: str) -> Lease:
    row: Row[tuple[object, ...]] = connection.execute(statements.READ_LEASE, {"of_account": account}).one()
    return statements.lease_of(row)
