"""Changes keep their pace, by order and by strategy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.values.time import MINUTE_NS, SECOND_NS
from tidegate.venues.pacing import REMEMBERED_MAX, ChangePace, Pacer

pytestmark = pytest.mark.req("A4.4")


def test_an_order_waits_a_second_under_each_of_its_ids() -> None:
    pacer = Pacer(ChangePace())
    assert pacer.wait_ns("first", "s", 0) == 0
    pacer.changed("second", "s", 0)
    assert pacer.wait_ns("second", "s", SECOND_NS // 4) == SECOND_NS * 3 // 4
    assert pacer.wait_ns("second", "s", SECOND_NS) == 0
    assert pacer.wait_ns("another", "s", 1) == 0


@given(st.lists(st.integers(0, 20 * SECOND_NS), max_size=60))
def test_a_strategy_never_changes_more_than_its_number_in_any_window(pauses: list[int]) -> None:
    pacer, now_ns, went = Pacer(ChangePace(strategy_max=5)), 0, list[int]()
    for number, pause_ns in enumerate(pauses):
        now_ns += pause_ns
        wait_ns = pacer.wait_ns(f"order {number}", "s", now_ns)
        if not wait_ns:
            pacer.changed(f"order {number} again", "s", now_ns)
            went.append(now_ns)
        else:
            assert pacer.wait_ns(f"order {number}", "s", now_ns + wait_ns) == 0
        assert sum(now_ns - MINUTE_NS < at_ns for at_ns in went) <= 5
    assert pacer.wait_ns("order", "another strategy", now_ns) == 0


def test_what_is_remembered_is_bounded() -> None:
    pacer = Pacer(ChangePace())
    for number in range(REMEMBERED_MAX + 10):
        pacer.changed(str(number), str(number), number)
    assert pacer.wait_ns("0", "0", 11) == 0
