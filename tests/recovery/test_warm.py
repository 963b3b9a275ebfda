"""Under other code, another layout or configuration: books from facts, senses from logged records, entries off until they are warm."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from tests.contract.kit import PLAIN_MILL, TRIGGER_MILL, strategy, undecided
from tests.replay.live import loaded_config, plan_of, rows_of, run_live, start_of
from tests.replay.logs import acts_in
from tidegate.engine.carrying import Carried
from tidegate.engine.engine import Engine
from tidegate.engine.snapshots import WrongSnapshotError
from tidegate.engine.toolchain import Toolchain
from tidegate.engine.warming import GoneError
from tidegate.events.acts import ExitWaits, OrderCommand, RiskDecision
from tidegate.events.codec import decode
from tidegate.events.records import RECORD, STATUS, STATUS_HALT
from tidegate.journal import EntryKind, read
from tidegate.journal.ending import read_end
from tidegate.market.rows import HALTED
from tidegate.recovery.fold import BeginningGoneError, MadeByOtherCodeError, begin_session
from tidegate.recovery.start import Way, start_from
from tidegate.recovery.warm import warm_up
from tidegate.replay.prepare import Plan
from tidegate.replay.verify import verify_log
from tidegate.values.enums import Purpose, Verdict
from tidegate.values.time import NEVER_NS

pytestmark = pytest.mark.req("X1", "B1.2")

OTHER = "0" * 64  # the hash of other code


@pytest.fixture(scope="module")
def log(compiled: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sessions; the second broke off with something held or at work."""
    directory = tmp_path_factory.mktemp("log") / "log"
    loaded = loaded_config()
    run_live(directory, plan_of(loaded, 0), compiled)
    run_live(directory, plan_of(loaded, 1), compiled, break_at=300, snapshot_every=150)
    return directory


def judgement(engine: Engine) -> dict[str, bytes]:
    core = engine._core
    parts = {part: getattr(core, part).snapshot() for part in ("portfolio", "orders", "gates")}
    return parts | {"states": msgspec.msgpack.encode(core.states)}


def cells(engine: Engine, *names: str) -> list[Any]:
    own = engine._core.host.table("own")
    return [[row[name].item() for name in names] for row in own]


def begun(plan: Plan, toolchain: Toolchain, state: bytes) -> Engine:
    engine = Engine(plan.spec, toolchain)
    engine.continue_from(state)
    return engine


@pytest.mark.parametrize("suffix", [".*", ".seg"], ids=["from a snapshot", "from the opening"])
def test_books_are_those_of_going_on_and_nothing_is_decided(compiled: Toolchain, log: Path, tmp_path: Path, suffix: str) -> None:
    here = tmp_path / "log"
    here.mkdir()
    for path in log.rglob("*"):
        if path.match(f"*{suffix}") and path.is_file():
            (here / path.relative_to(log)).parent.mkdir(exist_ok=True)
            (here / path.relative_to(log)).write_bytes(path.read_bytes())
    plan = plan_of(loaded_config(), 2)
    plan = plan._replace(spec=undecided(plan.spec))
    gone_on = start_of(here, plan, compiled)
    warmed = start_of(here, plan, compiled, code=OTHER)
    assert gone_on is not None
    assert warmed is not None
    assert (gone_on.way, warmed.way, warmed.why) == (Way.CONTINUED, Way.WARMED_UP, "the session before ran other code")
    assert warmed.warmed is not None
    assert (warmed.warmed.snapshot_n > 0) is (suffix == ".*")
    assert warmed.warmed.records > 600, "the records of the session before it are in the window too"
    assert warmed.warmed.anew == ()
    one, two = begun(plan, compiled, gone_on.state), begun(plan, compiled, warmed.state)
    assert judgement(one) == judgement(two)
    kept = ("position_nanos", "working_exit_nanos", "armed_at_ns", "opened_ns", "stop_nanos", "time_stop_at_ns", "entry_price")
    assert cells(one, *kept) == cells(two, *kept)
    assert one.now_ns == two.now_ns
    assert two.n == 0
    assert one.take_acts() == two.take_acts() == []
    for symbol in ("AAA", "BBB"):
        ours, theirs = rows_of(two, symbol), rows_of(one, symbol)
        for name in ("bid_nanos", "ask_nanos", "quote_ns", "quality", "valid", "cooldown_until_ns"):
            assert ours[name] == theirs[name], name


def test_records_before_the_window_are_not_taken_and_features_stay_cold(compiled: Toolchain, log: Path) -> None:
    plan = plan_of(loaded_config(), 2)
    start = start_of(log, plan, compiled, code=OTHER, from_ns=NEVER_NS)
    assert start is not None
    assert start.warmed is not None
    engine = begun(plan, compiled, start.state)
    for symbol in ("AAA", "BBB"):
        row = rows_of(engine, symbol)
        assert (row["valid"], row["bid_nanos"], row["warm_seconds"]) == (0, 0, 0)
    gone_on = start_of(log, plan, compiled)
    assert gone_on is not None
    assert judgement(engine) == judgement(begun(plan, compiled, gone_on.state))


