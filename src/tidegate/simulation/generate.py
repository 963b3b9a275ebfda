"""A generated market as a tape: the same wish gives the same bytes, and its meta says what was planted."""

from collections.abc import Iterator
from datetime import date, datetime, time
from itertools import pairwise
from pathlib import Path
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from tidegate.simulation.book import Carried, make_carried, make_records
from tidegate.simulation.errors import BadMarketError
from tidegate.simulation.flow import Flow, Pace, make_flow, make_pace
from tidegate.simulation.latent import Latent, make_latent
from tidegate.simulation.plan import ANOMALIES, FUTURE_NS, SYMBOLS_MAX, Plan, Special, halt_news, make_plan
from tidegate.tapes.format import Planted, TapeMeta
from tidegate.tapes.parts import Progress
from tidegate.tapes.writer import write_tape
from tidegate.values.time import SECOND_NS, ns_of

Records: TypeAlias = NDArray[np.void]

BLOCK_EVENTS: Final = 1 << 18
EVENTS_MAX: Final = 10**10  # 640 GB
DAY: Final = date(2024, 3, 4)
RECEIVE_TIME: Final = "drawn: the venue's time plus a feed delay of about 0.3 ms, first in first out"

_NEW_YORK: Final = ZoneInfo("America/New_York")
_OPEN: Final = time(9, 30)
_DELAY_SECONDS: Final = 3.0e-4
_DELAY_SIGMA: Final = 0.4
_VENUE_GRAIN_NS: Final = 1_000


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """Which market is to be made. The same wish gives the same bytes."""

    seed: int = 1
    events: int = 1_000_000  # market records in all, planted ones among them
    symbols: int = 5  # traded ones; an index that prints trades alone comes on top
    day: date = DAY


def generate(out: Path, wish: Wish, *, progress: Progress) -> TapeMeta:
    """Write the tape of a generated market.

    Args:
        out: the tape to write.
        wish: which market.
        progress: told after each block of events.

    Returns:
        The meta of the tape; `planted` lists each anomaly with the records that show it.

    Raises:
        BadMarketError: too few events for the symbols or too many for a disk, no symbols or too many, or a day at a weekend.
        TapeNotWrittenError: the disk refused.
    """
    _check(wish)
    rng = Generator(PCG64(wish.seed))
    plan = make_plan(rng, symbols=wish.symbols)
    ordinary = wish.events - len(plan.specials.seconds)
    if ordinary < wish.symbols:
        raise BadMarketError(
            f"{wish.events} events are too few for {wish.symbols} symbols and what is planted among them; "
            f"ask for {len(plan.specials.seconds) + 10 * wish.symbols} or more."
        )
    market = _Market(wish, plan, rng)
    meta = TapeMeta(
        symbols=plan.instruments,
        source=f"generated market, seed {wish.seed}, {wish.symbols} symbols and an index, {wish.day}",
        receive_time=RECEIVE_TIME,
        importer="generate 1",
        planted=tuple(_unplaced(name) for name, _, _ in ANOMALIES),
    )
    return write_tape(out, chunks=market.blocks(ordinary, progress), meta=meta, finish=market.with_planted)


class _Market:
    """The making of one tape: what is settled, what is carried on, where special records came to lie."""

    def __init__(self, wish: Wish, plan: Plan, rng: Generator) -> None:
        self._plan = plan
        self._rng = rng
        self._open_ns = ns_of(datetime.combine(wish.day, _OPEN, _NEW_YORK))
        self._latent: Latent = make_latent(rng, prices=plan.prices, jump=halt_news(rng, plan))
        self._pace: Pace = make_pace(self._latent.activity, plan)
        self._carried: Carried = make_carried(plan, self._latent)
        self._last_ns = 0
        self._written = 0
        self._places: dict[Special, list[tuple[int, int, int]]] = {}  # record, receive time, symbol

    def blocks(self, ordinary: int, progress: Progress) -> Iterator[Records]:
        """Yield the records of the day in order."""
        edges = np.linspace(0, ordinary, -(-ordinary // BLOCK_EVENTS) + 1).astype(int)
        for number, (first, last) in enumerate(pairwise(edges)):
            shares = (float(first / ordinary), float(last / ordinary))
            flow = make_flow(self._rng, self._plan, self._pace, count=int(last - first), shares=shares)
            records = make_records(self._rng, self._plan, self._latent, flow, self._carried)
            self._set_times(records, flow)
            self._note_specials(records, flow)
            yield records
            progress(number + 1, len(edges) - 1)

    def with_planted(self, meta: TapeMeta) -> TapeMeta:
        """Return the meta with the places of what was planted."""
        return msgspec.structs.replace(meta, planted=tuple(self._planted(*anomaly) for anomaly in ANOMALIES))

    def _planted(self, name: str, first: Special, last: Special) -> Planted:
        begins, ends = self._places[first][0], self._places[last][-1]
        is_everywhere = first == Special.FEED_DOWN
        return Planted(
            kind=name,
            symbol="" if is_everywhere else self._plan.instruments[begins[2]].symbol,
            first_record=begins[0],
            last_record=ends[0],
            from_ns=begins[1],
            until_ns=ends[1],
        )

    def _set_times(self, records: Records, flow: Flow) -> None:
        since_open = np.rint(flow.seconds * (SECOND_NS / _VENUE_GRAIN_NS)).astype(np.int64) * _VENUE_GRAIN_NS
        event = self._open_ns + since_open
        delay = self._rng.lognormal(np.log(_DELAY_SECONDS), _DELAY_SIGMA, len(records)) * SECOND_NS
        recv = event + delay.astype(np.int64)
        recv[0] = max(int(recv[0]), self._last_ns)
        records["ts_recv"] = np.maximum.accumulate(recv)
        records["ts_event"] = event + np.where(flow.special == Special.FUTURE, FUTURE_NS, 0)
        self._last_ns = int(records["ts_recv"][-1])

    def _note_specials(self, records: Records, flow: Flow) -> None:
        for row in np.flatnonzero(flow.special):
            place = (self._written + int(row), int(records["ts_recv"][row]), int(flow.symbol[row]))
            self._places.setdefault(Special(int(flow.special[row])), []).append(place)
        self._written += len(records)


def _check(wish: Wish) -> None:
    if not 1 <= wish.symbols <= SYMBOLS_MAX:
        raise BadMarketError(f"A generated market has 1 to {SYMBOLS_MAX} symbols, not {wish.symbols}; ask for some.")
    if wish.events > EVENTS_MAX:
        raise BadMarketError(f"A generated market has {EVENTS_MAX} events at most, not {wish.events}; ask for fewer.")
    if wish.seed < 0:
        raise BadMarketError(f"A seed is 0 or more, not {wish.seed}; choose another.")
    if wish.day.isoweekday() > 5:  # noqa: PLR2004 - Friday
        raise BadMarketError(f"{wish.day} is at a weekend; choose a day from Monday to Friday.")


def _unplaced(name: str) -> Planted:
    """Return a planted anomaly that takes as much room in the header as it ever can."""
    return Planted(kind=name, symbol="X" * 8, first_record=2**62, last_record=2**62, from_ns=2**62, until_ns=2**62)
