"""The process of `tidegate up`: starts children in order, keeps them running, watches the trader, ends them in the opposite order.

What happens to a child is decided by `restarts`, what happens to the account by `watch_rules`; here are only processes, signals
and files. If the supervisor itself is killed, its trader notices that nobody listens to its beats and ends.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import Final, NamedTuple, final

from tidegate.clock.clock import Clock
from tidegate.service.brake import Brake
from tidegate.service.children import Announced, ChildSpec, Running, Surroundings, not_started, spawn
from tidegate.service.health import WRITE_NS, ChildHealth, Health, write_health
from tidegate.service.heartbeat import Beat
from tidegate.service.home_lock import lock_home
from tidegate.service.restarts import Act, Child, ChildState, Ended, Happening
from tidegate.service.watch_rules import SILENCE_NS
from tidegate.service.watchdog import Duty, Watchdog
from tidegate.values.errors import ExitCode, TidegateError
from tidegate.values.time import MILLISECOND_NS, SECOND_NS, iso_utc

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class NobodyWatchesError(TidegateError):
    """The watchdog ended, so nothing would close the account if the trader hung. Everything is stopped."""

    exit_code = ExitCode.ENVIRONMENT


class Plan(NamedTuple):
    """What is to run.

    children start in their order, each once those before it that announce themselves have done so; at most one beats. brake
    opens the venue for the watchdog and gets what was announced; None: the mode touches no venue. say takes whole lines.
    """

    home: Path
    children: Sequence[ChildSpec]
    brake: Callable[[Announced], AbstractAsyncContextManager[Brake]] | None
    environment: Mapping[str, str]
    say: Callable[[bytes], None]
    marks: bool = True


class _News(NamedTuple):
    """What reached the loop: about a child by index, or about everything (-1): look around."""

    child: int = -1
    ended: Ended | None = None
    hung: bool = False


@final
class Supervisor:
    """One service. Use `run` once."""

    def __init__(self, plan: Plan, clock: Clock) -> None:
        assert sum(spec.beats for spec in plan.children) <= 1, "one trader"
        now_ns = clock.monotonic_ns()
        self.children: Final = [Child(spec.name, spec.policy, now_ns) for spec in plan.children]
        self._plan = plan
        self._clock = clock
        self._running: dict[int, Running] = {}
        self._announced: dict[str, str] = {}
        self._news: asyncio.Queue[_News] = asyncio.Queue()
        self._stopping = False
        self._code: int = ExitCode.OK
        self._failure: TidegateError | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._watchdog: Watchdog | None = None
        self._watching: asyncio.Task[None] | None = None
        self._around: Surroundings | None = None

    async def run(self) -> int:
        """Run everything until it has ended, and return the exit code.

        Raises:
            HomeInUseError: see `lock_home`.
            NobodyWatchesError, AccessError: the watchdog could not begin or go on; raised once everything has ended.
        """
        lock = lock_home(self._plan.home)
        self._around = Surroundings(self._plan.environment, (lock,), self._hear, self._plan.marks)
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self.stop, signal.Signals(number).name)
        health = asyncio.create_task(self._tell_health())
        try:
            while not all(child.state is ChildState.OVER for child in self.children):
                await self._turn()
        finally:
            health.cancel()
            for number in _SIGNALS:
                loop.remove_signal_handler(number)
            await self._end_all(health)
            os.close(lock)
        if self._failure is not None:
            raise self._failure
        return self._code

    def stop(self, why: str) -> None:
        """Begin to end everything; again: say that it is under way."""
        if self._stopping:
            self._say(f"{why}: still stopping; what does not end in time is killed.")
            return
        self._say(f"{why}: stopping.")
        self._stopping = True
        self._news.put_nowait(_News())

    async def _turn(self) -> None:
        """Wait for what comes next, a moment that is due included, and act on it."""
        now_ns = self._clock.monotonic_ns()
        due = [child.due_ns for place, child in enumerate(self.children) if self._may_start(place)]
        wait_s = max(min(due) - now_ns, 0) / SECOND_NS if due else None
        news = _News()
        with suppress(TimeoutError):
            async with asyncio.timeout(min(wait_s, _WAIT_MAX_S) if wait_s is not None else None):
                news = await self._news.get()
        if news.ended is not None:
            self._gone(news.child)
            await self._step(news.child, Happening.ENDED, news.ended)
        if news.hung:
            await self._step(news.child, Happening.HUNG)
        self._check_watching()
        if self._stopping:
            await self._stop_next()
        for place in range(len(self.children)):
            if self._may_start(place):
                await self._step(place, Happening.DUE)

    def _may_start(self, place: int) -> bool:
        """Say whether a child's own times count already: all that it stands on is there."""
        if self.children[place].state is not ChildState.WAITING:
            return True
        return all(spec.name in self._announced for spec in self._plan.children[:place] if spec.announces)

    async def _stop_next(self) -> None:
        """Ask the last child that still runs to end; those before it serve it until it has."""
        for place in reversed(range(len(self.children))):
            if self.children[place].state is ChildState.OVER:
                continue
            await self._step(place, Happening.STOP)
            if self.children[place].state is not ChildState.OVER:
                return

    async def _step(self, place: int, happening: Happening, ended: Ended | None = None) -> None:
        child = self.children[place]
        was_over = child.state is ChildState.OVER
        for act in child.step(happening, self._clock.monotonic_ns(), ended):
            await self._carry_out(place, act)
        if child.state is ChildState.OVER and not was_over and child.policy.essential:
            if child.given_up and self._plan.children[place].beats:
                await self._close_given_up()
            self._code = self._code or child.exit_code or ExitCode.OK
            self._stopping = True
            self._news.put_nowait(_News())

    async def _carry_out(self, place: int, act: Act) -> None:
        running = self._running.get(place)
        match act:
            case Act.START:
                ended = await self._start(place)
                if ended is not None:
                    await self._step(place, Happening.ENDED, ended)
            case Act.TERMINATE if running is not None:
                running.send(signal.SIGTERM)
            case Act.KILL if running is not None:
                running.send(signal.SIGKILL)
            case Act.TELL:
                self._say(self.children[place].sentence)
            case _:
                raise AssertionError(f"nothing runs that could be told to {act.value}")

    async def _start(self, place: int) -> Ended | None:
        """Start a child; return its end if it never began."""
        assert self._around is not None
        assert place not in self._running, "one process of each child"
        spec = self._plan.children[place]
        if spec.beats and not await self._watchdog_is_there():
            return Ended(ExitCode.ENVIRONMENT, "nobody would watch it")
        try:
            running = await spawn(spec, self._around, self._announced, self._clock.monotonic_ns())
        except OSError as error:
            return not_started(error)
        self._running[place] = running
        task = asyncio.create_task(self._attend(place, spec, running, self._around))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return None

    async def _attend(self, place: int, spec: ChildSpec, running: Running, around: Surroundings) -> None:
        def announce(line: str) -> None:
            if line:
                self._announced[spec.name] = line
                self._news.put_nowait(_News())

        ended = await running.ended(spec, around, announce)
        self._news.put_nowait(_News(place, ended))

    def _gone(self, place: int) -> None:
        running = self._running.pop(place, None)
        if running is not None:
            running.close()
        self._announced.pop(self._plan.children[place].name, None)

    # The watchdog.

    async def _watchdog_is_there(self) -> bool:
        """Have the watchdog at its place before the trader starts; False: it cannot be."""
        if self._plan.brake is None or self._watching is not None:
            return self._failure is None
        brake, announced = self._plan.brake, dict(self._announced)
        duty = Duty(self._plan.home, lambda: brake(announced), self._look, self._kill_hung, self._say)
        self._watchdog = Watchdog(duty, self._clock)
        self._watching = asyncio.create_task(self._watchdog.watch_for_ever())
        self._watching.add_done_callback(lambda _: self._news.put_nowait(_News()))
        armed = asyncio.create_task(self._watchdog.armed.wait())
        await asyncio.wait({armed, self._watching}, return_when=asyncio.FIRST_COMPLETED)
        armed.cancel()
        self._check_watching()
        return self._failure is None

    async def _close_given_up(self) -> None:
        """Have the account closed before anything else ends: an emulated venue is a child too."""
        if self._watchdog is None or self._watching is None or self._watching.done():
            return
        if not await self._watchdog.close_given_up():
            self._say("The account could not be closed; look at the venue at once: orders of the trader may still work there.")

    def _check_watching(self) -> None:
        """Begin to end everything if nobody watches any more."""
        if self._watching is None or not self._watching.done() or self._failure is not None:
            return
        error = self._watching.exception()
        if not isinstance(error, TidegateError):
            broken = NobodyWatchesError(f"The watchdog ended ({type(error).__name__}), so everything is stopped; report it.")
            broken.__cause__ = error
            error = broken
        self._failure = error
        self.stop(str(error))

    async def _end_watching(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])

    def _beating(self) -> Running | None:
        return next((running for place, running in self._running.items() if self._plan.children[place].beats), None)

    def _look(self) -> tuple[int | None, Beat | None]:
        running = self._beating()
        if running is None or running.pulse is None:
            return None, None
        return running.started_ns, running.pulse.read()

    def _kill_hung(self) -> None:
        place = next(place for place, spec in enumerate(self._plan.children) if spec.beats)
        self._news.put_nowait(_News(place, hung=True))

    # What people and health checks see.

    async def _tell_health(self) -> None:
        while True:
            try:
                await asyncio.to_thread(write_health, self._plan.home, self.health())
            except OSError as error:
                self._say(f"The health file could not be written ({error.strerror}); make room.")
            await asyncio.sleep(WRITE_NS / SECOND_NS)

    def health(self) -> Health:
        """Return how everything is now."""
        now_ns = self._clock.monotonic_ns()
        running = self._beating()
        beat: Beat | None = running.pulse.read() if running is not None and running.pulse is not None else None
        age_ns = now_ns - beat.made_ns if beat is not None else None
        watch = self._watchdog.watch if self._watchdog is not None else None
        return Health(
            written=iso_utc(self._clock.now_ns()),
            written_monotonic_ns=now_ns,
            pid=os.getpid(),
            stopping=self._stopping,
            children=tuple(self._child_health(place) for place in range(len(self.children))),
            beats=any(spec.beats for spec in self._plan.children),
            beat_age_ms=None if age_ns is None else age_ns // MILLISECOND_NS,
            stage="" if beat is None else beat.stage.name.lower(),
            silent=age_ns is not None and age_ns > SILENCE_NS,
            closing="" if watch is None or watch.closing is None else watch.closing.cause,
            closed="" if watch is None else watch.closed or "",
        )

    def _child_health(self, place: int) -> ChildHealth:
        child, running = self.children[place], self._running.get(place)
        return ChildHealth(
            name=child.name,
            state=child.state,
            pid=0 if running is None else running.pid,
            restarts=child.restarts,
            last_exit=None if child.ended is None else child.ended.code,
            said=child.sentence,
            essential=child.policy.essential,
        )

    def _say(self, sentence: str) -> None:
        self._hear(f"{sentence}\n".encode())

    def _hear(self, lines: bytes) -> None:
        if lines:
            self._plan.say(lines)

    async def _end_all(self, health: asyncio.Task[None]) -> None:
        """Leave nothing behind, whatever ended the loop."""
        for running in self._running.values():
            running.send(signal.SIGKILL)
        await self._end_watching()
        await asyncio.wait([health, *self._tasks])
        for place in list(self._running):
            self._gone(place)
        with suppress(OSError):
            write_health(self._plan.home, self.health())


_WAIT_MAX_S: Final = 3_600.0
