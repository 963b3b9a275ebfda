"""The order of inputs: batches that stop where they must, ticks on time, ties by their rule, streams first in first out."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.cases import Case, cases, markets, trigger_mills
from tests.contract.kit import ZERO, Entry, How, Ran, configuration, exploded, run, session
from tests.contract.markets import Market
from tests.contract.spies import Heard, first_at, spies
from tidegate.engine.toolchain import Toolchain
from tidegate.events.acts import OrderCommand
from tidegate.events.inputs import InstrumentDefined, OrderEvent, SessionChanged, Tick
from tidegate.tapes.merge import Merged
from tidegate.values.time import NEVER_NS

BATCHES = st.sampled_from((1, 7, NEVER_NS))

pytestmark = pytest.mark.req("C1.1", "C1.3")


def times_of(ran: Ran) -> list[tuple[Entry, int]]:
    """Return every input with its receive time, market records one by one."""
    found, at = [], 0
    for entry in exploded(ran.entries):
        if entry.kind == "span":
            found.append((entry, int(ran.records["ts_recv"][at])))
            at += 1
        elif entry.kind == "input":
            found.append((entry, entry.message.timestamp))
    return found


@settings(max_examples=40)
@given(case=cases(), batch=BATCHES)
def test_feed_stops_before_the_horizon_and_what_is_due_and_after_a_command(compiled: Toolchain, case: Case, batch: int) -> None:
    """The spies hold every single call of the loop to rules 3.4 of the contract."""
    watch, made = spies()
    run(case.plan, compiled, How(batch=batch), more=case.more, watch=watch)
    assert made[0].steps > 0


@settings(max_examples=40)
@given(case=cases(), batch=BATCHES)
def test_receive_times_never_go_back_and_every_record_is_taken_in_order(compiled: Toolchain, case: Case, batch: int) -> None:
    ran = run(case.plan, compiled, How(batch=batch), more=case.more)
    seen = times_of(ran)
    times = [time_ns for _, time_ns in seen]
    assert times == sorted(times)
    assert sum(entry.kind == "span" for entry, _ in seen) == len(ran.records)


@settings(max_examples=40)
@given(case=cases())
def test_a_tick_precedes_the_first_record_at_or_past_what_is_due(compiled: Toolchain, case: Case) -> None:
    """A tick never comes between two records of its own time, unless one of them, or an act, made it due just then."""
    ran = run(case.plan, compiled, more=case.more)
    seen = times_of(ran)
    for (before, before_ns), (entry, now_ns) in pairwise(seen):
        if entry.kind == "input" and isinstance(entry.message, Tick) and before.kind == "span" and before_ns == now_ns:
            acted = any(other.n == before.n for other in ran.entries if other.kind == "act")
            assert acted, "nothing made this tick due after the record of its time"


@settings(max_examples=40)
@given(case=cases())
def test_at_equal_times_definitions_come_first_then_sessions(compiled: Toolchain, case: Case) -> None:
    ran = run(case.plan, compiled)
    kinds = [type(entry.message) for entry in ran.entries if entry.kind == "input"]
    symbols = len(case.plan.instruments)
    assert kinds[:symbols] == [InstrumentDefined] * symbols
    assert kinds[symbols] is SessionChanged
    first = next(entry for entry in ran.entries if entry.kind == "span")
    assert first.n > symbols + 1


@settings(max_examples=60)
@given(case=cases(), batch=BATCHES)
def test_a_response_precedes_the_market_of_its_time_but_follows_its_cause(compiled: Toolchain, case: Case, batch: int) -> None:
    watch, made = spies()
    ran = run(case.plan, compiled, How(batch=batch), more=case.more, watch=watch)
    merged = case.plan.merged()
    heard: list[Heard] = made[1].heard
    assert len(heard) == len(ran.of(OrderEvent))
    before = 0
    for one in heard:
        least = first_at(ran.records["ts_recv"], one.response.timestamp)
        if one.cause is not None:
            place = place_of(merged, one.cause, len(ran.records))
            if ran.records["ts_recv"][place] == one.response.timestamp:
                least = max(least, place + 1)
        assert one.records_taken >= least
        assert one.records_taken <= max(least, before, one.commanded_at)
        before = one.records_taken


def place_of(merged: Merged, cause: tuple[int, int], records: int) -> int:
    """Return the merged position of a record of a stream, by looking."""
    stream, place = cause
    low, high = 0, records
    while low < high:
        middle = (low + high) // 2
        if merged.position_of(middle + 1)[stream] > place:
            high = middle
        else:
            low = middle + 1
    return low


@settings(max_examples=40)
@given(case=cases())
def test_a_tick_waits_for_responses_that_are_known_and_due(compiled: Toolchain, case: Case) -> None:
    """At equal times an order response comes before a tick; only one that the tick's own command brings may follow it."""
    ran = run(case.plan, compiled, more=case.more)
    inputs = [(e.n, e.message) for e in ran.entries if e.kind == "input"]
    commanding = {e.n for e in ran.entries if e.kind == "act" and type(e.message).__name__ == "OrderCommand"}
    for (n, first), (m, second) in pairwise(inputs):
        if m == n + 1 and isinstance(first, Tick) and isinstance(second, OrderEvent) and first.timestamp == second.timestamp:
            assert n in commanding


@settings(max_examples=40)
@given(case=cases())
def test_no_record_overtakes_another_of_its_stream_and_ties_go_by_rank(compiled: Toolchain, case: Case) -> None:
    ran = run(case.plan, compiled)
    merged = case.plan.merged()
    records, streams = ran.records, len(case.plan.tapes)
    ranks = []
    for at in range(len(records)):
        before, after = merged.position_of(at), merged.position_of(at + 1)
        ranks.append(next(rank for rank in range(streams) if after[rank] > before[rank]))
    for rank in range(streams):
        numbers = records["venue_seq"][np.array(ranks) == rank]
        assert numbers.tolist() == sorted(numbers.tolist())
    for at in range(1, len(records)):
        if records["ts_recv"][at] == records["ts_recv"][at - 1]:
            assert ranks[at] >= ranks[at - 1]


@settings(max_examples=40)
@given(case=cases())
def test_commands_reach_the_venue_in_the_order_of_their_acts(compiled: Toolchain, case: Case) -> None:
    watch, made = spies()
    ran = run(case.plan, compiled, more=case.more, watch=watch)
    acts = [e.message for e in ran.entries if e.kind == "act" and type(e.message).__name__ == "OrderCommand"]
    assert [command for command, _ in made[1].sent] == acts
    responses = [one.response.timestamp for one in made[1].heard]
    assert responses == sorted(responses)


@pytest.mark.req("C1.2")
@settings(max_examples=30)
@given(markets=markets(records=400), mill=trigger_mills("one"))
def test_without_latency_the_answer_to_a_command_is_the_next_input(compiled: Toolchain, markets: tuple[Market, ...], mill: Any) -> None:
    # Tapes that take their time would part the two clocks.
    prompt = [market._replace(late_ms=0) for market in markets]
    plan = session(configuration([mill], latencies=ZERO), *prompt)
    ran = run(plan, compiled)
    entries = exploded(ran.entries)
    for place, entry in enumerate(entries):
        if entry.kind != "act" or not isinstance(command := entry.message, OrderCommand):
            continue
        after = next(other for other in entries[place:] if other.kind != "act")
        assert after.kind == "input", "a record came between a command and its answer"
        answer = after.message
        assert isinstance(answer, OrderEvent)
        assert answer.timestamp == command.timestamp
