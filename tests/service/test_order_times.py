"""When an order passed which stage: kept for the newest, each stage once."""

import pytest

from tidegate.service.order_times import KEPT, NEVER_SEEN, OrderTimes

pytestmark = pytest.mark.req("F1")


def test_each_stage_has_its_time_and_the_first_answer_counts() -> None:
    times = OrderTimes()
    times.decided("a", received_ns=1, decided_ns=2)
    times.durable("a", 3)
    times.sent("a", 4)
    times.acked("a", 5)
    times.acked("a", 9)
    seen = times.of("a")
    assert (seen.received_ns, seen.decided_ns, seen.durable_ns, seen.sent_ns, seen.acked_ns) == (1, 2, 3, 4, 5)


def test_an_order_nobody_commanded_here_has_no_times() -> None:
    times = OrderTimes()
    times.durable("a", 3)
    times.sent("a", 4)
    times.acked("a", 5)
    assert times.of("a") is NEVER_SEEN


def test_the_oldest_is_forgotten() -> None:
    times = OrderTimes()
    for number in range(KEPT + 1):
        times.decided(str(number), received_ns=1, decided_ns=2)
    assert times.of("0") is NEVER_SEEN
    assert times.of("1") is not NEVER_SEEN
