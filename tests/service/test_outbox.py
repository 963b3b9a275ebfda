"""The sender: durable, checked in the step in which bytes leave, once; what is not proved is asked after and never repeated."""

import pytest
from msgspec import structs

from tests.service.making import Office, shown
from tidegate.events.inputs import OrderEvent, StreamChanged
from tidegate.service.gatekeeper import replace_refusal
from tidegate.service.ledger.errors import LedgerUnavailableError, StaleEpochError
from tidegate.service.ledger.rows import Batch
from tidegate.service.ledger.states import OutboxState
from tidegate.service.ports import Find, Send, WriteLedger
from tidegate.service.stages import FINISHED, STAGES, Happening, Stage, WrongStageError, next_stage
from tidegate.service.words import own_event
from tidegate.simulation.campaign.stores import DiskGoneError
from tidegate.values.enums import CommandKind, GateScope, GateState, OrderEventKind, OrderState, RequestVerb
from tidegate.values.money import NANOS
from tidegate.venues.errors import Declined, DeclineReason, OutcomeUnsure, Unreachable

pytestmark = pytest.mark.req("B2.2", "I3")


@pytest.mark.parametrize("happening", Happening)
@pytest.mark.parametrize("stage", Stage)
def test_each_pair_moves_by_the_table_or_is_refused(stage: Stage, happening: Happening) -> None:
    if happening in STAGES[stage]:
        assert next_stage(stage, happening) is STAGES[stage][happening]
    else:
        with pytest.raises(WrongStageError, match=r"nothing was sent\.$"):
            next_stage(stage, happening)


def test_nothing_that_was_sent_can_be_sent_again() -> None:
    after = {Stage.SENT}
    for _ in Stage:
        after |= {target for stage in after for target in STAGES[stage].values()}
    assert all(Happening.LET_GO not in STAGES[stage] for stage in after)
    assert {stage for stage in Stage if not STAGES[stage]} == FINISHED


def test_an_order_waits_for_ledger_and_log() -> None:
    office = Office()
    office.enter()
    office.commit()
    assert office.sends() == []
    office.flush()
    assert len(office.submits()) == 1
    other = Office()
    other.enter()
    other.flush()
    assert other.submits() == []
    other.commit()
    assert len(other.submits()) == 1


@pytest.mark.req("B2.4")
def test_what_log_and_ledger_have_leaves_before_what_waits_is_taken_in() -> None:
    office = Office()
    office.enter()
    office.commit()
    assert office.desk.leaving() == []
    office.log.flush(office.log.mark())
    taken, due_ns = office.desk.engine.n, office.desk.reconciler.due_ns()
    [sent] = office.desk.leaving()
    assert isinstance(sent, Send)
    assert office.desk.engine.n == taken
    assert office.desk.sequencer.waiting, "that it was sent is told at the next turn"
    assert office.desk.reconciler.due_ns() < due_ns, "and it is read back"
    assert office.desk.leaving() == []


def test_a_gate_that_closed_meanwhile_holds_it() -> None:
    office = Office()
    key = office.enter()
    office.commit()
    office.log.flush(office.log.mark())
    office.desk.gatekeeper.latch(GateScope.GLOBAL, "", GateState.HALTED)
    assert not any(isinstance(effect, Send) for effect in office.desk.leaving())
    office.turn()
    assert office.submits() == []
    assert office.state(key) is OrderState.NOT_SENT


def test_a_row_stands_as_sent_before_the_bytes_leave_and_says_what_it_rests_on() -> None:
    office = Office()
    key = office.enter()
    office.let_go()
    row = office.ledger.order(key)  # type: ignore[arg-type]
    assert row is not None
    assert (row.state, row.epoch, row.client_order_id) == (OutboxState.SENT, office.lease.epoch, key)
    assert row.decision_id
    assert row.intent_id


@pytest.mark.parametrize(
    ("answer", "state", "row"),
    [
        (Unreachable("no connection"), OrderState.NOT_SENT, OutboxState.ABANDONED),
        (Declined(DeclineReason.INVALID, "no"), OrderState.REJECTED, OutboxState.ANSWERED),
        (Declined(DeclineReason.RATE_LIMITED, "slow down"), OrderState.NOT_SENT, OutboxState.ABANDONED),
        (Declined(DeclineReason.DUPLICATE_ID, "taken"), OrderState.UNKNOWN, OutboxState.UNSURE),
        (OutcomeUnsure("no answer"), OrderState.UNKNOWN, OutboxState.UNSURE),
    ],
)
def test_each_error_becomes_what_is_known(answer: Exception, state: OrderState, row: OutboxState) -> None:
    office = Office()
    key = office.enter()
    send = office.let_go()
    office.effects.clear()
    office.desk.answered(send, answer)  # type: ignore[arg-type]
    office.turn()
    office.commit()
    assert office.state(key) is state
    found = office.ledger.order(key)  # type: ignore[arg-type]
    assert found is not None
    assert found.state is row
    assert office.submits() == []


