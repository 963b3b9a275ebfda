"""`verify` recomputes every act of a log: match, the first difference, damage, other code, and sessions that broke off."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.contract.kit import DRAWN, PLAIN_MILL, ZERO, Latencies, strategy
from tests.contract.markets import Market, Oddities
from tests.replay.logs import Recorded, acts_in, as_it_is, record, written_again
from tidegate.engine.toolchain import Toolchain
from tidegate.events.acts import NothingDone, RiskDecision, TradeIntent
from tidegate.events.codec import decode, encode
from tidegate.journal import Entry, EntryKind, LogWriter, read, recover
from tidegate.kernel.mode import Mode
from tidegate.replay import verify
from tidegate.replay.recorded import TapeNotFoundError
from tidegate.replay.verify import verify_log

pytestmark = pytest.mark.req("C1.5")

FAR = Latencies("1ms", "lognormal:100ms,1.0", "250ms")


@pytest.fixture(autouse=True, scope="module")
def _one_toolchain(compiled: Toolchain) -> Iterator[None]:
    """Loading compiled kernels anew for every example would take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify, "make_toolchain", lambda mode, _told: compiled if mode is Mode.COMPILED else Toolchain(mode))
        yield


@pytest.mark.parametrize("latencies", [ZERO, Latencies(), DRAWN, FAR], ids=["zero", "near", "drawn", "far"])
def test_the_log_of_a_replay_matches(compiled: Toolchain, tmp_path: Path, latencies: Latencies) -> None:
    markets = (
        Market(seed=8, records=500, oddities=Oddities(ties=50), late_ms=20),
        Market(seed=9, records=400, symbols=3, late_ms=20),
    )
    made = record(tmp_path, compiled, markets=markets, latencies=latencies)
    assert made.replay.summary.orders > 5
    verdict = verify_log(made.log)
    assert (verdict.match, verdict.first_difference, verdict.damage) == (True, None, None)
    assert verdict.why == "every act was recomputed to the same bytes"
    assert verdict.entries == sum(1 for _ in read(made.log).entries())


def test_the_mode_of_the_kernels_changes_nothing(recorded: Recorded) -> None:
    assert verify_log(recorded.log, mode=Mode.PURE).match is True


