"""The clocks against the obvious account of each: what is due, and when the first of them comes next."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.engine.clocks import Clocks, after
from tidegate.values.time import NEVER_NS

pytestmark = pytest.mark.req("A2.1", "C1.1")

INTERVALS = st.integers(1, 50) | st.just(NEVER_NS)


@given(valuation=INTERVALS, timers=st.lists(INTERVALS, max_size=4), steps=st.lists(st.integers(0, 60), min_size=1, max_size=20))
def test_each_is_due_at_whole_multiples_of_its_interval(valuation: int, timers: list[int], steps: list[int]) -> None:
    clocks = Clocks(valuation, timers)
    assert clocks.earliest_ns == NEVER_NS
    assert clocks.take(10**6) == (False, [])
    now_ns = steps[0]
    clocks.start(now_ns)
    due = [after(now_ns, every_ns) for every_ns in (valuation, *timers)]
    for step in steps[1:]:
        assert (clocks.valuation_ns, *clocks.timers_ns) == tuple(due)
        assert clocks.earliest_ns == min(due)
        now_ns += step
        over = [now_ns >= due_ns for due_ns in due]
        assert clocks.take(now_ns) == (over[0], [place for place, told in enumerate(over[1:]) if told])
        due = [after(now_ns, every_ns) if told else due_ns for told, due_ns, every_ns in zip(over, due, (valuation, *timers), strict=True)]
    again = Clocks(valuation, timers)
    again.put(clocks.valuation_ns, clocks.timers_ns)
    assert again.earliest_ns == clocks.earliest_ns
    clocks.stop()
    assert (clocks.valuation_ns, clocks.earliest_ns) == (NEVER_NS, NEVER_NS)


def test_what_never_comes_has_no_multiple() -> None:
    assert after(7, NEVER_NS) == NEVER_NS
    assert (after(7, 5), after(10, 5)) == (10, 15)
