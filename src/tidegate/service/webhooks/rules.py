"""What becomes of a delivery: taken, tried again, given up. Told of answers and times; knows no clock, network or chance."""

from enum import StrEnum
from typing import Final

import msgspec

from tidegate.values.time import HOUR_NS, MINUTE_NS, SECOND_NS

_OK: Final = range(200, 300)
_LATER: Final = frozenset({408, 425, 429})  # not now
_SERVER: Final = 500
_DOUBLINGS_MAX: Final = 32


class Patience(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long and how often a delivery is tried.

    The pause doubles from pause_first_ns to pause_max_ns; half of it is drawn, so that many senders do not come at once. give_up_ns
    counts from when it was read from the log; a receiver that refuses it (other answers below 500) has refused_ns from the first try.
    """

    pause_first_ns: int = SECOND_NS
    pause_max_ns: int = 5 * MINUTE_NS
    give_up_ns: int = 24 * HOUR_NS
    refused_ns: int = 10 * MINUTE_NS
    connect_ns: int = 5 * SECOND_NS
    answer_ns: int = 10 * SECOND_NS


class Answer(StrEnum):
    """What a receiver's answer means."""

    TAKEN = "taken"
    LATER = "later"  # it is down, slow or busy: nobody knows whether it has it
    REFUSED = "refused"  # it is up and does not want this


def answer_of(status: int | None) -> Answer:
    """Return what an HTTP status means; None: there was no answer."""
    if status is None or status in _LATER or status >= _SERVER:
        return Answer.LATER
    return Answer.TAKEN if status in _OK else Answer.REFUSED


def pause_ns(tries: int, patience: Patience, draw: float) -> int:
    """Return how long to wait after so many tries; draw is between 0 and 1."""
    whole = min(patience.pause_first_ns << min(tries - 1, _DOUBLINGS_MAX), patience.pause_max_ns)
    return whole // 2 + int(draw * (whole // 2))


def gives_up(answer: Answer, patience: Patience, *, read_ns: int, first_try_ns: int, now_ns: int) -> bool:
    """Say whether a delivery that was tried is given up; times are monotonic."""
    refused_long = answer is Answer.REFUSED and now_ns - first_try_ns >= patience.refused_ns
    return refused_long or now_ns - read_ns >= patience.give_up_ns
