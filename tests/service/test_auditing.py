"""What happens becomes entries of the audit chain, once, in order; nothing that trades waits for one, and nothing is lost in silence."""

import json
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from tests.service.making import ACCOUNT, SECOND, Office, shown
from tidegate.clock.clock import ManualClock
from tidegate.events.inputs import GateSet
from tidegate.journal.audit.record import AuditRecord, AuditType, entry
from tidegate.service.auditing import Auditing, AuditSettings
from tidegate.service.desk import DeskSettings
from tidegate.service.gatekeeper import Gatekeeper
from tidegate.service.ledger.errors import LedgerBusyError, LedgerUnavailableError, StaleEpochError
from tidegate.service.ledger.memory import MemoryLedger
from tidegate.service.ledger.rows import Batch, LeaseClaim
from tidegate.service.ports import Effect, SealAudit, Send, WriteLedger
from tidegate.values.enums import CommandKind, GateScope, GateState, OrderState, RequestVerb
from tidegate.values.errors import TidegateError
from tidegate.venues.calls import VenueCall
from tidegate.venues.errors import Declined, DeclineReason, OutcomeUnsure, Unreachable

pytestmark = pytest.mark.req("D2.3")

GONE = LedgerUnavailableError("The ledger is gone.")


def chain(office: Office, *kinds: AuditType) -> list[AuditRecord]:
    """Write what waits, and return the records of some types; all without one."""
    office.wait(1.1)
    office.commit()
    return [record for record in office.ledger.audit(ACCOUNT, 0, 100_000) if not kinds or record.type in kinds]


def body(record: AuditRecord) -> Any:
    return json.loads(record.body)


# What is recorded.


def test_an_order_is_recorded_in_the_transaction_of_its_row() -> None:
    office = Office()
    key = office.enter()
    (write,) = [effect for effect in office.effects if isinstance(effect, WriteLedger) and effect.batch.rows]
    (sent,) = write.batch.audit
    assert (sent.type, sent.subject, sent.actor) == (AuditType.ORDER_SENT, key, "strategy:one")
    told = json.loads(sent.body)
    assert (told["kind"], told["side"], told["quantity"], told["symbol"]) == ("submit", "buy", "5", "AAA")
    assert told["decision_id"] == write.batch.rows[0].decision_id
    assert told["intent_id"] == write.batch.rows[0].intent_id


def test_a_refused_row_takes_its_entry_along_and_the_order_is_recorded_as_not_sent() -> None:
    office = Office()
    key = office.enter()
    office.commit(GONE)
    office.commit()
    records = chain(office, AuditType.ORDER_SENT, AuditType.ORDER_OUTCOME)
    assert [(record.type, record.subject) for record in records] == [("order_outcome", key)]
    assert body(records[0])["outcome"] == "not_sent"
    assert "The ledger is gone." in body(records[0])["reason"]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Unreachable("No line."), "not_sent"),
        (OutcomeUnsure("No answer."), "outcome_unknown"),
        (Declined(DeclineReason.INVALID, "no such symbol", status=422), "declined"),
        (None, "taken"),
    ],
)
def test_each_answer_to_an_order_is_recorded_once(answer: Any, outcome: str) -> None:
    office = Office()
    key = office.enter()
    send = office.let_go()
    office.desk.answered(send, answer if answer is not None else shown(send, OrderState.ACCEPTED))
    office.turn()
    records = chain(office, AuditType.ORDER_OUTCOME)
    assert [(record.subject, body(record)["outcome"]) for record in records] == [(key, outcome)]


