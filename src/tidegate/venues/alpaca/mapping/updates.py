"""Trade updates to order events."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from tidegate.events.inputs import OrderEvent
from tidegate.values.enums import OrderEventKind, Side
from tidegate.venues.alpaca.mapping import words
from tidegate.venues.alpaca.mapping.orders import venue_order
from tidegate.venues.alpaca.mapping.reading import Reader
from tidegate.venues.alpaca.wire.orders import TradeUpdate
from tidegate.venues.port import VenueOrder

ClientIdOf = Callable[[str], str]  # the client id of a venue order id; "" when it is not known


class Update(NamedTuple):
    """What one trade update means."""

    events: tuple[OrderEvent, ...]
    order: VenueOrder | None
    doubts: tuple[str, ...]


def order_update(update: TradeUpdate, client_id_of: ClientIdOf) -> Update:
    """Return the events of a trade update.

    State comes from the running total, execution ids are for deduplication: on a fill, price and quantity are those of
    one execution. An event that is understood and changes nothing gives no event; one that is not gives none and a doubt.
    """
    read = Reader()
    if update.order is None or not (update.order.id or update.order.client_order_id):
        return Update((), None, ("order=nothing",))
    order = venue_order(update.order)
    word = update.event or ""
    if word not in words.EVENTS:
        read.doubt("event", word or "nothing")
        return Update((), order, (*read.doubts, *order.doubts))
    kind = words.EVENTS[word]
    if kind is None or order.side is None:  # a multi-leg parent has no side: its legs are matched by the one who sent it
        return Update((), order, order.doubts)
    event = _event(update, order, order.side, kind, read)
    if kind is OrderEventKind.REPLACED and order.replaced_by:
        event = msgspec.structs.replace(event, successor_id=client_id_of(order.replaced_by))
    return Update((event,), order, (*read.doubts, *order.doubts))


def _event(update: TradeUpdate, order: VenueOrder, side: Side, kind: OrderEventKind, read: Reader) -> OrderEvent:
    quantity = price = 0
    execution_id = ""
    if kind in words.FILLS or kind in words.TAKEN_BACK:
        quantity = read.nanos(update.qty, "qty")
        price = read.rounded_nanos(update.price, "price")
        execution_id = update.execution_id or ""
        if kind in words.TAKEN_BACK:
            execution_id = update.previous_execution_id or execution_id
        elif not quantity:
            execution_id = ""  # only the running total tells what filled
            price = price or order.average_price_nanos
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
        ts_venue=read.time(update.timestamp or update.at, "timestamp") or order.updated_ns,
        execution_id=execution_id,
        last_quantity_nanos=abs(quantity),
        last_price_nanos=price,
        cum_quantity_nanos=order.filled_nanos,
        reason=update.reason or "",
    )
