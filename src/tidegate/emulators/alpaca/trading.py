"""What a client can ask of its orders: create, replace, cancel, close positions. The checks in their order, then the desk."""

from decimal import Decimal
from typing import Final, NamedTuple

from msgspec.structs import replace as changed

from tidegate.emulators.alpaca import money, multi, multi_intake
from tidegate.emulators.alpaca.desk import Desk
from tidegate.emulators.alpaca.errors import WireRefusal, malformed, not_found, unprocessable
from tidegate.emulators.alpaca.intake import Prices, Ticket, check_change, check_tick, read_class, read_client_id, read_ticket, word
from tidegate.emulators.alpaca.orders import (
    UNCANCELABLE,
    UNREPLACEABLE,
    Intent,
    Life,
    Order,
    OrderClass,
    Status,
    body_of,
)
from tidegate.emulators.alpaca.wire import Body, decimal_text, read_decimal, read_nanos, uuid_of
from tidegate.values.enums import OrderType, Side
from tidegate.values.money import NANOS

_CLOSED: Final = "order is already in {} state"


def create(desk: Desk, body: Body) -> Body:
    """Take a new order in and return it as it stands before the market has answered.

    Raises:
        WireRefusal: whatever is against it.
    """
    money.check_gates(desk.account)
    if read_class(body) is OrderClass.MLEG:
        return _create_multi(desk, body)
    symbol = desk.floor.assets.need(str(body.get("symbol") or ""))
    ticket = read_ticket(body, symbol, desk.floor.assets.body(symbol))
    return place_ticket(desk, ticket)


def place_ticket(desk: Desk, ticket: Ticket) -> Body:
    """Check a well-formed order against account and market and send it.

    Raises:
        WireRefusal: see `money`.
    """
    floor, account = desk.floor, desk.account
    check_unused(desk, ticket.client_order_id)
    quantity = money.quantity_of(ticket, floor)
    money.check_hours(ticket, floor)
    money.check_stop(ticket, floor)
    intent = money.check_intent(ticket, account)
    working = desk.blotter.open()
    money.check_wash(ticket, working)
    if ticket.order_class is OrderClass.OCO and not account.holding(ticket.symbol).quantity_nanos * ticket.side.sign < 0:
        raise unprocessable("oco orders must be exit orders")
    if money.check_shares(ticket, quantity, account, working):
        money.check_short(ticket, account, floor, working)
        money.check_funds(ticket, quantity, account, floor, working)
    order = _made(desk, ticket, quantity, intent)
    return _send(desk, order)


def check_unused(desk: Desk, client_order_id: str) -> None:
    """Refuse a client id that was used before, whatever became of its order.

    Raises:
        WireRefusal: see above.
    """
    if client_order_id and desk.blotter.knows(client_order_id):
        raise malformed("client_order_id must be unique")


def _send(desk: Desk, order: Order) -> Body:
    """Send an order and what hangs on it; the answer shows it before the market has spoken."""
    if order.order_class is OrderClass.OCO:
        desk.place(order)
        answer = body_of(order, nested=True)
        for leg in order.legs:
            desk.place(leg, held=True)
        return answer | {"legs": [body_of(leg) for leg in order.legs]}
    for leg in order.legs:
        desk.hold(leg)
    desk.place(order)
    answer = body_of(order, nested=True)
    if not desk.floor.is_open(extended=order.extended):
        answer["status"] = Status.ACCEPTED
    return answer


def _create_multi(desk: Desk, body: Body) -> Body:
    check_unused(desk, read_client_id(body))
    order = multi_intake.read(desk, body)
    multi.place(desk, order)
    return body_of(order)


# Making orders of tickets.


class Part(NamedTuple):
    """What differs between an order and its legs."""

    side: Side
    order_type: OrderType
    prices: Prices
    client_order_id: str
    intent: Intent


def _made(desk: Desk, ticket: Ticket, quantity: int, intent: Intent) -> Order:
    is_pair = ticket.order_class is OrderClass.OCO
    prices = Prices(ticket.take_profit_nanos) if is_pair else ticket.prices
    order = new_order(desk, ticket, Part(ticket.side, ticket.order_type, prices, ticket.client_order_id, intent), quantity)
    exit_side = ticket.side if is_pair else ticket.side.opposite
    closes = Intent.SELL_TO_CLOSE if exit_side is Side.SELL else Intent.BUY_TO_CLOSE
    parts = []
    if ticket.take_profit_nanos and not is_pair:
        parts.append(Part(exit_side, OrderType.LIMIT, Prices(ticket.take_profit_nanos), "", closes))
    if ticket.stop_loss is not None:
        kind = OrderType.STOP_LIMIT if ticket.stop_loss.limit_nanos else OrderType.STOP
        parts.append(Part(exit_side, kind, ticket.stop_loss, "", closes))
    order.legs = [new_order(desk, ticket, part, quantity, leg_of=order) for part in parts]
    return order


