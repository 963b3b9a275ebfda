"""kill -9 of the real trader, at random moments under load and at its durable writes: the next one loses and doubles nothing."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from scripts.live.dying import BOUNDARIES
from scripts.live.kills import EQUAL_S, Lane, Strike, moments
from tests.service.live.conftest import SPEED

pytestmark = pytest.mark.req("B2.2", "B2.3", "F1")

KILLS = 3  # `make kills` kills more often


@pytest.fixture
def lane(tape: Path, tmp_path: Path) -> Iterator[Lane]:
    running = Lane(tape, tmp_path, speed=SPEED, seed=7)
    yield running
    running.close()


def assert_whole(lane: Lane) -> None:
    """Let a trader live: within the time it is in step, and nothing is doubled, lost or open."""
    equal_s, verdict = lane.live_on()
    assert equal_s <= EQUAL_S
    assert verdict.is_clean, verdict


def test_a_trader_killed_at_random_moments_under_load_doubles_and_loses_nothing(lane: Lane) -> None:
    for strike in islice(moments(seed=7), KILLS):
        life = lane.live(strike)
        assert life.late == "", life
    assert_whole(lane)


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_trader_killed_at_a_durable_write_doubles_and_loses_nothing(lane: Lane, boundary: str) -> None:
    for at in (1, 4):
        assert lane.live(Strike(boundary=boundary, at=at)).late == ""
    assert_whole(lane)
