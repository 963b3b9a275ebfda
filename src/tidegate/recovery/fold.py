"""Folds a recorded session into a fresh engine: its opening snapshot or the newest of its own, then inputs and acts in their order."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol, final

import numpy as np

from tidegate.engine.engine import Engine
from tidegate.engine.lapsing import LogEnd
from tidegate.engine.layout import layout_sha256
from tidegate.engine.snapshots import WrongSnapshotError
from tidegate.events.base import Act, Input
from tidegate.events.codec import decode
from tidegate.events.session import SessionOpened
from tidegate.journal.layout import EntryKind
from tidegate.journal.reader import LogReader, Session
from tidegate.journal.snapshots import Snapshot, read_snapshots
from tidegate.values.errors import TidegateError

Records = np.ndarray[Any, Any]


class Spans(Protocol):
    """Market records that a log only refers to: those of a replay's tapes, in the order of the session."""

    def next(self, count: int) -> Iterator[Records]:
        """Yield the next `count` records, in as many parts as it takes."""


class BeginningGoneError(TidegateError):
    """The log no longer holds the beginning of a session, and no snapshot stands for it."""


class MadeByOtherCodeError(TidegateError):
    """A session begins in a state that other code or another layout made; its senses have to warm up instead."""


@final
class NoSpans:
    """A log with its market records in it refers to none elsewhere."""

    def next(self, count: int) -> Iterator[Records]:
        """Yield nothing: there is nothing."""
        raise BeginningGoneError(f"The log refers to {count} market records of tapes, and no tapes were given; say where with --tape.")


def begin_session(engine: Engine, opening: SessionOpened) -> None:
    """Give an engine the state its session began in: the opening snapshot, or nothing.

    Raises:
        MadeByOtherCodeError: the snapshot is of another layout.
        WrongSnapshotError: the snapshot is not the one whose hash the opening tells.
    """
    if not opening.snapshot:
        return
    if sha256(opening.snapshot).hexdigest() != opening.snapshot_sha256:
        raise WrongSnapshotError(f"The opening snapshot of session {opening.session_id} is not the one whose hash is told beside it.")
    if opening.layout_sha256 != layout_sha256():
        raise MadeByOtherCodeError(f"Session {opening.session_id} began in a state of another layout; warm up from its records instead.")
    engine.continue_from(opening.snapshot)


def snapshot_of(engine: Engine, *, session_id: str, code_sha256: str) -> Snapshot:
    """Return an engine's state as a snapshot to be written beside its log; between inputs only."""
    return Snapshot(session_id=session_id, n=engine.n, layout_sha256=layout_sha256(), code_sha256=code_sha256, state=engine.snapshot())


def newest_snapshot(directory: Path, session: Session, *, code_sha256: str) -> Snapshot | None:
    """Return the newest sound snapshot of a session, its layout and this code that is no newer than the log; None: there is none.

    A snapshot ahead of the log's end is of inputs that the disk has lost: what it knows never happened here.
    """
    for found in read_snapshots(directory, session_id=session.opening.session_id):
        if not isinstance(found, Snapshot) or found.n > session.last_n:
            continue
        if (found.layout_sha256, found.code_sha256) == (layout_sha256(), code_sha256):
            return found
    return None


def require_beginning(session: Session, known_n: int) -> None:
    """Refuse a session of which more was dropped from the log than is known without it.

    Raises:
        BeginningGoneError: inputs are missing in between.
    """
    if session.before_n > known_n:
        raise BeginningGoneError(
            f"Session {session.opening.session_id} lacks its inputs up to {session.before_n} in the log: older segments were dropped, "
            "and no snapshot that can be used stands for them; bring them back, or start anew."
        )


def fold_session(reader: LogReader, session: Session, engine: Engine, *, spans: Spans, code_sha256: str) -> int:
    """Fold a session whole into a fresh engine of its specification; return the input its snapshot stood at, 0 without one.

    Raises:
        BeginningGoneError: its oldest segments were dropped and no snapshot stands for them.
        MadeByOtherCodeError: it began in a state of other code.
        DamagedLogError: a block's payload changed after it was written.
    """
    snapshot = newest_snapshot(reader.directory, session, code_sha256=code_sha256)
    if snapshot is None:
        begin_session(engine, session.opening)
    else:
        engine.restore(snapshot.state)
    require_beginning(session, engine.n)
    after_n = engine.n if not session.opening.tapes else 0  # tapes are read from their beginning
    folder = Folder(engine, spans, after_n=engine.n)
    for entry in reader.entries(session.number, after_n=after_n or -1):
        folder.fold(entry.kind, entry.n, entry.payload, entry.count)
    engine.fold_end(LogEnd(session.opening.session_id, session.last_n, session.judged_to))
    return 0 if snapshot is None else snapshot.n


@final
class Folder:
    """Folds entries one by one; those up to `after_n` are in the engine already."""

    def __init__(self, engine: Engine, spans: Spans, *, after_n: int) -> None:
        self._engine = engine
        self._spans = spans
        self._after_n = after_n

    def fold(self, kind: EntryKind, n: int, payload: memoryview, count: int) -> None:
        """Fold one entry of a log."""
        if kind is EntryKind.RECORDS:
            self._records(np.frombuffer(payload, np.uint8), n, count)
        elif kind is EntryKind.SPAN:
            for part in self._spans.next(count):
                self._records(part.view(np.uint8), n, len(part))
                n += len(part)
        elif n <= self._after_n:
            return
        elif kind is EntryKind.INPUT:
            message = decode(payload)
            assert isinstance(message, Input), "an INPUT entry holds an input"
            self._engine.fold_input(message)
        elif kind is EntryKind.ACT:
            act = decode(payload)
            assert isinstance(act, Act), "an ACT entry holds an act"
            self._engine.fold_act(act)

    def _records(self, tape: Records, n_first: int, count: int) -> None:
        known = min(max(self._after_n - n_first + 1, 0), count)
        if known < count:
            self._engine.fold_records(tape, known, count)
