"""The market records a log refers to: its tapes by hash, and their records in the order in which the session had them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np

from tidegate.events.session import SessionOpened
from tidegate.tapes.format import Tape
from tidegate.tapes.merge import Chunk, Merged
from tidegate.values.errors import TidegateError


class TapeNotFoundError(TidegateError):
    """A tape that a log refers to is not where it was."""


@final
class Records:
    """The session's market records in order, handed out by count."""

    def __init__(self, merged: Merged) -> None:
        self._chunks: Iterator[Chunk] = merged.chunks()
        self._rest: np.ndarray[Any, Any] | None = None

    def next(self, count: int) -> Iterator[np.ndarray[Any, Any]]:
        """Yield the next `count` records, in as many parts as the chunks make it."""
        while count > 0:
            if self._rest is None or not len(self._rest):
                chunk = next(self._chunks, None)
                if chunk is None:
                    return
                self._rest = chunk.records
            part = self._rest[:count]
            part.flags.writeable = False
            self._rest = self._rest[count:]
            count -= len(part)
            yield part


def find_tapes(opening: SessionOpened, more: Sequence[Path]) -> tuple[Tape, ...]:
    """Return the tapes a session was made with, by hash.

    Raises:
        TapeNotFoundError: one is neither where it was nor among the given ones.
        DamagedTapeError: a tape's records are not those its header was written for.
    """
    return tuple(_find_tape(ref.path, ref.sha256, more) for ref in opening.tapes)


def _find_tape(path: str, digest: str, more: Sequence[Path]) -> Tape:
    for place in (Path(path), *more):
        if not place.is_file():
            continue
        tape = Tape.open(place)
        if tape.sha256 == digest:
            tape.verify()
            return tape
    raise TapeNotFoundError(f"The tape {path} (sha256 {digest[:12]}…) is not where it was; say where with --tape.")
