"""What a kill finds and does: one request for all where all go, each by itself where it fails, and a report of every order."""

from typing import Any

import msgspec
import pytest

from tests.service.making import Office, shown
from tidegate.control.replies import ReportReply
from tidegate.events.codec import decode
from tidegate.events.inputs import OperatorRequested, RequestNoted
from tidegate.oms.order import Order
from tidegate.service.ports import CancelAll, Send, Suspend, WriteLedger
from tidegate.service.report_reply import report_reply
from tidegate.service.stop_report import Reports, StopReport
from tidegate.service.sweeping import SWEEP_PATIENCE_NS
from tidegate.service.words import own_event
from tidegate.values.enums import CommandKind, GateScope, GateState, OrderEventKind, OrderState, RequestNote, RequestStage, RequestVerb
from tidegate.values.money import NANOS
from tidegate.venues.errors import Declined, DeclineReason
from tidegate.venues.port import CancelResult, VenueOrder

pytestmark = pytest.mark.req("B3.6", "B2.4")


def working(orders: int = 2) -> Office:
    """An office with orders that the venue has taken as v1, v2, …"""
    office = Office()
    for number in range(1, orders + 1):
        office.enter()
        send = office.let_go()
        office.desk.answered(send, msgspec.structs.replace(shown(send, OrderState.ACCEPTED), venue_order_id=f"v{number}"))
        office.turn()
    office.effects.clear()
    assert len(office.orders()) == orders
    return office


def killed(office: Office, scope: GateScope = GateScope.GLOBAL, key: str = "") -> list[Any]:
    """Kill, and return the cancels that leave."""
    office.ask(RequestVerb.KILL, scope, key, request_id="k1")
    office.flush()
    return [effect for effect in office.effects if isinstance(effect, Send | CancelAll)]


def report(office: Office, request_id: str = "k1") -> ReportReply:
    """The report that was seen, which the log alone tells likewise."""
    seen = office.desk.noting.report(request_id)
    assert seen is not None
    assert report_reply(of_log(office, request_id)) == report_reply(seen)
    return report_reply(seen)


def of_log(office: Office, request_id: str) -> StopReport:
    reports = Reports()
    for entry in office.log.entries:
        if entry.records is None:
            reports.take(decode(entry.message))
    return reports.found[request_id]


def ended(office: Office, send_or_order: str) -> None:
    """Let the venue say that an order was canceled."""
    order = office.desk.engine.books.order(send_or_order)
    assert order is not None
    office.desk.found(send_or_order, _venue_order(order, OrderState.CANCELED))
    office.turn()


def _venue_order(order: Order, state: OrderState) -> VenueOrder:
    return VenueOrder(
        client_order_id=order.client_order_id,
        venue_order_id=order.venue_order_id,
        symbol=order.symbol,
        side=order.side,
        state=state,
        word=state.value,
        quantity_nanos=order.quantity_nanos,
    )


def test_a_kill_of_everything_cancels_in_one_request_and_tells_of_each_order() -> None:
    office = working(3)
    ids = [order.client_order_id for order in office.orders()]
    (effect,) = killed(office)
    assert isinstance(effect, CancelAll)
    assert sorted(command.target_id for command in effect.commands) == ids
    now = report(office)
    assert (now.found, now.ended, now.one_request, now.done) == (3, 0, True, False)
    assert {order.why for order in now.orders} == {"its cancel was sent and is not answered yet"}
    office.desk.canceled_all(effect, [CancelResult(venue_order_id=f"v{n}", taken=True) for n in (1, 2, 3)])
    office.turn()
    assert Suspend(on=True) in office.effects
    assert all("has not confirmed" in order.why for order in report(office).orders)
    for order_id in ids:
        ended(office, order_id)
    assert not report(office).done, "the venue's switch has no answer yet"
    office.desk.suspended(Suspend(on=True), taken=True)
    office.turn()
    end = report(office)
    assert (end.found, end.ended, end.done, end.switch) == (3, 3, True, RequestNote.SWITCH_SET)
    assert (end.late, end.on_wire, end.positions) == ((), (), ())
    assert end.cancels_left_ns
    assert end.cancels_ended_ns


def test_what_the_one_request_did_not_take_is_canceled_by_itself_and_told_with_the_venues_words() -> None:
    office = working(3)
    first, second, third = (order.client_order_id for order in office.orders())
    venue_ids = {order.client_order_id: order.venue_order_id for order in office.orders()}
    (effect,) = killed(office)
    office.effects.clear()
    refused = CancelResult(venue_order_id=venue_ids[second], taken=False, words="order is in the auction")
    office.desk.canceled_all(effect, [CancelResult(venue_order_id=venue_ids[first], taken=True), refused])
    office.turn()
    again = [send.command.target_id for send in office.sends()]
    assert sorted(again) == sorted([second, third])
    words = {order.client_order_id: order.why for order in report(office).orders}
    assert "order is in the auction" in words[second]
    assert "did not name it" in words[third]
    for send in office.sends():
        answer = None if send.command.target_id == third else Declined(DeclineReason.NOT_CANCELABLE, "too late to cancel", status=422)
        office.desk.answered(send, answer)
    office.turn()
    words = {order.client_order_id: order.why for order in report(office).orders}
    assert "too late to cancel" in words[second]
    assert "took the cancel" in words[third]


@pytest.mark.parametrize("answered", [False, True])
def test_without_an_answer_to_the_one_request_every_cancel_goes_by_itself(*, answered: bool) -> None:
    office = working(2)
    (effect,) = killed(office)
    office.effects.clear()
    if answered:
        office.desk.canceled_all(effect, None)
        office.turn()
    else:
        office.wait(SWEEP_PATIENCE_NS / 1_000_000_000 + 0.01)
    assert sorted(send.command.target_id for send in office.sends()) == sorted(command.target_id for command in effect.commands)
    office.effects.clear()
    office.desk.canceled_all(effect, None)
    office.turn()
    assert office.sends() == [], "they are out already"


