"""kill -9 of the real trader, at random moments under load and at its durable writes: the next one loses and doubles nothing."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from scripts.live.dying import BOUNDARIES
from scripts.live.kills import EQUAL_S, Lane, Strike, moments
from tests.service.live.conftest import SPEED

pytestmark = pytest.mark.req("B2.2", "B2.3", "F1")

KILLS = 3  # `make kills` kills more often
AT_ONCE = 3  # lanes, each of a trader and a venue: most of such a life is waiting for a dead one's lease
LANES = {"random moments": tuple(islice(moments(seed=7), KILLS))} | {
    boundary: (Strike(boundary=boundary, at=1), Strike(boundary=boundary, at=4)) for boundary in BOUNDARIES
}


def run(tape: Path, folder: Path, strikes: Sequence[Strike]) -> None:
    """Kill the trader of an account so often, then let one live: in time it is in step, and nothing is doubled, lost or open."""
    with closing(Lane(tape, folder, speed=SPEED, seed=7)) as lane:
        for strike in strikes:
            life = lane.live(strike)
            assert life.late == "", life
        equal_s, verdict = lane.live_on()
    assert equal_s <= EQUAL_S
    assert verdict.is_clean, verdict


def test_a_trader_killed_at_random_moments_under_load_and_at_its_durable_writes_doubles_and_loses_nothing(
    tape: Path, tmp_path: Path
) -> None:
    """Every lane has a venue and an account of its own."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = {name: pool.submit(run, tape, tmp_path / f"{place}", LANES[name]) for place, name in enumerate(LANES)}
    assert {name: found for name, lane in runs.items() if (found := lane.exception()) is not None} == {}
