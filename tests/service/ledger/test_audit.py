"""What every form of the ledger promises of the audit chain: each entry gets its place in the transaction that writes it, or none."""

import json
from hashlib import sha256

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.service.ledger.making import (
    ACCOUNT,
    KEY,
    START_NS,
    TTL_NS,
    audited,
    batch,
    claim,
    everything,
    happened,
    headed,
    kill,
    mark,
    row,
)
from tidegate.journal.audit.heads import Head, key_name, named, signed_bytes, wrong_with
from tidegate.journal.audit.record import BODY_MAX, GENESIS, WORDS_MAX, AuditRecord, AuditType, Link, Plain, entry, follow
from tidegate.service.ledger.errors import DuplicateOrderError, MarkRefusedError, StaleEpochError
from tidegate.service.ledger.port import Ledger
from tidegate.service.ledger.rows import Batch, Written
from tidegate.service.ledger.states import OutboxState

pytestmark = pytest.mark.req("D2.3")


def as_the_manual_says(record: AuditRecord) -> str:
    """Hash a record by the words of the manual, with nothing of ours."""
    told = {name: value for name, value in msgspec.structs.asdict(record).items() if name != "hash"}
    told["body"] = json.loads(record.body)
    return sha256(json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def test_entries_become_a_chain_across_batches_and_holders(ledger: Ledger) -> None:
    assert ledger.audit_end(ACCOUNT) == Link(0, GENESIS)
    ledger.take_lease(claim("one"))
    ledger.write(audited(happened(1), happened(2)))
    ledger.write(audited(happened(3)))
    ledger.take_lease(claim("two", at_ns=START_NS + TTL_NS))
    ledger.write(audited(happened(4), epoch=2))
    chain = ledger.audit(ACCOUNT)
    assert [record.seq for record in chain] == [1, 2, 3, 4]
    assert [record.epoch for record in chain] == [1, 1, 1, 2]
    assert [record.prev_hash for record in chain] == [GENESIS, *(record.hash for record in chain[:-1])]
    assert [as_the_manual_says(record) for record in chain] == [record.hash for record in chain]
    assert ledger.audit_end(ACCOUNT) == Link(4, chain[-1].hash)
    assert ledger.audit(ACCOUNT, 2) == chain[2:]
    assert ledger.audit(ACCOUNT, 1, 2) == chain[1:3]
    assert json.loads(chain[0].body) == {"why": 'a "test"', "number": 1}


def test_accounts_have_chains_of_their_own(ledger: Ledger) -> None:
    ledger.take_lease(claim())
    ledger.take_lease(claim(account="other"))
    ledger.write(audited(happened(1), happened(2)))
    ledger.write(msgspec.structs.replace(batch(account="other"), audit=(happened(3),)))
    (other,) = ledger.audit("other")
    assert (other.seq, other.prev_hash) == (1, GENESIS)
    assert ledger.audit_end(ACCOUNT).seq == 2


@pytest.mark.parametrize(
    "bad",
    [
        batch(rows=(row(2), row(1))),
        batch(rows=(row(2),), marks=(mark(9, OutboxState.SENT),)),
        batch(epoch=2, rows=(row(2, epoch=2),)),
    ],
    ids=["known command", "unknown command", "another epoch"],
)
def test_an_entry_is_there_with_what_it_came_with_or_not_at_all(ledger: Ledger, bad: Batch) -> None:
    ledger.take_lease(claim())
    ledger.write(msgspec.structs.replace(batch(rows=(row(1),), kills=(kill(),)), audit=(happened(1),)))
    held = everything(ledger)
    with pytest.raises((DuplicateOrderError, MarkRefusedError, StaleEpochError)):
        ledger.write(msgspec.structs.replace(bad, audit=(happened(2),)))
    assert everything(ledger) == held
    ledger.write(audited(happened(3)))
    assert [record.subject for record in ledger.audit(ACCOUNT)] == ["request-1", "request-3"]


def test_of_several_batches_a_refused_one_leaves_no_gap_in_the_chain(ledger: Ledger) -> None:
    ledger.take_lease(claim())
    refused = msgspec.structs.replace(batch(marks=(mark(9, OutboxState.SENT),)), audit=(happened(2),))
    outcomes = ledger.write_all([audited(happened(1)), refused, audited(happened(3))])
    assert [type(one) for one in outcomes] == [Written, MarkRefusedError, Written]
    chain = ledger.audit(ACCOUNT)
    assert [(record.seq, record.subject) for record in chain] == [(1, "request-1"), (2, "request-3")]
    assert chain[1].prev_hash == chain[0].hash


def test_a_stale_holder_records_nothing_and_seals_nothing(ledger: Ledger) -> None:
    ledger.take_lease(claim("one"))
    ledger.write(audited(happened(1)))
    late = headed(ledger)
    ledger.take_lease(claim("two", at_ns=START_NS + TTL_NS))
    for stale in (audited(happened(2)), late):
        with pytest.raises(StaleEpochError):
            ledger.write(stale)
    assert (ledger.audit_end(ACCOUNT).seq, ledger.heads(ACCOUNT)) == (1, [])


def test_heads_are_kept_once_for_each_record(ledger: Ledger) -> None:
    ledger.take_lease(claim())
    ledger.write(audited(happened(1)))
    first = headed(ledger)
    ledger.write(first)
    ledger.write(headed(ledger, at_ns=START_NS + 5))
    ledger.write(audited(happened(2)))
    second = headed(ledger)
    ledger.write(second)
    assert ledger.heads(ACCOUNT) == [*first.heads, *second.heads]
    assert [wrong_with(head, named([KEY.public_key()])) for head in ledger.heads(ACCOUNT)] == ["", ""]


def test_a_head_of_another_lease_is_not_built(ledger: Ledger) -> None:
    ledger.take_lease(claim())
    ledger.write(audited(happened(1)))
    (head,) = headed(ledger).heads
    for wrong in (msgspec.structs.replace(head, epoch=2), msgspec.structs.replace(head, account="other")):
        with pytest.raises(AssertionError):
            msgspec.structs.replace(batch(), heads=(wrong,))


# Records and heads by themselves.

PLAIN: st.SearchStrategy[Plain] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    actor=st.text(max_size=300),
    subject=st.text(max_size=300),
    body=st.dictionaries(st.text(), PLAIN, max_size=4),
    ts_ns=st.integers(0, 2**62),
)
def test_the_hash_is_what_the_manual_says_whatever_the_words(actor: str, subject: str, body: dict[str, Plain], ts_ns: int) -> None:
    made = entry(AuditType.LOGIN, ts_ns=ts_ns, actor=actor, subject=subject, body=body)
    record = follow(Link(6, "ab" * 32), made, account='a "b"', epoch=3)
    assert record.hash == as_the_manual_says(record)
    assert record.seq == 7
    assert len(record.actor) <= WORDS_MAX
    assert record.actor.isprintable()
    assert len(record.body) <= BODY_MAX


