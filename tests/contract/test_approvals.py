"""Sessions in which people answer: the same in every batch, folded as decided, nothing half done, and no order without its approval."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.cases import Case, markets, plain_mills, told_inputs, trigger_mills
from tests.contract.kit import (
    ASKING_LIMITS,
    PLAIN_MILL,
    Feeder,
    How,
    Ran,
    acts_of,
    configuration,
    cuts_of,
    exploded,
    records_before,
    run,
    session,
    strategy,
    tape_on_disk,
    undecided,
)
from tests.contract.markets import Market, make_tape
from tests.contract.test_invariants import books_add_up, no_pair_is_forgotten
from tidegate.analytics.explain import explain
from tidegate.engine.engine import Engine
from tidegate.engine.toolchain import Toolchain
from tidegate.events.acts import ApprovalMoved, ApprovalRequested, OrderCommand, RiskDecision
from tidegate.events.codec import AnyMessage
from tidegate.events.inputs import AnyInput, ApprovalAnswered
from tidegate.kernel.mode import Mode
from tidegate.replay import verify
from tidegate.replay.prepare import plan_session
from tidegate.replay.reading import read_log
from tidegate.replay.run import Options, run_plan
from tidegate.replay.verify import verify_log
from tidegate.risk.approval_checks import WAITING_MAX
from tidegate.risk.approval_states import ANSWERABLE, TRANSITIONS
from tidegate.values.enums import ApprovalState, Purpose, Verdict

pytestmark = pytest.mark.req("I1", "B1.2", "B1.3", "B3.5")

ROUNDS = 4  # each answer moves the ids of what comes after it, so requests are answered one after the other
PEOPLE = ("ann", "bob", "one", "")


@st.composite
def asking_cases(draw: st.DrawFn) -> Case:
    """A session whose entries mostly need a person."""
    mills = [draw(st.one_of(trigger_mills(name), plain_mills(name))) for name in ("one", "two")[: draw(st.integers(1, 2))]]
    loaded = configuration(mills, limits=ASKING_LIMITS, seed=draw(st.integers(0, 3)), symbols_shared=draw(st.booleans()))
    return Case(session(loaded, *draw(markets(records=240))), draw(told_inputs()))


def answers_to(data: st.DataObject, asked: ApprovalRequested) -> list[ApprovalAnswered]:
    """What people may say to a request: nothing, yes, no, twice, too late, of another order."""
    return [_said(data, asked, number) for number in range(data.draw(st.integers(0, 3)))]


def _said(data: st.DataObject, asked: ApprovalRequested, number: int) -> ApprovalAnswered:
    late_ns = data.draw(st.sampled_from((0, 200_000_000, 1_500_000_000, 3_000_000_000, 4_000_000_000)))
    return ApprovalAnswered(
        event_id="",
        timestamp=asked.timestamp + late_ns,
        symbol="",
        strategy_id="",
        correlation_id="",
        approval_id=asked.approval_id,
        order_sha256=data.draw(st.sampled_from((asked.order_sha256, asked.order_sha256, asked.order_sha256, "x"))),
        approver=data.draw(st.sampled_from(PEOPLE[:2] * 3 + PEOPLE)),
        granted=data.draw(st.sampled_from((True, True, True, False))),
        request_id=f"{asked.approval_id}-{data.draw(st.sampled_from((number, number, 0)))}",
        reason="a test",
    )


def answered(case: Case, toolchain: Toolchain, data: st.DataObject) -> tuple[Ran, tuple[AnyInput, ...]]:
    """Run a session again and again, each time with answers to one request more; return the last run and all it was told."""
    told = list(case.more)
    ran = run(case.plan, toolchain, more=told)
    seen: set[str] = set()
    for _ in range(ROUNDS):
        asked = next((act for act in ran.of(ApprovalRequested) if act.approval_id not in seen), None)
        if asked is None:
            break
        seen.add(asked.approval_id)
        said = answers_to(data, asked)
        if said:
            told += said
            ran = run(case.plan, toolchain, more=told)
    return ran, tuple(told)


class Judge:
    """Reads a log as a judge would: what was asked, who said what when, what went out."""

    def __init__(self) -> None:
        self.asked: dict[str, ApprovalRequested] = {}
        self.state: dict[str, ApprovalState] = {}
        self.yes: dict[str, list[str]] = {}
        self.answers: dict[str, ApprovalAnswered] = {}
        self.used_at: dict[str, int] = {}
        self.needs: set[str] = set()
        self.sent: dict[str, int] = {}

    def read(self, n: int, message: AnyMessage) -> None:
        match message:
            case ApprovalRequested():
                self.requested(message)
            case ApprovalAnswered():
                self.answers.setdefault(message.request_id, message)
            case RiskDecision(verdict=Verdict.NEEDS_APPROVAL):
                assert message.purpose is Purpose.ENTRY, "an exit never waits"
                self.needs.add(message.event_id)
            case ApprovalMoved():
                self.moved(n, message)
            case OrderCommand():
                self.commanded(n, message)
            case _:
                pass

    def requested(self, act: ApprovalRequested) -> None:
        assert act.decision_id in self.needs
        self.asked[act.approval_id], self.state[act.approval_id] = act, ApprovalState.WAITING
        self.yes[act.approval_id] = []
        assert sum(state in ANSWERABLE for state in self.state.values()) <= WAITING_MAX

    def commanded(self, n: int, command: OrderCommand) -> None:
        name = command.approval_id
        assert command.decision_id not in self.needs
        if not name:
            return
        asked = self.asked[name]
        assert self.used_at[name] == n, "an order goes out in the step in which its approval is used"
        assert command.timestamp < asked.expires_ns
        self.sent[name] = self.sent.get(name, 0) + command.quantity_nanos
        assert self.sent[name] <= asked.quantity_nanos
        assert command.limit_price_nanos == asked.limit_price_nanos
        assert len(set(self.yes[name])) >= asked.needed

    def moved(self, n: int, act: ApprovalMoved) -> None:
        assert act.sentence
        if act.before is act.after:
            assert act.request_id, "only an answer can be passed over"
            return
        name, after = act.approval_id, act.after
        assert after is not None
        assert self.state[name] is act.before
        assert after in TRANSITIONS[self.state[name]].values()
        self.state[name] = after
        if after in (ApprovalState.HALF_GRANTED, ApprovalState.GRANTED):
            self.granted(act)
        if after is ApprovalState.EXPIRED:
            assert act.timestamp >= self.asked[name].expires_ns
        if after is ApprovalState.USED:
            assert name not in self.used_at, "used twice"
            self.used_at[name] = n
        assert list(act.approvers) == self.yes[name]

    def granted(self, act: ApprovalMoved) -> None:
        asked, answer = self.asked[act.approval_id], self.answers[act.request_id]
        assert answer.granted
        assert answer.order_sha256 == asked.order_sha256 == act.order_sha256
        assert answer.approver not in ("", asked.requester, *self.yes[act.approval_id])
        assert act.timestamp < asked.expires_ns
        self.yes[act.approval_id].append(answer.approver)


def nothing_goes_out_that_was_not_approved(ran: Ran) -> None:
    judge = Judge()
    for entry in ran.entries:
        if entry.kind != "span":
            judge.read(entry.n, entry.message)
    assert set(judge.sent) == set(judge.used_at)


@settings(max_examples=40)
@given(case=asking_cases(), data=st.data())
def test_nothing_goes_out_that_was_not_approved_and_no_batch_changes_that(compiled: Toolchain, case: Case, data: st.DataObject) -> None:
    ran, told = answered(case, compiled, data)
    nothing_goes_out_that_was_not_approved(ran)
    books_add_up(ran.engine)
    no_pair_is_forgotten(ran.engine)
    for batch in (1, 7):
        assert run(case.plan, compiled, How(batch=batch), more=told).same == ran.same


@settings(max_examples=25)
@given(case=asking_cases(), data=st.data())
def test_answers_fold_as_they_were_decided_wherever_the_log_is_cut(compiled: Toolchain, case: Case, data: st.DataObject) -> None:
    ran, _ = answered(case, compiled, data)
    folded = Engine(undecided(case.plan.spec), compiled)
    Feeder(ran, folded).fold(ran.entries)
    assert folded.state_sha256() == ran.state
    entries = exploded(ran.entries)
    near = [place for place in cuts_of(entries) if place < len(entries) and entries[place].kind == "input"]
    cut = data.draw(st.sampled_from(near or cuts_of(entries)))
    first, second = Engine(case.plan.spec, compiled), Engine(case.plan.spec, compiled)
    Feeder(ran, first).decide(entries[:cut])
    second.restore(first.snapshot())
    assert second.snapshot() == first.snapshot()
    assert Feeder(ran, second, record=records_before(entries, cut)).decide(entries[cut:]) == acts_of(entries[cut:])
    assert second.state_sha256() == ran.state


@settings(max_examples=25)
@given(case=asking_cases(), data=st.data())
def test_a_log_that_ends_between_asking_and_using_leaves_nothing_half_done(compiled: Toolchain, case: Case, data: st.DataObject) -> None:
    ran, _ = answered(case, compiled, data)
    entries = exploded(ran.entries)
    about = (ApprovalRequested, ApprovalMoved, OrderCommand)
    places = [p for p in range(1, len(entries)) if entries[p].kind == "act" and isinstance(entries[p].message, about)]
    for place in data.draw(st.lists(st.sampled_from(places or [len(entries)]), min_size=1, max_size=6)):
        engine = Engine(undecided(case.plan.spec), compiled)
        Feeder(ran, engine).fold(entries[:place])
        engine.fold_end()
        books_add_up(engine)
        no_pair_is_forgotten(engine)
        other = Engine(case.plan.spec, compiled)
        other.restore(engine.snapshot())
        assert other.state_sha256() == engine.state_sha256()


def test_a_log_with_approvals_verifies_and_tells_their_story(compiled: Toolchain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "make_toolchain", lambda _mode, _told: compiled)
    tape = tape_on_disk(make_tape(Market(seed=3, records=400, symbols=1), "day"), tmp_path / "day.tape")
    mill = strategy(PLAIN_MILL, "one", symbols=["AAA"], seconds=True, eager=9, sliced=True)
    limits = ASKING_LIMITS | {"order_quantity_max": 40, "order_notional_usd_max": 800}
    plan = plan_session(configuration([mill], limits=limits), [tape])
    asked: list[ApprovalRequested] = []
    told: list[AnyInput] = []
    for number in range(6):
        ran = run(plan, compiled, more=told)
        asked = ran.of(ApprovalRequested)
        if len(asked) <= number:
            break
        told += [answer(asked[number], person, granted=number != 1) for person in ("ann", "bob")]
    plan = plan._replace(scheduled=tuple(sorted([*plan.scheduled, *told], key=lambda message: message.timestamp)))
    done = run_plan(plan, Options(log=tmp_path / "log", toolchain=compiled))
    verdict = verify_log(tmp_path / "log", mode=Mode.COMPILED)
    assert (verdict.match, verdict.first_difference) == (True, None)
    used = [act for act in run(plan, compiled).of(ApprovalMoved) if act.after is ApprovalState.USED]
    assert used, "an approved order went out"
    sent = [command for command in run(plan, compiled).of(OrderCommand) if command.approval_id == used[0].approval_id]
    assert done.summary.orders > 0
    log = read_log(tmp_path / "log")
    for identifier in (sent[0].client_order_id, used[0].approval_id):
        story = "\n".join(explain(log, identifier).lines())
        assert f"{used[0].approval_id} asks" in story
        assert "ann approves" in story
        assert "from granted to used" in story
    refused = next(act for act in run(plan, compiled).of(ApprovalMoved) if act.after is ApprovalState.REFUSED)
    assert "ann rejected it: a test" in "\n".join(explain(log, refused.approval_id).lines())
    assert explain(log, refused.approval_id).kind == "asked"


def answer(asked: ApprovalRequested, person: str, *, granted: bool) -> ApprovalAnswered:
    return ApprovalAnswered(
        event_id="",
        timestamp=asked.timestamp + 100_000_000,
        symbol="",
        strategy_id="",
        correlation_id="",
        approval_id=asked.approval_id,
        order_sha256=asked.order_sha256,
        approver=person,
        granted=granted,
        request_id=f"{asked.approval_id}-{person}",
        reason="a test",
    )
