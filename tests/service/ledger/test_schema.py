"""The migrations make the tables the code speaks of, and the database itself holds what must hold."""

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tests.service.ledger import postgres
from tests.service.ledger.making import (
    ACCOUNT,
    START_NS,
    TTL_NS,
    approval,
    audited,
    batch,
    claim,
    execution,
    happened,
    headed,
    kill,
    mark,
    row,
    user,
)
from tidegate.service.ledger.errors import LedgerUnavailableError, StaleEpochError
from tidegate.service.ledger.rows import Written
from tidegate.service.ledger.schema import METADATA
from tidegate.service.ledger.sql import SqlLedger
from tidegate.service.ledger.states import OutboxState
from tidegate.values.enums import ApprovalState

pytestmark = pytest.mark.req("B2.2", "F3")


def test_migrations_and_tables_agree(location: str) -> None:
    ledger = SqlLedger(location)
    with ledger._transaction() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    ledger.close()


def test_an_empty_database_of_a_server_becomes_a_ledger(postgresql: postgres.Server) -> None:
    location = postgresql.make("fresh")
    SqlLedger(location).close()
    ledger = SqlLedger(location)
    ledger.write(batch(epoch=ledger.take_lease(claim()).epoch, rows=(row(1),)))
    ledger.close()


COLUMNS = "account, execution_id, client_order_id, event, recorded_ns, writer_epoch"
INSERT_EXECUTION = f"INSERT INTO executions ({COLUMNS}) VALUES ('{ACCOUNT}', 'e', 'o', '', 0, {{epoch}})"
COPY_ROW = (
    "INSERT INTO outbox (command_id, client_order_id, kind, account, epoch, session, n, k, intent_id, decision_id, command, "
    "recorded_ns, previous_n, previous_k, state, sent_ns, changed_ns, note, writer_epoch) "
    "SELECT 'copy', 'copy', kind, account, {epoch}, session, n, k, intent_id, {decision}, command, "
    "recorded_ns, previous_n, previous_k, '{state}', 0, 0, '', {writer} FROM outbox WHERE n = 1"
)
INSERT_AUDIT = (
    "INSERT INTO audit (account, seq, ts_ns, actor, type, subject, body, prev_hash, hash, writer_epoch) "
    "SELECT account, {seq}, ts_ns, actor, type, subject, body, {link}, 'x', {epoch} FROM audit WHERE seq = 2"
)
INSERT_HEAD = (
    "INSERT INTO audit_heads (account, seq, count, hash, ts_ns, key, signature, writer_epoch) "
    "SELECT account, {seq}, {seq}, hash, 0, 'k', 's', {epoch} FROM audit WHERE seq = 2"
)
APPROVAL = (
    "INSERT INTO approvals (account, approval_id, order_sha256, state, approvers, expires_ns, at_ns, writer_epoch) "
    f"VALUES ('{ACCOUNT}', '{{id}}', 'x', '{{state}}', '', 0, 0, {{epoch}})"
)
PAST_ALL_CODE = [  # statement, what the database says
    (INSERT_EXECUTION.format(epoch=1), "stale epoch"),
    (INSERT_EXECUTION.format(epoch=3), "stale epoch"),
    (COPY_ROW.format(epoch=1, writer=1, state="pending", decision="decision_id"), "stale epoch"),
    (COPY_ROW.format(epoch=1, writer=2, state="pending", decision="decision_id"), "bad birth"),
    (COPY_ROW.format(epoch=2, writer=2, state="answered", decision="decision_id"), "bad birth"),
    (COPY_ROW.format(epoch=2, writer=2, state="pending", decision="''"), "no_order_without_an_approval"),
    ("UPDATE outbox SET state = 'sent', writer_epoch = 1 WHERE n = 1", "stale epoch"),
    ("UPDATE outbox SET state = 'sent', writer_epoch = 2 WHERE n = 1", "bad release"),
    ("UPDATE outbox SET state = 'sent', writer_epoch = 2 WHERE n = 3", "bad release"),
    ("UPDATE kills SET state = 'active', writer_epoch = 1", "stale epoch"),
    ("UPDATE users SET role = 'admin', writer_epoch = 1", "stale epoch"),
    ("UPDATE users SET last_step = 6, writer_epoch = 2", "step falls"),
    ("DELETE FROM users", "a user stays"),
    (APPROVAL.format(id="new", state="waiting", epoch=1), "stale epoch"),
    (APPROVAL.format(id="new", state="used", epoch=2), "born used"),
    ("UPDATE approvals SET state = 'refused', writer_epoch = 1", "stale epoch"),
    ("UPDATE approvals SET state = 'used', writer_epoch = 2 WHERE approval_id = 'approval-1'", "bad use"),
    ("UPDATE approvals SET state = 'granted', writer_epoch = 2 WHERE approval_id = 'approval-2'", "bad use"),
    ("UPDATE approvals SET order_sha256 = 'x', writer_epoch = 2 WHERE approval_id = 'approval-1'", "bad use"),
    ("UPDATE approvals SET expires_ns = 9, writer_epoch = 2 WHERE approval_id = 'approval-1'", "bad use"),
    ("UPDATE lease SET epoch = 1", "epoch falls"),
    ("DELETE FROM lease", "a lease stays"),
    (INSERT_AUDIT.format(seq=3, link="hash", epoch=1), "stale epoch"),
    (INSERT_AUDIT.format(seq=2, link="hash", epoch=2), "bad link"),
    (INSERT_AUDIT.format(seq=4, link="hash", epoch=2), "bad link"),
    (INSERT_AUDIT.format(seq=3, link="prev_hash", epoch=2), "bad link"),
    ("UPDATE audit SET body = '{}' WHERE seq = 1", "a record stays"),
    ("DELETE FROM audit WHERE seq = 2", "a record stays"),
    (INSERT_HEAD.format(seq=1, epoch=2), "bad head"),
    (INSERT_HEAD.format(seq=2, epoch=1), "stale epoch"),
    ("UPDATE audit_heads SET signature = ''", "a record stays"),
    ("DELETE FROM audit_heads", "a record stays"),
]


