"""What requests to the venue came to: counted as they ended, told once a minute, and decided by by nobody."""

import pytest

from tests.service.making import Office
from tidegate.events.inputs import CallFigures, VenueCallsMeasured
from tidegate.service.call_tally import EVERY_NS
from tidegate.service.desk import DeskSettings
from tidegate.service.sequencer import SequencerSettings
from tidegate.values.enums import CallKind
from tidegate.values.time import MILLISECOND_NS, SECOND_NS
from tidegate.venues.calls import HELD_BACK, VenueCall

pytestmark = pytest.mark.req("C2.4")

MINUTE_S = EVERY_NS / SECOND_NS


def call(method: str, status: int, ms: int = 10, why: str = "") -> VenueCall:
    return VenueCall(method, "/v2/orders", status, ms * MILLISECOND_NS, why=why)


def figures(kind: CallKind, **changes: int) -> CallFigures:
    counts = dict.fromkeys(("calls", "throttled", "refused", "failed", "unanswered", "answer_ns_total", "answer_ns_max"), 0)
    return CallFigures(kind=kind, **{**counts, **changes})


def test_requests_are_told_once_a_minute_by_what_they_are_for_and_how_they_ended() -> None:
    office = Office()
    began_ns = office.desk.sequencer.now_ns()
    for one in (call("POST", 200, 30), call("DELETE", 429), call("PATCH", 422), call("POST", 503), call("POST", 0, 9_000, "TimeoutError")):
        office.desk.called(one)
    office.desk.called(call("GET", 200, 5))
    office.desk.called(call("POST", 0, why=HELD_BACK))
    office.wait(MINUTE_S - 1)
    assert office.messages(VenueCallsMeasured) == []
    office.wait(1)
    (told,) = office.messages(VenueCallsMeasured)
    assert (told.venue, told.from_ns, told.timestamp) == ("sim", began_ns, began_ns + EVERY_NS)
    orders = figures(
        CallKind.CHANGES,
        calls=5,
        throttled=1,
        refused=1,
        failed=1,
        unanswered=1,
        answer_ns_total=60 * MILLISECOND_NS,
        answer_ns_max=30 * MILLISECOND_NS,
    )
    reads = figures(CallKind.READS, calls=1, answer_ns_total=5 * MILLISECOND_NS, answer_ns_max=5 * MILLISECOND_NS)
    assert told.figures == (orders, reads)


def test_a_minute_without_a_request_is_not_told_and_the_end_tells_what_is_left() -> None:
    office = Office()
    office.wait(3 * MINUTE_S)
    office.desk.calls.tell()
    office.turn()
    assert office.messages(VenueCallsMeasured) == []
    office.desk.called(call("GET", 404))
    office.desk.calls.tell()
    office.turn()
    (told,) = office.messages(VenueCallsMeasured)
    assert [(one.calls, one.refused) for one in told.figures] == [(1, 1)]


def test_what_the_queue_has_no_room_for_is_told_later() -> None:
    office = Office(settings=DeskSettings(sequencer=SequencerSettings(messages_max=4)))
    office.desk.called(call("GET", 200))
    while office.desk.sequencer.offer(office.plan.scheduled[0]):
        pass
    office.desk.calls.tell()
    office.turn()
    assert office.messages(VenueCallsMeasured) == []
    office.desk.calls.tell()
    office.turn()
    assert len(office.messages(VenueCallsMeasured)) == 1
