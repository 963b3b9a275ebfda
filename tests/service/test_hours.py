"""A running trader is told each trading day, over nights, weekends, early closes and the sleep of its machine."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from tidegate.clock.clock import ManualClock
from tidegate.events.inputs import SessionChanged
from tidegate.service.hours import Listeners, OpenHours, tell_days
from tidegate.values.time import HOUR_NS, MINUTE_NS, SECOND_NS
from tidegate.venues.errors import Unreachable
from tidegate.venues.port import TradingDay
from tidegate.venues.waiting import wait_out

pytestmark = [pytest.mark.req("B4.3", "F1"), pytest.mark.asyncio]

NEW_YORK = ZoneInfo("America/New_York")


def at(day: str, hour: int, minute: int = 0) -> int:
    return int(datetime.fromisoformat(f"{day}T{hour:02}:{minute:02}").replace(tzinfo=NEW_YORK).timestamp()) * SECOND_NS


def trading_day(day: str, *, close: int = 16) -> TradingDay:
    early = close < 16
    return TradingDay(
        day=day,
        pre_open_ns=at(day, 4),
        open_ns=at(day, 9, 30),
        close_ns=at(day, close),
        post_close_ns=at(day, 17 if early else 20),
        early_close=early,
    )


# Thanksgiving of 2026, its early close, the weekend; and the weekend on which the clocks go forward.
DAYS = [
    *(trading_day(day) for day in ("2026-03-06", "2026-03-09", "2026-11-24", "2026-11-25")),
    trading_day("2026-11-27", close=13),
    *(trading_day(day) for day in ("2026-11-30", "2026-12-01")),
]


class Calendar:
    """Knows its days; the first `away` questions find nobody."""

    def __init__(self, away: int = 0) -> None:
        self.away, self.asked = away, 0

    async def calendar(self, first_day: str, last_day: str) -> list[TradingDay]:
        self.asked += 1
        if self.asked <= self.away:
            raise Unreachable("nobody there")
        return [day for day in DAYS if first_day <= day.day <= last_day]


class Told:
    """A sequencer's door that keeps what it is offered, with the time."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.days: list[tuple[str, int]] = []

    def offer(self, message: SessionChanged) -> bool:
        self.days.append((message.day, self.clock.now_ns()))
        return True


class EnoughError(Exception):
    """The test has seen all that it wants."""


async def told_until(
    begin_ns: int, end_ns: int, venue: Calendar | None = None, sleeps: Callable[[int], int] = lambda _now: 0
) -> list[tuple[str, int]]:
    """Return which days were told when; `sleeps`: for how long the machine sleeps after a wait that ends then."""
    clock = ManualClock(begin_ns)
    told = Told(clock)

    async def wait(duration_ns: int) -> None:
        await asyncio.sleep(0)
        clock.advance(duration_ns)
        clock.set_wall(clock.now_ns() + sleeps(clock.now_ns()))
        if clock.now_ns() > end_ns:
            raise EnoughError

    listeners = Listeners(told, OpenHours(), lambda: None)  # type: ignore[arg-type]  # all that is asked of them
    with pytest.raises(EnoughError):
        await tell_days("alpaca", venue or Calendar(), listeners, clock, wait)  # type: ignore[arg-type]  # likewise
    return told.days


async def test_each_day_is_told_before_it_begins_over_holiday_early_close_and_weekend() -> None:
    told = await told_until(at("2026-11-24", 12), at("2026-11-30", 23))
    assert [day for day, _ in told] == ["2026-11-24", "2026-11-25", "2026-11-27", "2026-11-30", "2026-12-01"]
    ends = {day.day: day.post_close_ns for day in DAYS}
    assert [when - ends[before] for (before, _), (_, when) in pairwise(told)] == [0, 0, 0, 0]


async def test_the_clocks_going_forward_over_a_weekend_change_nothing() -> None:
    told = await told_until(at("2026-03-06", 12), at("2026-03-09", 12))
    assert told == [("2026-03-06", at("2026-03-06", 12)), ("2026-03-09", at("2026-03-06", 20))]


async def test_a_machine_that_slept_over_a_day_is_told_the_next_within_a_minute() -> None:
    evening, morning = at("2026-11-24", 19, 30), at("2026-11-25", 9, 25)
    told = await told_until(at("2026-11-24", 19), at("2026-11-25", 12), sleeps=lambda now: morning - now if now == evening else 0)
    assert [day for day, _ in told] == ["2026-11-24", "2026-11-25"]
    assert told[1][1] <= morning + MINUTE_NS


async def test_a_venue_that_is_away_is_asked_again_every_minute() -> None:
    told = await told_until(at("2026-11-24", 12), at("2026-11-24", 13), Calendar(away=3))
    assert told == [("2026-11-24", at("2026-11-24", 12) + 3 * MINUTE_NS)]


async def test_a_clock_that_is_set_back_makes_no_wait_longer() -> None:
    clock, waited = ManualClock(at("2026-11-24", 12)), [0]

    async def wait(duration_ns: int) -> None:
        clock.advance(duration_ns)
        waited[0] += duration_ns
        if waited[0] == MINUTE_NS:
            clock.set_wall(clock.now_ns() - 10 * HOUR_NS)

    await wait_out(HOUR_NS, clock, wait)
    assert waited == [HOUR_NS]
