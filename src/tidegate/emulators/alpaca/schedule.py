"""Trading days: the tape's own calendar, moved with it. So the market is open when the tape is, on a Sunday as well."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Final, final

from tidegate.config.calendar import NEW_YORK, Hours, trading_days
from tidegate.config.errors import ConfigError
from tidegate.emulators.alpaca.errors import BadSettingsError, WrongTapeError, malformed
from tidegate.emulators.alpaca.settings import FIRST, OPEN, EmulatorSettings
from tidegate.emulators.alpaca.timeline import Timeline
from tidegate.emulators.alpaca.wire import Body, iso, iso_new_york, midnight_ns, new_york
from tidegate.values.time import MINUTE_NS, ns_of
from tidegate.venues.sim.settings import TradingHours

_BEFORE: Final = timedelta(days=14)
_AFTER: Final = timedelta(days=120)  # longer than the longest order lives
_LISTED_MAX: Final = timedelta(days=366 * 3)
AFTER_CLOSE_NS: Final = 15 * MINUTE_NS  # when aged orders are canceled


def begin_ns(settings: EmulatorSettings, *, first_ns: int, last_ns: int) -> int:
    """Return the tape's time at which the emulator begins; what comes before has been played by then.

    Raises:
        BadSettingsError: not a time, or one that is not on the tape.
        WrongTapeError: the calendar does not know the tape's days.
    """
    if settings.begin == FIRST:
        return first_ns
    first = new_york(first_ns).date()
    if settings.begin == OPEN:
        opens = [day.open_ns for day in _known(settings.calendar, first, new_york(last_ns).date()) if first_ns <= day.open_ns <= last_ns]
        return opens[0] if opens else first_ns
    try:
        begin = ns_of(datetime.combine(first, time.fromisoformat(settings.begin), NEW_YORK))
    except ValueError:
        raise BadSettingsError(f"{settings.begin!r} is no time to begin at; write open, first, or HH:MM of New York.") from None
    if not first_ns <= begin <= last_ns:
        raise BadSettingsError(f"{settings.begin} of {first} is not on the tape; it goes from {iso(first_ns)} to {iso(last_ns)}.")
    return begin


def _known(calendar: str, first: date, last: date) -> Sequence[Hours]:
    try:
        return trading_days(calendar, first, last)
    except ConfigError as error:
        raise WrongTapeError(f"The tape's days are unknown to the calendar; choose another tape. {error}") from error


@final
class Schedule:
    """Sessions around a tape's days, all in tape time; what it tells clients is in shown time."""

    def __init__(self, calendar: str, timeline: Timeline, *, first_ns: int, last_ns: int) -> None:
        """Read the calendar around the tape.

        Raises:
            WrongTapeError: the calendar does not know the tape's days.
        """
        self._calendar: Final = calendar
        self._timeline: Final = timeline
        first, last = new_york(first_ns).date(), new_york(last_ns).date()
        self.days: Final = _known(calendar, first - _BEFORE, last + _AFTER)
        self._closes: Final = [day.close_ns for day in self.days]
        self._opens: Final = [day.open_ns for day in self.days]
        self._pre_opens: Final = [day.pre_open_ns for day in self.days]

    def core_hours(self) -> tuple[TradingHours, ...]:
        """Return the regular sessions, for the simulated venue."""
        return tuple(TradingHours(open_ns=day.open_ns, close_ns=day.close_ns) for day in self.days)

    def extended_hours(self) -> tuple[TradingHours, ...]:
        """Return the sessions from before the open to after the close, for orders that ask for them."""
        return tuple(TradingHours(open_ns=day.pre_open_ns, close_ns=day.post_close_ns) for day in self.days)

    def next_day(self, tape_ns: int, *, extended: bool = False) -> Hours:
        """Return the session that a time is in, or the next one."""
        place = bisect_right(self._closes, tape_ns)
        day = self.days[min(place, len(self.days) - 1)]
        earlier = self.days[place - 1] if place else day
        return earlier if extended and tape_ns < earlier.post_close_ns else day

    def is_open(self, tape_ns: int, *, extended: bool = False) -> bool:
        """Tell whether the market trades at a time."""
        day = self.next_day(tape_ns, extended=extended)
        return day.pre_open_ns <= tape_ns < day.post_close_ns if extended else day.open_ns <= tape_ns < day.close_ns

    def next_open_ns(self, tape_ns: int) -> int:
        """Return when the next session opens after a time."""
        return self._opens[min(bisect_right(self._opens, tape_ns), len(self.days) - 1)]

    def next_close_ns(self, tape_ns: int) -> int:
        """Return when the next session closes after a time."""
        return self._closes[min(bisect_right(self._closes, tape_ns), len(self.days) - 1)]

    def day_of(self, tape_ns: int) -> Hours:
        """Return the trading day a time belongs to: the last one whose pre-market has begun."""
        return self.days[max(bisect_right(self._pre_opens, tape_ns) - 1, 0)]

    def day_before(self, day: Hours) -> Hours:
        """Return the trading day before another."""
        return self.days[max(bisect_right(self._pre_opens, day.pre_open_ns) - 2, 0)]

    def shown_date(self, day: Hours) -> date:
        """Return the date that clients are shown for a trading day: that of its open, in New York."""
        return new_york(self._timeline.shown(day.open_ns)).date()

    def shown_midnight_ns(self, day: Hours) -> int:
        """Return what daily bars of a trading day are stamped with."""
        return midnight_ns(self.shown_date(day))

    # What clients are told.

    def clock(self) -> Body:
        """Return the body of the clock endpoint."""
        tape_ns = self._timeline.tape_ns()
        return {
            "timestamp": iso_new_york(self._timeline.now_ns()),
            "is_open": self.is_open(tape_ns),
            "next_open": iso_new_york(self._timeline.shown(self.next_open_ns(tape_ns))),
            "next_close": iso_new_york(self._timeline.shown(self.next_close_ns(tape_ns))),
        }

    def calendar(self, start: str, end: str) -> list[Body]:
        """Return the body of the calendar endpoint: the trading days from one shown date to another.

        Without dates: the days around the tape, as far as this emulator trades.

        Raises:
            WireRefusal: not dates.
        """
        first = _date(start, "start") if start else self.shown_date(self.days[0])
        last = _date(end, "end") if end else max(first, self.shown_date(self.days[-1]))
        last = min(last, first + _LISTED_MAX)
        margin = timedelta(days=2)
        from_day = new_york(self._timeline.on_tape(midnight_ns(first))).date() - margin
        to_day = new_york(self._timeline.on_tape(midnight_ns(last))).date() + margin
        try:
            days = trading_days(self._calendar, from_day, to_day + timedelta(days=10))
        except ConfigError:
            return []
        settled = [*days[1:], days[-1]] if days else []
        return [
            self._listed(day, after)
            for day, after in zip(days, settled, strict=True)
            if first <= self.shown_date(day) <= last and day.day <= to_day
        ]

    def _listed(self, day: Hours, settlement: Hours) -> Body:
        opens, closes, pre, post = (
            new_york(self._timeline.shown(ns)) for ns in (day.open_ns, day.close_ns, day.pre_open_ns, day.post_close_ns)
        )
        return {
            "date": self.shown_date(day).isoformat(),
            "open": f"{opens:%H:%M}",
            "close": f"{closes:%H:%M}",
            "session_open": f"{pre:%H%M}",
            "session_close": f"{post:%H%M}",
            "settlement_date": self.shown_date(settlement).isoformat(),
        }


def _date(text: str, name: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise malformed(f"invalid {name}: {text}") from None
