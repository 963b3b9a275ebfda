"""`tidegate config …`: versions on the command line, where no trader runs."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.contract.kit import PLAIN_MILL, strategy
from tests.replay.live import loaded_config, plan_of, run_live
from tidegate.cli.main import main
from tidegate.config.reading import read_config
from tidegate.control import peers
from tidegate.engine.toolchain import Toolchain
from tidegate.kernel.mode import Mode
from tidegate.recovery.machine import make_toolchain
from tidegate.service.home_lock import lock_home
from tidegate.service.setup import version_in

pytestmark = pytest.mark.req("D2.2")

EASY = """
promotion:
  paper: {trading_days_min: 1, decisions_min: 1, drift_findings_max: 0, trips_max: 0}
  small_live: &trades
    trading_days_min: 1
    fills_min: 1
    orders_min: 1
    reject_rate_bps_max: 10000
    drift_findings_max: 0
    trips_max: 0
    slippage_bps_max: 1000
    drawdown_bps_max: 10000
  live: *trades
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TIDEGATE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def config(folder: Path, *edits: tuple[str, str], name: str = "mine.yaml", more: str = "") -> Path:
    """Write the shipped configuration, changed, with its limits in the file, so that they can be changed as well."""
    source = read_config("us-stocks")
    text, _, limits = source.source.decode().partition("\n---\n")
    text = text[: text.index("# What a version must have shown")].replace("limits_file: 2026-02\n", "") + (more or EASY)
    lines = [f"  {line}" for line in limits.splitlines() if line and not line.startswith("#")]
    text += "\nlimits:\n" + "\n".join(lines) + "\n"
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    path = folder / name
    path.write_text(text)
    return path


def version(path: Path) -> str:
    return version_in(read_config(str(path))).sha256


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(["config", *words]) == code
    return capsys.readouterr().out


def found(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(said(capsys, *words, "--json", code=code))
    return answer


def test_validate_names_the_version_and_records_nothing(tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = config(tmp_path)
    assert version(path)[:12] in said(capsys, "validate", str(path))
    answer = found(capsys, "validate", str(path))
    assert answer["sha256"] == version(path)
    assert [one["strategy_id"] for one in answer["strategies"]] == ["mean_reversion", "trend_following", "breakout"]
    assert not home.exists()


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (("spread_bps_max: 30", "spread_bp_max: 30"), "spread_bps_max"),
        (("strategy: breakout", "strategy: breakot"), "breakout"),
        (("    fills_min: 1\n", ""), "fills_min"),
    ],
)
def test_validate_refuses_what_a_trader_would(tmp_path: Path, capsys: pytest.CaptureFixture[str], edit: tuple[str, str], why: str) -> None:
    path = config(tmp_path, edit)
    assert main(["config", "validate", str(path)]) == 2
    assert why in capsys.readouterr().err


@pytest.mark.usefixtures("home")
def test_add_history_show_and_diff(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = config(tmp_path)
    tighter = config(tmp_path, ("orders_per_minute_max: 30", "orders_per_minute_max: 20"), name="tighter.yaml")
    one, other = version(path), version(tighter)
    assert "added at shadow" in said(capsys, "add", str(path))
    assert "is known" in said(capsys, "add", str(path))
    said(capsys, "stage", str(tighter), "--parent", one[:8])
    listed = found(capsys, "history")
    assert [(line["sha256"], line["parent"], line["stage"]) for line in listed["versions"]] == [(other, one, "shadow"), (one, "", "shadow")]
    assert [step["step"] for step in listed["steps"]] == ["added", "added"]
    assert one[:12] in said(capsys, "history")
    assert said(capsys, "show", one[:12]) == path.read_text().rstrip() + "\n"
    for pair in ((one[:12], other[:12]), (one[:12], str(tighter)), (str(path), str(tighter))):
        answer = found(capsys, "diff", *pair)
        assert answer["effect"] == "tighter"
        assert [(change["key"], change["before"], change["after"]) for change in answer["changes"]] == [
            ("limits.orders_per_minute_max", "30", "20")
        ]
    assert "Together: looser." in said(capsys, "diff", other[:12], one[:12])
    assert "No key differs" in said(capsys, "diff", one[:12], str(path))


@pytest.mark.usefixtures("home")
def test_what_is_not_known_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "history"]) == 3
    assert "config add FILE" in capsys.readouterr().err
    said(capsys, "add", str(config(tmp_path)))
    for words in (["promote", "abcdef123456"], ["rollback", "abcdef123456"], ["show", "abcdef123456"]):
        assert main(["config", *words]) == 2
        assert "abcdef123456" in capsys.readouterr().err


