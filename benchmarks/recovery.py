"""How long a crashed trader takes to come back from its log: checked, cut, folded, with and without a snapshot.

    python benchmarks/recovery.py [--n 1000000] [--scratch DIR] [--json]

The log is that of a live session on a generated market: its market records in it, decisions, order events and ticks in between. The
target is 5 seconds for 10 million events (--n 10000000), as a start after a crash has it: a snapshot every 100,000 inputs.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

from msgspec.structs import replace

from tidegate.config.reading import read_config
from tidegate.engine.engine import Engine
from tidegate.engine.toolchain import Toolchain
from tidegate.events.codec import encode
from tidegate.events.inputs import AnyInput
from tidegate.events.records import RECORD_BYTES
from tidegate.journal import LogWriter, read, recover
from tidegate.journal.snapshots import SnapshotPace, drop_snapshots, write_snapshot
from tidegate.kernel.mode import Mode
from tidegate.recovery import machine
from tidegate.recovery.fold import NoSpans, fold_session, snapshot_of
from tidegate.recovery.machine import make_toolchain
from tidegate.recovery.specs import recorded_spec
from tidegate.replay.loop import ReplayLoop
from tidegate.replay.prepare import Plan, plan_session
from tidegate.replay.recorded import Records
from tidegate.simulation.generate import Wish, generate

SNAPSHOT_EVERY = 100_000


class Sink:
    """Writes a replay's entries as a trader would: market records into the log, a snapshot now and then."""

    def __init__(self, writer: LogWriter, plan: Plan, engine: Engine, directory: Path) -> None:
        self._writer = writer
        self._records = Records(plan.merged())
        self._engine = engine
        self._directory = directory
        self._session = plan.session
        self._pace = SnapshotPace(SNAPSHOT_EVERY)
        self.acts = 0

    def span(self, n_first: int, count: int) -> None:
        """Log market records themselves."""
        for part in self._records.next(count):
            self._writer.records(n_first, part)
            n_first += len(part)

    def input(self, n: int, message: AnyInput) -> None:
        """Log another input."""
        if n > 1:
            self._writer.judged(n - 1)
        if self._engine.n == n - 1 and self._pace.due(n - 1):
            self._writer.flush()
            write_snapshot(self._directory, snapshot_of(self._engine, session_id=self._session, code_sha256=machine.code_sha256()))
            drop_snapshots(self._directory, session_id=self._session, keep=2)
        self._writer.input(n, encode(message))

    def act(self, n: int, k: int, act: Any) -> None:
        """Log an act."""
        self.acts += 1
        self._writer.act(n, k, encode(act))


def main() -> None:
    """Run the benchmark and print the figures."""
    arguments = _arguments()
    toolchain = make_toolchain(Mode.COMPILED)
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as folder:
        log = Path(folder) / "log"
        figures = _write(Path(folder), log, arguments, toolchain)
        figures |= _recover(log, toolchain, figures.pop("state"))
    print(json.dumps(figures) if arguments.json else "\n".join(f"{name:>28}  {value:,}" for name, value in figures.items()))


def _write(folder: Path, log: Path, arguments: argparse.Namespace, toolchain: Toolchain) -> dict[str, Any]:
    tape = folder / "market.tape"
    generate(tape, Wish(seed=1, events=arguments.n, symbols=5), progress=lambda _done, _of: None)
    plan = plan_session(read_config("generated"), [tape])
    engine = Engine(plan.spec, toolchain)
    block_bytes = arguments.block_records * RECORD_BYTES
    writer = LogWriter(log, replace(plan.opening(), tapes=(), mode="paper"), block_bytes_max=block_bytes)
    sink = Sink(writer, plan, engine, log)
    started = perf_counter()
    loop = ReplayLoop(
        session=plan.session,
        engine=engine,
        venue=plan.venue(toolchain),
        merged=plan.merged(),
        scheduled=plan.scheduled,
        sinks=[sink],
    )
    loop.run()
    writer.judged(engine.n)
    writer.flush()
    writer.abandon()
    started_snapshot = perf_counter()
    size = len(engine.snapshot())
    snapshot_ms = (perf_counter() - started_snapshot) * 1e3
    return {
        "snapshot_bytes": size,
        "snapshot_made_ms": round(snapshot_ms, 3),
        "events": engine.n,
        "acts": sink.acts,
        "log_bytes": sum(path.stat().st_size for path in log.glob("*.seg")),
        "written_seconds": round(perf_counter() - started, 3),
        "state": engine.state_sha256(),
    }


def _recover(log: Path, toolchain: Toolchain, state_sha256: str) -> dict[str, Any]:
    started = perf_counter()
    recover(log)
    checked = perf_counter() - started
    session = read(log).sessions[-1]
    with_snapshot, snapshot_n = _fold(log, toolchain, state_sha256)
    drop_snapshots(log, session_id=session.opening.session_id, keep=0)
    whole, _none = _fold(log, toolchain, state_sha256)
    return {
        "check_and_cut_seconds": round(checked, 3),
        "snapshot_at": snapshot_n,
        "fold_from_snapshot_seconds": round(with_snapshot, 3),
        "fold_whole_seconds": round(whole, 3),
        "recovery_seconds": round(checked + with_snapshot, 3),
        "recovery_without_snapshot": round(checked + whole, 3),
    }


def _fold(log: Path, toolchain: Toolchain, state_sha256: str) -> tuple[float, int]:
    started = perf_counter()
    reader = read(log)
    session = reader.sessions[-1]
    engine = Engine(recorded_spec(session.opening), toolchain)
    snapshot_n = fold_session(reader, session, engine, spans=NoSpans(), code_sha256=machine.code_sha256())
    took = perf_counter() - started
    if engine.state_sha256() != state_sha256:
        sys.exit("The recovered state is not the one that was lost.")
    return took, snapshot_n


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=1_000_000)
    parser.add_argument("--block-records", type=int, default=4_096, help="a quiet feed makes small blocks: one for each commit")
    parser.add_argument("--scratch", type=Path, default=None, help="folder for tape and log; default: the system's temporary one")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
