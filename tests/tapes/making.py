"""Small tapes for tests."""

from collections.abc import Sequence

import numpy as np

from tidegate.events.records import QUOTE, RECORD
from tidegate.tapes.check import Records
from tidegate.values.instruments import Instrument

START_NS = 1_381_152_600_000_000_000  # 2013-10-07 09:30 New York


def quotes(times_ns: Sequence[int], *, instruments: Sequence[int] | None = None) -> Records:
    """Return quotes 10.00 x 10.01 received START_NS + times_ns, numbered by `venue_seq`."""
    records = np.zeros(len(times_ns), RECORD)
    records["ts_recv"] = records["ts_event"] = np.array(times_ns, np.int64) + START_NS
    records["venue_seq"] = np.arange(len(times_ns))
    records["instrument"] = 0 if instruments is None else instruments
    records["kind"] = QUOTE
    records["a"], records["b"] = 10_000_000_000, 10_010_000_000
    records["c"] = records["d"] = 100_000_000_000
    return records


def symbols(*names: str) -> tuple[Instrument, ...]:
    """Return instruments numbered in order."""
    return tuple(Instrument(index=index, symbol=name, venue="test") for index, name in enumerate(names))
