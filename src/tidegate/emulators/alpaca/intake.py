"""Reads the body of a new order and checks its form, field by field, with the venue's own refusals."""

from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple, TypeVar

from tidegate.emulators.alpaca.assets import OPTION
from tidegate.emulators.alpaca.errors import forbidden, malformed, unprocessable
from tidegate.emulators.alpaca.orders import STOPS, Intent, Life, OrderClass
from tidegate.emulators.alpaca.wire import Body, read_decimal, read_flag, read_nanos
from tidegate.values.enums import OrderType, Side
from tidegate.values.instruments import US_STOCK_TICKS
from tidegate.values.money import NANOS, nanos_text

CLIENT_ORDER_ID_MAX: Final = 128
TRAIL_PERCENT_MIN: Final = Decimal("0.1")
_LIMITED: Final = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
_RESTING: Final = frozenset({Life.DAY, Life.GTC})
_IMMEDIATE: Final = frozenset({OrderType.MARKET, OrderType.LIMIT})
_PENNY: Final = NANOS // 100
_CROSSES: Final = {
    Life.OPG: "opg orders must be submitted after 7:00pm and before 9:28am",
    Life.CLS: "cls orders must be submitted after 7:00pm and before 3:50pm",
}

Word = TypeVar("Word", bound=StrEnum)


class Prices(NamedTuple):
    """The prices of an order in nanos; 0: none."""

    limit_nanos: int = 0
    stop_nanos: int = 0
    trail_nanos: int = 0
    trail_percent: Decimal | None = None


class Ticket(NamedTuple):
    """An order as it was asked for, well formed."""

    symbol: str
    asset: Body
    side: Side
    order_type: OrderType
    life: Life
    order_class: OrderClass
    quantity_nanos: int | None
    notional: Decimal | None
    prices: Prices
    extended: bool
    client_order_id: str
    intent: Intent | None
    take_profit_nanos: int = 0
    stop_loss: Prices | None = None

    @property
    def is_fractional(self) -> bool:
        """Whether it is for a part of a share, or for an amount of dollars."""
        return self.quantity_nanos is None or self.quantity_nanos % NANOS != 0


def read_ticket(body: Body, symbol: str, asset: Body) -> Ticket:
    """Read a new order for one asset.

    Raises:
        WireRefusal: whatever is wrong with it, in the venue's words.
    """
    order_type = word(body, "type", OrderType, "invalid order type")
    side = word(body, "side", Side, "invalid side")
    life = word(body, "time_in_force", Life, "invalid time_in_force")
    order_class = read_class(body)
    quantity, notional = _read_size(body)
    prices = Prices() if order_class is OrderClass.OCO else _read_prices(body, order_type)  # an OCO has those of its exits
    ticket = Ticket(
        symbol,
        asset,
        side,
        order_type,
        life,
        order_class,
        quantity,
        notional,
        prices,
        read_flag(body.get("extended_hours")),
        read_client_id(body),
        word(body, "position_intent", Intent, "invalid position_intent") if body.get("position_intent") else None,
    )
    if order_class is not OrderClass.SIMPLE:
        ticket = _with_exits(ticket, body)
    for check in _CHECKS:
        check(ticket)
    return ticket


def word(body: Body, name: str, words: type[Word], complaint: str) -> Word:
    """Read one of the venue's words.

    Raises:
        WireRefusal: missing or unknown.
    """
    try:
        return words(str(body.get(name, "")).lower())
    except ValueError:
        raise malformed(complaint) from None


def read_class(body: Body) -> OrderClass:
    """Read the order class; an empty or missing one is simple.

    Raises:
        WireRefusal: unknown.
    """
    return word(body, "order_class", OrderClass, "invalid order_class") if body.get("order_class") else OrderClass.SIMPLE


def read_client_id(body: Body) -> str:
    """Read the client's own id; empty: the venue makes one.

    Raises:
        WireRefusal: too long.
    """
    given = body.get("client_order_id")
    text = "" if given is None else str(given)
    if len(text) > CLIENT_ORDER_ID_MAX:
        raise malformed(f"client_order_id must be no more than {CLIENT_ORDER_ID_MAX} characters")
    return text


