"""The three streams that a process begins with, as the rest of the command line may expect them."""

import os
import sys
from io import TextIOWrapper
from typing import Final

_NUMBERS: Final = (0, 1, 2)  # stdin, stdout, stderr, wherever Python has them


def open_streams() -> None:
    """Have all three streams, whatever the caller left closed, and let no letter stop one.

    A number that is free goes to the next file that is opened: what is then said on stderr would be written into a golden log.
    """
    for number in _NUMBERS:
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 - it stays open as long as the process
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115 - likewise
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115 - likewise
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal of few letters shows a ? and stops nothing
