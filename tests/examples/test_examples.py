import importlib.util
import os
import sys
import time
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from aiohttp.test_utils import TestClient, TestServer
from nbclient import NotebookClient

from tests.conftest import ROOT
from tidegate.config.loading import load_strategy, parameter_cards
from tidegate.config.reading import read_config
from tidegate.kernel.mode import Mode
from tidegate.recovery.machine import make_toolchain
from tidegate.replay.run import Options, Replay, run_replay
from tidegate.service.setup import set_up
from tidegate.service.webhooks.signature import SIGNATURE, signature_of
from tidegate.simulation.generate import Wish, generate

pytestmark = pytest.mark.req("A2.3", "B1.4")

EXAMPLES = ROOT / "examples"
STRATEGIES = ("custom_sizing", "first_trigger", "minute_bars")


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("market") / "market.tape"
    generate(path, Wish(seed=1, events=300_000, symbols=3), progress=lambda *_: None)
    return path


def replay(tape: Path, name: str, log: Path | None = None) -> Replay:
    return run_replay(tape, strategies=str(EXAMPLES / f"{name}.py"), config="generated", options=Options(log=log))


def test_every_strategy_among_the_examples_is_tested() -> None:
    files = {path.stem for path in EXAMPLES.glob("*.py")}
    assert files == {*STRATEGIES, "read_log", "receive_webhook"}


@pytest.mark.parametrize("name", STRATEGIES)
def test_an_example_loads_and_documents_its_parameters(name: str) -> None:
    strategy = load_strategy(str(EXAMPLES / f"{name}.py"), {})
    assert strategy.name == name
    assert all(card.remark for card in parameter_cards(strategy))


def test_the_first_strategy_has_about_twenty_lines_of_code() -> None:
    lines = (EXAMPLES / "first_trigger.py").read_text().splitlines()
    code = [line for line in lines if line.strip() and not line.strip().startswith(("import", "from", '"""', "#"))]
    assert len(code) <= 20


@pytest.mark.parametrize("name", STRATEGIES)
def test_an_example_trades_and_says_why(name: str, tape: Path) -> None:
    done = replay(tape, name)
    assert done.summary.fills > 0
    assert set(done.run.decisions["strategy_id"]) == {name}
    assert done.run.decisions["sentence"].null_count() == 0


def test_a_golden_log_is_read_with_polars(
    tape: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = replay(tape, "first_trigger", tmp_path / "log")
    module = example("read_log")
    found = module.decisions(tmp_path / "log")
    assert len(found) == len(done.run.decisions)
    assert set(found["verdict"]) <= {"approved", "refused"}
    monkeypatch.setattr(sys, "argv", ["read_log.py", str(tmp_path / "log")])
    module.main()
    assert "first_trigger" in capsys.readouterr().out


@pytest.mark.req("F4")
def test_the_configuration_of_a_paper_account_is_one_that_a_trader_starts_with() -> None:
    loaded = read_config(str(EXAMPLES / "paper.yaml"))
    setup = set_up(loaded, make_toolchain(Mode.PURE))
    assert setup.tradable == ("BAC", "AIG", "IBM")
    assert len(setup.slots) == 3
    assert setup.venue == "alpaca"


def test_without_a_log_its_usage_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["read_log.py"])
    with pytest.raises(SystemExit, match="Usage: "):
        example("read_log").main()


@pytest.mark.asyncio
@pytest.mark.req("I6")
async def test_a_receiver_of_webhooks_proves_what_it_takes_and_takes_it_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret, body = "thirty-two letters of an example", b'{"id": "one-7-0", "at": "now", "event": "fill", "sentence": "filled"}'
    monkeypatch.setenv("TIDEGATE_WEBHOOK_OPS", secret)
    async with TestClient(TestServer(example("receive_webhook").application())) as client:
        for signed, status in ((secret, 204), (secret, 204), ("another secret", 400)):
            headers = {SIGNATURE: signature_of(signed, body, int(time.time()))}
            assert (await client.post("/", data=body, headers=headers)).status == status
    assert capsys.readouterr().out == "now fill filled\n"


def test_the_notebook_runs_from_its_first_cell_to_its_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setenv("JUPYTER_ALLOW_INSECURE_WRITES", "1")
    notebook = nbformat.read(EXAMPLES / "explore.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "a notebook is kept without what it printed"
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    figures = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs for cell in figures)


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, os.fspath(EXAMPLES / f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