def test_a_cancel_is_recorded_when_it_leaves_and_with_its_answer() -> None:
    office = Office()
    key = office.enter()
    send = office.let_go()
    office.desk.answered(send, shown(send, OrderState.ACCEPTED))
    office.effects.clear()
    office.ask(RequestVerb.KILL)
    office.flush()
    (cancel,) = [effect for effect in office.sends() if effect.command.kind is CommandKind.CANCEL]
    office.desk.answered(cancel, None)
    sent = [record for record in chain(office, AuditType.ORDER_SENT) if body(record)["kind"] == "cancel"]
    assert [record.subject for record in sent] == [key]
    assert body(sent[0])["target_id"] == key
    outcomes = [body(record) for record in chain(office, AuditType.ORDER_OUTCOME)]
    assert ("cancel", "taken") in [(one.get("kind"), one["outcome"]) for one in outcomes]


def test_a_kill_is_recorded_in_the_transaction_that_keeps_it() -> None:
    office = Office()
    office.effects.clear()
    office.ask(RequestVerb.KILL, request_id="k1")
    (write,) = [effect for effect in office.effects if isinstance(effect, WriteLedger) and effect.batch.kills]
    kinds = [one.type for one in write.batch.audit]
    assert kinds[0] is AuditType.REQUEST
    assert AuditType.GATE_CHANGED in kinds
    asked = write.batch.audit[0]
    assert (asked.actor, asked.subject) == ("ann", "k1")
    told = json.loads(asked.body)
    assert (told["verb"], told["scope"], told["reason"], told["outcome"]) == ("kill", "global", "a test", "taken")


@pytest.mark.parametrize("kind", ["rows", "kills"])
def test_what_came_with_a_batch_goes_with_it_and_is_not_written_again(kind: str) -> None:
    office = Office()
    office.enter()
    office.ask(RequestVerb.KILL)
    given = [effect for effect in office.effects if isinstance(effect, WriteLedger)]
    bare = next(effect.batch for effect in given if getattr(effect.batch, kind))
    own = entry(AuditType.APPROVAL_USED, ts_ns=1, actor="ann", subject="a-1")
    office.effects = []
    office.desk.auditing.happened(AuditType.LOGIN, "bob")
    (effect,) = [office.desk.auditing.dress(WriteLedger(replace(bare, audit=(own,))))]
    assert isinstance(effect, WriteLedger)
    assert own in effect.batch.audit
    assert [one.type for one in effect.batch.audit].count(AuditType.ORDER_SENT) == (1 if kind == "rows" else 0)
    office.desk.wrote(effect, GONE)
    office.desk.auditing._retry_ns = 0
    kinds = [record.type for record in chain(office)]
    assert "login" in kinds
    assert "approval_used" not in kinds


def test_every_change_of_a_gate_is_recorded_with_who_and_why() -> None:
    office = Office()
    office.desk.sequencer.offer(
        GateSet(
            event_id="", timestamp=0, symbol="", strategy_id="", correlation_id="",
            scope=GateScope.SYMBOL, key="AAA", state=GateState.HALTED, reason="odd prices", actor="rule:test",
        )
    )  # fmt: skip
    office.turn()
    office.ask(RequestVerb.PAUSE, GateScope.STRATEGY, "one")
    records = chain(office, AuditType.GATE_SET, AuditType.GATE_CHANGED)
    assert [(record.type, record.actor, record.subject) for record in records] == [
        ("gate_set", "rule:test", "symbol AAA"),
        ("gate_changed", "ann", "strategy one"),
    ]
    assert body(records[0]) == {"state": "halted", "reason": "odd prices"}
    assert body(records[1]) == {"before": "active", "after": "reduce_only", "reason": "a test"}


def test_what_became_of_a_request_is_recorded() -> None:
    office = Office()
    office.ask(RequestVerb.FLATTEN, request_id="f1")
    stages = [body(record)["stage"] for record in chain(office, AuditType.REQUEST_MOVED) if record.subject == "f1"]
    assert stages[0] == "taken"
    assert stages[-1] == "done"


