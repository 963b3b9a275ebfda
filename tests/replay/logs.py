"""Replays on disk: a tape file, a configuration, a run with a golden log, and the same log written again with one thing changed."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.contract.kit import NEAR, PLAIN_MILL, TRIGGER_MILL, Latencies, configuration, strategy, tape_on_disk
from tests.contract.markets import Market, make_tape
from tidegate.engine.toolchain import Toolchain
from tidegate.events.session import SessionOpened
from tidegate.journal import Entry, EntryKind, LogWriter, read
from tidegate.replay.run import Options, Replay, run_replay


class Recorded(NamedTuple):
    """A replay and where its log stands."""

    replay: Replay
    log: Path
    tapes: tuple[Path, ...]


def mills() -> list[Any]:
    return [
        strategy(TRIGGER_MILL, "one", every=4, hold_s=2.0, symbols=["AAA"], style=1, life=1, live_for_s=1.0, policy=2),
        strategy(PLAIN_MILL, "two", seconds=True, hold_s=3.0, symbols=["BBB"]),
    ]


def record(
    folder: Path,
    toolchain: Toolchain,
    *,
    markets: Sequence[Market] = (Market(seed=3, records=600),),
    latencies: Latencies = NEAR,
    strategies: Sequence[Any] = (),
    batch: int | None = None,
) -> Recorded:
    """Replay markets from tapes on disk and keep the log."""
    folder.mkdir(parents=True, exist_ok=True)
    tapes = [tape_on_disk(make_tape(market), folder / f"{place}.tape") for place, market in enumerate(markets)]
    loaded = configuration(strategies or mills(), latencies=latencies)
    log = folder / "log"
    options = Options(log=log, toolchain=toolchain, batch=batch)
    return Recorded(run_replay(tapes, config=loaded, options=options), log, tuple(tapes))


Change = Callable[[int, Entry], bytes | None]


def written_again(
    log: Path,
    to: Path,
    change: Change,
    *,
    opening: Callable[[SessionOpened], SessionOpened] = lambda opening: opening,
    sealed: bool = True,
    marks: bool = True,
) -> Path:
    """Write a log anew, checksums and all. `change` gives the bytes of each act; None leaves it out."""
    reader = read(log)
    writer = LogWriter(to, opening(reader.opening), block_bytes_max=4_096)
    for place, entry in enumerate(reader.entries()):
        if marks and entry.kind in (EntryKind.INPUT, EntryKind.SPAN) and entry.n > 1:
            writer.judged(entry.n - 1)
        if entry.kind is EntryKind.INPUT:
            writer.input(entry.n, bytes(entry.payload))
        elif entry.kind is EntryKind.SPAN:
            writer.span(entry.n, entry.count)
        elif entry.kind is EntryKind.ACT:
            body = change(place, entry)
            if body is not None:
                writer.act(entry.n, entry.k, body)
    if sealed:
        writer.close(state_sha256=reader.state_sha256)
    else:
        writer.flush()
        writer.abandon()
    return to


def as_it_is(_place: int, entry: Entry) -> bytes:
    return bytes(entry.payload)


def acts_in(log: Path) -> list[tuple[int, int, int, bytes]]:
    """Return (place among all entries, n, k, bytes) of each act."""
    return [
        (place, entry.n, entry.k, bytes(entry.payload)) for place, entry in enumerate(read(log).entries()) if entry.kind is EntryKind.ACT
    ]
