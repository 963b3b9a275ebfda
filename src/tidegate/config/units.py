"""Texts of a configuration as numbers: durations and moments; and the words that stand for many."""

from datetime import datetime
from typing import Final

from tidegate.values.time import ns_of, parse_duration

EVERY: Final = "*"  # every instrument that can be traded
HALF_LIVES: Final = (
    "ema_fast",
    "ema_slow",
    "volatility_short",
    "volatility_long",
    "trend",
    "volume_short",
    "volume_long",
)


def duration_ns(text: str) -> int:
    """Return a duration in ns; `0` needs no unit.

    Raises:
        BadDurationError: not a duration, or finer than a nanosecond.
    """
    return 0 if text == "0" else parse_duration(text)


def moment_ns(text: str) -> int:
    """Return an ISO time with its zone as ns UTC.

    Raises:
        ValueError: not an ISO time, or without a zone.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("it has no zone")
    return ns_of(moment)
