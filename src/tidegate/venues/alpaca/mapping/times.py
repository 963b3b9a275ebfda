"""Alpaca's times as exact nanoseconds: RFC 3339 text with up to nine decimals, and msgpack's timestamp extension."""

import struct
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from tidegate.values.time import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS, ns_of

NEW_YORK: Final = ZoneInfo("America/New_York")

_FRACTION_DIGITS: Final = 9
_DATE_LENGTH: Final = 10
_OFFSET_LENGTH: Final = 6
_CLOCK_LENGTH: Final = 4
_EXT_4: Final = b"\xd6\xff"
_EXT_8: Final = b"\xd7\xff"
_EXT_12: Final = b"\xc7\x0c\xff"
_FOUR: Final = struct.Struct(">I")
_EIGHT: Final = struct.Struct(">Q")
_TWELVE: Final = struct.Struct(">Iq")
_LOW_34: Final = (1 << 34) - 1
_EXT_8_LENGTH: Final = 10


def parse_ns(text: str) -> int:
    """Return an RFC 3339 time as ns UTC; decimals beyond nine are cut.

    Raises:
        ValueError: not such a text.
    """
    day_ns = _midnight_ns(text[:_DATE_LENGTH])
    if text[_DATE_LENGTH : _DATE_LENGTH + 1] not in {"T", "t", " "}:
        raise ValueError(f"{text!r} has no time of day")
    hours, minutes, seconds = int(text[11:13]), int(text[14:16]), int(text[17:19])
    rest = text[19:]
    nanos = 0
    if rest.startswith("."):
        digits = len(rest) - len(rest[1:].lstrip("0123456789")) - 1
        figures = rest[1 : digits + 1]
        if not figures:
            raise ValueError(f"{text!r} has a point and no decimals")
        nanos = int(figures[:_FRACTION_DIGITS].ljust(_FRACTION_DIGITS, "0"))
        rest = rest[digits + 1 :]
    if hours > 24 or minutes > 59 or seconds > 60:  # noqa: PLR2004 - the clock's own figures, leap second included
        raise ValueError(f"{text!r} is no time of day")
    return day_ns + hours * HOUR_NS + minutes * MINUTE_NS + seconds * SECOND_NS + nanos - _offset_ns(rest, text)


def raw_ns(message: msgspec.Raw | bytes) -> int:
    """Return a raw JSON or msgpack time as ns UTC.

    Raises:
        ValueError: neither a text nor a timestamp.
    """
    raw = bytes(message)
    if raw[:2] == _EXT_8 and len(raw) == _EXT_8_LENGTH:
        (value,) = _EIGHT.unpack_from(raw, 2)
        return int((value & _LOW_34) * SECOND_NS + (value >> 34))
    if raw[:1] == b'"':
        return parse_ns(raw[1:-1].decode())
    return _rare_ns(raw)


def new_york_ns(day: str, clock: str) -> int:
    """Return a New York time of day, `09:30` or `0930`, of an ISO day as ns UTC.

    Raises:
        ValueError: no such day or time.
    """
    figures = clock.replace(":", "")
    if len(figures) != _CLOCK_LENGTH or not figures.isdigit():
        raise ValueError(f"{clock!r} is no time of day")
    moment = datetime.combine(date.fromisoformat(day), time(int(figures[:2]), int(figures[2:])), NEW_YORK)
    return ns_of(moment)


@lru_cache(maxsize=64)
def _midnight_ns(day: str) -> int:
    return ns_of(datetime.combine(date.fromisoformat(day), time(), UTC))


def _offset_ns(zone: str, text: str) -> int:
    if zone in {"Z", "z"}:
        return 0
    if len(zone) != _OFFSET_LENGTH or zone[0] not in "+-" or zone[3] != ":":
        raise ValueError(f"{text!r} has no zone")
    offset_ns = int(zone[1:3]) * HOUR_NS + int(zone[4:6]) * MINUTE_NS
    if offset_ns >= DAY_NS:
        raise ValueError(f"{text!r} has no zone of this world")
    return -offset_ns if zone[0] == "-" else offset_ns


def _rare_ns(raw: bytes) -> int:
    """Return a time in one of msgpack's other forms."""
    try:
        if raw[:2] == _EXT_4:
            return int(_FOUR.unpack_from(raw, 2)[0] * SECOND_NS)
        if raw[:3] == _EXT_12:
            nanos, seconds = _TWELVE.unpack_from(raw, 3)
            return int(seconds * SECOND_NS + nanos)
    except struct.error as error:
        raise ValueError(str(error)) from None
    return parse_ns(_msgpack_text(raw))


def _msgpack_text(raw: bytes) -> str:
    """Return a msgpack text of up to 255 bytes, the only other form in which a time could come."""
    if raw and 0xA0 <= raw[0] <= 0xBF:  # noqa: PLR2004 - msgpack's fixstr
        return raw[1:].decode()
    if raw[:1] == b"\xd9":
        return raw[2:].decode()
    raise ValueError(f"{bytes(raw[:16])!r} is no time")
