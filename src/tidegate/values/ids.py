"""Ids are typed and derived, never drawn: a replay or a retry cannot make a second order.

Everything is a function of (session, n, k): n numbers the inputs of a session, k the acts of one input.
"""

from hashlib import sha256
from typing import NewType

SessionId = NewType("SessionId", str)
EventId = NewType("EventId", str)
ClientOrderId = NewType("ClientOrderId", str)
VenueOrderId = NewType("VenueOrderId", str)
StrategyId = NewType("StrategyId", str)
ExecutionId = NewType("ExecutionId", str)
ApprovalId = NewType("ApprovalId", str)

CLIENT_ORDER_ID_LENGTH_MAX = 48

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)  # ten bits at a time
_WORD_BYTES = 5  # 40 bits are four pairs, and a number that is quickly taken apart
_PAIRS_A_WORD = 4
_ID_PAIRS = 13  # 26 characters hold 130 bits: no collision in any lifetime
_SESSION_PAIRS = 8
_APPROVAL_PAIRS = 6  # 12 characters: short enough to type, and the ledger holds that none comes twice


def base32(digest: bytes, pairs: int) -> str:
    """Return the first 10 x pairs bits of a digest in lower-case base32 (RFC 4648 alphabet)."""
    found = ""
    for at in range(0, -(-pairs // _PAIRS_A_WORD) * _WORD_BYTES, _WORD_BYTES):
        bits = int.from_bytes(digest[at : at + _WORD_BYTES])
        found += _PAIRS[bits >> 30] + _PAIRS[bits >> 20 & 1023] + _PAIRS[bits >> 10 & 1023] + _PAIRS[bits & 1023]
    return found[: 2 * pairs]


def session_id(*parts: bytes) -> SessionId:
    """Return the id of a session from what defines it; parts are length-prefixed so that none can flow into the next."""
    digest = sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return SessionId(base32(digest.digest(), _SESSION_PAIRS))


def event_id(session: SessionId, n: int, k: int) -> EventId:
    """Return the id of act k of input n; inputs themselves carry k = 0, acts count from 1."""
    return EventId(f"{session}-{n}-{k}")


def client_order_id(*, account: str, event: EventId, chain: int, epoch: int) -> ClientOrderId:
    """Return the order id a venue sees: lease epoch, then a hash of account, deciding act and place in the replace chain."""
    digest = sha256(f"{account}|{event}|{chain}".encode()).digest()
    return ClientOrderId(f"{epoch}-{base32(digest, _ID_PAIRS)}")


def approval_id(*, account: str, event: EventId) -> ApprovalId:
    """Return the id of a request for approval: a hash of account and the act that asks."""
    return ApprovalId(base32(sha256(f"{account}|approval|{event}".encode()).digest(), _APPROVAL_PAIRS))