def test_a_timeout_is_looked_up_and_never_resent() -> None:
    office = Office()
    key = office.enter()
    send = office.let_go()
    office.effects.clear()
    office.wait(10.5)
    assert office.state(key) is OrderState.UNKNOWN
    for _ in range(8):
        office.wait(6)
        for find in [effect for effect in office.effects if isinstance(effect, Find)]:
            office.desk.found(find.client_order_id, None)
        assert office.submits() == []
        office.effects = [effect for effect in office.effects if not isinstance(effect, Find)]
    office.turn()
    assert office.state(key) is OrderState.ABSENT
    assert office.desk.outbox.open_commands == 0
    office.desk.answered(send, shown(send, OrderState.ACCEPTED))  # and then it was there after all
    office.turn()
    assert office.state(key) is OrderState.ACCEPTED


def test_a_lookup_that_finds_it_ends_the_doubt() -> None:
    office = Office()
    key = office.enter()
    send = office.let_go()
    office.desk.answered(send, OutcomeUnsure("no answer"))
    office.turn()
    assert [effect for effect in office.effects if isinstance(effect, Find)] == [Find(key)]
    office.desk.found(key, shown(send, OrderState.FILLED, filled=5))
    office.turn()
    assert office.state(key) is OrderState.FILLED
    assert office.desk.engine.books.positions() == {"AAA": 5_000_000_000}


def test_a_lookup_that_failed_is_no_evidence() -> None:
    office = Office()
    key = office.enter()
    send = office.let_go()
    office.desk.answered(send, OutcomeUnsure("no answer"))
    office.turn()
    before = len(office.messages(OrderEvent))
    office.desk.found(key, OutcomeUnsure("503"))
    office.turn()
    assert len(office.messages(OrderEvent)) == before
    assert office.state(key) is OrderState.UNKNOWN


def test_a_late_command_is_dropped_with_its_reason() -> None:
    office = Office()
    key = office.enter()
    office.commit()
    office.clock.advance(60 * 1_000_000_000)
    office.flush()
    assert office.submits() == []
    assert office.state(key) is OrderState.NOT_SENT
    said = [event for event in office.messages(OrderEvent) if event.kind is OrderEventKind.NOT_SENT]
    assert "too late" in said[-1].reason


def test_a_kill_between_decision_and_disk_stops_what_is_on_its_way() -> None:
    office = Office()
    key = office.enter()
    office.desk.gatekeeper.latch(GateScope.GLOBAL, "", office.desk.engine.books.gate(GateScope.GLOBAL, ""))
    office.ask(RequestVerb.KILL)
    office.commit()
    office.flush()
    assert office.submits() == []
    assert office.state(key) in {OrderState.NOT_SENT, OrderState.NEW}
    office.turn()
    assert office.state(key) is OrderState.NOT_SENT


def test_a_lost_lease_sends_no_order_and_still_cancels() -> None:
    office = Office()
    first = office.enter()
    send = office.let_go()
    office.desk.answered(send, shown(send, OrderState.ACCEPTED))
    office.turn()
    office.desk.gatekeeper.lose()
    office.effects.clear()
    office.ask(RequestVerb.CANCEL)
    office.wait(0.3)
    cancels = [effect for effect in office.sends() if effect.command.kind is CommandKind.CANCEL]
    assert [effect.command.target_id for effect in cancels] == [first]


@pytest.mark.parametrize("gone", ["log", "ledger"])
def test_without_log_or_ledger_only_cancels_leave(gone: str) -> None:
    office = Office()
    first = office.enter()
    send = office.let_go()
    office.desk.answered(send, shown(send, OrderState.ACCEPTED))
    office.turn()
    office.effects.clear()
    if gone == "log":
        office.log.failed = DiskGoneError("gone")
    else:
        office.desk.outbox.ledger_failed = LedgerUnavailableError("gone")
    office.ask(RequestVerb.CANCEL)
    cancels = [effect for effect in office.sends() if effect.command.kind is CommandKind.CANCEL]
    assert [effect.command.target_id for effect in cancels] == [first], "at once: there is nothing to wait for"
    office.answer = None
    office.effects.clear()
    office.desk.answered(cancels[0], None)
    assert office.submits() == []


def test_a_batch_that_the_ledger_refuses_is_provably_unsent() -> None:
    office = Office()
    key = office.enter()
    office.commit(LedgerUnavailableError("The store is gone."))
    office.flush()
    assert office.submits() == []
    assert office.state(key) is OrderState.NOT_SENT


