"""The watchdog: in the supervisor's process, with a credential of its own, it closes the account where the trader cannot be relied on.

It needs neither trader, log, ledger nor network of ours: a pipe, a file and the venue. What it does it writes to a file and says on
stderr. Neither a full disk nor one that hangs keeps it from anything: files are touched by threads that nobody waits for.
"""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Final, NamedTuple, final

import msgspec

from tidegate.clock.clock import Clock
from tidegate.service.brake import Brake
from tidegate.service.heartbeat import Beat, Stage
from tidegate.service.watch_rules import Cause, Deed, Sight, Watch
from tidegate.values.enums import GateScope, GateState
from tidegate.values.time import MILLISECOND_NS, SECOND_NS, iso_utc
from tidegate.venues.errors import VenueError
from tidegate.venues.waiting import Wait, loop_wait

LOOK_NS: Final = 100 * MILLISECOND_NS
ATTEMPT_NS: Final = 10 * SECOND_NS
SENTINEL_FILE: Final = "kill"
REPORT_FILE: Final = "watchdog.jsonl"
GIVEN_UP_NS: Final = 60 * SECOND_NS  # the service ends no later than this after its trader was given up
_LAST_REPORT_S: Final = 2.0
_NARROW: Final = frozenset({GateScope.STRATEGY, GateScope.SYMBOL})  # these the trader alone can tell apart

BrakeOpener = Callable[[], AbstractAsyncContextManager[Brake]]


class NotAllCanceledError(VenueError):
    """The venue did not take the cancel of some orders; it is asked again."""


class Duty(NamedTuple):
    """What one watchdog watches, and with what it acts."""

    home: Path
    brake: BrakeOpener
    look: Callable[[], tuple[int | None, Beat | None]]  # start of the living process and its newest beat; see `Sight`
    kill: Callable[[], None]  # kills the process that hung
    say: Callable[[str], None]  # one sentence for people


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the report."""

    time: str
    deed: Deed
    cause: str
    attempt: int
    taken: bool
    silence_ms: int
    words: str


@final
class Watchdog:
    """One trader's watchdog. Run `watch_for_ever` as a task; if it ends with an error, nobody watches: stop the trader."""

    def __init__(self, duty: Duty, clock: Clock, wait: Wait = loop_wait) -> None:
        self.watch: Final = Watch(clock.monotonic_ns())
        self.armed: Final = asyncio.Event()  # set once it watches
        self._duty = duty
        self._clock = clock
        self._wait = wait
        self._silence_ns = 0
        self._attempt: asyncio.Task[None] | None = None
        self._sentinel: str | None = None
        self._disk = ThreadPoolExecutor(1, "watchdog-report")
        self._report: asyncio.Future[None] | None = None

    async def watch_for_ever(self) -> None:
        """Look every tenth of a second and act, until canceled."""
        async with AsyncExitStack() as stack:
            brake = await stack.enter_async_context(self._duty.brake())
            stack.push_async_callback(self._leave)
            self._sentinel = await asyncio.to_thread(read_sentinel, self._duty.home)
            reading = asyncio.create_task(self._read_sentinel_for_ever())
            stack.push_async_callback(_ended, reading)
            self.armed.set()
            while not reading.done():
                await self._look(brake)
                await self._wait(LOOK_NS)
            await reading  # with what ended it

    async def close_given_up(self) -> bool:
        """Close the account of a trader that nobody starts again; False: that could not be done in time."""
        began_ns = self._clock.monotonic_ns()
        self.watch.give_up(began_ns)
        while self.watch.closing is not None and self._clock.monotonic_ns() - began_ns < GIVEN_UP_NS:
            await self._wait(LOOK_NS)
        return self.watch.closing is None

    async def _read_sentinel_for_ever(self) -> None:
        while True:
            self._sentinel = await asyncio.to_thread(read_sentinel, self._duty.home)
            await self._wait(LOOK_NS)

    async def _look(self, brake: Brake) -> None:
        if self._attempt is not None and self._attempt.done():
            done, self._attempt = self._attempt, None
            await done
        now_ns = self._clock.monotonic_ns()
        started_ns, beat = self._duty.look()
        sight = Sight(started_ns, beat and beat.made_ns, self._sentinel, is_ending=beat is not None and beat.stage is Stage.STOPPING)
        silence_ns = self.watch.silence_ns(now_ns, sight)
        deed = self.watch.step(now_ns, sight)
        if deed is None:
            return
        self._silence_ns = silence_ns or self._silence_ns
        if deed is Deed.KILL:
            self._duty.kill()
            self._tell(deed, "")
        else:
            self._attempt = asyncio.create_task(self._act(deed, brake))

    async def _act(self, deed: Deed, brake: Brake) -> None:
        words = await self._try(deed, brake)
        self._tell(deed, words)
        if not words:
            self.watch.taken()
            return
        self.watch.failed(self._clock.monotonic_ns())
        if deed is Deed.SUSPEND:  # orders that rest are canceled all the same; it counts once new ones cannot follow
            self._tell(Deed.CANCEL, await self._try(Deed.CANCEL, brake))

    async def _try(self, deed: Deed, brake: Brake) -> str:
        """Carry a deed out; return why it was not taken, "" if it was."""
        try:
            async with asyncio.timeout(ATTEMPT_NS / SECOND_NS):
                if deed is Deed.SUSPEND:
                    await brake.suspend()
                else:
                    _check([result.words or result.venue_order_id for result in await brake.cancel_all() if not result.taken])
        except VenueError as error:
            return str(error)
        except TimeoutError:
            return f"The venue did not answer within {ATTEMPT_NS // SECOND_NS} s."
        except Exception as error:  # noqa: BLE001 - whatever breaks on the way, the next attempt is made
            return f"The attempt failed ({type(error).__name__})."
        return ""

    def _tell(self, deed: Deed, words: str) -> None:
        """Write down what was done, and say it."""
        closing = self.watch.closing
        cause = closing.cause if closing is not None else self.watch.closed
        line = _Line(
            time=iso_utc(self._clock.now_ns()), deed=deed, cause=cause or "", attempt=self.watch.attempt + 1, taken=not words,
            silence_ms=self._silence_ns // MILLISECOND_NS, words=words,
        )  # fmt: skip
        self._duty.say(_sentence(line))
        loop = asyncio.get_running_loop()
        self._report = loop.run_in_executor(self._disk, self._write, msgspec.json.encode(line), loop)

    def _write(self, line: bytes, loop: asyncio.AbstractEventLoop) -> None:
        """Write a line of the report, in the disk's own thread."""
        try:
            append_line(self._duty.home / REPORT_FILE, line)
        except OSError as error:
            words = f"The watchdog's report could not be written ({error.strerror}); make room. It goes on all the same."
            loop.call_soon_threadsafe(self._duty.say, words)

    async def _leave(self) -> None:
        if self._attempt is not None:
            await _ended(self._attempt)
        if self._report is not None:
            await asyncio.wait([self._report], timeout=_LAST_REPORT_S)
        self._disk.shutdown(wait=False)


