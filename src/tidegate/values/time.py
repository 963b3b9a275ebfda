"""Time as int64 nanoseconds since 1970 UTC. Pure arithmetic and text: nothing here reads a clock."""

from datetime import UTC, date, datetime, timedelta

from tidegate.values.errors import TidegateError

MICROSECOND_NS = 1_000
MILLISECOND_NS = 1_000_000
SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS
NEVER_NS = 2**62  # later than any event; fits int64 with room to add durations

_DIGITS_MAX = 30  # of a duration; none that is counted in ns and fits needs more

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"ns": 1, "us": MICROSECOND_NS, "ms": MILLISECOND_NS, "s": SECOND_NS, "m": MINUTE_NS, "h": HOUR_NS, "d": DAY_NS}


class BadDurationError(TidegateError):
    """A duration is not a number with a unit."""


def iso_utc(ns: int) -> str:
    """Return nanoseconds as ISO 8601 UTC text with all nine decimals."""
    seconds, rest = divmod(ns, SECOND_NS)
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S") + f".{rest:09d}Z"


def utc_date(ns: int) -> date:
    """Return the UTC calendar day of a nanosecond time."""
    return (_EPOCH + timedelta(seconds=ns // SECOND_NS)).date()


def ns_of(moment: datetime) -> int:
    """Return an aware datetime as nanoseconds (a datetime holds microseconds; nothing is lost)."""
    assert moment.tzinfo is not None, "a time without a zone is not a moment"
    return (moment - _EPOCH) // timedelta(microseconds=1) * MICROSECOND_NS


def parse_duration(text: str) -> int:
    """Return a duration such as `0.5ms`, `30s` or `2m` as nanoseconds; `0` needs no unit.

    Raises:
        BadDurationError: no known unit, not a number, negative, finer than a nanosecond, or longer than 146 years.
    """
    if text == "0":
        return 0
    number = text.rstrip("nusmhd")
    unit = _UNITS.get(text[len(number) :])
    whole, _, decimals = number.partition(".")
    if unit is None or not (text.isascii() and whole.isdigit()) or (decimals and not decimals.isdigit()):
        raise BadDurationError(f"{text!r} is not a duration; write a number and a unit, such as 0.5ms, 30s or 2m.")
    if len(number) > _DIGITS_MAX:
        raise BadDurationError(f"A duration of {len(number)} digits is longer than 146 years, or finer than a nanosecond.")
    scale: int = 10 ** len(decimals)
    scaled, rest = divmod(int(whole + decimals) * unit, scale)
    if rest:
        raise BadDurationError(f"{text!r} is finer than a nanosecond.")
    if scaled > NEVER_NS:
        raise BadDurationError(f"{text!r} is longer than 146 years.")
    return scaled
