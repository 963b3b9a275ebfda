"""An order as it can be asked of a venue, everything included: classes, legs, notional, auctions, extended hours.

`OrderCommand` is what the OMS speaks today, a single order; `ticket_of` makes a ticket of it. A ticket is checked here by
the rules that do not depend on the market, so that a mistake of ours is found before it costs a request.
"""

from collections.abc import Iterator
from enum import StrEnum
from math import gcd
from typing import Final

import msgspec

from tidegate.events.acts import OrderCommand
from tidegate.values.enums import OrderType, Side
from tidegate.values.money import NANOS
from tidegate.venues.errors import Declined, DeclineReason
from tidegate.venues.port import Lifetime, OrderClass

CLIENT_ID_MAX: Final = 128
LEGS_MIN: Final = 2
LEGS_MAX: Final = 4


class BadTicketError(Declined):
    """An order breaks a rule that every venue of its kind has; correct it, it was not sent."""

    def __init__(self, words: str) -> None:
        super().__init__(DeclineReason.INVALID, words)


class PositionIntent(StrEnum):
    """What an order does to a position, where the venue wants to be told."""

    BUY_TO_OPEN = "buy_to_open"
    BUY_TO_CLOSE = "buy_to_close"
    SELL_TO_OPEN = "sell_to_open"
    SELL_TO_CLOSE = "sell_to_close"


class TicketLeg(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One leg of a multi-leg order."""

    symbol: str
    ratio: int
    side: Side
    intent: PositionIntent


class OrderTicket(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One order. Prices and quantities in nanos, 0: none. A multi-leg limit is signed: positive is paid, negative received."""

    client_order_id: str
    symbol: str = ""
    side: Side | None = None
    order_type: OrderType
    lifetime: Lifetime
    quantity_nanos: int = 0
    notional_usd: str = ""  # instead of a quantity
    limit_price_nanos: int = 0
    stop_price_nanos: int = 0
    trail_nanos: int = 0
    trail_percent: str = ""  # instead of a trail in dollars
    extended_hours: bool = False
    order_class: OrderClass = OrderClass.SIMPLE
    take_profit_nanos: int = 0
    stop_loss_nanos: int = 0
    stop_loss_limit_nanos: int = 0  # makes the stop a stop-limit
    legs: tuple[TicketLeg, ...] = ()
    intent: PositionIntent | None = None


def ticket_of(command: OrderCommand) -> OrderTicket:
    """Return the single order that a command asks for."""
    return OrderTicket(
        client_order_id=command.client_order_id,
        symbol=command.symbol,
        side=command.side,
        order_type=command.order_type,
        lifetime=Lifetime(command.time_in_force.value),
        quantity_nanos=command.quantity_nanos,
        limit_price_nanos=command.limit_price_nanos if command.order_type in _LIMITED else 0,
        stop_price_nanos=command.stop_price_nanos if command.order_type in _STOPPED else 0,
        trail_nanos=command.trail_nanos if command.order_type is OrderType.TRAILING_STOP else 0,
    )


def check_ticket(ticket: OrderTicket) -> None:
    """Refuse an order that breaks a rule, naming every one it breaks.

    Raises:
        BadTicketError: see there.
    """
    multi = ticket.order_class is OrderClass.MULTI_LEG
    rules = [*_identity(ticket), *_size(ticket), *_prices(ticket), *_time(ticket), *(_legs(ticket) if multi else _class(ticket))]
    if rules:
        raise BadTicketError(f"order {ticket.client_order_id} was not sent: {'; '.join(rules)}")


_LIMITED: Final = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
_STOPPED: Final = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})
_RESTING: Final = frozenset({Lifetime.DAY, Lifetime.GTC})


def _identity(ticket: OrderTicket) -> Iterator[str]:
    if not 0 < len(ticket.client_order_id) <= CLIENT_ID_MAX:
        yield f"a client order id has 1 to {CLIENT_ID_MAX} characters"
    multi = ticket.order_class is OrderClass.MULTI_LEG
    if multi and (ticket.symbol or ticket.side is not None):
        yield "a multi-leg order has no symbol and no side of its own"
    if not multi and (not ticket.symbol or ticket.side is None):
        yield "an order needs a symbol and a side"


