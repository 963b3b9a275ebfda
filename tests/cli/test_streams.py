"""Streams that take nothing, or are not there: no traceback, and no word that ends up in another file."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tidegate.cli.exits import NO_READER
from tidegate.values.errors import ExitCode

pytestmark = pytest.mark.req("B1.4")

COMMAND = f"{sys.executable} -m tidegate"
WAIT_S = 120
_FULL = Path("/dev/full")


def shell(command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["/bin/sh", "-c", f"{COMMAND} {command}"], capture_output=True, text=True, timeout=WAIT_S, check=False)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("--version >&-", ExitCode.OK),
        ("log stats {log} --json >&-", ExitCode.OK),
        ("log stats {log} >&- 2>&- <&-", ExitCode.OK),
        ("log stats nothing 2>&-", ExitCode.USAGE),
        ("login ann <&-", ExitCode.USAGE),
    ],
)
def test_a_stream_that_the_caller_left_closed_stops_nothing(command: str, code: int, log: Path) -> None:
    done = shell(command.format(log=log))
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_what_is_said_on_a_closed_stderr_goes_into_no_other_file(short: Path, tmp_path: Path) -> None:
    assert shell(f"replay {short} --pure --log {tmp_path}/log >&- 2>&- <&-").returncode == ExitCode.OK
    assert shell(f"verify {tmp_path}/log --pure").returncode == ExitCode.OK


@pytest.mark.skipif(not _FULL.exists(), reason="only Linux has a file that is always full")
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("log stats {log} > /dev/full", ExitCode.ENVIRONMENT),
        ("log stats {log} --json > /dev/full", ExitCode.ENVIRONMENT),
        ("log stats nothing --json > /dev/full", ExitCode.USAGE),
    ],
)
def test_a_full_output_is_one_sentence(command: str, code: int, log: Path) -> None:
    done = shell(command.format(log=log))
    assert done.returncode == code
    assert len(done.stderr.splitlines()) == 1, done.stderr


@pytest.mark.skipif(not _FULL.exists(), reason="only Linux has a file that is always full")
def test_a_full_stderr_changes_no_answer_and_no_code(short: Path, tmp_path: Path) -> None:
    done = shell(f"replay {short} --pure --log {tmp_path}/log 2> /dev/full")
    assert done.returncode == ExitCode.OK
    assert "Orders sent" in done.stdout
    assert shell("log stats nothing 2> /dev/full").returncode == ExitCode.USAGE


@pytest.mark.parametrize(("words", "code"), [(("report",), NO_READER), (("log", "stats"), NO_READER), (("log", "nothing"), ExitCode.USAGE)])
def test_a_reader_that_is_gone_hides_no_error(words: tuple[str, ...], code: int, log: Path, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    place = [str(tmp_path / "r.html")] if words == ("report",) else []
    try:
        command = [sys.executable, "-m", "tidegate", *words, str(log), *place]
        done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=WAIT_S, check=False)
    finally:
        os.close(writer)
    assert done.returncode == code
    assert bool(done.stderr) is (code == ExitCode.USAGE)
    assert "bug" not in done.stderr
