from pathlib import Path

import pytest

from tests.cli.conftest import Tidegate
from tidegate.replay import demo
from tidegate.replay.demo import DATA_VARIABLE

pytestmark = pytest.mark.req("F4")


@pytest.fixture
def no_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without recorded data, and a market small enough for a test."""
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "empty"))
    monkeypatch.setattr("tidegate.cli.demo._EVENTS", 60_000)
    monkeypatch.setattr("tidegate.cli.demo._SYMBOLS", 1)
    return tmp_path / "demo"


def test_without_a_recording_a_market_is_generated_and_that_is_said(no_recording: Path, tidegate: Tidegate) -> None:
    said = tidegate("demo", "--out", no_recording)
    assert said.code == 0
    assert "GENERATED market" in said.err
    assert str(no_recording.parent / "empty") in said.err
    assert "GENERATED market" in said.out
    assert (no_recording / "report.html").is_file()
    tries = said.out.partition("Three things to try next:\n")[2].splitlines()
    assert len(tries) == 3
    for line in tries:
        command = line.strip().split("  ")[0]
        assert tidegate(*command[command.index(" ") :].replace("-m tidegate", "").split()).code == 0, command


def test_a_second_run_replaces_only_what_the_first_one_made(no_recording: Path, tidegate: Tidegate) -> None:
    first = tidegate("demo", "--out", no_recording, "--json").document
    (no_recording / "notes.txt").write_text("mine")
    (no_recording / "log" / "notes.txt").write_text("mine")
    second = tidegate("demo", "--out", no_recording, "--json").document
    assert second["state_sha256"] == first["state_sha256"]
    assert second["recorded"] is False
    for path in (no_recording, no_recording / "log"):
        assert (path / "notes.txt").read_text() == "mine"


def test_a_folder_of_somebody_else_is_left_alone(no_recording: Path, tidegate: Tidegate) -> None:
    no_recording.mkdir()
    (no_recording / "report.html").write_text("mine")
    said = tidegate("demo", "--out", no_recording)
    assert said.code == 2
    assert "--out" in said.sentence
    assert [path.name for path in no_recording.iterdir()] == ["report.html"]


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path, tidegate: Tidegate) -> None:
    (tmp_path / "file").write_text("")
    said = tidegate("demo", "--out", tmp_path / "file" / "demo")
    assert said.code == 3
    assert "name another folder" in said.sentence


def test_an_unknown_day_is_said(tmp_path: Path, tidegate: Tidegate) -> None:
    said = tidegate("demo", "--day", "2013-10-09", "--out", tmp_path / "demo")
    assert said.code == 2
    assert "2013-10-07 or 2013-10-08" in said.sentence
    assert not (tmp_path / "demo").exists()


def test_recordings_are_found_beside_the_project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    assert demo.places()[0] == tmp_path.parent / "shared" / "data"
    assert len(demo.places()) == 2


@pytest.mark.parametrize(("day", "symbols"), [("2013-10-07", "AIG BAC IBM SPY"), ("2013-10-08", "AIG IBM")])
def test_a_recorded_day_is_replayed(
    day: str, symbols: str, shared_data: Path, tmp_path: Path, tidegate: Tidegate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(shared_data))
    said = tidegate("demo", "--day", day, "--out", tmp_path / "demo", "--json")
    assert said.code == 0
    assert f"recorded market of {day}" in said.err
    assert said.document["recorded"] is True
    assert said.document["orders"] > 0
    assert tidegate("tape", "info", said.document["tape"], "--json").document["symbols"] == symbols.split()
