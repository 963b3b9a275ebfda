"""Tells the engine the venue's trading days, one ahead of time: it reads no calendar, and a day it was not told of is closed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final, NamedTuple, final

from tidegate.clock.clock import Clock
from tidegate.events.inputs import SessionChanged
from tidegate.service.sequencer import Sequencer
from tidegate.values.time import HOUR_NS, MINUTE_NS, utc_date
from tidegate.venues.errors import VenueError
from tidegate.venues.port import OrderVenue, TradingDay
from tidegate.venues.waiting import Wait, wait_out

AHEAD: Final = timedelta(days=10)  # no exchange is closed for so long
RETRY_NS: Final = MINUTE_NS


@final
class OpenHours:
    """The trading day that was told last. Silence of market data means trouble while its market is open, and at no other time."""

    def __init__(self) -> None:
        self._day: TradingDay | None = None

    def note(self, day: TradingDay) -> None:
        """Take in the day that is on, or the next one."""
        self._day = day

    def are_on(self, now_ns: int) -> bool:
        """Tell whether the regular session is on; as long as no day is known it is not."""
        return self._day is not None and self._day.open_ns <= now_ns < self._day.close_ns


class Listeners(NamedTuple):
    """What hears of days: the engine and the trader's loop behind it, and whoever watches for silence."""

    sequencer: Sequencer
    hours: OpenHours
    turn: Callable[[], None]


async def current_day(venue: OrderVenue, now_ns: int) -> TradingDay | None:
    """Return the trading day that is on, or the next one; None: the venue names none.

    Raises:
        VenueError: the venue cannot be asked.
    """
    today = utc_date(now_ns)
    days = await venue.calendar((today - timedelta(days=1)).isoformat(), (today + AHEAD).isoformat())
    return next((day for day in days if day.post_close_ns > now_ns), None)


def session_changed(venue: str, day: TradingDay) -> SessionChanged:
    """Return a trading day as the input that tells it."""
    return SessionChanged(
        event_id="",
        timestamp=0,
        symbol="",
        strategy_id="",
        correlation_id="",
        venue=venue,
        day=day.day,
        pre_open_ns=day.pre_open_ns,
        open_ns=day.open_ns,
        close_ns=day.close_ns,
        post_close_ns=day.post_close_ns,
        early_close=day.early_close,
    )


async def tell_days(name: str, venue: OrderVenue, listeners: Listeners, clock: Clock, wait: Wait) -> None:
    """Tell the day that is on, and each next one when the one before is over. For ever."""
    told = ""
    while True:
        wait_ns = RETRY_NS
        try:
            day = await current_day(venue, clock.now_ns())
        except VenueError:
            day = None
        if day is not None:
            listeners.hours.note(day)
            if day.day != told and listeners.sequencer.offer(session_changed(name, day)):
                told = day.day
                listeners.turn()
            wait_ns = max(day.post_close_ns - clock.now_ns(), RETRY_NS)
        await wait_out(min(wait_ns, HOUR_NS), clock, wait)