def new_order(desk: Desk, ticket: Ticket, part: Part, quantity: int, *, leg_of: Order | None = None) -> Order:
    """Return an order that nobody has seen yet."""
    floor = desk.floor
    now_ns = floor.now_ns()
    identity = desk.next_id()
    return Order(
        id=identity,
        client_order_id=part.client_order_id or uuid_of(identity, "client"),
        symbol=ticket.symbol,
        asset_id=str(ticket.asset["id"]),
        asset_class=str(ticket.asset["class"]),
        side=part.side,
        order_type=part.order_type,
        life=ticket.life,
        order_class=ticket.order_class,
        quantity_nanos=None if ticket.notional is not None else quantity,
        worked_nanos=quantity,
        created_ns=now_ns,
        submitted_ns=now_ns,
        updated_ns=now_ns,
        notional=None if ticket.notional is None else decimal_text(ticket.notional, 9),
        limit_nanos=part.prices.limit_nanos,
        stop_nanos=part.prices.stop_nanos,
        trail_nanos=part.prices.trail_nanos,
        trail_percent=part.prices.trail_percent,
        extended=ticket.extended,
        intent=part.intent,
        expires_ns=floor.expiry_ns(ticket.life, extended=ticket.extended),
        leg_of=leg_of,
        multiplier=floor.market.instruments[floor.market.places[ticket.symbol]].multiplier,
    )


# Changing and ending orders.


def replace(desk: Desk, order_id: str, body: Body) -> Body:
    """Ask for another order in the place of one; the answer is the new one, whether or not the market lets it be.

    Raises:
        WireRefusal: the order cannot be changed, or not like this.
    """
    money.check_gates(desk.account)
    order = desk.blotter.get(order_id)
    _check_replaceable(order)
    check_unused(desk, read_client_id(body))
    changes = _changes(order, body)
    if all(getattr(order, name) == value for name, value in changes.items()):
        raise unprocessable("order parameters are not changed")
    identity, now_ns = desk.next_id(), desk.floor.now_ns()
    successor = changed(
        order,
        id=identity,
        client_order_id=read_client_id(body) or uuid_of(identity, "client"),
        created_ns=now_ns,
        updated_ns=now_ns,
        status=Status.PENDING_NEW,
        filled_nanos=0,
        paid_attos=0,
        high_nanos=0,
        legs=[],
        replaces=order.id,
        replaced_by="",
        **changes,
    )
    successor.worked_nanos = successor.quantity_nanos or 0
    _check_successor(desk, order, successor)
    if successor.life is not order.life:
        successor.expires_ns = desk.floor.expiry_ns(successor.life, extended=successor.extended)
    desk.replace(order, successor)
    return body_of(successor, nested=True)


def _check_replaceable(order: Order) -> None:
    if order.status is Status.REPLACED:
        raise unprocessable("order already replaced")
    if order.is_over:
        raise unprocessable(_CLOSED.format(f'"{order.status}"'))
    if order.order_class is OrderClass.MLEG:
        raise WireRefusal(403, 40310000, "replace mleg order is disabled")
    if order.status in UNREPLACEABLE:
        raise unprocessable(f"cannot replace order in {order.status} status")
    if order.notional is not None:
        raise unprocessable("notional orders cannot be replaced")


def _check_successor(desk: Desk, order: Order, successor: Order) -> None:
    """Check a replacement as an order of its own, as if the one that it replaces were gone; exits are covered by their entry.

    Raises:
        WireRefusal: see `money`.
    """
    floor, account = desk.floor, desk.account
    assert successor.side is not None
    assert successor.order_type is not None
    ticket = Ticket(
        successor.symbol,
        floor.assets.body(successor.symbol),
        successor.side,
        successor.order_type,
        successor.life,
        successor.order_class,
        successor.quantity_nanos,
        None,
        Prices(successor.limit_nanos, successor.stop_nanos, successor.trail_nanos, successor.trail_percent),
        successor.extended,
        successor.client_order_id,
        None,
    )
    check_change(ticket)
    if successor.stop_nanos != order.stop_nanos:
        money.check_stop(ticket, floor)
    working = [other for other in desk.blotter.open() if other is not order]
    money.check_wash(ticket, working)
    if order.is_leg or order.order_class is OrderClass.OCO:
        return
    rest_nanos = successor.worked_nanos - order.filled_nanos
    if money.check_shares(ticket, rest_nanos, account, working):
        money.check_short(ticket, account, floor, working)
        money.check_funds(ticket, rest_nanos, account, floor, working)


