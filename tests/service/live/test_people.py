"""Users of a real trader: from its one-time token to a login, through a kill -9, with every call a process of its own."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import pyotp
import pytest

from scripts.live.pair import Account, TraderProcess, Venue, environment, wait_for

pytestmark = pytest.mark.req("E2", "D2.1")

PASSWORD: Final = "three long words of hers"
TOKEN: Final = re.compile(r"`tidegate users first-admin NAME` makes one, with this token, once: (tgf_[0-9a-f]{64})\n")
STEP_S: Final = 30


class Shell:
    """The command line of one person, beside a running trader."""

    def __init__(self, account: Account, state: Path) -> None:
        self.home: Final = account.home
        self.state: Final = state
        self.said: Final[list[str]] = []

    def call(self, *arguments: str, lines: tuple[str, ...] = ()) -> tuple[int, dict[str, Any]]:
        """Return exit code and JSON answer."""
        done = subprocess.run(
            [sys.executable, "-m", "tidegate", *arguments, "--home", str(self.home), "--json"],
            input="".join(f"{line}\n" for line in lines),
            env=environment("", "") | {"XDG_STATE_HOME": str(self.state)},
            capture_output=True,
            text=True,
            check=False,
        )
        self.said.append(done.stderr)
        document: dict[str, Any] = json.loads(done.stdout)
        return done.returncode, document


def token_of(trader: TraderProcess, shell: Shell) -> str:
    """Wait until a trader listens, and return the token it printed; empty: none."""
    wait_for("the socket", lambda: (shell.home / "trader.sock").exists() or not trader.is_alive)
    wait_for("an answer", lambda: shell.call("status")[0] == 0 or not trader.is_alive)
    assert trader.is_alive, trader.said()
    found = TOKEN.search(trader.said())
    return found[1] if found else ""


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
