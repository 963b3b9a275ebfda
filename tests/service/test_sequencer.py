"""One order of inputs, receive times that never go back, bounded queues, a lane for what must not wait, and lag that is told."""

import numpy as np
import pytest

from tests.service.making import SECOND, Office
from tidegate.events.inputs import ClockAnchored, LagMeasured, OperatorRequested
from tidegate.events.records import QUOTE, RECORD
from tidegate.service.desk import DeskSettings
from tidegate.service.ports import Find
from tidegate.service.sequencer import Sequencer, SequencerSettings
from tidegate.simulation.campaign.stores import ACT, INPUT, RECORDS, DiskGoneError
from tidegate.values.enums import GateScope, RequestVerb
from tidegate.values.ids import SessionId
from tidegate.values.money import NANOS
from tidegate.venues.errors import OutcomeUnsure

pytestmark = pytest.mark.req("B1.3")


def request(request_id: str) -> OperatorRequested:
    return OperatorRequested(
        event_id="",
        timestamp=0,
        symbol="",
        strategy_id="",
        correlation_id="",
        request_id=request_id,
        verb=RequestVerb.CANCEL,
        scope=GateScope.GLOBAL,
        key="",
        requester="ann",
        reason="a test",
    )


def test_the_log_holds_every_input_and_act_in_order_and_times_never_go_back() -> None:
    office = Office()
    office.enter()
    office.let_go()
    n = last = 0
    for entry in office.log.entries:
        if entry.kind == ACT:
            assert entry.n == n
        else:
            assert entry.n == n + 1
            n += len(entry.records) if entry.records is not None else 1
        if entry.records is not None:
            assert entry.records["ts_recv"][0] >= last
            last = int(entry.records["ts_recv"][-1])
    assert {entry.kind for entry in office.log.entries} == {INPUT, ACT, RECORDS}
    assert n == office.engine.n


def test_a_wall_clock_that_steps_back_is_an_input_and_time_goes_on() -> None:
    office = Office()
    before = office.desk.sequencer.now_ns()
    office.clock.set_wall(office.clock.now_ns() - 60 * SECOND)
    office.clock.advance(SECOND)
    office.desk.sequencer.anchor()
    assert [message.step_ns for message in office.messages(ClockAnchored)] == [-60 * SECOND]
    assert office.desk.sequencer.now_ns() >= before
    office.desk.sequencer.anchor()
    assert len(office.messages(ClockAnchored)) == 1


def test_while_the_wall_is_behind_receive_time_goes_on_at_half_pace_until_it_is_caught_up() -> None:
    office = Office()
    sequencer = office.desk.sequencer
    before = sequencer.now_ns()
    office.clock.set_wall(office.clock.now_ns() - 60 * SECOND)
    sequencer.anchor()
    passed = []
    for _ in range(4):
        office.wait(40.0)
        passed.append((sequencer.now_ns() - before) // SECOND)
        assert office.engine.now_ns > before, "ticks go on"
    assert passed == [20, 40, 60, 100]
    assert sequencer.now_ns() == office.clock.now_ns()


def test_a_session_after_one_that_was_ahead_of_the_wall_does_not_stand_still() -> None:
    office = Office()
    ahead_ns = office.engine.now_ns
    office.clock.set_wall(ahead_ns - 60 * SECOND)
    after = Sequencer(SessionId("next"), office.engine, office.log, office.clock)
    office.clock.advance(10 * SECOND)
    assert after.now_ns() == ahead_ns + 5 * SECOND
    office.clock.advance(200 * SECOND)
    assert after.now_ns() == office.clock.now_ns()


@pytest.mark.req("B2.1")
def test_an_order_in_doubt_is_asked_after_although_the_clock_was_set_back() -> None:
    office = Office()
    office.enter()
    send = office.let_go()
    office.desk.answered(send, OutcomeUnsure("no answer"))
    office.turn()
    office.clock.set_wall(office.clock.now_ns() - 3_600 * SECOND)
    office.desk.sequencer.anchor()
    found = [effect for _ in range(60) for effect in office.wait(1.0) if isinstance(effect, Find)]
    assert found, "a minute later"


def test_what_must_not_wait_goes_first() -> None:
    office = Office()
    office.desk.sequencer.offer(request("slow"))
    office.desk.sequencer.offer_urgent(request("fast"))
    office.turn()
    assert [message.request_id for message in office.messages(OperatorRequested)] == ["fast", "slow"]


def test_a_full_queue_says_no_and_the_urgent_lane_has_room_of_its_own() -> None:
    office = Office(settings=DeskSettings(sequencer=SequencerSettings(messages_max=2, urgent_max=1, records_max=1)))
    assert [office.desk.sequencer.offer(request(name)) for name in "abc"] == [True, True, False]
    assert [office.desk.sequencer.offer_urgent(request(name)) for name in "de"] == [True, False]
    assert not office.desk.sequencer.offer_records(np.zeros(2, RECORD))


def test_records_whose_times_go_back_enter_at_the_newest_time_and_the_callers_array_is_not_touched() -> None:
    office = Office()
    rows = np.zeros(4, RECORD)
    now_ns = office.desk.sequencer.now_ns()
    rows["kind"], rows["a"], rows["b"], rows["c"], rows["d"] = QUOTE, 20 * NANOS, 20 * NANOS + NANOS // 100, 50 * NANOS, 50 * NANOS
    rows["ts_event"] = rows["ts_recv"] = [now_ns - SECOND, now_ns + 2, now_ns + 1, now_ns + 3]
    given = rows.copy()
    assert office.desk.sequencer.offer_records(rows)
    office.clock.advance(10)
    office.turn()
    entered = [int(ns) for entry in office.log.entries if entry.records is not None for ns in entry.records["ts_recv"]]
    assert entered[-4:] == [now_ns, now_ns + 2, now_ns + 2, now_ns + 3]
    assert np.array_equal(rows, given)


def test_no_records_are_nothing_to_take_in() -> None:
    office = Office()
    assert office.desk.sequencer.offer_records(np.zeros(0, RECORD))
    assert office.desk.sequencer.waiting == 0
    assert office.desk.sequencer.run() == 0


def test_falling_behind_is_told_to_the_engine() -> None:
    office = Office()
    office.desk.sequencer.offer(request("late"))
    office.clock.advance(2 * SECOND)
    office.turn()
    lags = [message.lag_ns for message in office.messages(LagMeasured)]
    assert lags
    assert max(lags) >= 2 * SECOND


def test_a_session_that_takes_over_a_lag_tells_that_it_is_over() -> None:
    """Entries would be refused until the next time that processing falls behind."""
    office = Office()
    office.desk.sequencer.offer(request("late"))
    office.clock.advance(8 * SECOND)
    office.turn()
    assert office.engine.books.lag_ns >= 8 * SECOND
    next_one = Sequencer(office.plan.session, office.engine, office.log, office.clock)
    next_one.offer(request("in time"))
    next_one.run()
    assert office.engine.books.lag_ns < SECOND


def test_a_log_that_is_gone_stops_the_log_and_not_the_trader() -> None:
    office = Office()
    office.log.failed = DiskGoneError("gone")
    n = office.engine.n
    office.ask(RequestVerb.PAUSE)
    assert office.engine.n > n
    assert office.desk.sequencer.log_failed is not None
    assert not office.desk.outbox.store_ok
