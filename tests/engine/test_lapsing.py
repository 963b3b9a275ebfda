"""What the acts of a log's last input leave half done is known exactly: an attention, an intent or an approval, and nothing else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.cases import Case, cases
from tests.contract.kit import Entry, Feeder, exploded, run, undecided
from tidegate.engine.engine import Engine
from tidegate.engine.lapsing import LogEnd
from tidegate.engine.toolchain import Toolchain
from tidegate.events.acts import (
    ApprovalRequested,
    AttentionRaised,
    FeatureSnapshot,
    Lapse,
    NothingDone,
    OrderCommand,
    RegimeChanged,
    RiskDecision,
    TradeIntent,
)
from tidegate.events.codec import AnyMessage
from tidegate.kernel.mode import Mode
from tidegate.recovery.machine import make_toolchain
from tidegate.values.enums import AttentionKind, LapseKind, Verdict

pytestmark = pytest.mark.req("B1.2")


@pytest.fixture(scope="module")
def compiled() -> Toolchain:
    return make_toolchain(Mode.COMPILED)


def half_done(acts: list[AnyMessage]) -> set[Lapse]:
    """Return what these acts of one input leave half done, found by looking for what would have finished each."""
    found = set[Lapse]()
    for act in acts:
        later = acts[acts.index(act) + 1 :]
        if isinstance(act, TradeIntent) and not any(isinstance(a, RiskDecision) and a.intent_id == act.event_id for a in later):
            found.add(Lapse(kind=LapseKind.INTENT, symbol=act.symbol, strategy_id=act.strategy_id))
        elif isinstance(act, RiskDecision) and act.verdict is Verdict.APPROVED:
            if not any(isinstance(a, OrderCommand) and a.decision_id == act.event_id for a in later):
                found.add(Lapse(kind=LapseKind.APPROVAL, symbol=act.symbol, strategy_id=act.strategy_id))
        elif isinstance(act, RiskDecision) and act.verdict is Verdict.NEEDS_APPROVAL:
            if not any(isinstance(a, ApprovalRequested) and a.decision_id == act.event_id for a in later):
                found.add(Lapse(kind=LapseKind.REQUEST, symbol=act.symbol, strategy_id=act.strategy_id))
        elif isinstance(act, AttentionRaised) and not any(a.correlation_id == act.correlation_id and _answers(act, a) for a in later):
            found.add(Lapse(kind=LapseKind.ATTENTION, symbol=act.symbol, strategy_id=act.strategy_id, attention=act.kind))
    return found


def _answers(asked: AttentionRaised, act: AnyMessage) -> bool:
    if isinstance(act, FeatureSnapshot):
        return asked.kind is AttentionKind.EXIT
    return isinstance(act, NothingDone | TradeIntent) or type(act).__name__ == "StrategyFaulted"


def raised_later(rest: list[Entry], n: int) -> set[Lapse]:
    """Return the attentions whose acts the log would have held next."""
    found = set[Lapse]()
    for entry in rest:
        if entry.kind != "act" or entry.n != n:
            break
        act = entry.message
        if isinstance(act, AttentionRaised | RegimeChanged):
            kind = act.kind if isinstance(act, AttentionRaised) else AttentionKind.REGIME
            found.add(Lapse(kind=LapseKind.ATTENTION, symbol=act.symbol, strategy_id=act.strategy_id, attention=kind))
    return found


@settings(max_examples=30, deadline=None)
@given(case=cases(records=200), data=st.data())
def test_whatever_act_a_log_ends_with_what_lapses_is_what_was_not_finished(compiled: Toolchain, case: Case, data: st.DataObject) -> None:
    ran = run(case.plan, compiled, more=case.more)
    entries = exploded(ran.entries)
    places = [place for place in range(1, len(entries)) if entries[place].kind == "act"]
    for place in data.draw(st.lists(st.sampled_from(places or [len(entries)]), min_size=1, max_size=8)):
        kept, last = entries[:place], entries[place - 1]
        engine = Engine(undecided(case.plan.spec), compiled)
        Feeder(ran, engine).fold(kept)
        engine.fold_end(LogEnd("s", last.n, last.n - 1))
        broken = engine._core.broken_off
        expected = half_done([e.message for e in kept if e.kind == "act" and e.n == last.n]) | raised_later(entries[place:], last.n)
        assert set(broken.lapsed if broken else ()) == expected
        if broken is not None:
            assert (broken.session, broken.judged_to, broken.taken_to) == ("s", last.n - 1, last.n)
        whole = Engine(undecided(case.plan.spec), compiled)
        Feeder(ran, whole).fold(kept)
        whole.fold_end(LogEnd("s", last.n, last.n))
        assert whole._core.broken_off is None, "what the mark covers is complete"
