"""The signed head of a chain: up to here it was so, says the holder of the key. Pure; keys and files are elsewhere."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tidegate.journal.audit.record import Link, json_bytes

_KEY_LETTERS: Final = 16


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """A chain's end at a time, and the signature over it. count is how many records there are; key names the public key."""

    account: str
    count: int
    epoch: int
    hash: str
    key: str
    seq: int
    signature: str
    ts_ns: int


def key_name(key: Ed25519PublicKey) -> str:
    """Return the short name of a public key: the beginning of its SHA-256, hexadecimal."""
    return sha256(key.public_bytes_raw()).hexdigest()[:_KEY_LETTERS]


def sign(key: Ed25519PrivateKey, link: Link, *, account: str, epoch: int, ts_ns: int) -> Head:
    """Return the signed head of a chain that ends so."""
    head = Head(
        account=account,
        count=link.seq,
        epoch=epoch,
        hash=link.hash,
        key=key_name(key.public_key()),
        seq=link.seq,
        signature="",
        ts_ns=ts_ns,
    )
    return msgspec.structs.replace(head, signature=key.sign(signed_bytes(head)).hex())


def signed_bytes(head: Head) -> bytes:
    """Return what is signed: the head as canonical JSON without its signature."""
    return json_bytes({name: getattr(head, name) for name in Head.__struct_fields__ if name != "signature"})


def named(keys: Iterable[Ed25519PublicKey]) -> dict[str, Ed25519PublicKey]:
    """Return public keys by their names."""
    return {key_name(key): key for key in keys}


def wrong_with(head: Head, keys: Mapping[str, Ed25519PublicKey]) -> str:
    """Return what is wrong with a head by itself, as the end of a sentence; empty: nothing."""
    key = keys.get(head.key)
    if key is None:
        return f"is signed with the key {head.key}, which is none of ours ({', '.join(sorted(keys)) or 'there is none'})"
    try:
        signature = bytes.fromhex(head.signature)
        key.verify(signature, signed_bytes(head))
    except (InvalidSignature, ValueError):
        return "has a signature that does not fit it"
    if signature.hex() != head.signature or head.count != head.seq:
        return "is not written as heads are"
    return ""
