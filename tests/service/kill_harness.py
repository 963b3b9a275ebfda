"""A trader that is killed, again and again, against the emulated venue, and what must be true after each restart.

The trader is told by a `Suspect`: how it is started, and what it says of itself. Everything else is looked up where it cannot be talked
away: in the ledger's file, and at the venue over the wire.
"""

import asyncio
import signal
import subprocess
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import msgspec

from tests.conftest import ROOT
from tests.emulators.alpaca.kit import Emulator
from tests.service.guarding import environment
from tests.service.killed_at import Boundary
from tidegate.clock.clock import WallClock
from tidegate.emulators.alpaca.settings import KEY, SECRET
from tidegate.events.codec import decode
from tidegate.events.inputs import OrderEvent
from tidegate.service.ledger.rows import MAKES_ORDER, OutboxRow
from tidegate.service.ledger.sql import SqlLedger
from tidegate.service.ledger.states import OutboxState
from tidegate.values.enums import Side
from tidegate.values.money import nanos
from tidegate.venues.alpaca.access import PaperAccess, local_hosts
from tidegate.venues.alpaca.client import AlpacaClient
from tidegate.venues.port import VenueExecution

WAIT_S = 120.0
AGREE_S = 30.0  # so long may trader and venue differ after a restart
STEP_S = 0.02
OPEN_STATES = (OutboxState.PENDING, OutboxState.SENT, OutboxState.UNSURE)
NEVER_THERE = frozenset({OutboxState.ABANDONED, OutboxState.ABSENT})


class Suspect(NamedTuple):
    """A trader on trial.

    module and arguments (from home and origin of the venue) start it; it ends in order on SIGTERM. is_up: it has recovered, reconciled
    and trades. positions: what it believes it holds, nanos by symbol without zeros; None: as the ledger's executions add up.
    """

    module: str
    arguments: Callable[[Path, str], Sequence[str]]
    account: str
    is_up: Callable[[Path, int], bool]
    positions: Callable[[Path], Mapping[str, int]] | None = None
    ledger: str = "ledger.db"


class Kill(NamedTuple):
    """When a process dies: at the nth crossing of a boundary, or, without one, after so many seconds."""

    boundary: Boundary = Boundary.NONE
    nth: int = 0
    after_s: float = 0.0


class Finding(NamedTuple):
    """Something that must not be."""

    rule: str
    what: str


