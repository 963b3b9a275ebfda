"""When a tick is due, and that no record is taken in past it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.senses import making
from tests.senses.making import START_NS, quote
from tests.senses.test_exits import holding, silent
from tidegate.engine import layout
from tidegate.engine.senses import SensesHost
from tidegate.kernel.mode import Mode
from tidegate.regime.rows import TREND, UNTRADEABLE
from tidegate.values.money import NANOS
from tidegate.values.time import NEVER_NS, SECOND_NS

pytestmark = pytest.mark.req("B1.3")

EVERY_NS = int(making.SETTINGS["evaluate_ns"])
TIMES = st.one_of(st.just(0), st.integers(START_NS, START_NS + 60 * SECOND_NS))
DUES = st.one_of(st.just(NEVER_NS), st.integers(START_NS, START_NS + 60 * SECOND_NS))


def pairs() -> SensesHost:
    return making.host(Mode.COMPILED, symbols=2, strategies=[making.strategy(silent), making.strategy(None)])


def naive(senses: SensesHost) -> int:
    """Every reason to wake up, in a list."""
    header = senses.table("header")[0]
    reasons = [int(header[name]) for name in ("timer_due_ns", "next_second_ns", "next_minute_ns")]
    for symbol, regime in zip(senses.table("symbols"), senses.table("regimes"), strict=True):
        if int(regime["label"]) != UNTRADEABLE:
            fresh_until = int(symbol["quote_ns"]) + (int(symbol["stale_ns"]) or int(senses.table("settings")[0]["stale_ns"]))
            reasons.append(fresh_until // EVERY_NS * EVERY_NS + EVERY_NS)
    for own in senses.table("own"):
        left = int(own["position_nanos"]) + int(own["working_exit_nanos"])
        if int(own["position_nanos"]) == 0 or left == 0:
            continue
        if int(own["exit_reason"]) != 0:
            reasons.append(int(own["exit_next_ns"]))
        elif int(own["time_stop_at_ns"]) != 0:
            reasons.append(max(int(own["time_stop_at_ns"]), int(own["exit_next_ns"])))
    return min(reasons)


OWNS = st.fixed_dictionaries(
    {
        "position_nanos": st.sampled_from([0, 10 * NANOS, -10 * NANOS]),
        "exit_reason": st.integers(0, 6),
        "exit_next_ns": TIMES,
        "time_stop_at_ns": TIMES,
    }
)
HEADERS = st.fixed_dictionaries({"timer_due_ns": DUES, "next_second_ns": DUES, "next_minute_ns": DUES})


@settings(max_examples=150)
@given(
    header=HEADERS,
    owns=st.lists(OWNS, min_size=4, max_size=4),
    worked=st.lists(st.booleans(), min_size=4, max_size=4),
    readable=st.lists(st.tuples(TIMES, st.sampled_from([0, 1, 7 * SECOND_NS])), max_size=2),
)
def test_next_due_is_the_earliest_of_all_reasons(
    header: dict[str, int], owns: list[dict[str, int]], worked: list[bool], readable: list[tuple[int, int]]
) -> None:
    senses = pairs()
    for place, (quote_ns, stale_ns) in enumerate(readable):
        senses.table("regimes")["label"][place] = TREND
        senses.table("symbols")["quote_ns"][place] = quote_ns
        senses.table("symbols")["stale_ns"][place] = stale_ns
    for name, value in header.items():
        senses.table("header")[0][name] = value
    for row, values, is_worked in zip(senses.table("own"), owns, worked, strict=True):
        for name, value in values.items():
            row[name] = value
        row["working_exit_nanos"] = -values["position_nanos"] if is_worked else 0
    assert senses.next_due() == naive(senses)


@settings(max_examples=60)
@given(
    pauses=st.lists(st.integers(0, 3 * SECOND_NS), min_size=1, max_size=30),
    moves=st.lists(st.integers(-4, 4), min_size=30, max_size=30),
    timer=DUES,
    stop_s=st.integers(0, 40),
    batch=st.sampled_from([1, 3, 1_000]),
)
def test_no_record_is_taken_past_what_is_due_whatever_the_batch(
    pauses: list[int], moves: list[int], timer: int, stop_s: int, batch: int
) -> None:
    senses = holding(10, stop_nanos=100 * NANOS, time_stop_at_ns=START_NS + stop_s * SECOND_NS)
    header = senses.table("header")[0]
    header["timer_due_ns"] = timer
    header["next_second_ns"] = START_NS + SECOND_NS
    at_s = np.cumsum(pauses) / SECOND_NS
    cents = 10_002 + np.cumsum(moves)
    tape = making.tape([quote(float(s), c / 100, c / 100 + 0.01) for s, c in zip(at_s, cents, strict=False)])
    raw, at = tape.view(np.uint8), 0
    while at < len(tape):
        due = naive(senses)
        after = senses.run(raw, at, min(len(tape), at + batch), NEVER_NS)
        assert after == at or int(tape["ts_recv"][at]) < due
        if after == at:
            assert int(tape["ts_recv"][at]) >= naive(senses)
            tick(senses)
        at = after


def tick(senses: SensesHost) -> None:
    """A tick as the engine gives it: its own timers are served and set anew."""
    header = senses.table("header")[0]
    due = max(senses.next_due(), int(header["now_ns"]))
    if int(header["timer_due_ns"]) <= due:
        header["timer_due_ns"] = NEVER_NS
    senses.tick(due)


def test_a_batch_stops_before_its_horizon_and_before_what_is_due() -> None:
    senses = making.host(Mode.COMPILED)
    tape = making.tape([quote(n, 100.0, 100.01) for n in range(10)])
    raw = tape.view(np.uint8)
    assert senses.run(raw, 0, 10, START_NS + 4 * SECOND_NS) == 4
    senses.table("header")[0]["timer_due_ns"] = START_NS + 6 * SECOND_NS
    senses.integers[senses.due_bound_cell] = 0
    assert senses.run(raw, 4, 10, NEVER_NS) == 6
    assert senses.run(raw, 6, 10, NEVER_NS) == 6


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (quote(1, 100.0, 100.01), layout.BAD_ORDER),
        (quote(3, 100.0, 100.01, instrument=1), layout.BAD_INSTRUMENT),
        (quote(3, 100.0, 100.01, instrument=-1), layout.BAD_INSTRUMENT),
        (quote(3, 100.0, 100.01, instrument=2**31 - 1), layout.BAD_INSTRUMENT),
    ],
)
@pytest.mark.parametrize("mode", [Mode.STRICT, Mode.COMPILED])
def test_a_record_that_breaks_the_tapes_contract_is_refused_and_changes_nothing(mode: Mode, bad: Any, why: int) -> None:
    senses = making.host(mode)
    making.play(senses, [quote(2, 100.0, 100.01)])
    before = senses.durable()
    assert senses.run(bad.view(np.uint8), 0, 1, NEVER_NS) == 0
    assert senses.integers[senses.bad_record_cell] == why
    assert senses.durable() == before


def test_records_of_equal_time_are_all_taken() -> None:
    senses = making.host(Mode.COMPILED)
    making.play(senses, [quote(1, 100.0, 100.01)] * 5)
    assert int(senses.table("header")[0]["n"]) == 5
