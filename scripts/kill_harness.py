"""`python -m scripts.kill_harness`: kill -9 of the trader at random moments under load and at its durable writes, against the emulator.

After each restart: no duplicate order, no lost fill, positions equal within 30 s of the reconnect, no outbox row unaccounted for.
Prints the figures as JSON; exit 1 where one of these does not hold.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from scripts.live.books import Verdict
from scripts.live.dying import BOUNDARIES
from scripts.live.kills import Lane, Life, Strike, moments
from scripts.live.pair import heed_sigterm
from tidegate.kernel.mode import Mode
from tidegate.recovery.machine import make_toolchain
from tidegate.simulation.generate import Wish, generate

_LIVES_A_LANE: Final = 20  # then a new account at a new emulator: a tape ends
_EVENTS: Final = 300_000
_SEEN_SHARE: Final = 3  # of so many lives at least one must have been seen in step


class Done(NamedTuple):
    """A lane's lives, and what was found at its end; `error`: what ended it early."""

    lives: list[Life]
    equal_s: float | None
    verdict: Verdict | None
    error: str


def strikes(seed: int, *, boundaries: bool) -> Iterator[Strike]:
    """Yield random moments, or the first writes of every boundary in turn, without end."""
    if not boundaries:
        yield from moments(seed)
    for place, boundary in enumerate(cycle(BOUNDARIES)):
        yield Strike(boundary=boundary, at=1 + seed % 7 + place // len(BOUNDARIES))


def run_lane(tape: Path, seed: int, count: int, *, speed: float, boundaries: bool) -> Done:
    """Kill one account's trader so often, then let it live and look."""
    lives: list[Life] = []
    with tempfile.TemporaryDirectory(prefix="tidegate-kills-") as folder:
        lane = Lane(tape, Path(folder), speed=speed, seed=seed)
        try:
            for strike in islice(strikes(seed, boundaries=boundaries), count):
                lives.append(lane.live(strike))
                print(f"lane {seed}: {lives[-1]}", file=sys.stderr, flush=True)
            equal_s, verdict = lane.live_on()
        except (RuntimeError, TimeoutError) as error:
            return Done(lives, None, None, f"lane {seed}: {error}")
        finally:
            lane.close()
    return Done(lives, equal_s, verdict, "")


def figures(done: list[Done]) -> dict[str, object]:
    """Return what all lanes came to."""
    lives = [life for one in done for life in one.lives]
    equal = [life.equal_s for life in lives if life.equal_s is not None] + [one.equal_s for one in done if one.equal_s is not None]
    verdicts = [one.verdict for one in done if one.verdict is not None]
    return {
        "kills": len(lives),
        "at_boundaries": sum(bool(life.strike.boundary) for life in lives),
        "restarts_seen_in_step": len(equal),
        "in_step_s_median": round(statistics.median(equal), 2) if equal else None,
        "in_step_s_max": round(max(equal), 2) if equal else None,
        "not_in_step_in_time": [life.late for life in lives if life.late],
        "orders": sum(verdict.orders for verdict in verdicts),
        "fills": sum(verdict.fills for verdict in verdicts),
        "duplicates": [name for verdict in verdicts for name in verdict.duplicates],
        "orders_without_a_row": [name for verdict in verdicts for name in verdict.unknown],
        "lost_fills": [name for verdict in verdicts for name in verdict.lost_fills],
        "rows_unaccounted_for": [name for verdict in verdicts for name in verdict.open_rows],
        "positions_that_differ": [verdict.positions for verdict in verdicts if verdict.positions],
        "errors": [one.error for one in done if one.error],
    }


def main() -> int:
    """Run the campaign."""
    heed_sigterm()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, metavar="N")
    parser.add_argument("--lanes", type=int, default=2, metavar="N", help="accounts at work at the same time")
    parser.add_argument("--speed", type=float, default=20.0, metavar="X", help="seconds of the tape per second")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--boundaries", action="store_true", help="kill at durable writes instead of random moments")
    wish = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tidegate-kills-") as folder:
        tape = Path(folder) / "market.tape"
        generate(tape, Wish(seed=3, events=_EVENTS, symbols=4), progress=lambda _done, _total: None)
        make_toolchain(Mode.COMPILED)  # kept on the disk: a trader that compiles until it is killed shows nothing
        lives = min(_LIVES_A_LANE, -(-wish.kills // wish.lanes))
        counts = [min(lives, wish.kills - first) for first in range(0, wish.kills, lives)]
        with ThreadPoolExecutor(wish.lanes) as pool:
            runs = [
                pool.submit(run_lane, tape, wish.seed + place, count, speed=wish.speed, boundaries=wish.boundaries)
                for place, count in enumerate(counts)
            ]
            told = figures([run.result() for run in runs])
    print(msgspec.json.format(msgspec.json.encode(told), indent=2).decode())
    if len([life for run in runs for life in run.result().lives if life.equal_s is not None]) * _SEEN_SHARE < wish.kills:
        print("Too few of the restarts lived long enough to come into step: this shows nothing.", file=sys.stderr)
        return 1
    bad = (
        "not_in_step_in_time",
        "duplicates",
        "orders_without_a_row",
        "lost_fills",
        "rows_unaccounted_for",
        "positions_that_differ",
        "errors",
    )
    return int(any(told[name] for name in bad))


if __name__ == "__main__":
    sys.exit(main())
