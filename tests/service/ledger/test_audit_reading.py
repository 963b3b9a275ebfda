"""The audit chain as it is read past the trader, on both databases: proved, searched, and left alone."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from tests.service.ledger.making import ACCOUNT, KEY, START_NS, audited, claim, happened, headed
from tidegate.journal.audit.anchors import Anchors
from tidegate.journal.audit.keys import PUBLIC_NAME, signing_key
from tidegate.journal.audit.verify import FindingKind, Report
from tidegate.service.audit_check import Evidence, check_audit
from tidegate.service.ledger.audit_reading import AuditReader, AuditWish
from tidegate.service.ledger.errors import LedgerUnavailableError
from tidegate.service.ledger.sql import SqlLedger

pytestmark = pytest.mark.req("D2.3")


@pytest.fixture
def evidence(location: str, tmp_path: Path) -> Evidence:
    """Return a chain of twenty records with two heads, on one database or the other."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    folder = tmp_path / "audit"
    signing_key(folder)
    (folder / PUBLIC_NAME).write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    ledger, anchors = SqlLedger(location), Anchors(folder / "anchors.jsonl")
    ledger.take_lease(claim())
    for first in (1, 11):
        ledger.write(audited(*map(happened, range(first, first + 10))))
        head = headed(ledger)
        anchors.append(head.heads[0])
        ledger.write(head)
    ledger.close()
    return Evidence(location, anchors.path, folder / PUBLIC_NAME)


def check(evidence: Evidence) -> Report:
    (report,) = check_audit(evidence)
    return report


def tamper(location: str, statement: LiteralString) -> None:
    """Run a statement past all our code and the triggers."""
    if location.startswith("postgresql"):
        with psycopg.connect(location) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute(statement)
        return
    with closing(sqlite3.connect(location)) as file:
        for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            file.execute(f"DROP TRIGGER {name}")
        file.execute(statement)
        file.commit()


def test_a_whole_chain_is_proved(evidence: Evidence) -> None:
    report = check(evidence)
    assert report.ok, report.findings
    assert (report.records, report.heads, report.anchors, report.open_records) == (20, 2, 2, 0)
    assert check(evidence._replace(account=ACCOUNT)).ok


@pytest.mark.parametrize(
    ("statement", "kind", "seq"),
    [
        ("UPDATE audit SET actor = 'mallory' WHERE seq = 7", FindingKind.CHANGED, 7),
        ("DELETE FROM audit WHERE seq = 7", FindingKind.MISSING, 7),
        ("DELETE FROM audit WHERE seq > 12", FindingKind.CUT, 12),
        ("UPDATE audit_heads SET ts_ns = 7 WHERE seq = 10", FindingKind.HEAD_WRONG, 10),
    ],
)
def test_what_was_changed_is_found(evidence: Evidence, statement: LiteralString, kind: FindingKind, seq: int) -> None:
    tamper(evidence.ledger, statement)
    assert (kind, seq) in [(one.kind, one.seq) for one in check(evidence).findings]


def test_records_are_searched(evidence: Evidence) -> None:
    def numbers(wish: AuditWish, limit: int | None = None) -> list[int]:
        with AuditReader(evidence.ledger) as reader:
            return [record["seq"] for record in reader.search(wish, limit)]

    assert numbers(AuditWish()) == list(range(20, 0, -1))
    assert numbers(AuditWish(), 2) == [20, 19]
    assert numbers(AuditWish(account="nobody")) == []
    assert numbers(AuditWish(identifier="request-3")) == [3]
    assert numbers(AuditWish(text='a "test"'), 1) == [20]
    assert numbers(AuditWish(text="100%")) == []
    assert numbers(AuditWish(subject="request-1", actor="ann", type="request")) == [1]
    assert numbers(AuditWish(from_ns=START_NS + 4, until_ns=START_NS + 6)) == [5, 4]


def test_a_reader_sees_one_moment_and_keeps_nobody_from_writing(evidence: Evidence) -> None:
    with AuditReader(evidence.ledger) as reader:
        assert reader.accounts() == [ACCOUNT]
        ledger = SqlLedger(evidence.ledger)
        ledger.write(audited(happened(21)))
        assert ledger.audit_end(ACCOUNT).seq == 21
        ledger.close()
        assert len(list(reader.rows(ACCOUNT))) == 20
    report = check(evidence)
    assert report.ok
    assert report.open_records == 1


def test_a_ledger_without_a_chain_is_told_in_one_sentence(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "old.db")) as file:
        file.execute("CREATE TABLE lease (account TEXT)")
    (tmp_path / "letter.db").write_text("a letter to a friend " * 100)
    for name, words in (
        ("old.db", "has no audit chain yet; start its trader once"),
        ("letter.db", "is not a database"),
        ("nowhere.db", "There is no ledger"),
    ):
        with pytest.raises(LedgerUnavailableError, match=words), AuditReader(tmp_path / name):
            pass
