"""Small random tapes for the contract: ties, gaps, one-sided, crossed, locked, wide and spiky quotes, odd trades, statuses.

A tape is a function of a few numbers, so that hypothesis can shrink it: how many records, and how often each oddity comes.
"""

from random import Random
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tidegate.events import records as r
from tidegate.tapes.format import Tape
from tidegate.values.instruments import Instrument
from tidegate.values.money import NANOS
from tidegate.values.time import SECOND_NS

START_NS = 1_381_154_457 * SECOND_NS  # 2013-10-07 14:00:57 UTC: the first minute bar closes soon
CENT = NANOS // 100
SYMBOLS = ("AAA", "BBB", "CCC")
_ENDS = (r.STATUS_RESUME, r.STATUS_FEED_UP)
_STATUSES = (r.STATUS_HALT, r.STATUS_FEED_DOWN, r.STATUS_NEWS, r.STATUS_LIMIT_BANDS, *_ENDS, *_ENDS, *_ENDS)


class Oddities(NamedTuple):
    """How often, in percent of the records, each of them comes."""

    ties: int = 20
    gaps: int = 0
    bad_quotes: int = 8
    trades: int = 25
    statuses: int = 1
    jumps: int = 3


class Market(NamedTuple):
    """What a random tape is made from."""

    seed: int
    records: int
    symbols: int = 2
    step_ms: int = 150  # usual time between two records
    late_ms: int = 0  # longest way from the venue to us; 0: no latency of the tape's own
    oddities: Oddities = Oddities()


def make_tape(market: Market, name: str = "tape") -> Tape:
    """Return the tape of a market, in memory."""
    symbols = tuple(Instrument(index=i, symbol=SYMBOLS[i], venue="sim") for i in range(market.symbols))
    return Tape.of(make_records(market), symbols=symbols, name=name)


def make_records(market: Market) -> NDArray[np.void]:
    """Return the records of a market."""
    draw = Random(market.seed)
    rows = np.zeros(market.records, r.RECORD)
    mids = [2_000 + 700 * place for place in range(market.symbols)]
    event_ns = recv_ns = START_NS + 17
    for number, row in enumerate(rows):
        row["venue_seq"] = number + 1
        event_ns += _step_ns(draw, market)
        late_ns = draw.randrange(market.late_ms * 1_000_000) if market.late_ms else 0
        recv_ns = max(recv_ns, event_ns + late_ns)
        place = draw.randrange(market.symbols)
        row["ts_event"], row["ts_recv"], row["instrument"] = event_ns, recv_ns, place
        mids[place] = max(200, mids[place] + draw.choice((-1, 0, 0, 0, 1)))
        _fill(draw, row, mids, place, market.oddities)
    return rows


def _step_ns(draw: Random, market: Market) -> int:
    odd = draw.randrange(100)
    if odd < market.oddities.ties:
        return 0
    if odd >= 100 - market.oddities.gaps:
        return draw.randrange(3, 90) * SECOND_NS
    kind = draw.randrange(10)
    if kind == 0:
        return 1
    if kind == 1:  # exactly on the next second, where bars and timers are due
        return -1 + SECOND_NS - (START_NS + 16) % SECOND_NS if draw.randrange(2) else SECOND_NS
    return draw.randrange(1, 2 * market.step_ms * 1_000_000)


def _fill(draw: Random, row: Any, mids: list[int], place: int, odd: Oddities) -> None:
    what = draw.randrange(100)
    if what < odd.statuses:
        row["kind"], row["a"] = r.STATUS, draw.choice(_STATUSES)
    elif what < odd.statuses + odd.trades:
        flags = draw.choice((r.REGULAR, r.REGULAR, r.REGULAR, 0, r.REGULAR | r.OFF_EXCHANGE))
        price = mids[place] + draw.choice((-2, -1, 0, 1, 2))
        row["kind"], row["flags"], row["a"], row["b"] = r.TRADE, flags, price * CENT, draw.randrange(1, 9) * NANOS
    else:
        _quote(draw, row, mids, place, odd)


def _quote(draw: Random, row: Any, mids: list[int], place: int, odd: Oddities) -> None:
    mid, half = mids[place], draw.choice((0, 1, 1, 2))
    bid, ask = mid - half, mid + 1
    sizes = [draw.randrange(1, 12) * NANOS for _ in range(2)]
    flags = 0
    if draw.randrange(100) < odd.bad_quotes:
        kind = draw.randrange(6)
        if kind == 0:
            sizes[draw.randrange(2)] = 0
        elif kind == 1:
            bid = ask + draw.randrange(2)  # locked or crossed
        elif kind == 2:
            bid, ask = mid - 30, mid + 30
        elif kind == 3:
            flags = r.SLOW_QUOTE
        elif kind == 4:
            bid = 0
        else:
            flags = r.SUSPICIOUS
    if draw.randrange(100) < odd.jumps:
        jump = draw.choice((-90, -12, 12, 90))
        bid, ask = max(1, bid + jump) if bid else 0, max(2, ask + jump)
    row["kind"], row["flags"] = r.QUOTE, flags
    row["a"], row["b"], row["c"], row["d"] = bid * CENT, ask * CENT, sizes[0], sizes[1]
