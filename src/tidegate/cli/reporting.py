"""How the report of a kill or a flatten is asked for, waited for and read on a terminal."""

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from tidegate.values.enums import RequestNote, RequestVerb
from tidegate.values.time import MILLISECOND_NS, SECOND_NS

if TYPE_CHECKING:
    from tidegate.control.home import Home
    from tidegate.control.replies import ReportReply

POLL_S: Final = 0.1
_SHOWN: Final = 20
_SWITCH: Final = {
    RequestNote.SWITCH_SET: "the venue refuses every new order",
    RequestNote.SWITCH_LIFTED: "the venue takes orders again",
    RequestNote.SWITCH_FAILED: "NOT set",
}


def find_report(home: "Home", request_id: str) -> "ReportReply":
    """Return the report of a request: from the trader, or from its log where none listens.

    Raises:
        TidegateError: neither knows it.
    """
    from tidegate.cli.home import client_of
    from tidegate.control.errors import NoTraderError, TraderSilentError
    from tidegate.control.protocol import Report
    from tidegate.control.replies import ReportReply
    from tidegate.service.past_requests import report_in_log

    try:
        return client_of(home).ask(Report(request_id=request_id), ReportReply)
    except (NoTraderError, TraderSilentError):
        return report_in_log(home.log, request_id)


def await_report(home: "Home", request_id: str, wait_s: float, tell: Callable[[str], None]) -> "ReportReply | None":
    """Wait until a request is through, but no longer than this; tell how far it is whenever that changes.

    Returns the last report there was; None: there was none, as with a trader of an older version.
    """
    from tidegate.cli.home import client_of
    from tidegate.control.protocol import Report
    from tidegate.control.replies import ReportReply
    from tidegate.values.errors import TidegateError

    until, found, told = time.monotonic() + wait_s, None, ""
    while True:
        try:
            found = client_of(home).ask(Report(request_id=request_id), ReportReply)
        except TidegateError:
            if found is None and time.monotonic() >= until:
                return None
        if found is not None and (now := _progress(found)) != told:
            tell(now)
            told = now
        if (found is not None and found.done) or time.monotonic() >= until:
            return found
        time.sleep(POLL_S)


def report_lines(reply: "ReportReply") -> list[str]:
    """Return a report as lines."""
    return [f"  {topic.ljust(12)}{text}" for topic, text in _told(reply)]


def _progress(reply: "ReportReply") -> str:
    closed = "closed" if reply.gate_took_ns is not None else "closing"
    left = f", {len(reply.positions)} positions left" if reply.positions is not None else ""
    return f"gate {closed}, {reply.ended} of {reply.found} orders ended, {reply.stage.value}{left}"


def _told(reply: "ReportReply") -> Iterator[tuple[str, str]]:
    yield "gate", _gate(reply)
    if reply.on_wire:
        count = len(reply.on_wire)
        yield "on the wire", f"{count} {'order' if count == 1 else 'orders'} had left before the gate closed: {_named(reply.on_wire)}"
    if reply.late:
        yield "LATE", f"left after the gate had closed: {_named(reply.late)}; report this as a fault of tidegate"
    yield "orders", _orders(reply)
    open_ones = [order for order in reply.orders if not order.over]
    for order in open_ones[:_SHOWN]:
        yield "", f"NOT confirmed: {order.client_order_id} {order.symbol}: {order.why}"
    if len(open_ones) > _SHOWN:
        yield "", f"and {len(open_ones) - _SHOWN} more; --json has all"
    if reply.switch is not None:
        after = "" if reply.switch is RequestNote.SWITCH_FAILED else f" after {_span(reply.switch_ns - reply.asked_ns)}"
        yield "venue", f"{_SWITCH.get(reply.switch, reply.switch.value)}{after}{f': {reply.switch_words}' if reply.switch_words else ''}"
    yield "left", _left(reply)
    yield "state", "through: nothing of it is under way" if reply.done else f"NOT through yet ({reply.stage.value})"


def _gate(reply: "ReportReply") -> str:
    if reply.gate_took_ns is None:
        return "not known to be closed"
    what = "nothing" if reply.verb is RequestVerb.KILL else "no entry"
    return f"{what} could leave {_span(reply.gate_took_ns)} after the request came in"


def _orders(reply: "ReportReply") -> str:
    if not reply.found:
        return "none was working"
    way = "in one request" if reply.one_request else "each by itself"
    left = (
        f"cancels out after {_span(reply.cancels_left_ns - reply.asked_ns)}, {way}" if reply.cancels_left_ns else "not all cancels are out"
    )
    ended = f", the last ended after {_span(reply.cancels_ended_ns - reply.asked_ns)}" if reply.cancels_ended_ns else ""
    within = f" (within {reply.expected_ns / SECOND_NS:.0f} s by the venue's limit)" if reply.expected_ns else ""
    return f"{reply.found} found working, {reply.ended} ended; {left}{within}{ended}"


def _left(reply: "ReportReply") -> str:
    if reply.positions is None:
        return "positions are told once it is through; `tidegate positions` has them now"
    if not reply.positions:
        return "no position"
    return "positions: " + ", ".join(f"{held.quantity} {held.symbol}" for held in reply.positions)


def _named(ids: tuple[str, ...]) -> str:
    return ", ".join(ids[:_SHOWN]) + (", …" if len(ids) > _SHOWN else "")


def _span(ns: int) -> str:
    return f"{ns / SECOND_NS:.1f} s" if ns >= SECOND_NS else f"{ns / MILLISECOND_NS:.1f} ms"