@pytest.mark.parametrize(("statement", "says"), PAST_ALL_CODE)
def test_the_database_holds_the_fence_against_any_statement(location: str, statement: str, says: str) -> None:
    ledger = SqlLedger(location)
    ledger.take_lease(claim("one"))
    asked = (approval(1), approval(2, ApprovalState.REFUSED))
    ledger.write(batch(rows=(row(1),), kills=(kill(),), users=(user(last_step=7),), approvals=asked))
    ledger.take_lease(claim("two", at_ns=START_NS + TTL_NS))
    ledger.write(batch(epoch=2, rows=(row(3, epoch=2),), marks=(mark(3, OutboxState.SENT, epoch=2),), executions=(execution(1),)))
    ledger.write(audited(happened(1), happened(2), epoch=2))
    ledger.write(headed(ledger, epoch=2))
    ledger.close()
    assert says in told(location, statement)


def told(location: str, statement: str) -> str:
    """Run a statement past all our code and return what the database says."""
    if location.startswith("postgresql"):
        with psycopg.connect(location) as connection, pytest.raises(psycopg.IntegrityError) as refused:
            connection.execute(statement.encode())
        return str(refused.value)
    with closing(sqlite3.connect(Path(location))) as file, pytest.raises(sqlite3.IntegrityError) as broken:
        file.execute(statement)
    return str(broken.value)


def test_the_database_refuses_a_stale_holder_even_if_the_code_forgets_to_look(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = SqlLedger(location)
    ledger.take_lease(claim("one"))
    ledger.write(batch(rows=(row(1),)))
    ledger.take_lease(claim("two", at_ns=START_NS + TTL_NS))
    monkeypatch.setattr(ledger._prepared, "hold_lease", lambda *_: True)
    for late in (
        batch(rows=(row(2),)),
        batch(marks=(mark(1, OutboxState.SENT),)),
        batch(executions=(execution(1),)),
        batch(kills=(kill(),)),
        batch(users=(user(),)),
        audited(happened(1)),
        batch(approvals=(approval(1),)),
    ):
        with pytest.raises(StaleEpochError):
            ledger.write(late)
        assert [type(one) for one in ledger.write_all([batch(epoch=2), late])] == [Written, StaleEpochError]
    assert ledger.outbox(ACCOUNT, tuple(OutboxState)) == [row(1)]
    ledger.close()


def test_a_rule_that_only_the_database_holds_is_told_as_its_own(location: str) -> None:
    ledger = SqlLedger(location)
    ledger.take_lease(claim())
    unapproved = row(1)
    msgspec.structs.force_setattr(unapproved, "decision_id", "")
    with pytest.raises(LedgerUnavailableError, match=r"by a rule of its own .*no_order_without_an_approval.*; report it") as refused:
        ledger.write(batch(rows=(unapproved,)))
    assert "\n" not in str(refused.value)
    assert ledger.outbox(ACCOUNT, tuple(OutboxState)) == []
    ledger.close()
