"""When the market is open, as the venue's calendar says: the engine is told each day once, and whoever watches for silence hears it too."""

import asyncio

import pytest

from tests.service.making import Office
from tidegate.clock.clock import ManualClock
from tidegate.events.inputs import SessionChanged
from tidegate.service.hours import Listeners, OpenHours, tell_days
from tidegate.values.time import HOUR_NS
from tidegate.venues.errors import Unreachable
from tidegate.venues.port import TradingDay

pytestmark = [pytest.mark.req("B4.3", "B4.1")]

DAY_NS = 24 * HOUR_NS


def trading_day(number: int) -> TradingDay:
    midnight_ns = number * DAY_NS
    return TradingDay(
        day=f"1970-01-{number + 1:02}",
        pre_open_ns=midnight_ns + 9 * HOUR_NS,
        open_ns=midnight_ns + 14 * HOUR_NS,
        close_ns=midnight_ns + 21 * HOUR_NS,
        post_close_ns=midnight_ns + 24 * HOUR_NS,
        early_close=False,
    )


class Calendar:
    """The one call of a venue that is asked here; it fails the first time."""

    def __init__(self) -> None:
        self.asked = 0

    async def calendar(self, _first: str, _last: str) -> list[TradingDay]:
        self.asked += 1
        if self.asked == 1:
            raise Unreachable("The venue is away.")
        return [trading_day(1), trading_day(2)]


def test_silence_is_trouble_in_the_regular_session_and_at_no_other_time() -> None:
    hours = OpenHours()
    assert not hours.are_on(15 * HOUR_NS), "a day that nobody told of is closed"
    hours.note(trading_day(0))
    on = [hour for hour in range(26) if hours.are_on(hour * HOUR_NS)]
    assert on == list(range(14, 21))


@pytest.mark.asyncio
async def test_each_day_is_told_once_and_is_the_day_of_the_hours() -> None:
    office, calendar, hours, clock = Office(), Calendar(), OpenHours(), ManualClock(DAY_NS + 8 * HOUR_NS)
    on: list[int] = []

    async def wait(duration_ns: int) -> None:
        clock.advance(duration_ns)
        if hours.are_on(clock.now_ns()):
            on.append(clock.now_ns() // HOUR_NS)
        if clock.now_ns() > 3 * DAY_NS:
            raise asyncio.CancelledError

    listeners = Listeners(office.desk.sequencer, hours, lambda: None)
    with pytest.raises(asyncio.CancelledError):
        await tell_days("alpaca", calendar, listeners, clock, wait)  # type: ignore[arg-type] # the one call that is made
    office.turn()
    assert [message.day for message in office.messages(SessionChanged)][-2:] == ["1970-01-02", "1970-01-03"]
    assert set(on) == {*range(24 + 14, 24 + 21), *range(48 + 14, 48 + 21)}
