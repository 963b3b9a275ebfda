"""The wire between a trader and its venue: requests, answers, reads and the order stream, each of which may go wrong on its way."""

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Final, final

from msgspec.structs import replace

from tidegate.events.acts import OrderCommand
from tidegate.events.inputs import OrderEvent
from tidegate.service.ports import Answer, CancelAll, Find, Found, Reads, ReadVenue, Send, Suspend
from tidegate.simulation.campaign.faults import Faults
from tidegate.simulation.campaign.market import Market
from tidegate.simulation.campaign.timeline import Timeline
from tidegate.simulation.campaign.venue import Held, Venue
from tidegate.values.enums import CommandKind, OrderEventKind, OrderState
from tidegate.values.time import MILLISECOND_NS, SECOND_NS
from tidegate.venues.errors import Declined, DeclineReason, OutcomeUnsure, Unreachable
from tidegate.venues.port import CancelResult, VenueExecution, VenueOrder, VenuePosition

if TYPE_CHECKING:
    from tidegate.simulation.campaign.node import Node

ANSWER_MAX_NS: Final = 3 * SECOND_NS  # the client waits no longer
_STALE_NS: Final = 30 * SECOND_NS
_FRESH_NS: Final = 2 * SECOND_NS  # a lookup may not see an order that is so new


