"""Recovery folds and verify decides: a snapshot with the recorded rest is the recorded end, and folding asks nobody anything."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.cases import Case, cases
from tests.contract.kit import Feeder, acts_of, cuts_of, exploded, records_before, run, undecided
from tests.contract.test_invariants import books_add_up, no_pair_is_forgotten
from tidegate.engine.engine import Engine
from tidegate.engine.snapshots import WrongSnapshotError
from tidegate.engine.toolchain import Toolchain
from tidegate.oms.orders import Orders
from tidegate.portfolio.portfolio import Portfolio

pytestmark = pytest.mark.req("B1.2", "B1.3")


@settings(max_examples=25)
@given(case=cases())
def test_folding_a_whole_log_gives_the_state_of_deciding_it(compiled: Toolchain, case: Case) -> None:
    ran = run(case.plan, compiled, more=case.more)
    engine = Engine(undecided(case.plan.spec), compiled)
    Feeder(ran, engine).fold(ran.entries)
    assert engine.state_sha256() == ran.state


@settings(max_examples=25)
@given(case=cases(), data=st.data())
def test_a_snapshot_at_any_point_goes_on_as_if_nothing_had_happened(compiled: Toolchain, case: Case, data: st.DataObject) -> None:
    ran = run(case.plan, compiled, more=case.more)
    entries = exploded(ran.entries)
    cuts = sorted(data.draw(st.lists(st.sampled_from(cuts_of(entries)), min_size=1, max_size=6)))
    first = Engine(case.plan.spec, compiled)
    feeder = Feeder(ran, first)
    before = 0
    for cut in cuts:
        feeder.decide(entries[before:cut])
        before = cut
        at, rest = records_before(entries, cut), entries[cut:]
        snapshot = first.snapshot()
        second = Engine(case.plan.spec, compiled)
        second.restore(snapshot)
        assert second.snapshot() == snapshot
        assert Feeder(ran, second, record=at).decide(rest) == acts_of(rest)
        assert second.state_sha256() == ran.state
        third = Engine(undecided(case.plan.spec), compiled)
        third.restore(snapshot)
        Feeder(ran, third, record=at).fold(rest)
        assert third.state_sha256() == ran.state


@settings(max_examples=3)
@given(case=cases(records=120))
def test_every_point_between_two_inputs_is_a_point_to_recover_from(compiled: Toolchain, case: Case) -> None:
    ran = run(case.plan, compiled, more=case.more)
    entries = exploded(ran.entries)
    first, folding = Engine(case.plan.spec, compiled), Engine(undecided(case.plan.spec), compiled)
    feeder, folder = Feeder(ran, first), Feeder(ran, folding)
    second = Engine(undecided(case.plan.spec), compiled)
    before = 0
    for cut in cuts_of(entries):
        feeder.decide(entries[before:cut])
        folder.fold(entries[before:cut])
        before = cut
        snapshot = first.snapshot()
        assert folding.snapshot() == snapshot
        second.restore(snapshot)
        Feeder(ran, second, record=records_before(entries, cut)).fold(entries[cut:])
        assert second.state_sha256() == ran.state


@settings(max_examples=25)
@given(case=cases(), data=st.data())
def test_a_log_that_ends_anywhere_leaves_nothing_half_done(compiled: Toolchain, case: Case, data: st.DataObject) -> None:
    """A crash may come between an intent and its verdict, or between a verdict and its command."""
    ran = run(case.plan, compiled, more=case.more)
    entries = exploded(ran.entries)
    inner = [place for place in range(1, len(entries)) if entries[place].kind == "act"]
    for place in data.draw(st.lists(st.sampled_from(inner or [len(entries)]), min_size=1, max_size=6)):
        engine = Engine(undecided(case.plan.spec), compiled)
        Feeder(ran, engine).fold(entries[:place])
        engine.fold_end()
        books_add_up(engine)
        no_pair_is_forgotten(engine)
        other = Engine(case.plan.spec, compiled)
        other.restore(engine.snapshot())
        assert other.state_sha256() == engine.state_sha256()


@settings(max_examples=15)
@given(case=cases(), data=st.data())
def test_between_two_inputs_nothing_is_half_done(compiled: Toolchain, case: Case, data: st.DataObject) -> None:
    ran = run(case.plan, compiled, more=case.more)
    entries = exploded(ran.entries)
    engine = Engine(undecided(case.plan.spec), compiled)
    Feeder(ran, engine).fold(entries[: data.draw(st.sampled_from(cuts_of(entries)))])
    before = engine.snapshot()
    engine.fold_end()
    assert engine.snapshot() == before


@settings(max_examples=5)
@given(case=cases(records=60))
def test_a_snapshot_of_another_session_is_refused(compiled: Toolchain, case: Case) -> None:
    from msgspec.structs import replace

    engine = Engine(case.plan.spec, compiled)
    other = Engine(replace(case.plan.spec, session_id="another"), compiled)
    with pytest.raises(WrongSnapshotError, match="another layout or session"):
        engine.restore(other.snapshot())
    with pytest.raises(WrongSnapshotError, match="no snapshot"):
        engine.restore(b"\x00")


@settings(max_examples=10)
@given(case=cases())
def test_a_state_hash_depends_on_nothing_but_the_state(compiled: Toolchain, case: Case) -> None:
    """Portfolio and orders that were restored give the bytes of those that were lived through."""
    engine = run(case.plan, compiled, more=case.more).engine
    core = engine._core
    portfolio = Portfolio(core.spec.account, 0, core.instruments)
    portfolio.restore(core.portfolio.snapshot())
    assert portfolio.snapshot() == core.portfolio.snapshot()
    orders = Orders("", core.instruments, core.orders.plans, core.spec.orders)
    orders.restore(core.orders.snapshot())
    assert orders.snapshot() == core.orders.snapshot()
    assert orders.due_ns() == core.orders.due_ns()
