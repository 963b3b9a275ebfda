"""`python -m scripts.soak`: market hours through emulator and trader, faster than they pass, with memory, files and tasks watched.

The market is generated for as many hours as are asked for, day after day. Exit 1 where, after the warm-up, the trader's resident memory
grows by 5 % or more, its open files do not stay flat, or a task fails and nobody hears of it.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from scripts.live.books import Verdict, compare
from scripts.live.pair import Account, TraderProcess, Venue, heed_sigterm, wait_for
from tidegate.kernel.mode import Mode
from tidegate.recovery.machine import make_toolchain
from tidegate.simulation.generate import Wish, generate

DAY_HOURS: Final = 6.5
REST_HOURS: Final = 0.1  # too short a day to say anything
EVENTS_AN_HOUR: Final = 46_000
WARM_UP: Final = 0.25  # of the samples; caches fill, tables reach their size
GROWTH_MAX: Final = 0.05
FILES_MAX: Final = 2  # more than at the warm-up's end, connections left out: a snapshot or a segment that is being written
CONNECTIONS_MAX: Final = 64  # kept alive by the client: as many as may be in flight at once, cancels, streams
UNHANDLED: Final = ("was never retrieved", "Traceback", "exception in callback", "Exception in callback")
SAMPLE_S: Final = 2.0
ACCOUNT: Final = "mill"


class Sample(NamedTuple):
    """What a moment looked like."""

    market_s: float
    rss_mb: float
    files: int  # without connections
    connections: int
    threads: int


def sample(pid: int, market_s: float) -> Sample:
    """Look at a process."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    names = [name for name in map(_target, Path(f"/proc/{pid}/fd").iterdir()) if name]
    connections = sum(name.startswith("socket:") for name in names)
    return Sample(market_s, int(status["VmRSS"].split()[0]) / 1024, len(names) - connections, connections, int(status["Threads"]))


def _target(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:  # closed meanwhile
        return ""


class Day(NamedTuple):
    """One trading day: its samples, what the trader said, what the venue and the books came to."""

    samples: list[Sample]
    said: str
    verdict: Verdict
    market_hours: float
    wall_s: float
    events: int


def soak(tape: Path, home: Path, *, speed: float, hours: float) -> Day:
    """Trade so many hours of a day."""
    began = time.monotonic()
    samples: list[Sample] = []
    with Venue(tape, speed=speed) as venue, TraderProcess(Account(home, venue.origin)) as trader:
        wait_for("the trader to connect", lambda: bool(venue.state()["trading_streams"]) or not trader.is_alive)
        first = venue.state()
        market_s = 0.0
        while trader.is_alive and market_s < hours * 3_600 and not (now := venue.state())["tape_is_over"]:
            market_s = (now["now_ns"] - first["now_ns"]) / 1e9
            samples.append(sample(trader.pid, market_s))
            time.sleep(SAMPLE_S)
        events = venue.state()["records_played"] - first["records_played"]
        code = trader.stop() if trader.is_alive else trader.ended()
        if code:
            raise SystemExit(f"the trader ended with {code}: {trader.said()}")
        return Day(samples, trader.said(), compare(home, venue), market_s / 3_600, time.monotonic() - began, events)


def growth(day: Day) -> tuple[float, int]:
    """Return by what share memory grew after the warm-up, and how many files more were open at worst."""
    settled = day.samples[int(len(day.samples) * WARM_UP) :]
    tenth = max(1, len(settled) // 10)
    first, last = (statistics.median(one.rss_mb for one in part) for part in (settled[:tenth], settled[-tenth:]))
    return last / first - 1, max(one.files for one in settled) - settled[0].files


def figures(days: list[Day]) -> dict[str, object]:
    """Return what the days came to; memory and files are looked at within each."""
    every = [one for day in days for one in day.samples]
    return {
        "market_hours": round(sum(day.market_hours for day in days), 2),
        "times_as_fast": round(sum(day.market_hours for day in days) * 3_600 / sum(day.wall_s for day in days), 1),
        "market_records": sum(day.events for day in days),
        "orders": sum(day.verdict.orders for day in days),
        "fills": sum(day.verdict.fills for day in days),
        "resident_mb_first_and_last": [round(every[0].rss_mb, 1), round(every[-1].rss_mb, 1)],
        "memory_growth_after_warm_up": [round(growth(day)[0], 4) for day in days],
        "files_more_than_after_warm_up": [growth(day)[1] for day in days],
        "connections_max": max(one.connections for one in every),
        "threads_max": max(one.threads for one in every),
        "unhandled": [line for day in days for line in day.said.splitlines() if any(word in line for word in UNHANDLED)],
        "unclean": [str(day.verdict) for day in days if not day.verdict.is_clean],
    }


def main() -> int:
    """Soak, and print the figures."""
    heed_sigterm()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0, metavar="H", help="of the market")
    parser.add_argument(
        "--speed",
        type=float,
        default=64.0,
        metavar="X",
        help="seconds of the market per second; starts and ends of days take some, so that 60 are left",
    )
    wish = parser.parse_args()
    days: list[Day] = []
    with tempfile.TemporaryDirectory(prefix="tidegate-soak-") as folder:
        make_toolchain(Mode.COMPILED)  # kept on the disk: a day does not pass while its trader compiles
        left = wish.hours
        while left > REST_HOURS:
            tape = Path(folder) / f"{len(days)}.tape"
            events = int(EVENTS_AN_HOUR * DAY_HOURS)
            generate(tape, Wish(seed=len(days), events=events, symbols=4), progress=lambda _done, _total: None)
            days.append(soak(tape, Path(folder) / f"home-{len(days)}", speed=wish.speed, hours=min(left, DAY_HOURS)))
            print(f"day {len(days)}: {days[-1].samples[-1]}, {days[-1].verdict}", file=sys.stderr, flush=True)
            left -= days[-1].market_hours
    told = figures(days)
    print(msgspec.json.format(msgspec.json.encode(told), indent=2).decode())
    return int(not _is_flat(days) or bool(told["unhandled"]) or bool(told["unclean"]))


def _is_flat(days: list[Day]) -> bool:
    growths, files = zip(*map(growth, days), strict=True)
    connections = max(one.connections for day in days for one in day.samples)
    return max(growths) < GROWTH_MAX and max(files) <= FILES_MAX and connections <= CONNECTIONS_MAX


if __name__ == "__main__":
    sys.exit(main())
