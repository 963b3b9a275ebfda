"""What a lookup or a fill found by asking says of an order, as the events that the engine folds."""

from collections.abc import Mapping
from typing import Final

from tidegate.events.inputs import OrderEvent
from tidegate.values.enums import OrderEventKind, OrderState, Side
from tidegate.venues.port import VenueExecution, VenueOrder

_KINDS: Final[Mapping[OrderState, OrderEventKind]] = {
    OrderState.ACCEPTED: OrderEventKind.FOUND_WORKING,
    OrderState.PARTIAL: OrderEventKind.FOUND_WORKING,
    OrderState.FILLED: OrderEventKind.FILLED,
    OrderState.CANCELED: OrderEventKind.CANCELED,
    OrderState.EXPIRED: OrderEventKind.EXPIRED,
    OrderState.REJECTED: OrderEventKind.REJECTED,
    OrderState.REPLACED: OrderEventKind.REPLACED,
}


def event_of_order(order: VenueOrder, *, successor_id: str = "") -> OrderEvent | None:
    """Return what an order as the venue shows it says; None where its state was not understood or it has no side.

    Fills show as a running total at the average price: the executions explain them when they come.
    """
    kind = _KINDS.get(order.state)
    if kind is None or order.side is None:
        return None
    return _event(order, order.side, kind, successor_id)


def missed(client_order_id: str, symbol: str, side: Side) -> OrderEvent:
    """Return that a complete lookup did not find an order of ours."""
    return OrderEvent(
        event_id="",
        timestamp=0,
        symbol=symbol,
        strategy_id="",
        correlation_id="",
        client_order_id=client_order_id,
        venue_order_id="",
        kind=OrderEventKind.LOOKUP_MISSED,
        side=side,
        ts_venue=0,
    )


def event_of_execution(execution: VenueExecution, *, client_order_id: str = "", complete: bool = False) -> OrderEvent:
    """Return one fill found by asking; `complete`: the order is known to be filled whole by it."""
    return OrderEvent(
        event_id="",
        timestamp=0,
        symbol=execution.symbol,
        strategy_id="",
        correlation_id="",
        client_order_id=client_order_id or execution.client_order_id,
        venue_order_id=execution.venue_order_id,
        kind=OrderEventKind.FILLED if complete else OrderEventKind.PARTIALLY_FILLED,
        side=execution.side,
        ts_venue=execution.ts_ns,
        execution_id=execution.execution_id,
        last_quantity_nanos=execution.quantity_nanos,
        last_price_nanos=execution.price_nanos,
        cum_quantity_nanos=execution.cum_quantity_nanos,
        fee_usd=execution.fee_usd,
    )


def _event(order: VenueOrder, side: Side, kind: OrderEventKind, successor_id: str) -> OrderEvent:
    return OrderEvent(
        event_id="",
        timestamp=0,
        symbol=order.symbol,
        strategy_id="",
        correlation_id="",
        client_order_id=order.client_order_id,
        venue_order_id=order.venue_order_id,
        kind=kind,
        side=side,
        ts_venue=order.ended_ns or order.filled_ns or order.updated_ns,
        last_price_nanos=order.average_price_nanos if order.filled_nanos else 0,
        cum_quantity_nanos=order.filled_nanos,
        successor_id=successor_id,
    )
