"""The limiter where requests really wait: asks the pure rules of `ratelimit`, and wakes whoever may go."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import final

from tidegate.clock.clock import Clock
from tidegate.values.time import NEVER_NS
from tidegate.venues.errors import QueueFullError, TurnTooLateError
from tidegate.venues.port import Urgency
from tidegate.venues.ratelimit import Answer, Limiter, LimitPlan, Usage
from tidegate.venues.waiting import Wait, loop_wait


@final
class Turn:
    """One request's permission to go; `answer` is what its reply said of limits, if there was one; `unused`: it did not leave."""

    __slots__ = ("answer", "unused")

    def __init__(self) -> None:
        self.answer: Answer | None = None
        self.unused = False


@final
class Turnstile:
    """Lets requests through one loop. Use as `async with turnstile.turn(urgency) as turn:`."""

    def __init__(self, plan: LimitPlan, clock: Clock, *, wait: Wait = loop_wait) -> None:
        self.limiter = Limiter(plan)
        self._clock = clock
        self._wait = wait
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._moved = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def turn(self, urgency: Urgency, *, until_ns: int = NEVER_NS) -> AsyncIterator[Turn]:
        """Wait until it is this request's turn, but not beyond a time; what happens inside counts as in flight.

        Raises:
            QueueFullError: too many of this urgency wait already.
            TurnTooLateError: the time came first.
        """
        await self._enter(urgency, until_ns)
        turn, called_ns = Turn(), self._clock.monotonic_ns()
        try:
            yield turn
        finally:
            if turn.unused:
                self.limiter.unused(called_ns)
            self.limiter.done(turn.answer, self._clock.monotonic_ns(), self._clock.now_ns())
            self._moved.set()

    def may_retry(self, urgency: Urgency) -> bool:
        """See `Limiter.may_retry`."""
        return self.limiter.may_retry(urgency)

    def cancels_ns(self, count: int) -> int:
        """See `Limiter.cancels_ns`."""
        return self.limiter.cancels_ns(count, self._clock.monotonic_ns())

    def usage(self) -> Usage:
        """See `Limiter.usage`."""
        return self.limiter.usage(self._clock.monotonic_ns())

    async def _enter(self, urgency: Urgency, until_ns: int) -> None:
        ticket = self.limiter.ask(urgency)
        if ticket is None:
            raise QueueFullError(f"{self.limiter.plan.queue_max} requests of urgency {urgency.name} wait already; slow down.")
        if ticket in self._call():
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[ticket] = future
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._run())
        self._moved.set()
        try:
            await self._called(future, until_ns)
        except (asyncio.CancelledError, TurnTooLateError):
            self._give_up(urgency, ticket, called=future.done() and not future.cancelled())
            raise

    async def _called(self, future: asyncio.Future[None], until_ns: int) -> None:
        """Wait to be called."""
        if until_ns >= NEVER_NS:
            await future
            return
        late = asyncio.ensure_future(self._wait(until_ns - self._clock.now_ns()))
        try:
            await asyncio.wait((future, late), return_when=asyncio.FIRST_COMPLETED)
        finally:
            late.cancel()
        if not future.done():
            raise TurnTooLateError("The venue's rate limit left no turn in time; nothing was sent.")

    def _call(self) -> list[int]:
        called = self.limiter.call(self._clock.monotonic_ns())
        for ticket in called:
            future = self._waiting.pop(ticket, None)
            if future is None:
                continue
            if future.done():  # its task was canceled and has not noticed yet: nobody will take this turn
                self.limiter.done(None, self._clock.monotonic_ns(), self._clock.now_ns())
            else:
                future.set_result(None)
        return called

    def _give_up(self, urgency: Urgency, ticket: int, *, called: bool) -> None:
        """Leave the line; a turn that was just given and is not taken goes back."""
        if called:
            now_ns = self._clock.monotonic_ns()
            self.limiter.done(None, now_ns, self._clock.now_ns())
        else:
            self._waiting.pop(ticket, None)
            self.limiter.leave(urgency, ticket)
        self._moved.set()

    async def _run(self) -> None:
        """Call tickets as time passes and answers come, until nobody waits."""
        while True:
            self._moved.clear()
            self._call()
            if not self._waiting:
                return
            next_ns = self.limiter.next_ns(self._clock.monotonic_ns())
            if next_ns is None:
                await self._moved.wait()
            else:
                await self._sleep_or_move(next_ns - self._clock.monotonic_ns())

    async def _sleep_or_move(self, duration_ns: int) -> None:
        sleep = asyncio.ensure_future(self._wait(duration_ns))
        move = asyncio.ensure_future(self._moved.wait())
        try:
            await asyncio.wait((sleep, move), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            move.cancel()
