"""The kill harness on trial: it passes a trader that keeps its promises, and catches each of two that do not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulators.alpaca.kit import Emulator
from tests.service.kill_harness import Finding, Kill, Suspect, Trial, Venue, every_boundary, pid_in, random_moments
from tests.service.killed_at import Boundary
from tests.service.small_trader import ACCOUNT

pytestmark = pytest.mark.req("F1")


def suspect(bug: str = "") -> Suspect:
    return Suspect(
        module="tests.service.small_trader",
        arguments=lambda home, origin: [str(home), origin, *([bug] if bug else [])],
        account=ACCOUNT,
        is_up=lambda home, pid: pid_in(home / "settled") == pid,
    )


@pytest.fixture
def venue() -> Iterator[Venue]:
    with Emulator() as emulator:
        playing = Venue(emulator, speed=5.0)
        with playing.playing():
            yield playing


def rules(findings: list[Finding]) -> set[str]:
    return {finding.rule for finding in findings}


def test_a_trader_that_keeps_its_promises_passes_at_every_boundary_it_crosses(tmp_path: Path, venue: Venue) -> None:
    trial = Trial(tmp_path, venue, suspect())
    crossed = trial.live_well()
    assert {boundary.value.split("_")[0] for boundary in crossed} >= {"ledger", "lease", "order"}
    assert trial.findings() == []
    for kill in every_boundary(crossed, counts=(2,)):
        trial.live(kill)
        trial.live_well(for_s=0.0)
        assert trial.findings() == [], kill
    assert len(venue.orders()) > trial.lives / 2


def test_random_moments_leave_nothing_open_either(tmp_path: Path, venue: Venue) -> None:
    trial = Trial(tmp_path, venue, suspect())
    for kill in random_moments(seed=7, count=3, longest_s=3.0):
        trial.live(kill)
    trial.live_well(for_s=0.0)
    assert trial.findings() == []


def test_a_trader_that_sends_again_is_caught(tmp_path: Path, venue: Venue) -> None:
    trial = Trial(tmp_path, venue, suspect("resend"))
    trial.live(Kill(Boundary.ORDER_AFTER, 2))
    trial.live_well(for_s=0.0)
    assert "no duplicate order" in rules(trial.findings())


def test_a_trader_that_loses_fills_is_caught(tmp_path: Path, venue: Venue) -> None:
    trial = Trial(tmp_path, venue, suspect("forget"))
    trial.live_well()
    trial.live(Kill(Boundary.ORDER_AFTER, 2))
    venue.emulator.step(1)
    trial.live_well(for_s=0.0, agree_s=1.0)
    assert rules(trial.findings()) >= {"no lost fill", "positions equal"}


def test_rows_that_are_left_open_and_orders_of_nobody_are_caught(tmp_path: Path, venue: Venue) -> None:
    trial = Trial(tmp_path, venue, suspect())
    trial.live(Kill(Boundary.ORDER_BEFORE, 1))
    stranger = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day", "client_order_id": "a-stranger"}
    assert venue.emulator.call("POST", "/v2/orders", json=stranger).status_code == 200
    assert rules(trial.findings()) >= {"0 outbox rows unaccounted for", "no order without a row"}


def test_the_same_seed_kills_at_the_same_moments() -> None:
    assert random_moments(1, 5, longest_s=9.0) == random_moments(1, 5, longest_s=9.0) != random_moments(2, 5, longest_s=9.0)
