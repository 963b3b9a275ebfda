"""What a kill or a flatten found and did, put together from the messages of a log in their order. Pure; the log is the memory.

A trader shows it the messages as they come, and anybody may show it those of a log later: both make the same report.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, NamedTuple, final

import msgspec

from tidegate.events.acts import AnyAct, OrderChanged, OrderCommand, RequestMoved
from tidegate.events.inputs import AnyInput, NotedPosition, OperatorRequested, OrderEvent, RequestNoted
from tidegate.oms.transitions import TERMINAL
from tidegate.values.enums import CommandKind, GateScope, OrderEventKind, OrderState, RequestNote, RequestStage, RequestVerb

REPORTED: Final = frozenset({RequestVerb.KILL, RequestVerb.FLATTEN})
REPORTS_MAX: Final = 64
_LEFT: Final = frozenset({RequestNote.CANCELS_LEFT, RequestNote.CANCEL_ALL_LEFT})
_SWITCH: Final = frozenset({RequestNote.SWITCH_SET, RequestNote.SWITCH_LIFTED, RequestNote.SWITCH_FAILED})


class Fate(msgspec.Struct, kw_only=True):
    """One order that a request found working. Times are receive time, 0 where something did not happen."""

    client_order_id: str
    symbol: str
    strategy_id: str
    state: OrderState | None = None  # since the request; None: nothing was heard of it
    filled_nanos: int = 0
    left_ns: int = 0  # its cancel was handed to the venue's client
    taken_ns: int = 0  # the venue took the cancel
    ended_ns: int = 0  # the order ended
    words: str = ""  # why its cancel failed last

    @property
    def is_over(self) -> bool:
        """Tell whether the order cannot fill any more."""
        return self.ended_ns > 0


class Reach(NamedTuple):
    """What a request is about. A trader has one account at one venue: wider scopes than a strategy or a symbol cover all of it."""

    verb: RequestVerb
    scope: GateScope
    key: str

    def covers(self, strategy_id: str, symbol: str) -> bool:
        """Tell whether an order, or a holding, falls under it."""
        words = {GateScope.STRATEGY: strategy_id, GateScope.SYMBOL: symbol}
        return words.get(self.scope, self.key) == self.key


class StopReport(msgspec.Struct, kw_only=True):
    """One request. gate_took_ns: from its coming in until nothing of its scope could leave; None: not seen."""

    request: OperatorRequested
    gate_took_ns: int | None = None
    gate_ns: int = 0
    expected_ns: int = 0
    on_wire: tuple[str, ...] = ()  # let go before the gate closed, and not answered then
    late: tuple[str, ...] = ()  # let go after it; there must be none
    fates: dict[str, Fate] = msgspec.field(default_factory=dict)
    in_one_request: bool = False
    stage: RequestStage = RequestStage.TAKEN
    done_ns: int = 0
    switch: RequestNote | None = None
    switch_ns: int = 0
    switch_words: str = ""
    positions: tuple[NotedPosition, ...] | None = None  # None: not settled yet
    settled_ns: int = 0

    @property
    def reach(self) -> "Reach":
        """What it is about."""
        return Reach(self.request.verb, self.request.scope, self.request.key)


@final
class Reports:
    """The newest reports by request id. Show it messages in the order of the log."""

    def __init__(self, liquidations: Iterable[str] = ()) -> None:
        """Args: liquidations: correlation ids of flattens that began before; their own orders may leave."""
        self.found: Final[OrderedDict[str, StopReport]] = OrderedDict()
        self._liquidations: Final = set(liquidations)

    def take(self, message: AnyInput | AnyAct) -> None:
        """Take one message in."""
        match message:
            case OperatorRequested() if message.verb in REPORTED and message.request_id not in self.found:
                self._begin(message)
            case OperatorRequested() if message.verb in {RequestVerb.RESUME, RequestVerb.ENABLE}:
                self._resumed(message)
            case RequestNoted():
                self._note(message)
            case OrderCommand() if message.kind is CommandKind.CANCEL:
                self._canceling(message)
            case OrderChanged() | OrderEvent():
                self._order(message)
            case RequestMoved() if message.request_id in self.found and message.stage is not RequestStage.REPEATED:
                self._moved(self.found[message.request_id], message)
            case _:
                pass

    def _begin(self, request: OperatorRequested) -> None:
        self.found[request.request_id] = StopReport(request=request)
        if request.verb is RequestVerb.FLATTEN:
            self._liquidations.add(request.correlation_id or request.event_id)
        while len(self.found) > REPORTS_MAX:
            self.found.popitem(last=False)

    def _resumed(self, request: OperatorRequested) -> None:
        """What leaves after somebody has opened the scope again is not late."""
        for report in self.found.values():
            if (report.request.scope, report.request.key) == (request.scope, request.key):
                report.gate_ns = 0

    def _moved(self, report: StopReport, moved: RequestMoved) -> None:
        report.stage = moved.stage
        if moved.stage is RequestStage.DONE:
            report.done_ns = moved.timestamp

    def _note(self, noted: RequestNoted) -> None:
        report = self.found.get(noted.request_id)
        if noted.note in _LEFT or noted.note in {RequestNote.CANCELS_TAKEN, RequestNote.CANCEL_FAILED}:
            self._cancels(noted)
        elif report is None:
            return
        elif noted.note is RequestNote.LATCHED:
            report.gate_took_ns, report.gate_ns = noted.took_ns, noted.timestamp
            report.expected_ns, report.on_wire = noted.expected_ns, noted.order_ids
        elif noted.note in _SWITCH:
            report.switch, report.switch_ns, report.switch_words = noted.note, noted.timestamp, noted.words
        elif noted.note is RequestNote.SETTLED:
            report.positions, report.settled_ns = noted.positions, noted.timestamp

    def _cancels(self, noted: RequestNoted) -> None:
        """Cancels are noted once, for every report that they belong to."""
        for report in self.found.values():
            for order_id in noted.order_ids:
                fate = report.fates.get(order_id)
                if fate is None:
                    continue
                if noted.note in _LEFT:
                    fate.left_ns = fate.left_ns or noted.timestamp
                    report.in_one_request |= noted.note is RequestNote.CANCEL_ALL_LEFT
                elif noted.note is RequestNote.CANCELS_TAKEN:
                    fate.taken_ns, fate.words = fate.taken_ns or noted.timestamp, ""
                else:
                    fate.words = noted.words

    def _canceling(self, command: OrderCommand) -> None:
        for report in self._open():
            order_id = command.target_id
            if order_id not in report.fates and report.reach.covers(command.strategy_id, command.symbol):
                report.fates[order_id] = Fate(client_order_id=order_id, symbol=command.symbol, strategy_id=command.strategy_id)

    def _order(self, message: OrderChanged | OrderEvent) -> None:
        if isinstance(message, OrderEvent):
            if message.kind is OrderEventKind.SUBMITTED:
                self._sent(message)
            return
        for report in self.found.values():
            fate = report.fates.get(message.client_order_id)
            if fate is None:
                continue
            fate.state, fate.filled_nanos = message.after, message.filled_nanos
            fate.ended_ns = (fate.ended_ns or message.timestamp) if message.after in TERMINAL else 0

    def _sent(self, event: OrderEvent) -> None:
        """An order that was let go after a kill closed its scope is told, whatever let it through."""
        if event.correlation_id in self._liquidations:
            return
        for report in self.found.values():
            closed = report.request.verb is RequestVerb.KILL and report.gate_ns and event.sent_ns > report.gate_ns
            if closed and report.reach.covers(event.strategy_id, event.symbol):
                report.late += (event.client_order_id,)

    def _open(self) -> Iterable[StopReport]:
        return [report for report in self.found.values() if not report.done_ns]
