"""A session's engine from its log: what was recorded is folded as facts, and nothing is decided again.

Start is the newest good snapshot of this session, layout and code, or its very beginning; then the log's inputs and acts in their order.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tidegate.config.reading import parse_config
from tidegate.engine.engine import Engine
from tidegate.engine.layout import layout_sha256
from tidegate.events.session import SessionOpened
from tidegate.journal import Recovery, read, recover
from tidegate.journal.snapshots import Snapshot, write_snapshot
from tidegate.kernel.mode import Mode
from tidegate.recovery import machine
from tidegate.recovery.fold import NoSpans, Spans, fold_session
from tidegate.recovery.machine import make_toolchain
from tidegate.recovery.specs import recorded_spec
from tidegate.replay.prepare import assemble
from tidegate.replay.recorded import Records, find_tapes


class Recovered(NamedTuple):
    """The engine after the log's last whole entry, what was cut from the log, and the input the snapshot stood at (0: none)."""

    engine: Engine
    log: Recovery
    snapshot_n: int


def recover_engine(directory: Path, *, tapes: Sequence[Path] = (), mode: Mode = Mode.COMPILED) -> Recovered:
    """Cut a log's torn end, if it has one, and fold its newest session into a fresh engine.

    Raises:
        TidegateError: no log, damaged before its end, of a newer version, or a tape that is nowhere.
    """
    cut = recover(directory)
    reader = read(directory)
    session = reader.sessions[-1]
    engine = Engine(recorded_spec(session.opening), make_toolchain(mode))
    spans = spans_of(session.opening, tapes, directory)
    snapshot_n = fold_session(reader, session, engine, spans=spans, code_sha256=machine.code_sha256())
    return Recovered(engine, cut, snapshot_n)


def spans_of(opening: SessionOpened, tapes: Sequence[Path], directory: Path) -> Spans:
    """Return the market records that a session's log refers to, from its tapes; none where the log holds them itself.

    Raises:
        TapeNotFoundError: a tape is neither where it was nor among the given ones.
    """
    if not opening.tapes:
        return NoSpans()
    loaded = parse_config(opening.config, name=f"{directory} (configuration)", folder=Path())
    return Records(assemble(loaded, find_tapes(opening, tapes)).merged())


def keep_snapshot(directory: Path, engine: Engine, *, session_id: str) -> Path:
    """Write a snapshot of an engine beside its log; between inputs only.

    Raises:
        LogUnwritableError: the disk refuses.
    """
    return write_snapshot(directory, snapshot_of(engine, session_id=session_id))


def snapshot_of(engine: Engine, *, session_id: str) -> Snapshot:
    """Return an engine's state as a snapshot to be written; between inputs only."""
    return Snapshot(
        session_id=session_id,
        n=engine.n,
        layout_sha256=layout_sha256(),
        code_sha256=machine.code_sha256(),
        state=engine.snapshot(),
    )