def test_entries_stay_off_until_the_features_are_warm_and_then_go_on(compiled: Toolchain, log: Path, tmp_path: Path) -> None:
    loaded = loaded_config(features={"warm_seconds": 20, "warm_minutes": 1, "atr_minutes": 2, "range_minutes": 1, "shock": "0s"})
    here = tmp_path / "log"
    here.mkdir()
    for path in log.glob("*.seg"):
        (here / path.name).write_bytes(path.read_bytes())
    plan = plan_of(loaded, 2, records=1_500)
    start = start_of(here, plan, compiled, from_ns=NEVER_NS)
    assert start is not None
    assert (start.way, start.warmed is not None) == (Way.WARMED_UP, True)
    run_live(here, plan, compiled, start=start)
    session = read(here).sessions[-1]
    acts = [decode(body) for place, _n, _k, body in acts_in(here) if place > session.first_entry - 10_000]
    acts = [act for act in acts if act.event_id.startswith("live2-")]
    entries = [act for act in acts if isinstance(act, RiskDecision) and act.purpose is Purpose.ENTRY]
    approved = [act.timestamp for act in entries if act.verdict is Verdict.APPROVED]
    assert approved, "once warm, it trades again"
    first_ns = int(plan.tapes[0].records["ts_recv"][0])
    assert min(approved) >= first_ns + 20_000_000_000
    verdict = verify_log(here, newest=True)
    assert verdict.match is True, verdict


def test_another_configuration_warms_up_and_names_find_their_places(compiled: Toolchain, log: Path) -> None:
    """One more strategy before the others, and one more symbol: every place in the senses has moved."""
    more = [
        strategy(PLAIN_MILL, "zero", seconds=True, symbols=["CCC"]),
        strategy(TRIGGER_MILL, "one", every=4, hold_s=2.0, symbols=["AAA"], style=1, life=1, live_for_s=1.0, policy=2),
        strategy(PLAIN_MILL, "two", seconds=True, hold_s=3.0, symbols=["BBB"]),
    ]
    plan = plan_of(loaded_config(more), 2, symbols=3)
    symbols = [replace(i, index=(i.index + 1) % 3) for i in plan.spec.instruments]
    plan = plan._replace(spec=replace(plan.spec, instruments=tuple(sorted(symbols, key=lambda i: i.index))))
    start = start_of(log, plan, compiled)
    assert start is not None
    assert start.way is Way.WARMED_UP
    assert "another" in start.why
    same = plan_of(loaded_config(), 2)
    gone_on = start_of(log, same, compiled)
    assert gone_on is not None
    ours, theirs = begun(plan, compiled, start.state), begun(same, compiled, gone_on.state)
    for part in ("portfolio", "orders", "gates"):
        assert judgement(ours)[part] == judgement(theirs)[part]
    for symbol in ("AAA", "BBB"):
        assert rows_of(ours, symbol)["bid_nanos"] == rows_of(theirs, symbol)["bid_nanos"] > 0
    assert rows_of(ours, "CCC")["bid_nanos"] == 0
    for name, symbol in (("one", "AAA"), ("two", "BBB")):
        rows = [
            engine._core.host.table("own")[engine._core.host.pair(engine._core.strategy_places[name], engine.place_of(symbol))]
            for engine in (ours, theirs)
        ]
        for field in ("position_nanos", "armed_at_ns", "stop_nanos", "entry_price"):
            assert rows[0][field] == rows[1][field]


def test_what_is_held_or_was_ordered_must_keep_its_place(compiled: Toolchain, log: Path) -> None:
    ordered = {decode(body).symbol for *_, body in acts_in(log) if isinstance(decode(body), OrderCommand)}
    assert "BBB" in ordered
    only_aaa = [strategy(TRIGGER_MILL, "one", every=4, hold_s=2.0, symbols=["AAA"])]
    plan = plan_of(loaded_config(only_aaa), 2, symbols=1)
    with pytest.raises(GoneError, match="keep it in the configuration"):
        start_of(log, plan, compiled)


def test_another_symbol_in_the_same_place_is_another_configuration(compiled: Toolchain, log: Path) -> None:
    plan = plan_of(loaded_config(), 2)
    instruments = (replace(plan.spec.instruments[0], symbol="ZZZ"), *plan.spec.instruments[1:])
    slots = tuple(replace(slot, symbols=("ZZZ",)) if slot.symbols == ("AAA",) else slot for slot in plan.spec.strategies)
    engine = Engine(replace(plan.spec, instruments=instruments, strategies=slots), compiled)
    before = engine.snapshot()
    with pytest.raises(WrongSnapshotError, match="another configuration"):
        engine.continue_from(read(log).opening.snapshot)
    assert engine.snapshot() == before


