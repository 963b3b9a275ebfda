from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tidegate.config import calendar
from tidegate.config.calendar import Hours, sessions, trading_days
from tidegate.config.errors import ConfigError
from tidegate.values.time import NEVER_NS, ns_of

pytestmark = pytest.mark.req("B4.3")

NEW_YORK = ZoneInfo("America/New_York")
HOLIDAYS = {
    2026: "01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25",
    2027: "01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 11-25 12-24",
}
EARLY = {2026: "11-27 12-24", 2027: "11-26"}


def local(ns: int) -> datetime:
    return datetime.fromtimestamp(ns // 1_000_000_000, UTC).astimezone(NEW_YORK)


def year(number: int) -> dict[date, Hours]:
    return {hours.day: hours for hours in trading_days("XNYS", date(number, 1, 1), date(number, 12, 31))}


def days(number: int, text: str) -> set[date]:
    return {date.fromisoformat(f"{number}-{part}") for part in text.split()}


@pytest.mark.parametrize("number", sorted(HOLIDAYS))
def test_holidays_and_early_closes_are_those_of_the_exchange(number: int) -> None:
    found = year(number)
    weekdays = {date(number, 1, 1) + timedelta(days=offset) for offset in range(365)}
    weekdays = {day for day in weekdays if day.weekday() < 5}
    assert weekdays - set(found) == days(number, HOLIDAYS[number])
    assert {day for day, hours in found.items() if hours.early_close} == days(number, EARLY[number])


@pytest.mark.parametrize("day", [date(2012, 10, 29), date(2012, 10, 30), date(2018, 12, 5), date(2025, 1, 9)])
def test_days_closed_for_one_reason_alone_are_known(day: date) -> None:
    assert trading_days("XNYS", day, day) == ()


@pytest.mark.parametrize("day", [date(2026, 7, 2), date(2027, 12, 31)])
def test_full_days_beside_holidays_are_full(day: date) -> None:
    (hours,) = trading_days("XNYS", day, day)
    assert local(hours.close_ns).hour == 16
    assert not hours.early_close


@pytest.mark.parametrize("number", range(2020, 2031))
def test_every_day_of_eleven_years_opens_and_closes_by_new_york_time(number: int) -> None:
    offsets = set()
    for day, hours in year(number).items():
        opens, closes = local(hours.open_ns), local(hours.close_ns)
        assert (opens.date(), opens.hour, opens.minute) == (day, 9, 30)
        assert (closes.date(), closes.hour, closes.minute) == (day, 13 if hours.early_close else 16, 0)
        assert (local(hours.pre_open_ns).hour, local(hours.post_close_ns).hour) == (4, 17 if hours.early_close else 20)
        assert hours.pre_open_ns < hours.open_ns < hours.close_ns < hours.post_close_ns
        offsets.add(opens.utcoffset())
    assert offsets == {timedelta(hours=-5), timedelta(hours=-4)}


@pytest.mark.parametrize(
    ("before", "after"),
    [(date(2021, 3, 12), date(2021, 3, 15)), (date(2021, 11, 5), date(2021, 11, 8)), (date(2030, 3, 8), date(2030, 3, 11))],
)
def test_the_clocks_change_between_two_sessions(before: date, after: date) -> None:
    first, second = trading_days("XNYS", before, after)
    assert abs((second.open_ns - first.open_ns) % 86_400_000_000_000) in {3_600_000_000_000, 82_800_000_000_000}


def test_a_session_is_told_at_the_start_of_its_day_and_never_before_the_first_record() -> None:
    first = ns_of(datetime(2013, 10, 4, 12, tzinfo=NEW_YORK))
    last = ns_of(datetime(2013, 10, 7, 12, tzinfo=NEW_YORK))
    friday, monday = sessions("sim", "XNYS", first_ns=first, last_ns=last)
    assert (friday.day, friday.timestamp) == ("2013-10-04", first)
    assert (monday.day, monday.timestamp) == ("2013-10-07", ns_of(datetime(2013, 10, 7, tzinfo=NEW_YORK)))
    assert monday.venue == "sim"
    assert monday.open_ns == ns_of(datetime(2013, 10, 7, 9, 30, tzinfo=NEW_YORK))


def test_a_record_just_after_midnight_utc_belongs_to_the_day_before_in_new_york() -> None:
    late = ns_of(datetime(2013, 10, 8, 0, 30, tzinfo=UTC))
    (only,) = sessions("sim", "XNYS", first_ns=late, last_ns=late)
    assert only.day == "2013-10-07"


def test_a_weekend_has_no_session() -> None:
    saturday = ns_of(datetime(2013, 10, 5, 12, tzinfo=NEW_YORK))
    assert sessions("sim", "XNYS", first_ns=saturday, last_ns=saturday) == ()


def test_a_venue_that_never_closes_has_one_session() -> None:
    (only,) = sessions("sim", "always", first_ns=5, last_ns=10)
    assert (only.timestamp, only.open_ns, only.close_ns, only.day) == (5, 0, NEVER_NS, "1970-01-01")


@pytest.mark.parametrize(
    ("calendar", "day", "why"),
    [
        ("XNYX", date(2020, 1, 2), "no calendar 'XNYX'"),
        ("XNYS", date(1901, 1, 2), "from 1990"),
        ("XNYS", date(2101, 1, 3), "to 2100"),
    ],
)
def test_a_calendar_that_does_not_know_is_one_sentence(calendar: str, day: date, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        trading_days(calendar, day, day)


@pytest.mark.req("B4.3")
def test_the_table_of_special_days_says_what_the_library_says() -> None:
    for number in range(2000, 2028):
        assert calendar._tabled_year(number) == calendar._library_year("XNYS", number)
