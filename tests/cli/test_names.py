"""Names and words as machines really have them: no UTF-8, commands to a terminal, users without a folder."""

import json
import os
import pwd
from pathlib import Path

import pytest

from tests.cli.conftest import Tidegate
from tidegate.control.home import Home, HomeUnusableError, default_home
from tidegate.recovery.machine import kernel_cache
from tidegate.service.sentinel import read_kills
from tidegate.values.errors import ExitCode

pytestmark = pytest.mark.req("B1.4")

NO_TEXT = os.fsdecode(b"day\xff")


@pytest.mark.parametrize("words", [("tape", "info"), ("verify",), ("log", "show"), ("strategies",), ("config", "show")])
def test_a_name_that_is_no_text_is_one_sentence(words: tuple[str, ...], tidegate: Tidegate) -> None:
    said = tidegate(*words, f"./{NO_TEXT}", "--json")
    assert said.code == ExitCode.USAGE
    assert NO_TEXT in json.loads(said.out)["error"]


def test_a_strategy_file_whose_name_is_no_text_is_one_sentence(short: Path, tmp_path: Path, tidegate: Tidegate) -> None:
    said = tidegate("replay", short, "--strategy", tmp_path / f"{NO_TEXT}.py", "--config", "generated")
    assert said.code == ExitCode.USAGE
    assert "bug" not in said.sentence


@pytest.mark.req("B3.6")
def test_a_kill_goes_out_whatever_its_reason_is_made_of(tmp_path: Path, tidegate: Tidegate) -> None:
    tmp_path.chmod(0o700)
    said = tidegate("kill", "--home", tmp_path, "--yes", "--reason", NO_TEXT)
    assert said.code == ExitCode.ANSWER_IS_NO, said.err
    assert [kill.reason for kill in read_kills(Home(tmp_path))] == ["day?"]


def test_a_terminal_is_shown_commands_and_given_none(tmp_path: Path, tidegate: Tidegate) -> None:
    said = tidegate("tape", "info", tmp_path / "\x1b]0;owned\x07\x9b31m\u202egnat")
    assert said.sentence.count("\\x") == 3
    assert "\\u202egnat" in said.sentence
    assert said.sentence.isprintable()


@pytest.mark.parametrize(
    "words", [("config", "show", "~nobody-at-all/x.yaml"), ("strategies", "~nobody-at-all/x.py"), ("status", "--home", "~nobody-at-all")]
)
def test_the_folder_of_a_user_that_there_is_not_is_one_sentence(words: tuple[str, ...], tidegate: Tidegate) -> None:
    said = tidegate(*words)
    assert said.code in {ExitCode.USAGE, ExitCode.ENVIRONMENT}
    assert "~nobody-at-all" in said.sentence


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without a folder of his own, as a container has."""

    def unknown(_uid: int) -> pwd.struct_passwd:
        raise KeyError

    for name in ("HOME", "TIDEGATE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)


@pytest.mark.usefixtures("homeless")
def test_a_user_without_a_folder_names_the_traders(tmp_path: Path, tidegate: Tidegate) -> None:
    said = tidegate("status")
    assert said.code == ExitCode.ENVIRONMENT
    assert "--home or TIDEGATE_HOME" in said.sentence
    with pytest.raises(HomeUnusableError):
        default_home({})
    tmp_path.chmod(0o700)
    assert tidegate("kill", "--home", tmp_path, "--yes").code == ExitCode.ANSWER_IS_NO
    assert len(read_kills(Home(tmp_path))) == 1
    assert tidegate("logout", "--home", tmp_path).code in {ExitCode.OK, ExitCode.ANSWER_IS_NO}
    assert kernel_cache() == ""
