"""The whole service as a user starts it: real processes, an emulated venue, a supervisor; ended by Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tidegate.cli.main import main

PATIENCE_S = 240.0


def tidegate(*words: str, home: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | ({"TIDEGATE_HOME": str(home)} if home is not None else {})
    return subprocess.run([sys.executable, "-m", "tidegate", *words], capture_output=True, text=True, check=False, env=environment)


def until(ask: Any, what: str, process: "subprocess.Popen[str]") -> Any:
    """Ask again and again until there is an answer."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = ask()
        if found:
            return found
        assert process.poll() is None, f"it ended before {what}"
        time.sleep(0.5)
    raise AssertionError(f"{what} did not come in {PATIENCE_S:g} s")


@pytest.mark.req("F1", "X1", "B1.3")
def test_the_demo_trades_answers_and_stops_cleanly_and_its_log_verifies(tmp_path: Path) -> None:
    said = (tmp_path / "said").open("w")
    folder = tmp_path / "demo"
    words = [sys.executable, "-m", "tidegate", "up", "--demo", "--home", str(folder), "--speed", "20"]
    service = subprocess.Popen(words, stdout=said, stderr=said, text=True)
    try:
        home = folder / "home-1"
        until((home / "trader.sock").exists, "the trader's socket", service)

        def trading() -> dict[str, Any] | None:
            asked = tidegate("status", "--json", home=home)
            found: dict[str, Any] = json.loads(asked.stdout) if asked.returncode == 0 else {}
            return found if found.get("trading") else None

        status = until(trading, "trading", service)
        assert status["mode"] == "paper"
        assert tidegate("limits", home=home).returncode == 0
        assert tidegate("positions", "--json", home=home).returncode == 0
        service.send_signal(signal.SIGINT)
        assert service.wait(timeout=60) == 0
    finally:
        if service.poll() is None:
            service.kill()
            service.wait()
        said.close()
    told = (tmp_path / "said").read_text()
    assert "stopping" in told
    assert "Traceback" not in told
    assert tidegate("status", home=home).returncode == 3
    verified = tidegate("verify", str(home / "log"), "--json")
    assert json.loads(verified.stdout)["match"] is True


@pytest.mark.req("D2.2")
@pytest.mark.parametrize("mode", ["small-live", "live"])
def test_the_demo_moves_no_real_money(mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "--demo", "--mode", mode]) == 4
    assert "emulated paper account" in capsys.readouterr().err


@pytest.mark.req("D2.2", "E1")
@pytest.mark.parametrize(("mode", "stage"), [("small-live", "small_live"), ("live", "live")])
def test_a_configuration_that_was_not_promoted_moves_no_real_money(
    mode: str, stage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidegate.service.upstart.close_memory", lambda: None)
    assert main(["up", "--config", "us-stocks", "--mode", mode, "--home", str(tmp_path / "home")]) == 4
    said = capsys.readouterr().err
    assert f"needs a configuration that holds stage {stage}" in said
    assert "holds shadow" in said
    assert not (tmp_path / "home").exists(), "nothing was made"


@pytest.mark.parametrize(("words", "why"), [(["up"], "--config"), (["up", "--demo", "--config", "us-stocks"], "configuration of its own")])
def test_a_call_that_says_too_little_or_too_much_is_one_sentence(words: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert why in capsys.readouterr().err
