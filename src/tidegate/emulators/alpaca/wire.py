"""Numbers, times and ids as they stand on the wire: read from requests, written into answers."""

import re
import struct
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Any, Final

import msgspec

from tidegate.config.calendar import NEW_YORK
from tidegate.emulators.alpaca.errors import malformed
from tidegate.values.money import INT64_MAX, NANOS, nanos_text
from tidegate.values.time import SECOND_NS, iso_utc, ns_of

Body = dict[str, Any]  # a JSON object

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9})\d*)?)?(Z|[+-]\d\d:?\d\d)?")
_TIMESTAMP_CODE: Final = -1  # of msgpack's own extension for times


def uuid_of(*parts: object) -> str:
    """Return the id of something by what it is: the same emulator gives the same ids again."""
    digest = sha256("|".join(map(str, parts)).encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))


def iso(ns: int) -> str | None:
    """Return a time as RFC 3339, None for 0: never."""
    return iso_utc(ns) if ns else None


def iso_new_york(ns: int) -> str:
    """Return a time with New York's offset, as the clock shows it."""
    seconds, rest = divmod(ns, SECOND_NS)
    local = (EPOCH + timedelta(seconds=seconds)).astimezone(NEW_YORK).isoformat()
    return f"{local[:19]}.{rest:09d}{local[19:]}" if rest else local


def new_york(ns: int) -> datetime:
    """Return a time in New York, to the microsecond."""
    return (EPOCH + timedelta(microseconds=ns // 1_000)).astimezone(NEW_YORK)


def midnight_ns(day: date) -> int:
    """Return when a day begins in New York."""
    return ns_of(datetime.combine(day, time(), NEW_YORK))


def timestamp(ns: int) -> msgspec.msgpack.Ext:
    """Return a time as msgpack's timestamp extension, to the nanosecond."""
    seconds, rest = divmod(ns, SECOND_NS)
    return msgspec.msgpack.Ext(_TIMESTAMP_CODE, struct.pack("!Iq", rest, seconds))


def moment(text: str, name: str, *, end_of_day: bool = False) -> int:
    """Read a time or a date of a request; a date is midnight in New York, or the end of the day.

    Raises:
        WireRefusal: not a time.
    """
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        raise malformed(f"invalid {name}: {text}")
    day, clock, fraction, zone = found.groups()
    try:
        if clock is None:
            start = date.fromisoformat(day)
            return midnight_ns(start + timedelta(days=1)) - 1 if end_of_day else midnight_ns(start)
        whole = datetime.fromisoformat(f"{day}T{clock}{zone or 'Z'}")
    except ValueError:
        raise malformed(f"invalid {name}: {text}") from None
    return ns_of(whole) + int((fraction or "0").ljust(9, "0"))


def number(nanos: int) -> float:
    """Return nanos as market data shows them."""
    return nanos / NANOS


def text_or_none(nanos: int) -> str | None:
    """Return nanos as trading shows them, None for 0."""
    return nanos_text(nanos) if nanos else None


def decimal_text(value: Decimal, places: int) -> str:
    """Return a number with at most so many decimals and no trailing zeros."""
    text = f"{value:.{places}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def read_decimal(body: Mapping[str, Any], name: str) -> Decimal | None:
    """Read a number that may come as text or as a JSON number; None where it is missing or null.

    Raises:
        WireRefusal: not a finite number.
    """
    value = body.get(name)
    if value is None or value == "":
        return None
    try:
        read = Decimal(str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except InvalidOperation:
        read = None
    if read is None or not read.is_finite():
        raise malformed(f"invalid {name}: {value}")
    return read


def read_nanos(body: Mapping[str, Any], name: str) -> int | None:
    """Read a number as nanos; None where it is missing.

    Raises:
        WireRefusal: not a number, finer than nine decimals, or too large.
    """
    read = read_decimal(body, name)
    if read is None:
        return None
    scaled = read * NANOS
    if scaled != scaled.to_integral_value() or abs(scaled) > INT64_MAX:
        raise malformed(f"invalid {name}: {body.get(name)}")
    return int(scaled)


def read_flag(value: object, *, default: bool = False) -> bool:
    """Read a boolean: JSON's own, or a word of a query in any case."""
    if isinstance(value, bool):
        return value
    return default if value is None or value == "" else str(value).lower() in {"true", "1", "t"}


def read_count(query: Mapping[str, str], name: str, *, default: int, most: int) -> int:
    """Read a limit of a query.

    Raises:
        WireRefusal: not a whole number from 1 to `most`.
    """
    given = query.get(name)
    if given is None or given == "":
        return default
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= most:
        raise malformed(f"invalid {name}: {given}")
    return int(given)


def words_of(query: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Read a comma-separated list of a query."""
    return tuple(word.strip() for word in query.get(name, "").split(",") if word.strip())
