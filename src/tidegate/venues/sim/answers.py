"""The venue's outgoing side: event rows and refusals become responses, each with the time at which the engine hears it."""

from collections import deque
from collections.abc import Sequence
from typing import Final, final

from tidegate.events.acts import OrderCommand
from tidegate.values.enums import Liquidity, OrderEventKind
from tidegate.values.fees import FeeSchedule, FeeTable, Fill
from tidegate.values.instruments import Instrument
from tidegate.venues.sim import rows
from tidegate.venues.sim.draws import Draws
from tidegate.venues.sim.memory import Event
from tidegate.venues.sim.orders import Orders, SimOrder
from tidegate.venues.sim.responses import KINDS, REASONS, Response
from tidegate.venues.sim.settings import Acknowledge

_ENDS: Final = frozenset({rows.FILLED, rows.CANCELED, rows.REJECTED, rows.EXPIRED, rows.REPLACED})
_NONE: Final[frozenset[int]] = frozenset()
_CHAINED: Final = frozenset({rows.REPLACED, rows.REPLACE_REJECTED})


@final
class Answers:
    """Responses on their way to the engine, first in, first out."""

    def __init__(self, draws: Draws, fees: FeeSchedule, instruments: Sequence[Instrument], acknowledge: Acknowledge) -> None:
        self._skips = acknowledge is Acknowledge.RESTING
        self.queue: deque[Response] = deque()
        self._draws = draws
        self._fees = FeeTable(fees)
        self._charges = bool(fees.rates)
        self._instruments = {instrument.symbol: instrument for instrument in instruments}
        self._said = 0
        self._last_ns = 0

    def expected_ns(self, venue_ns: int) -> int:
        """Return when the engine would hear of what happens next, were it at this venue time."""
        return max(venue_ns + self._draws.at(self._said), self._last_ns)

    def hear(self, events: Sequence[Event], orders: Orders) -> list[int]:
        """Queue the responses of event rows; return the rows of the orders that have ended."""
        ended: list[int] = []
        answered = {event[1] for event in events if event[0] in _ENDS} if self._skips else _NONE
        for code, slot, quantity, price, filled, venue_ns, stream, place, maker, reason in events:
            if code == rows.ACCEPTED and slot in answered:
                continue
            order = orders.at(slot)
            order.filled_nanos = filled
            if code in _ENDS:
                order.ended = KINDS[code]
                ended.append(slot)
            command = order.command
            answer_ns = self._answer_ns(venue_ns)
            if quantity:
                order.executions += 1
                response = Response(
                    answer_ns,
                    (stream, place) if stream >= 0 else None,
                    KINDS[code],
                    command.client_order_id,
                    order.venue_order_id,
                    command,
                    command.side,
                    venue_ns,
                    f"{command.client_order_id}-{order.executions}",
                    quantity,
                    price,
                    filled,
                    self._fee(command, price, quantity, venue_ns) if self._charges else 0,
                    Liquidity.MAKER if maker else Liquidity.TAKER,
                )
            else:
                response = Response(
                    answer_ns,
                    (stream, place) if stream >= 0 else None,
                    KINDS[code],
                    command.client_order_id,
                    order.venue_order_id,
                    command,
                    command.side,
                    venue_ns,
                    cum_quantity_nanos=filled,
                    reason=REASONS[reason],
                    successor_id=order.successor_id if code in _CHAINED else "",
                )
            self.queue.append(response)
        return ended

    def say(self, kind: OrderEventKind, order: SimOrder, venue_ns: int, reason: str, successor_id: str) -> None:
        """Queue a word about an order the venue knows."""
        command = order.command
        self.queue.append(
            Response(
                self._answer_ns(venue_ns),
                None,
                kind,
                command.client_order_id,
                order.venue_order_id,
                command,
                command.side,
                venue_ns,
                cum_quantity_nanos=order.filled_nanos,
                reason=reason,
                successor_id=successor_id,
            )
        )

    def refuse(self, kind: OrderEventKind, command: OrderCommand, venue_ns: int, about: str, reason: str) -> None:
        """Queue a refusal about an id the venue holds no order under."""
        self.queue.append(
            Response(
                self._answer_ns(venue_ns),
                None,
                kind,
                about,
                "",
                command,
                command.side,
                venue_ns,
                reason=reason,
            )
        )

    def _answer_ns(self, venue_ns: int) -> int:
        """Return when the engine hears of it: after the latency, never before what was said earlier."""
        answer_ns = venue_ns + self._draws.at(self._said)
        self._said += 1
        if answer_ns < self._last_ns:
            return self._last_ns
        self._last_ns = answer_ns
        return answer_ns

    def _fee(self, command: OrderCommand, price: int, quantity: int, venue_ns: int) -> int:
        instrument = self._instruments[command.symbol]
        return self._fees.total(Fill(instrument.kind, command.side, price, quantity, instrument.multiplier, venue_ns))
