"""The prices of a world: a random walk of quotes, known to venue and trader alike."""

from random import Random
from typing import Final, final

import numpy as np

from tidegate.events.records import QUOTE, RECORD
from tidegate.simulation.campaign.setting import CENT, MID_CENTS, START_NS, SYMBOLS
from tidegate.values.money import NANOS
from tidegate.values.time import MILLISECOND_NS

STEP_NS: Final = 200 * MILLISECOND_NS
QUOTES: Final = 900
MARKET_NS: Final = QUOTES * STEP_NS
_COUNT: Final = len(SYMBOLS)


@final
class Market:
    """Quotes of the symbols in turn, one each `STEP_NS`; after the last one prices stand still."""

    def __init__(self, rng: Random) -> None:
        mids = list(MID_CENTS)
        bids, sizes = [], []
        bits = rng.getrandbits(6 * QUOTES)
        for place in range(QUOTES):
            of = place % _COUNT
            word = bits >> (6 * place) & 63
            mids[of] += (-3, 0, 0, 0, 0, 0, 0, 3)[word & 7]
            bids.append(mids[of])
            sizes.append(1 + (word >> 3))
        self._bids: Final = bids
        self._sizes: Final = sizes
        rows = np.zeros(QUOTES, RECORD)
        rows["ts_event"] = rows["ts_recv"] = START_NS + STEP_NS * np.arange(1, QUOTES + 1)
        rows["kind"] = QUOTE
        rows["instrument"] = np.arange(QUOTES) % _COUNT
        cents = np.array(bids, np.int64)
        rows["a"], rows["b"] = cents * CENT, (cents + 1) * CENT
        rows["c"] = rows["d"] = np.array(sizes, np.int64) * NANOS
        self.records: Final = rows

    def records_until(self, first: int, now_ns: int) -> int:
        """Return the place after the last record at or before a time."""
        return max(first, min(QUOTES, (now_ns - START_NS) // STEP_NS))

    def quote(self, symbol: str, now_ns: int) -> tuple[int, int, int]:
        """Return (bid, ask, size) in nanos as they stand at a time."""
        of = SYMBOLS.index(symbol)
        place = min(QUOTES - 1, (now_ns - START_NS) // STEP_NS - 1)
        place -= (place - of) % _COUNT
        if place < 0:
            return MID_CENTS[of] * CENT, (MID_CENTS[of] + 1) * CENT, 9 * NANOS
        return self._bids[place] * CENT, (self._bids[place] + 1) * CENT, self._sizes[place] * NANOS
