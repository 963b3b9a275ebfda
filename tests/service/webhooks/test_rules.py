"""When a delivery is tried again, how long later, and when no more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.service.webhooks.rules import Answer, Patience, answer_of, gives_up, pause_ns

pytestmark = pytest.mark.req("I6")

PATIENCE = Patience()


def test_every_status_means_one_of_three() -> None:
    assert {status for status in range(100, 600) if answer_of(status) is Answer.TAKEN} == set(range(200, 300))
    later = {status for status in range(100, 600) if answer_of(status) is Answer.LATER}
    assert later == {408, 425, 429, *range(500, 600)}
    assert answer_of(None) is Answer.LATER
    assert answer_of(302) is Answer.REFUSED


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_pauses_double_to_a_bound_and_half_is_drawn(tries: int, draw: float) -> None:
    pause, whole = pause_ns(tries, PATIENCE, draw), pause_ns(tries, PATIENCE, 1.0)
    assert whole // 2 - 1 <= pause <= whole <= PATIENCE.pause_max_ns
    assert pause_ns(tries + 1, PATIENCE, draw) >= pause
    assert pause_ns(1, PATIENCE, 1.0) == PATIENCE.pause_first_ns


@given(st.sampled_from(Answer), st.integers(0, 10**15), st.integers(0, 10**15), st.integers(0, 10**15))
def test_it_is_given_up_after_its_time_and_not_before(answer: Answer, read: int, waited: int, tried: int) -> None:
    first = read + waited
    now = first + tried
    given = gives_up(answer, PATIENCE, read_ns=read, first_try_ns=first, now_ns=now)
    old = now - read >= PATIENCE.give_up_ns
    refused = answer is Answer.REFUSED and tried >= PATIENCE.refused_ns
    assert given == (old or refused)
