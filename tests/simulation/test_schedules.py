"""No schedule of late answers breaks a limit; one that forgets what is in doubt does, and is found."""

import json

import pytest
from msgspec.structs import replace

from tidegate.cli.main import main
from tidegate.oms.order import Change
from tidegate.portfolio.portfolio import Portfolio
from tidegate.simulation.schedules import STEPS, Outcome, count, run_schedule, run_schedules

pytestmark = pytest.mark.req("B3.1", "B3.3")

SEEDS = range(600)


def test_no_schedule_breaks_a_limit_and_all_of_it_is_reached() -> None:
    found = run_schedules(SEEDS)
    assert found.broken == ()
    assert found.approved > 5 * len(SEEDS)
    assert found.refused > len(SEEDS), "the limits were pressed"
    assert found.unknown > len(SEEDS)


def test_a_seed_runs_the_same_alone() -> None:
    assert run_schedule(7) == run_schedule(7) == Outcome(7, "", run_schedule(7).approved, run_schedule(7).refused, run_schedule(7).unknown)
    assert STEPS >= 50


def without_doubt(portfolio: Portfolio, change: Change) -> None:
    """A book that takes an unknown order for one that failed."""
    if change.order.unknown:
        change = replace(change, order=replace(change.order, working=False, remaining_nanos=0))
    count(portfolio, change)


def without_working(portfolio: Portfolio, change: Change) -> None:
    """A book that counts positions alone."""
    count(portfolio, replace(change, order=replace(change.order, working=False, remaining_nanos=0)))


def without_late_fills(portfolio: Portfolio, change: Change) -> None:
    """A book that forgets the fills of what has ended."""
    count(portfolio, replace(change, fills=()) if not change.order.working else change)


@pytest.mark.parametrize("fault", [without_doubt, without_working, without_late_fills])
def test_a_planted_fault_is_found(fault: object) -> None:
    found = run_schedules(SEEDS, counting=fault)  # type: ignore[arg-type]  # each has the one signature
    assert found.broken
    assert "could" in found.broken[0].broken or "come to" in found.broken[0].broken


def test_the_verb_tells_what_it_ran(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--limits", "--seeds", "0..20", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["seeds"], told["broken"]) == (20, [])
    assert told["approved"] > 0
