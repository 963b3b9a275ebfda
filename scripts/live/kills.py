"""Kills a trader under load and looks at what the next one makes of it."""

import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple, Self, final

from scripts.live.books import Verdict, books, compare, filled_at, lost
from scripts.live.pair import FOLDER, WAIT_S, Account, TraderProcess, Venue, wait_for

EQUAL_S: Final = 30.0  # from the reconnect on
QUIET_S: Final = 32.0  # so long a trader waits for the account, recovers, waits out the former one's last request
TRADING_S: Final = 20.0  # so long it may trade after that, before it is killed
_LOOK_S: Final = 0.1
_DYING: Final = str(FOLDER / "dying.py")
_OPEN_BEFORE: Final = """
    select count(*) from outbox
    where state in ('pending', 'sent', 'unsure') and epoch < (select max(epoch) from lease)
"""


class Strike(NamedTuple):
    """How a trader dies: after some seconds, or at the k-th durable write of a boundary (see `dying`)."""

    after_s: float = 0.0
    boundary: str = ""
    at: int = 0

    def program(self) -> tuple[str, ...]:
        """Return what runs the trader."""
        return (_DYING, self.boundary, str(self.at)) if self.boundary else ("-m", "tidegate")


class Life(NamedTuple):
    """One trader from start to kill. equal_s: from its reconnect until all was in step; None: killed before that was seen."""

    strike: Strike
    lived_s: float
    equal_s: float | None
    late: str  # what was not in step in time; empty: nothing


@final
class Watched:
    """What a venue's positions were, from a moment before a block is entered until a moment after it is left."""

    def __init__(self, venue: Venue) -> None:
        self.seen: Final[list[dict[str, str]]] = []
        self._venue: Final = venue
        self._over: Final = threading.Event()
        self._thread: Final = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        over = False
        while not over:
            over = self._over.wait(_LOOK_S)
            positions = self._venue.positions()
            if positions not in self.seen:
                self.seen.append(positions)

    def __enter__(self) -> Self:
        self.seen.append(self._venue.positions())
        time.sleep(_LOOK_S)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def moments(seed: int) -> Iterator[Strike]:
    """Yield random moments without end: every third while it waits, recovers or reconciles, the others while it trades."""
    draw = random.Random(seed)  # noqa: S311 - no secret is made of it
    while True:
        yield Strike(after_s=QUIET_S + draw.uniform(0.0, TRADING_S))
        yield Strike(after_s=QUIET_S + draw.uniform(0.0, TRADING_S))
        yield Strike(after_s=draw.uniform(0.2, QUIET_S))


@final
class Lane:
    """One account at one emulator, whose trader is killed again and again."""

    def __init__(self, tape: Path, folder: Path, *, speed: float, seed: int) -> None:
        self.venue: Final = Venue(tape, speed=speed, seed=seed)
        self.account: Final = Account(folder / "home", self.venue.origin)

    def live(self, strike: Strike) -> Life:
        """Start a trader, see whether it comes into step, kill it.

        Raises:
            RuntimeError: it ended by itself.
        """
        began = time.monotonic()
        until = began + (strike.after_s or WAIT_S)
        with TraderProcess(self.account, program=strike.program()) as trader:
            connected, equal_s, late = 0.0, None, ""
            filled: dict[str, int] = {}
            while trader.is_alive and time.monotonic() < until:
                if not connected and self.venue.state()["trading_streams"]:
                    connected = time.monotonic()
                    filled = filled_at(self.venue)
                elif connected and equal_s is None:
                    late = self.out_of_step(filled)
                    equal_s = None if late else time.monotonic() - connected
                    if late and time.monotonic() - connected > EQUAL_S:
                        break
                else:
                    time.sleep(0.02)
            late = late if connected and time.monotonic() - connected > EQUAL_S and equal_s is None else ""
            if trader.is_alive:
                trader.kill()
            if trader.ended() >= 0:
                raise RuntimeError(f"the trader ended by itself: {trader.said()}")
        wait_for("the venue to notice", lambda: not self.venue.state()["trading_streams"])  # or the next one seems to be connected at once
        return Life(strike, time.monotonic() - began, equal_s, late)

    def live_on(self) -> tuple[float, Verdict]:
        """Start a trader, wait until it is in step, stop it; return how long that took, and what ledger, log and venue say then.

        Raises:
            RuntimeError: it was not in step in time, or ended by itself.
        """
        with TraderProcess(self.account) as trader:
            wait_for("the trader to connect", lambda: bool(self.venue.state()["trading_streams"]) or not trader.is_alive)
            filled, began = filled_at(self.venue), time.monotonic()
            late = "not looked at"
            while late and trader.is_alive and time.monotonic() - began < EQUAL_S:
                late = self.out_of_step(filled)
            equal_s = time.monotonic() - began
            code = trader.stop() if trader.is_alive else trader.ended()
            if late or code:
                raise RuntimeError(f"not in step after {equal_s:.1f} s ({late}), exit {code}: {trader.said()}")
        return equal_s, compare(self.account.home, self.venue)

    def out_of_step(self, filled: dict[str, int]) -> str:
        """Say what is not as the venue has it; empty: all is."""
        with Watched(self.venue) as watched:  # the market goes on while the log is read
            ours = books(self.account.home / "log")
        if missing := lost(ours, filled):
            return f"fills not in the log: {missing}"
        if ours.positions not in watched.seen:
            return f"positions: {ours.positions}, at the venue {watched.seen}"
        rows = _open_rows_before(self.account.home / "ledger.db")
        return f"{rows} rows of earlier epochs are open" if rows else ""

    def close(self) -> None:
        """Stop the emulator."""
        self.venue.popen.terminate()
        self.venue.ended()


def _open_rows_before(ledger: Path) -> int:
    store = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)
    try:
        return int(store.execute(_OPEN_BEFORE).fetchone()[0])
    finally:
        store.close()