def check_tick(price_nanos: int, name: str) -> None:
    """Refuse a price that is not positive or finer than the venue's increments: a cent, below a dollar a hundredth of one.

    Raises:
        WireRefusal: see above.
    """
    if price_nanos <= 0:
        raise malformed(f"{name} must be > 0")
    tick = US_STOCK_TICKS[0 if price_nanos < US_STOCK_TICKS[1].from_nanos else 1].tick_nanos
    if price_nanos % tick:
        shown = nanos_text(price_nanos)
        raise unprocessable(f"invalid {name} {shown}. sub-penny increment does not fulfill minimum pricing criteria")


def check_change(ticket: Ticket) -> None:
    """Refuse what a replacement may not make of an order: fields that do not go together, exits that do not rest.

    Raises:
        WireRefusal: see above.
    """
    if ticket.order_class is not OrderClass.SIMPLE and ticket.life not in _RESTING:
        raise unprocessable(f"{ticket.order_class.value} orders must be DAY or GTC orders without extended hours")
    for check in (_fractions_fit, _hours_fit, _life_fits):
        check(ticket)


def _read_size(body: Body) -> tuple[int | None, Decimal | None]:
    quantity, notional = read_nanos(body, "qty"), read_decimal(body, "notional")
    if quantity is None and notional is None:
        raise malformed("qty or notional is required")
    if quantity is not None and notional is not None:
        raise malformed("only one of qty or notional is accepted")
    if quantity is not None and quantity <= 0:
        raise malformed("qty must be > 0")
    if notional is not None and notional < 1:
        raise unprocessable("notional must be >= 1.00")
    return quantity, notional


def _read_prices(body: Body, order_type: OrderType) -> Prices:
    limit, stop = read_nanos(body, "limit_price"), read_nanos(body, "stop_price")
    trail, percent = read_nanos(body, "trail_price"), read_decimal(body, "trail_percent")
    if order_type is OrderType.MARKET and (limit or stop):
        raise malformed("market orders require no stop or limit price")
    if order_type is OrderType.LIMIT and limit is None:
        raise malformed("limit orders require a limit price")
    if order_type is OrderType.STOP and stop is None:
        raise malformed("stop orders require a stop price")
    if order_type is OrderType.STOP_LIMIT and (limit is None or stop is None):
        raise malformed("stop limit orders require both stop and limit price")
    if order_type is OrderType.TRAILING_STOP:
        return _read_trail(trail, percent)
    if order_type in _LIMITED:
        check_tick(limit or 0, "limit_price")
    if order_type in STOPS:
        check_tick(stop or 0, "stop_price")
    return Prices((limit or 0) if order_type in _LIMITED else 0, (stop or 0) if order_type in STOPS else 0)


def _read_trail(trail: int | None, percent: Decimal | None) -> Prices:
    if (trail is None) == (percent is None):
        raise malformed("trailing stop orders must specify one of trail_price or trail_percent")
    if trail is not None and trail <= 0:
        raise malformed("trail_price must be > 0")
    if percent is not None and percent < TRAIL_PERCENT_MIN:
        raise unprocessable(f"trail_percent must be >= {TRAIL_PERCENT_MIN}")
    return Prices(trail_nanos=trail or 0, trail_percent=percent)


def _with_exits(ticket: Ticket, body: Body) -> Ticket:
    """Add the exits of a bracket, OCO or OTO."""
    name = ticket.order_class.value
    take, loss = body.get("take_profit") or {}, body.get("stop_loss") or {}
    take_nanos = read_nanos(take, "limit_price") if isinstance(take, dict) else None
    stop_nanos = read_nanos(loss, "stop_price") if isinstance(loss, dict) else None
    if ticket.order_class is OrderClass.OTO:
        if (take_nanos is None) == (stop_nanos is None):
            raise unprocessable("oto orders require exactly one of take_profit or stop_loss")
    elif take_nanos is None:
        raise unprocessable(f"{name} orders require take_profit.limit_price")
    elif stop_nanos is None:
        raise unprocessable(f"{name} orders require stop_loss.stop_price")
    if take_nanos is not None:
        check_tick(take_nanos, "take_profit.limit_price")
    stop_loss = None
    if stop_nanos is not None:
        check_tick(stop_nanos, "stop_loss.stop_price")
        limit_nanos = read_nanos(loss, "limit_price") or 0
        if limit_nanos:
            check_tick(limit_nanos, "stop_loss.limit_price")
        stop_loss = Prices(limit_nanos, stop_nanos)
    return ticket._replace(take_profit_nanos=take_nanos or 0, stop_loss=stop_loss)


