"""A crashed session comes back from its log: by folding alone, with and without a snapshot, torn end cut."""

from pathlib import Path

import pytest

from tests.replay.recovering import keep_snapshot, recover_engine
from tidegate.config.reading import read_config
from tidegate.engine.engine import Engine
from tidegate.journal import LogWriter
from tidegate.kernel.mode import Mode
from tidegate.recovery.machine import make_toolchain
from tidegate.replay.loop import ReplayLoop
from tidegate.replay.prepare import Plan, build_engine, plan_session
from tidegate.replay.run import Options, run_plan
from tidegate.replay.sinks import LogSink
from tidegate.simulation.generate import Wish, generate


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    tape = tmp_path_factory.mktemp("recovery") / "market.tape"
    generate(tape, Wish(seed=2, events=150_000, symbols=2), progress=lambda _done, _of: None)
    return plan_session(read_config("generated"), [tape])


def crashed_log(plan: Plan, directory: Path, *, stop_n: int, flushed: bool = True) -> Engine:
    """Run a session until an input number and leave its log as a crash would, with a snapshot on the way."""
    toolchain = make_toolchain(Mode.COMPILED)
    engine = build_engine(plan, toolchain)
    writer = LogWriter(directory, plan.opening(), block_bytes_max=4_096)

    def look(_done: int) -> None:
        if engine.n >= stop_n:
            raise KeyboardInterrupt

    loop = ReplayLoop(
        session=plan.session,
        engine=engine,
        venue=plan.venue(toolchain),
        merged=plan.merged(),
        scheduled=plan.scheduled,
        sinks=[LogSink(writer)],
        batch=500,
        progress=look,
    )
    with pytest.raises(KeyboardInterrupt):
        loop.run()
    keep_snapshot(directory, engine, session_id=plan.session)
    if flushed:
        writer.flush()
    writer.abandon()
    return engine


@pytest.mark.req("B1.2", "X1")
def test_a_whole_log_folds_to_the_state_that_its_session_ended_in(plan: Plan, tmp_path: Path) -> None:
    replay = run_plan(plan, Options(log=tmp_path / "log"))
    assert replay.summary.orders > 0
    recovered = recover_engine(tmp_path / "log")
    assert recovered.snapshot_n == 0
    assert recovered.engine.state_sha256() == replay.summary.state_sha256
    assert recovered.engine.take_acts() == []


@pytest.mark.req("B1.2")
@pytest.mark.parametrize("cut_bytes", [1, 100, 4_000])
def test_a_torn_log_comes_back_as_far_as_its_whole_blocks_reach(plan: Plan, tmp_path: Path, cut_bytes: int) -> None:
    run_plan(plan, Options(log=tmp_path / "log"))
    whole = recover_engine(tmp_path / "log").engine
    segment = max((tmp_path / "log").glob("*.seg"))
    data = segment.read_bytes()
    segment.write_bytes(data[: len(data) - cut_bytes])
    recovered = recover_engine(tmp_path / "log")
    assert recovered.log.cut_bytes >= 0
    assert 0 < recovered.engine.n <= whole.n


@pytest.mark.req("B1.2")
def test_a_snapshot_shortens_the_way_and_changes_nothing(plan: Plan, tmp_path: Path) -> None:
    run_plan(plan, Options(log=tmp_path / "whole"))
    engine = crashed_log(plan, tmp_path / "crashed", stop_n=1)
    recovered = recover_engine(tmp_path / "crashed")
    assert recovered.snapshot_n == engine.n
    assert recovered.engine.state_sha256() == engine.state_sha256()
    for snapshot in (tmp_path / "crashed" / "snapshots").iterdir():
        snapshot.unlink()
    again = recover_engine(tmp_path / "crashed")
    assert again.snapshot_n == 0
    assert again.engine.state_sha256() == engine.state_sha256()


@pytest.mark.req("B1.2")
def test_a_snapshot_newer_than_what_the_disk_has_of_the_log_is_not_taken(plan: Plan, tmp_path: Path) -> None:
    """The log's newest blocks are lost and the snapshot is not: what it knows never happened here."""
    log = tmp_path / "log"
    ahead = crashed_log(plan, log, stop_n=1, flushed=False)
    recovered = recover_engine(log)
    assert recovered.snapshot_n == 0
    assert recovered.engine.n < ahead.n
    keep_snapshot(log, recovered.engine, session_id=plan.session)
    older = recover_engine(log)
    assert older.snapshot_n == recovered.engine.n, "an older snapshot serves"
    assert older.engine.state_sha256() == recovered.engine.state_sha256()
