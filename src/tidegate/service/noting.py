"""Notes what a kill or a flatten does at our own edge: its gate, when its cancels left and were taken, what became of the switch.

The notes are inputs, so that the log has them; the report is put together from them and from the engine's own messages.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final, final

from tidegate.events.acts import OrderCommand
from tidegate.events.inputs import NotedPosition, OperatorRequested, RequestNoted
from tidegate.oms.order import Order
from tidegate.service.ports import Answer, CancelAll, Effect, Send
from tidegate.service.sequencer import Sequencer
from tidegate.service.stop_report import REPORTED, Reach, Reports, StopReport
from tidegate.values.enums import CommandKind, RequestNote, RequestVerb
from tidegate.venues.port import CancelResult

BEGUN_MAX: Final = 1_024


@final
class Noting:
    """What is noted for the requests under way. Nothing is noted, and nothing looked at, while there are none."""

    def __init__(self, sequencer: Sequencer) -> None:
        self._sequencer: Final = sequencer
        self._books: Final = sequencer.engine.books
        jobs = [job for job in self._books.requests() if job.verb in REPORTED]  # of a session before
        self._reports: Final = Reports(job.correlation_id for job in jobs if job.verb is RequestVerb.FLATTEN)
        self._open: Final = {job.request_id: Reach(job.verb, job.scope, job.key) for job in jobs}
        self._begun: Final[dict[str, OperatorRequested]] = {}
        self._owed: Final[set[str]] = set()  # whose switch could not be set yet
        self._taken: list[str] = []

    def report(self, request_id: str) -> StopReport | None:
        """Return the report of a request of this session; None: the log may know it."""
        found = self._reports.found.get(request_id)
        if found is None and request_id in self._begun:  # it was taken, and the engine has not come to it yet
            return StopReport(request=self._begun[request_id])
        return found

    def begin(self, request: OperatorRequested, on_wire: Iterable[Order], *, took_ns: int, expected_ns: int) -> None:
        """Note that the gate of a request has closed.

        Args:
            request: what was asked; the second time it is passed over.
            on_wire: the orders that were let go and are not answered.
            took_ns: since it came in.
            expected_ns: how long its cancels take at most.
        """
        if request.verb not in REPORTED or request.request_id in self._begun or self._books.knows_request(request.request_id):
            return
        if len(self._begun) >= BEGUN_MAX:
            self._begun.clear()
        self._begun[request.request_id] = request
        reach = self._open[request.request_id] = Reach(request.verb, request.scope, request.key)
        self._sequencer.witness = self._reports.take
        ids = tuple(order.client_order_id for order in on_wire if reach.covers(order.strategy_id, order.symbol))
        self._note(request.request_id, RequestNote.LATCHED, took_ns=took_ns, expected_ns=expected_ns, order_ids=ids)

    def left(self, effects: Iterable[Effect]) -> None:
        """Note the cancels that leave."""
        if not self._open:
            return
        singly: list[str] = []
        for effect in effects:
            if isinstance(effect, CancelAll):
                self._note("", RequestNote.CANCEL_ALL_LEFT, order_ids=tuple(command.target_id for command in effect.commands))
            elif isinstance(effect, Send) and effect.command.kind is CommandKind.CANCEL:
                singly.append(effect.command.target_id)
        if singly:
            self._note("", RequestNote.CANCELS_LEFT, order_ids=tuple(singly))

    def answered(self, command: OrderCommand, answer: Answer) -> None:
        """Note what came of one cancel."""
        if not self._open or command.kind is not CommandKind.CANCEL:
            return
        if answer is None:
            self._taken.append(command.target_id)
        else:
            self._note("", RequestNote.CANCEL_FAILED, order_ids=(command.target_id,), words=str(answer))

    def canceled_all(self, effect: CancelAll, untaken: frozenset[str], results: list[CancelResult] | None) -> None:
        """Note what came of one request for all; what it did not settle is asked for singly."""
        if not self._open:
            return
        self._taken += [command.target_id for command in effect.commands if command.target_id not in untaken]
        words = {result.venue_order_id: result.words for result in results or () if not result.taken}
        for order_id in sorted(untaken):
            order = self._books.order(order_id)
            why = words.get(order.venue_order_id, "") if order is not None else ""
            why = why or ("the cancel of all did not name it" if results is not None else "the cancel of all was not answered")
            self._note("", RequestNote.CANCEL_FAILED, order_ids=(order_id,), words=f"{why}; asked for by itself")

    def switched(self, *, on: bool, taken: bool) -> None:
        """Note what became of the venue's own switch."""
        if taken:
            for request_id in {**self._open, **dict.fromkeys(self._owed)}:
                self._note(request_id, RequestNote.SWITCH_SET if on else RequestNote.SWITCH_LIFTED)
            self._owed.clear()
            return
        for request_id in self._open:
            if request_id not in self._owed:  # it is tried again and again, and told once
                self._owed.add(request_id)
                self._note(request_id, RequestNote.SWITCH_FAILED, words="the venue did not take it; tried again")

    def poll(self, *, suspending: bool) -> None:
        """Note what was taken since, and which requests are through; suspending: the venue's switch is still to be set."""
        if self._taken:
            self._taken, ids = [], tuple(self._taken)
            self._note("", RequestNote.CANCELS_TAKEN, order_ids=ids)
        if not self._open or self._sequencer.waiting:
            return
        under_way = {job.request_id for job in self._books.requests()}
        for request_id, reach in list(self._open.items()):
            known = self._books.knows_request(request_id)
            if (
                known
                and request_id not in under_way
                and not (suspending and reach.verb is RequestVerb.KILL and request_id not in self._owed)
            ):
                del self._open[request_id]
                self._note(request_id, RequestNote.SETTLED, positions=self._held(reach))

    def _held(self, reach: Reach) -> tuple[NotedPosition, ...]:
        totals: Counter[str] = Counter()
        for held in self._books.holdings():
            if reach.covers(held.strategy_id, held.symbol):
                totals[held.symbol] += held.quantity_nanos
        return tuple(NotedPosition(symbol=symbol, quantity_nanos=nanos) for symbol, nanos in sorted(totals.items()) if nanos)

    def _note(  # noqa: PLR0913 - the fields of one message
        self,
        request_id: str,
        note: RequestNote,
        *,
        took_ns: int = 0,
        expected_ns: int = 0,
        order_ids: tuple[str, ...] = (),
        words: str = "",
        positions: tuple[NotedPosition, ...] = (),
    ) -> None:
        self._sequencer.offer(
            RequestNoted(
                event_id="",
                timestamp=0,
                symbol="",
                strategy_id="",
                correlation_id="",
                request_id=request_id,
                note=note,
                took_ns=took_ns,
                expected_ns=expected_ns,
                order_ids=order_ids,
                words=words,
                positions=positions,
            )
        )
