"""Users of a real trader: from its one-time token to a login, through a kill -9, with every call a process of its own."""

import json
import time
from pathlib import Path
from typing import Final

import pyotp
import pytest

from scripts.live.pair import Account, TraderProcess, Venue, wait_for
from tests.service.live.people import PASSWORD, Shell, token_of

pytestmark = pytest.mark.req("E2", "D2.1")

STEP_S: Final = 30


def next_code(secret: str) -> str:
    """Wait for a code that was not used yet."""
    used = int(time.time()) // STEP_S
    wait_for("the next code", lambda: int(time.time()) // STEP_S > used)
    return pyotp.TOTP(secret).now()


def test_users_outlive_a_killed_trader_and_logins_do_not(quiet_venue: Venue, tmp_path: Path) -> None:
    account = Account(tmp_path / "home", quiet_venue.origin)
    shell = Shell(account, tmp_path / "state")
    with TraderProcess(account, "--mode", "dry-run") as trader:
        token = token_of(trader, shell)
        assert token, trader.said()
        assert shell.call("whoami")[1]["role"] is None
        code, made = shell.call("users", "first-admin", "ann", "--password-stdin", lines=(token, PASSWORD))
        assert code == 0
        assert shell.call("pause")[0] == 4, "there is a user now"
        totp = pyotp.TOTP(made["secret"]).now()
        assert shell.call("login", "ann", "--password-stdin", lines=(PASSWORD, totp))[0] == 0
        code, paused = shell.call("pause")
        assert (code, paused["requester"]) == (0, "ann")
        assert shell.call("login", "ann", "--password-stdin", lines=(PASSWORD, totp))[0] == 4, "a code opens once"
        trader.kill()
    with TraderProcess(account, "--mode", "dry-run", "--patient") as again:
        assert token_of(again, shell) == ""
        assert shell.call("login", "ann", "--password-stdin", lines=(PASSWORD, totp))[0] == 4, "after a restart as well"
        assert shell.call("whoami")[1]["role"] is None
        assert shell.call("pause")[0] == 4
        assert shell.call("kill")[0] == 0
        assert shell.call("login", "ann", "--password-stdin", lines=(PASSWORD, next_code(made["secret"])))[0] == 0
        assert shell.call("whoami")[1]["role"] == "admin"
        assert again.stop() == 0
    (proof,) = [path.read_text().strip() for path in (tmp_path / "state").rglob("*") if path.is_file()]
    seen = "".join([*shell.said, trader.said().replace(token, ""), again.said()])
    assert [secret for secret in (PASSWORD, made["secret"], proof, token, "$argon2") if secret in seen] == []
    logged = [json.loads(line)["event"] for line in trader.said().splitlines() if '"logger":"access"' in line]
    assert logged == ["user_changed", "denied", "logged_in", "login_failed"]
    files = [path for path in account.home.rglob("*") if path.is_file()]
    kept = [path.name for path in files if any(secret.encode() in path.read_bytes() for secret in (PASSWORD, proof, token))]
    assert kept == []
