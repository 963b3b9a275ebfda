"""When an order passed which stage: kept for the newest, each stage once."""

import pytest
from msgspec.structs import replace

from tests.events.examples import example_of
from tests.service.making import Office, shown
from tidegate.events.acts import OrderCommand
from tidegate.journal.errors import LogBehindError
from tidegate.journal.evidence import OrderStages, stages_of
from tidegate.service.order_times import KEPT, NEVER_SEEN, OrderTimes
from tidegate.values.enums import OrderState

pytestmark = pytest.mark.req("F1")


def command(client_order_id: str) -> OrderCommand:
    made: OrderCommand = replace(example_of(OrderCommand), event_id="s-7-3", client_order_id=client_order_id, timestamp=1)
    return made


def test_each_stage_has_its_time_and_the_first_answer_counts() -> None:
    times = OrderTimes()
    times.decided(command("a"), 2)
    times.durable("a", 3)
    times.sent("a", 4)
    times.acked("a", 5)
    times.acked("a", 9)
    seen = times.of("a")
    assert (seen.received_ns, seen.decided_ns, seen.durable_ns, seen.sent_ns, seen.acked_ns) == (1, 2, 3, 4, 5)
    assert times.take_answered() == [
        OrderStages(client_order_id="a", command_id="s-7-3", received_ns=1, decided_ns=2, durable_ns=3, sent_ns=4, acked_ns=5)
    ]
    assert times.take_answered() == []


def test_an_order_nobody_commanded_here_has_no_times() -> None:
    times = OrderTimes()
    times.durable("a", 3)
    times.sent("a", 4)
    times.acked("a", 5)
    assert times.of("a") is NEVER_SEEN


def test_the_oldest_is_forgotten() -> None:
    times = OrderTimes()
    for number in range(KEPT + 1):
        times.decided(command(str(number)), 2)
    assert times.of("0") is NEVER_SEEN
    assert times.of("1") is not NEVER_SEEN


@pytest.mark.req("B1.2")
def test_the_log_has_the_stages_of_an_order_once_the_venue_has_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office()
    logged: list[bytes] = []
    monkeypatch.setattr(office.log, "evidence", logged.append)
    office.enter()
    send = office.let_go()
    assert logged == []
    office.desk.answered(send, shown(send, OrderState.ACCEPTED))
    [stages] = map(stages_of, logged)
    assert stages is not None
    assert (stages.client_order_id, stages.command_id) == (send.command.client_order_id, send.command.event_id)
    assert 0 < stages.received_ns <= stages.decided_ns <= stages.durable_ns <= stages.sent_ns <= stages.acked_ns


def test_a_log_without_room_for_a_measurement_holds_no_answer_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_raw: bytes) -> None:
        raise LogBehindError("There is no room.")

    office = Office()
    monkeypatch.setattr(office.log, "evidence", full)
    key = office.enter()
    send = office.let_go()
    office.desk.answered(send, shown(send, OrderState.ACCEPTED))
    office.turn()
    assert office.state(key) is OrderState.ACCEPTED
