"""A live log holds its own market records and session after session: `verify` decides all of it again from the log alone."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.contract.cases import told_inputs
from tests.contract.test_invariants import books_add_up, no_pair_is_forgotten
from tests.replay.live import loaded_config, plan_of, run_live, start_of
from tests.replay.logs import acts_in
from tests.replay.recovering import recover_engine
from tidegate.analytics.explain import explain
from tidegate.cli.main import main
from tidegate.engine.engine import Engine
from tidegate.engine.toolchain import Toolchain
from tidegate.events.acts import AttentionsLapsed, OrderCommand
from tidegate.events.codec import decode, encode
from tidegate.events.inputs import AnyInput
from tidegate.journal import EntryKind, LogWriter, check, read
from tidegate.journal.export import stats
from tidegate.journal.keeping import retain
from tidegate.journal.rows import rows
from tidegate.journal.settings import LiveSettings
from tidegate.kernel.mode import Mode
from tidegate.recovery import machine
from tidegate.recovery.start import Way
from tidegate.replay import verify
from tidegate.replay.reading import read_log
from tidegate.replay.verify import verify_log

pytestmark = pytest.mark.req("C1.5", "X1", "B1.2")

SAME = "every act was recomputed to the same bytes"


@pytest.fixture(autouse=True, scope="module")
def _one_toolchain(compiled: Toolchain) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify, "make_toolchain", lambda mode, _told: compiled if mode is Mode.COMPILED else Toolchain(mode))
        yield


@pytest.fixture(scope="module")
def day(compiled: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three sessions of one trader, each going on where the one before ended."""
    log = tmp_path_factory.mktemp("day") / "log"
    loaded = loaded_config()
    for number in range(3):
        run_live(log, plan_of(loaded, number), compiled, seed=number)
    return log


def test_a_live_log_of_several_sessions_matches(day: Path) -> None:
    verdict = verify_log(day)
    assert (verdict.match, verdict.why, verdict.first_difference, verdict.damage) == (True, SAME, None, None)
    reader = read(day)
    assert len(reader.sessions) == 3
    assert verdict.entries == stats(reader).entries
    assert all(session.opening.snapshot for session in reader.sessions[1:])
    newest = verify_log(day, newest=True)
    assert newest.match is True
    assert 0 < newest.entries < verdict.entries


def test_each_session_goes_on_with_the_books_of_the_one_before(compiled: Toolchain, tmp_path: Path) -> None:
    loaded = loaded_config()
    first = run_live(tmp_path, plan_of(loaded, 0), compiled)
    start = start_of(tmp_path, plan_of(loaded, 1), compiled)
    assert start is not None
    assert (start.way, start.why, start.warmed) == (Way.CONTINUED, "", None)
    plan = plan_of(loaded, 1)
    second = Engine(plan.spec, compiled)
    second.continue_from(start.state)
    assert (second.n, second.now_ns) == (0, first.now_ns)
    ours, theirs = second._core, first._core
    for part in ("portfolio", "orders", "gates"):
        assert getattr(ours, part).snapshot() == getattr(theirs, part).snapshot(), part
    assert [msgspec.msgpack.encode(state) for state in ours.states] == [msgspec.msgpack.encode(state) for state in theirs.states]
    own, other = (core.host.table("own") for core in (ours, theirs))
    assert own.tobytes() == other.tobytes()


