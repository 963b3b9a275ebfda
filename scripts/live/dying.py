"""Runs `tidegate` and kills it at a chosen durable write: `dying.py BOUNDARY K tidegate's words…`.

BOUNDARY is where the k-th write is struck: `ledger-before`, `ledger-after` (a commit of the outbox), `log-before`, `log-after` (a
sync of the golden log). Nothing in the product knows of it: the two functions are wrapped from outside.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any, Final

from tidegate.cli.main import main
from tidegate.journal.chain import SegmentChain
from tidegate.service.ledger.sql import SqlLedger

BOUNDARIES: Final = ("ledger-before", "ledger-after", "log-before", "log-after")


def _struck(call: Callable[..., Any], at: int, *, after: bool) -> Callable[..., Any]:
    """Return a call during whose k-th run the process is killed, before or after what it does."""
    left = at

    def run(*arguments: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0 and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        outcome = call(*arguments)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return outcome

    return run


def _arm(boundary: str, at: int) -> None:
    store, _, moment = boundary.partition("-")
    if store == "ledger":
        SqlLedger.write_all = _struck(SqlLedger.write_all, at, after=moment == "after")  # type: ignore[method-assign]
    else:
        SegmentChain.sync = _struck(SegmentChain.sync, at, after=moment == "after")  # type: ignore[method-assign]


if __name__ == "__main__":
    boundary, number, *words = sys.argv[1:]
    assert boundary in BOUNDARIES, f"{boundary} is none of {BOUNDARIES}"
    _arm(boundary, int(number))
    sys.exit(main(words))
