"""The doctor sees what is wrong, changes nothing, shows no key, and says what to do."""

import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.control.asking import Scripted, private, serving
from tests.service.test_keys import Shelf
from tidegate.clock.clock import WallClock
from tidegate.control.home import Home
from tidegate.control.protocol import AnyRequest
from tidegate.control.replies import AnyReply, CheckLine, DoctorReply
from tidegate.service.doctor import examine
from tidegate.service.doctor_line import Grade, Line
from tidegate.service.doctor_venue import UnknownPlaceError, check_keys, check_skew
from tidegate.service.keys import KeySource, KeySourceError
from tidegate.service.ledger.opening import open_engine
from tidegate.venues.alpaca.access import local_hosts

pytestmark = pytest.mark.req("F1")

PAPER = {"ALPACA_PAPER_API_KEY": "PKCANARY", "ALPACA_PAPER_API_SECRET": "canary-secret"}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return private(tmp_path / "home")


def found(home: Home, environment: dict[str, str] | None = None, *, mode: str = "", kept: bool = True) -> dict[str, Line]:
    lines = examine(home, lambda _origin: [Shelf(environment or {})], mode=mode, venue="", kernels_kept=kept)
    return {line.name: line for line in lines}


def shelf(values: dict[str, str]) -> Callable[[], list[KeySource]]:
    return lambda: [Shelf(values)]


def test_a_new_machine_has_nothing_that_fails_and_nothing_is_made(tmp_path: Path) -> None:
    home = Home(tmp_path / "nowhere")
    lines = found(home, kept=False)
    assert {line.grade for line in lines.values()} <= {Grade.OK, Grade.WARN}
    assert {name for name, line in lines.items() if line.grade is Grade.WARN} >= {"kernels", "home", "keys"}
    assert not home.root.exists()
    for line in lines.values():
        assert bool(line.advice) is (line.grade is not Grade.OK)


def test_a_home_open_to_others_fails_with_what_to_type(home: Home) -> None:
    home.root.chmod(0o755)
    line = found(home)["home"]
    assert line.grade is Grade.FAIL
    assert f"chmod 700 {home.root}" in line.advice


def test_the_ledgers_version_is_read_without_touching_it(home: Home) -> None:
    engine, _ = open_engine(home.ledger)
    engine.dispose()
    assert found(home)["ledger"].grade is Grade.OK
    home.ledger.chmod(0o644)
    assert found(home)["ledger"].grade is Grade.WARN
    home.ledger.chmod(0o600)
    with sqlite3.connect(home.ledger) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'of the future'")
    connection.close()
    line = found(home)["ledger"]
    assert line.grade is Grade.FAIL
    assert "upgrade" in line.advice


def test_a_ledger_that_is_none_fails(home: Home) -> None:
    home.ledger.write_bytes(b"not a database, and long enough to be looked at as one " * 40)
    home.ledger.chmod(0o600)
    assert found(home)["ledger"].grade is Grade.FAIL


def test_a_log_without_a_session_is_no_failure_and_a_damaged_one_is(home: Home) -> None:
    home.log.mkdir()
    assert found(home)["log"].grade is Grade.OK
    (home.log / "000001.seg").write_bytes(b"\0" * 4096)
    assert found(home)["log"].grade in {Grade.OK, Grade.FAIL}


def test_keys_are_found_by_mode_and_never_shown() -> None:
    for mode in ("", "paper", "shadow", "dry-run"):
        line = check_keys(shelf(PAPER), mode)
        assert line == Line(Grade.OK, "keys", "a paper key is in shelf (ALPACA_PAPER_API_KEY)")
    assert check_keys(shelf({}), "").grade is Grade.WARN
    assert check_keys(shelf({}), "paper").grade is Grade.FAIL
    assert check_keys(shelf(PAPER), "live").grade is Grade.FAIL
    half = check_keys(shelf({"ALPACA_PAPER_API_KEY": "PKCANARY"}), "paper")
    assert half.grade is Grade.FAIL
    assert "has ALPACA_PAPER_API_KEY but not ALPACA_PAPER_API_SECRET" in half.advice
    wrong = check_keys(shelf({"APCA_API_KEY_ID": "AKCANARY", "APCA_API_SECRET_KEY": "s"}), "paper")
    assert wrong.grade is Grade.FAIL
    assert "is a live key" in wrong.advice
    assert "CANARY" not in str(wrong)
    with pytest.raises(UnknownPlaceError, match="small-live"):
        check_keys(shelf({}), "papr")


