import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Tidegate
from tidegate.config.finding import SHIPPED

pytestmark = pytest.mark.req("A2.3", "B1.4")


def test_strategies_are_listed_with_version_signal_and_parameters(tidegate: Tidegate) -> None:
    listed = tidegate("strategies").out
    found = tidegate("strategies", "--json").document
    assert {card["name"] for card in found["strategies"]} >= set(SHIPPED)
    assert found["broken"] == []
    for card in found["strategies"]:
        assert f"{card['name']} {card['version']}: {card['signal']}" in listed
        assert all(f"  {parameter['name']}=" in listed for parameter in card["parameters"])


def test_a_broken_package_hides_no_other(tidegate: Tidegate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.config.finding.strategy_names", lambda: ("breakout", "gone"))
    said = tidegate("strategies")
    assert said.code == 0
    assert said.out.startswith("breakout ")
    assert "'gone'" in said.sentence


def test_one_that_was_asked_for_must_be_there(tidegate: Tidegate) -> None:
    said = tidegate("strategies", "brekout")
    assert (said.code, "breakout" in said.sentence) == (2, True)


def test_a_new_strategy_works_at_once_with_its_test(tape: Path, tmp_path: Path, tidegate: Tidegate) -> None:
    made = tidegate("new", "strategy", "fresh_idea", "--in", tmp_path, "--json").document
    assert made == {"strategy": str(tmp_path / "fresh_idea.py"), "test": str(tmp_path / "test_fresh_idea.py")}
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", made["test"]],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert tested.returncode == 0, tested.stdout
    assert tidegate("strategies", made["strategy"]).out.startswith("fresh_idea 1: ")
    assert tidegate("replay", tape, "--config", "generated", "--strategy", made["strategy"], "--json").code == 0


def test_nothing_is_overwritten_and_a_bad_name_is_said(tmp_path: Path, tidegate: Tidegate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = tidegate("new", "strategy", "mine").out
    assert "--strategy ./mine.py" in shown
    for name, words in (("mine", "already there"), ("Not-A-Name", "lower case"), ("breakout", "already a strategy")):
        said = tidegate("new", "strategy", name)
        assert said.code == 2
        assert words in said.sentence
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.py", "test_mine.py"]
