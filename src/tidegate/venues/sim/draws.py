"""Latency draws by place, a block at a time where they are random: one array call for many places gives the same numbers."""

from typing import Final, final

from tidegate.values.latency import Latency

_BLOCK: Final = 256


@final
class Draws:
    """The latencies of one stream of places."""

    def __init__(self, latency: Latency, *, seed: int, stream: int) -> None:
        self._latency, self._seed, self._stream = latency, seed, stream
        self._constant = latency.sigma == 0.0
        self._block = -1
        self._drawn: list[int] = []

    def at(self, index: int) -> int:
        """Return the latency in ns of one place."""
        if self._constant:
            return self._latency.median_ns
        block, rest = divmod(index, _BLOCK)
        if block != self._block:
            first = block * _BLOCK
            self._drawn = self._latency.draws(seed=self._seed, stream=self._stream, first=first, count=_BLOCK).tolist()
            self._block = block
        return self._drawn[rest]