def test_a_body_too_long_is_kept_by_its_hash() -> None:
    text = "x" * BODY_MAX
    body = json.loads(entry(AuditType.LOGIN, ts_ns=0, actor="ann", body={"text": text}).body)
    assert body["sha256"] == sha256(b'{"text":"' + text.encode() + b'"}').hexdigest()
    assert body["bytes"] == BODY_MAX + 11
    assert body["beginning"].startswith('{"text":"xxx')


def test_floats_are_a_bug_of_the_caller() -> None:
    for body in ({"a": 1.5}, {"a": [1, {"b": 2.0}]}):
        with pytest.raises(AssertionError, match="float in an audit record"):
            entry(AuditType.LOGIN, ts_ns=0, actor="ann", body=body)  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize("field", [name for name in Head.__struct_fields__ if name != "key"])
def test_a_head_proves_each_of_its_fields(ledger: Ledger, field: str) -> None:
    ledger.take_lease(claim())
    ledger.write(audited(happened(1)))
    (head,) = headed(ledger).heads
    keys = named([KEY.public_key()])
    assert wrong_with(head, keys) == ""
    value = getattr(head, field)
    other = value + 1 if isinstance(value, int) else value[:-1] + ("0" if value[-1] != "0" else "1")
    assert wrong_with(msgspec.structs.replace(head, **{field: other}), keys) == "has a signature that does not fit it"


def test_a_head_that_counts_otherwise_than_it_is_numbered_is_none_of_ours_even_if_it_is_signed() -> None:
    head = Head(account="a", count=2, epoch=1, hash="00", key=key_name(KEY.public_key()), seq=1, signature="", ts_ns=0)
    signed = msgspec.structs.replace(head, signature=KEY.sign(signed_bytes(head)).hex())
    assert wrong_with(signed, named([KEY.public_key()])) == "is not written as heads are"
    upper = msgspec.structs.replace(head, count=1)
    upper = msgspec.structs.replace(upper, signature=KEY.sign(signed_bytes(upper)).hex().upper())
    assert wrong_with(upper, named([KEY.public_key()])) == "is not written as heads are"


def test_a_head_of_an_unknown_key_says_so() -> None:
    head = Head(account="a", count=1, epoch=1, hash="00", key="ffff", seq=1, signature="", ts_ns=0)
    assert "with the key ffff, which is none of ours (there is none)" in wrong_with(head, {})
    assert key_name(KEY.public_key()) in wrong_with(head, named([KEY.public_key()]))
    assert signed_bytes(head) == b'{"account":"a","count":1,"epoch":1,"hash":"00","key":"ffff","seq":1,"ts_ns":0}'
