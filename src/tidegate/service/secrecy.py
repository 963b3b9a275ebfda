"""Text that must be seen by nobody but the venue: how it is held, how it is wiped, how the process is closed around it."""

import ctypes
import os
import resource
import sys
from collections.abc import Iterable
from typing import Final, NoReturn, final

from tidegate.values.errors import ExitCode, TidegateError

_PR_SET_DUMPABLE: Final = 4
REDACTED: Final = "[secret]"


class UnprotectedProcessError(TidegateError):
    """The system did not let this process close its memory to others. Keys are not read."""

    exit_code = ExitCode.ENVIRONMENT


@final
class Secret:
    """A text that shows itself only where `reveal` is called: not in print, logs, tracebacks with locals, pickles or copies."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        assert text, "an empty secret is a missing one"
        self._text = text

    def reveal(self) -> str:
        """Return the text. For the one line that hands it to the venue."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({REDACTED})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A secret is neither pickled nor copied; read it again where it is needed.")


def wipe_environment(names: Iterable[str]) -> None:
    """Take variables out of the environment, and out of the memory that /proc and child processes see of it."""
    libc = ctypes.CDLL(None)
    libc.getenv.restype = ctypes.c_void_p
    for name in names:
        address = libc.getenv(name.encode())
        if address:
            ctypes.memset(address, 0, len(ctypes.string_at(address)))  # deleting alone leaves the bytes where they are
        os.environ.pop(name, None)


def close_memory() -> None:
    """Let nobody dump or trace this process: no core files, and on Linux no other process of the same user.

    Raises:
        UnprotectedProcessError: the system refuses.
    """
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError) as error:
        raise UnprotectedProcessError(f"Core dumps cannot be switched off ({error}); see what limits this process runs under.") from error
    if sys.platform == "linux" and ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        reason = os.strerror(ctypes.get_errno())
        raise UnprotectedProcessError(f"The process cannot be made undumpable ({reason}); see what confines it.")
