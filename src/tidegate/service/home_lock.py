"""One supervisor for each home: a lock of the operating system, not a file with a process id that may be stale.

The trader inherits it. A supervisor that was killed leaves its trader running until that notices; as long as it runs, no second
one is started here.
"""

import fcntl
import os
from pathlib import Path
from typing import Final

from tidegate.values.errors import ExitCode, TidegateError

LOCK_FILE: Final = "up.lock"


class HomeInUseError(TidegateError):
    """Another supervisor works in this home, or the trader of one that died has not ended yet."""

    exit_code = ExitCode.ENVIRONMENT


def lock_home(home: Path) -> int:
    """Return a handle that holds the home until it and every inherited copy are closed.

    Raises:
        HomeInUseError: somebody holds it.
        OSError: the home cannot be made or written.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(home / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise HomeInUseError(
            f"Another `tidegate up` works in {home}, or its trader has not ended yet; stop it, wait some seconds, or name another --home."
        ) from None
    return handle
