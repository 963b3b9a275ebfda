"""The venue's outgoing side: event rows and refusals become order events, each with the time at which the engine hears it."""

from collections import deque
from collections.abc import Sequence
from typing import Final, final

from tidegate.events.acts import OrderCommand
from tidegate.events.inputs import OrderEvent
from tidegate.values.enums import Liquidity, OrderEventKind
from tidegate.values.fees import FeeSchedule, FeeTable, Fill
from tidegate.values.instruments import Instrument
from tidegate.values.money import attos_text
from tidegate.venues.sim import rows
from tidegate.venues.sim.draws import Draws
from tidegate.venues.sim.memory import Event
from tidegate.venues.sim.orders import Orders, SimOrder
from tidegate.venues.sim.responses import KINDS, REASONS, Cause, Response
from tidegate.venues.sim.settings import Acknowledge

_ENDS: Final = frozenset({rows.FILLED, rows.CANCELED, rows.REJECTED, rows.EXPIRED, rows.REPLACED})
_CHAINED: Final = frozenset({rows.REPLACED, rows.REPLACE_REJECTED})
_CODE, _SLOT = 0, 1  # places in an event row

# Members of an enum are looked up slowly before Python 3.12.
_MAKER: Final = Liquidity.MAKER
_TAKER: Final = Liquidity.TAKER


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
        last = events[-1]  # of an order that ends on arrival: its end
        answered = last[_SLOT] if self._skips and last[_CODE] in _ENDS else -1
        for code, slot, quantity, price, filled, venue_ns, stream, place, maker, reason in events:
            if code == rows.ACCEPTED and slot == answered:
                continue
            order = orders.at(slot)
            order.filled_nanos = filled
            kind = KINDS[code]
            if code in _ENDS:
                order.ended = kind
                ended.append(slot)
            cause = (stream, place) if stream >= 0 else None
            if quantity:
                event = self._fill(order, kind, quantity, price, venue_ns, _MAKER if maker else _TAKER)
                self.queue.append(Response(event, cause))
            else:
                self.say(kind, order, venue_ns, REASONS[reason], order.successor_id if code in _CHAINED else "", cause)
        return ended

    def say(self, kind: OrderEventKind, order: SimOrder, venue_ns: int, reason: str, successor_id: str, cause: Cause | None = None) -> None:
        """Queue a word about an order the venue knows."""
        command = order.command
        event = OrderEvent(
            event_id="",
            timestamp=self._answer_ns(venue_ns),
            symbol=command.symbol,
            strategy_id=command.strategy_id,
            correlation_id=command.correlation_id,
            client_order_id=command.client_order_id,
            venue_order_id=order.venue_order_id,
            kind=kind,
            side=command.side,
            ts_venue=venue_ns,
            cum_quantity_nanos=order.filled_nanos,
            reason=reason,
            successor_id=successor_id,
        )
        self.queue.append(Response(event, cause))

    def refuse(self, kind: OrderEventKind, command: OrderCommand, venue_ns: int, about: str, reason: str) -> None:
        """Queue a refusal about an id the venue holds no order under."""
        event = OrderEvent(
            event_id="",
            timestamp=self._answer_ns(venue_ns),
            symbol=command.symbol,
            strategy_id=command.strategy_id,
            correlation_id=command.correlation_id,
            client_order_id=about,
            venue_order_id="",
            kind=kind,
            side=command.side,
            ts_venue=venue_ns,
            reason=reason,
        )
        self.queue.append(Response(event, None))

    def _fill(self, order: SimOrder, kind: OrderEventKind, quantity: int, price: int, venue_ns: int, liquidity: Liquidity) -> OrderEvent:
        command = order.command
        identity = command.client_order_id
        order.executions += 1
        return OrderEvent(
            event_id="",
            timestamp=self._answer_ns(venue_ns),
            symbol=command.symbol,
            strategy_id=command.strategy_id,
            correlation_id=command.correlation_id,
            client_order_id=identity,
            venue_order_id=order.venue_order_id,
            kind=kind,
            side=command.side,
            ts_venue=venue_ns,
            execution_id=f"{identity}-{order.executions}",
            last_quantity_nanos=quantity,
            last_price_nanos=price,
            cum_quantity_nanos=order.filled_nanos,
            fee_usd=self._fee_usd(command, price, quantity, venue_ns) if self._charges else "0",
            liquidity=liquidity,
        )

    def _answer_ns(self, venue_ns: int) -> int:
        """Return when the engine hears of it: after the latency, never before what was said earlier."""
        answer_ns = venue_ns + self._draws.at(self._said)
        self._said += 1
        if answer_ns < self._last_ns:
            return self._last_ns
        self._last_ns = answer_ns
        return answer_ns

    def _fee_usd(self, command: OrderCommand, price: int, quantity: int, venue_ns: int) -> str:
        instrument = self._instruments[command.symbol]
        fill = Fill(instrument.kind, command.side, price, quantity, instrument.multiplier, venue_ns)
        return attos_text(self._fees.total(fill))
