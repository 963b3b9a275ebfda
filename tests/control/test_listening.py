"""One trader a home: a living one is respected, hung or not; what a dead one left is replaced."""

import os
import signal
import socket
from pathlib import Path

import pytest

from tests.control.asking import FINE, Scripted, other_trader, private, serving
from tidegate.control.client import ControlClient
from tidegate.control.errors import SocketTakenError, SocketUnusableError, TraderSilentError
from tidegate.control.home import Home, HomeUnusableError, default_home
from tidegate.control.listening import listen_at
from tidegate.control.protocol import Health, Probe
from tidegate.control.replies import HealthReply

pytestmark = pytest.mark.req("F1")


def test_a_living_trader_is_respected_even_while_it_hangs(tmp_path: Path) -> None:
    home = private(tmp_path)
    with other_trader(home) as process:
        with pytest.raises(SocketTakenError, match="already; stop it first"):
            listen_at(home)
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(SocketTakenError):
            listen_at(home)
        with pytest.raises(TraderSilentError):
            ControlClient(home.socket, timeout_s=0.1).ask(Health(probe=Probe.LIVE), HealthReply)
        process.send_signal(signal.SIGCONT)


def test_the_home_goes_with_the_lease_and_a_sleeper_that_ends_leaves_the_new_socket_alone(tmp_path: Path) -> None:
    home = private(tmp_path)
    with other_trader(home) as process:
        process.send_signal(signal.SIGSTOP)
        second = listen_at(home, takes_over=True)
        with pytest.raises(SocketTakenError):
            listen_at(home)
        process.send_signal(signal.SIGCONT)
    sleeper = second._replace(inode=second.inode + 1, sock=socket.socket(), lock=os.open(os.devnull, os.O_RDONLY))
    sleeper.close()
    assert home.socket.exists()
    second.close()
    assert not home.socket.exists()


def test_the_socket_of_a_killed_trader_is_replaced(tmp_path: Path) -> None:
    home = private(tmp_path)
    with other_trader(home) as process:
        process.kill()
        process.wait()
    assert home.socket.exists()
    with serving(home, Scripted()):
        assert ControlClient(home.socket).ask(Health(probe=Probe.LIVE), HealthReply) == FINE


def test_a_home_can_be_listened_in_again(tmp_path: Path) -> None:
    home = private(tmp_path)
    for _ in range(2):
        listen_at(home).close()
    assert not home.socket.exists()


def test_a_file_that_is_no_socket_is_not_replaced(tmp_path: Path) -> None:
    home = private(tmp_path)
    home.socket.write_text("mine")
    for _ in range(2):  # and the home is free for the next try
        with pytest.raises(SocketUnusableError, match="no socket"):
            listen_at(home)
    assert home.socket.read_text() == "mine"


def test_a_path_too_long_for_a_socket_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SocketUnusableError, match="shorter folder"):
        listen_at(private(tmp_path / ("x" * 120)))


def test_a_home_that_others_may_enter_is_refused_with_what_to_type(tmp_path: Path) -> None:
    home = private(tmp_path / "open")
    home.root.chmod(0o750)
    with pytest.raises(HomeUnusableError, match=f"chmod 700 {home.root}"):
        listen_at(home)


def test_a_missing_home_is_made_for_one_user(tmp_path: Path) -> None:
    home = Home(tmp_path / "deep" / "home")
    with pytest.raises(HomeUnusableError, match="no home folder"):
        home.check()
    home.make()
    assert home.root.stat().st_mode & 0o777 == 0o700
    assert home.root.stat().st_uid == os.geteuid()


def test_the_home_is_named_or_the_users_own() -> None:
    assert default_home({"TIDEGATE_HOME": "/x"}) == Path("/x")
    assert default_home({"XDG_DATA_HOME": "/data"}, "linux") == Path("/data/tidegate")
    assert default_home({}, "linux") == Path.home() / ".local/share/tidegate"
    assert default_home({}, "darwin") == Path.home() / "Library/Application Support/tidegate"
