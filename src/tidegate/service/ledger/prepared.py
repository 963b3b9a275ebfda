"""Statements of the ledger's one hot path, turned into the database's own text once.

A batch stands between a decision and the wire. Through SQLAlchemy's execution each statement of it costs a tenth of a
millisecond of processor time; the same text on the driver's cursor costs ten microseconds. So the statements are built there
and run here.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, final

from sqlalchemy import ClauseElement, Engine
from sqlalchemy.engine.interfaces import DBAPICursor

from tidegate.authority.users import User
from tidegate.journal.audit.record import Link, follow
from tidegate.service.ledger import statements
from tidegate.service.ledger.rows import ApprovalRow, ApprovalUse, Batch, ExecutionRow, KillRow, Mark, OutboxRow
from tidegate.service.ledger.states import OutboxState
from tidegate.values.ids import EventId


class _Prepared(NamedTuple):
    """A statement's text, and the values that never change."""

    text: str
    constants: Mapping[str, object]


@final
class PreparedBatch:
    """The statements that carry out a batch, for one database."""

    def __init__(self, engine: Engine) -> None:
        own = statements.for_dialect(engine.dialect.name)
        self._hold = _prepare(statements.HOLD_LEASE, engine)
        self._add = _prepare(statements.ADD_ROW, engine)
        self._mark = {state: _prepare(statements.MARK[state], engine) for state in OutboxState}
        self._find = _prepare(statements.READ_ROW, engine)
        self._keep = _prepare(own.add_execution, engine)
        self._set = _prepare(own.set_kill, engine)
        self._set_user = _prepare(own.set_user, engine)
        self._end = _prepare(statements.AUDIT_END, engine)
        self._record = _prepare(statements.ADD_AUDIT, engine)
        self._head = _prepare(own.add_head, engine)
        self._set_approval = _prepare(own.set_approval, engine)
        self._use = _prepare(statements.USE_APPROVAL, engine)
        self._find_approval = _prepare(statements.READ_APPROVAL, engine)
        self._version = _prepare(own.add_version, engine)
        self._stage = _prepare(statements.ADD_STAGE, engine)

    def hold_lease(self, cursor: DBAPICursor, account: str, epoch: int) -> bool:
        """Lock a lease until the transaction ends; False: it is not the account's any more."""
        _run(cursor, self._hold, {"of_account": account, "of_epoch": epoch})
        return cursor.fetchone() is not None

    def add_rows(self, cursor: DBAPICursor, batch: Batch) -> None:
        """Record the batch's commands; a broken rule raises what the driver raises."""
        for row in batch.rows:
            _run(cursor, self._add, statements.row_values(row))

    def move(self, cursor: DBAPICursor, mark: Mark, batch: Batch) -> bool:
        """Move a row as a mark says; False: it is not where it could be moved from."""
        return _run(cursor, self._mark[mark.state], statements.mark_values(mark, batch)) == 1

    def find(self, cursor: DBAPICursor, command_id: EventId) -> OutboxRow | None:
        """Return a command's row as the transaction sees it."""
        _run(cursor, self._find, {"of_command": command_id})
        row = cursor.fetchone()
        return None if row is None else statements.outbox_row(row)

    def keep(self, cursor: DBAPICursor, row: ExecutionRow, epoch: int) -> bool:
        """Keep an execution; False: it was seen before."""
        return _run(cursor, self._keep, statements.execution_values(row, epoch)) == 1

    def set_kill(self, cursor: DBAPICursor, row: KillRow, epoch: int) -> None:
        """Keep the last gate state of a scope."""
        _run(cursor, self._set, statements.kill_values(row, epoch))

    def set_user(self, cursor: DBAPICursor, user: User, epoch: int) -> None:
        """Keep a user as he is now."""
        _run(cursor, self._set_user, statements.user_values(user, epoch))

    def record(self, cursor: DBAPICursor, batch: Batch) -> None:
        """Give the batch's audit entries their places in the chain, as the transaction sees it, and keep its heads."""
        if batch.audit:
            _run(cursor, self._end, {"of_account": batch.account})
            found = cursor.fetchone()
            link = Link() if found is None else Link(*found)
            for entry in batch.audit:
                made = follow(link, entry, account=batch.account, epoch=batch.epoch)
                _run(cursor, self._record, statements.audit_values(made))
                link = Link(made.seq, made.hash)
        for head in batch.heads:
            _run(cursor, self._head, statements.head_values(head))

    def set_approval(self, cursor: DBAPICursor, row: ApprovalRow, epoch: int) -> None:
        """Keep where a request for approval stands; one that is closed stays as it is."""
        _run(cursor, self._set_approval, statements.approval_values(row, epoch))

    def use(self, cursor: DBAPICursor, use: ApprovalUse, batch: Batch) -> bool:
        """Use an approval up; False: it cannot be used."""
        return _run(cursor, self._use, statements.use_values(use, batch)) == 1

    def find_approval(self, cursor: DBAPICursor, account: str, approval_id: str) -> ApprovalRow | None:
        """Return an approval's row as the transaction sees it."""
        _run(cursor, self._find_approval, {"of_account": account, "of_approval": approval_id})
        row = cursor.fetchone()
        return None if row is None else statements.approval_row(row)

    def add_versions(self, cursor: DBAPICursor, batch: Batch) -> None:
        """Add the batch's versions, those that are new, and record its steps."""
        for version in batch.versions:
            _run(cursor, self._version, statements.version_values(version, batch.epoch))
        for stage in batch.stages:
            _run(cursor, self._stage, statements.stage_values(stage, batch.epoch))


def _prepare(statement: ClauseElement, engine: Engine) -> _Prepared:
    compiled: Any = statement.compile(dialect=engine.dialect)
    constants: Final = {name: value for name, value in compiled.params.items() if value is not None}
    return _Prepared(text=compiled.string, constants=constants)


def _run(cursor: DBAPICursor, prepared: _Prepared, values: statements.Values) -> int:
    """Run a statement; return how many rows it changed."""
    cursor.execute(prepared.text, {**prepared.constants, **values})
    return cursor.rowcount