def test_no_such_order_is_no_end_of_it() -> None:
    office = Office()
    key = office.enter()
    send = office.let_go()
    office.desk.answered(send, shown(send, OrderState.ACCEPTED))
    office.turn()
    office.effects.clear()
    office.ask(RequestVerb.CANCEL)
    office.wait(0.3)
    cancel = next(effect for effect in office.effects if isinstance(effect, Send))
    office.desk.answered(cancel, Declined(DeclineReason.NOT_FOUND, "order not found", status=404))
    office.turn()
    assert office.state(key) is OrderState.ACCEPTED, "it works until the venue says otherwise"
    assert Find(key) in office.effects


@pytest.mark.req("I3", "B2.1")
def test_an_order_about_which_the_venue_finds_nothing_was_refused() -> None:
    office = Office()
    key = office.enter()
    send = office.let_go()
    office.desk.answered(send, Declined(DeclineReason.NOT_FOUND, "symbol not found: X", status=404))
    office.turn()
    assert office.state(key) is OrderState.REJECTED, "nobody would ever say more about it, and it would reserve for ever"


def test_a_ledger_that_is_gone_stops_entries_until_it_is_back_and_a_stale_epoch_for_good() -> None:
    office = Office()
    office.enter()
    office.commit(LedgerUnavailableError("The store is gone."))
    assert not office.desk.outbox.store_ok
    assert office.messages(StreamChanged)[-1].up is False
    office.desk.wrote(WriteLedger(Batch(account="test", epoch=1)), None)
    office.turn()
    assert office.desk.outbox.store_ok
    assert office.messages(StreamChanged)[-1].up is True
    office.desk.wrote(WriteLedger(Batch(account="test", epoch=1)), StaleEpochError("Another trader has it."))
    assert not office.desk.gatekeeper.holds(office.clock.monotonic_ns())


def replaced() -> tuple[Office, str, Send]:
    """An office whose resting entry follows the market: the original's id, and the replacement that has left."""
    office = Office(passive=True, follow=True)
    key = office.enter()
    send = office.let_go()
    office.desk.answered(send, shown(send, OrderState.ACCEPTED))
    office.turn()
    office.effects.clear()
    office.quote(2_004, wait_s=0.5)
    office.wait(0.6)
    return office, key, office.let_go()


@pytest.mark.req("G1")
@pytest.mark.parametrize(
    ("answer", "state", "row"),
    [
        (Declined(DeclineReason.NOT_REPLACEABLE, "filled meanwhile"), OrderState.REJECTED, OutboxState.ANSWERED),
        (Declined(DeclineReason.NOT_FOUND, "no such order"), OrderState.REJECTED, OutboxState.ANSWERED),
        (Declined(DeclineReason.RATE_LIMITED, "too soon"), OrderState.NOT_SENT, OutboxState.ABANDONED),
        (Unreachable("no connection"), OrderState.NOT_SENT, OutboxState.ABANDONED),
    ],
)
def test_a_replacement_that_came_to_nothing_ends_and_its_original_is_asked_after(
    answer: Exception, state: OrderState, row: OutboxState
) -> None:
    office, key, send = replaced()
    assert (send.command.kind, send.command.target_id) == (CommandKind.REPLACE, key)
    office.effects.clear()
    office.desk.answered(send, answer)  # type: ignore[arg-type]
    office.turn()
    assert Find(key) in office.effects, "it may have filled, or been canceled first"
    office.commit()
    assert office.state(send.command.client_order_id) is state
    found = office.ledger.order(send.command.client_order_id)  # type: ignore[arg-type]
    assert found is not None
    assert found.state is row
    assert office.state(key) is OrderState.ACCEPTED
    assert [order.client_order_id for order in office.orders()] == [key]


@pytest.mark.req("G1")
def test_a_replacement_in_doubt_is_looked_up_and_never_resent() -> None:
    office, key, send = replaced()
    office.effects.clear()
    office.desk.answered(send, OutcomeUnsure("no answer"))
    office.turn()
    assert office.state(send.command.client_order_id) is OrderState.UNKNOWN
    office.wait(6)
    assert Find(send.command.client_order_id) in office.effects
    office.quote(2_007)
    office.wait(2)
    assert office.sends() == [], "nothing replaces what is in doubt"
    assert office.state(key) is OrderState.ACCEPTED


@pytest.mark.req("G1")
def test_an_order_that_filled_in_part_meanwhile_is_not_replaced() -> None:
    """A replacement names an absolute quantity: what has filled of its original since it was judged holds it back."""
    office, key, send = replaced()
    books = office.desk.engine.books
    assert replace_refusal(send.command, books) == ""
    original = books.order(key)
    assert original is not None
    fill = structs.replace(own_event(original, OrderEventKind.PARTIALLY_FILLED), cum_quantity_nanos=NANOS, last_price_nanos=20 * NANOS)
    office.desk.sequencer.offer(fill)
    office.turn()
    assert "has filled in part" in replace_refusal(send.command, books)
    assert office.state(key) is OrderState.PARTIAL
