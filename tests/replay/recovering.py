"""A session's engine from its log, from a replay's too: made whole, then folded as a start folds it."""

from pathlib import Path
from typing import NamedTuple

from tidegate.engine.engine import Engine
from tidegate.journal import Recovery, read, recover
from tidegate.journal.snapshots import write_snapshot
from tidegate.kernel.mode import Mode
from tidegate.recovery import machine
from tidegate.recovery.fold import fold_session, snapshot_of
from tidegate.recovery.specs import recorded_spec
from tidegate.replay.spans import spans_of


class Recovered(NamedTuple):
    """The engine after the log's last whole entry, what was cut from the log, and the input the snapshot stood at (0: none)."""

    engine: Engine
    log: Recovery
    snapshot_n: int


def recover_engine(directory: Path) -> Recovered:
    """Cut a log's torn end, if it has one, and fold its newest session into a fresh engine."""
    cut = recover(directory)
    reader = read(directory)
    session = reader.sessions[-1]
    engine = Engine(recorded_spec(session.opening), machine.make_toolchain(Mode.COMPILED))
    spans = spans_of(session.opening, (), directory)
    snapshot_n = fold_session(reader, session, engine, spans=spans, code_sha256=machine.code_sha256())
    return Recovered(engine, cut, snapshot_n)


def keep_snapshot(directory: Path, engine: Engine, *, session_id: str) -> Path:
    """Write a snapshot of an engine beside its log."""
    return write_snapshot(directory, snapshot_of(engine, session_id=session_id, code_sha256=machine.code_sha256()))
