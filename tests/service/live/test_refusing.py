"""What keeps a trader from starting is one sentence that says what to do, and an exit code that says whose move it is."""

import os
import socket
from pathlib import Path

import pytest

from scripts.live.pair import CONFIG, Account, TraderProcess, Venue, wait_for
from tidegate.values.errors import ExitCode

pytestmark = pytest.mark.req("F1", "X1")


def refused(trader: TraderProcess) -> tuple[int, str]:
    """Return exit code and sentence of a trader that does not start; anything but one sentence fails."""
    with trader:
        code = trader.ended()
    expected = ("kernels", "compil", "first-admin")  # told at every start, or at one without an admin
    said = "".join(line for line in trader.err if not any(word in line for word in expected))
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) == 1, said
    return code, said.strip()


def test_a_missing_key_is_named(quiet_venue: Venue, tmp_path: Path) -> None:
    code, said = refused(TraderProcess(Account(tmp_path / "home", quiet_venue.origin), key="", secret=""))
    assert code == ExitCode.ENVIRONMENT
    assert "ALPACA_PAPER_API_KEY" in said


def test_a_live_key_is_refused_in_a_paper_mode(quiet_venue: Venue, tmp_path: Path) -> None:
    code, said = refused(TraderProcess(Account(tmp_path / "home", quiet_venue.origin), key="AKLIVE", secret="of-a-live-key"))
    assert code == ExitCode.REFUSED
    assert "of-a-live-key" not in said


def test_a_key_that_the_venue_refuses_ends_the_start(quiet_venue: Venue, tmp_path: Path) -> None:
    code, said = refused(TraderProcess(Account(tmp_path / "home", quiet_venue.origin), key="PKWRONG", secret="not-the-secret"))
    assert code == ExitCode.ENVIRONMENT
    assert "key" in said
    assert "not-the-secret" not in said


def test_a_port_where_nobody_listens_is_named(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{free.getsockname()[1]}"
        code, said = refused(TraderProcess(Account(tmp_path / "home", origin)))
    assert code == ExitCode.ENVIRONMENT
    assert said.startswith(f"No emulator answers at {origin}")


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_home_that_cannot_be_written_to_is_named(quiet_venue: Venue, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    code, said = refused(TraderProcess(Account(tmp_path / "home", quiet_venue.origin)))
    assert code == ExitCode.ENVIRONMENT
    assert "--home" in said


def test_a_home_that_cannot_be_made_is_named(quiet_venue: Venue, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    code, said = refused(TraderProcess(Account(tmp_path / "file" / "home", quiet_venue.origin)))
    assert code == ExitCode.ENVIRONMENT
    assert "--home" in said


def test_a_configuration_without_instruments_is_refused(quiet_venue: Venue, tmp_path: Path) -> None:
    bare = tmp_path / "bare.yaml"
    text = CONFIG.read_text()
    bare.write_text(text[: text.index("instruments:")] + text[text.index("features:") :].replace("strategy: mill.py", "strategy: breakout"))
    code, said = refused(TraderProcess(Account(tmp_path / "home", quiet_venue.origin, bare)))
    assert code == ExitCode.USAGE
    assert "instruments" in said


def test_a_log_that_is_damaged_before_its_end_is_not_gone_on_from(venue: Venue, account: Account) -> None:
    with TraderProcess(account) as trader:
        wait_for("a fill", lambda: bool(venue.fills()) or not trader.is_alive)
        assert trader.stop() == 0, trader.said()
    segment = min((account.home / "log").glob("*.seg"))
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 0xFF
    segment.write_bytes(content)
    code, said = refused(TraderProcess(account))
    assert code == ExitCode.ANSWER_IS_NO
    assert "damaged" in said


def test_an_emulator_that_goes_away_is_waited_for(tape: Path, tmp_path: Path) -> None:
    with Venue(tape, speed=20) as venue, TraderProcess(Account(tmp_path / "home", venue.origin)) as trader:
        wait_for("a fill", lambda: bool(venue.fills()) or not trader.is_alive)
        venue.popen.kill()
        venue.popen.wait()
        wait_for("the stream's end in the log", lambda: _is_told_down(tmp_path / "home" / "log") or not trader.is_alive)
        assert trader.stop() == 0, trader.said()
    assert "Traceback" not in trader.said()


def _is_told_down(log: Path) -> bool:
    from scripts.live.books import messages
    from tidegate.events.inputs import StreamChanged

    downs = [message for message in messages(log) if isinstance(message, StreamChanged) and not message.up]
    return {message.stream for message in downs} == {"market", "orders"} and len(downs) >= 3
