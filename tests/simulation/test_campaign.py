"""Whole traders beside a faulty venue: nothing breaks, every fault is reached, and planted mistakes are caught."""

import pytest

from tests.simulation.planted import PLANTED
from tidegate.simulation.campaign.faults import FAULTS
from tidegate.simulation.campaign.running import BadSeedsError, parse_seeds, run_campaign
from tidegate.simulation.campaign.setting import Setting, prepare
from tidegate.simulation.campaign.world import Parts, World

pytestmark = pytest.mark.req("X2", "B2.2", "B2.3")

SEEDS = 150


@pytest.fixture(scope="module")
def setting() -> Setting:
    return prepare()


def test_no_invariant_breaks_in_a_small_campaign(setting: Setting) -> None:
    found = run_campaign(setting, range(SEEDS))
    assert [(outcome.seed, outcome.words) for outcome in found.broken] == []
    assert [name for name in FAULTS if not found.reached[name]] == []  # a whole campaign reaches each a hundred times
    assert found.events_mean >= 300
    assert found.orders_mean >= 10


def test_a_seed_reproduces_alone(setting: Setting) -> None:
    together = [World(setting, seed).run() for seed in range(40, 44)]
    assert [World(setting, seed).run() for seed in range(43, 39, -1)] == together[::-1]


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_mistake_is_caught_within_a_thousand_seeds(setting: Setting, name: str) -> None:
    parts, alone = Parts(desk=PLANTED[name]), setting._replace(engines={})  # its engines may keep the mistake
    assert any(World(alone, seed, parts).run().broken for seed in range(1_000))


def test_seeds_are_a_range_or_one() -> None:
    assert parse_seeds("3..5") == range(3, 5)
    assert parse_seeds("7") == range(7, 8)
    for bad in ("", "a..b", "5..5", "1...2", "-7", "-3..4"):
        with pytest.raises(BadSeedsError, match=r"seed"):
            parse_seeds(bad)