def _changes(order: Order, body: Body) -> dict[str, object]:
    """Return the fields that a replacement sets.

    Raises:
        WireRefusal: a field that this order does not have, or a value it may not have.
    """
    found: dict[str, object] = {}
    quantity = read_nanos(body, "qty")
    if quantity is not None:
        if quantity % NANOS or (order.quantity_nanos or 0) % NANOS:
            raise unprocessable("qty must be integer")
        if quantity <= order.filled_nanos:
            raise unprocessable("qty must be > filled_qty")
        found["quantity_nanos"] = quantity
    for name, field, kinds in (
        ("limit_price", "limit_nanos", {OrderType.LIMIT, OrderType.STOP_LIMIT}),
        ("stop_price", "stop_nanos", {OrderType.STOP, OrderType.STOP_LIMIT}),
    ):
        price = read_nanos(body, name)
        if price is None:
            continue
        if order.order_type not in kinds:
            raise malformed(f"{name} does not belong to a {order.order_type} order")
        check_tick(price, name)
        found[field] = price
    if body.get("time_in_force"):
        found["life"] = word(body, "time_in_force", Life, "invalid time_in_force")
    return found | _trail_change(order, read_decimal(body, "trail"))


def _trail_change(order: Order, trail: Decimal | None) -> dict[str, object]:
    if trail is None:
        return {}
    if order.order_type is not OrderType.TRAILING_STOP or trail <= 0:
        raise malformed("trail belongs to trailing stop orders and must be > 0")
    return {"trail_percent": trail} if order.trail_percent is not None else {"trail_nanos": int(trail * NANOS)}


def cancel(desk: Desk, order_id: str) -> None:
    """Ask for the end of an order.

    Raises:
        WireRefusal: it has ended, or is being replaced.
    """
    order = desk.blotter.get(order_id)
    if order.leg_of is not None and order.order_class is OrderClass.MLEG:
        raise unprocessable(f"leg order is already in {order.status} state")
    if order.status in UNCANCELABLE:
        raise unprocessable(_CLOSED.format(f'"{order.status}"'))
    desk.cancel(order)


def cancel_all(desk: Desk) -> list[Body]:
    """Ask for the end of every open order; return what became of each request."""
    answers: list[Body] = []
    for order in desk.blotter.open():
        if order.is_leg and order.leg_of is not None and not order.leg_of.is_over:
            continue  # it goes with its parent
        if order.status in UNCANCELABLE:
            continue  # it went with another one, or is being replaced
        desk.cancel(order)
        answers.append({"id": order.id, "status": 200})
    return answers


# Closing positions.


def close_position(desk: Desk, symbol_or_id: str, query: Body) -> Body:
    """Sell a position, or buy it back: all of it, so many shares, or a part in percent.

    Raises:
        WireRefusal: there is none, or its shares are held by orders.
    """
    symbol = desk.floor.assets.find(symbol_or_id)
    position = desk.account.holding(symbol or "").quantity_nanos
    if symbol is None or not position:
        raise not_found("position does not exist")
    quantity, percentage = read_nanos(query, "qty"), read_decimal(query, "percentage")
    if quantity is not None and percentage is not None:
        raise malformed("only one of qty or percentage is accepted")
    if percentage is not None and not 0 < percentage <= 100:  # noqa: PLR2004 - percent
        raise malformed("percentage must be between 0 and 100")
    if percentage is not None:
        quantity = money.shares_for(percentage, abs(position))
    money.check_gates(desk.account)
    ticket = Ticket(
        symbol,
        desk.floor.assets.body(symbol),
        Side.SELL if position > 0 else Side.BUY,
        OrderType.MARKET,
        Life.DAY,
        OrderClass.SIMPLE,
        abs(position) if quantity is None else quantity,
        None,
        Prices(),
        extended=False,
        client_order_id="",
        intent=None,
    )
    return place_ticket(desk, ticket)


def close_all(desk: Desk, *, cancel_orders: bool) -> list[Body]:
    """Close every position, orders first where asked for; return what became of each."""
    if cancel_orders:
        cancel_all(desk)
        desk.floor.player.advance(desk.floor.player.now_ns)
    answers: list[Body] = []
    for symbol in tuple(desk.account.positions):
        try:
            answers.append({"symbol": symbol, "status": 200, "body": close_position(desk, symbol, {})})
        except WireRefusal as refusal:
            answers.append({"symbol": symbol, "status": refusal.http, "body": refusal.body})
    return answers
