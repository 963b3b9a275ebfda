"""Options that say nothing, or no number: refused before anything is asked of a trader."""

from pathlib import Path

import pytest

from tests.cli.conftest import Tidegate
from tidegate.control.home import Home
from tidegate.service.sentinel import read_kills
from tidegate.values.errors import ExitCode

pytestmark = pytest.mark.req("B1.4", "B3.6", "D2.1")


@pytest.mark.parametrize("option", ["--strategy", "--symbol", "--venue", "--account"])
@pytest.mark.parametrize(
    "verb", [("pause",), ("resume", "--reason", "x"), ("flatten", "--yes"), ("kill", "--yes")], ids=lambda verb: verb[0]
)
def test_an_empty_scope_is_not_everything(verb: tuple[str, ...], option: str, tmp_path: Path, tidegate: Tidegate) -> None:
    tmp_path.chmod(0o700)
    said = tidegate(*verb, option, "", "--home", tmp_path)
    assert said.code == ExitCode.USAGE
    assert f"Invalid value for {option}: it is empty; name one, or leave the option out" in said.sentence.replace("'", "")
    assert read_kills(Home(tmp_path)) == ()


@pytest.mark.parametrize(
    "words",
    [
        ("kill", "--yes", "--wait"),
        ("approvals", "wait", "x", "--timeout"),
        ("up", "--demo", "--speed"),
        ("emulate", "alpaca", "--speed"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("number", ["nan", "inf"])
def test_a_time_that_never_comes_is_not_waited_for(words: tuple[str, ...], number: str, tmp_path: Path, tidegate: Tidegate) -> None:
    home = () if words[0] == "emulate" else ("--home", tmp_path)
    said = tidegate(*words, number, *home)
    assert said.code == ExitCode.USAGE
    assert number in said.sentence
