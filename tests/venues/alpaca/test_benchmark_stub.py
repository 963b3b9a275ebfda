"""The venue stub of the live benchmark trades by hours that the trader accepts, whenever the benchmark is run."""

import msgspec
import pytest

from benchmarks.wire.stub import Stub
from tidegate.clock.clock import ManualClock
from tidegate.values.time import HOUR_NS
from tidegate.venues.alpaca.mapping.reference import trading_day
from tidegate.venues.alpaca.mapping.times import parse_ns
from tidegate.venues.alpaca.wire.reference import CalendarDay

pytestmark = pytest.mark.req("X1")

TRADED_NS = 3 * HOUR_NS  # of the stub's clock: nine minutes of the machine's


@pytest.mark.parametrize("hour", range(24))
@pytest.mark.parametrize("day", ["2026-01-10", "2026-03-08", "2026-07-04", "2026-11-01"])  # both changes of clocks
def test_the_market_is_open_at_any_hour(day: str, hour: int) -> None:
    now_ns = parse_ns(f"{day}T{hour:02}:30:00Z")
    stub = Stub(20.0, ManualClock(now_ns))
    days = [trading_day(one) for one in msgspec.convert(stub.calendar(), list[CalendarDay])]
    assert any(one.open_ns <= now_ns and now_ns + TRADED_NS <= one.close_ns for one in days)
