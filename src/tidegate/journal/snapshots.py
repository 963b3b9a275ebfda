"""Snapshots of the engine's state beside the log: a shorter way to the present, never the only one.

A snapshot holds for one session, one input and one layout; other code may read it, but must say so. It is
written under another name and renamed, so that a half-written one never exists. A damaged one is passed over:
the log alone suffices.

| at | bytes | snapshot file `snapshots/<session>-<n>.snap`          |
|----|-------|-------------------------------------------------------|
| 0  | 4     | magic `TGLS`                                          |
| 4  | 2     | format version                                        |
| 6  | 2     | zero                                                  |
| 8  | 8     | length of the body                                    |
| 16 | 32    | SHA-256 of bytes 0 to 15 and the body                 |
| 48 | ...   | body: msgpack of `Snapshot`, nothing after it         |
"""

import hashlib
import os
from pathlib import Path
from struct import Struct
from typing import Final, final

import msgspec

from tidegate.journal.chain import sync_directory, write_all
from tidegate.journal.errors import LogUnwritableError, NewerFormatError
from tidegate.journal.files import UNFINISHED_SUFFIX

SNAPSHOT_VERSION = 1
SNAPSHOT_SUFFIX = ".snap"

_FRONT = Struct("<4sHHq")
_MAGIC = b"TGLS"
_HASH_END = _FRONT.size + hashlib.sha256().digest_size


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The engine's whole state after input n and all its acts, and what it is bound to."""

    session_id: str
    n: int
    layout_sha256: str
    code_sha256: str
    state: bytes


class DamagedSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot file that cannot be trusted."""

    path: Path
    what: str


@final
class SnapshotPace:
    """When a running engine's next snapshot is due: the loop asks between two inputs and makes the bytes there."""

    def __init__(self, every: int) -> None:
        assert every > 0, "a pace of no inputs is none"
        self._every: Final = every
        self._last_n = 0

    def due(self, n: int) -> bool:
        """Say whether one is due after input n; the next comes `every` inputs later."""
        if n < self._last_n + self._every:
            return False
        self._last_n = n
        return True


def write_snapshot(directory: Path, snapshot: Snapshot) -> Path:
    """Write a snapshot beside the log in `directory`, durably; return its file.

    Raises:
        LogUnwritableError: the disk refuses.
    """
    folder = directory / "snapshots"
    path = folder / f"{snapshot.session_id}-{snapshot.n:020d}{SNAPSHOT_SUFFIX}"
    unfinished = path.with_suffix(UNFINISHED_SUFFIX)
    body = msgspec.msgpack.encode(snapshot)
    front = _FRONT.pack(_MAGIC, SNAPSHOT_VERSION, 0, len(body))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fd = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            write_all(fd, front + hashlib.sha256(front + body).digest() + body)
            os.fsync(fd)
        finally:
            os.close(fd)
        unfinished.rename(path)
        sync_directory(folder)
    except OSError as error:
        raise LogUnwritableError(f"The snapshot {path} cannot be written ({error.strerror}); free space or mend the disk.") from error
    return path


def read_snapshots(directory: Path, *, session_id: str) -> list[Snapshot | DamagedSnapshot]:
    """Return the snapshots of a session beside the log in `directory`, newest first.

    Raises:
        NewerFormatError: one was written by a later version.
    """
    paths = sorted((directory / "snapshots").glob(f"{session_id}-*{SNAPSHOT_SUFFIX}"), reverse=True)
    return [found for path in paths if (found := _read(path)) is not None]


def drop_snapshots(directory: Path, *, session_id: str, keep: int) -> list[Path]:
    """Delete all but the newest `keep` snapshots of a session; return what was deleted."""
    paths = sorted((directory / "snapshots").glob(f"{session_id}-*{SNAPSHOT_SUFFIX}"), reverse=True)
    for path in paths[keep:]:
        path.unlink()
    return paths[keep:]


def _read(path: Path) -> Snapshot | DamagedSnapshot | None:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None  # the writer has let it go in the meantime
    front, digest, body = data[: _FRONT.size], data[_FRONT.size : _HASH_END], data[_HASH_END:]
    if hashlib.sha256(front + body).digest() != digest:
        return DamagedSnapshot(path=path, what="its SHA-256 does not match")
    magic, version, _, length = _FRONT.unpack(front)
    if version > SNAPSHOT_VERSION:
        raise NewerFormatError(
            f"The snapshot {path} is of format {version} and this tidegate reads up to {SNAPSHOT_VERSION}; "
            "upgrade tidegate, or delete the snapshot: the log alone suffices."
        )
    if magic != _MAGIC or length != len(body):
        return DamagedSnapshot(path=path, what="it is no snapshot")
    snapshot = msgspec.msgpack.decode(body, type=Snapshot)
    if path.stem != f"{snapshot.session_id}-{snapshot.n:020d}":
        return DamagedSnapshot(path=path, what="its name is that of another one")
    return snapshot