@final
class Wire:
    """Carries messages with delays and faults. `arrives` is asked about each order before the venue sees it."""

    def __init__(self, rng: Random, timeline: Timeline, faults: Faults, market: Market) -> None:
        self._rng: Final = rng
        self._timeline: Final = timeline
        self._faults: Final = faults
        self.venue: Final = Venue(market, self._frame)
        self.arrives: Callable[[OrderCommand], None] = lambda _command: None
        self.listener: Node | None = None  # whose order stream is connected
        self.silent = False  # the stream looks well and carries nothing
        self._muted: Final[dict[str, int]] = {}  # frames of these orders are lost, so many of them
        self._clear_ns = 0  # frames without a fault stay in order
        self._venue_replaces: Final = rng.choice((True, False))  # False: the client cancels first

    # Requests.

    def send(self, node: "Node", effect: Send) -> None:
        """Carry a command to the venue; the answer, or what the client makes of its absence, comes to the node."""
        command = effect.command
        if self._faults.hit("FT1"):
            self._answer_after(ANSWER_MAX_NS, node, effect, OutcomeUnsure("no answer came"))
        elif self._faults.hit("FT10"):
            self._answer_after(self._delay(), node, effect, Declined(DeclineReason.RATE_LIMITED, "too many requests", status=429))
        elif self._faults.on and self._rng.random() < 0.01:  # noqa: PLR2004 - now and then no connection at all
            self._answer_after(self._delay(), node, effect, Unreachable("No connection could be made; nothing was sent."))
        else:
            self._timeline.after(self._delay(), lambda: self._arrive(node, effect, command))

    def cancel_all(self, node: "Node", effect: CancelAll) -> None:
        """Cancel every open order in one request; one of them may be refused, and the answer may be lost."""
        lost = self._faults.hit("FT1")

        def arrive() -> None:
            results = [self._canceled(order) for order in list(self.venue.open.values())]
            node.later(ANSWER_MAX_NS if lost else self._delay(), lambda: node.desk.canceled_all(effect, None if lost else results))

        self._timeline.after(self._delay(), arrive)

    def _canceled(self, order: Held) -> CancelResult:
        if self._faults.hit("FT11"):
            return CancelResult(venue_order_id=order.venue_id, taken=False, words="the server answered 503")
        self.venue.cancel(order.client_id or order.venue_id, self._timeline.now_ns)
        return CancelResult(venue_order_id=order.venue_id, taken=True)

    def _arrive(self, node: "Node", effect: Send, command: OrderCommand) -> None:
        if command.kind is CommandKind.REPLACE:
            replaced = self.venue.find(command.target_id, command.target_id)
            if replaced is not None and replaced.filled:
                self._faults.note("FT13")
            if not self._venue_replaces:
                self._cancel_first(node, effect, command)
                return
        self._take(node, effect, command)

    def _cancel_first(self, node: "Node", effect: Send, command: OrderCommand) -> None:
        """What the client makes of a replacement: a cancel, and when that is confirmed an order for what is left, unless held back."""
        try:
            ended = self.venue.cancel(command.target_id, self._timeline.now_ns)
        except Declined as refusal:
            self._answer_after(self._delay(), node, effect, Declined(DeclineReason.NOT_REPLACEABLE, str(refusal)))
            return
        rest_nanos = min(command.quantity_nanos, ended.quantity - ended.filled)

        def confirmed() -> None:
            if refusal := node.desk.outbox.last_look(command.client_order_id):
                node.desk.answered(effect, Unreachable(f"Held back: {refusal}"))
                return
            rest = replace(command, kind=CommandKind.SUBMIT, quantity_nanos=rest_nanos)
            self._timeline.after(self._delay(), lambda: self._take(node, effect, rest))

        node.later(self._delay(), confirmed)

    def _take(self, node: "Node", effect: Send, command: OrderCommand) -> None:
        lost = self._faults.hit("FT2")
        if command.kind is CommandKind.SUBMIT:
            self.arrives(command)
            if self._faults.hit("FT3"):
                lost = True
                self._muted[command.client_order_id] = 3
        answer = self._carry_out(command)
        if self._faults.hit("FT11"):
            answer = self._spoiled(answer)
        wait_ns = self._delay()
        if lost:
            wait_ns, answer = ANSWER_MAX_NS, OutcomeUnsure("no answer came")
        self._answer_after(wait_ns, node, effect, answer)

    def _carry_out(self, command: OrderCommand) -> Answer:
        now_ns = self._timeline.now_ns
        try:
            if command.kind is CommandKind.CANCEL:
                order = self.venue.find(command.target_id, command.target_id)
                if order is not None and order.filled and order.is_open:
                    self._faults.note("FT12")
                if order is not None and command.chain and order.filled:
                    self._faults.note("FT13")
                self.venue.cancel(command.target_id, now_ns)
                return None
            if self._faults.hit("X2"):
                self.venue.refuse(command, now_ns)
            if command.kind is CommandKind.REPLACE:
                command = self.venue.make_room(command, now_ns)
                self.arrives(command)
            return self.venue.submit(command, now_ns)
        except Declined as refusal:
            return refusal

    def _spoiled(self, answer: Answer) -> Answer:
        """An error in place of an answer, or an answer with a word that nobody knows."""
        if isinstance(answer, VenueOrder) and self._rng.random() < 0.5:  # noqa: PLR2004 - one way or the other
            return replace(answer, state=OrderState.UNKNOWN, word="pondering", doubts=("status=pondering",))
        return OutcomeUnsure("the server answered 503")

    def _answer_after(self, wait_ns: int, node: "Node", effect: Send, answer: Answer) -> None:
        node.later(wait_ns, lambda: node.desk.answered(effect, answer))

    # Reads.

    def find(self, node: "Node", effect: Find) -> None:
        """Look an order up by its client id."""
        found: Found
        if self._faults.hit("FT11") or self._faults.hit("FT10"):
            found = OutcomeUnsure("the server answered 503")
            node.later(self._delay(), lambda: node.desk.found(effect.client_order_id, found))
            return

        def arrive() -> None:
            order = self.venue.find(effect.client_order_id, effect.venue_order_id)
            unseen = order is None or (self._timeline.now_ns - order.updated_ns < _FRESH_NS and self._faults.hit("FT15"))
            seen = None if unseen or order is None else order.shown()
            node.later(self._delay(), lambda: node.desk.found(effect.client_order_id, seen))

        self._timeline.after(self._delay(), arrive)

    def read(self, node: "Node", effect: ReadVenue) -> None:
        """Read executions and orders, and a moment later positions and account."""
        if self._faults.hit("FT11"):
            node.later(self._delay(), lambda: node.desk.read(None))
            return
        began_ns = node.desk.sequencer.now_ns()

        def first() -> None:
            renamed, nameless = self._faults.hit("FT4"), self._faults.hit("X4")
            asked = (seen for seen in self.venue.executions if self._is_asked(seen, effect))
            executions = tuple(_told(seen, renamed=renamed, nameless=nameless) for seen in asked)
            orders = tuple(order.shown() for order in self.venue.open.values())
            self._timeline.after(self._delay(), lambda: second(executions, orders))

        def second(executions: tuple[VenueExecution, ...], orders: tuple[VenueOrder, ...]) -> None:
            positions, account = self._positions(), self.venue.account()

            def tell() -> None:
                node.desk.read(Reads(began_ns, node.desk.sequencer.now_ns(), executions, orders, positions, account))

            node.later(self._delay(), tell)

        self._timeline.after(self._delay(), first)

    def _is_asked(self, seen: VenueExecution, effect: ReadVenue) -> bool:
        return seen.ts_ns > effect.executions_after_ns and seen.quantity_nanos > 0

    def _positions(self) -> tuple[VenuePosition, ...]:
        now_ns = self._timeline.now_ns
        if not self._faults.hit("FT15"):
            return self.venue.shown_positions(now_ns)
        if self._rng.random() < 0.3:  # noqa: PLR2004 - an empty list now and then
            return ()
        return self.venue.shown_positions(now_ns - self._rng.randrange(_STALE_NS))

    def suspend(self, node: "Node", effect: Suspend) -> None:
        """Set the venue's switch."""

        def arrive() -> None:
            self.venue.suspended = effect.on
            node.later(self._delay(), lambda: node.desk.suspended(effect, taken=True))

        self._timeline.after(self._delay(), arrive)

    # The order stream.

    def _frame(self, event: OrderEvent) -> None:
        node, faults = self.listener, self._faults
        key = event.client_order_id
        if node is None or self.silent:
            return
        if self._muted.get(key, 0):
            self._muted[key] -= 1
            return
        if faults.hit("FT8"):
            return
        if faults.hit("FT5"):
            self._deliver(node, event, self._rng.randrange(3 * SECOND_NS))
        elif faults.hit("FT6"):
            self._deliver(node, event, self._rng.randrange(SECOND_NS, 90 * SECOND_NS))
        else:
            self._clear_ns = max(self._clear_ns, self._timeline.now_ns + self._delay())
            self._deliver(node, event, self._clear_ns - self._timeline.now_ns)
        if event.execution_id and event.kind is not OrderEventKind.FILL_BUSTED and faults.hit("FT4"):
            self._deliver(node, event, self._rng.randrange(2 * SECOND_NS))

    def _deliver(self, node: "Node", event: OrderEvent, wait_ns: int) -> None:
        node.later(wait_ns, lambda: node.hear(event))

    def _delay(self) -> int:
        return self._rng.randrange(MILLISECOND_NS, 15 * MILLISECOND_NS)

    def shown(self, client_id: str) -> Held | None:
        """Return the truth about an order."""
        return self.venue.orders.get(client_id)


def _told(seen: VenueExecution, *, renamed: bool, nameless: bool) -> VenueExecution:
    """Return an execution as the history shows it; some histories have ids of their own, some do not know the client's."""
    return replace(
        seen,
        execution_id=f"h-{seen.execution_id}" if renamed else seen.execution_id,
        client_order_id="" if nameless else seen.client_order_id,
    )