class Venue:
    """The emulator, whose time goes on while the trader lives and dies."""

    def __init__(self, emulator: Emulator, speed: float) -> None:
        self.emulator = emulator
        self._step_s = speed * STEP_S
        self._over = threading.Event()
        self._step_lock = threading.Lock()  # held: its time stands still
        self._thread = threading.Thread(target=self._play, daemon=True)

    @property
    def origin(self) -> str:
        return self.emulator.addresses.rest

    def orders(self) -> list[dict[str, Any]]:
        """Every order there ever was, newest first."""
        found: list[dict[str, Any]] = []
        until: dict[str, str] = {}
        while True:
            page = self.emulator.call("GET", "/v2/orders", status="all", limit="500", **until).json()
            found += [order for order in page if order["id"] not in {known["id"] for known in found}]
            if len(page) < 500:
                return found
            until = {"until": page[-1]["submitted_at"]}

    def positions(self) -> dict[str, int]:
        """What the account holds, nanos by symbol, without zeros."""
        held = self.emulator.state()["accounts"][KEY]["positions"]
        return {symbol: quantity for symbol, text in held.items() if (quantity := nanos(text))}

    def executions(self) -> list[VenueExecution]:
        async def read() -> list[VenueExecution]:
            async with AlpacaClient(PaperAccess(KEY, SECRET), local_hosts(self.origin), WallClock()) as client:
                return await client.executions(0)

        return asyncio.run(read())

    def _play(self) -> None:
        while not self._over.wait(STEP_S):
            with self._step_lock:
                self.emulator.step(self._step_s)

    def standing_still(self) -> threading.Lock:
        """Return what holds its time while it is entered: nothing fills that was not filled."""
        return self._step_lock

    @contextmanager
    def playing(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._over.set()
            self._thread.join(WAIT_S)


class Trial:
    """One home and one venue, and the processes that come and go between them."""

    def __init__(self, home: Path, venue: Venue, suspect: Suspect) -> None:
        self.home = home
        self.venue = venue
        self.suspect = suspect
        self.lives = 0

    def live(self, kill: Kill) -> int:
        """Let one process live until it dies as told, and return its exit code; one that ends otherwise fails the trial."""
        process = self._start(kill)
        try:
            process.wait(kill.after_s if kill.boundary is Boundary.NONE else WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(WAIT_S)
            assert kill.boundary is Boundary.NONE, f"{kill.boundary.value} was not crossed {kill.nth} times within {WAIT_S:g} s"
        assert process.returncode == -signal.SIGKILL, f"the trader ended with {process.returncode}:\n{self._words()}"
        return process.returncode

    def live_well(self, *, for_s: float = 0.3, agree_s: float = AGREE_S) -> dict[Boundary, int]:
        """Let one process recover, trade a little and end in order; return how often it crossed each boundary.

        Before it is to end, the venue's time stands still and the trader has agree_s to hear of everything that happened.
        """
        process = self._start(Kill())
        try:
            self._wait(lambda: self.suspect.is_up(self.home, process.pid) or process.poll() is not None)
            assert process.poll() is None, f"the trader ended with {process.returncode}:\n{self._words()}"
            with suppress(subprocess.TimeoutExpired):
                process.wait(for_s)
            with self.venue.standing_still():
                self._let_agree(agree_s)
                process.send_signal(signal.SIGTERM)
                process.wait(WAIT_S)
        finally:
            process.kill()
            process.wait(WAIT_S)
        assert process.returncode == 0, f"the trader ended with {process.returncode}:\n{self._words()}"
        crossed = msgspec.json.decode((self.home / "crossed").read_bytes(), type=dict[Boundary, int])
        return {boundary: count for boundary, count in crossed.items() if count}

    def findings(self) -> list[Finding]:
        """Return all that must not be, with nothing running."""
        ledger = SqlLedger(self.home / self.suspect.ledger)
        try:
            return [
                *self._open_rows(ledger),
                *self._orders(ledger),
                *self._fills(ledger),
                *self._positions(ledger),
            ]
        finally:
            ledger.close()

    def _let_agree(self, agree_s: float) -> None:
        """Wait until the ledger has all that the venue has filled until now; the trader may trade on meanwhile."""
        pause = threading.Event()
        theirs = self._filled_there()
        ledger = SqlLedger(self.home / self.suspect.ledger)
        try:
            for _ in range(int(agree_s / STEP_S)):
                if theirs <= self._filled_here(ledger):
                    return
                pause.wait(STEP_S)
        finally:
            ledger.close()

    def _start(self, kill: Kill) -> subprocess.Popen[bytes]:
        self.lives += 1
        how = f"{kill.boundary.value}:{kill.nth}"
        arguments = [str(self.home / "crossed"), self.suspect.module, *self.suspect.arguments(self.home, self.venue.origin)]
        command = [sys.executable, "-m", "tests.service.killed_at", how, *arguments]
        with (self.home / "words").open("ab") as words:
            return subprocess.Popen(command, cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=words, stderr=words)

    def _words(self) -> str:
        return (self.home / "words").read_text(errors="replace")[-3_000:]

    def _wait(self, condition: Callable[[], bool]) -> None:
        pause = threading.Event()
        for _ in range(int(WAIT_S / STEP_S)):
            if condition():
                return
            pause.wait(STEP_S)
        raise AssertionError(f"what was waited for did not happen:\n{self._words()}")

    # What must be true.

    def _open_rows(self, ledger: SqlLedger) -> Iterator[Finding]:
        for row in ledger.outbox(self.suspect.account, OPEN_STATES):
            yield Finding("0 outbox rows unaccounted for", f"{row.client_order_id} is {row.state.value}")

    def _orders(self, ledger: SqlLedger) -> Iterator[Finding]:
        """Each order at the venue is one row's, each approval at most one order's, and what was never there is not."""
        rows = {row.client_order_id: row for row in self._makers(ledger)}
        seen = Counter(str(order["client_order_id"]) for order in self.venue.orders())
        by_decision: dict[str, list[str]] = defaultdict(list)
        for client_order_id, count in seen.items():
            row = rows.get(client_order_id)  # type: ignore[call-overload]  # the venue's text
            if row is None:
                yield Finding("no order without a row", client_order_id)
                continue
            if count > 1:
                yield Finding("no duplicate order", f"{client_order_id} stands {count} times")
            if row.state in NEVER_THERE:
                yield Finding("no order that was given up", f"{client_order_id} is {row.state.value} and stands at the venue")
            by_decision[row.decision_id].append(client_order_id)
        for decision, orders in by_decision.items():
            if len(orders) > 1:
                yield Finding("no duplicate order", f"{decision} made {', '.join(orders)}")

    def _makers(self, ledger: SqlLedger) -> list[OutboxRow]:
        return [row for row in ledger.outbox(self.suspect.account, tuple(OutboxState)) if row.kind in MAKES_ORDER]

    def _fills(self, ledger: SqlLedger) -> Iterator[Finding]:
        """Per order, the ledger's executions are what the venue filled: a stream and a history may name one fill differently."""
        ours, theirs = self._filled_here(ledger), self._filled_there()
        for order in sorted(ours.keys() | theirs.keys()):
            if ours[order] != theirs[order]:
                rule = "no lost fill" if ours[order] < theirs[order] else "no fill counted twice"
                yield Finding(rule, f"{order}: {ours[order]} nanos here, {theirs[order]} at the venue")

    def _filled_here(self, ledger: SqlLedger) -> Counter[str]:
        filled = Counter[str]()
        for event in self._events(ledger):
            filled[event.client_order_id] += event.last_quantity_nanos
        return filled

    def _filled_there(self) -> Counter[str]:
        filled = Counter[str]()
        executions = self.venue.executions()
        ids = {order["id"]: str(order["client_order_id"]) for order in self.venue.orders()}
        for execution in executions:
            filled[ids[execution.venue_order_id]] += execution.quantity_nanos
        return filled

    def _positions(self, ledger: SqlLedger) -> Iterator[Finding]:
        if self.suspect.positions is not None:
            ours = dict(self.suspect.positions(self.home))
        else:
            total = Counter[str]()
            for event in self._events(ledger):
                total[event.symbol] += event.last_quantity_nanos * (1 if event.side is Side.BUY else -1)
            ours = {symbol: quantity for symbol, quantity in total.items() if quantity}
        theirs = self.venue.positions()
        if ours != theirs:
            yield Finding("positions equal", f"{ours} here, {theirs} at the venue")

    def _events(self, ledger: SqlLedger) -> Iterator[OrderEvent]:
        for row in ledger.executions(self.suspect.account):
            event = decode(row.event)
            assert isinstance(event, OrderEvent)
            yield event


def every_boundary(crossed: Mapping[Boundary, int], counts: Sequence[int] = (1, 2, 3, 5, 8)) -> list[Kill]:
    """Return a kill for each boundary that is crossed at all, at several of its crossings: at the start, and under load."""
    return [Kill(boundary, count) for boundary in crossed for count in counts if count <= crossed[boundary]]


def random_moments(seed: int, count: int, *, longest_s: float) -> list[Kill]:
    """Return kills at random moments; the same seed gives the same moments."""
    draw = Random(seed)
    return [Kill(after_s=draw.uniform(0.05, longest_s)) for _ in range(count)]


def pid_in(path: Path) -> int:
    """Return the process id in a file; 0: there is none."""
    return int(path.read_text() or 0) if path.exists() else 0