def test_a_call_to_the_venue_is_recorded_in_whole_milliseconds() -> None:
    office = Office()
    office.desk.auditing.called(VenueCall("DELETE", "/v2/orders/7", 204, 12_345_678, "r-1"))
    office.desk.auditing.called(VenueCall("GET", "/v2/account", 0, 5_000_000_000, why="TimeoutError"))
    first, second = chain(office, AuditType.VENUE_CALL)
    assert first.subject == "DELETE /v2/orders/7"
    assert body(first) == {"method": "DELETE", "path": "/v2/orders/7", "status": 204, "duration_ms": 12, "request_id": "r-1"}
    assert (body(second)["status"], body(second)["why"]) == (0, "TimeoutError")


# Nothing waits for it.


def test_an_order_carries_its_own_entry_alone_however_many_wait() -> None:
    office = Office()
    for number in range(500):
        office.desk.auditing.called(VenueCall("GET", f"/v2/orders/{number}", 200, 1))
    office.enter()
    writes = [effect for effect in office.effects if isinstance(effect, WriteLedger)]
    rows = [effect for effect in writes if effect.batch.rows]
    assert [len(effect.batch.audit) for effect in rows] == [1]
    assert writes.index(rows[0]) < min(place for place, effect in enumerate(writes) if not effect.batch.rows)


def test_orders_and_cancels_leave_while_an_entry_is_not_written() -> None:
    office = Office(settings=DeskSettings(audit=AuditSettings(flush_ns=0)))
    office.desk.auditing.happened(AuditType.LOGIN, "ann")
    office.enter()
    held = [effect for effect in office.effects if isinstance(effect, WriteLedger) and not effect.batch.rows]
    assert len(held) == 1
    office.effects = [effect for effect in office.effects if effect not in held]
    send = office.let_go()
    assert send.command.kind is CommandKind.SUBMIT
    assert office.ledger.audit(ACCOUNT)[-1].type == "order_sent"


# When it is written.


class Scene:
    """The machine alone, with time and a ledger."""

    def __init__(self, settings: AuditSettings | None = None) -> None:
        office: Any = self  # it is asked for its time alone
        self.clock = ManualClock(0)
        self.keeper = Gatekeeper.__new__(Gatekeeper)
        self.ledger = MemoryLedger()
        self.keeper.lease = self.ledger.take_lease(LeaseClaim(account=ACCOUNT, holder="me", now_ns=0, ttl_ns=3_600 * SECOND))
        self.machine = Auditing(ACCOUNT, office, self.keeper, self.clock, settings)

    def now_ns(self) -> int:
        return self.clock.now_ns()

    def wait(self, seconds: float) -> list[Effect]:
        self.clock.advance(int(seconds * SECOND))
        return self.machine.take_effects()

    def carry_out(self, effects: list[Effect], error: TidegateError | None = None, *, written: bool | None = None) -> None:
        """Let writes succeed or fail; one that fails may have been written all the same."""
        for effect in effects:
            if isinstance(effect, WriteLedger):
                if error is None or written:
                    self.ledger.write(effect.batch)
                self.machine.wrote(effect, error)
            elif isinstance(effect, SealAudit):
                self.machine.sealed(error)

    def note(self, number: int, *, hurries: bool = False) -> None:
        self.machine.note(entry(AuditType.LOGIN, ts_ns=self.now_ns(), actor="ann", subject=str(number)), hurries=hurries)

    def subjects(self) -> list[str]:
        return [record.subject for record in self.ledger.audit(ACCOUNT, 0, 100_000) if record.type == AuditType.LOGIN]

    def kinds(self) -> list[str]:
        return [record.type for record in self.ledger.audit(ACCOUNT, 0, 100_000)]


def test_what_does_not_hurry_is_written_together_within_a_second() -> None:
    scene = Scene()
    scene.note(1)
    assert scene.wait(0.5) == []
    scene.note(2)
    assert scene.machine.due_ns() == scene.clock.monotonic_ns() + SECOND // 2
    (write,) = scene.wait(0.5)
    assert isinstance(write, WriteLedger)
    assert [one.subject for one in write.batch.audit] == ["1", "2"]
    assert scene.machine.due_ns() > scene.clock.monotonic_ns() + 1_000 * SECOND  # one write at a time


