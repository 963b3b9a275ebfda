"""Ids are typed and derived, never drawn: a replay or a retry cannot make a second order.

Everything is a function of (session, n, k): n numbers the inputs of a session, k the acts of one input.
"""

from binascii import b2a_base64
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

_ALPHABET = b"abcdefghijklmnopqrstuvwxyz234567"  # RFC 4648's base32 in lower case
_LOW_BITS = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", _ALPHABET * 2)
_ID_LETTERS = 26  # 130 bits: no collision in any lifetime
_SESSION_LETTERS = 16
_APPROVAL_LETTERS = 12  # short enough to type, and the ledger holds that none comes twice


def letters_of(digest: bytes, count: int) -> str:
    """Return so many letters of base32's alphabet, at most 40, each from five bits of a digest.

    They are the low five of every six bits, since the standard library writes six (base64) quickly and five (base32) slowly.
    """
    return b2a_base64(digest).translate(_LOW_BITS)[:count].decode()


def session_id(*parts: bytes) -> SessionId:
    """Return the id of a session from what defines it; parts are length-prefixed so that none can flow into the next."""
    digest = sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return SessionId(letters_of(digest.digest(), _SESSION_LETTERS))


def event_id(session: SessionId, n: int, k: int) -> EventId:
    """Return the id of act k of input n; inputs themselves carry k = 0, acts count from 1."""
    return EventId(f"{session}-{n}-{k}")


def client_order_id(*, account: str, event: EventId, chain: int, epoch: int) -> ClientOrderId:
    """Return the order id a venue sees: lease epoch, then a hash of account, deciding act and place in the replace chain."""
    digest = sha256(f"{account}|{event}|{chain}".encode()).digest()
    return ClientOrderId(f"{epoch}-{letters_of(digest, _ID_LETTERS)}")


def approval_id(*, account: str, event: EventId) -> ApprovalId:
    """Return the id of a request for approval: a hash of account and the act that asks."""
    return ApprovalId(letters_of(sha256(f"{account}|approval|{event}".encode()).digest(), _APPROVAL_LETTERS))
