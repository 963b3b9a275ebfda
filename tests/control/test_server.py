"""The socket between real ends: who may ask, how many, how long, and what an answer is worth when something is wrong."""

import asyncio
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvloop

from tests.control.asking import FINE, Scripted, private, serving
from tidegate.control.client import ControlClient
from tidegate.control.errors import BadFrameError, NoTraderError, TraderRefusedError, TraderSilentError
from tidegate.control.frames import HEADER, REPLY_BYTES_MAX, REQUEST_BYTES_MAX, frame
from tidegate.control.home import Home
from tidegate.control.protocol import AnyRequest, Doctor, Health, Probe, Status, decode_reply, encode
from tidegate.control.replies import AnyReply, HealthReply, Refused, StatusReply
from tidegate.control.server import ControlServer, ServerSettings
from tidegate.values.errors import ExitCode, TidegateError

pytestmark = pytest.mark.req("D2.1", "F1")

READY = Health(probe=Probe.READY)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return private(tmp_path / "home")


@pytest.fixture(params=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop if request.param == "uvloop" else None) as made:
        yield made


def raw(home: Home, data: bytes) -> AnyReply | None:
    """Send bytes as they are and read one answer; None: the other end closed without one."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(20)
        sock.connect(str(home.socket))
        sock.sendall(data)
        head = sock.recv(HEADER.size)
        if not head:
            return None
        body, length = b"", HEADER.unpack(head)[0]
        while len(body) < length:
            body += sock.recv(length - len(body))
        return decode_reply(body)


def test_the_kernel_says_who_asks_under_both_loops(runner: asyncio.Runner, home: Home) -> None:
    handler = Scripted()

    async def session() -> HealthReply:
        server = ControlServer(home, handler)
        await server.start()
        try:
            return await asyncio.to_thread(ControlClient(home.socket).ask, READY, HealthReply)
        finally:
            await server.close()

    assert runner.run(session()) == FINE
    assert handler.asked == [(READY, os.geteuid())]
    assert not home.socket.exists()


def test_socket_and_folder_are_for_one_user(home: Home) -> None:
    with serving(home, Scripted()):
        assert home.socket.stat().st_mode & 0o777 == 0o600
        assert home.root.stat().st_mode & 0o777 == 0o700


def test_many_requests_go_over_one_connection(home: Home) -> None:
    handler = Scripted()
    with serving(home, handler), socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(20)
        sock.connect(str(home.socket))
        for _ in range(3):
            sock.sendall(frame(encode(READY), REQUEST_BYTES_MAX))
            length = HEADER.unpack(sock.recv(HEADER.size))[0]
            assert decode_reply(sock.recv(length)) == FINE
    assert len(handler.asked) == 3


def test_a_refusal_keeps_its_sentence_and_its_code(home: Home) -> None:
    class NoError(TidegateError):
        exit_code = ExitCode.REFUSED

    async def no(_request: AnyRequest, _uid: int) -> AnyReply:
        raise NoError("Not today; ask tomorrow.")

    with serving(home, Scripted(no)), pytest.raises(TraderRefusedError, match=r"^Not today; ask tomorrow\.$") as caught:
        ControlClient(home.socket).ask(READY, HealthReply)
    assert caught.value.exit_code is ExitCode.REFUSED


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">I", 0),
        struct.pack(">I", REQUEST_BYTES_MAX + 1),
        b"GET / HTTP/1.1\r\n\r\n",
        struct.pack(">I", 7) + b"garbage",
        frame(b'{"ask":"status","extra":1}', REQUEST_BYTES_MAX),
    ],
    ids=["empty", "oversized", "another protocol", "garbage", "unknown field"],
)
def test_what_is_no_request_is_refused_and_the_next_client_is_served(data: bytes, home: Home) -> None:
    handler = Scripted()
    with serving(home, handler):
        assert isinstance(raw(home, data), Refused)
        assert handler.asked == []
        assert ControlClient(home.socket).ask(READY, HealthReply) == FINE


def test_a_client_that_keeps_the_trader_waiting_is_let_go(home: Home) -> None:
    with serving(home, Scripted(), ServerSettings(frame_s=0.05)):
        assert raw(home, struct.pack(">I", 100) + b"half") is None
    with serving(home, Scripted(), ServerSettings(idle_s=0.05)):
        assert raw(home, b"") is None


def test_an_answer_that_does_not_come_is_a_sentence(home: Home) -> None:
    async def never(_request: AnyRequest, _uid: int) -> AnyReply:
        await asyncio.Event().wait()
        raise AssertionError

    with serving(home, Scripted(never), ServerSettings(answer_s=0.05)), pytest.raises(TraderRefusedError, match="no answer within"):
        ControlClient(home.socket).ask(READY, HealthReply)


def test_a_trader_that_hangs_is_told_from_one_that_is_not_there(home: Home) -> None:
    with pytest.raises(NoTraderError, match="tidegate up"):
        ControlClient(home.socket).ask(READY, HealthReply)
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(home.socket))
        deaf.listen(1)
        with pytest.raises(TraderSilentError, match="no answer within"):
            ControlClient(home.socket, timeout_s=0.1).ask(READY, HealthReply)


def test_a_trader_that_breaks_off_is_told(home: Home) -> None:
    async def bug(_request: AnyRequest, _uid: int) -> AnyReply:
        raise asyncio.CancelledError

    with serving(home, Scripted(bug)), pytest.raises(TraderSilentError, match="without a whole answer"):
        ControlClient(home.socket).ask(READY, HealthReply)


def test_an_answer_to_another_question_is_not_taken(home: Home) -> None:
    with serving(home, Scripted()), pytest.raises(BadFrameError, match="something else"):
        ControlClient(home.socket).ask(Status(), StatusReply)


def test_an_answer_too_long_to_send_is_refused_in_a_sentence(home: Home) -> None:
    async def flood(_request: AnyRequest, _uid: int) -> AnyReply:
        return Refused(sentence="x" * REPLY_BYTES_MAX, exit_code=1)

    with serving(home, Scripted(flood)), pytest.raises(TraderRefusedError, match="bytes"):
        ControlClient(home.socket).ask(Doctor(), HealthReply)


def test_clients_are_bounded_and_one_that_leaves_makes_room(home: Home) -> None:
    with serving(home, Scripted(), ServerSettings(clients_max=2)):
        sitting = [socket.socket(socket.AF_UNIX) for _ in range(2)]
        for sock in sitting:
            sock.settimeout(20)
            sock.connect(str(home.socket))
            sock.sendall(frame(encode(READY), REQUEST_BYTES_MAX))
            assert sock.recv(HEADER.size)
        with pytest.raises(TraderRefusedError, match="2 clients"):
            ControlClient(home.socket).ask(READY, HealthReply)
        for sock in sitting:
            sock.close()
        assert _until_served(home) == FINE


def _until_served(home: Home) -> HealthReply:
    """Ask until the server has noticed who left: it reads the end of each connection in its own time."""
    for _ in range(1_000):
        try:
            return ControlClient(home.socket).ask(READY, HealthReply)
        except TraderRefusedError:
            continue
    raise AssertionError("nobody made room")


def test_another_user_is_refused() -> None:
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("a second user needs root and setpriv")
    with _reachable() as home:
        handler = Scripted()
        with serving(home, handler):
            home.root.chmod(0o755)  # as if the folder's own protection had failed: the peer's id alone must do
            home.socket.chmod(0o666)
            code = (
                "import socket, struct, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
                "s.sendall(struct.pack('>I', 16) + b'{\"ask\":\"status\"}'); print(s.recv(4096)[4:].decode())"
            )
            command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-c", code, str(home.socket)]
            said = subprocess.run(command, capture_output=True, check=False, cwd="/", env={"PATH": os.environ["PATH"]})
            home.root.chmod(0o700)
    assert said.returncode == 0, said.stderr
    reply = decode_reply(said.stdout.strip())
    assert isinstance(reply, Refused)
    assert reply.sentence == "User 65534 may not talk to this trader; be its own user, or root."
    assert handler.asked == []


@contextmanager
def _reachable() -> Iterator[Home]:
    """A home below folders that every user may pass, which pytest's own are not."""
    root = Path(f"/tmp/tidegate-peer-{os.getpid()}")
    try:
        yield private(root)
    finally:
        shutil.rmtree(root, ignore_errors=True)