def test_what_hurries_is_written_at_once_with_all_before_it() -> None:
    scene = Scene()
    scene.note(1)
    scene.note(2, hurries=True)
    (write,) = scene.machine.take_effects()
    assert isinstance(write, WriteLedger)
    assert [one.subject for one in write.batch.audit] == ["1", "2"]


def test_without_a_lease_nothing_is_asked_of_the_ledger() -> None:
    scene = Scene()
    scene.keeper.lease = None
    scene.note(1, hurries=True)
    assert scene.wait(5) == []
    assert scene.machine.rest() == []


def test_a_failed_write_is_tried_again_after_a_while_and_says_that_it_may_stand_twice() -> None:
    scene = Scene()
    scene.note(1, hurries=True)
    scene.carry_out(scene.machine.take_effects(), GONE, written=True)
    assert scene.wait(0.5) == []
    scene.note(2, hurries=True)
    for _ in range(5):
        scene.carry_out(scene.wait(1.0), GONE)
    scene.carry_out(scene.wait(1.0))
    assert scene.kinds() == ["login", "entries_repeated", "login", "login"]
    assert scene.subjects() == ["1", "1", "2"]
    assert json.loads(scene.ledger.audit(ACCOUNT)[1].body) == {"entries": 2, "why": "The ledger is gone."}


def test_a_ledger_that_took_nothing_in_leaves_no_doubt() -> None:
    scene = Scene()
    scene.note(1, hurries=True)
    scene.carry_out(scene.machine.take_effects(), LedgerBusyError("Full."))
    scene.carry_out(scene.wait(1.0))
    assert scene.kinds() == ["login"]


def test_what_finds_no_room_is_counted_and_the_count_is_recorded() -> None:
    scene = Scene(AuditSettings(waiting_max=3, urgent_max=2, batch_max=100))
    for number in range(5):
        scene.note(number)
    for number in range(5, 9):
        scene.note(number, hurries=True)  # room of their own
    assert scene.machine.lost_total == 4
    scene.carry_out(scene.wait(1.0), GONE)
    scene.carry_out(scene.wait(1.0))
    assert scene.subjects() == ["0", "1", "2", "5", "6"]
    records = [record for record in scene.ledger.audit(ACCOUNT) if record.type == AuditType.ENTRIES_LOST]
    assert [json.loads(record.body) for record in records] == [{"entries": 4}]


def test_a_trader_that_lost_the_account_records_nothing_any_more() -> None:
    scene = Scene()
    scene.note(1, hurries=True)
    scene.carry_out(scene.machine.take_effects(), StaleEpochError("Another has it."))
    scene.note(2, hurries=True)
    assert scene.wait(100) == []
    assert scene.machine.rest() == []


def test_the_rest_is_all_that_waits_in_writes_of_bounded_size() -> None:
    scene = Scene(AuditSettings(batch_max=10))
    for number in range(25):
        scene.note(number)
    rest = scene.machine.rest()
    assert [len(batch.audit) for batch in rest] == [10, 10, 5]
    assert scene.machine.rest() == []


# When it is sealed.


def seals(effects: list[Effect]) -> list[SealAudit]:
    return [effect for effect in effects if isinstance(effect, SealAudit)]


def test_the_first_records_are_sealed_at_once_and_then_every_minute_in_which_something_happened() -> None:
    scene = Scene()
    scene.note(1, hurries=True)
    scene.carry_out(scene.wait(0))
    first = scene.wait(0)
    assert [(one.account, one.epoch) for one in seals(first)] == [(ACCOUNT, 1)]
    scene.carry_out(first)
    scene.note(2, hurries=True)
    scene.carry_out(scene.wait(1))
    assert seals(scene.wait(58)) == []
    again = scene.wait(2)
    assert len(seals(again)) == 1
    scene.carry_out(again)
    assert seals(scene.wait(600)) == []