# Rules that join fields, in the order in which they are said.


def _exits_fit(ticket: Ticket) -> None:
    if ticket.order_class is OrderClass.SIMPLE:
        return
    if ticket.asset["class"] == OPTION:
        raise unprocessable("complex orders not supported for options trading")
    if ticket.life not in _RESTING or ticket.extended:
        raise unprocessable(f"{ticket.order_class.value} orders must be DAY or GTC orders without extended hours")
    if ticket.is_fractional:
        raise unprocessable("fractional orders are not supported for advanced order_class")
    if ticket.order_class is OrderClass.OCO and ticket.order_type is not OrderType.LIMIT:
        raise unprocessable("oco orders must be limit orders")
    if ticket.take_profit_nanos and ticket.stop_loss is not None:
        _check_pair(ticket, ticket.take_profit_nanos, ticket.stop_loss.stop_nanos)


def _check_pair(ticket: Ticket, take_nanos: int, stop_nanos: int) -> None:
    """Profit lies beyond the stop, on the side of the entry; the stop at least a cent away from the base price."""
    is_long = (ticket.side is Side.BUY) != (ticket.order_class is OrderClass.OCO)
    if is_long and take_nanos <= stop_nanos:
        raise unprocessable("take_profit.limit_price must be > stop_loss.stop_price")
    if not is_long and take_nanos >= stop_nanos:
        raise unprocessable("take_profit.limit_price must be < stop_loss.stop_price")
    base = take_nanos if ticket.order_class is OrderClass.OCO else ticket.prices.limit_nanos
    if base and is_long and stop_nanos > base - _PENNY:
        raise unprocessable("stop_loss.stop_price must be <= base_price - 0.01", {"base_price": nanos_text(base)})
    if base and not is_long and stop_nanos < base + _PENNY:
        raise unprocessable("stop_loss.stop_price must be >= base_price + 0.01", {"base_price": nanos_text(base)})


def _fractions_fit(ticket: Ticket) -> None:
    if not ticket.is_fractional:
        return
    if ticket.asset["class"] == OPTION:
        raise unprocessable("qty must be integer for options trading")
    if not ticket.asset["fractionable"]:
        raise forbidden("requested asset is not fractionable")
    if ticket.life is not Life.DAY:
        raise unprocessable("fractional orders must be DAY orders")
    if ticket.order_type is OrderType.TRAILING_STOP or (ticket.notional is not None and ticket.order_type is not OrderType.MARKET):
        raise unprocessable("fractional orders must be market, limit, stop or stop_limit orders; notional ones market orders")


def _hours_fit(ticket: Ticket) -> None:
    if not ticket.extended:
        return
    if ticket.order_type in STOPS or ticket.order_type is OrderType.TRAILING_STOP:
        raise unprocessable("stop orders are not eligible for extended hours trading")
    if ticket.order_type is not OrderType.LIMIT or ticket.life not in _RESTING or ticket.asset["class"] == OPTION:
        raise unprocessable("extended hours order must be DAY or GTC limit orders")


def _life_fits(ticket: Ticket) -> None:
    if ticket.life in _RESTING:
        if ticket.asset["class"] == OPTION and ticket.order_type is OrderType.TRAILING_STOP:
            raise unprocessable("trailing stop orders not supported for options trading")
        return
    if ticket.asset["class"] == OPTION:
        raise unprocessable("order_time_in_force provided not supported for options trading")
    if ticket.order_type not in _IMMEDIATE:
        raise unprocessable(f"invalid time_in_force: {ticket.life.value} orders must be market or limit orders")
    if ticket.life in _CROSSES:
        raise forbidden(f"{_CROSSES[ticket.life]}; this emulator has no auctions and takes none")


_CHECKS: Final = (_exits_fit, _fractions_fit, _hours_fit, _life_fits)
