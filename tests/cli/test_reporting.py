"""How a report reads: what is wrong stands out, and nothing is said that is not known."""

from typing import Any

import msgspec
import pytest

from tidegate.cli.reporting import report_lines
from tidegate.control.replies import FateLine, LeftLine, ReportReply
from tidegate.values.enums import GateScope, OrderState, RequestNote, RequestStage, RequestVerb
from tidegate.values.time import MILLISECOND_NS, SECOND_NS

pytestmark = pytest.mark.req("B3.6")

ASKED = 1_000 * SECOND_NS
FATE = FateLine(
    client_order_id="o1", symbol="AAA", strategy_id="one", state=OrderState.CANCELED, filled="0", left_ns=ASKED + MILLISECOND_NS,
    taken_ns=ASKED + 2 * MILLISECOND_NS, ended_ns=ASKED + 3 * MILLISECOND_NS, over=True, why="",
)  # fmt: skip
REPORT = ReportReply(
    request_id="k1", verb=RequestVerb.KILL, scope=GateScope.GLOBAL, key="", requester="ann", reason="", asked_ns=ASKED,
    gate_took_ns=1_400_000, on_wire=(), late=(), found=1, ended=1, one_request=True, expected_ns=0,
    cancels_left_ns=ASKED + MILLISECOND_NS, cancels_ended_ns=ASKED + 3 * MILLISECOND_NS, orders=(FATE,), stage=RequestStage.DONE,
    switch=RequestNote.SWITCH_SET, switch_ns=ASKED + 5 * MILLISECOND_NS, switch_words="", positions=(), done=True,
)  # fmt: skip


def lines(**changes: Any) -> str:
    return "\n".join(report_lines(msgspec.structs.replace(REPORT, **changes)))


def test_a_whole_report() -> None:
    assert lines().splitlines() == [
        "  gate        nothing could leave 1.4 ms after the request came in",
        "  orders      1 found working, 1 ended; cancels out after 1.0 ms, in one request, the last ended after 3.0 ms",
        "  venue       the venue refuses every new order after 5.0 ms",
        "  left        no position",
        "  state       through: nothing of it is under way",
    ]


def test_what_is_not_confirmed_is_listed_with_its_reason() -> None:
    open_fate = msgspec.structs.replace(FATE, over=False, ended_ns=0, why="its cancel was not taken: too late")
    said = lines(orders=(open_fate,), ended=0, cancels_ended_ns=0, done=False, stage=RequestStage.CANCELING, positions=None)
    assert "NOT confirmed: o1 AAA: its cancel was not taken: too late" in said
    assert "NOT through yet (canceling)" in said
    assert "tidegate positions" in said


def test_many_that_are_not_confirmed_are_cut_and_counted() -> None:
    open_fate = msgspec.structs.replace(FATE, over=False, why="so")
    assert "and 5 more; --json has all" in lines(orders=(open_fate,) * 25)


def test_orders_on_the_wire_and_orders_that_came_late_are_named() -> None:
    said = lines(on_wire=("w1",), late=("l1", "l2"))
    assert "1 order had left before the gate closed: w1" in said
    assert "left after the gate had closed: l1, l2; report this" in said


def test_what_a_flatten_leaves_and_an_announced_time() -> None:
    said = lines(verb=RequestVerb.FLATTEN, expected_ns=3 * SECOND_NS, one_request=False, positions=(LeftLine(symbol="AAA", quantity="-5"),))
    assert "no entry could leave" in said
    assert "each by itself (within 3 s by the venue's limit)" in said
    assert "positions: -5 AAA" in said


def test_what_is_not_known_is_not_said() -> None:
    said = lines(gate_took_ns=None, found=0, orders=(), switch=None)
    assert "not known to be closed" in said
    assert "none was working" in said
    assert "venue" not in said
    assert "NOT set: the venue did not take it" in lines(switch=RequestNote.SWITCH_FAILED, switch_words="the venue did not take it")
