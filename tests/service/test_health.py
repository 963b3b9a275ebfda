"""The health file and the two questions asked of it."""

from pathlib import Path

import msgspec
import pytest

from tidegate.service.health import STALE_NS, ChildHealth, Health, NoHealthError, judge, read_health, write_health
from tidegate.service.restarts import ChildState

pytestmark = pytest.mark.req("F1")

NOW_NS = 1_000_000_000_000
TRADER = ChildHealth(name="trader", state=ChildState.RUNNING, pid=7, restarts=0, last_exit=None)
HEALTH = Health(
    written="2026-11-28T12:00:00.000000000Z", written_monotonic_ns=NOW_NS, pid=1, stopping=False, children=(TRADER,), beats=True,
    beat_age_ms=100, stage="ready", silent=False,
)  # fmt: skip


def changed(**fields: object) -> Health:
    return msgspec.structs.replace(HEALTH, **fields)


@pytest.mark.parametrize(
    ("health", "live", "ready", "why"),
    [
        (HEALTH, True, True, "ready"),
        (changed(stage="starting"), True, False, "the trader is starting"),
        (changed(stage=""), True, False, "the trader is not up yet"),
        (changed(stage="", beats=False), True, True, "ready"),
        (changed(closing="sentinel"), True, False, "the watchdog is closing the account (sentinel)"),
        (changed(silent=True, beat_age_ms=6_000), False, False, "the trader does not beat (newest beat 6.0 s ago)"),
        (
            changed(children=(TRADER, msgspec.structs.replace(TRADER, name="notify", state=ChildState.OVER, essential=False))),
            True,
            True,
            "ready",
        ),
        (
            changed(children=(msgspec.structs.replace(TRADER, state=ChildState.WAITING),)),
            False,
            False,
            "the trader is waiting",
        ),
    ],
)
def test_live_and_ready_have_one_reason_each(health: Health, *, live: bool, ready: bool, why: str) -> None:
    assert judge(health, NOW_NS, ready=False).ok == live
    verdict = judge(health, NOW_NS, ready=True)
    assert (verdict.ok, verdict.why) == (ready, why)


@pytest.mark.parametrize(("age_ns", "live"), [(0, True), (STALE_NS, True), (STALE_NS + 1, False), (-1, False)])
def test_an_old_file_and_one_from_before_a_restart_of_the_machine_are_no_life(age_ns: int, *, live: bool) -> None:
    assert judge(HEALTH, NOW_NS + age_ns, ready=False).ok == live


def test_a_file_is_replaced_whole_and_read_back(tmp_path: Path) -> None:
    write_health(tmp_path, changed(pid=2))
    write_health(tmp_path, HEALTH)
    assert read_health(tmp_path) == HEALTH
    assert [path.name for path in tmp_path.iterdir()] == ["health.json"]


@pytest.mark.parametrize("text", [None, "", "{}", "no json"])
def test_no_file_and_one_that_is_none_say_what_to_do(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "health.json").write_text(text)
    with pytest.raises(NoHealthError, match="start it with `tidegate up`, or name its --home"):
        read_health(tmp_path)
