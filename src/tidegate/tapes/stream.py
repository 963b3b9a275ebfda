"""One tape on its way into the merge: delivery times in a window ahead of a cursor, whatever its length."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tidegate.events.records import RECORD_BYTES
from tidegate.tapes.check import Records
from tidegate.tapes.errors import BadRecordError, UnknownSymbolError
from tidegate.tapes.format import Tape
from tidegate.values.instruments import Instrument
from tidegate.values.latency import FEED_STREAM, Latency

_RAW = np.dtype((np.void, RECORD_BYTES))  # rows move as one block


def remap(tape: Tape, instruments: Sequence[Instrument]) -> NDArray[np.int32]:
    """Return the session's instrument index for each symbol of a tape.

    A symbol listed at several venues is told apart by the tape's own venue.

    Raises:
        UnknownSymbolError: the session lacks a symbol, or lists it more than once and none at the tape's
        venue.
    """
    table = np.empty(len(tape.symbols), np.int32)
    for symbol in tape.symbols:
        named = [instrument for instrument in instruments if instrument.symbol == symbol.symbol]
        found = named if len(named) == 1 else [instrument for instrument in named if instrument.venue == symbol.venue]
        if len(found) != 1:
            how = "lists more than once" if named else "does not list"
            raise UnknownSymbolError(
                f"{tape.path} holds {symbol.symbol}, which the configuration {how}; put it under instruments exactly once."
            )
        table[symbol.index] = found[0].index
    return table


class Stream:
    """A tape with a cursor; `times` are the delivery times from the cursor to the end of the window."""

    def __init__(self, tape: Tape, *, rank: int, remap: NDArray[np.int32], latency: Latency, seed: int, window: int) -> None:
        """Stand at the tape's beginning with an empty window."""
        assert len(remap) == len(tape.symbols)
        self.tape = tape
        self.rank = rank
        self.taken = 0
        self.last_ns = 0
        self.times = np.empty(0, np.int64)
        self._remap = remap
        self._latency = latency
        self._seed = seed
        self._window = window
        self._is_renumbered = not np.array_equal(remap, np.arange(len(remap)))
        self._is_delayed = latency.median_ns != 0

    @property
    def is_unchanged(self) -> bool:
        """Return whether the records go out exactly as they lie in the file."""
        return not self._is_renumbered and not self._is_delayed

    @property
    def has_more(self) -> bool:
        """Return whether records lie beyond the window."""
        return self.taken + len(self.times) < len(self.tape)

    @property
    def end_ns(self) -> int:
        """Return the delivery time of the window's last record."""
        return int(self.times[-1])

    def seek(self, taken: int, last_ns: int) -> None:
        """Put the cursor behind `taken` records, the last of which was delivered at last_ns."""
        self.taken = taken
        self.last_ns = last_ns
        self.times = np.empty(0, np.int64)

    def refill(self) -> None:
        """Compute delivery times up to the end of the window, once a half of it is used up."""
        held = len(self.times)
        if held * 2 > self._window or not self.has_more:
            return
        start = self.taken + held
        fresh = np.array(self.tape.records["ts_recv"][start : start + self._window - held])
        if self._is_delayed:
            stream = FEED_STREAM + self.rank
            fresh += self._latency.draws(seed=self._seed, stream=stream, first=start, count=len(fresh))
            fresh[0] = max(int(fresh[0]), self.end_ns if held else self.last_ns)
            np.maximum.accumulate(fresh, out=fresh)
        self.times = np.concatenate((self.times, fresh))

    def take(self, count: int) -> None:
        """Move the cursor over records that have gone out."""
        if count:
            self.last_ns = int(self.times[count - 1])
            self.taken += count
            self.times = self.times[count:]

    def put(self, records: Records, where: NDArray[np.intp]) -> None:
        """Copy the next len(where) records to places of a chunk, as the session sees them.

        Raises:
            BadRecordError: an instrument index that the tape's header does not list.
        """
        source = self.tape.records[self.taken : self.taken + len(where)]
        records.view(_RAW)[where] = source.view(_RAW)
        if self._is_delayed:
            records["ts_recv"][where] = self.times[: len(where)]
        if self._is_renumbered:
            records["instrument"][where] = self._session_numbers(source["instrument"])

    def _session_numbers(self, numbers: NDArray[np.int32]) -> NDArray[np.int32]:
        bad = (numbers < 0) | (numbers >= len(self._remap))
        if bad.any():
            raise BadRecordError(
                f"Record {self.taken + int(bad.argmax())} of {self.tape.path} has an instrument that its "
                "header does not list; the tape is damaged, import it again."
            )
        return self._remap[numbers]
