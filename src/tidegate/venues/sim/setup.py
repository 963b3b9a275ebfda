"""Sets the simulator's rows up from tapes, instruments and settings, and checks what compiled code will trust."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tidegate.events.records import RECORD
from tidegate.kernel.compile import Compiler
from tidegate.values.time import NEVER_NS
from tidegate.venues.sim import rows
from tidegate.venues.sim.memory import CompiledMemory, Memory, PureMemory
from tidegate.venues.sim.settings import (
    BadSimSettingsError,
    OutsideHours,
    ReplaceQuantity,
    SimSettings,
    TradingHours,
)

_ALWAYS = TradingHours(open_ns=-NEVER_NS, close_ns=NEVER_NS)


class Stream(NamedTuple):
    """One tape: its records, and for each instrument number on it the place among the session's instruments (-1: not traded)."""

    records: NDArray[np.void]
    instruments: NDArray[np.int64]


def make_memory(
    streams: Sequence[Stream],
    symbols: int,
    settings: SimSettings,
    *,
    compiler: Compiler | None,
    strict: bool,
) -> Memory:
    """Return the state of a venue before its first record.

    Raises:
        BadSimSettingsError: no tape or instrument, a tape of another layout, or an instrument that is not of the session.
    """
    if not streams or symbols == 0:
        raise BadSimSettingsError("The simulated venue needs at least one tape and one instrument.")
    for rank, stream in enumerate(streams):
        _check(rank, stream, symbols)
    hours = settings.hours or (_ALWAYS,)
    layout = rows.sim_layout(
        rows.Counts(
            symbols=symbols,
            orders=settings.orders_max,
            streams=len(streams),
            maps=max(1, sum(len(stream.instruments) for stream in streams)),
            hours=len(hours),
        )
    )
    buffer = layout.new_buffer()
    head = layout.table(buffer, "head")
    head["open_ns"], head["close_ns"] = hours[0].open_ns, hours[0].close_ns
    head["disjoint"] = _are_disjoint(streams)
    head["short_selling"] = settings.short_selling
    head["replace_total"] = settings.replace_quantity is ReplaceQuantity.TOTAL
    head["queues_outside"] = settings.outside_hours is OutsideHours.QUEUE
    layout.table(buffer, "symbols")["firm"] = 1
    layout.table(buffer, "hours")["open_ns"] = [session.open_ns for session in hours]
    layout.table(buffer, "hours")["close_ns"] = [session.close_ns for session in hours]
    _lay_out_streams(streams, layout.table(buffer, "streams"), layout.table(buffer, "sources"))
    layout.table(buffer, "maps")["symbol"][: sum(len(stream.instruments) for stream in streams)] = np.concatenate(
        [stream.instruments for stream in streams]
    )
    if compiler is None:
        return PureMemory(layout, buffer, [stream.records for stream in streams], strict=strict)
    return CompiledMemory(layout, buffer, compiler)


def _check(rank: int, stream: Stream, symbols: int) -> None:
    records = stream.records
    if records.dtype != RECORD or records.ndim != 1 or not records.flags.c_contiguous:
        raise BadSimSettingsError(f"Tape {rank} is not an array of market records in one piece; import it again.")
    places = stream.instruments
    if len(places) and not (int(places.min()) >= -1 and int(places.max()) < symbols):
        raise BadSimSettingsError(f"Tape {rank} names an instrument that the session does not define.")


def _are_disjoint(streams: Sequence[Stream]) -> bool:
    """Tell whether no symbol is on two tapes, so that streams need no merging while nothing rests."""
    seen = Counter(place for stream in streams for place in set(stream.instruments.tolist()) if place >= 0)
    return not seen or max(seen.values()) == 1


def _lay_out_streams(streams: Sequence[Stream], rows_of: NDArray[np.void], sources: NDArray[np.void]) -> None:
    rows_of["watched"] = 1
    start = 0
    for rank, stream in enumerate(streams):
        length, count = len(stream.records), len(stream.instruments)
        rows_of["next_ns"][rank] = stream.records["ts_event"][0] if length else NEVER_NS
        sources[rank] = (stream.records.ctypes.data, length, start, count)
        start += count
