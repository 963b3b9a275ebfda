"""Regime labels as bands of time, one row per symbol and market group, bounded in number."""

from collections import defaultdict
from typing import NamedTuple, final

from tidegate.analytics.collect import Run
from tidegate.events.acts import RegimeChanged
from tidegate.values.enums import Regime

BANDS_MAX = 1_000


@final
class Band(NamedTuple):
    """One label from when it was set until the next; `why` is the classifier's reason for it."""

    from_ns: int
    until_ns: int
    regime: Regime
    why: str


def regime_bands(run: Run) -> dict[str, list[Band]]:
    """Return the bands of each symbol (by its name) and market group (as `market: name`), symbols first.

    Before the first change stands what that change said was before. More than BANDS_MAX bands in a row are
    thinned to the label that stood at each of BANDS_MAX equal steps.
    """
    changes: defaultdict[str, list[RegimeChanged]] = defaultdict(list)
    for _, _, message in run.entries:
        if isinstance(message, RegimeChanged):
            changes[message.symbol or f"market: {message.group}"].append(message)
    if run.from_ns is None or run.until_ns is None:
        return {}
    names = sorted(changes, key=lambda name: (name.startswith("market: "), name))
    return {name: _thinned(_bands(changes[name], run.from_ns, run.until_ns)) for name in names}


def _bands(changes: list[RegimeChanged], from_ns: int, until_ns: int) -> list[Band]:
    bands: list[Band] = []
    start, regime, why = from_ns, changes[0].before, "before the first change"
    for change in changes:
        if change.timestamp > start:
            bands.append(Band(start, change.timestamp, regime, why))
        start, regime, why = max(start, change.timestamp), change.after, change.why
    if until_ns > start:
        bands.append(Band(start, until_ns, regime, why))
    return bands


def _thinned(bands: list[Band]) -> list[Band]:
    if len(bands) <= BANDS_MAX:
        return bands
    start, end = bands[0].from_ns, bands[-1].until_ns
    thinned: list[Band] = []
    place = 0
    for step in range(BANDS_MAX):
        here = start + (end - start) * step // BANDS_MAX
        there = start + (end - start) * (step + 1) // BANDS_MAX
        while bands[place].until_ns <= here:
            place += 1
        band = bands[place]
        if thinned and thinned[-1].regime is band.regime:
            thinned[-1] = thinned[-1]._replace(until_ns=there)
        else:
            thinned.append(Band(here, there, band.regime, band.why))
    return thinned
