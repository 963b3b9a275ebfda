"""How steady the way to a venue was, beside what a reader of the log would count by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.analytics.parts import OPEN_NS
from tests.analytics.scripted import Scripted
from tidegate.analytics.collect import Collector, Run, Sources
from tidegate.analytics.metrics import Group, groups
from tidegate.analytics.stability import StreamRecord, stability
from tidegate.events.inputs import CallFigures, StreamChanged, VenueCallsMeasured
from tidegate.values.enums import CallKind
from tidegate.values.time import MILLISECOND_NS, SECOND_NS

pytestmark = pytest.mark.req("C2.4")

Told = list[tuple[int, bool]]  # second, up


def script_of(**streams: Told) -> Scripted:
    script = Scripted()
    told = sorted((second, name, up) for name, changes in streams.items() for second, up in changes)
    for second, name, up in told:
        script.at(OPEN_NS + second * SECOND_NS)
        script.say(StreamChanged(**script.head("", ""), venue="alpaca", stream=name, up=up, reason="a test"))
    return script


def total(script: Scripted, seconds: int) -> Group:
    return groups(_run(script, seconds))[0]


def _run(script: Scripted, seconds: int) -> Run:
    collector = Collector()
    for n, k, message in script.entries:
        collector.act(n, k, message)
    return collector.run(sources=Sources(from_ns=OPEN_NS, until_ns=OPEN_NS + seconds * SECOND_NS))


def test_a_stream_counts_from_when_it_stood_first() -> None:
    script = script_of(
        orders=[(0, False), (10, True), (40, False), (45, False), (60, True)], market=[(5, True)], store=[(7, False)], account=[(8, False)]
    )
    found = stability(_run(script, 110))
    assert found.streams == (
        StreamRecord("alpaca/market", 105 * SECOND_NS, 105 * SECOND_NS, 0, 0, 0),
        StreamRecord("alpaca/orders", 100 * SECOND_NS, 80 * SECOND_NS, 1, 1, 20 * SECOND_NS),
    )
    values = total(script, 110).values
    assert values["stream_uptime"] == pytest.approx(0.9)
    assert (values["stream_losses"], values["stream_returns"], values["stream_outage_longest_seconds"]) == (1, 1, 20)


def test_a_stream_that_never_stood_was_never_up() -> None:
    values = total(script_of(orders=[(2, False)]), 10).values
    assert (values["stream_uptime"], values["stream_losses"], values["stream_outage_longest_seconds"]) == (0.0, 0, 8)


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(0, 3))
def test_the_seconds_add_up_as_by_walking_them(ups: list[bool], after: int) -> None:
    """One change a second, told again where it is none; `after` the last one the session goes on for so long."""
    found = stability(_run(script_of(market=list(enumerate(ups))), len(ups) - 1 + after)).streams[0]
    first = ups.index(True) if True in ups else 0
    seconds = [*ups[first:-1], *[ups[-1]] * after] if first < len(ups) else []
    assert found.seen_ns == len(seconds) * SECOND_NS
    assert found.up_ns == sum(seconds) * SECOND_NS
    pairs = list(zip(ups[first:], ups[first + 1 :], strict=False))
    assert found.losses == sum(one and not other for one, other in pairs)
    assert found.returns == sum(other and not one for one, other in pairs)
    runs = "".join("." if up else "x" for up in seconds).split(".")
    assert found.longest_down_ns == max(map(len, runs)) * SECOND_NS


def measured(script: Scripted, *figures: CallFigures) -> None:
    script.say(VenueCallsMeasured(**script.head("", ""), venue="alpaca", from_ns=OPEN_NS, figures=figures))


def figure(kind: CallKind, calls: int, bad: tuple[int, int, int, int], total_ms: int, worst_ms: int) -> CallFigures:
    throttled, refused, failed, unanswered = bad
    return CallFigures(
        kind=kind,
        calls=calls,
        throttled=throttled,
        refused=refused,
        failed=failed,
        unanswered=unanswered,
        answer_ns_total=total_ms * MILLISECOND_NS,
        answer_ns_max=worst_ms * MILLISECOND_NS,
    )


def test_requests_of_all_minutes_are_counted_together() -> None:
    script = Scripted()
    script.at(OPEN_NS)
    measured(script, figure(CallKind.CHANGES, 10, (1, 2, 0, 1), 180, 50))
    measured(script, figure(CallKind.CHANGES, 2, (0, 0, 1, 0), 200, 120), figure(CallKind.READS, 8, (0, 0, 0, 0), 10, 4))
    values = total(script, 60).values
    assert [values[name] for name in ("venue_calls", "venue_throttled", "venue_refused", "venue_unanswered")] == [20, 1, 2, 1]
    assert values["venue_error_rate"] == pytest.approx(3 / 20)
    assert values["venue_answer_mean_ms"] == pytest.approx(390 / 19)
    assert values["venue_answer_worst_ms"] == 120


def test_without_an_answer_no_time_is_known_and_a_replay_knows_nothing() -> None:
    script = Scripted()
    script.at(OPEN_NS)
    measured(script, figure(CallKind.READS, 3, (0, 0, 0, 3), 0, 0))
    values = total(script, 60).values
    assert (values["venue_error_rate"], values["venue_answer_mean_ms"], values["venue_answer_worst_ms"]) == (1.0, None, None)
    nothing = total(Scripted(), 60).values
    assert {nothing[name] for name in nothing if name.startswith(("stream_", "venue_"))} == {None}
