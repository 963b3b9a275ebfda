"""When the watchdog closes an account and in which order, to the nanosecond, without a pipe or a venue."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.service.watch_rules import (
    ENDING_SILENCE_NS,
    FIRST_BEAT_NS,
    KILL_PATIENCE_NS,
    PAUSE_FIRST_NS,
    PAUSE_MAX_NS,
    SILENCE_NS,
    STALL_NS,
    Cause,
    Deed,
    Sight,
    Watch,
)
from tidegate.values.time import MILLISECOND_NS, SECOND_NS

pytestmark = [pytest.mark.req("E1"), pytest.mark.req("F1")]

STEP_NS = 100 * MILLISECOND_NS
NOTHING = Sight(None, None, None)
ALL = '{"scope":"global"}'


def steps(watch: Watch, begin_ns: int, end_ns: int, sight: Sight) -> tuple[int, Deed | None]:
    """Step every tenth of a second until there is something to do, and return when and what."""
    for now_ns in range(begin_ns, end_ns, STEP_NS):
        deed = watch.step(now_ns, sight)
        if deed is not None:
            return now_ns, deed
    return end_ns, None


def test_five_seconds_without_a_beat_close_the_account_and_kill_the_process() -> None:
    watch, sight = Watch(0), Sight(0, SECOND_NS, None)
    assert steps(watch, 0, 60 * SECOND_NS, sight) == (SECOND_NS + SILENCE_NS, Deed.SUSPEND)
    now_ns = SECOND_NS + SILENCE_NS
    assert watch.step(now_ns, sight) is None  # under way
    watch.taken()
    assert watch.step(now_ns, sight) is Deed.CANCEL
    assert watch.step(now_ns, sight) is None
    watch.taken()
    assert watch.closed is Cause.SILENCE
    assert watch.step(now_ns, sight) is Deed.KILL
    assert steps(watch, now_ns, now_ns + 60 * SECOND_NS, sight)[1] is None  # once


def test_beats_keep_the_watchdog_quiet() -> None:
    watch = Watch(0)
    for now_ns in range(0, 600 * SECOND_NS, STEP_NS):
        beat_ns = now_ns // (SILENCE_NS - STEP_NS) * (SILENCE_NS - STEP_NS)
        assert watch.step(now_ns, Sight(0, beat_ns, None)) is None


def test_a_process_that_has_never_beaten_has_time_to_begin() -> None:
    assert steps(Watch(0), 0, 600 * SECOND_NS, Sight(0, None, None)) == (FIRST_BEAT_NS, Deed.SUSPEND)


def test_a_process_that_ends_in_order_has_longer() -> None:
    ending = Sight(0, SECOND_NS, None, is_ending=True)
    assert steps(Watch(0), 0, 600 * SECOND_NS, ending) == (SECOND_NS + ENDING_SILENCE_NS, Deed.SUSPEND)


def test_nothing_is_done_while_no_process_lives() -> None:
    assert steps(Watch(0), 0, 600 * SECOND_NS, NOTHING)[1] is None


def test_a_watchdog_that_was_itself_held_up_counts_silence_anew() -> None:
    watch, sight = Watch(0), Sight(0, 0, None)
    assert watch.step(STEP_NS, sight) is None
    woken_ns = 60 * SECOND_NS  # both were stopped, as by Ctrl-Z or a closed lid
    assert steps(watch, woken_ns, 600 * SECOND_NS, sight) == (woken_ns + SILENCE_NS, Deed.SUSPEND)
    assert STALL_NS < SILENCE_NS


def test_a_trader_that_was_given_up_leaves_a_closed_account_and_nobody_to_kill() -> None:
    watch = Watch(0)
    watch.give_up(SECOND_NS)
    assert watch.step(SECOND_NS, NOTHING) is Deed.SUSPEND
    watch.taken()
    assert watch.step(SECOND_NS, NOTHING) is Deed.CANCEL
    watch.taken()
    assert watch.closed is Cause.GIVEN_UP
    assert steps(watch, SECOND_NS, 60 * SECOND_NS, NOTHING)[1] is None


def test_a_sentinel_closes_the_account_once_and_kills_nobody() -> None:
    watch, sight = Watch(0), Sight(0, 0, ALL)
    assert watch.step(0, sight) is Deed.SUSPEND
    watch.taken()
    assert watch.step(0, sight) is Deed.CANCEL
    watch.taken()
    beating = [watch.step(now_ns, Sight(0, now_ns, ALL)) for now_ns in range(0, 60 * SECOND_NS, STEP_NS)]
    assert set(beating) == {None}
    assert watch.step(60 * SECOND_NS, Sight(0, 60 * SECOND_NS, ALL + "\n" + ALL)) is Deed.SUSPEND  # another kill


def test_a_sentinel_that_comes_back_closes_again() -> None:
    watch = Watch(0)
    for _ in range(2):
        assert watch.step(0, Sight(None, None, ALL)) is Deed.SUSPEND
        watch.taken()
        watch.step(0, Sight(None, None, ALL))
        watch.taken()
        assert watch.step(0, NOTHING) is None


def test_what_is_not_taken_is_tried_again_after_pauses_that_grow_to_a_bound() -> None:
    watch, sight, now_ns, pauses = Watch(0), Sight(None, None, ALL), 0, []
    assert watch.step(0, sight) is Deed.SUSPEND
    for _ in range(9):
        assert watch.failed(now_ns) is Deed.CANCEL  # resting orders are canceled meanwhile; it does not count
        later_ns, deed = steps(watch, now_ns, now_ns + 60 * SECOND_NS, sight)
        assert deed is Deed.SUSPEND
        pauses.append(later_ns - now_ns)
        now_ns = later_ns
    assert pauses[0] <= PAUSE_FIRST_NS + STEP_NS
    assert pauses == sorted(pauses)
    assert pauses[-1] == PAUSE_MAX_NS
    watch.taken()
    assert watch.step(now_ns + PAUSE_MAX_NS, sight) is Deed.CANCEL
    assert watch.failed(now_ns + PAUSE_MAX_NS) is None
    assert steps(watch, now_ns, now_ns + 60 * SECOND_NS, sight)[1] is Deed.CANCEL  # and not suspended twice


def test_a_hung_process_is_killed_in_the_end_even_if_the_venue_cannot_be_reached() -> None:
    watch, sight = Watch(0), Sight(0, 0, None)
    now_ns, deeds = 0, []
    while Deed.KILL not in deeds:
        now_ns += STEP_NS
        deed = watch.step(now_ns, sight)
        if deed is not None and deed is not Deed.KILL:
            watch.failed(now_ns)
        deeds += [deed] if deed is not None else []
    assert now_ns == SILENCE_NS + KILL_PATIENCE_NS
    assert watch.closing is not None
    assert steps(watch, now_ns, now_ns + PAUSE_MAX_NS + STEP_NS, NOTHING)[1] is Deed.SUSPEND  # it goes on


def test_a_process_that_died_meanwhile_is_not_killed_in_the_place_of_another() -> None:
    watch, hung = Watch(0), Sight(0, 0, None)
    now_ns, _ = steps(watch, 0, 60 * SECOND_NS, hung)
    watch.taken()
    watch.step(now_ns, hung)
    watch.taken()
    assert watch.step(now_ns, Sight(now_ns, None, None)) is None
    assert watch.step(now_ns, hung._replace(beat_ns=now_ns)) is None


SIGHTS = st.builds(
    Sight,
    started_ns=st.one_of(st.none(), st.integers(0, 3)),
    beat_ns=st.one_of(st.none(), st.integers(0, 40 * SECOND_NS)),
    sentinel=st.sampled_from([None, "a", "b"]),
)


@given(st.lists(st.tuples(SIGHTS, st.integers(0, 20 * SECOND_NS), st.booleans()), max_size=40))
def test_in_no_history_counts_a_cancel_that_was_not_preceded_by_a_suspend(history: list[tuple[Sight, int, bool]]) -> None:
    watch, now_ns, suspended = Watch(0), 0, False
    for sight, later_ns, is_taken in history:
        now_ns += later_ns
        before = watch.closed
        deed = watch.step(now_ns, sight)
        if deed is Deed.KILL:
            assert sight.started_ns is not None, "nobody is there to be killed"
        elif deed is not None:
            assert deed is Deed.SUSPEND or suspended
            if is_taken:
                watch.taken()
            else:
                watch.failed(now_ns)
            suspended = (suspended or deed is Deed.SUSPEND) if is_taken else suspended
            if watch.closing is None:
                assert deed is Deed.CANCEL
                suspended = False
        else:
            assert watch.closed is before
