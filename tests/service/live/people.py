"""Persons beside a running trader: each with a shell of his own, whose every call is a process."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pyotp

from scripts.live.pair import Account, TraderProcess, environment, wait_for

PASSWORD: Final = "three long words of hers"
_TOKEN: Final = re.compile(r"`tidegate users first-admin NAME` makes one, with this token, once: (tgf_[0-9a-f]{64})\n")


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
    found = _TOKEN.search(trader.said())
    return found[1] if found else ""


def logged_in(shell: Shell, name: str, *, made_by: Shell | None, token: str = "", role: str = "") -> None:
    """Make a user, the first one with the trader's token and others by somebody in a role, and log him in."""
    if made_by is None:
        code, made = shell.call("users", "first-admin", name, "--password-stdin", lines=(token, PASSWORD))
    else:
        code, made = made_by.call("users", "add", name, "--role", role, "--password-stdin", lines=(PASSWORD,))
    assert code == 0, made
    code, answer = shell.call("login", name, "--password-stdin", lines=(PASSWORD, pyotp.TOTP(made["secret"]).now()))
    assert code == 0, answer


def three_persons(account: Account, trader: TraderProcess, folder: Path, *, role: str = "risk_officer") -> tuple[Shell, Shell, Shell]:
    """Return the shells of an admin and of two others in a role, all logged in at a new trader."""
    ann, olga, otto = (Shell(account, folder / person) for person in ("ann", "olga", "otto"))
    logged_in(ann, "ann", made_by=None, token=token_of(trader, ann))
    for shell, person in ((olga, "olga"), (otto, "otto")):
        logged_in(shell, person, made_by=ann, role=role)
    return ann, olga, otto