def test_a_thousand_records_are_sealed_without_waiting_for_the_minute() -> None:
    scene = Scene(AuditSettings(batch_max=10_000))
    scene.note(0, hurries=True)
    scene.carry_out(scene.wait(0))
    scene.carry_out(scene.wait(0))
    for number in range(1, 1_000):
        scene.note(number)
    scene.carry_out(scene.wait(1))
    assert seals(scene.wait(0)) == []
    scene.note(1_000, hurries=True)
    scene.carry_out(scene.wait(0))
    assert len(seals(scene.wait(0))) == 1


def test_a_seal_that_fails_is_recorded_once_and_tried_every_minute() -> None:
    scene = Scene()
    scene.note(1, hurries=True)
    scene.carry_out(scene.wait(0))
    failing = GONE
    tries = 0
    for _ in range(300):
        for effect in scene.wait(1):
            failed = isinstance(effect, SealAudit)
            tries += failed
            scene.carry_out([effect], failing if failed else None)
    assert tries == 5
    assert scene.kinds() == ["login", "anchor_failed"]
    scene.carry_out(seals(scene.wait(60)))  # type: ignore[arg-type]  # some of the effects
    assert scene.kinds() == ["login", "anchor_failed"]


class AuditingMachine(RuleBasedStateMachine):
    """Whatever the ledger does, each entry is written in order, once where the answers came, or counted as lost."""

    @initialize()
    def begin(self) -> None:
        self.scene = Scene(AuditSettings(waiting_max=8, urgent_max=4, batch_max=3))
        self.noted: list[str] = []
        self.flying: list[Effect] = []
        self.doubtful = False

    @rule(hurries=st.booleans())
    def note(self, *, hurries: bool) -> None:
        lost = self.scene.machine.lost_total
        number = len(self.noted)
        self.scene.note(number, hurries=hurries)
        self.noted.append("lost" if self.scene.machine.lost_total > lost else str(number))

    @rule(seconds=st.sampled_from([0.0, 0.4, 1.0, 60.0]))
    def wait(self, seconds: float) -> None:
        self.flying += self.scene.wait(seconds)

    @precondition(lambda self: self.flying)
    @rule(outcome=st.sampled_from(["taken", "taken", "busy", "gone", "doubt"]))
    def answer(self, outcome: str) -> None:
        error = {"taken": None, "busy": LedgerBusyError("Full.")}.get(outcome, GONE)
        self.doubtful = self.doubtful or outcome == "doubt"
        flying, self.flying = self.flying, []
        self.scene.carry_out(flying, error, written=outcome == "doubt")

    @invariant()
    def bounded(self) -> None:
        if hasattr(self, "scene"):
            assert self.scene.machine.waiting <= 8 + 4 + 3 + 1

    def teardown(self) -> None:
        if not hasattr(self, "scene"):
            return
        scene = self.scene
        scene.carry_out(self.flying)
        for batch in scene.machine.rest():
            scene.ledger.write(batch)
        kept = [one for one in self.noted if one != "lost"]
        written = scene.subjects()
        assert list(dict.fromkeys(written)) == kept
        assert self.doubtful or written == kept
        lost = [json.loads(record.body)["entries"] for record in scene.ledger.audit(ACCOUNT, 0, 10_000) if record.type == "entries_lost"]
        assert self.doubtful or sum(lost) == scene.machine.lost_total
        assert scene.machine.lost_total >= self.noted.count("lost")  # that a seal failed may have found no room either


AuditingMachine.TestCase.settings = hypothesis_settings(max_examples=150, stateful_step_count=40, deadline=None)
TestAuditingMachine = AuditingMachine.TestCase


def test_batches_of_the_desk_are_what_the_ledger_takes() -> None:
    office = Office()
    office.ask(RequestVerb.PAUSE)
    office.ask(RequestVerb.RESUME, request_id="r2")
    records = chain(office)
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    assert Batch(account=ACCOUNT, epoch=1).audit == ()
    assert not [effect for effect in office.effects if isinstance(effect, Send)]
