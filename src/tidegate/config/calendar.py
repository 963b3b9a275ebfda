"""Trading sessions of a venue's days as inputs: holidays, early closes, hours before and after.

The exchange calendar is a large library: what it knows of XNYS is kept as a table beside this file, which a test compares with it day
by day, and the library is loaded only for years that the table lacks.
"""

import warnings
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from tidegate.config.errors import ConfigError
from tidegate.events.inputs import SessionChanged
from tidegate.values.time import NEVER_NS, ns_of, utc_date

ALWAYS: Final = "always"
NEW_YORK: Final = ZoneInfo("America/New_York")
PRE_OPEN: Final = time(4)
POST_CLOSE: Final = time(20)
EARLY_POST_CLOSE: Final = time(17)
REGULAR_CLOSE: Final = time(16)
REGULAR_HOURS: Final = ("09:30", "16:00")
SATURDAY: Final = 5
TABLED: Final = "XNYS"  # its special days are kept as data, see scripts/trading_days.py
_FIRST_YEAR: Final = 1990
_LAST_YEAR: Final = 2100


class Hours(NamedTuple):
    """One trading day, ns UTC."""

    day: date
    pre_open_ns: int
    open_ns: int
    close_ns: int
    post_close_ns: int
    early_close: bool


def sessions(venue: str, calendar: str, *, first_ns: int, last_ns: int) -> tuple[SessionChanged, ...]:
    """Return the trading sessions of the days that a stretch of time touches, each due at the start of its day or at `first_ns`.

    A day without trading has no session: the one before it has closed and none has opened. The ids are empty.

    Raises:
        ConfigError: the calendar is unknown or does not cover the time.
    """
    if calendar == ALWAYS:
        everlasting = Hours(utc_date(first_ns), 0, 0, NEVER_NS, NEVER_NS, early_close=False)
        return (_message(venue, everlasting, due_ns=first_ns),)
    hours = trading_days(calendar, _local(first_ns), _local(last_ns))
    starts = ((day, ns_of(datetime.combine(day.day, time(), NEW_YORK))) for day in hours)
    return tuple(_message(venue, day, due_ns=max(first_ns, start_ns)) for day, start_ns in starts)


def trading_days(calendar: str, first: date, last: date) -> tuple[Hours, ...]:
    """Return the trading days of a calendar from one day of its zone to another, both included.

    Raises:
        ConfigError: the calendar is unknown or does not cover the days.
    """
    if first.year < _FIRST_YEAR or last.year > _LAST_YEAR:
        raise ConfigError(f"Calendar {calendar} is known from {_FIRST_YEAR} to {_LAST_YEAR}, not from {first} to {last}.")
    found: list[Hours] = []
    for year in range(first.year, last.year + 1):
        found += [day for day in _year(calendar, year) if first <= day.day <= last]
    return tuple(found)


def _year(calendar: str, year: int) -> tuple[Hours, ...]:
    return _tabled_year(year) if calendar == TABLED and year in _table()[0] else _library_year(calendar, year)


@cache
def _table() -> tuple[range, dict[date, tuple[str, str]]]:
    """Read the years the table covers, and its weekdays with odd hours (empty: closed)."""
    head, *lines = (Path(__file__).parent / "calendars" / f"{TABLED}.csv").read_text().splitlines()
    first, last = head.removeprefix("# ").partition(":")[0].split("-")
    rows = (line.split(",") for line in lines)
    return range(int(first), int(last) + 1), {date.fromisoformat(day): (opens, closes) for day, opens, closes in rows}


@cache
def _tabled_year(year: int) -> tuple[Hours, ...]:
    special = _table()[1]
    found = []
    day = date(year, 1, 1)
    while day.year == year:
        opens, closes = special.get(day, REGULAR_HOURS)
        if day.weekday() < SATURDAY and opens:
            found.append(_hours(day, _new_york_ns(day, opens), _new_york_ns(day, closes)))
        day += timedelta(days=1)
    return tuple(found)


def _new_york_ns(day: date, clock: str) -> int:
    return ns_of(datetime.combine(day, time.fromisoformat(clock), NEW_YORK))


@cache
def _library_year(calendar: str, year: int) -> tuple[Hours, ...]:
    import exchange_calendars  # noqa: PLC0415 - slow, and only needed when somebody asks for a real calendar

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what two foreign libraries think of each other is nobody's business here
            known = exchange_calendars.get_calendar(calendar, start=f"{year}-01-01", end=f"{year}-12-31")
    except exchange_calendars.errors.InvalidCalendarName:
        raise ConfigError(f"There is no calendar {calendar!r}; known: XNYS, {ALWAYS}.") from None
    return tuple(
        _hours(label.date(), int(opens.value), int(closes.value))
        for label, opens, closes in zip(known.sessions, known.opens, known.closes, strict=True)
    )


def _hours(day: date, open_ns: int, close_ns: int) -> Hours:
    closes = datetime.fromtimestamp(close_ns // 1_000_000_000, UTC).astimezone(NEW_YORK).time()
    early = closes < REGULAR_CLOSE
    return Hours(
        day,
        ns_of(datetime.combine(day, PRE_OPEN, NEW_YORK)),
        open_ns,
        close_ns,
        ns_of(datetime.combine(day, EARLY_POST_CLOSE if early else POST_CLOSE, NEW_YORK)),
        early,
    )


def _local(ns: int) -> date:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=ns // 1_000_000_000)).astimezone(NEW_YORK).date()


def _message(venue: str, hours: Hours, *, due_ns: int) -> SessionChanged:
    return SessionChanged(
        event_id="",
        timestamp=due_ns,
        symbol="",
        strategy_id="",
        correlation_id="",
        venue=venue,
        day=hours.day.isoformat(),
        pre_open_ns=hours.pre_open_ns,
        open_ns=hours.open_ns,
        close_ns=hours.close_ns,
        post_close_ns=hours.post_close_ns,
        early_close=hours.early_close,
    )
