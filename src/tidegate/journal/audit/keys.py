"""The key that signs heads: made at the first start, for the trader's user alone; its public half beside it, to be kept elsewhere too."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from tidegate.values.errors import ExitCode, TidegateError

PRIVATE_NAME: Final = "key.pem"
PUBLIC_NAME: Final = "key.pub"
_OTHERS: Final = 0o077
_END: Final = "-----END PUBLIC KEY-----"


class AuditKeyError(TidegateError):
    """The key that signs heads, or its public half, cannot be read or made, or others may read it."""

    exit_code = ExitCode.ENVIRONMENT


class SigningKey(NamedTuple):
    """The key, and whether it was made just now."""

    key: Ed25519PrivateKey
    is_new: bool


def signing_key(folder: Path) -> SigningKey:
    """Return the key of a home's audit folder; make it, and its public half, where there is none.

    A new key's public half is added to those that are there: what an earlier key has signed stays provable.

    Raises:
        AuditKeyError: it cannot be read or made, is none, or is open to other users.
    """
    path = folder / PRIVATE_NAME
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            return SigningKey(_read_private(path), is_new=False)
        except FileNotFoundError:
            key = Ed25519PrivateKey.generate()
        _write(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
        public = folder / PUBLIC_NAME
        before = b""
        with suppress(FileNotFoundError):
            before = public.read_bytes()
        _write(public, before + key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), 0o644)
    except OSError as error:
        raise AuditKeyError(f"The audit key {path} cannot be read or made ({error.strerror}); give this user the right to it.") from error
    return SigningKey(key, is_new=True)


def public_keys(path: Path) -> list[Ed25519PublicKey]:
    """Return the public keys of a file, oldest first.

    Raises:
        AuditKeyError: it cannot be read, or holds none.
    """
    try:
        blocks = [block + _END for block in path.read_text(encoding="ascii").split(_END)[:-1]]
        keys = [load_pem_public_key(block.strip().encode()) for block in blocks]
    except (OSError, ValueError) as error:
        raise AuditKeyError(f"The public audit key {path} cannot be read ({_why(error)}); name the file with --key.") from error
    found = [key for key in keys if isinstance(key, Ed25519PublicKey)]
    if not found or len(found) != len(keys):
        raise AuditKeyError(f"{path} holds no public audit key; name the file with --key.")
    return found


def _read_private(path: Path) -> Ed25519PrivateKey:
    if path.stat().st_mode & _OTHERS:
        raise AuditKeyError(f"The audit key {path} is open to other users of this machine; run chmod 600 {path}.")
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError) as error:
        raise AuditKeyError(f"{path} is no audit key ({_why(error)}); put it back from a copy, or move it away for a new one.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise AuditKeyError(f"{path} is no Ed25519 key; put the audit key back from a copy, or move it away for a new one.")
    return key


def _write(path: Path, data: bytes, mode: int) -> None:
    """Write a file that is there whole or not at all, also after a power cut."""
    unfinished = path.with_name(path.name + ".unfinished")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        os.fchmod(handle, mode)
        os.write(handle, data)
        os.fsync(handle)
    finally:
        os.close(handle)
    unfinished.replace(path)


def _why(error: Exception) -> str:
    return error.strerror or "unknown" if isinstance(error, OSError) else type(error).__name__
