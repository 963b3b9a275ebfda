"""A crashed session's engine from its log: what was recorded is folded as facts, and nothing is decided again.

Start is the newest good snapshot of this session, layout and code, or the very beginning; then the log's inputs and acts in their order.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tidegate.config.reading import parse_config
from tidegate.engine.engine import Engine
from tidegate.engine.layout import layout_sha256
from tidegate.events.base import Act, Input
from tidegate.events.codec import decode
from tidegate.journal import EntryKind, Recovery, read, recover
from tidegate.journal.snapshots import Snapshot, read_snapshots, write_snapshot
from tidegate.kernel.mode import Mode
from tidegate.replay import hashes
from tidegate.replay.prepare import assemble, build_engine, make_toolchain
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
    opening = reader.opening
    plan = assemble(parse_config(opening.config, name=f"{directory} (configuration)", folder=Path()), find_tapes(opening, tapes))
    engine = build_engine(plan, make_toolchain(mode))
    start = _newest_snapshot(directory, opening.session_id)
    skip = 0
    if start is not None:
        engine.restore(start.state)
        skip = start.n
    records, told = Records(plan.merged()), 0
    for entry in reader.entries(reader.sessions[-1].number):
        if entry.kind is EntryKind.SPAN:
            for part in records.next(entry.count):
                taken = min(max(skip - told, 0), len(part))
                told += len(part)
                engine.fold_records(part.view(np.uint8), taken, len(part))
        elif entry.kind is EntryKind.INPUT:
            told += 1
            if entry.n > skip:
                message = decode(entry.payload)
                assert isinstance(message, Input), "an INPUT entry holds an input"
                engine.fold_input(message)
        elif entry.kind is EntryKind.ACT and entry.n > skip:
            act = decode(entry.payload)
            assert isinstance(act, Act), "an ACT entry holds an act"
            engine.fold_act(act)
    engine.fold_end()
    return Recovered(engine, cut, skip)


def keep_snapshot(directory: Path, engine: Engine, *, session_id: str) -> Path:
    """Write a snapshot of an engine beside its log; between inputs only.

    Raises:
        LogUnwritableError: the disk refuses.
    """
    return write_snapshot(
        directory,
        Snapshot(
            session_id=session_id,
            n=engine.n,
            layout_sha256=layout_sha256(),
            code_sha256=hashes.code_sha256(),
            state=engine.snapshot(),
        ),
    )


def _newest_snapshot(directory: Path, session_id: str) -> Snapshot | None:
    for found in read_snapshots(directory, session_id=session_id):
        if isinstance(found, Snapshot) and (found.layout_sha256, found.code_sha256) == (layout_sha256(), hashes.code_sha256()):
            return found
    return None
