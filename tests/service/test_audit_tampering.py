"""Ten ways to tamper with the audit chain, each found and named; and what cannot be found is told as what it is."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.service.audit_homes import HEADS_EVERY, RECORDS, AuditHome, happened, kinds, other_key, sentences
from tests.service.ledger.making import ACCOUNT, START_NS, TTL_NS, batch, claim
from tidegate.journal.audit.anchors import anchor_lines
from tidegate.journal.audit.heads import sign
from tidegate.journal.audit.record import AuditType, Link, entry, follow
from tidegate.journal.audit.verify import FINDINGS_MAX, FindingKind, ledger_marks
from tidegate.service.audit_check import Evidence, NoChainError, check_audit
from tidegate.service.ledger.sql import SqlLedger

pytestmark = pytest.mark.req("D2.3")


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sealed") / "home"
    AuditHome(root).filled()
    return root


@pytest.fixture
def home(sealed: Path, tmp_path: Path) -> AuditHome:
    """A copy of a home whose chain is whole."""
    return copied(sealed, tmp_path / "home")


def copied(sealed: Path, root: Path) -> AuditHome:
    shutil.copytree(sealed, root)
    return AuditHome(root)


def test_a_whole_chain_has_nothing_to_find(home: AuditHome) -> None:
    report = home.check()
    assert report.ok, sentences(report)
    assert (report.records, report.heads, report.anchors) == (RECORDS, RECORDS // HEADS_EVERY, RECORDS // HEADS_EVERY)
    assert (report.sealed_seq, report.open_records) == (RECORDS, 0)


# The ten.


def test_1_a_changed_row_is_named(home: AuditHome) -> None:
    home.run("UPDATE audit SET body = '{\"number\":8}' WHERE seq = 7")
    report = home.check()
    assert [(one.kind, one.seq) for one in report.findings] == [(FindingKind.CHANGED, 7)]
    assert "Record 7 was changed" in sentences(report)


def test_2_a_changed_row_that_was_hashed_anew_is_named_by_the_next(home: AuditHome) -> None:
    before = home.rebuilt()
    forged = follow(Link(6, before[5].hash), happened(99), account=ACCOUNT, epoch=1)
    values = {"body": forged.body, "subject": forged.subject, "ts": forged.ts_ns, "hash": forged.hash}
    home.run("UPDATE audit SET body = :body, subject = :subject, ts_ns = :ts, hash = :hash WHERE seq = 7", **values)
    report = home.check()
    assert [(one.kind, one.seq) for one in report.findings] == [(FindingKind.UNLINKED, 8)]
    assert "Record 8 does not follow on record 7" in sentences(report)


def test_2_where_no_record_follows_the_head_names_it(home: AuditHome) -> None:
    forged = follow(Link(RECORDS - 1, home.rebuilt()[RECORDS - 2].hash), happened(99), account=ACCOUNT, epoch=1)
    values = {"body": forged.body, "subject": forged.subject, "ts": forged.ts_ns, "hash": forged.hash}
    home.run(f"UPDATE audit SET body = :body, subject = :subject, ts_ns = :ts, hash = :hash WHERE seq = {RECORDS}", **values)
    report = home.check()
    assert {(one.kind, one.seq) for one in report.findings} == {(FindingKind.HEAD_BROKEN, RECORDS)}


def test_3_a_row_taken_out_of_the_middle_is_named(home: AuditHome) -> None:
    home.run("DELETE FROM audit WHERE seq = 15")
    report = home.check()
    assert [(one.kind, one.seq) for one in report.findings] == [(FindingKind.MISSING, 15)]
    assert "Record 15 is missing: record 14 is followed by record 16." in sentences(report)


@pytest.mark.parametrize("kept", [RECORDS - 1, RECORDS - HEADS_EVERY, 1])
def test_4_a_cut_tail_is_named(home: AuditHome, kept: int) -> None:
    home.run(f"DELETE FROM audit WHERE seq > {kept}", f"DELETE FROM audit_heads WHERE seq > {kept}")
    report = home.check()
    assert FindingKind.CUT in kinds(report)
    assert f"The chain ends at record {kept}, and the anchor in line 3" in sentences(report)
    assert f"names record {RECORDS}" in sentences(report)


def test_4_a_cut_tail_is_found_without_the_anchors_where_the_heads_were_left(home: AuditHome) -> None:
    home.run(f"DELETE FROM audit WHERE seq > {RECORDS - 2}")
    home.anchors.unlink()
    assert kinds(home.check()) == {FindingKind.CUT, FindingKind.ANCHORS_MISSING}


def test_5_an_emptied_table_is_named(home: AuditHome) -> None:
    home.run("DELETE FROM audit", "DELETE FROM audit_heads")
    report = home.check()
    assert kinds(report) == {FindingKind.CUT}
    assert f"{RECORDS} records are gone" in sentences(report)


def test_5_a_ledger_that_is_gone_is_named(home: AuditHome) -> None:
    home.ledger.unlink()
    report = home.check()
    assert kinds(report) == {FindingKind.CUT}
    assert any("There is no ledger" in remark for remark in report.remarks)


def test_6_an_older_copy_is_named_also_when_a_trader_went_on_with_it(tmp_path: Path) -> None:
    home = AuditHome(tmp_path / "home").filled(20)
    older = tmp_path / "older.db"
    shutil.copy(home.ledger, older)
    store = SqlLedger(home.ledger)
    store.take_lease(claim("two", at_ns=START_NS + TTL_NS))
    home.epoch = 2
    home.append(store, range(21, 31))
    store.close()
    assert home.check().ok
    for leftover in home.ledger.parent.glob("ledger.db-*"):
        leftover.unlink()
    shutil.copy(older, home.ledger)
    report = home.check()
    assert kinds(report) == {FindingKind.CUT}
    assert "10 records are gone. The end was cut off, or the ledger is an older copy." in sentences(report)
    store = SqlLedger(home.ledger)
    store.take_lease(claim("three", at_ns=START_NS + 2 * TTL_NS))
    home.append(store, range(101, 121))  # other things happen
    store.close()
    again = home.check()
    assert FindingKind.HEAD_BROKEN in kinds(again)
    assert "goes on from an older copy" in sentences(again)


def test_7_a_row_put_in_is_named(home: AuditHome) -> None:
    chain = home.rebuilt()
    forged = follow(Link(9, chain[8].hash), happened(99), account=ACCOUNT, epoch=1)
    home.run("UPDATE audit SET seq = -seq WHERE seq >= 10", "UPDATE audit SET seq = 1 - seq WHERE seq < 0")
    with closing(sqlite3.connect(home.ledger)) as file:
        file.execute(f"INSERT INTO audit VALUES ({', '.join('?' * 10)})", msgspec.structs.astuple(forged))
        file.commit()
    report = home.check()
    assert (FindingKind.UNLINKED, 11) in [(one.kind, one.seq) for one in report.findings]
    assert FindingKind.HEAD_BROKEN in kinds(report)


@pytest.mark.parametrize("number", ["0", "-3", "7.5", "'x'"])
def test_7_a_row_with_a_number_that_none_has_is_named(home: AuditHome, number: str) -> None:
    home.run(
        f"INSERT INTO audit SELECT account, {number}, ts_ns, actor, type, subject, body, prev_hash, hash, writer_epoch "
        "FROM audit WHERE seq = 7"
    )
    report = home.check()
    assert {FindingKind.UNNUMBERED, FindingKind.CHANGED} <= kinds(report)


def test_8_two_rows_that_changed_places_are_named(home: AuditHome) -> None:
    home.run(
        "UPDATE audit SET seq = -1 WHERE seq = 12", "UPDATE audit SET seq = 12 WHERE seq = 14", "UPDATE audit SET seq = 14 WHERE seq = -1"
    )
    found = {(one.kind, one.seq) for one in home.check().findings}
    assert {(FindingKind.CHANGED, 12), (FindingKind.CHANGED, 14), (FindingKind.UNLINKED, 12)} <= found


def test_9_a_chain_built_anew_without_the_key_is_named(home: AuditHome) -> None:
    home.forge(home.rebuilt(without=4))
    report = home.check()
    assert kinds(report) == {FindingKind.HEAD_BROKEN}
    assert "Record 10 is not the one that the" in sentences(report)
    assert "was made anew" in sentences(report)


def test_10_heads_signed_anew_with_another_key_are_named(home: AuditHome) -> None:
    chain, key = home.rebuilt(without=4), other_key()
    home.forge(chain)
    home.run("DELETE FROM audit_heads")
    heads = [sign(key, Link(one.seq, one.hash), account=ACCOUNT, epoch=1, ts_ns=one.ts_ns) for one in chain[9::10]]
    with closing(sqlite3.connect(home.ledger)) as file:
        columns = ("account", "count", "writer_epoch", "hash", "key", "seq", "signature", "ts_ns")
        file.executemany(
            f"INSERT INTO audit_heads ({', '.join(columns)}) VALUES ({', '.join('?' * 8)})", [msgspec.structs.astuple(one) for one in heads]
        )
        file.commit()
    home.anchors.write_bytes(b"".join(msgspec.json.encode(one, order="sorted") + b"\n" for one in heads))
    report = home.check()
    assert kinds(report) == {FindingKind.HEAD_WRONG, FindingKind.ANCHOR_WRONG}
    assert "is none of ours" in sentences(report)


def test_10_an_intruder_who_changes_the_public_key_too_is_found_by_one_kept_elsewhere(home: AuditHome, tmp_path: Path) -> None:
    kept = tmp_path / "kept.pub"
    shutil.copy(home.key, kept)
    forged = AuditHome(tmp_path / "forged").filled()
    assert forged.check().ok
    report = forged.check(key=kept)
    assert kinds(report) == {FindingKind.HEAD_WRONG, FindingKind.ANCHOR_WRONG}


def test_11_anchors_that_are_gone_are_named(home: AuditHome) -> None:
    home.anchors.unlink()
    report = home.check()
    assert kinds(report) == {FindingKind.ANCHORS_MISSING}
    assert "the ledger has 3 heads that were kept there" in sentences(report)


@pytest.mark.parametrize("lines", [0, 1, 2])
def test_11_anchors_that_were_cut_are_named(home: AuditHome, lines: int) -> None:
    kept = b"".join(home.anchors.read_bytes().splitlines(keepends=True)[:lines])
    home.anchors.write_bytes(kept)
    report = home.check()
    assert kinds(report) == {FindingKind.HEAD_UNANCHORED}
    assert len(report.findings) == 3 - lines


def test_11_anchors_cut_in_the_middle_of_a_line_are_named_too(home: AuditHome) -> None:
    os.truncate(home.anchors, home.anchors.stat().st_size - 5)
    report = home.check()
    assert kinds(report) == {FindingKind.HEAD_UNANCHORED}
    assert "is unfinished" in report.remarks[0]


def test_11_anchors_in_another_order_are_named(home: AuditHome) -> None:
    first, second, third = home.anchors.read_bytes().splitlines(keepends=True)
    home.anchors.write_bytes(first + third + second)
    report = home.check()
    assert [(one.kind, one.seq) for one in report.findings] == [(FindingKind.ANCHOR_WRONG, 20)]
    assert "stands after one of record 30" in sentences(report)


@pytest.mark.parametrize("field", ["actor", "type", "subject", "body", "prev_hash", "hash"])
def test_the_same_bytes_as_another_type_are_named(home: AuditHome, field: str) -> None:
    home.run(f"UPDATE audit SET {field} = CAST({field} AS BLOB) WHERE seq = 7")
    report = home.check()
    assert (FindingKind.CHANGED, 7) in [(one.kind, one.seq) for one in report.findings]


def test_everything_taken_away_but_the_key_is_told(home: AuditHome) -> None:
    home.run("DELETE FROM audit", "DELETE FROM audit_heads")
    home.anchors.unlink()
    assert kinds(home.check()) == {FindingKind.EMPTY}


def test_a_long_time_without_a_head_is_told(tmp_path: Path) -> None:
    assert AuditHome(tmp_path / "young").filled(sealed=False).check().ok
    old = AuditHome(tmp_path / "old").filled(1_000, sealed=False)
    report = old.check()
    assert kinds(report) == {FindingKind.UNSEALED}
    assert report.open_records == 1_000


def test_where_no_trader_ran_there_is_nothing_to_verify(tmp_path: Path) -> None:
    with pytest.raises(NoChainError, match=r"There is no audit chain at .*ledger\.db"):
        check_audit(Evidence(str(tmp_path / "ledger.db"), tmp_path / "a", tmp_path / "k"))


def test_findings_are_bounded_and_counted(home: AuditHome) -> None:
    many = AuditHome(home.ledger.parent / "many").filled(200)
    many.run("UPDATE audit SET body = '{}'")
    report = many.check()
    assert len(report.findings) == FINDINGS_MAX
    assert report.more_findings >= 200 - FINDINGS_MAX


# What no list foresees: any byte of any field.

RECORD_FIELDS = ("account", "seq", "ts_ns", "actor", "type", "subject", "body", "prev_hash", "hash", "writer_epoch")
HEAD_FIELDS = ("account", "seq", "count", "hash", "ts_ns", "key", "signature", "writer_epoch")
FIELDS = [("audit", name) for name in RECORD_FIELDS] + [("audit_heads", name) for name in HEAD_FIELDS]


@pytest.mark.parametrize(("table", "field"), FIELDS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_byte_of_any_field_that_changes_is_found(sealed: Path, tmp_path: Path, table: str, field: str, data: st.DataObject) -> None:
    shutil.rmtree(tmp_path / "home", ignore_errors=True)
    home = copied(sealed, tmp_path / "home")
    where = {"seq": data.draw(st.sampled_from([10, 20, 30] if table == "audit_heads" else range(1, RECORDS + 1)))}
    with closing(sqlite3.connect(home.ledger)) as file:
        (value,) = file.execute(f"SELECT {field} FROM {table} WHERE seq = :seq", where).fetchone()
    changed = data.draw(st.one_of(altered(value), st.sampled_from([b"", 1.5, "\ud800".encode("utf-8", "surrogatepass")])))
    try:
        home.run(f"UPDATE {table} SET {field} = :value WHERE seq = :seq", value=changed, **where)
    except sqlite3.IntegrityError:
        return  # another row has this number
    reports = check_audit(Evidence(str(home.ledger), home.anchors, home.key))
    assert any(not report.ok for report in reports), (table, field, value, changed)


def altered(value: Any) -> st.SearchStrategy[Any]:
    if isinstance(value, int):
        return st.integers(-(2**62), 2**62).filter(lambda other: other != value)
    data: bytes = value.encode()

    def change(place: int, byte: int) -> Any:
        made = data[:place] + bytes([byte]) + data[place + 1 :]
        return made.decode() if made.isascii() else made

    return st.builds(change, st.integers(0, len(data) - 1), st.integers(0, 255)).filter(lambda other: other not in (value, data))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_any_byte_of_the_anchors_that_changes_is_found(home: AuditHome, sealed: Path, place: int, byte: int) -> None:
    data = (sealed / "audit" / "anchors.jsonl").read_bytes()
    place %= len(data)
    if data[place] == byte:
        return
    home.anchors.write_bytes(data[:place] + bytes([byte]) + data[place + 1 :])
    assert any(not report.ok for report in check_audit(Evidence(str(home.ledger), home.anchors, home.key)))


# What may look like tampering and is none.


def test_a_line_torn_by_a_crash_is_no_finding_and_the_next_append_cuts_it(home: AuditHome) -> None:
    whole = home.anchors.read_bytes()
    home.anchors.write_bytes(whole + b'{"account":"pap')
    report = home.check()
    assert report.ok
    assert "is unfinished" in report.remarks[0]
    assert [line.head is None for line in anchor_lines(home.anchors)] == [False, False, False, True]


def test_an_anchor_whose_head_the_ledger_did_not_get_is_no_finding(home: AuditHome) -> None:
    home.run(f"DELETE FROM audit_heads WHERE seq = {RECORDS}")
    assert home.check().ok  # the crash came between the two; the anchor holds the chain all the same


def test_a_head_that_comes_while_the_check_runs_is_no_finding(home: AuditHome, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = home.anchors.read_bytes().splitlines(keepends=True)
    home.run(f"DELETE FROM audit WHERE seq > {RECORDS - HEADS_EVERY}", f"DELETE FROM audit_heads WHERE seq > {RECORDS - HEADS_EVERY}")
    home.anchors.write_bytes(b"".join(whole[:-1]))

    def late(*given: Any) -> Any:
        home.anchors.write_bytes(b"".join(whole))  # the rows were read a moment ago
        return ledger_marks(*given)

    monkeypatch.setattr("tidegate.service.audit_check.ledger_marks", late)
    assert home.check().ok


def test_a_record_that_was_never_sealed_can_be_changed_with_everything_after_it_and_that_is_said(tmp_path: Path) -> None:
    home = AuditHome(tmp_path / "home").filled(10)
    store = SqlLedger(home.ledger)
    store.take_lease(claim("two", at_ns=START_NS + TTL_NS))
    store.write(
        msgspec.structs.replace(batch(), epoch=2, audit=(entry(AuditType.REQUEST, ts_ns=START_NS + 11_000_000_000, actor="mallory"),))
    )
    store.close()
    home.run("DELETE FROM audit WHERE seq = 11")
    report = home.check()
    assert report.ok
    assert report.sealed_seq == 10
