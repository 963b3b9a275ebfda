"""Latency models: constant, or drawn from a distribution by place, never by call order.

A draw is a pure function of (seed, stream, index), so that batch size, threads and cancellations cannot move it.
"""

from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from tidegate.values.errors import TidegateError
from tidegate.values.time import DAY_NS, parse_duration

FEED_STREAM, ORDER_STREAM, RESPONSE_STREAM = 0, 1 << 20, 2 << 20  # stream ids of tapes are FEED_STREAM + rank

_SIGMA_MAX = 10.0  # beyond it the farthest draws are no numbers

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # splitmix64 (Steele, Lea, Flood 2014)
_MIX_A = np.uint64(0xBF58476D1CE4E5B9)
_MIX_B = np.uint64(0x94D049BB133111EB)


class BadLatencyError(TidegateError):
    """A latency is written in no known form."""


class Latency(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """median_ns, and the standard deviation of the logarithm (0: constant)."""

    median_ns: int = 0
    sigma: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `0.5ms`, `0` or `lognormal:0.5ms,0.3`.

        Raises:
            BadLatencyError: none of these forms, or longer than a day.
            BadDurationError: the duration in it is not one.
        """
        if text == "0":
            return cls()
        name, colon, rest = text.partition(":")
        if not colon:
            return cls(median_ns=_median(text))
        median, comma, sigma = rest.partition(",")
        if name != "lognormal" or not comma or not (sigma.isascii() and sigma.replace(".", "", 1).isdigit()):
            raise BadLatencyError(f"{text!r} is not a latency; write 0.5ms or lognormal:0.5ms,0.3.")
        if float(sigma) > _SIGMA_MAX:
            raise BadLatencyError(f"A latency that is spread by {sigma} says nothing; write {_SIGMA_MAX:g} or less, such as 0.3.")
        return cls(median_ns=_median(median), sigma=float(sigma))

    def draws(self, *, seed: int, stream: int, first: int, count: int) -> NDArray[np.int64]:
        """Return the latencies in ns of places first..first+count-1 of a stream."""
        if self.sigma == 0.0:
            return np.full(count, self.median_ns, np.int64)
        index = np.arange(first, first + count, dtype=np.uint64)
        radius = np.sqrt(-2.0 * np.log(_uniform(seed, stream, index * np.uint64(2))))
        angle = 2.0 * np.pi * _uniform(seed, stream, index * np.uint64(2) + np.uint64(1))
        normal = radius * np.cos(angle)  # Box and Muller 1958
        return np.asarray(np.minimum(self.median_ns * np.exp(self.sigma * normal), DAY_NS), dtype=np.int64)

    def draw(self, *, seed: int, stream: int, index: int) -> int:
        """Return the latency in ns of one place of a stream."""
        if self.sigma == 0.0:
            return self.median_ns
        return int(self.draws(seed=seed, stream=stream, first=index, count=1)[0])


def _median(text: str) -> int:
    ns = parse_duration(text)
    if ns > DAY_NS:
        raise BadLatencyError(f"A latency of {text} is longer than a day; write less, such as 0.5ms.")
    return ns


def _uniform(seed: int, stream: int, index: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Numbers in (0, 1], 53 bits, from a hash of the place."""
    with np.errstate(over="ignore"):
        state = _mix(np.array(seed % 2**64, np.uint64) * _GOLDEN + np.uint64(stream))
        bits = _mix(state + (index + np.uint64(1)) * _GOLDEN)
    return ((bits >> np.uint64(11)).astype(np.float64) + 1.0) / 2.0**53


def _mix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    value = (value ^ (value >> np.uint64(30))) * _MIX_A
    value = (value ^ (value >> np.uint64(27))) * _MIX_B
    return value ^ (value >> np.uint64(31))