def _size(ticket: OrderTicket) -> Iterator[str]:
    whole = ticket.quantity_nanos % NANOS == 0
    if bool(ticket.notional_usd) == (ticket.quantity_nanos != 0) or ticket.quantity_nanos < 0:
        yield "an order has either a positive quantity or a notional"
    if (not whole or ticket.notional_usd) and ticket.lifetime is not Lifetime.DAY:
        yield "a fractional or notional order lives for the day only"
    if (not whole or ticket.notional_usd) and ticket.order_type is OrderType.TRAILING_STOP:
        yield "a trailing stop needs whole shares"
    if ticket.order_class is not OrderClass.SIMPLE and (not whole or ticket.notional_usd):
        yield "an order of several parts needs a whole quantity"


def _prices(ticket: OrderTicket) -> Iterator[str]:
    if (ticket.limit_price_nanos != 0) != (ticket.order_type in _LIMITED) and ticket.order_class is not OrderClass.OCO:
        yield "a limit price belongs to limit and stop-limit orders, and to them always"
    if (ticket.stop_price_nanos != 0) != (ticket.order_type in _STOPPED):
        yield "a stop price belongs to stop and stop-limit orders, and to them always"
    trails = (ticket.trail_nanos != 0) + bool(ticket.trail_percent)
    if trails != (ticket.order_type is OrderType.TRAILING_STOP):
        yield "a trailing stop has one trail, in dollars or percent, and no other order has any"
    if ticket.order_class is not OrderClass.MULTI_LEG and min(ticket.limit_price_nanos, ticket.stop_price_nanos, ticket.trail_nanos) < 0:
        yield "prices are positive"


def _time(ticket: OrderTicket) -> Iterator[str]:
    if ticket.extended_hours and (ticket.order_type is not OrderType.LIMIT or ticket.lifetime not in _RESTING):
        yield "extended hours take limit orders for the day or good till canceled only"
    if ticket.lifetime not in _RESTING and ticket.order_type not in {OrderType.MARKET, OrderType.LIMIT}:
        yield "an auction or immediate order is a market or a limit order"


def _class(ticket: OrderTicket) -> Iterator[str]:
    exits = (ticket.take_profit_nanos != 0) + (ticket.stop_loss_nanos != 0)
    wanted = {OrderClass.SIMPLE: 0, OrderClass.OTO: 1}.get(ticket.order_class, 2)
    if exits != wanted:
        yield f"an order of class {ticket.order_class.value} brings {wanted} exits"
    if ticket.stop_loss_limit_nanos and not ticket.stop_loss_nanos:
        yield "a stop's limit needs its stop"
    if ticket.order_class is not OrderClass.SIMPLE and (ticket.extended_hours or ticket.lifetime not in _RESTING):
        yield "an order with exits lives for the day or till canceled, in regular hours"
    if ticket.order_class is OrderClass.OCO and ticket.order_type is not OrderType.LIMIT:
        yield "an OCO is a limit order"
    if exits == 2 and ticket.side is not None and (ticket.take_profit_nanos - ticket.stop_loss_nanos) * _entry_sign(ticket) <= 0:  # noqa: PLR2004 - both
        yield "take-profit and stop lie on the wrong sides of each other"
    if ticket.legs:
        yield "only a multi-leg order has legs"


def _entry_sign(ticket: OrderTicket) -> int:
    assert ticket.side is not None
    return -ticket.side.sign if ticket.order_class is OrderClass.OCO else ticket.side.sign


def _legs(ticket: OrderTicket) -> Iterator[str]:
    if not LEGS_MIN <= len(ticket.legs) <= LEGS_MAX:
        yield f"a multi-leg order has {LEGS_MIN} to {LEGS_MAX} legs"
    if len({leg.symbol for leg in ticket.legs}) != len(ticket.legs):
        yield "each leg is another contract"
    if ticket.legs and (min(leg.ratio for leg in ticket.legs) < 1 or gcd(*(leg.ratio for leg in ticket.legs)) != 1):
        yield "leg ratios are whole, positive and without a common divisor"
    if ticket.order_type not in {OrderType.MARKET, OrderType.LIMIT} or ticket.lifetime not in _RESTING or ticket.extended_hours:
        yield "a multi-leg order is a market or limit order for the day or till canceled, in regular hours"
    if ticket.take_profit_nanos or ticket.stop_loss_nanos:
        yield "a multi-leg order brings no exits"