@settings(max_examples=12, deadline=None)
@given(more=told_inputs(), seed=st.integers(0, 1_000))
def test_gates_lag_streams_and_events_at_any_moment_are_verified_too(
    compiled: Toolchain, tmp_path_factory: pytest.TempPathFactory, more: tuple[AnyInput, ...], seed: int
) -> None:
    log = tmp_path_factory.mktemp("told") / "log"
    run_live(log, plan_of(loaded_config(), 0, seed=seed, records=250), compiled, seed=seed, more=more)
    assert verify_log(log).match is True


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_session_that_broke_off_within_any_act_is_gone_on_with_and_all_of_it_verifies(
    compiled: Toolchain, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    log = tmp_path_factory.mktemp("broken") / "log"
    loaded = loaded_config()
    break_at = data.draw(st.integers(1, 400))
    broken = run_live(log, plan_of(loaded, 0, records=300), compiled, break_at=break_at)
    alone = verify_log(log)
    assert alone.match is True, alone
    after = run_live(log, plan_of(loaded, 1, records=100), compiled)
    books_add_up(after)
    no_pair_is_forgotten(after)
    assert after.now_ns > broken.now_ns
    verdict = verify_log(log)
    assert verdict.match is True, verdict
    told = lapsed_in(log)
    first = read(log).sessions[0]
    if first.judged_to >= first.last_n:
        assert told == []
    for message in told:
        assert (message.broken_session, message.taken_to) == (first.opening.session_id, first.last_n)
        assert message.lapsed


def lapsed_in(log: Path) -> list[AttentionsLapsed]:
    return [act for *_, body in acts_in(log) if isinstance(act := decode(body), AttentionsLapsed)]


def test_what_lapsed_is_told_once_with_the_first_input_of_the_next_session(compiled: Toolchain, tmp_path: Path) -> None:
    """The acts of an input are broken off after its attention: neither features nor an answer stand in the log."""
    loaded = loaded_config()
    whole = tmp_path / "whole"
    run_live(whole, plan_of(loaded, 0, records=300), compiled)
    kinds = [type(decode(body)).__name__ for *_, body in acts_in(whole)]
    asked = kinds.index("FeatureSnapshot")
    log = tmp_path / "log"
    run_live(log, plan_of(loaded, 0, records=300), compiled, break_at=asked + 1)
    for number in (1, 2):
        run_live(log, plan_of(loaded, number, records=50), compiled)
    told = lapsed_in(log)
    assert len(told) == 1
    raised = decode(acts_in(whole)[asked - 1][3])
    assert [(lapse.symbol, lapse.strategy_id) for lapse in told[0].lapsed] == [(raised.symbol, raised.strategy_id)]
    assert told[0].event_id.startswith("live1-1-")
    assert verify_log(log).match is True


def test_one_changed_act_is_the_first_difference_and_its_session_is_named(day: Path, tmp_path: Path) -> None:
    reader = read(day)
    commands = [(place, n, k, body) for place, n, k, body in acts_in(day) if isinstance(decode(body), OrderCommand)]
    place, n, k, body = commands[-1]
    changed = encode(replace(decode(body), timestamp=1))
    log = tmp_path / "log"
    at = -1
    for session in reader.sessions:
        writer = LogWriter(log, session.opening, continuing=True)
        for entry in reader.entries(session.number):
            at += 1
            if entry.kind is EntryKind.INPUT:
                writer.input(entry.n, bytes(entry.payload))
            elif entry.kind is EntryKind.RECORDS:
                writer.records(entry.n, reader.records(entry))
            elif entry.kind is EntryKind.ACT:
                writer.act(entry.n, entry.k, changed if at == place else bytes(entry.payload))
        writer.close(state_sha256=session.state_sha256)
    verdict = verify_log(log)
    assert verdict.match is False
    assert verdict.first_difference is not None
    assert verdict.first_difference[:2] == (n, k)
    assert verdict.why == f"session live2: act {k} of input {n} differs"


def test_a_session_whose_beginning_was_dropped_is_verified_from_a_snapshot(compiled: Toolchain, tmp_path: Path) -> None:
    loaded = loaded_config()
    run_live(tmp_path, plan_of(loaded, 0), compiled)
    run_live(tmp_path, plan_of(loaded, 1, records=3_000), compiled, snapshot_every=200)
    assert retain(tmp_path, LiveSettings(keep_bytes=1), now_ns=0)
    assert check(tmp_path) is None
    reader = read(tmp_path)
    assert [session.before_n > 0 for session in reader.sessions] == [True]
    assert verify_log(tmp_path).match is True
    start = start_of(tmp_path, plan_of(loaded, 2), compiled)
    assert start is not None
    assert start.way is Way.CONTINUED
    for snapshot in (tmp_path / "snapshots").iterdir():
        snapshot.unlink()
    verdict = verify_log(tmp_path)
    assert verdict.match is None
    assert "older segments were dropped" in verdict.why


def test_other_code_is_said_of_each_session(day: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "code_sha256", lambda: "0" * 64)
    verdict = verify_log(day)
    assert verdict.match is None
    assert verdict.why.startswith("session live0: the log was written by other code")
    assert verdict.why.endswith("its acts come out the same")


def test_an_opening_snapshot_that_is_not_the_one_that_was_hashed_is_not_used(compiled: Toolchain, tmp_path: Path) -> None:
    loaded = loaded_config()
    run_live(tmp_path / "one", plan_of(loaded, 0, records=50), compiled)
    reader = read(tmp_path / "one")
    opening = replace(reader.opening, snapshot=b"another", snapshot_sha256="00" * 32)
    LogWriter(tmp_path / "two", opening).close()
    verdict = verify_log(tmp_path / "two")
    assert verdict.match is None
    assert "not the one whose hash is told" in verdict.why


def test_rows_stats_tables_and_stories_come_from_a_live_log_alone(day: Path) -> None:
    reader = read(day)
    figures = stats(reader)
    assert figures.records == sum(1 for row in rows(reader) if row["type"] == "market") > 1_000
    assert all(row["symbol"] for row in rows(reader) if row["type"] == "market")
    run = read_log(day)
    assert run.sources.records == sum(e.count for e in reader.entries(2) if e.kind is EntryKind.RECORDS)
    assert run.sources.prices is not None
    times, prices = run.sources.prices("AAA")
    assert len(times) == len(prices) > 0
    command: Any = next(iter(run.orders.to_dicts()))
    story = explain(run, command["client_order_id"])
    assert story.lines()


def test_the_newest_session_comes_back_from_its_opening_and_its_facts(day: Path) -> None:
    recovered = recover_engine(day)
    assert recovered.engine.state_sha256() == read(day).state_sha256
    assert recovered.snapshot_n == 0


def test_the_command_line_works_on_a_live_log(day: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def said(*words: str) -> dict[str, Any]:
        assert main([*words, "--json"]) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    assert said("verify", str(day))["match"] is True
    assert said("verify", str(day), "--newest")["match"] is True
    figures = said("log", "stats", str(day))
    assert figures["sessions"] == 3
    shown = said("log", "show", str(day), "--type", "command", "--limit", "1")["entries"]
    assert shown[0]["session"] == "live0"
    out = tmp_path / "out.parquet"
    assert said("log", "export", str(day), str(out))["rows"] == figures["entries"]
    newest = [act for *_, body in acts_in(day) if isinstance(act := decode(body), OrderCommand) and act.event_id.startswith("live2-")]
    told = said("explain", newest[0].client_order_id, "--log", str(day))
    assert told


def test_an_order_of_an_earlier_session_is_explained_too(day: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for back in range(3):
        name = read_log(day, back=back).order_rows[0].client_order_id
        assert main(["explain", name, "--log", str(day)]) == 0
        assert capsys.readouterr().out.startswith(f"Order {name} of ")
    assert main(["explain", "nobody", "--log", str(day)]) == 1