MILL = strategy(PLAIN_MILL, "two", seconds=True, hold_s=3.0, symbols=["BBB"])


@pytest.fixture(scope="module")
def log() -> Any:
    """Write a session of a version, in a mode."""
    toolchain: Toolchain = make_toolchain(Mode.COMPILED)
    loaded = loaded_config([MILL], valuation="1s")

    def write(folder: Path, digest: str, mode: str) -> Path:
        run_live(folder, plan_of(loaded, 0), toolchain, version=digest, mode=mode)
        return folder

    return write


def test_a_promotion_prints_each_criterion_and_is_refused_with_4_when_one_is_not_met(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str], log: Any
) -> None:
    path = config(tmp_path)
    digest = version(path)
    said(capsys, "add", str(path))
    log(home / "log", digest, "shadow")
    assert main(["config", "promote", digest[:12]]) == 4
    out, err = capsys.readouterr()
    for name in ("trading_days_min", "decisions_min", "drift_findings_max", "trips_max"):
        (line,) = [line for line in out.splitlines() if f" {name} " in line]
        assert "at least 1" in line or "at most 0" in line
    assert "no  " in out
    assert "is not promoted to paper" in err
    answer = found(capsys, "promote", digest[:12], code=4)
    assert answer["refused"] is True
    assert {one["name"] for one in answer["criteria"] if not one["met"]} == {"trading_days_min", "decisions_min"}
    assert found(capsys, "history")["versions"][0]["stage"] == "shadow"


def climbing(tmp_path: Path, log: Any) -> tuple[Path, str, list[Path]]:
    """Return a configuration of the strategies that the logs are of, its version, and logs of it."""
    text = f"strategies:\n  - {{strategy: {PLAIN_MILL}, id: two, eligible: [{{symbol: [CHOP], market: [CHOP], spread_bps_max: 10}}]}}\n"
    path = config(tmp_path)
    whole = path.read_text()
    first, last = whole.index("strategies:\n"), whole.index("# A strategy named on the command line alone")
    path.write_text(whole[:first] + text + whole[last:])
    digest = version(path)
    return path, digest, [log(tmp_path / mode, digest, mode) for mode in ("shadow", "paper")]


@pytest.mark.usefixtures("home")
def test_the_way_up_takes_two_persons_and_their_logs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], log: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, digest, logs = climbing(tmp_path, log)
    words = ("promote", digest[:12], *(word for log in logs for word in ("--log", str(log))))
    monkeypatch.setattr(peers, "user_name", lambda _uid: "ann")
    said(capsys, "add", str(path))
    assert "is promoted to paper" in said(capsys, *words, "--to", "paper")
    assert "a second person approves it" in said(capsys, *words, "--reason", "ten good days")
    assert main(["config", *words, "--approve"]) == 4
    assert "somebody else must approve" in capsys.readouterr().err
    monkeypatch.setattr(peers, "user_name", lambda _uid: "bob")
    assert "is promoted to small_live" in said(capsys, *words, "--approve")
    assert main(["config", "rollback", digest[:12]]) == 4
    assert "in force at small_live already" in capsys.readouterr().err
    steps = found(capsys, "history")["steps"]
    last = [step for step in steps if step["step"] == "promoted" and not step["strategy_id"]][-1]
    assert (last["actor"], last["approver"], last["reason"]) == ("ann", "bob", "ten good days")
    assert json.loads(last["evidence"])["measured"]["sessions"] == ["live0"]
    assert main(["config", *words, "--to", "nowhere"]) == 2


def test_a_home_in_use_is_not_gone_behind(tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = lock_home(home)
    try:
        assert main(["config", "add", str(config(tmp_path))]) == 3
        assert "Another `tidegate up` works" in capsys.readouterr().err
    finally:
        os.close(lock)
