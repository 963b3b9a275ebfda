"""Signals that ask the command to end: each is a Ctrl-C, so that no file stays half written, whoever sends it."""

import signal
from time import monotonic
from types import FrameType
from typing import Final

_TO_END: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_DEAF_S: Final = 1.0


class AskedToEndError(KeyboardInterrupt):
    """A kind of its own: a plain one that passes a string being executed, as loading does, makes the interpreter forget its exit code."""


def hear_signals() -> None:
    """Raise where a signal asks to end; another within a second does not disturb what cleans up."""
    heard_s: list[float] = []

    def end(_number: int, _frame: FrameType | None) -> None:
        now_s = monotonic()
        if heard_s and now_s - heard_s[-1] < _DEAF_S:
            return
        heard_s[:] = [now_s]
        raise AskedToEndError

    for number in _TO_END:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)


def ignore_signals() -> None:
    """Hear nothing any more: the answer is given, and the interpreter's own end would show a traceback."""
    for number in _TO_END:
        signal.signal(number, signal.SIG_IGN)
