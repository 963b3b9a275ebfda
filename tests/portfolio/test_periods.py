"""Trading days, weeks and months begin when the venue's day does, over holidays and changes of the clock."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.config.calendar import trading_days
from tidegate.portfolio.periods import Period, Periods
from tidegate.values.time import HOUR_NS, NEVER_NS

pytestmark = pytest.mark.req("B3.2", "B3.3")


def test_every_trading_day_of_2020_to_2030_begins_its_own_periods() -> None:
    days = trading_days("XNYS", date(2020, 1, 1), date(2030, 12, 31))
    assert len(days) > 2_700
    periods, before = Periods(), None
    for hours in days:
        day = hours.day
        periods.fold_session(day.isoformat(), hours.pre_open_ns)
        assert periods.roll(hours.pre_open_ns - 1) == ()
        begun = set(periods.roll(hours.pre_open_ns))
        assert periods.day == day.isoformat()
        if before is not None:
            same_week = before - timedelta(days=before.weekday()) == day - timedelta(days=day.weekday())
            assert (Period.DAY in begun, Period.WEEK in begun) == (True, not same_week)
            assert (Period.MONTH in begun) is ((before.year, before.month) != (day.year, day.month))
        assert periods.roll(hours.post_close_ns) == ()
        before = day


def test_new_york_opens_an_hour_later_in_winter() -> None:
    days = {hours.day: hours for hours in trading_days("XNYS", date(2026, 10, 30), date(2026, 11, 2))}
    friday, monday = days[date(2026, 10, 30)], days[date(2026, 11, 2)]
    assert monday.pre_open_ns - friday.pre_open_ns == 3 * 24 * HOUR_NS + HOUR_NS
    periods = Periods()
    for hours in (friday, monday):
        periods.fold_session(hours.day.isoformat(), hours.pre_open_ns)
        periods.roll(hours.pre_open_ns)
    assert periods.day == "2026-11-02"


def test_the_first_day_that_is_told_begins_nothing() -> None:
    periods = Periods()
    periods.fold_session("2026-11-27", 5)
    assert periods.roll(5) == ()
    assert periods.day == "2026-11-27"


@given(st.lists(st.tuples(st.dates(date(2020, 1, 1), date(2030, 12, 31)), st.integers(0, 100)), max_size=12), st.integers(0, 100))
def test_days_only_go_forward(told: list[tuple[date, int]], now_ns: int) -> None:
    periods = Periods()
    for day, begins_ns in told:
        before = periods.day
        periods.fold_session(day.isoformat(), begins_ns)
        periods.roll(now_ns)
        assert periods.day >= before
        assert (periods.next_day == "") is (periods.next_ns == NEVER_NS)
        assert periods.next_day == "" or periods.next_day > periods.day
