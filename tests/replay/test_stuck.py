"""A `decide` that does not come back ends the run with one sentence; the log keeps whole blocks and claims nothing more."""

import signal
from pathlib import Path

import pytest

from tests.contract.kit import configuration, strategy, tape_on_disk
from tests.contract.markets import Market, make_tape
from tidegate.engine.toolchain import Toolchain
from tidegate.journal import check, read
from tidegate.replay import stuck
from tidegate.replay.run import Options, run_replay
from tidegate.replay.stuck import StrategyStuckError
from tidegate.replay.verify import verify_log
from tidegate.values.errors import ExitCode

pytestmark = pytest.mark.req("A2.3", "B1.2")

ENDLESS = '''"""It never answers the third time."""

import msgspec

from tidegate.strategies.plan import ExitRule, Plan, Subscription, bps
from tidegate.strategies.strategy import Nothing

NAME = "endless"
VERSION = 1


class Params(msgspec.Struct, frozen=True, kw_only=True):
    """What can be set."""

    calls: int = 3


class State(msgspec.Struct, frozen=True):
    """How often it was asked."""

    asked: int = 0


def plan(params):
    """Ask at every second."""
    return Plan(signal="none", exits=ExitRule(stop=bps(10.0)), subscribe=Subscription(second_bars=True))


def decide(view, state, attention):
    """Loop."""
    total = 0
    if state.asked >= view.params.calls:
        for i in range(1_000_000_000_000):
            total += i
    return State(asked=state.asked + 1), Nothing(reason="asked")
'''


def test_a_decide_that_loops_for_ever_is_stopped_and_the_log_left_whole(
    compiled: Toolchain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stuck, "DECIDE_SECONDS_MAX", 1)
    source = tmp_path / "endless.py"
    source.write_text(ENDLESS)
    tape = tape_on_disk(make_tape(Market(seed=1, records=200)), tmp_path / "a.tape")
    loaded = configuration([strategy(str(source), "endless", calls=30)])
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(StrategyStuckError) as told:
        run_replay(tape, config=loaded, options=Options(log=tmp_path / "log", toolchain=compiled))
    assert told.value.exit_code is ExitCode.REFUSED
    assert str(told.value) == ("Strategy endless did not return from decide within 1 seconds; look for a loop without an end.")
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert check(tmp_path / "log") is None
    assert not read(tmp_path / "log").sealed
    assert verify_log(tmp_path / "log").match is True
