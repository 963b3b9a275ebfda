"""Checks of records where they enter: order, times, kinds, instrument indexes. Vectorized, bounded memory.

The kernel trusts what passed here: an instrument index out of range would be an index out of a table.
"""

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tidegate.events import records as layout
from tidegate.tapes.errors import BadRecordError, UnsortedTapeError
from tidegate.values.time import NEVER_NS, iso_utc

Records: TypeAlias = NDArray[np.void]

CHECK_RECORDS: Final = 1 << 18  # 16 MiB at a time
_KIND_MAX: Final = max(layout.KIND_NAMES)


def check_records(records: Records, *, symbols: int, first: int = 0, last_ns: int = 0) -> int:
    """Refuse records that are out of order or hold impossible numbers.

    Args:
        records: a part of a tape.
        symbols: how many symbols the tape numbers.
        first: number of the part's first record in the tape, for the message.
        last_ns: receive time of the record before the part.

    Returns:
        The receive time of the last record, to be given with the next part.

    Raises:
        UnsortedTapeError: a receive time before that of the record before.
        BadRecordError: a time, kind or instrument out of range.
    """
    for start in range(0, len(records), CHECK_RECORDS):
        last_ns = _check_part(records[start : start + CHECK_RECORDS], symbols, first + start, last_ns)
    return last_ns


def _check_part(part: Records, symbols: int, first: int, last_ns: int) -> int:
    times = np.ascontiguousarray(part["ts_recv"])
    _refuse((times <= 0) | (times >= NEVER_NS), first, "a receive time that is no time of this world")
    backward = times < np.concatenate(([last_ns], times[:-1]))
    if backward.any():
        at = int(backward.argmax())
        before = int(times[at - 1]) if at else last_ns
        raise UnsortedTapeError(
            f"Record {first + at} is received at {iso_utc(int(times[at]))}, before the one ahead of it "
            f"({iso_utc(before)}); sort the source by receive time."
        )
    _refuse(
        (part["ts_event"] <= 0) | (part["ts_event"] >= NEVER_NS),
        first,
        "an event time that is no time of this world",
    )
    _refuse((part["kind"] < 1) | (part["kind"] > _KIND_MAX), first, "a kind this version does not know")
    _refuse(
        (part["instrument"] < 0) | (part["instrument"] >= symbols),
        first,
        f"an instrument outside 0..{symbols - 1}",
    )
    return int(times[-1])


def _refuse(bad: NDArray[np.bool_], first: int, what: str) -> None:
    if bad.any():
        raise BadRecordError(f"Record {first + int(bad.argmax())} has {what}; the tape is damaged, import it again.")