@settings(max_examples=25)
@given(data=st.data())
def test_one_changed_act_is_the_first_difference(recorded: Recorded, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    place, n, k, body = data.draw(st.sampled_from(acts_in(recorded.log)))
    act = decode(body)
    changed = encode(replace(act, timestamp=act.timestamp + 1))

    def change(at: int, entry: Entry) -> bytes:
        return changed if at == place else bytes(entry.payload)

    log = written_again(recorded.log, tmp_path_factory.mktemp("changed") / "log", change)
    verdict = verify_log(log)
    assert verdict.match is False
    assert verdict.first_difference is not None
    assert verdict.first_difference[:2] == (n, k)
    assert verdict.first_difference.recorded == str(decode(changed))
    assert verdict.first_difference.recomputed == str(act)
    assert verdict.why == f"act {k} of input {n} differs"


@settings(max_examples=25)
@given(data=st.data())
def test_an_act_that_is_missing_is_the_first_difference(
    recorded: Recorded, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    place, n, k, _ = data.draw(st.sampled_from(acts_in(recorded.log)))

    def leave_out(at: int, entry: Entry) -> bytes | None:
        return None if at == place else bytes(entry.payload)

    log = written_again(recorded.log, tmp_path_factory.mktemp("missing") / "log", leave_out)
    verdict = verify_log(log)
    assert verdict.match is False
    assert verdict.first_difference is not None
    assert verdict.first_difference[:2] == (n, k)
    assert verdict.first_difference.recorded is None


def test_an_act_that_was_never_done_is_the_first_difference(recorded: Recorded, tmp_path: Path) -> None:
    reader = read(recorded.log)
    writer = LogWriter(tmp_path / "log", reader.opening)
    extra = None
    for entry in reader.entries():
        if entry.kind is EntryKind.INPUT:
            writer.input(entry.n, bytes(entry.payload))
        elif entry.kind is EntryKind.SPAN:
            writer.span(entry.n, entry.count)
        elif entry.kind is EntryKind.ACT:
            writer.act(entry.n, entry.k, bytes(entry.payload))
            if extra is None and isinstance(decode(entry.payload), NothingDone):
                extra = (entry.n, entry.k + 1)
                writer.act(*extra, bytes(entry.payload))
    writer.close(state_sha256=reader.state_sha256)
    verdict = verify_log(tmp_path / "log")
    assert verdict.first_difference is not None
    assert verdict.first_difference[:2] == extra
    assert verdict.first_difference.recomputed is None


def test_another_final_state_is_told(recorded: Recorded, tmp_path: Path) -> None:
    reader = read(recorded.log)
    log = written_again(recorded.log, tmp_path / "log", as_it_is, sealed=False)
    writer = LogWriter(tmp_path / "other", reader.opening)
    for entry in read(log).entries():
        if entry.kind is EntryKind.INPUT:
            writer.input(entry.n, bytes(entry.payload))
        elif entry.kind is EntryKind.SPAN:
            writer.span(entry.n, entry.count)
        elif entry.kind is EntryKind.ACT:
            writer.act(entry.n, entry.k, bytes(entry.payload))
    writer.close(state_sha256="0" * 64)
    verdict = verify_log(tmp_path / "other")
    assert verdict.match is False
    assert verdict.first_difference is not None
    assert verdict.first_difference.recorded == f"state {'0' * 64}"


def test_a_replay_marks_how_far_it_was_judged(recorded: Recorded) -> None:
    reader = read(recorded.log)
    assert reader.judged_to == recorded.replay.engine.n


def test_a_session_that_broke_off_is_verified_up_to_its_mark(recorded: Recorded, tmp_path: Path) -> None:
    whole = written_again(recorded.log, tmp_path / "whole", as_it_is, sealed=False)
    assert verify_log(whole).match is True
    judged_to = read(whole).judged_to
    assert judged_to > 0
    judged = [place for place, n, *_ in acts_in(recorded.log) if n <= judged_to][-1]

    def leave_out(at: int, entry: Entry) -> bytes | None:
        return None if at == judged else bytes(entry.payload)

    marked = written_again(recorded.log, tmp_path / "marked", leave_out, sealed=False)
    assert verify_log(marked).match is False
    sealed = written_again(recorded.log, tmp_path / "sealed", leave_out)
    assert verify_log(sealed).match is False
    unmarked = written_again(recorded.log, tmp_path / "unmarked", leave_out, sealed=False, marks=False)
    assert verify_log(unmarked).match is True, "what was not said to be complete may lack acts"


def test_without_any_mark_nothing_of_a_session_that_broke_off_is_claimed(recorded: Recorded, tmp_path: Path) -> None:
    log = written_again(recorded.log, tmp_path / "log", as_it_is, sealed=False, marks=False)
    assert read(log).judged_to == -1
    assert verify_log(log).match is True


def test_what_was_cut_by_a_crash_is_left_out_and_the_rest_still_matches(compiled: Toolchain, tmp_path: Path) -> None:
    made = record(tmp_path / "made", compiled, markets=(Market(seed=3, records=400),))
    log = written_again(made.log, tmp_path / "log", as_it_is, sealed=False)
    segment = log / "000000.seg"
    whole = segment.read_bytes()
    for cut in (1, 64, 1_000, len(whole) // 2):
        segment.write_bytes(whole[:-cut])
        assert verify_log(log).match is True
    recovery = recover(log)
    assert recovery.cut_bytes > 0
    assert verify_log(log).match is True


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.8, 0.999])
def test_a_flipped_bit_is_damage_and_never_another_decision(recorded: Recorded, tmp_path: Path, share: float) -> None:
    log = tmp_path / "log"
    log.mkdir()
    for segment in recorded.log.glob("*.seg"):
        data = bytearray(segment.read_bytes())
        data[int(len(data) * share)] ^= 4
        (log / segment.name).write_bytes(data)
    verdict = verify_log(log)
    assert verdict.match is False
    assert verdict.first_difference is None
    assert verdict.damage is not None
    assert set(verdict.damage) >= {"segment", "block", "first_entry", "last_entry"}
    assert 0 <= verdict.damage["first_entry"] <= verdict.damage["last_entry"]


def test_other_code_is_said_and_nothing_is_claimed(recorded: Recorded, tmp_path: Path) -> None:
    log = written_again(recorded.log, tmp_path / "code", as_it_is, opening=lambda o: replace(o, code_sha256="0" * 64))
    verdict = verify_log(log)
    assert verdict.match is None
    assert verdict.why.startswith("the log was written by other code (000000000000…")
    assert verdict.why.endswith("its acts come out the same")


def test_a_changed_strategy_is_other_code(compiled: Toolchain, tmp_path: Path) -> None:
    source = Path(PLAIN_MILL).read_text()
    mine = tmp_path / "mine.py"
    mine.write_text(source)
    made = record(tmp_path / "made", compiled, strategies=[strategy(str(mine), "mine", seconds=True)])
    mine.write_text(source.replace("drew {draw}", "has drawn {draw}"))
    verdict = verify_log(made.log)
    assert verdict.match is None
    assert verdict.why.startswith("the source of mine has changed since the log was written; the first difference is at input")
    assert verdict.first_difference is not None


def test_a_tape_elsewhere_is_found_by_its_hash_and_one_that_is_gone_is_named(compiled: Toolchain, tmp_path: Path) -> None:
    made = record(tmp_path / "made", compiled)
    moved = tmp_path / "moved.tape"
    made.tapes[0].rename(moved)
    with pytest.raises(TapeNotFoundError, match="is not where it was; say where with --tape"):
        verify_log(made.log)
    assert verify_log(made.log, tapes=[moved]).match is True


def test_the_batch_a_log_was_made_with_is_not_in_it(compiled: Toolchain, recorded: Recorded, tmp_path: Path) -> None:
    single = record(tmp_path, compiled, batch=1)
    assert single.replay.summary.state_sha256 == recorded.replay.summary.state_sha256
    assert single.replay.summary.commands_sha256 == recorded.replay.summary.commands_sha256
    ours, theirs = list(read(single.log).entries()), list(read(recorded.log).entries())
    assert [bytes(e.payload) for e in ours[1:]] == [bytes(e.payload) for e in theirs[1:]]
    assert any(isinstance(decode(body), TradeIntent) for *_, body in acts_in(single.log))
    assert any(isinstance(decode(body), RiskDecision) for *_, body in acts_in(single.log))
