"""A record of the audit chain: what it says, the bytes that are hashed, and how one follows on another. Pure.

    hash = SHA-256 of the record as canonical JSON without its hash: keys sorted, no spaces, UTF-8, whole numbers only

Its body is canonical JSON too, so the whole is put together from parts that are encoded already.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from hashlib import sha256
from typing import Final, NamedTuple, TypeAlias

import msgspec

GENESIS: Final = "0" * 64  # what the first record names as the hash before it
# What is hashed. Words stand in it as JSON, the body as it is, hashes bare; numbers as Python shows them, so that what is no whole
# number makes other bytes.
HASHED: Final = b'{"account":%b,"actor":%b,"body":%b,"epoch":%a,"prev_hash":"%b","seq":%a,"subject":%b,"ts_ns":%a,"type":%b}'
WORDS_MAX: Final = 256  # letters of an actor or a subject
BODY_MAX: Final = 16_384  # bytes of a body; of a longer one its hash and its beginning are kept
_SHOWN: Final = 1_024

Plain: TypeAlias = "str | int | bool | Sequence[Plain] | Mapping[str, Plain] | None"  # what a body may hold: no floats


class AuditType(StrEnum):
    """What happened. A word is never used again for something else."""

    TRADER_STARTED = "trader_started"
    TRADER_STOPPED = "trader_stopped"
    LEASE_TAKEN = "lease_taken"
    REQUEST = "request"  # a person, or a declared policy in a person's name, asked for something; with what came of it
    REQUEST_MOVED = "request_moved"  # a request has come to another stage
    LOGIN = "login"  # made, failed or ended
    DENIED = "denied"  # somebody asked for what he may not
    SECOND_PERSON = "second_person"  # a request waits for another person, or has been confirmed by one
    USER_CHANGED = "user_changed"
    APPROVAL_ASKED = "approval_asked"
    APPROVAL_ANSWERED = "approval_answered"
    APPROVAL_USED = "approval_used"
    APPROVAL_EXPIRED = "approval_expired"
    CONFIG_CHANGED = "config_changed"
    GATE_SET = "gate_set"  # somebody or something outside the engine set a gate
    GATE_CHANGED = "gate_changed"  # a gate has another state: a request's, or a control's that tripped
    ORDER_SENT = "order_sent"
    ORDER_OUTCOME = "order_outcome"
    VENUE_CALL = "venue_call"
    ENTRIES_REPEATED = "entries_repeated"  # the ledger gave no answer: the next entries may stand here twice
    ENTRIES_LOST = "entries_lost"  # there was no room for so many
    ANCHOR_FAILED = "anchor_failed"  # a head could not be signed or kept outside the database
    CHAIN_DOUBTED = "chain_doubted"  # at a start the ledger did not hold what the last anchor says
    KEY_MADE = "key_made"


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be recorded; its place in the chain is given by the ledger. Make one with `entry`."""

    ts_ns: int
    actor: str
    type: AuditType
    subject: str
    body: str


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An entry in its place. type is a word and not a member: what a database shows may be anything."""

    account: str
    seq: int
    ts_ns: int
    actor: str
    type: str
    subject: str
    body: str
    prev_hash: str
    hash: str
    epoch: int


class Link(NamedTuple):
    """Where a chain ends: the last record's number and hash. (0, GENESIS): there is none yet."""

    seq: int = 0
    hash: str = GENESIS


def entry(kind: AuditType, *, ts_ns: int, actor: str, subject: str = "", body: Mapping[str, Plain] | None = None) -> AuditEntry:
    """Return an entry: what happened, when, who did it, what it is about, and the particulars.

    Args:
        kind: what happened.
        ts_ns: when, ns UTC.
        actor: a user's name, or `rule:…`, `trader`, `venue`.
        subject: the id or name of what it is about; searched for first.
        body: particulars. Whole numbers with their unit in the name, money as decimal text.
    """
    text = _ENCODER.encode(_plain(body or {}))
    if len(text) > BODY_MAX:
        text = _ENCODER.encode(
            {"bytes": len(text), "sha256": sha256(text).hexdigest(), "beginning": text[:_SHOWN].decode(errors="replace")},
        )
    return AuditEntry(ts_ns=ts_ns, actor=_words(actor), type=kind, subject=_words(subject), body=text.decode())


def follow(link: Link, entry: AuditEntry, *, account: str, epoch: int) -> AuditRecord:
    """Return the record that an entry becomes after the end of a chain. epoch: the lease under which it is written."""
    seq = link.seq + 1
    text = HASHED % (
        _ENCODER.encode(account),
        _ENCODER.encode(entry.actor),
        entry.body.encode(),
        epoch,
        link.hash.encode(),
        seq,
        _ENCODER.encode(entry.subject),
        entry.ts_ns,
        _ENCODER.encode(entry.type),
    )
    return AuditRecord(
        account=account,
        seq=seq,
        ts_ns=entry.ts_ns,
        actor=entry.actor,
        type=entry.type.value,
        subject=entry.subject,
        body=entry.body,
        prev_hash=link.hash,
        hash=sha256(text).hexdigest(),
        epoch=epoch,
    )


def json_bytes(value: object) -> bytes:
    """Return a value as canonical JSON."""
    return _ENCODER.encode(value)


_ENCODER: Final = msgspec.json.Encoder(order="sorted")


def _words(text: str) -> str:
    """Return a name that any database takes: one short line without control characters."""
    return _text("".join(letter if letter.isprintable() else "�" for letter in text[:WORDS_MAX]))


def _text(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _plain(value: Plain) -> Plain:
    """Return a value that is the same bytes everywhere; floats are not, and a caller that has one has a bug."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return {_text(key): _plain(part) for key, part in value.items()}
    if isinstance(value, Sequence):
        return [_plain(part) for part in value]
    assert value is None or isinstance(value, int), f"{type(value).__name__} in an audit record; write whole numbers or decimal text"
    return value
