import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tidegate.config.errors import ConfigError
from tidegate.config.loading import load_strategy, parameter_cards
from tidegate.config.template import new_strategy

pytestmark = pytest.mark.req("A2.3")


def test_a_new_strategy_loads_and_its_own_test_passes(tmp_path: Path) -> None:
    strategy, test = new_strategy("sea_breeze", tmp_path)
    loaded = load_strategy(str(strategy), {})
    assert loaded.name == "sea_breeze"
    assert all(card.remark for card in parameter_cards(loaded))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", str(test)]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout
    assert "4 passed" in answer.stdout


@pytest.mark.parametrize("name", ["", "Sea", "sea breeze", "3seas", "sea-breeze", "class", "../sea", "breakout"])
def test_a_name_that_no_strategy_can_have_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        new_strategy(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("taken", ["sea_breeze.py", "test_sea_breeze.py"])
def test_nothing_is_overwritten(taken: str, tmp_path: Path) -> None:
    (tmp_path / taken).write_text("mine")
    with pytest.raises(ConfigError, match="already there"):
        new_strategy("sea_breeze", tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [taken]
    assert (tmp_path / taken).read_text() == "mine"


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="create it first"):
        new_strategy("sea_breeze", tmp_path / "nowhere")


def test_a_full_disk_leaves_no_half_strategy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really = Path.open

    def full(path: Path, *how: Any, **more: Any) -> object:
        if path.name.startswith("test_"):
            raise OSError(28, "No space left on device")
        return really(path, *how, **more)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(ConfigError, match="No space left"):
        new_strategy("sea_breeze", tmp_path)
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []
