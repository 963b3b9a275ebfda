"""The calendar that a client reads is the one the emulator trades by, whatever the time of day it was started at."""

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.emulators.alpaca.kit import OPEN_NS
from tests.venues.alpaca.payloads import body
from tidegate.clock.clock import ManualClock
from tidegate.emulators.alpaca.schedule import Schedule
from tidegate.emulators.alpaca.timeline import Timeline
from tidegate.emulators.alpaca.wire import Body
from tidegate.values.time import MINUTE_NS, ns_of
from tidegate.venues.alpaca.mapping.reference import trading_day
from tidegate.venues.alpaca.wire.base import read_json
from tidegate.venues.alpaca.wire.reference import CalendarDay

DAY_MINUTES = 24 * 60
NOON_NS = ns_of(datetime(2026, 11, 17, 17, tzinfo=UTC))  # no change of the clocks for a while


def read(listed: Body) -> tuple[int, int, int, int]:
    day = trading_day(read_json(body(listed), CalendarDay))
    assert day.day == listed["date"]
    return day.pre_open_ns, day.open_ns, day.close_ns, day.post_close_ns


@pytest.mark.req("X3", "G4")
@given(st.integers(0, DAY_MINUTES - 1))
@example(5 * 60)
@example(9 * 60)
@example(12 * 60)
def test_hours_that_cross_midnight_are_read_as_they_are_traded(minutes_on: int) -> None:
    start_ns = NOON_NS + minutes_on * MINUTE_NS
    timeline = Timeline(ManualClock(start_ns), begin_ns=OPEN_NS)
    schedule = Schedule("XNYS", timeline, first_ns=OPEN_NS, last_ns=OPEN_NS + MINUTE_NS)
    traded = {tuple(timeline.shown(ns) for ns in (day.pre_open_ns, day.open_ns, day.close_ns, day.post_close_ns)) for day in schedule.days}
    shown = [read(listed) for listed in schedule.calendar("2026-11-16", "2026-11-20")]
    assert shown
    assert set(shown) <= traded
