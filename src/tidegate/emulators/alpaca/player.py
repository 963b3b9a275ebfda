"""Plays the tape: records, answers of the simulated venues and what is due, each at its time and in their order."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, Protocol, final

import numpy as np

from tidegate.emulators.alpaca.agenda import Agenda
from tidegate.emulators.alpaca.market import Market, Row, Rows
from tidegate.tapes.merge import Chunk
from tidegate.values.time import NEVER_NS

_FED_MAX: Final = 4_096  # records turned into rows at once


class Trader(Protocol):
    """Something with orders on the simulated venue."""

    def due_ns(self, until_ns: int) -> int:
        """Return when its next answer comes, if by then; NEVER_NS otherwise."""

    def hear(self) -> None:
        """Take that answer in."""

    def watch(self, row: Row) -> None:
        """See a record of a symbol that it watches."""

    def watches(self, place: int) -> bool:
        """Tell whether it watches a symbol."""


Listener = Callable[[list[Row]], None]


@final
class Player:
    """The tape with a cursor. `now_ns` is tape time; `position` counts the records played."""

    def __init__(self, market: Market, agenda: Agenda, *, start_ns: int) -> None:
        self.market: Final = market
        self.agenda: Final = agenda
        self.traders: list[Trader] = []
        self.listeners: list[Listener] = []
        self.now_ns = start_ns
        self.position = 0
        self._merged: Final = market.merged()
        self._chunks: Iterator[Chunk] = self._merged.chunks()
        self._chunk = next(self._chunks)
        self._times = self._chunk.records["ts_recv"]

    @property
    def is_over(self) -> bool:
        """Tell whether the tape has been played to its end."""
        return self.position == len(self._merged)

    def taken(self) -> tuple[int, ...]:
        """Return how many records of each tape have been played."""
        return self._merged.position_of(self.position)

    def next_record_ns(self) -> int:
        """Return when the next record is due; NEVER_NS at the end."""
        if self.is_over:
            return NEVER_NS
        self._turn()
        return int(self._times[self.position - self._chunk.first])

    def next_ns(self, until_ns: int) -> int:
        """Return when the next thing of any kind is due, if by then; `until_ns` otherwise."""
        return min(until_ns, self.next_record_ns(), self.agenda.next_ns, *(trader.due_ns(until_ns) for trader in self.traders))

    def advance(self, until_ns: int) -> None:
        """Play everything up to a time, that time included."""
        while True:
            due_ns, trader = self._first_answer(until_ns)
            first_ns = min(due_ns, self.agenda.next_ns)
            if first_ns > until_ns:
                break
            self._feed(first_ns)
            self.now_ns = max(self.now_ns, first_ns)
            due_ns, trader = self._first_answer(first_ns)  # what was fed may have brought about another
            if trader is not None and due_ns <= self.agenda.next_ns:
                trader.hear()
            elif self.agenda.next_ns <= first_ns:
                self.agenda.do_next()
        self._feed(until_ns)
        self.now_ns = max(self.now_ns, until_ns)

    def _first_answer(self, until_ns: int) -> tuple[int, Trader | None]:
        best_ns, best = NEVER_NS, None
        for trader in self.traders:
            due_ns = trader.due_ns(until_ns)
            if due_ns < best_ns:
                best_ns, best = due_ns, trader
        return best_ns, best

    def _feed(self, until_ns: int) -> None:
        """Play the records received up to a time."""
        while not self.is_over:
            self._turn()
            at = self.position - self._chunk.first
            end = min(int(np.searchsorted(self._times, until_ns, side="right")), at + _FED_MAX)
            if end <= at:
                return
            self._take(self._chunk.records[at:end])

    def _turn(self) -> None:
        """Hold the chunk that the next record is in."""
        while self.position >= self._chunk.first + len(self._chunk.records):
            self._chunk = next(self._chunks)
            self._times = self._chunk.records["ts_recv"]

    def _take(self, fed: Rows) -> None:
        tops, traders = self.market.tops, self.traders
        rows = [Row(*cells) for cells in fed.tolist()]
        start = self.position
        for offset, row in enumerate(rows, start=1):
            tops[row.instrument].take(row)
            watchers = [trader for trader in traders if trader.watches(row.instrument)]
            if watchers:
                self.position, self.now_ns = start + offset, max(self.now_ns, row.ts_recv)
                _show(watchers, row)
        self.position = start + len(rows)
        if rows:
            self.now_ns = max(self.now_ns, rows[-1].ts_recv)
        for listener in self.listeners:
            listener(rows)


def _show(watchers: Iterable[Trader], row: Row) -> None:
    for watcher in watchers:
        watcher.watch(row)
