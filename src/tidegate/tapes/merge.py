"""Several tapes as one sequence of records: by receive time, then stream rank, then position; in chunks.

A stream's rank is its place in the list of tapes. A feed latency is added to each receive time before the
merge; within a stream no record overtakes another (the later one waits), so position order stays. Nothing
here depends on the chunk size.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tidegate.events.records import RECORD
from tidegate.tapes.check import Records
from tidegate.tapes.format import Tape
from tidegate.tapes.stream import Stream
from tidegate.values.latency import Latency

CHUNK_RECORDS: Final = 65_536
STREAM_RECORDS_MIN: Final = 16

ZERO_LATENCY: Final = Latency()


class Chunk(NamedTuple):
    """A part of the merged sequence: valid until the next is asked for (read-only if it is the file)."""

    first: int  # merged position of the first record
    records: Records


class _Place(NamedTuple):
    """Where a chunk begins: all that is needed to merge it again."""

    first: int
    taken: tuple[int, ...]  # records of each stream before it
    last_ns: tuple[int, ...]  # delivery time of the last of them


class Merged:
    """The market records of a session, in the order in which they are received."""

    def __init__(
        self,
        tapes: Sequence[Tape],
        *,
        remaps: Sequence[NDArray[np.int32]],
        feed_latency: Latency = ZERO_LATENCY,
        seed: int = 0,
        chunk_records: int = CHUNK_RECORDS,
    ) -> None:
        """Prepare the merge; nothing is read yet.

        Args:
            tapes: the streams, in order of rank.
            remaps: for each tape, the session's instrument index of each of its symbols (see `remap`).
            feed_latency: added to receive times.
            seed: keys the latency's draws, with stream rank and position.
            chunk_records: the largest chunk of a merge.
        """
        assert len(tapes) == len(remaps) > 0
        window = max(chunk_records // len(tapes), STREAM_RECORDS_MIN)
        self._streams = [
            Stream(tape, rank=rank, remap=table, latency=feed_latency, seed=seed, window=window)
            for rank, (tape, table) in enumerate(zip(tapes, remaps, strict=True))
        ]
        self._length = sum(len(tape) for tape in tapes)
        self._whole = len(tapes) == 1 and self._streams[0].is_unchanged
        self._buffer = np.empty(0 if self._whole else window * len(tapes), RECORD)
        self._places = [_Place(first=0, taken=(0,) * len(tapes), last_ns=(0,) * len(tapes))]
        self._destinations: list[NDArray[np.intp]] = []  # of each stream's records in the chunk now held
        self._held = -1  # which chunk that is

    def __len__(self) -> int:
        """Return the number of records of all tapes."""
        return self._length

    def chunks(self, *, start: int = 0) -> Iterator[Chunk]:
        """Yield the records from a merged position on. One iteration at a time: chunks share a buffer.

        A single tape without latency and with its own numbering comes as one chunk: the mapped file itself.
        """
        assert 0 <= start <= len(self)
        if start == len(self):
            return
        if self._whole:
            yield Chunk(start, self._streams[0].tape.records[start:])
            return
        for number in count(self._chunk_holding(start)):
            if number == len(self._places):
                return
            chunk = self._merge(number)
            skip = max(start - chunk.first, 0)
            yield Chunk(chunk.first + skip, chunk.records[skip:])

    def position_of(self, position: int) -> tuple[int, ...]:
        """Return how many records of each stream lie before a merged position.

        Cheap in the chunk that was yielded last; elsewhere the chunk is merged again, into the same buffer.
        """
        assert 0 <= position <= self._length
        if self._whole:
            return (position,)
        if position == self._length:
            return tuple(len(stream.tape) for stream in self._streams)
        place = self._places[self._held] if self._held >= 0 else None
        if place is None or not place.first <= position <= place.first + self._held_records():
            number = self._chunk_holding(position)
            self._merge(number)
            place = self._places[number]
        at = position - place.first
        return tuple(
            taken + int(np.searchsorted(destinations, at)) for taken, destinations in zip(place.taken, self._destinations, strict=True)
        )

    def _held_records(self) -> int:
        return sum(len(destinations) for destinations in self._destinations)

    def _chunk_holding(self, position: int) -> int:
        """Return the number of the chunk with this position, merging ahead as far as needed."""
        while self._places[-1].first <= position:
            last = len(self._places) - 1
            self._merge(last)
            if len(self._places) == last + 1:
                return last
        return bisect_right(self._places, position, key=lambda place: place.first) - 1

    def _merge(self, number: int) -> Chunk:
        """Merge one chunk into the buffer, from the place where it begins; note where the next one begins."""
        place = self._places[number]
        if number != self._held + 1 or self._held < 0:
            for stream, taken, last_ns in zip(self._streams, place.taken, place.last_ns, strict=True):
                stream.seek(taken, last_ns)
        for stream in self._streams:
            stream.refill()
        counts = self._counts_to_next(number) or self._safe_counts()
        records = self._interleave(counts)
        for stream, size in zip(self._streams, counts, strict=True):
            stream.take(size)
        self._held = number
        if number + 1 == len(self._places) and place.first + len(records) < len(self):
            self._places.append(
                _Place(
                    first=place.first + len(records),
                    taken=tuple(stream.taken for stream in self._streams),
                    last_ns=tuple(stream.last_ns for stream in self._streams),
                )
            )
        return Chunk(place.first, records)

    def _counts_to_next(self, number: int) -> list[int]:
        """Return what the chunk held when merged before (a seek fills windows, chunks must stay)."""
        if number + 1 == len(self._places):
            return []
        taken, next_taken = self._places[number].taken, self._places[number + 1].taken
        return [after - before for before, after in zip(taken, next_taken, strict=True)]

    def _safe_counts(self) -> list[int]:
        """Return how many records of each stream's window no unseen record can precede.

        The window that ends first sets the bound. At the very time of the bound, streams of lower rank go
        before it.
        """
        ends = [(stream.end_ns, stream.rank) for stream in self._streams if stream.has_more]
        if not ends:
            return [len(stream.times) for stream in self._streams]
        bound_ns, bound_rank = min(ends)
        return [
            int(np.searchsorted(stream.times, bound_ns, side="right" if stream.rank <= bound_rank else "left")) for stream in self._streams
        ]

    def _interleave(self, counts: Sequence[int]) -> Records:
        total = sum(counts)
        times = np.concatenate([stream.times[:size] for stream, size in zip(self._streams, counts, strict=True)])
        destination = np.empty(total, np.intp)
        destination[np.argsort(times, kind="stable")] = np.arange(total)
        records = self._buffer[:total]
        self._destinations = np.split(destination, np.cumsum(counts)[:-1])
        for stream, where in zip(self._streams, self._destinations, strict=True):
            stream.put(records, where)
        return records
