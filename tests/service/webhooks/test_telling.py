"""What is told of which message, and what is not."""

import json
from typing import Any

import msgspec
import pytest

from tests.events.examples import MESSAGES, example_of
from tests.service.webhooks.making import doubt, fill, trip
from tidegate.events.acts import AnyAct, DifferenceFound, OrderChanged, RiskDecision
from tidegate.events.codec import AnyMessage
from tidegate.events.inputs import AnyInput, GateSet, OperatorRequested, OrderEvent, VenueStatusChanged
from tidegate.service.webhooks.telling import BODY_BYTES_MAX, Spot, Teller, Topic, note_gate
from tidegate.values.enums import Difference, GateState, OrderEventKind, OrderState, RequestVerb, StatusLevel, Verdict

pytestmark = pytest.mark.req("I6")

SPOT = Spot("one", 7, 2)


def told(message: AnyMessage, teller: Teller | None = None) -> dict[str, Any] | None:
    notice = (teller or Teller(list(Topic), {})).notice(message, SPOT)
    if notice is None:
        return None
    body: dict[str, Any] = json.loads(notice.body)
    assert (notice.identity, notice.topic.value, notice.event) == (body["id"], body["topic"], body["event"])
    return body


def venue_is(before: StatusLevel, after: StatusLevel) -> VenueStatusChanged:
    example: VenueStatusChanged = example_of(VenueStatusChanged)
    return msgspec.structs.replace(example, before=before, after=after)


@pytest.mark.parametrize(
    ("message", "topic", "event"),
    [
        (fill("x"), "fills", "fill"),
        (fill("x", kind=OrderEventKind.FILLED), "fills", "fill"),
        (fill("x", kind=OrderEventKind.FILL_CORRECTED), "fills", "fill_corrected"),
        (fill("x", kind=OrderEventKind.FILL_BUSTED), "fills", "fill_busted"),
        (msgspec.structs.replace(example_of(DifferenceFound), kind=Difference.FILL_UNSEEN), "fills", "fill_found"),
        (trip(), "trips", "trip"),
        (trip(GateState.REDUCE_ONLY, actor="ann"), "trips", "gate"),
        (msgspec.structs.replace(example_of(OperatorRequested), verb=RequestVerb.KILL), "trips", "kill"),
        (doubt(), "unknown", "unknown"),
        (msgspec.structs.replace(doubt(), before=OrderState.UNKNOWN, after=OrderState.FILLED), "unknown", "unknown_resolved"),
        (msgspec.structs.replace(example_of(RiskDecision), verdict=Verdict.NEEDS_APPROVAL), "approvals", "approval_needed"),
        (venue_is(StatusLevel.OK, StatusLevel.DOWN), "venue", "venue_down"),
        (venue_is(StatusLevel.DEGRADED, StatusLevel.OK), "venue", "venue_ok"),
    ],
)
def test_what_happened_is_told_under_its_topic_in_words_and_fields(message: AnyMessage, topic: str, event: str) -> None:
    body = told(message)
    assert body is not None
    assert (body["topic"], body["event"], body["session"], body["n"], body["k"]) == (topic, event, "one", 7, 2)
    assert body["at"].endswith("Z")
    assert body["sentence"]
    assert body["data"]
    assert Teller([one for one in Topic if one.value != topic], {}).notice(message, SPOT) is None


def test_a_fill_has_exact_numbers_as_text() -> None:
    body = told(fill("x1", last_quantity_nanos=1_500_000_000, last_price_nanos=182_120_000_000, fee_usd="0.02"))
    assert body is not None
    assert (body["fill"]["quantity"], body["fill"]["price"], body["fill"]["fee_usd"]) == ("1.5", "182.12", "0.02")


def test_every_other_message_is_not_told() -> None:
    kinds = {kind for kind in MESSAGES if kind in (*AnyInput.__args__, *AnyAct.__args__)}
    quiet = kinds - {OrderEvent, DifferenceFound, type(trip()), GateSet, OperatorRequested, OrderChanged, RiskDecision, VenueStatusChanged}
    assert len(quiet) > 15
    assert [kind for kind in quiet if told(example_of(kind))] == []
    for kind in OrderEventKind:
        if kind not in {OrderEventKind.PARTIALLY_FILLED, OrderEventKind.FILLED, OrderEventKind.FILL_CORRECTED, OrderEventKind.FILL_BUSTED}:
            assert told(fill("x", kind=kind)) is None
    approved = msgspec.structs.replace(example_of(RiskDecision), verdict=Verdict.REFUSED)
    assert told(approved) is None
    assert told(venue_is(StatusLevel.UNKNOWN, StatusLevel.OK)) is None, "a start that finds all well"
    assert told(venue_is(StatusLevel.UNKNOWN, StatusLevel.DOWN))


def test_a_fill_that_comes_under_one_id_twice_is_told_once() -> None:
    teller = Teller(list(Topic), {})
    assert told(fill("x"), teller)
    assert told(fill("x"), teller) is None
    assert told(fill("y"), teller)
    assert told(fill("x", client_order_id="another"), teller)
    assert told(fill("x", kind=OrderEventKind.FILL_BUSTED), teller)
    assert told(fill(""), teller)
    assert told(fill(""), teller), "without an id nobody knows that it is the same"


def test_a_gate_is_told_when_its_state_changes_for_the_receiver() -> None:
    gates = {f"{trip().scope.value}:BAC": "halted"}
    teller = Teller(list(Topic), gates)
    assert told(trip(), teller) is None
    assert told(trip(key="AIG"), teller)
    assert told(trip(GateState.REDUCE_ONLY), teller)
    assert told(trip(GateState.ACTIVE, actor="ann"), teller)
    assert told(trip(GateState.ACTIVE, actor="ann"), teller) is None
    assert gates == {f"{trip().scope.value}:BAC": "halted"}, "what was told is noted when it is delivered"
    for gate in (("symbol:BAC", "halted"), ("symbol:AIG", "halted"), ("symbol:BAC", "active"), ("", "")):
        note_gate(gates, gate)
    assert gates["symbol:AIG"] == "halted"


def test_a_body_is_bounded() -> None:
    body = told(fill("x", reason="x" * (2 * BODY_BYTES_MAX)))
    assert body is not None
    assert body["data_left_out"] is True
    assert "data" not in body
    assert len(json.dumps(body)) < BODY_BYTES_MAX
