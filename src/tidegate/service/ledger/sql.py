"""The ledger in a database: SQLite in a file, or PostgreSQL.

Each verb is one transaction. What must hold is held by the statements themselves (unique indexes, updates that name the state
they start from, the lease read under a lock) and again by the database's own triggers: nothing is looked at first and written
later.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Final, final

from sqlalchemy import Connection, Engine, Row, select
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.pool import PoolProxiedConnection

from tidegate.authority.users import User
from tidegate.journal.audit.heads import Head
from tidegate.journal.audit.record import AuditRecord, Link
from tidegate.service.ledger import statements
from tidegate.service.ledger.errors import (
    ApprovalSpentError,
    DuplicateOrderError,
    LeaseHeldError,
    LedgerError,
    LedgerUnavailableError,
    MarkRefusedError,
    StaleEpochError,
)
from tidegate.service.ledger.failures import STALE, is_fatal, store_errors, unavailable
from tidegate.service.ledger.opening import BEGIN_SQLITE, READING, open_engine
from tidegate.service.ledger.prepared import PreparedBatch
from tidegate.service.ledger.rows import (
    MAKES_ORDER,
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
from tidegate.service.ledger.schema import APPROVALS, AUDIT, AUDIT_HEADS, CONFIG_STAGES, CONFIG_VERSIONS, EXECUTIONS, KILLS, OUTBOX, USERS
from tidegate.service.ledger.sentences import duplicate_sentence, mark_sentence, spent_sentence, stale_sentence
from tidegate.service.ledger.standing import Standing
from tidegate.service.ledger.states import LET_GO, OutboxState
from tidegate.values.ids import ClientOrderId, EventId, SessionId

_ASKED_MAX: Final = 500  # values in one statement; SQLite takes no more than 32,766


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
        self._reader = self._engine.execution_options(**READING)
        self._own = statements.for_dialect(self._engine.dialect.name)
        self._prepared = PreparedBatch(self._engine)
        self._driver = self._engine.dialect.loaded_dbapi
        self._begin = BEGIN_SQLITE if self._engine.dialect.name == "sqlite" else ""  # the other driver begins by itself
        self._standing = Standing(self._engine)
        self._lost = ""  # why nothing more may be read or written through it

    def take_lease(self, claim: LeaseClaim) -> Lease:
        """See `Ledger`."""
        with self._transaction() as connection:
            wish = statements.claim_values(claim)
            if connection.execute(statements.TAKE_LEASE, wish).rowcount == 0:
                made = connection.execute(self._own.first_lease, wish).rowcount
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
        with self._reading() as connection:
            row = connection.execute(statements.READ_LEASE, {"of_account": account}).one_or_none()
        return None if row is None else statements.lease_of(row)

    def write(self, batch: Batch) -> Written:
        """See `Ledger`."""
        try:
            with self._swift() as cursor:
                return self._apply(cursor, [batch])[0]
        except self._driver.IntegrityError as error:
            raise self._explained(batch, error) from error

    def write_all(self, batches: Sequence[Batch]) -> list[Written | LedgerError]:
        """See `Ledger`.

        Refusals are rare: all batches share one transaction, and only if one of them is refused each gets its own.
        """
        if len(batches) > 1:
            try:
                with self._swift() as cursor:
                    return [*self._apply(cursor, batches)]
            except LedgerUnavailableError:
                raise
            except (LedgerError, self._driver.IntegrityError):
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
        with self._reading() as connection:
            return [statements.outbox_row(row) for row in connection.execute(wish.order_by(OUTBOX.c.sequence))]

    def last_let_go(self, account: str) -> OutboxRow | None:
        """See `Ledger`."""
        left = (OUTBOX.c.account == account) & OUTBOX.c.state.in_([*LET_GO]) & statements.MAKES_ORDER_WHERE
        with self._reading() as connection:
            row = connection.execute(select(*statements.OUTBOX_COLUMNS).where(left).order_by(OUTBOX.c.sequence.desc()).limit(1)).first()
        return None if row is None else statements.outbox_row(row)

    def executions(self, account: str, after: int = 0) -> list[ExecutionRow]:
        """See `Ledger`."""
        wish = select(*statements.EXECUTION_COLUMNS).where(EXECUTIONS.c.account == account, EXECUTIONS.c.sequence > after)
        with self._reading() as connection:
            return [statements.execution_row(row) for row in connection.execute(wish.order_by(EXECUTIONS.c.sequence))]

    def executions_of(self, account: str, client_order_ids: Collection[str]) -> list[ExecutionRow]:
        """See `Ledger`."""
        found: list[ExecutionRow] = []
        with self._reading() as connection:
            for part in _parts(client_order_ids):
                wish = select(*statements.EXECUTION_COLUMNS).where(EXECUTIONS.c.account == account, EXECUTIONS.c.client_order_id.in_(part))
                found += [statements.execution_row(row) for row in connection.execute(wish)]
        return sorted(found, key=lambda row: row.sequence)

    def known_executions(self, account: str, execution_ids: Collection[str]) -> set[str]:
        """See `Ledger`."""
        column, found = EXECUTIONS.c.execution_id, set[str]()
        with self._reading() as connection:
            for part in _parts(execution_ids):
                wish = select(column).where(EXECUTIONS.c.account == account, column.in_(part))
                found.update(connection.execute(wish).scalars())
        return found

    def kills(self, account: str) -> list[KillRow]:
        """See `Ledger`."""
        wish = select(*statements.KILL_COLUMNS).where(KILLS.c.account == account)
        with self._reading() as connection:
            rows = [statements.kill_row(row) for row in connection.execute(wish)]
        return sorted(rows, key=lambda row: (row.scope, row.key))  # here: databases sort text each in its own way

    def users(self, account: str) -> list[User]:
        """See `Ledger`."""
        wish = select(*statements.USER_COLUMNS).where(USERS.c.account == account)
        with self._reading() as connection:
            users = [statements.user_of(row) for row in connection.execute(wish)]
        return sorted(users, key=lambda user: user.name)

    def audit_end(self, account: str) -> Link:
        """See `Ledger`."""
        with self._reading() as connection:
            row = connection.execute(statements.AUDIT_END, {"of_account": account}).one_or_none()
        return Link() if row is None else Link(*row)

    def audit(self, account: str, after: int = 0, count_max: int = 1_000) -> list[AuditRecord]:
        """See `Ledger`."""
        wish = select(*statements.AUDIT_COLUMNS).where(AUDIT.c.account == account, AUDIT.c.seq > after)
        with self._reading() as connection:
            return [statements.audit_record(row) for row in connection.execute(wish.order_by(AUDIT.c.seq).limit(count_max))]

    def heads(self, account: str) -> list[Head]:
        """See `Ledger`."""
        wish = select(*statements.HEAD_COLUMNS).where(AUDIT_HEADS.c.account == account)
        with self._reading() as connection:
            return [statements.head_of(row) for row in connection.execute(wish.order_by(AUDIT_HEADS.c.seq))]

    def approvals(self, account: str) -> list[ApprovalRow]:
        """See `Ledger`."""
        wish = select(*statements.APPROVAL_COLUMNS).where(APPROVALS.c.account == account)
        with self._reading() as connection:
            rows = [statements.approval_row(row) for row in connection.execute(wish)]
        return sorted(rows, key=lambda row: row.approval_id)

    def versions(self, account: str | None = None) -> list[VersionRow]:
        """See `Ledger`."""
        wish = select(*statements.VERSION_COLUMNS)
        if account is not None:
            wish = wish.where(CONFIG_VERSIONS.c.account == account)
        with self._reading() as connection:
            rows = [statements.version_row(row) for row in connection.execute(wish)]
        return sorted(rows, key=lambda row: (row.added_ns, row.sha256))

    def stages(self, account: str) -> list[StageRow]:
        """See `Ledger`."""
        wish = select(*statements.STAGE_COLUMNS).where(CONFIG_STAGES.c.account == account)
        with self._reading() as connection:
            return [statements.stage_row(row) for row in connection.execute(wish.order_by(CONFIG_STAGES.c.sequence))]

    def close(self) -> None:
        """See `Ledger`."""
        self._engine.dispose()

    def _reading(self) -> AbstractContextManager[Connection]:
        return self._transaction(self._reader)

    @contextmanager
    def _transaction(self, engine: Engine | None = None) -> Iterator[Connection]:
        """Yield a connection whose work is durable when the block ends, or undone."""
        self._refuse_when_lost()
        try:
            with store_errors(self._name), (engine or self._engine).begin() as connection:
                yield connection
        except LedgerUnavailableError as error:
            self._note(error.__cause__)
            raise
        self._require_standing()

    @contextmanager
    def _swift(self) -> Iterator[DBAPICursor]:
        """Yield the driver's own cursor in a transaction that is durable when the block ends, or undone.

        Broken constraints pass, for the caller to explain.
        """
        self._refuse_when_lost()
        link: PoolProxiedConnection | None = None
        try:
            with store_errors(self._name):
                link = self._engine.raw_connection()
            cursor = link.cursor()
            if self._begin:
                cursor.execute(self._begin)
            yield cursor
            link.commit()
            self._require_standing()
        except self._driver.IntegrityError:
            raise
        except self._driver.Error as error:
            self._note(error)
            if link is not None:
                self._drop(link)
            raise unavailable(self._name, error) from error
        finally:
            if link is not None:
                link.close()  # undoes what was not committed

    def _drop(self, link: PoolProxiedConnection) -> None:
        """Let go of a connection for good; the next transaction gets a fresh one."""
        with suppress(self._driver.Error):
            link.rollback()  # a traceback may keep the connection alive, and with it the lock
        link.invalidate()

    def _note(self, error: BaseException | None) -> None:
        if is_fatal(error):
            self._lost = "was lost to its disk before; look at the disk and start again"

    def _require_standing(self) -> None:
        """Refuse what was written to files that a start would not find; asked after the commit, so that it counts for this one."""
        if not self._standing.holds():
            self._lost = "was removed or replaced while it was in use; put its files back if you can, find out who did it, and start again"
            self._refuse_when_lost()

    def _refuse_when_lost(self) -> None:
        if self._lost:
            raise LedgerUnavailableError(f"The ledger {self._name} {self._lost}.")

    def _apply(self, cursor: DBAPICursor, batches: Sequence[Batch]) -> list[Written]:
        """Check each lease under a lock that lasts as long as the transaction, and carry the batches out, or raise."""
        for account, epoch in dict.fromkeys((batch.account, batch.epoch) for batch in batches):
            if not self._prepared.hold_lease(cursor, account, epoch):
                raise StaleEpochError(stale_sentence(account, epoch))
        return [self._carry_out(cursor, batch) for batch in batches]

    def _carry_out(self, cursor: DBAPICursor, batch: Batch) -> Written:
        run = self._prepared
        run.add_rows(cursor, batch)
        for mark in batch.marks:
            if not run.move(cursor, mark, batch):
                raise MarkRefusedError(mark_sentence(mark, run.find(cursor, mark.command_id)))
        new = tuple(row.execution_id for row in batch.executions if run.keep(cursor, row, batch.epoch))
        for kill in batch.kills:
            run.set_kill(cursor, kill, batch.epoch)
        for user in batch.users:
            run.set_user(cursor, user, batch.epoch)
        run.record(cursor, batch)
        for approval in batch.approvals:
            run.set_approval(cursor, approval, batch.epoch)
        for use in batch.uses:
            if not run.use(cursor, use, batch):
                raise ApprovalSpentError(spent_sentence(use, run.find_approval(cursor, batch.account, use.approval_id)))
        run.add_versions(cursor, batch)
        return Written(new_executions=new)

    def _alone(self, batch: Batch) -> Written | LedgerError:
        """Carry a batch out in a transaction of its own; a refusal is an outcome, a lost store is not."""
        try:
            return self.write(batch)
        except LedgerUnavailableError:
            raise
        except LedgerError as error:
            return error

    def _explained(self, batch: Batch, error: Exception) -> LedgerError:
        """Return which rule of ours a batch broke."""
        if STALE in str(error):
            return StaleEpochError(stale_sentence(batch.account, batch.epoch))
        seen: set[str] = set()
        for row in batch.rows:
            names = {row.command_id, f"order {row.client_order_id}"} if row.kind in MAKES_ORDER else {str(row.command_id)}
            known = self.command(row.command_id) or (self.order(row.client_order_id) if row.kind in MAKES_ORDER else None)
            if known is not None or names & seen:
                return DuplicateOrderError(duplicate_sentence(row))
            seen |= names
        rule = str(error).partition("\n")[0]  # what follows is the row itself
        return LedgerUnavailableError(f"The ledger {self._name} refused a batch by a rule of its own ({rule}); report it.")

    def _row(self, where: statements.Condition) -> OutboxRow | None:
        with self._reading() as connection:
            row = connection.execute(select(*statements.OUTBOX_COLUMNS).where(where)).one_or_none()
        return None if row is None else statements.outbox_row(row)


def _parts(asked: Collection[str]) -> Iterator[list[str]]:
    """Cut what is asked for into as much as one statement takes."""
    names = sorted(asked)
    for at in range(0, len(names), _ASKED_MAX):
        yield names[at : at + _ASKED_MAX]


def _lease_of(connection: Connection, account: str) -> Lease:
    row: Row[tuple[object, ...]] = connection.execute(statements.READ_LEASE, {"of_account": account}).one()
    return statements.lease_of(row)
