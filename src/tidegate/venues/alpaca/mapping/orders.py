"""Orders both ways: what Alpaca shows, and what we ask for."""

from typing import TypeAlias

from tidegate.values.enums import OrderState
from tidegate.values.money import nanos_text
from tidegate.venues.alpaca.mapping import words
from tidegate.venues.alpaca.mapping.reading import Reader
from tidegate.venues.alpaca.wire.orders import Order
from tidegate.venues.port import OrderClass, VenueOrder
from tidegate.venues.ticket import OrderTicket, TicketLeg

Body: TypeAlias = dict[str, "str | bool | Body | list[Body]"]

_ENDINGS = ("canceled_at", "expired_at", "failed_at", "replaced_at")


def venue_order(order: Order) -> VenueOrder:
    """Return an order in our words; fields that were not understood are named in `doubts`."""
    read = Reader()
    filled = read.nanos(order.filled_qty, "filled_qty")
    order_class = read.word(words.CLASSES, order.order_class, "order_class") or OrderClass.SIMPLE
    quantity = None if order.qty is None and order.notional is not None else read.nanos(order.qty, "qty")
    ended = (read.time(text, name) for name, text in zip(_ENDINGS, _ended(order), strict=True))
    return VenueOrder(
        client_order_id=order.client_order_id or "",
        venue_order_id=order.id or "",
        symbol=order.symbol or "",
        side=read.word(words.SIDES, order.side, "side"),
        state=_state(order, filled, read),
        word=order.status or "",
        order_class=order_class,
        order_type=read.word(words.TYPES, order.type or order.order_type, "type"),
        lifetime=read.word(words.LIFETIMES, order.time_in_force, "time_in_force"),
        extended_hours=bool(order.extended_hours),
        quantity_nanos=quantity,
        notional_usd=read.money(order.notional, "notional"),
        filled_nanos=filled,
        average_price_nanos=read.rounded_nanos(order.filled_avg_price, "filled_avg_price"),
        limit_price_nanos=read.nanos(order.limit_price, "limit_price"),
        stop_price_nanos=read.rounded_nanos(order.stop_price, "stop_price"),  # derived from a percentage on trailing stops
        trail_nanos=read.nanos(order.trail_price, "trail_price"),
        trail_percent=read.money(order.trail_percent, "trail_percent"),
        high_water_nanos=read.rounded_nanos(order.hwm, "hwm"),
        created_ns=read.time(order.created_at, "created_at"),
        submitted_ns=read.time(order.submitted_at, "submitted_at"),
        updated_ns=read.time(order.updated_at, "updated_at"),
        filled_ns=read.time(order.filled_at, "filled_at"),
        ended_ns=max(ended),
        expires_ns=read.time(order.expires_at, "expires_at"),
        replaces=order.replaces or "",
        replaced_by=order.replaced_by or "",
        legs=tuple(venue_order(leg) for leg in order.legs or ()),
        doubts=tuple(read.doubts),
    )


def order_body(ticket: OrderTicket) -> Body:
    """Return the body of a submission; decimals as text."""
    body: Body = {
        "client_order_id": ticket.client_order_id,
        "type": ticket.order_type.value,
        "time_in_force": ticket.lifetime.value,
    }
    _put(body, "symbol", ticket.symbol)
    _put(body, "side", ticket.side or "")
    _put(body, "notional", ticket.notional_usd)
    _put_nanos(body, "qty", ticket.quantity_nanos)
    _put_nanos(body, "limit_price", ticket.limit_price_nanos)
    _put_nanos(body, "stop_price", ticket.stop_price_nanos)
    _put_nanos(body, "trail_price", ticket.trail_nanos)
    _put(body, "trail_percent", ticket.trail_percent)
    _put(body, "position_intent", ticket.intent or "")
    if ticket.extended_hours:
        body["extended_hours"] = True
    if ticket.order_class is not OrderClass.SIMPLE:
        body["order_class"] = ticket.order_class.value
    _put_exits(body, ticket)
    if ticket.legs:
        body["legs"] = [_leg(leg) for leg in ticket.legs]
    return body


def replace_body(ticket: OrderTicket, *, quantity: bool) -> Body:
    """Return the body of a replacement; `quantity`: whether it names one, which a partly filled order must not get."""
    body: Body = {"client_order_id": ticket.client_order_id, "time_in_force": ticket.lifetime.value}
    if quantity:
        body["qty"] = nanos_text(ticket.quantity_nanos)
    _put_nanos(body, "limit_price", ticket.limit_price_nanos)
    _put_nanos(body, "stop_price", ticket.stop_price_nanos)
    _put_nanos(body, "trail", ticket.trail_nanos)
    _put(body, "trail", ticket.trail_percent)
    return body


def _ended(order: Order) -> tuple[str | None, ...]:
    return order.canceled_at, order.expired_at, order.failed_at, order.replaced_at


def _state(order: Order, filled: int, read: Reader) -> OrderState:
    state = read.word(words.STATES, order.status, "status")
    if state is None:
        if not order.status:
            read.doubt("status", "nothing")
        return OrderState.UNKNOWN
    return OrderState.PARTIAL if state is OrderState.ACCEPTED and filled else state


def _put(body: Body, name: str, word: str) -> None:
    if word:
        body[name] = str(word)


def _put_nanos(body: Body, name: str, value: int) -> None:
    if value:
        body[name] = nanos_text(value)


def _put_exits(body: Body, ticket: OrderTicket) -> None:
    if ticket.take_profit_nanos:
        body["take_profit"] = {"limit_price": nanos_text(ticket.take_profit_nanos)}
    if ticket.stop_loss_nanos:
        stop: Body = {"stop_price": nanos_text(ticket.stop_loss_nanos)}
        _put_nanos(stop, "limit_price", ticket.stop_loss_limit_nanos)
        body["stop_loss"] = stop


def _leg(leg: TicketLeg) -> Body:
    return {"symbol": leg.symbol, "ratio_qty": str(leg.ratio), "side": leg.side.value, "position_intent": leg.intent.value}