def read_sentinel(home: Path) -> str | None:
    """Return the lines of the sentinel file that close the account; None: there is no file, or none of its lines does.

    A file that cannot be read, or says nothing of scopes, closes everything: somebody put it there for a reason.
    """
    try:
        text = (home / SENTINEL_FILE).read_text(errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"unreadable: {error.strerror}"
    lines = [line for line in text.splitlines() if line.strip()]
    closing = [line for line in lines if _closes(line)]
    return "\n".join(closing) if closing or not lines else None


class _Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What the watchdog reads of a kill, one JSON object a line: as little as possible."""

    scope: GateScope
    state: GateState = GateState.HALTED


def _closes(line: str) -> bool:
    try:
        entry = msgspec.json.decode(line, type=_Entry)
    except msgspec.MsgspecError:
        return True
    return entry.state is GateState.HALTED and entry.scope not in _NARROW


def append_line(path: Path, line: bytes) -> None:
    """Append a line to a file of this user alone, and have it on the disk when this returns."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, line + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


def _check(refused: list[str]) -> None:
    if refused:
        raise NotAllCanceledError(f"{len(refused)} orders were not canceled: {'; '.join(refused[:3])}.")


def _sentence(line: _Line) -> str:
    what = {
        Deed.SUSPEND: "suspends the account at the venue",
        Deed.CANCEL: "cancels every open order",
        Deed.KILL: "kills the process that hangs",
    }[line.deed]
    why = {
        Cause.SILENCE: f"the trader has been silent for {line.silence_ms / 1_000:.1f} s",
        Cause.SENTINEL: "a kill is in force",
        Cause.GIVEN_UP: "the trader died too often and is not started again",
    }[Cause(line.cause)]
    end = "taken" if line.taken else f"not taken, tried again: {line.words}"
    return f"The watchdog {what}, since {why} ({end})."
