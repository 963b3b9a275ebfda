"""What only a process of its own can show: signals, full disks, closed pipes, bugs, memory."""

import errno
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer

from tests.cli.conftest import Tidegate
from tidegate.cli.exits import BUG, INTERRUPTED, NO_READER, Guard, UsageProblemError, ending_of
from tidegate.journal import read
from tidegate.replay.reading import read_log
from tidegate.values.errors import ExitCode

pytestmark = pytest.mark.req("B1.4")

COMMAND = (sys.executable, "-m", "tidegate")
WAIT_S = 120


def run(*arguments: object, file_bytes_max: int | None = None) -> "subprocess.CompletedProcess[str]":
    def limit() -> None:
        if file_bytes_max is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes_max, file_bytes_max))

    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, preexec_fn=limit, check=False)


def test_exit_codes_and_streams_of_a_real_process(short: Path, tmp_path: Path) -> None:
    done = run("replay", short, "--pure", "--json", "--log", tmp_path / "log")
    assert done.returncode == 0
    assert json.loads(done.stdout)["events"] == 3_000
    assert len(done.stdout.splitlines()) == 1
    assert "configuration: generated" in done.stderr
    assert run("explain", "nobody", "--log", tmp_path / "log").returncode == 1
    assert run("frobnicate").returncode == 2


def test_ctrl_c_leaves_a_log_that_is_whole_up_to_its_last_block(tape: Path, tmp_path: Path, tidegate: Tidegate) -> None:
    log = tmp_path / "log"
    command = [*COMMAND, "replay", str(tape), "--pure", "--batch", "10", "--log", str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + WAIT_S
        while not _has_decided(log):
            assert process.poll() is None, "it ended before it could be interrupted"
            assert time.monotonic() < deadline
            time.sleep(0.02)  # the only way to watch another process write
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == INTERRUPTED
    assert err.splitlines()[-1] == f"Interrupted; the log {log} is whole up to its last block."
    assert "Traceback" not in err
    assert out == ""
    assert tidegate("log", "recover", log).code == 0
    assert read(log).sealed is False


def _has_decided(log: Path) -> bool:
    """Tell whether the writer has put blocks behind the opening."""
    return any(path.stat().st_size > 200_000 for path in log.glob("*.seg"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_end_while_the_command_is_being_loaded_is_one_sentence(number: signal.Signals) -> None:
    code = (
        "import runpy, signal, sys\n"
        "class Pressed:\n"
        "    def find_spec(self, name, *rest):\n"
        f"        if name == 'tidegate.cli.main': exec('signal.raise_signal({int(number)})')\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "sys.meta_path.insert(0, Pressed())\n"
        "runpy.run_module('tidegate', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (INTERRUPTED, "", "Interrupted; nothing is left half written.\n")


@pytest.mark.parametrize("signals", [(signal.SIGTERM,), (signal.SIGHUP,), (signal.SIGINT, signal.SIGTERM, signal.SIGINT)])
def test_whatever_asks_a_command_to_end_leaves_nothing_half_written(signals: tuple[signal.Signals, ...], tmp_path: Path) -> None:
    command = [*COMMAND, "tape", "generate", str(tmp_path / "market.tape"), "--events", "100000000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + WAIT_S
        while not list(tmp_path.iterdir()):
            assert process.poll() is None, "it ended before it could be interrupted"
            assert time.monotonic() < deadline
            time.sleep(0.02)  # the only way to watch another process write
        for number in signals:
            process.send_signal(number)
            time.sleep(0.01)  # those of one kind that come together are one
        out, err = process.communicate(timeout=WAIT_S)
    assert (process.returncode, out, err) == (INTERRUPTED, "", "Interrupted; nothing is left half written.\n")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_ends_with_one_sentence_and_a_readable_log(tape: Path, tmp_path: Path, tidegate: Tidegate) -> None:
    log, report = tmp_path / "log", tmp_path / "r.html"
    done = run("replay", tape, "--pure", "--log", log, "--report", report, "--config", "generated", file_bytes_max=150_000)
    assert done.returncode == ExitCode.ENVIRONMENT
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert str(log) in done.stderr
    assert done.stdout == ""
    assert not report.exists()
    assert tidegate("log", "recover", log).code == 0
    assert tidegate("log", "stats", log).code == 0


@pytest.mark.parametrize("what", ["tape", "report", "export"])
def test_a_full_disk_leaves_nothing_half_written(what: str, log: Path, tmp_path: Path) -> None:
    calls: dict[str, tuple[object, ...]] = {
        "tape": ("tape", "generate", tmp_path / "g.tape", "--events", 20_000, "--symbols", 1),
        "report": ("report", log, tmp_path / "r.html"),
        "export": ("log", "export", log, tmp_path / "l.jsonl"),
    }
    done = run(*calls[what], file_bytes_max=60_000)
    assert done.returncode == ExitCode.ENVIRONMENT
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_goes_away_is_no_error(log: Path) -> None:
    command = [*COMMAND, "log", "show", str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        said = process.stderr.read()
    assert process.returncode == NO_READER
    assert said == ""


def test_a_closed_output_is_no_error_either() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run([*COMMAND, "--help"], stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (NO_READER, "")


def test_a_terminal_of_few_letters_stops_nothing(log: Path) -> None:
    order = read_log(log).orders["client_order_id"][0]
    command = [*COMMAND, "explain", order, "--log", str(log)]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert "? gate_state" in done.stdout


@pytest.mark.parametrize("asked", ["0", "1"])
def test_a_bug_is_one_sentence_that_says_where_to_report_it(asked: str) -> None:
    code = (
        "import sys, tidegate.journal; from tidegate.cli.main import main; del tidegate.journal.read; sys.exit(main(['log', 'stats', 'x']))"
    )
    environment = os.environ | {"TIDEGATE_TRACEBACK": asked}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == BUG
    assert "This is a bug in tidegate (ImportError" in done.stderr.splitlines()[-1]
    assert "issue tracker" in done.stderr
    assert ("Traceback" in done.stderr) is (asked == "1")


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (MemoryError(), 3, "not enough memory"),
        (OSError(errno.ENOSPC, "No space left on device", "/full/tape"), 3, "/full/tape: No space left on device"),
        (KeyboardInterrupt(), 130, "Interrupted"),
        (typer.Abort(), 130, "Interrupted"),
        (typer.Exit(1), 1, ""),
        (BrokenPipeError(), 141, ""),
        (RecursionError("deep\ndown"), 70, "RecursionError: deep down"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_whatever_ends_a_verb_has_a_code_and_at_most_one_sentence(error: BaseException, code: int, words: str) -> None:
    ending = ending_of(error)
    assert ending.code == code
    assert words in ending.sentence
    assert "\n" not in ending.sentence
    assert bool(ending.sentence) is bool(words)


def test_a_sentence_ends_however_long_a_cell_or_a_name_is() -> None:
    sentence = ending_of(UsageProblemError(f"row 1: {'9' * 1_000_000} is too large; correct the source.")).sentence
    assert len(sentence) < 8_000
    assert sentence.startswith("row 1: 999")
    assert sentence.endswith("is too large; correct the source.")


def test_a_guard_passes_nothing_on(capsys: pytest.CaptureFixture[str]) -> None:
    with Guard(["x", "--json"]) as guard:
        raise MemoryError
    caught = capsys.readouterr()
    assert guard.code == 3
    assert json.loads(caught.out) == {"error": caught.err.strip(), "exit_code": 3}
