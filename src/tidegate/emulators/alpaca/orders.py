"""An order as this venue keeps and shows it, with the venue's own words for types, lives and states."""

from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from tidegate.emulators.alpaca.wire import Body, decimal_text, iso, text_or_none
from tidegate.values.enums import OrderType, Side
from tidegate.values.money import ATTOS, NANOS, nanos_text


class Status(StrEnum):
    """Where an order stands, in the venue's words."""

    ACCEPTED = "accepted"
    PENDING_NEW = "pending_new"
    NEW = "new"
    HELD = "held"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    PENDING_CANCEL = "pending_cancel"
    PENDING_REPLACE = "pending_replace"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REPLACED = "replaced"
    REJECTED = "rejected"


class Happening(StrEnum):
    """What the trading stream says happened."""

    ACCEPTED = "accepted"
    PENDING_NEW = "pending_new"
    NEW = "new"
    HELD = "held"
    PARTIAL_FILL = "partial_fill"
    FILL = "fill"
    PENDING_CANCEL = "pending_cancel"
    PENDING_REPLACE = "pending_replace"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REPLACED = "replaced"
    REJECTED = "rejected"
    CANCEL_REJECTED = "order_cancel_rejected"
    REPLACE_REJECTED = "order_replace_rejected"


class Life(StrEnum):
    """Time in force, as the venue knows it."""

    DAY = "day"
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    OPG = "opg"
    CLS = "cls"


class OrderClass(StrEnum):
    """What an order is made of."""

    SIMPLE = "simple"
    BRACKET = "bracket"
    OCO = "oco"
    OTO = "oto"
    MLEG = "mleg"


class Intent(StrEnum):
    """What an order does to a position."""

    BUY_TO_OPEN = "buy_to_open"
    BUY_TO_CLOSE = "buy_to_close"
    SELL_TO_OPEN = "sell_to_open"
    SELL_TO_CLOSE = "sell_to_close"


ENDED: Final = frozenset({Status.FILLED, Status.CANCELED, Status.EXPIRED, Status.REPLACED, Status.REJECTED})
UNCANCELABLE: Final = ENDED | {Status.PENDING_REPLACE}
UNREPLACEABLE: Final = frozenset({Status.ACCEPTED, Status.PENDING_NEW, Status.PENDING_CANCEL, Status.PENDING_REPLACE})
COMPLEX: Final = frozenset({OrderClass.BRACKET, OrderClass.OCO, OrderClass.OTO})
STOPS: Final = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})
_AVERAGE_PLACES: Final = 6


class Order(msgspec.Struct, kw_only=True, eq=False, gc=True):
    """One order. Prices and quantities in nanos, times shown ns; 0: none. `worked_nanos` is what the simulated venue works.

    `leg_of` is the parent of a leg. A parent of a multi-leg order has no symbol and no side.
    """

    id: str
    client_order_id: str
    symbol: str
    asset_id: str
    asset_class: str
    side: Side | None
    order_type: OrderType | None
    life: Life
    order_class: OrderClass
    quantity_nanos: int | None  # None: given as notional
    worked_nanos: int
    created_ns: int
    submitted_ns: int
    updated_ns: int
    notional: str | None = None
    limit_nanos: int = 0
    stop_nanos: int = 0
    trail_nanos: int = 0
    trail_percent: Decimal | None = None
    high_nanos: int = 0  # best sale since a trailing stop came
    extended: bool = False
    intent: Intent | None = None
    status: Status = Status.PENDING_NEW
    filled_nanos: int = 0
    paid_attos: int = 0  # price x quantity of the fills; signed for multi-leg parents
    filled_ns: int = 0
    expired_ns: int = 0
    expires_ns: int = 0
    canceled_ns: int = 0
    failed_ns: int = 0
    replaced_ns: int = 0
    replaces: str = ""
    replaced_by: str = ""
    legs: "list[Order]" = []
    leg_of: "Order | None" = None
    ratio: int = 0
    multiplier: int = 1

    @property
    def rest_nanos(self) -> int:
        """What is left to fill."""
        return self.worked_nanos - self.filled_nanos

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.status in ENDED

    @property
    def is_leg(self) -> bool:
        """Whether it is a part of another order."""
        return self.leg_of is not None

    @property
    def average(self) -> str | None:
        """The average price of the fills."""
        if not self.filled_nanos:
            return None
        return decimal_text(Decimal(self.paid_attos) / (NANOS * self.filled_nanos), _AVERAGE_PLACES)

    @property
    def shown_stop_nanos(self) -> int:
        """The stop price as it stands: that of a trailing stop follows the market."""
        if self.order_type is not OrderType.TRAILING_STOP or not self.high_nanos:
            return self.stop_nanos
        sign = 1 if self.side is Side.SELL else -1
        return self.high_nanos - sign * self.distance_nanos

    @property
    def distance_nanos(self) -> int:
        """How far a trailing stop stays behind the market."""
        if self.trail_percent is None:
            return self.trail_nanos
        return int(self.high_nanos * self.trail_percent / 100)


def body_of(order: Order, *, nested: bool = False) -> Body:
    """Return an order as clients see it; legs inside only where asked for, or where they are one order (multi-leg)."""
    is_multi = order.order_class is OrderClass.MLEG
    type_text = order.order_type or ""
    inside = [body_of(leg) for leg in order.legs] if order.legs and (nested or is_multi) else None
    body: Body = {
        "id": order.id,
        "client_order_id": order.client_order_id,
        "created_at": iso(order.created_ns),
        "updated_at": iso(order.updated_ns),
        "submitted_at": iso(order.submitted_ns),
        "filled_at": iso(order.filled_ns),
        "expired_at": iso(order.expired_ns),
        "expires_at": iso(order.expires_ns),
        "canceled_at": iso(order.canceled_ns),
        "failed_at": iso(order.failed_ns),
        "replaced_at": iso(order.replaced_ns),
        "replaced_by": order.replaced_by or None,
        "replaces": order.replaces or None,
        "asset_id": order.asset_id,
        "symbol": order.symbol,
        "asset_class": order.asset_class,
        "notional": order.notional,
        "qty": None if order.quantity_nanos is None else nanos_text(order.quantity_nanos),
        "filled_qty": nanos_text(order.filled_nanos),
        "filled_avg_price": order.average,
        "order_class": "" if order.order_class is OrderClass.SIMPLE else order.order_class,
        "order_type": type_text,
        "type": type_text,
        "side": order.side or "",
        "position_intent": order.intent,
        "time_in_force": order.life,
        "limit_price": text_or_none(order.limit_nanos),
        "stop_price": text_or_none(order.shown_stop_nanos),
        "status": order.status,
        "extended_hours": order.extended,
        "legs": inside,
        "trail_percent": None if order.trail_percent is None else decimal_text(order.trail_percent, 9),
        "trail_price": text_or_none(order.trail_nanos),
        "hwm": text_or_none(order.high_nanos),
        "subtag": None,
        "source": None,
    }
    return body | {"ratio_qty": str(order.ratio)} if order.ratio else body


def dollars(attos: int) -> str:
    """Return money as the venue shows it: to the cent's hundredth."""
    return decimal_text(Decimal(attos) / ATTOS, 4)
