"""A campaign: a range of seeds, each a world of its own, and the report of what they reached."""

import gc
from collections import Counter
from collections.abc import Callable
from time import perf_counter, process_time
from typing import Final, NamedTuple

from tidegate.simulation.campaign.faults import FAULTS
from tidegate.simulation.campaign.setting import Setting
from tidegate.simulation.campaign.world import OURS, Outcome, Parts, World
from tidegate.values.errors import TidegateError

WORLDS_PER_SWEEP: Final = 50  # a world is a knot of parts that know each other: dropped together, swept now and then
REACHED_LEAST: Final = 100  # in a whole campaign of CAMPAIGN_SEEDS
CAMPAIGN_SEEDS: Final = 10_000


class BadSeedsError(TidegateError):
    """A range of seeds is not two whole numbers with two dots between them."""


class Campaign(NamedTuple):
    """What a range of seeds gave. Means are per world; `missing` lists faults that a whole campaign never reached often enough."""

    seeds: int
    broken: tuple[Outcome, ...]
    reached: dict[str, int]
    events_mean: float
    events_least: int
    orders_mean: float
    orders_least: int
    seconds: float
    cpu_seconds: float

    @property
    def missing(self) -> tuple[str, ...]:
        """Return the faults that were reached less often than a campaign of this size must reach them."""
        least = REACHED_LEAST * self.seeds // CAMPAIGN_SEEDS
        return tuple(name for name in FAULTS if self.reached[name] < least)

    @property
    def is_good(self) -> bool:
        """Tell whether nothing broke and every fault was reached."""
        return not self.broken and not self.missing


def parse_seeds(text: str) -> range:
    """Return the seeds of `A..B` (B not included) or of one number.

    Raises:
        BadSeedsError: it is neither, or below zero: the generator takes -7 for 7.
    """
    first, dots, last = text.partition("..")
    try:
        found = range(int(first), int(last)) if dots else range(int(first), int(first) + 1)
    except ValueError:
        raise BadSeedsError(f"{text!r} is no range of seeds; write 0..10000, or one number to run it alone.") from None
    if not found:
        raise BadSeedsError(f"{text!r} holds no seed; the second number must be larger than the first.")
    if found[0] < 0:
        raise BadSeedsError(f"{text!r} begins below zero; seeds are 0 and up.")
    return found


def run_campaign(setting: Setting, seeds: range, *, parts: Parts = OURS, progress: Callable[[int, int], None] | None = None) -> Campaign:
    """Run every seed's world and count."""
    gc.collect()
    gc.freeze()  # a sweep looks through what worlds have left, not through what was loaded before
    gc.disable()
    try:
        return _run(setting, seeds, parts, progress)
    finally:
        gc.enable()
        gc.unfreeze()


def _run(setting: Setting, seeds: range, parts: Parts, progress: Callable[[int, int], None] | None) -> Campaign:
    started, cpu_started = perf_counter(), process_time()
    reached: Counter[str] = Counter(dict.fromkeys(FAULTS, 0))
    broken = []
    events, orders = [], []
    for done, seed in enumerate(seeds, start=1):
        outcome = World(setting, seed, parts).run()
        if not done % WORLDS_PER_SWEEP:
            gc.collect()
        reached.update(outcome.reached)
        events.append(outcome.events)
        orders.append(outcome.orders)
        if outcome.broken:
            broken.append(outcome)
        if progress is not None:
            progress(done, len(seeds))
    return Campaign(
        seeds=len(seeds),
        broken=tuple(broken),
        reached={name: reached[name] for name in FAULTS},
        events_mean=sum(events) / len(events),
        events_least=min(events),
        orders_mean=sum(orders) / len(orders),
        orders_least=min(orders),
        seconds=perf_counter() - started,
        cpu_seconds=process_time() - cpu_started,
    )
