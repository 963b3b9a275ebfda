"""The ups and downs of a market stream as records, so that the senses see a gap at its place among the data."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tidegate.events import records as layout


def feed_records(instruments: Sequence[int], *, up: bool, at_ns: int) -> NDArray[np.void]:
    """Return one STATUS record for each instrument row: its feed is down, or trusted again."""
    records = np.zeros(len(instruments), layout.RECORD)
    records["ts_event"] = records["ts_recv"] = at_ns
    records["instrument"] = instruments
    records["kind"] = layout.STATUS
    records["a"] = layout.STATUS_FEED_UP if up else layout.STATUS_FEED_DOWN
    return records
