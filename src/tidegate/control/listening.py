"""The socket file itself: made for one user alone, one trader a home, what a dead one left is replaced."""

import fcntl
import os
import socket
from contextlib import suppress
from pathlib import Path
from stat import S_ISSOCK
from typing import Final, NamedTuple

from tidegate.control.errors import SocketTakenError, SocketUnusableError
from tidegate.control.home import Home

BACKLOG: Final = 64
PATH_BYTES_MAX: Final = 103  # sun_path of macOS, less its end; Linux has room for 107
_OWNER_ONLY: Final = 0o600


class Listening(NamedTuple):
    """A bound socket, and the lock that says its owner lives. Both go with the process, whatever becomes of the files."""

    sock: socket.socket
    lock: int
    path: Path
    inode: int

    def close(self) -> None:
        """Remove the socket's file, if it is not a successor's by now, and let go of the home."""
        with suppress(FileNotFoundError):
            if self.path.lstat().st_ino == self.inode:
                self.path.unlink()
        self.sock.close()
        os.close(self.lock)


def listen_at(home: Home, *, takes_over: bool = False) -> Listening:
    """Return the socket of a home, listening. The home folder is made if it is missing.

    `takes_over`: the account's lease was taken from a trader that let it run out. It may be asleep, and holds the home until it wakes
    and ends; the home goes with the lease.

    Raises:
        HomeUnusableError: the folder cannot be made or is open to others.
        SocketTakenError: a living trader has this home.
        SocketUnusableError: something else is in the way.
    """
    home.make()
    path = home.socket
    if len(os.fsencode(path)) > PATH_BYTES_MAX:
        raise SocketUnusableError(f"The socket's path {path} is longer than {PATH_BYTES_MAX} bytes; name a shorter folder with --home.")
    lock = _lock(home, takes_over=takes_over)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _clear(path)
        sock.bind(str(path))
        path.chmod(_OWNER_ONLY)
        sock.listen(BACKLOG)
        sock.setblocking(False)  # noqa: FBT003 - the standard library's own word
    except OSError as error:
        sock.close()
        os.close(lock)
        raise SocketUnusableError(f"The socket {path} cannot be made ({error.strerror}); make room, or name another --home.") from error
    except SocketUnusableError:
        sock.close()
        os.close(lock)
        raise
    return Listening(sock, lock, path, path.lstat().st_ino)


def _lock(home: Home, *, takes_over: bool) -> int:
    """Take the lock of a home: it is the kernel's to give back when a process dies, however it dies."""
    path = home.root / "trader.lock"
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OWNER_ONLY)
    except OSError as error:
        raise SocketUnusableError(f"{path} cannot be opened ({error.strerror}); give the right, or name another --home.") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        if takes_over:
            path.unlink(missing_ok=True)  # the sleeper keeps a lock on a file that nobody finds any more
            return _lock(home, takes_over=False)
        raise SocketTakenError(f"A trader runs in {home.root} already; stop it first, or name another home with --home.") from error
    return lock


def _clear(path: Path) -> None:
    """Remove the socket that a dead trader left: whoever holds the lock is the only living one."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not S_ISSOCK(found.st_mode):
        raise SocketUnusableError(f"{path} is there and is no socket, so it is not replaced; move it away.")
    path.unlink()
