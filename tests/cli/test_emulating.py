"""`tidegate emulate`: it starts, says where it is, answers, stops at Ctrl-C; and what keeps it from starting is one sentence."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Tidegate
from tidegate.events.records import QUOTE, RECORD
from tidegate.tapes.format import TapeMeta
from tidegate.tapes.writer import write_tape
from tidegate.values.enums import InstrumentKind
from tidegate.values.instruments import Instrument
from tidegate.values.money import NANOS

pytestmark = pytest.mark.req("X3", "B1.4")

COMMAND = (sys.executable, "-m", "tidegate", "emulate", "alpaca")
WAIT_S = 120


def asked(url: str, said: dict[str, str]) -> dict[str, object]:
    headers = {"APCA-API-KEY-ID": said["key"], "APCA-API-SECRET-KEY": said["secret"]}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=WAIT_S) as answer:
        found: dict[str, object] = json.load(answer)
        return found


@pytest.mark.parametrize("given", [("--pure", "--speed", "1000"), ("--pure", "--speed", "0", "--cash", "2500")])
def test_it_says_where_it_is_answers_and_stops_at_ctrl_c(short: Path, given: tuple[str, ...]) -> None:
    command = [*COMMAND, "--port", "0", "--tape", str(short), "--json", *given]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        account = asked(said["rest"] + "/v2/account", said)
        assert account["cash"] == ("2500" if "--cash" in given else "100000")
        assert asked(said["rest"] + "/emulator/state", said)["is_open"] is True
        while "1000" in given and asked(said["rest"] + "/emulator/state", said)["records_played"] == 0:
            assert process.poll() is None, "it ended before it played anything"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0, err
    assert err.splitlines()[-1] == "Stopped."
    assert "Traceback" not in err


def test_without_a_tape_it_plays_a_generated_market_and_tells_how_to_reach_it() -> None:
    with subprocess.Popen([*COMMAND, "--pure", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(10)]
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0, err
    assert err.startswith("GENERATED market")
    assert "G01" in lines[0]
    assert any("TradingClient(" in line and "url_override=" in line for line in lines)


def test_a_port_that_is_taken_is_one_sentence(short: Path, tidegate: Tidegate) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = tidegate("emulate", "alpaca", "--tape", short, "--pure", "--port", port)
    assert said.code == 3
    assert said.sentence == f"Port {port} of 127.0.0.1 is taken or not allowed; choose another with --port."


def test_what_cannot_be_is_one_sentence(short: Path, tmp_path: Path, tidegate: Tidegate) -> None:
    faults = tmp_path / "faults.yaml"
    faults.write_text("- {kind: thunder}")
    words = tmp_path / "words.tape"
    words.write_text("not a tape")
    events = tmp_path / "events.tape"
    _write(events, InstrumentKind.EVENT_CONTRACT)
    for arguments, part in (
        (("--tape", tmp_path / "nowhere.tape"), "cannot be read"),
        (("--tape", words), "is not a tape"),
        (("--tape", events), "holds no share and no option contract"),
        (("--tape", short, "--faults", faults), "is not a list of faults"),
        (("--tape", short, "--faults", tmp_path / "none.yaml"), "faults file"),
        (("--tape", short, "--reference", faults), "is not reference data"),
        (("--tape", short, "--speed", 5_000), "Speed 5000 is not from 0"),
        (("--tape", short, "--from", "noon"), "is no time to begin at"),
        (("--tape", short, "--from", "03:00"), "is not on the tape"),
        (("--tape", short, "--cash", "much"), "'much' is not a decimal number"),
    ):
        said = tidegate("emulate", "alpaca", "--pure", "--port", 0, *arguments)
        assert said.code == 2, said.err
        assert part in said.sentence


def _write(path: Path, kind: InstrumentKind) -> None:
    records = np.zeros(1, RECORD)
    records["ts_event"] = records["ts_recv"] = 1_709_562_600_000_000_000
    records["kind"], records["a"], records["b"], records["c"], records["d"] = QUOTE, NANOS // 2, NANOS // 2, NANOS, NANOS
    meta = TapeMeta(
        symbols=(Instrument(index=0, symbol="RAIN", venue="kalshi", kind=kind),), source="test", receive_time="as given", importer="test"
    )
    write_tape(path, chunks=iter([records]), meta=meta)