@pytest.mark.parametrize(("scope", "key"), [(GateScope.STRATEGY, "one"), (GateScope.SYMBOL, "AAA")])
def test_a_narrower_kill_never_cancels_all(scope: GateScope, key: str) -> None:
    office = working(2)
    effects = killed(office, scope, key)
    assert [type(effect) for effect in effects] == [Send, Send]
    assert not report(office).one_request


def test_an_order_that_is_to_stay_is_never_swept_away_with_the_others() -> None:
    office = working(3)
    office.desk.gatekeeper.latch(GateScope.GLOBAL, "", GateState.HALTED)  # as when the trader stops and stops at the venue stay
    _stays, *others = (order.client_order_id for order in office.orders())
    for order_id in others:
        request = OperatorRequested(
            event_id="", timestamp=0, symbol="", strategy_id="", correlation_id="", request_id=f"c-{order_id}", verb=RequestVerb.CANCEL,
            scope=GateScope.STRATEGY, key="one", requester="rule:parting", reason="it stops", order_id=order_id,
        )  # fmt: skip
        assert office.desk.request(request)
    office.turn()
    office.flush()
    assert not [effect for effect in office.effects if isinstance(effect, CancelAll)]
    assert sorted(send.command.target_id for send in office.sends()) == sorted(others)


def test_nothing_is_swept_up_with_what_a_flatten_has_out() -> None:
    office = working(1)
    send_ids = [order.client_order_id for order in office.orders()]
    (order,) = office.orders()
    filled = msgspec.structs.replace(_venue_order(order, OrderState.FILLED), filled_nanos=5 * NANOS, average_price_nanos=20 * NANOS)
    office.desk.found(send_ids[0], filled)
    office.turn()
    office.ask(RequestVerb.FLATTEN, request_id="f1")
    exit_send = office.let_go()
    assert exit_send.command.kind is CommandKind.SUBMIT
    effects = killed(office)
    assert not [effect for effect in effects if isinstance(effect, CancelAll)]
    assert report(office).late == (), "a person's own exit is not late"


def test_an_order_on_the_wire_when_the_gate_closes_is_listed_and_one_that_waits_is_not() -> None:
    office = Office()
    office.enter()
    sent = office.let_go()
    office.enter()
    (waiting,) = {order.client_order_id for order in office.orders()} - {sent.command.client_order_id}
    office.ask(RequestVerb.KILL, request_id="k1")
    now = report(office)
    assert now.on_wire == (sent.command.client_order_id,)
    office.commit()
    office.flush()
    assert waiting not in [send.command.client_order_id for send in office.submits()]
    assert office.state(waiting) is OrderState.NOT_SENT
    assert report(office).late == ()


def test_an_order_that_leaves_after_the_gate_had_closed_would_be_told() -> None:
    office = working(1)
    killed(office)
    (order,) = office.orders()
    office.wait(1)
    office.desk.sequencer.offer(own_event(order, OrderEventKind.SUBMITTED, sent_ns=office.desk.sequencer.now_ns()))
    office.turn()
    assert report(office).late == (order.client_order_id,)


def test_the_gate_closes_before_the_engine_hears_of_it_and_the_time_that_took_is_noted() -> None:
    office = working(1)
    request = OperatorRequested(
        event_id="", timestamp=0, symbol="", strategy_id="", correlation_id="", request_id="k9", verb=RequestVerb.KILL,
        scope=GateScope.GLOBAL, key="", requester="ann", reason="",
    )  # fmt: skip
    assert office.desk.request(request, waited_ns=7_000, expected_ns=3)
    assert office.desk.gatekeeper.halts_all
    waiting = office.desk.noting.report("k9")
    assert waiting is not None
    assert waiting.gate_took_ns is None
    office.turn()
    seen = report(office, "k9")
    assert (seen.gate_took_ns, seen.expected_ns) == (7_000, 3)
    assert office.messages(RequestNoted)[0].note is RequestNote.LATCHED


def test_a_switch_that_the_venue_refuses_is_told_once_and_keeps_no_report_open() -> None:
    office = Office()
    office.ask(RequestVerb.KILL, request_id="k1")
    assert Suspend(on=True) in office.effects
    for _ in range(3):
        office.desk.suspended(Suspend(on=True), taken=False)
        office.wait(3)
    failed = [note for note in office.messages(RequestNoted) if note.note is RequestNote.SWITCH_FAILED]
    assert len(failed) == 1
    assert report(office).done
    assert report(office).switch == RequestNote.SWITCH_FAILED
    office.desk.suspended(Suspend(on=True), taken=True)
    office.turn()
    assert report(office).switch == RequestNote.SWITCH_SET


def test_a_flatten_is_reported_with_what_it_leaves() -> None:
    office = working(1)
    office.ask(RequestVerb.FLATTEN, request_id="f1")
    office.flush()
    ended(office, office.orders()[0].client_order_id)
    now = report(office, "f1")
    assert (now.found, now.ended, now.stage, now.done) == (1, 1, RequestStage.DONE, True)
    assert now.positions == ()


def test_without_a_kill_nothing_is_noted() -> None:
    office = working(1)
    office.ask(RequestVerb.PAUSE, request_id="p1")
    office.flush()
    office.wait(5)
    assert office.messages(RequestNoted) == []
    assert office.desk.noting.report("p1") is None
    assert [effect for effect in office.effects if isinstance(effect, WriteLedger)]
