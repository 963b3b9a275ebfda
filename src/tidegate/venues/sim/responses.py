"""What the venue answers, and how an answer becomes a message."""

from typing import Final

import msgspec

from tidegate.events.acts import OrderCommand
from tidegate.events.inputs import OrderEvent
from tidegate.values.enums import Liquidity, OrderEventKind, Side
from tidegate.values.money import attos_text
from tidegate.venues.sim import rows

KINDS: Final = (
    OrderEventKind.SUBMITTED,
    OrderEventKind.ACCEPTED,
    OrderEventKind.PARTIALLY_FILLED,
    OrderEventKind.FILLED,
    OrderEventKind.CANCELED,
    OrderEventKind.REJECTED,
    OrderEventKind.EXPIRED,
    OrderEventKind.REPLACED,
    OrderEventKind.CANCEL_REJECTED,
    OrderEventKind.REPLACE_REJECTED,
)  # by the kernel's code

REASONS: Final = (
    "",
    "the rest of an immediate-or-cancel order",
    "not enough displayed to fill the whole order at once",
    "asked for",
    "the trading session closed",
    "trading is halted or closed, and the order may not wait",
    "the venue is closed",
    "the market has passed the stop price already",
    "insufficient quantity available: the account may not sell short",
    "the order has ended already",
    "the quantity must be more than what is filled already",
)  # by the kernel's code
assert len(REASONS) == rows.NOTHING_LEFT + 1


class Response(msgspec.Struct, frozen=True, gc=False):
    """One thing the venue says of one order, and when the engine hears it.

    cause is (stream, place) of the market record that brought it about; None: a command or the close did. Prices and
    quantities in nanos, fee in attos; `command` is the one that made the order (or that was refused).
    """

    ts_recv: int
    cause: tuple[int, int] | None
    kind: OrderEventKind
    client_order_id: str
    venue_order_id: str
    command: OrderCommand
    side: Side
    ts_venue: int
    execution_id: str = ""
    last_quantity_nanos: int = 0
    last_price_nanos: int = 0
    cum_quantity_nanos: int = 0
    fee_attos: int = 0
    liquidity: Liquidity | None = None
    reason: str = ""
    successor_id: str = ""


def order_event(response: Response, *, event_id: str, timestamp: int) -> OrderEvent:
    """Return a response as the engine's input with this id, received at this time."""
    command = response.command
    if not response.last_quantity_nanos:
        return OrderEvent(
            event_id=event_id,
            timestamp=timestamp,
            symbol=command.symbol,
            strategy_id=command.strategy_id,
            correlation_id=command.correlation_id,
            client_order_id=response.client_order_id,
            venue_order_id=response.venue_order_id,
            kind=response.kind,
            side=response.side,
            ts_venue=response.ts_venue,
            cum_quantity_nanos=response.cum_quantity_nanos,
            reason=response.reason,
            successor_id=response.successor_id,
        )
    return OrderEvent(
        event_id=event_id,
        timestamp=timestamp,
        symbol=command.symbol,
        strategy_id=command.strategy_id,
        correlation_id=command.correlation_id,
        client_order_id=response.client_order_id,
        venue_order_id=response.venue_order_id,
        kind=response.kind,
        side=response.side,
        ts_venue=response.ts_venue,
        execution_id=response.execution_id,
        last_quantity_nanos=response.last_quantity_nanos,
        last_price_nanos=response.last_price_nanos,
        cum_quantity_nanos=response.cum_quantity_nanos,
        fee_usd=attos_text(response.fee_attos) if response.fee_attos else "0",
        liquidity=response.liquidity,
    )
