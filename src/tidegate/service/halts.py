"""Ends halts whose resumption nobody heard: the venue tells it once, and not again to a stream that comes back later.

A symbol that was halted when its stream was lost, or when the session before ended, is not traded until it is told to trade again. If that
was missed it would never be. A regular print that is newer than the stream's return is proof: in a halt there is none.
"""

from collections.abc import Iterable
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from tidegate.events.records import CORRECTION, RECORD, REGULAR, STATUS, STATUS_HALT, STATUS_RESUME, SUSPICIOUS, TRADE

_MARKS: Final = REGULAR | SUSPICIOUS | CORRECTION  # a regular print has the first and neither of the others


@final
class Halts:
    """Which symbols are halted by what one market stream said, by their places."""

    def __init__(self, halted: Iterable[int]) -> None:
        """Args: halted: at the end of the session before."""
        self._halted: Final = set(halted)
        self._in_doubt: Final[set[int]] = set()  # halted before the stream came back, and nothing was heard since
        self._back_ns = 0

    def stream_up(self, now_ns: int) -> None:
        """The stream is back: what it told before may be over."""
        self._in_doubt.update(self._halted)
        self._back_ns = now_ns

    def look(self, records: NDArray[np.void]) -> NDArray[np.void]:
        """Take market records in; return them, with a resumption before each print that proves one."""
        told = np.flatnonzero(records["kind"] == STATUS)
        if not len(told) and not self._in_doubt:
            return records
        proofs = np.flatnonzero(self._may_prove(records)) if self._in_doubt else told[:0]
        found: list[int] = []
        for at in sorted({*told.tolist(), *proofs.tolist()}):
            place, code = int(records["instrument"][at]), int(records["a"][at])
            if records["kind"][at] == TRADE:
                found += [at] if place in self._in_doubt else []
                code = STATUS_RESUME
            if code == STATUS_HALT:
                self._halted.add(place)
            elif code == STATUS_RESUME:
                self._halted.discard(place)
            if code in {STATUS_HALT, STATUS_RESUME}:
                self._in_doubt.discard(place)
        return np.insert(records, found, _resumptions(records[found])) if found else records

    def _may_prove(self, records: NDArray[np.void]) -> NDArray[np.bool_]:
        prints = (records["kind"] == TRADE) & (records["flags"] & _MARKS == REGULAR) & (records["ts_event"] > self._back_ns)
        in_doubt: NDArray[np.bool_] = prints & np.isin(records["instrument"], sorted(self._in_doubt))
        return in_doubt


def _resumptions(prints: NDArray[np.void]) -> NDArray[np.void]:
    made = np.zeros(len(prints), RECORD)
    for name in ("ts_event", "ts_recv", "instrument"):
        made[name] = prints[name]
    made["kind"], made["a"] = STATUS, STATUS_RESUME
    return made
