"""A canary for a secret: a process that reads it, fails with it, logs it and is looked into, and from which it never comes out."""

import ctypes
import io
import json
import logging
import os
import resource
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import structlog

from tests.conftest import ROOT
from tidegate.service.log_lines import ALLOWED, set_up_log
from tidegate.service.secrecy import REDACTED, Secret, UnprotectedProcessError, close_memory

pytestmark = pytest.mark.req("E1")

CANARY = "c4n4ry/sings+in-the=mine"
KEY_CANARY = "PKC4N4RYKEYID"

SCENE = """
    import logging, pickle, subprocess, sys, traceback
    from pathlib import Path
    import rich.traceback, structlog
    from rich.console import Console
    from tidegate.service.key_sources import EnvironmentKeys
    from tidegate.service.keys import read_paper_key, read_live_key
    from tidegate.service.log_lines import set_up_log
    from tidegate.service.secrecy import close_memory

    before = Path("/proc/self/environ").read_bytes() if sys.platform == "linux" else b""
    print("seen before" if sys.argv[1].encode()[::-1] in before else "not seen before")
    del before
    close_memory()
    source = EnvironmentKeys()
    key = read_paper_key([source])
    set_up_log(key.secrets)
    log = structlog.get_logger("scene")

    def call_the_venue(key):
        headers = {"secret": key.secret}
        parts = [key, source, key.secrets]
        raise RuntimeError(f"403 for {key.secret.reveal()} of {key.key_id.reveal()}")

    try:
        call_the_venue(key)
    except RuntimeError as error:
        log.exception("failed", error=error, key=key, request={"secret": key.secret.reveal()}, **{key.secret.reveal(): 1})
        logging.getLogger("aiohttp.client").exception("a library fails with %s", key.secret.reveal())
        logging.getLogger("asyncio").warning("headers %r", {"x": key.secret.reveal()})
    try:
        headers = {"secret": key.secret, "key": key, "source": vars(source)}
        raise ValueError("shown with all its locals")
    except ValueError:
        Console(file=sys.stdout).print(rich.traceback.Traceback(show_locals=True))
        structlog.dev.RichTracebackFormatter(show_locals=True)(sys.stdout, sys.exc_info())
        print(traceback.format_exc())
    try:
        read_live_key([source])
    except Exception as error:
        print(error)
    for way in (repr, str, pickle.dumps, vars):
        try:
            print(way(key))
        except TypeError as error:
            print(error)
    if sys.platform == "linux":
        for name in ("environ", "cmdline"):
            print(Path("/proc/self", name).read_bytes())
        print("undumpable" if Path("/proc/self/environ").stat().st_uid == 0 else "owned")
    print(subprocess.run(["env"], capture_output=True, text=True).stdout)
    print("end of scene")
"""


def test_a_secret_is_found_in_no_log_error_traceback_pickle_argument_or_environment() -> None:
    environment = os.environ | {
        "ALPACA_PAPER_API_KEY": KEY_CANARY,
        "ALPACA_PAPER_API_SECRET": CANARY,
        "ALPACA_API_SECRET": CANARY,  # half a live key, wiped as well
    }
    script = [sys.executable, "-c", textwrap.dedent(SCENE), CANARY[::-1]]
    done = subprocess.run(script, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.endswith("end of scene\n"), done.stderr
    if sys.platform == "linux":
        assert done.stdout.startswith("seen before"), "the canary must be where it is looked for, or the test proves nothing"
    output = done.stdout + done.stderr
    for word in (CANARY, KEY_CANARY, "c4n4ry%2Fsings"):
        assert word not in output
    assert output.count(REDACTED) > 8
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["logger"] for line in lines] == ["scene", "aiohttp.client", "asyncio"]
    assert lines[0]["left_out"] == [REDACTED, "request"]
    assert "RuntimeError: 403 for [secret] of [secret]" in lines[0]["exception"]
    assert "headers" not in lines[0]["exception"].replace('headers = {"secret": key.secret}', "")


@pytest.mark.skipif(sys.platform != "linux", reason="core dumps and /proc are told of Linux")
def test_a_closed_process_writes_no_core_and_cannot_be_read_by_its_own_user() -> None:
    scene = """
        import os, resource, sys
        from tidegate.service.secrecy import close_memory

        if os.getuid() == 0:
            os.setuid(65534)  # root may read everything
        close_memory()
        print(resource.getrlimit(resource.RLIMIT_CORE))
        child = os.fork()
        if child == 0:
            try:
                open(f"/proc/{os.getppid()}/mem", "rb")
                print("read")
            except PermissionError:
                print("refused")
            sys.stdout.flush()
            os._exit(0)
        os.waitpid(child, 0)
    """
    script = [sys.executable, "-c", textwrap.dedent(scene)]
    done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.split("\n")[0] == "(0, 0)", done.stderr
    assert "refused" in done.stdout
    assert "\nread" not in done.stdout


def test_a_system_that_does_not_close_the_process_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    with pytest.raises(UnprotectedProcessError, match="Core dumps cannot be switched off"):
        close_memory()
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: SimpleNamespace(prctl=lambda *_: -1))
    with pytest.raises(UnprotectedProcessError, match="cannot be made undumpable"):
        close_memory()
    monkeypatch.setattr(sys, "platform", "darwin")
    close_memory()


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_line_is_one_json_object_with_the_keys_of_the_list(lines: io.StringIO) -> None:
    set_up_log((Secret("hush"),), stream=lines)
    structlog.get_logger("trader").info("order sent", client_order_id="1-a", n=7, duration_ms=0.5, symbol=None, body={"all": "of it"})
    structlog.get_logger("trader").debug("not said at this level")
    (line,) = [json.loads(text) for text in lines.getvalue().splitlines()]
    assert set(line) <= ALLOWED
    assert line.pop("time").endswith("Z")
    assert line == {
        "event": "order sent",
        "level": "info",
        "logger": "trader",
        "client_order_id": "1-a",
        "n": 7,
        "duration_ms": 0.5,
        "symbol": None,
        "left_out": ["body"],
    }


def test_a_longer_secret_is_hidden_whole_even_if_it_holds_a_shorter_one(lines: io.StringIO) -> None:
    set_up_log((Secret("abc"), Secret("abcdef")), stream=lines)
    structlog.get_logger().warning("abcdef abc", reason=Secret("other"), error=ValueError("abcdef"))
    (line,) = [json.loads(text) for text in lines.getvalue().splitlines()]
    assert line["event"] == f"{REDACTED} {REDACTED}"
    assert line["error"] == REDACTED
    assert line["reason"] == "Secret([secret])"
