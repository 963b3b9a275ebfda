"""The common quotes of the benchmark, made anew from the published recipe: same numbers for every engine.

N top-of-book quotes, PCG64 seed 20240102: the mid in ticks of $0.01 is a slow random walk plus a mean-reverting part, the spread 1 to 3
ticks, sizes 100 to 2,000 shares, gaps exponential with a mean of 1 ms.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from tidegate.events.records import QUOTE, RECORD
from tidegate.tapes.format import Tape, TapeMeta
from tidegate.tapes.writer import write_tape
from tidegate.values.instruments import Instrument
from tidegate.values.money import NANOS

SEED: Final = 20240102
FIRST_NS: Final = 1_704_205_800_000_000_000  # 2024-01-02T14:30Z
TICK_NANOS: Final = NANOS // 100
_CHUNK: Final = 1_000_000

Columns = dict[str, NDArray[np.int64]]


@numba.njit  # type: ignore[untyped-decorator]  # numba is untyped
def _mean_reverting(shocks: NDArray[np.float64], pull: float) -> NDArray[np.float64]:
    path = np.empty(len(shocks))
    level = 0.0
    for place in range(len(shocks)):
        level += -pull * level + shocks[place]
        path[place] = level
    return path


def columns(count: int) -> Columns:
    """Return bid and ask in ticks, sizes in shares and times in ns."""
    random = np.random.Generator(np.random.PCG64(SEED))
    walk = np.cumsum(random.normal(0.0, 0.03, count))
    mean_reverting = _mean_reverting(random.normal(0.0, 0.35, count), 0.004)
    walk = np.abs((walk + 15_000.0) % 60_000.0 - 30_000.0) - 15_000.0  # reflected, so that prices stay positive at any count
    mid = 20_000.0 + walk + mean_reverting
    spread = random.integers(1, 4, count)
    bid = np.floor(mid - spread / 2.0).astype(np.int64)
    bid_size = random.integers(1, 21, count) * 100
    ask_size = random.integers(1, 21, count) * 100
    gaps = random.exponential(1_000_000.0, count).astype(np.int64) + 1_000
    return {"bid": bid, "ask": bid + spread, "bid_size": bid_size, "ask_size": ask_size, "ts": FIRST_NS + np.cumsum(gaps)}


def from_file(path: Path) -> Columns:
    """Return the same columns from an .npz file with prices in dollars, as the rivals read it."""
    with np.load(path) as data:
        return {
            "bid": np.round(data["bid"] * 100).astype(np.int64),
            "ask": np.round(data["ask"] * 100).astype(np.int64),
            "bid_size": data["bid_size"].astype(np.int64),
            "ask_size": data["ask_size"].astype(np.int64),
            "ts": data["ts"],
        }


def to_file(path: Path, made: Columns) -> None:
    """Write columns as the rivals read them."""
    np.savez(
        path,
        bid=np.round(made["bid"] * 0.01, 2),
        ask=np.round(made["ask"] * 0.01, 2),
        bid_size=made["bid_size"].astype(np.float64),
        ask_size=made["ask_size"].astype(np.float64),
        ts=made["ts"],
    )


def tape(path: Path, made: Columns, *, symbols: int) -> Tape:
    """Write a tape whose quotes go round the symbols in turn, and open it."""
    listed = tuple(Instrument(index=place, symbol=f"BNCH{place}", venue="sim") for place in range(symbols))
    meta = TapeMeta(symbols=listed, source="benchmark recipe", receive_time="the event's own", importer="benchmark")
    write_tape(path, chunks=_records(made, symbols), meta=meta)
    return Tape.open(path)


def _records(made: Columns, symbols: int) -> Iterator[NDArray[np.void]]:
    count = len(made["ts"])
    for first in range(0, count, _CHUNK):
        part = slice(first, min(first + _CHUNK, count))
        records = np.zeros(part.stop - first, RECORD)
        records["ts_event"] = records["ts_recv"] = made["ts"][part]
        records["instrument"] = np.arange(first, part.stop) % symbols
        records["kind"] = QUOTE
        records["a"], records["b"] = made["bid"][part] * TICK_NANOS, made["ask"][part] * TICK_NANOS
        records["c"], records["d"] = made["bid_size"][part] * NANOS, made["ask_size"][part] * NANOS
        yield records
