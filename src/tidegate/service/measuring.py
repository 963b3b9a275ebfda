"""Measures what the breakers are told, and hands the engine what they close or lift. One second a round, on the machine's own clock.

What may hang (a disk, a venue) is asked in tasks of their own, and what they did not answer lately counts as not seen.
"""

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple, final

from tidegate.clock.clock import Clock
from tidegate.service.breakers import Breakers, BreakerSettings, Measured
from tidegate.service.desk import Desk
from tidegate.service.feeds import Feeds
from tidegate.service.ports import LogPort
from tidegate.service.surroundings import Surroundings
from tidegate.values.errors import TidegateError
from tidegate.values.time import SECOND_NS
from tidegate.venues.alpaca.client import AlpacaClient

ROUND_S: Final = 1.0
SKEW_EVERY_S: Final = 30.0
DISK_EVERY_S: Final = 5.0
_SEEN_FOR: Final = 4  # rounds of asking for which an answer counts


Tell = Callable[[str], None]  # one line for the operator


class Subjects(NamedTuple):
    """What is measured."""

    desk: Desk
    log: LogPort
    feeds: Feeds
    client: AlpacaClient
    around: Surroundings
    speed: float  # of the venue's time, in the machine's


class _Seen(NamedTuple):
    value: float
    at_ns: int


@final
class Measuring:
    """The rounds of one trader."""

    def __init__(self, subjects: Subjects, settings: BreakerSettings, clock: Clock, wake: Callable[[], None], tell: Tell) -> None:
        """Args: clock: the machine's."""
        self._on: Final = subjects
        self._settings: Final = settings
        self._breakers: Final = Breakers(settings, subjects.desk.place.account)
        self._clock: Final = clock
        self._wake: Final = wake
        self._tell: Final = tell
        self._skew: _Seen | None = None
        self._free: _Seen | None = None
        self._low_told = False
        self._durable_n = -1
        self._moved_ns = clock.monotonic_ns()

    async def measure_for_ever(self) -> None:
        """Measure until canceled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._skew_for_ever())
            group.create_task(self._disk_for_ever())
            while True:
                self.round()
                await asyncio.sleep(ROUND_S)

    def round(self) -> None:
        """Measure once, and offer what follows."""
        desk = self._on.desk
        changes = self._breakers.step(self.measured(), desk.engine.books.closed_gates())
        for change in changes:
            self._tell(f"The gate of {change.scope.value} becomes {change.state.value} by {change.actor}: {change.reason}.")
            desk.sequencer.offer(change)
        if changes:
            self._wake()

    def measured(self) -> Measured:
        """Return what is known now."""
        now_ns, on = self._clock.monotonic_ns(), self._on
        return Measured(
            at_ns=now_ns,
            throttled=on.client.trading_turns.limiter.throttled + on.client.data_turns.limiter.throttled,
            losses=on.feeds.losses,
            skew_ns=_value(self._skew, now_ns, SKEW_EVERY_S),
            disk_free_percent=None if self._free is None or _is_old(self._free, now_ns, DISK_EVERY_S) else self._free.value,
            log_wait_ns=self._log_wait_ns(now_ns),
            silent_ns=int(on.feeds.owed_ns() / on.speed),
        )

    def _log_wait_ns(self, now_ns: int) -> int:
        """Return for how long the log has been behind without getting any further."""
        durable_n = self._on.log.durable_n
        if durable_n != self._durable_n or durable_n >= self._on.desk.engine.n:
            self._durable_n, self._moved_ns = durable_n, now_ns
        return now_ns - self._moved_ns

    async def _skew_for_ever(self) -> None:
        while True:
            try:
                skew_ns, doubt_ns = await self._on.client.reference.skew_ns()
            except TidegateError:
                pass  # it counts as not seen after a while
            else:
                self._skew = _Seen(max(0, abs(skew_ns) - doubt_ns), self._clock.monotonic_ns())
            await asyncio.sleep(SKEW_EVERY_S)

    async def _disk_for_ever(self) -> None:
        while True:
            free = await asyncio.to_thread(self._on.around.disk_free_percent)
            if free is not None:
                self._free = _Seen(free, self._clock.monotonic_ns())
                self._warn(free)
            await asyncio.sleep(DISK_EVERY_S)

    def _warn(self, free: float) -> None:
        """Tell once that room gets scarce, and again after it was not."""
        low = free < self._settings.disk_low_percent
        if low and not self._low_told:
            full = self._settings.disk_full_percent
            self._tell(f"Only {free:.1f} % of the log's disk is free; below {full} % everything is halted: make room.")
        self._low_told = low


def _is_old(seen: _Seen, now_ns: int, every_s: float) -> bool:
    return now_ns - seen.at_ns > _SEEN_FOR * every_s * SECOND_NS


def _value(seen: _Seen | None, now_ns: int, every_s: float) -> int | None:
    return None if seen is None or _is_old(seen, now_ns, every_s) else int(seen.value)
