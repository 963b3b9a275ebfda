"""The README's run is a real one: its figures and its story come out of the commands that stand beside them."""

import re

import pytest

from tests.conftest import ROOT
from tidegate.analytics.explain import explain
from tidegate.replay.run import Replay, run_replay
from tidegate.simulation.generate import Wish, generate

pytestmark = pytest.mark.req("C2.5")

README = (ROOT / "README.md").read_text()
COMMAND = re.compile(r"tidegate tape generate market\.tape --seed (\d+) --events (\d+) --symbols (\d+)\n")


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Replay:
    found = COMMAND.search(README)
    assert found is not None
    seed, events, symbols = map(int, found.groups())
    tape = tmp_path_factory.mktemp("readme") / "market.tape"
    generate(tape, Wish(seed=seed, events=events, symbols=symbols), progress=lambda *_: None)
    return run_replay(tape, config="generated")


def test_the_figures_of_the_run_are_those_of_its_pictures(replay: Replay) -> None:
    said = re.search(r"net result −\$([\d.]+), (\d+) closed trades, (\d+) of (\d+) intents refused", README)
    assert said is not None
    refused = replay.decisions.filter(replay.decisions["verdict"] == "refused")
    assert replay.summary.pnl is not None
    net, trades = f"{-float(replay.summary.pnl):.2f}", str(len(replay.trades))
    assert said.groups() == (net, trades, str(len(refused)), str(len(replay.decisions)))


def test_the_story_of_the_order_is_told_as_the_readme_says(replay: Replay) -> None:
    block = re.search(r"```text\n(Order (\S+) of .*?)```", README, re.DOTALL)
    assert block is not None
    told = explain(replay.run, block[2]).lines()
    for line in block[1].splitlines():
        pattern = ".*".join(re.escape(part.strip()) for part in line.split("…"))
        assert any(re.match(pattern, real) for real in told), line
