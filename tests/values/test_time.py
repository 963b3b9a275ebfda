"""Times are whole nanoseconds: no rounding on the way to text, days and durations."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.values.time import (
    DAY_NS,
    HOUR_NS,
    MILLISECOND_NS,
    MINUTE_NS,
    NEVER_NS,
    SECOND_NS,
    BadDurationError,
    iso_utc,
    ns_of,
    parse_duration,
    utc_date,
)

pytestmark = pytest.mark.req("B1.1")

MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def test_text_shows_all_nine_decimals() -> None:
    assert iso_utc(0) == "1970-01-01T00:00:00.000000000Z"
    assert iso_utc(1_381_152_600 * SECOND_NS + 7) == "2013-10-07T13:30:00.000000007Z"


@given(MOMENTS)
def test_a_moment_is_its_nanoseconds(moment: datetime) -> None:
    ns = ns_of(moment)
    assert ns % 1_000 == 0
    assert utc_date(ns) == moment.date()
    assert datetime.fromisoformat(iso_utc(ns)[:26] + "+00:00") == moment


def test_a_moment_of_another_zone_is_the_same_nanosecond() -> None:
    there = datetime(2013, 10, 7, 9, 30, tzinfo=timezone(timedelta(hours=-4)))
    assert ns_of(there) == ns_of(datetime(2013, 10, 7, 13, 30, tzinfo=UTC))
    with pytest.raises(AssertionError, match="zone"):
        ns_of(datetime(2013, 10, 7))  # noqa: DTZ001 - the point of the test


def test_the_day_changes_at_midnight_and_not_a_nanosecond_before() -> None:
    assert utc_date(DAY_NS - 1) == date(1970, 1, 1)
    assert utc_date(DAY_NS) == date(1970, 1, 2)


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("0ns", 0),
        ("1ns", 1),
        ("2us", 2_000),
        ("0.5ms", MILLISECOND_NS // 2),
        ("30s", 30 * SECOND_NS),
        ("1.5m", 90 * SECOND_NS),
        ("2h", 2 * HOUR_NS),
        ("1d", DAY_NS),
        ("0.000000001s", 1),
    ],
)
def test_durations_are_read(text: str, ns: int) -> None:
    assert parse_duration(text) == ns


@pytest.mark.parametrize("text", ["", "5", "ms", "-1s", "1.5ns", "1 s", "1.s2", "one s", "1w", "٣s", "1e3s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(BadDurationError):
        parse_duration(text)


def test_never_leaves_room_to_add_durations() -> None:
    assert NEVER_NS + 100 * 365 * DAY_NS < 2**63
    assert MINUTE_NS == 60 * SECOND_NS
