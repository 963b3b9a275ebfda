"""The same inputs give the same acts and the same state, whatever the batch, the chunk, the mode or who drives the engine."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.cases import Case, cases
from tests.contract.kit import Feeder, How, acts_of, run
from tidegate.engine.engine import Engine
from tidegate.engine.toolchain import Toolchain
from tidegate.events.acts import AttentionRaised, FeatureSnapshot, OrderChanged, PositionSnapshot, RegimeChanged

BATCHES = (1, 7, 4_096)

pytestmark = pytest.mark.req("C1.1", "B1.3")


@settings(max_examples=40)
@given(case=cases())
def test_no_batch_size_changes_an_act(compiled: Toolchain, case: Case) -> None:
    whole = run(case.plan, compiled, more=case.more)
    for batch in BATCHES:
        assert run(case.plan, compiled, How(batch=batch), more=case.more).same == whole.same


@settings(max_examples=20)
@given(case=cases(), chunk_records=st.sampled_from((16, 64)))
def test_no_chunk_of_the_merge_changes_an_act(compiled: Toolchain, case: Case, chunk_records: int) -> None:
    whole = run(case.plan, compiled, more=case.more)
    assert run(case.plan, compiled, How(chunk_records=chunk_records), more=case.more).same == whole.same


@settings(max_examples=12)
@given(case=cases(records=120))
def test_compiled_pure_and_strict_senses_agree(compiled: Toolchain, pure: Toolchain, strict: Toolchain, case: Case) -> None:
    whole = run(case.plan, compiled, more=case.more)
    assert run(case.plan, pure, more=case.more).same == whole.same
    assert run(case.plan, strict, How(batch=7), more=case.more).same == whole.same


@pytest.mark.req("C1.5")
@settings(max_examples=20)
@given(case=cases())
def test_recorded_inputs_alone_give_the_same_acts_again(compiled: Toolchain, case: Case) -> None:
    ran = run(case.plan, compiled, more=case.more)
    engine = Engine(case.plan.spec, compiled)
    assert Feeder(ran, engine).decide(ran.entries) == acts_of(ran.entries)
    assert engine.state_sha256() == ran.state


@settings(max_examples=20)
@given(case=cases())
def test_an_engine_that_nobody_listens_to_decides_the_same(compiled: Toolchain, case: Case) -> None:
    ran = run(case.plan, compiled, more=case.more)
    silent = Engine(case.plan.spec, compiled, telling=False)
    only_told = (AttentionRaised, FeatureSnapshot, OrderChanged, PositionSnapshot, RegimeChanged)
    heard = [entry for entry in acts_of(ran.entries) if not isinstance(entry.message, only_told)]
    said = [entry for entry in Feeder(ran, silent).decide(ran.entries) if not isinstance(entry.message, FeatureSnapshot)]
    assert said == heard
    assert silent.state_sha256() == ran.state
