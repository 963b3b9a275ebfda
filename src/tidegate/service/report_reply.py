"""The report of a kill or a flatten in the words of the socket."""

from tidegate.control.replies import FateLine, LeftLine, ReportReply
from tidegate.events.inputs import NotedPosition
from tidegate.service.stop_report import Fate, StopReport
from tidegate.values.enums import OrderState, RequestStage
from tidegate.values.money import nanos_text


def report_reply(report: StopReport) -> ReportReply:
    """Return a report as an answer."""
    request, fates = report.request, [fate for _, fate in sorted(report.fates.items())]
    ended = [fate for fate in fates if fate.is_over]
    return ReportReply(
        request_id=request.request_id,
        verb=request.verb,
        scope=request.scope,
        key=request.key,
        requester=request.requester,
        reason=request.reason,
        asked_ns=request.timestamp,
        gate_took_ns=report.gate_took_ns,
        on_wire=report.on_wire,
        late=report.late,
        found=len(fates),
        ended=len(ended),
        one_request=report.in_one_request,
        expected_ns=report.expected_ns,
        cancels_left_ns=_last([fate.left_ns or fate.ended_ns for fate in fates]),
        cancels_ended_ns=_last([fate.ended_ns for fate in fates]),
        orders=tuple(map(_fate_line, fates)),
        stage=report.stage,
        switch=report.switch,
        switch_ns=report.switch_ns,
        switch_words=report.switch_words,
        positions=None if report.positions is None else tuple(map(_left, report.positions)),
        done=report.stage is RequestStage.DONE and report.settled_ns > 0,
    )


def _last(moments: list[int]) -> int:
    """Return the last of some moments; 0 where one has not come, or there are none."""
    return max(moments) if moments and all(moments) else 0


def _left(position: NotedPosition) -> LeftLine:
    return LeftLine(symbol=position.symbol, quantity=nanos_text(position.quantity_nanos))


def _fate_line(fate: Fate) -> FateLine:
    return FateLine(
        client_order_id=fate.client_order_id,
        symbol=fate.symbol,
        strategy_id=fate.strategy_id,
        state=fate.state,
        filled=nanos_text(fate.filled_nanos),
        left_ns=fate.left_ns,
        taken_ns=fate.taken_ns,
        ended_ns=fate.ended_ns,
        over=fate.is_over,
        why="" if fate.is_over else _why(fate),
    )


def _why(fate: Fate) -> str:
    """Say why an order is not known to have ended."""
    if fate.state is OrderState.UNKNOWN:
        return f"its outcome is not known{f' ({fate.words})' if fate.words else ''}; it is looked up until the venue says"
    if fate.words:
        return f"its cancel was not taken: {fate.words}"
    if fate.taken_ns:
        return "the venue took the cancel and has not confirmed it; outside market hours it does so at the next open"
    if fate.left_ns:
        return "its cancel was sent and is not answered yet"
    return "its cancel has not left yet"