def test_a_strategy_whose_state_has_another_shape_begins_with_a_new_one(compiled: Toolchain, log: Path) -> None:
    class State(msgspec.Struct, frozen=True):
        words: str

    plan = plan_of(loaded_config(), 2)
    slots = [
        replace(slot, strategy=replace(slot.strategy, state=State("new"), sha256="1")) if slot.strategy.strategy_id == "two" else slot
        for slot in plan.spec.strategies
    ]
    plan = plan._replace(spec=replace(plan.spec, strategies=tuple(slots)))
    start = start_of(log, plan, compiled)
    assert start is not None
    assert start.why == "the source of two has changed"
    assert start.warmed is not None
    assert start.warmed.anew == ("two",)
    assert begun(plan, compiled, start.state)._core.states[1] == State("new")


def test_a_state_of_another_layout_is_not_taken_for_ones_own(compiled: Toolchain, log: Path) -> None:
    opening = replace(read(log).opening, layout_sha256="1" * 64)
    engine = Engine(plan_of(loaded_config(), 2).spec, compiled)
    with pytest.raises(MadeByOtherCodeError, match="another layout"):
        begin_session(engine, opening)
    with pytest.raises(WrongSnapshotError, match="no snapshot"):
        engine.continue_from(b"\xc0")


def test_a_snapshot_without_its_names_cannot_be_adopted(compiled: Toolchain) -> None:
    plan = plan_of(loaded_config(), 2)
    engine = Engine(plan.spec, compiled)
    bare = msgspec.msgpack.decode(engine.snapshot())
    assert msgspec.convert(bare.pop("carried"), Carried).strategies == ("one", "two")
    with pytest.raises(WrongSnapshotError, match="kept nothing for others"):
        engine.warming.adopt(msgspec.msgpack.encode(bare))


@pytest.mark.req("F1")
@pytest.mark.parametrize("code", ["", OTHER], ids=["same code", "other code"])
def test_a_start_from_the_end_of_a_log_is_a_start_from_all_of_it(compiled: Toolchain, log: Path, code: str) -> None:
    plan = plan_of(loaded_config(), 2)
    code = code or read(log).opening.code_sha256
    end, whole = read_end(log, window_ns=0), read(log)
    assert len(end.sessions) < len(whole.sessions)
    from_ns = next(int(end.records(entry)["ts_recv"][0]) for entry in end.entries() if entry.kind is EntryKind.RECORDS)
    ways = [start_from(reader, plan.spec, compiled, code_sha256=code, from_ns=from_ns) for reader in (end, whole)]
    assert ways[0].way is ways[1].way is (Way.WARMED_UP if code == OTHER else Way.CONTINUED)
    assert ways[0].state == ways[1].state


@pytest.mark.req("B4.3")
def test_a_halt_outlives_the_code_that_saw_it_begin(compiled: Toolchain) -> None:
    plan = plan_of(loaded_config(), 2)
    before, after = Engine(plan.spec, compiled), Engine(plan.spec, compiled)
    halt = np.zeros(1, RECORD)
    halt["kind"], halt["instrument"], halt["a"], halt["ts_recv"] = STATUS, 1, STATUS_HALT, 1
    before.warming.records(halt.view(np.uint8), 0, 1)
    after.warming.adopt(before.snapshot())
    assert [int(flags) & HALTED for flags in after._core.host.table("symbols")["quality"][:2]] == [0, HALTED]


def test_a_log_that_lost_the_beginning_of_its_session_cannot_be_warmed_up_from(compiled: Toolchain, log: Path, tmp_path: Path) -> None:
    from tidegate.journal.files import segment_numbers
    from tidegate.journal.retention import drop_before

    for path in log.glob("*.seg"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    loaded = loaded_config()
    run_live(tmp_path, plan_of(loaded, 2, records=3_000), compiled)
    drop_before(tmp_path, segment_numbers(tmp_path)[-1])
    plan = plan_of(loaded, 3)
    with pytest.raises(BeginningGoneError, match="older segments were dropped"):
        start_from(read(tmp_path), plan.spec, compiled, code_sha256=OTHER, from_ns=0)
    with pytest.raises(BeginningGoneError):
        warm_up(read(tmp_path), Engine(plan.spec, compiled), plan.spec, from_ns=0)


@pytest.mark.req("A4.4")
def test_an_exit_that_waited_for_a_strategy_that_is_gone_has_no_place_here(compiled: Toolchain, tmp_path: Path) -> None:
    log = tmp_path / "log"
    mills = [
        strategy(PLAIN_MILL, name, seconds=True, hold_s=2.0, symbols=[symbol], at_venue=True)
        for name, symbol in (("one", "AAA"), ("two", "BBB"))
    ]
    run_live(log, plan_of(loaded_config(mills), 0), compiled)
    acts = [decode(entry.payload) for entry in read(log).entries() if entry.kind is EntryKind.ACT]
    assert "two" in {act.strategy_id for act in acts if isinstance(act, ExitWaits)}
    plan = plan_of(loaded_config(mills[:1]), 1)
    start = start_of(log, plan, compiled)
    assert start is not None
    assert start.way is Way.WARMED_UP
