"""A venue's picture of orders, fills and positions as inputs of the engine. Pure; nothing is guessed."""

from typing import Final

from tidegate.events.inputs import OrderEvent, ReportedExecution, ReportedOrder, ReportedPosition, VenueReported
from tidegate.oms.order import Order
from tidegate.service.ports import Reads
from tidegate.values.enums import OrderEventKind, OrderState, ReportCause, Side
from tidegate.venues.port import VenueExecution, VenueOrder

_KINDS: Final = {
    OrderState.FILLED: OrderEventKind.FILLED,
    OrderState.CANCELED: OrderEventKind.CANCELED,
    OrderState.REJECTED: OrderEventKind.REJECTED,
    OrderState.EXPIRED: OrderEventKind.EXPIRED,
    OrderState.REPLACED: OrderEventKind.REPLACED,
    OrderState.UNKNOWN: OrderEventKind.OUTCOME_UNKNOWN,  # a word nobody knows: it is looked up again, never guessed
}


def own_event(
    order: Order,
    kind: OrderEventKind,
    *,
    reason: str = "",
    durable_ns: int = 0,
    sent_ns: int = 0,
    successor_id: str = "",
) -> OrderEvent:
    """Return what our own edge says of an order; the sequencer stamps it."""
    return OrderEvent(
        event_id="",
        timestamp=0,
        symbol=order.symbol,
        strategy_id=order.strategy_id,
        correlation_id=order.correlation_id,
        client_order_id=order.client_order_id,
        venue_order_id="",
        kind=kind,
        side=order.side,
        ts_venue=0,
        reason=reason,
        durable_ns=durable_ns,
        sent_ns=sent_ns,
        successor_id=successor_id,
    )


def order_event(seen: VenueOrder, order: Order, *, working: OrderEventKind) -> OrderEvent:
    """Return what a venue's answer about an order says; `working` is the word for one that still works.

    A running total beyond ours comes with the price that makes the venue's average of what was booked and what is new.
    """
    new = seen.filled_nanos - order.filled_nanos
    price = seen.average_price_nanos
    if new > 0 and price:
        price = max(1, (price * seen.filled_nanos - order.filled_cost_attos) // new)
    return OrderEvent(
        event_id="",
        timestamp=0,
        symbol=seen.symbol,
        strategy_id=order.strategy_id,
        correlation_id=order.correlation_id,
        client_order_id=order.client_order_id,
        venue_order_id=seen.venue_order_id,
        kind=_KINDS.get(seen.state, working),
        side=seen.side or order.side,
        ts_venue=seen.updated_ns,
        last_price_nanos=price if new > 0 else 0,
        cum_quantity_nanos=seen.filled_nanos,
        reason="; ".join(seen.doubts),
    )


def report(reads: Reads, *, venue: str, cause: ReportCause) -> VenueReported:
    """Return a round of reads as the input that the engine compares with its books."""
    return VenueReported(
        event_id="",
        timestamp=0,
        symbol="",
        strategy_id="",
        correlation_id="",
        venue=venue,
        cause=cause,
        began_ns=reads.began_ns,
        ended_ns=reads.ended_ns,
        executions=None if reads.executions is None else tuple(map(_execution, reads.executions)),
        orders=None if reads.orders is None else tuple(_order(order, order.side) for order in reads.orders if order.side is not None),
        positions=None
        if reads.positions is None
        else tuple(
            ReportedPosition(symbol=p.symbol, quantity_nanos=p.quantity_nanos, average_price_nanos=p.average_price_nanos)
            for p in reads.positions
        ),
        cash_usd=None if reads.account is None or not reads.account.cash_usd else reads.account.cash_usd,
    )


def _order(seen: VenueOrder, side: Side) -> ReportedOrder:
    return ReportedOrder(
        client_order_id=seen.client_order_id,
        venue_order_id=seen.venue_order_id,
        symbol=seen.symbol,
        side=side,
        state=seen.state,
        quantity_nanos=seen.quantity_nanos or 0,
        filled_nanos=seen.filled_nanos,
        average_price_nanos=seen.average_price_nanos,
        limit_price_nanos=seen.limit_price_nanos,
    )


def _execution(seen: VenueExecution) -> ReportedExecution:
    return ReportedExecution(
        execution_id=seen.execution_id,
        client_order_id=seen.client_order_id,
        venue_order_id=seen.venue_order_id,
        symbol=seen.symbol,
        side=seen.side,
        quantity_nanos=seen.quantity_nanos,
        price_nanos=seen.price_nanos,
        ts_venue=seen.ts_ns,
        cum_quantity_nanos=seen.cum_quantity_nanos,
        fee_usd=seen.fee_usd,
    )
