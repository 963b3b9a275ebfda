"""One trader with many orders at one emulated venue, and what is measured while it is killed: by the command line, from outside."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, final

from scripts.live.many import IDLE, Size, open_orders, sent_after
from scripts.live.pair import Account, Json, Venue, environment, wait_for
from tidegate.control.client import ControlClient
from tidegate.control.home import Home
from tidegate.control.protocol import Ask
from tidegate.control.replies import AskReply
from tidegate.service.sentinel import read_kills
from tidegate.values.enums import GateScope, RequestVerb

_LOOK_S: Final = 0.01
_QUIET_S: Final = 3.0  # so long nothing may come in after a kill
_GONE_S: Final = 60.0


class Struck(NamedTuple):
    """One kill, measured from outside and by its report. Milliseconds after the kill file was written; None: it never came about.

    late: orders that the venue took after that, those listed as on the wire left out.
    """

    what: str
    found: int
    announced_s: float
    gate_ms: float | None
    cancels_out_ms: float | None
    venue_empty_ms: float | None
    on_wire: int
    late: list[str]
    late_by_report: list[str]
    not_ended: int
    switch: str
    command_s: float
    code: int


@final
class Sight:
    """When the number of open orders at the venue first fell to a mark, looked at all the time; `take` begins."""

    def __init__(self, venue: Venue, mark: int) -> None:
        self._venue: Final = venue
        self._mark: Final = mark
        self._over: Final = threading.Event()
        self.at_ns = 0  # wall clock
        self._thread: Final = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._over.is_set():
            if open_orders(self._venue) <= self._mark:
                self.at_ns = time.time_ns()
                return
            time.sleep(_LOOK_S)

    def wait(self, timeout_s: float) -> int:
        """Return the wall time at which it fell; 0: not in time."""
        self._thread.join(timeout_s)
        self._over.set()
        self._thread.join()
        return self.at_ns


def tidegate(*words: str) -> tuple[int, Json, float]:
    """Run a verb as a process of its own; return exit code, answer, seconds."""
    began = time.monotonic()
    command = [sys.executable, "-m", "tidegate", *words, "--json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment("", ""))  # noqa: S603 - our own program
    return done.returncode, json.loads(done.stdout or "{}"), time.monotonic() - began


def strike(venue: Venue, account: Account, speed: float, *, scope: tuple[str, str] = ("", ""), expected: int | None = None) -> Struck:
    """Kill by the command line and measure. scope: ("symbol", "G01") and such; expected: how many orders that is to be."""
    home = ["--home", str(account.home)]
    before = open_orders(venue)
    both = clocks(venue, speed)
    left = 0 if expected is None else before - expected
    sight = Sight(venue, left)
    words = [f"--{scope[0]}", scope[1]] if scope[0] else []
    code, told, command_s = tidegate("kill", "--yes", "--reason", "a drill", "--wait", "60", *words, *home)
    kill = read_kills(Home(account.home))[-1]
    empty_ns = sight.wait(_GONE_S)
    time.sleep(_QUIET_S)
    report = told.get("report") or {}
    late = (
        [] if scope[0] else [name for name in sent_after(venue.orders(), both.there(kill.at_ns)) if name not in report.get("on_wire", [])]
    )
    asked_ns, out_ns = report.get("asked_ns", 0), report.get("cancels_left_ns", 0)
    return Struck(
        what=" ".join(scope).strip() or "everything",
        found=report.get("found", -1),
        announced_s=report.get("expected_ns", 0) / 1e9 / speed,
        gate_ms=None if report.get("gate_took_ns") is None else report["gate_took_ns"] / 1e6,
        cancels_out_ms=(out_ns - asked_ns) / 1e6 / speed if out_ns else None,
        venue_empty_ms=(empty_ns - kill.at_ns) / 1e6 if empty_ns else None,
        on_wire=len(report.get("on_wire", [])),
        late=late,
        late_by_report=report.get("late", []),
        not_ended=report.get("found", 0) - report.get("ended", 0),
        switch=report.get("switch") or "",
        command_s=command_s,
        code=code,
    )


def gate_times_ms(account: Account, kills: int) -> list[float]:
    """Kill and resume a strategy without orders so often; return how long each answer took, the way through the socket included."""
    client = ControlClient(Home(account.home).socket, timeout_s=10.0)
    found: list[float] = []
    for number in range(kills):
        kill = _ask(f"gate-{os.getpid()}-{number}", RequestVerb.KILL)
        began = time.perf_counter()
        client.ask(kill, AskReply)
        found.append((time.perf_counter() - began) * 1_000)
        client.ask(_ask(f"open-{os.getpid()}-{number}", RequestVerb.RESUME), AskReply)
    return found


def _ask(request_id: str, verb: RequestVerb) -> Ask:
    return Ask(request_id=request_id, verb=verb, scope=GateScope.STRATEGY, key=IDLE, reason="a drill")


class Clocks(NamedTuple):
    """A moment on this machine's clock and on the venue's, whose time may run faster."""

    here_ns: int
    there_ns: int
    speed: float

    def there(self, here_ns: int) -> int:
        """Return what the venue's clock shows at a moment here."""
        return self.there_ns + int((here_ns - self.here_ns) * self.speed)


def clocks(venue: Venue, speed: float) -> Clocks:
    """Read both clocks; the venue's is read in the middle of the time that asking takes."""
    before_ns = time.time_ns()
    there_ns = int(venue.state()["now_ns"])
    return Clocks((before_ns + time.time_ns()) // 2, there_ns, speed)


def filled_up(venue: Venue, size: Size, alive: Any) -> float:
    """Wait until all its orders rest; return how long that took."""
    return wait_for(f"{size.orders} open orders", lambda: open_orders(venue) >= size.orders or not alive(), timeout_s=1_200)


@contextmanager
def locked(ledger: Path) -> Iterator[None]:
    """Hold the ledger's database so that nobody else can write, or even read."""
    holder = sqlite3.connect(ledger, timeout=30, isolation_level=None)
    try:
        holder.execute("PRAGMA busy_timeout = 30000")
        holder.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        holder.execute("ROLLBACK")
        holder.close()


def resumed(account: Account, *scopes: str) -> None:
    """Open again what was killed; a trader that is not in order yet is asked again."""
    wait_for(
        "the trader to open again",
        lambda: tidegate("resume", "--reason", "the drill goes on", *scopes, "--home", str(account.home))[0] == 0,
    )


def stopped(pid: int) -> None:
    """Stop a process, as one that hangs."""
    os.kill(pid, signal.SIGSTOP)
