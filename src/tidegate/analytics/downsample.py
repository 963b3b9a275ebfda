"""Fewer points for the eye: bounded series and histograms that keep extremes. Pure numpy."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

POINTS_MAX = 5_000
_MS = 1e-6  # milliseconds a nanosecond: plots take times in milliseconds since 1970


def extremes(times_ns: Ints, values: Floats, points_max: int = POINTS_MAX) -> tuple[Ints, Floats]:
    """Return at most points_max points: first, last, and the lowest and highest of each slice between."""
    if len(values) <= points_max:
        return times_ns, values
    edges = np.linspace(0, len(values), (points_max - 2) // 2 + 1).astype(np.int64)
    kept = {0, len(values) - 1}
    for start, end in pairwise(edges):
        part = values[start:end]
        kept.add(int(start + np.argmin(part)))
        kept.add(int(start + np.argmax(part)))
    places = np.array(sorted(kept), dtype=np.int64)
    return times_ns[places], values[places]


def milliseconds(times_ns: Ints) -> list[float]:
    """Return times as milliseconds since 1970, to the microsecond."""
    return [float(time) for time in np.round(times_ns * _MS, 3)]


def histogram(values: list[float], bins: int) -> tuple[list[float], list[int], float] | None:
    """Return (bin centers, counts, bin width); beyond the 1st and 99th percentile counts in the end bins."""
    if not values:
        return None
    data = np.asarray(values, dtype=np.float64)
    low, high = (float(edge) for edge in np.percentile(data, (1, 99)))
    if high <= low:
        low, high = low - 0.5, high + 0.5
    counts, edges = np.histogram(np.clip(data, low, high), bins=bins, range=(low, high))
    centers = (edges[:-1] + edges[1:]) / 2
    return [float(center) for center in centers], [int(count) for count in counts], (high - low) / bins
