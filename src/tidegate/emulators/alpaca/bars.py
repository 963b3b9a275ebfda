"""Bars made of the tape's prints: minutes to months, by the venue's rules for opens, highs and volumes."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tidegate.emulators.alpaca.errors import malformed
from tidegate.emulators.alpaca.floor import Floor
from tidegate.emulators.alpaca.market import DOUBTED, PRINTS, Rows
from tidegate.emulators.alpaca.wire import Body, midnight_ns, number
from tidegate.events import records
from tidegate.values.money import NANOS
from tidegate.values.time import HOUR_NS, MINUTE_NS

I8 = NDArray[np.int64]
_FRAME: Final = re.compile(r"(\d{1,2})(Min|T|Hour|H|Day|D|Week|W|Month|M)")
_LETTERS: Final = {"Min": "T", "Hour": "H", "Day": "D", "Week": "W", "Month": "M"}
_MOST: Final = {"T": 59, "H": 23, "D": 1, "W": 1, "M": 12}


class Frame(NamedTuple):
    """How long bars are: so many minutes, hours, days, weeks or months."""

    number: int
    unit: str

    @property
    def length_ns(self) -> int:
        """The length of minute and hour bars; 0 for those by the calendar."""
        return self.number * {"T": MINUTE_NS, "H": HOUR_NS}.get(self.unit, 0)


class Bar(NamedTuple):
    """One bar; `start_ns` is shown time."""

    start_ns: int
    body: Body


def read_frame(text: str) -> Frame:
    """Read a timeframe such as 1Min, 4H or 1Day.

    Raises:
        WireRefusal: none the venue has.
    """
    found = _FRAME.fullmatch(text)
    if found is None:
        raise malformed(f"invalid timeframe: {text}")
    count, unit = int(found[1]), _LETTERS.get(found[2], found[2])
    if not 1 <= count <= _MOST[unit] or (unit == "M" and 12 % count):
        raise malformed(f"invalid timeframe: {text}")
    return Frame(count, unit)


def bars_of(floor: Floor, place: int, frame: Frame) -> list[Bar]:
    """Return the bars of a symbol so far, oldest first; a minute or an hour that is not over has none yet."""
    rows = floor.market.played(place, records.TRADE, floor.player.now_ns)
    found = list(_grouped(rows, _starts(floor, rows["ts_event"], frame)))
    if frame.length_ns and found and found[-1].start_ns + frame.length_ns > floor.now_ns():
        found.pop()
    return found


def minute_bar(floor: Floor, place: int, start_ns: int) -> Body | None:
    """Return the bar of one minute of tape time; None where nothing traded that makes one."""
    rows = floor.market.played(place, records.TRADE, floor.player.now_ns)
    tail = rows[int(np.searchsorted(rows["ts_recv"], start_ns)) :]
    inside = tail[(tail["ts_event"] >= start_ns) & (tail["ts_event"] < start_ns + MINUTE_NS)]
    return bar_body(inside)


def day_bar(floor: Floor, place: int, from_ns: int, until_ns: int) -> Body | None:
    """Return the bar of a stretch of tape time."""
    rows = floor.market.played(place, records.TRADE, floor.player.now_ns)
    return bar_body(rows[(rows["ts_event"] >= from_ns) & (rows["ts_event"] < until_ns)])


def bar_body(rows: Rows) -> Body | None:
    """Return open, high, low, close, volume, count and volume-weighted price of prints; None where none sets a price."""
    rows = rows[(rows["flags"] & DOUBTED) == 0]
    priced = rows[(rows["flags"] & PRINTS) != 0]
    if not len(priced):
        return None
    prices, sizes = priced["a"].astype(np.float64), priced["b"].astype(np.float64)
    total = float(sizes.sum())
    return {
        "o": number(int(priced["a"][0])),
        "h": number(int(priced["a"].max())),
        "l": number(int(priced["a"].min())),
        "c": number(int(priced["a"][-1])),
        "v": int(rows["b"].sum()) // NANOS,
        "n": len(rows),
        "vw": round(float((prices * sizes).sum()) / total / NANOS, 6) if total else number(int(priced["a"][-1])),
    }


def _grouped(rows: Rows, starts: I8) -> Iterator[Bar]:
    if not len(rows):
        return
    order = np.argsort(starts, kind="stable")
    rows, starts = rows[order], starts[order]
    edges = np.flatnonzero(np.diff(starts)) + 1
    for part, first in zip(np.split(rows, edges), [0, *edges.tolist()], strict=True):
        body = bar_body(part)
        if body is not None:
            yield Bar(int(starts[first]), body)


def _starts(floor: Floor, times: I8, frame: Frame) -> I8:
    """Return the shown time at which each record's bar begins."""
    shown: I8 = times + floor.timeline.shift_ns
    if frame.length_ns:
        return shown - shown % frame.length_ns
    schedule = floor.schedule
    opens = np.array([day.pre_open_ns for day in schedule.days], np.int64)
    begin = _BEGINS[frame.unit]
    marks = np.array([midnight_ns(begin(schedule.shown_date(day), frame.number)) for day in schedule.days], np.int64)
    return marks[np.maximum(np.searchsorted(opens, times, side="right") - 1, 0)]


def _week(day: date, _count: int) -> date:
    return date.fromordinal(day.toordinal() - day.weekday())


def _month(day: date, count: int) -> date:
    return date(day.year, (day.month - 1) // count * count + 1, 1)


_BEGINS: Final[dict[str, Callable[[date, int], date]]] = {"D": lambda day, _count: day, "W": _week, "M": _month}
