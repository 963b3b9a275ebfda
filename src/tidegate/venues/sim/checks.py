"""Checks of a command's form, as a venue makes them before it looks at the market. Each gives the reason it would send back."""

from collections.abc import Mapping
from typing import Final

from tidegate.events.acts import OrderCommand
from tidegate.values.enums import InstrumentKind, OrderType, TimeInForce
from tidegate.values.ids import CLIENT_ORDER_ID_LENGTH_MAX
from tidegate.values.instruments import Instrument
from tidegate.values.money import NANOS
from tidegate.venues.sim import rows

TYPES: Final[Mapping[OrderType, int]] = {
    OrderType.MARKET: rows.MARKET,
    OrderType.LIMIT: rows.LIMIT,
    OrderType.STOP: rows.STOP,
    OrderType.STOP_LIMIT: rows.STOP_LIMIT,
    OrderType.TRAILING_STOP: rows.TRAILING,
}
LIVES: Final[Mapping[TimeInForce, int]] = {
    TimeInForce.DAY: rows.DAY,
    TimeInForce.GTC: rows.GTC,
    TimeInForce.IOC: rows.IOC,
    TimeInForce.FOK: rows.FOK,
}

NUMBER_MAX: Final = 2**60  # nanos; sums and differences of two stay within 64 bits
_LIMITED: Final = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
_STOPPED: Final = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})
_STOPS: Final = _STOPPED | {OrderType.TRAILING_STOP}
_IMMEDIATE: Final = frozenset({TimeInForce.IOC, TimeInForce.FOK})
_COLLAR_FROM: Final = 50 * NANOS

# Members of an enum are looked up slowly before Python 3.12.
_LIMIT: Final = OrderType.LIMIT
_INDEX: Final = InstrumentKind.INDEX


def form_fault(command: OrderCommand, instrument: Instrument) -> str:
    """Return what is wrong with a new order's form; empty: nothing."""
    if not 0 < len(command.client_order_id) <= CLIENT_ORDER_ID_LENGTH_MAX:
        return f"client_order_id must have 1 to {CLIENT_ORDER_ID_LENGTH_MAX} characters"
    if instrument.kind is _INDEX or instrument.venue != command.venue:
        return f"{command.symbol} is not traded at {command.venue}"
    quantity = command.quantity_nanos
    if not 0 < quantity <= NUMBER_MAX or quantity % instrument.lot_nanos:
        return "qty must be a positive number of lots"
    if command.order_type is _LIMIT and not command.stop_price_nanos and not command.trail_nanos:
        return _price_fault(command.limit_price_nanos, instrument, "limit_price")
    if command.order_type in _STOPS and command.time_in_force in _IMMEDIATE:
        return f"a {command.order_type} order cannot be {command.time_in_force}"
    return _limit_fault(command, instrument) or _stop_fault(command, instrument) or _trail_fault(command)


def _limit_fault(command: OrderCommand, instrument: Instrument) -> str:
    if command.order_type in _LIMITED:
        return _price_fault(command.limit_price_nanos, instrument, "limit_price")
    return _stranger(command, "limit_price", command.limit_price_nanos)


def _stop_fault(command: OrderCommand, instrument: Instrument) -> str:
    if command.order_type in _STOPPED:
        return _price_fault(command.stop_price_nanos, instrument, "stop_price")
    return _stranger(command, "stop_price", command.stop_price_nanos)


def _trail_fault(command: OrderCommand) -> str:
    if command.order_type is not OrderType.TRAILING_STOP:
        return _stranger(command, "trail_price", command.trail_nanos)
    return "" if 0 < command.trail_nanos <= NUMBER_MAX else "trail_price must be positive"


def _stranger(command: OrderCommand, name: str, value: int) -> str:
    """Refuse a field that an order of this type does not have."""
    return f"{name} does not belong to a {command.order_type} order" if value else ""


def _price_fault(price: int, instrument: Instrument, name: str) -> str:
    if not 0 < price <= NUMBER_MAX:
        return f"{name} must be positive"
    if price % instrument.tick_at(price):
        return f"invalid {name} {price / NANOS:.9g}. sub-penny increment does not fulfill minimum pricing criteria"
    return ""


def collared_limit(stop_nanos: int, instrument: Instrument) -> int:
    """Return the limit that a buy stop gets at Alpaca: 4 % above a stop below $50, else 2.5 %; down to the tick."""
    above = stop_nanos * 104 // 100 if stop_nanos < _COLLAR_FROM else stop_nanos * 1_025 // 1_000
    return instrument.floor_price(above)


def replace_fault(command: OrderCommand, original: OrderCommand) -> str:
    """Return what is wrong with a replacement in the light of what it replaces; empty: nothing."""
    if (command.symbol, command.side, command.order_type) != (
        original.symbol,
        original.side,
        original.order_type,
    ):
        return "a replacement cannot change symbol, side or type"
    changed = (
        command.quantity_nanos,
        command.limit_price_nanos,
        command.stop_price_nanos,
        command.trail_nanos,
        command.time_in_force,
    )
    if changed == (
        original.quantity_nanos,
        original.limit_price_nanos,
        original.stop_price_nanos,
        original.trail_nanos,
        original.time_in_force,
    ):
        return "order parameters are not changed"
    return ""
