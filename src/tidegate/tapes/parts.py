"""What importers share: parts of records in order, and counts of what was found."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tidegate.events.records import RECORD
from tidegate.tapes.check import Records

Progress: TypeAlias = Callable[[int, int], None]  # steps done, steps in all


def new_records(ts_event: NDArray[np.int64], ts_recv: NDArray[np.int64]) -> Records:
    """Return records with these times and nothing else."""
    records = np.zeros(len(ts_event), RECORD)
    records["ts_event"], records["ts_recv"] = ts_event, ts_recv
    return records


def in_order(parts: Sequence[Records]) -> Records:
    """Return the records of all parts by receive time; at equal times an earlier part goes first."""
    together = np.concatenate([np.zeros(0, RECORD), *parts])
    order: NDArray[np.intp] = np.argsort(together["ts_recv"], kind="stable")
    return together[order]


def add_counts(counts: dict[str, int], records: Records, names: dict[str, int]) -> None:
    """Add to the counts how many records carry each flag."""
    flags = records["flags"]
    for name, flag in names.items():
        counts[name] = counts.get(name, 0) + int(np.count_nonzero(flags & flag))


def add_count(counts: dict[str, int], name: str, number: int) -> None:
    """Add a number to one count."""
    counts[name] = counts.get(name, 0) + number
