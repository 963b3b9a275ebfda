"""The kill file: whole from the first moment, nothing added is lost, what cannot be read stops everything, only a reason opens."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.control.asking import private
from tidegate.control.home import Home
from tidegate.service.sentinel import Kill, KillFileError, KillWatch, NoReasonError, clear_kills, read_kills, withdraw_kill, write_kill
from tidegate.values.enums import GateScope, RequestVerb

pytestmark = pytest.mark.req("B3.6")

EVERYTHING = (GateScope.GLOBAL, "")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return private(tmp_path / "home")


def a_kill(number: int = 1, scope: GateScope = GateScope.GLOBAL, key: str = "") -> Kill:
    return Kill(request_id=f"k{number}", scope=scope, key=key, actor="ann", reason="wrong sizes", at_ns=1_700_000_000_000_000_000 + number)


def test_kills_stand_in_the_order_in_which_they_came(home: Home) -> None:
    kills = (a_kill(1), a_kill(2, GateScope.SYMBOL, "AAPL"), a_kill(3, GateScope.STRATEGY, "crossing"))
    for kill in kills:
        assert write_kill(home, kill) == home.kill
    assert read_kills(home) == kills
    assert home.kill.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in home.root.iterdir()} == {"kill", "kill.lock"}


def test_no_file_is_no_kill_and_no_home_is_a_sentence(tmp_path: Path, home: Home) -> None:
    assert read_kills(home) == ()
    with pytest.raises(KillFileError, match="name the trader's home"):
        write_kill(Home(tmp_path / "nowhere"), a_kill())


@given(st.binary(max_size=80))
def test_a_file_that_cannot_be_read_kills_everything(tmp_path_factory: pytest.TempPathFactory, garbage: bytes) -> None:
    home = private(tmp_path_factory.mktemp("damaged"))
    home.kill.write_bytes(garbage)
    (kill,) = read_kills(home)
    assert (kill.scope, kill.key) == EVERYTHING
    write_kill(home, a_kill(1, GateScope.SYMBOL, "AAPL"))  # a smaller kill does not loosen it
    assert (read_kills(home)[0].scope, read_kills(home)[0].key) == EVERYTHING


def test_a_torn_line_kills_everything(home: Home) -> None:
    write_kill(home, a_kill(1, GateScope.SYMBOL, "AAPL"))
    home.kill.write_bytes(home.kill.read_bytes()[:-5])
    assert [kill.scope for kill in read_kills(home)] == [GateScope.GLOBAL]


def test_touch_is_enough_to_kill_and_again_after_a_resume(home: Home) -> None:
    watch = KillWatch(home)
    assert watch.poll() == ()
    home.kill.touch()
    (first,) = watch.poll()
    assert watch.written_ns == home.kill.stat().st_ctime_ns
    assert first.request().verb is RequestVerb.KILL
    assert watch.poll() == ()
    assert clear_kills(home, *EVERYTHING, reason="checked") == 1
    assert not watch.stands
    home.kill.touch()
    os.utime(home.kill, ns=(5, 5))
    (second,) = watch.poll()
    assert second.request_id != first.request_id


def test_the_watch_gives_each_kill_once(home: Home) -> None:
    watch = KillWatch(home)
    write_kill(home, a_kill(1))
    assert watch.poll() == (a_kill(1),)
    write_kill(home, a_kill(2, GateScope.SYMBOL, "AAPL"))
    assert watch.poll() == (a_kill(2, GateScope.SYMBOL, "AAPL"),)
    assert watch.poll() == ()
    assert KillWatch(home).poll() == read_kills(home)  # a trader that starts obeys all that stand


def test_a_kill_as_a_request_is_the_one_that_goes_over_the_socket(home: Home) -> None:
    request = a_kill(7, GateScope.STRATEGY, "crossing").request()
    assert (request.request_id, request.scope, request.key, request.requester, request.reason) == (
        "k7",
        GateScope.STRATEGY,
        "crossing",
        "ann",
        "wrong sizes",
    )
    assert read_kills(home) == ()


def test_a_resume_takes_away_its_own_scope_alone_and_needs_a_reason(home: Home) -> None:
    other = a_kill(2, GateScope.SYMBOL, "AAPL")
    for kill in (a_kill(1), other, a_kill(3)):
        write_kill(home, kill)
    with pytest.raises(NoReasonError, match="--reason"):
        clear_kills(home, *EVERYTHING, reason="  ")
    assert len(read_kills(home)) == 3
    assert clear_kills(home, *EVERYTHING, reason="checked") == 2
    assert read_kills(home) == (other,)
    assert clear_kills(home, *EVERYTHING, reason="checked") == 0
    assert withdraw_kill(home, "k2") == 1
    assert not home.kill.exists()


def test_nothing_is_lost_when_many_kill_at_once_while_others_resume(home: Home) -> None:
    code = (
        "import sys; from pathlib import Path; from tidegate.control.home import Home; from tidegate.service.sentinel import *; "
        "from tidegate.values.enums import GateScope; home = Home(Path(sys.argv[1])); who = sys.argv[2]\n"
        "for number in range(40):\n"
        "    write_kill(home, Kill(request_id=f'{who}-{number}', scope=GateScope.SYMBOL, key=who, actor=who, reason='', at_ns=1))\n"
        "    write_kill(home, Kill(request_id=f'{who}-x{number}', scope=GateScope.VENUE, key=who, actor=who, reason='', at_ns=1))\n"
        "    clear_kills(home, GateScope.VENUE, who, reason='a drill')\n"
    )
    names = ("ann", "bob", "cy")
    running = [subprocess.Popen([sys.executable, "-c", code, str(home.root), name]) for name in names]
    assert [process.wait(120) for process in running] == [0, 0, 0]
    found = [kill.request_id for kill in read_kills(home)]
    assert sorted(found) == sorted(f"{name}-{number}" for name in names for number in range(40))


def test_a_kill_does_not_wait_for_a_lock_that_is_never_given_back(home: Home) -> None:
    code = (
        "import fcntl, os, sys, time; lock = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600); "
        "fcntl.flock(lock, fcntl.LOCK_EX); print('held', flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", code, str(home.root / "kill.lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            write_kill(home, a_kill())
            assert read_kills(home) == (a_kill(),)
        finally:
            process.kill()