@pytest.mark.req("E3")
def test_a_place_of_keys_that_cannot_be_read_fails_even_where_no_mode_is_named(home: Home) -> None:
    def broken(_origin: str) -> list[KeySource]:
        raise KeySourceError("The identity x can be read by others; run chmod 600 on it.")

    lines = {line.name: line for line in examine(home, broken, mode="", venue="paper", kernels_kept=True)}
    for name in ("keys", "clock"):
        assert (lines[name].grade, lines[name].advice) == (Grade.FAIL, "The identity x can be read by others; run chmod 600 on it.")


@pytest.mark.req("E3")
def test_the_places_are_looked_into_once_and_those_of_an_emulator_are_its_own(home: Home) -> None:
    asked: list[str] = []

    def places(origin: str) -> list[KeySource]:
        asked.append(origin)
        return [Shelf({})]

    for venue in ("", "live", "http://127.0.0.1:9/"):
        examine(home, places, mode="", venue=venue, kernels_kept=True)
    assert asked == ["", "", "http://127.0.0.1:9"]
    with pytest.raises(UnknownPlaceError, match="is no venue"):
        examine(home, places, mode="", venue="https://example.com", kernels_kept=True)


def test_no_clock_is_asked_anywhere_but_where_it_is_named() -> None:
    with pytest.raises(UnknownPlaceError):
        check_skew(shelf(PAPER), "https://example.com")
    line = check_skew(shelf({}), "paper")
    assert line.grade is Grade.FAIL
    assert "ALPACA_PAPER_API_KEY" in line.advice
    nobody = check_skew(shelf(PAPER), "http://127.0.0.1:9")
    assert nobody.grade is Grade.FAIL
    assert "canary" not in str(nobody).lower()


def test_a_kill_file_is_a_warning(home: Home) -> None:
    home.kill.touch()
    line = found(home)["kill file"]
    assert line.grade is Grade.WARN
    assert "empty" in line.seen


def test_a_running_traders_own_findings_are_told(home: Home) -> None:
    async def answer(_request: AnyRequest, _uid: int) -> AnyReply:
        checks = (
            CheckLine(name="lease", ok=True, seen="epoch 4"),
            CheckLine(name="log", ok=False, seen="it has ended", advice="make room"),
        )
        return DoctorReply(mode="paper", session="s", checks=checks)

    with serving(home, Scripted(answer)):
        lines = found(home)
    assert lines["trader"].seen == "paper, session s"
    assert lines["trader: lease"].grade is Grade.OK
    assert (lines["trader: log"].grade, lines["trader: log"].advice) == (Grade.FAIL, "make room")


def test_a_trader_that_hangs_fails(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.service.doctor.PATIENCE_S", 0.1)
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(home.socket))
        deaf.listen(1)
        line = found(home)["trader"]
    assert line.grade is Grade.FAIL
    assert "may hang" in line.advice


def test_the_clock_against_an_emulator_is_near(monkeypatch: pytest.MonkeyPatch) -> None:
    from tidegate.service import doctor_venue

    async def near(_access: object, hosts: object) -> tuple[int, int]:
        assert hosts == local_hosts("http://127.0.0.1:8700")
        return 400_000_000, 1_000_000

    monkeypatch.setattr(doctor_venue, "_skew", near)
    line = check_skew(shelf(PAPER), "http://127.0.0.1:8700/")
    assert line.grade is Grade.WARN
    assert "+400 ms" in line.seen
    assert WallClock().now_ns() > 0
