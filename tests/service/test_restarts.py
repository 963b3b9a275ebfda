"""When a child is started, ended, killed and started again: the whole table, to the nanosecond, without a process."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.service.restarts import FINAL_CODES, INTERRUPTED, TABLE, Act, Child, ChildState, Ended, Happening, RestartPolicy
from tidegate.values.errors import ExitCode
from tidegate.values.time import HOUR_NS, NEVER_NS, SECOND_NS

pytestmark = pytest.mark.req("F1")

POLICY = RestartPolicy(per_hour_max=8)
BUG = 70


def running(policy: RestartPolicy = POLICY, now_ns: int = 0) -> Child:
    child = Child("trader", policy, now_ns)
    assert child.step(Happening.DUE, now_ns) == (Act.START,)
    return child


def test_every_state_says_what_everything_that_can_happen_means() -> None:
    assert set(TABLE) == set(itertools.product(ChildState, Happening))


def test_a_dead_child_is_started_again_after_a_pause_that_doubles_to_a_bound() -> None:
    child, now_ns, pauses = running(), 0, []
    for _ in range(8):
        assert child.step(Happening.ENDED, now_ns, Ended(BUG)) == (Act.TELL,)
        pauses.append((child.due_ns - now_ns) // SECOND_NS)
        now_ns = child.due_ns
        assert child.step(Happening.DUE, now_ns - 1) == ()
        assert child.step(Happening.DUE, now_ns) == (Act.START,)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert child.restarts == 8


def test_a_child_that_lived_long_begins_with_the_shortest_pause_again() -> None:
    child = running()
    for now_ns in (0, SECOND_NS):
        child.step(Happening.ENDED, now_ns, Ended(-9))
        child.step(Happening.DUE, child.due_ns)
    now_ns = SECOND_NS + 2 * SECOND_NS + POLICY.steady_ns
    child.step(Happening.ENDED, now_ns, Ended(-9))
    assert child.due_ns == now_ns + SECOND_NS


def test_a_child_that_dies_too_often_within_an_hour_stays_dead_and_it_is_said() -> None:
    child, now_ns = running(), 0
    for _ in range(8):
        child.step(Happening.ENDED, now_ns, Ended(-11, "it broke"))
        now_ns = child.due_ns
        child.step(Happening.DUE, now_ns)
    assert child.step(Happening.ENDED, now_ns, Ended(-11, "it broke")) == (Act.TELL,)
    assert child.state is ChildState.OVER
    assert child.exit_code == ExitCode.ENVIRONMENT
    assert "died 9 times within an hour, now by signal 11" in child.sentence
    assert child.sentence.endswith("Its last words: it broke")


def test_deaths_of_more_than_an_hour_ago_do_not_count() -> None:
    child = running()
    for death in range(40):
        now_ns = death * (HOUR_NS // 8)
        assert child.step(Happening.ENDED, now_ns, Ended(-9)) == (Act.TELL,)
        assert child.step(Happening.DUE, child.due_ns) == (Act.START,)


@pytest.mark.parametrize("code", sorted(FINAL_CODES))
def test_an_end_that_another_start_would_repeat_is_reported_and_passed_on(code: int) -> None:
    child = running()
    assert child.step(Happening.ENDED, 5, Ended(code, "Set the paper key.")) == (Act.TELL,)
    assert child.state is ChildState.OVER
    assert child.exit_code == code
    assert FINAL_CODES[code] in child.sentence
    assert child.sentence.endswith("is not started again. Its last words: Set the paper key.")


@pytest.mark.parametrize("code", [ExitCode.OK, INTERRUPTED])
def test_a_child_that_ends_by_itself_in_order_is_not_started_again(code: int) -> None:
    child = running()
    child.step(Happening.ENDED, 5, Ended(code))
    assert child.state is ChildState.OVER
    assert child.exit_code == ExitCode.OK


def test_a_child_that_is_asked_to_end_has_its_time_and_is_then_killed() -> None:
    child = running()
    assert child.step(Happening.STOP, 7) == (Act.TERMINATE,)
    assert child.step(Happening.STOP, 8) == ()  # once
    assert child.step(Happening.DUE, 7 + POLICY.stop_ns - 1) == ()
    assert child.step(Happening.DUE, 7 + POLICY.stop_ns) == (Act.KILL, Act.TELL)
    assert child.step(Happening.ENDED, 8 + POLICY.stop_ns, Ended(-9)) == ()
    assert child.exit_code == ExitCode.ENVIRONMENT


@pytest.mark.parametrize(("code", "answer"), [(0, 0), (INTERRUPTED, 0), (-15, 0), (BUG, 3), (-9, 3)])
def test_the_end_of_a_child_that_was_asked_to_end_is_never_a_reason_to_start_it(code: int, answer: int) -> None:
    child = running()
    child.step(Happening.STOP, 7)
    told = child.step(Happening.ENDED, 8, Ended(code))
    assert child.state is ChildState.OVER
    assert child.exit_code == answer
    assert (told == (Act.TELL,)) == bool(answer)


def test_a_hung_child_is_killed_and_started_again() -> None:
    child = running()
    assert child.step(Happening.HUNG, 9) == (Act.KILL, Act.TELL)
    assert child.step(Happening.HUNG, 10) == ()
    assert child.step(Happening.ENDED, 11, Ended(0)) == (Act.TELL,)
    assert child.step(Happening.DUE, child.due_ns) == (Act.START,)


def test_a_hung_child_is_not_started_again_once_everything_is_to_end() -> None:
    child = running()
    child.step(Happening.HUNG, 9)
    assert child.step(Happening.STOP, 10) == ()
    assert child.step(Happening.ENDED, 11, Ended(-9)) == ()
    assert child.state is ChildState.OVER


def test_a_child_that_waits_for_its_start_is_over_at_once_when_everything_is_to_end() -> None:
    child = Child("trader", POLICY, 0)
    assert child.step(Happening.STOP, 1) == ()
    assert (child.state, child.exit_code) == (ChildState.OVER, ExitCode.OK)


CODES = st.sampled_from([0, 1, 2, 3, 4, 70, 130, -6, -9, -11, -15])


@given(st.lists(st.tuples(st.sampled_from(Happening), st.integers(0, 200), CODES), max_size=60))
def test_no_history_has_two_processes_or_signals_one_that_is_not_there(history: list[tuple[Happening, int, int]]) -> None:
    child, now_ns, alive = Child("trader", POLICY, 0), 0, False
    for happening, later_s, code in history:
        now_ns += later_s * SECOND_NS
        if happening is Happening.ENDED and not alive:
            continue  # only a process ends
        alive = alive and happening is not Happening.ENDED
        for act in child.step(happening, now_ns, Ended(code) if happening is Happening.ENDED else None):
            if act is Act.START:
                assert not alive, "two processes"
                alive = True
            elif act is not Act.TELL:
                assert alive, "a signal to nobody"
        assert alive == (child.state not in {ChildState.WAITING, ChildState.OVER})
        assert (child.exit_code is not None) == (child.state is ChildState.OVER)
        assert (child.due_ns < NEVER_NS) == (child.state in {ChildState.WAITING, ChildState.STOPPING})
        assert child.starts <= 1 + len(history)
