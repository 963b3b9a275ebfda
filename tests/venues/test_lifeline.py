"""A stream's life: the whole grid of the table, the pauses, the time limits, and who owns a stream."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.values.time import SECOND_NS
from tidegate.venues.lifeline import TABLE, Lifeline, Signal, Stage, Timing

pytestmark = pytest.mark.req("B4.1")

TO = {
    Stage.CONNECTING: [],
    Stage.AUTHENTICATING: [Signal.OPENED],
    Stage.SUBSCRIBING: [Signal.OPENED, Signal.AUTHORIZED],
    Stage.RESYNCING: [Signal.OPENED, Signal.AUTHORIZED, Signal.SUBSCRIBED],
    Stage.LIVE: [Signal.OPENED, Signal.AUTHORIZED, Signal.SUBSCRIBED, Signal.RESYNCED],
    Stage.PAUSING: [Signal.LOST],
    Stage.STOPPED: [Signal.FATAL],
}
UP = TO[Stage.LIVE]


def line_at(stage: Stage, *, timing: Timing | None = None, draw: float = 0.5) -> Lifeline:
    line = Lifeline(timing or Timing(), lambda: draw, 0)
    for signal in TO[stage]:
        line.signal(signal, 0)
    assert line.stage is stage
    return line


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize("stage", Stage)
def test_each_pair_moves_by_the_table_or_changes_nothing(stage: Stage, signal: Signal) -> None:
    line = line_at(stage)
    moved = line.signal(signal, 1, "because")
    expected = TABLE[stage].get(signal, stage)
    assert line.stage is expected
    assert moved == (expected is not stage)
    assert (line.reason == "because") == (moved and expected in {Stage.PAUSING, Stage.STOPPED})


def test_every_stage_can_be_closed_and_none_is_left_without_a_way_on() -> None:
    for stage in Stage:
        if stage is not Stage.STOPPED:
            assert TABLE[stage][Signal.CLOSED] is Stage.STOPPED
            assert len(set(TABLE[stage].values())) > 1
    assert TABLE[Stage.STOPPED] == {}


def test_only_a_resync_makes_a_stream_trusted() -> None:
    ways = {(stage, signal) for stage, row in TABLE.items() for signal, after in row.items() if after is Stage.LIVE}
    assert ways == {(Stage.RESYNCING, Signal.RESYNCED)}


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=40))
def test_pauses_double_from_one_second_to_sixty_with_jitter(draws: list[float]) -> None:
    left = list(draws)
    line = Lifeline(Timing(), lambda: left.pop(0), 0)
    now_ns = 0
    for losses in range(len(draws)):
        line.signal(Signal.LOST, now_ns)
        longest_ns = min(SECOND_NS << losses, 60 * SECOND_NS)
        assert max(SECOND_NS, longest_ns * 3 // 4) <= line.pause_ns <= longest_ns
        assert line.overdue(now_ns + line.pause_ns - 1, data_due=True) is None
        now_ns += line.pause_ns
        assert line.overdue(now_ns, data_due=True) == (Signal.DUE, "")
        line.signal(Signal.DUE, now_ns)
    assert line.attempt == len(draws) + 1


def test_connections_that_die_young_do_not_reset_the_pause_and_a_stable_one_does() -> None:
    line = line_at(Stage.CONNECTING, draw=0.999999)
    now_ns, pauses = 0, []
    for lived_s in (1, 1, 1, 29, 30, 1):
        for signal in UP:
            line.signal(signal, now_ns)
        now_ns += lived_s * SECOND_NS
        line.signal(Signal.LOST, now_ns)
        pauses.append(round(line.pause_ns / SECOND_NS))
        line.signal(Signal.DUE, now_ns)
    assert pauses == [1, 2, 4, 8, 1, 2]


@pytest.mark.parametrize("stage", [Stage.CONNECTING, Stage.AUTHENTICATING, Stage.SUBSCRIBING, Stage.RESYNCING])
def test_each_stage_before_trust_has_a_time_limit(stage: Stage) -> None:
    line = line_at(stage)
    limit_ns = (60 if stage is Stage.RESYNCING else 10) * SECOND_NS
    line.heard(limit_ns - 1, data=False)
    assert line.overdue(limit_ns - 1, data_due=True) is None
    late = line.overdue(limit_ns, data_due=True)
    assert late is not None
    assert late[0] is Signal.LOST
    assert stage.value in late[1]


def test_a_half_open_socket_is_left_after_thirty_seconds_without_a_sign_of_life() -> None:
    line = line_at(Stage.LIVE)
    assert not line.ping_due(10 * SECOND_NS - 1)
    assert line.ping_due(10 * SECOND_NS)
    assert not line.ping_due(10 * SECOND_NS)
    line.heard(11 * SECOND_NS, data=False)
    assert line.overdue(41 * SECOND_NS - 1, data_due=True) is None
    dead = line.overdue(41 * SECOND_NS, data_due=True)
    assert dead is not None
    assert "ping" in dead[1]


def test_a_socket_that_answers_pings_but_brings_no_data_is_left_only_while_data_is_due() -> None:
    line = line_at(Stage.LIVE, timing=Timing(quiet_ns=5 * SECOND_NS))
    for second in range(1, 100):
        line.heard(second * SECOND_NS, data=False)
        assert line.overdue(second * SECOND_NS, data_due=False) is None
    for second in range(100, 104):
        line.heard(second * SECOND_NS, data=False)
        assert line.overdue(second * SECOND_NS, data_due=True) is None
    line.heard(104 * SECOND_NS, data=True)
    line.heard(109 * SECOND_NS, data=False)
    silent = line.overdue(109 * SECOND_NS, data_due=True)
    assert silent is not None
    assert "no data" in silent[1]


def test_the_one_that_finds_the_stream_taken_tries_for_a_while_and_then_stops_for_good() -> None:
    line = line_at(Stage.AUTHENTICATING)
    now_ns = 0
    while line.stage is not Stage.STOPPED:
        line.signal(Signal.OWNED, now_ns, "another connection holds this stream")
        assert line.stage is (Stage.STOPPED if now_ns >= 90 * SECOND_NS else Stage.PAUSING)
        if line.stage is Stage.PAUSING:
            now_ns += line.pause_ns
            line.signal(Signal.DUE, now_ns)
            line.signal(Signal.OPENED, now_ns)
    assert now_ns < 160 * SECOND_NS
    assert line.reason == "another connection holds this stream"


def test_having_been_trusted_ends_the_patience_with_another_owner() -> None:
    line = line_at(Stage.AUTHENTICATING)
    line.signal(Signal.OWNED, 0)
    line.signal(Signal.DUE, SECOND_NS)
    for signal in UP:
        line.signal(signal, SECOND_NS)
    line.signal(Signal.LOST, 200 * SECOND_NS)
    line.signal(Signal.DUE, 201 * SECOND_NS)
    line.signal(Signal.OPENED, 201 * SECOND_NS)
    line.signal(Signal.OWNED, 201 * SECOND_NS)
    assert line.stage is Stage.PAUSING


def test_a_network_that_was_away_in_between_says_nothing_of_another_owner() -> None:
    """Our own dead connection still counts at the venue for a while after each loss: that is patience anew each time."""
    line = line_at(Stage.AUTHENTICATING)
    line.signal(Signal.OWNED, 0, "another connection holds this stream")
    line.signal(Signal.DUE, 2 * SECOND_NS)
    line.signal(Signal.LOST, 3 * SECOND_NS, "it could not be reached")
    line.signal(Signal.DUE, 600 * SECOND_NS)
    line.signal(Signal.OPENED, 600 * SECOND_NS)
    line.signal(Signal.OWNED, 601 * SECOND_NS, "another connection holds this stream")
    stages = [line.stage]
    line.signal(Signal.DUE, 605 * SECOND_NS)
    line.signal(Signal.OPENED, 605 * SECOND_NS)
    line.signal(Signal.OWNED, 691 * SECOND_NS, "another connection holds this stream")
    assert [*stages, line.stage] == [Stage.PAUSING, Stage.STOPPED]
