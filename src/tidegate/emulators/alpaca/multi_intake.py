"""Reads multi-leg option orders: two to four legs of one underlying, each short leg covered inside the order."""

from collections import Counter
from math import gcd
from typing import TYPE_CHECKING, Final

from tidegate.emulators.alpaca import money
from tidegate.emulators.alpaca.assets import OPTION
from tidegate.emulators.alpaca.errors import forbidden, malformed, unprocessable
from tidegate.emulators.alpaca.intake import read_client_id, word
from tidegate.emulators.alpaca.multi import net_nanos
from tidegate.emulators.alpaca.orders import Intent, Life, Order, OrderClass, dollars
from tidegate.emulators.alpaca.wire import Body, read_nanos, uuid_of
from tidegate.values.enums import OrderType, Side
from tidegate.values.instruments import Instrument
from tidegate.values.money import NANOS

if TYPE_CHECKING:
    from tidegate.emulators.alpaca.desk import Desk

SPREADS_LEVEL: Final = 3
_LEGS: Final = range(2, 5)
_TYPES: Final = frozenset({OrderType.MARKET, OrderType.LIMIT})
_OPENS: Final = frozenset({Intent.BUY_TO_OPEN, Intent.SELL_TO_OPEN})


def read(desk: "Desk", body: Body) -> Order:
    """Read a multi-leg order and check it.

    Raises:
        WireRefusal: whatever is wrong with it.
    """
    order_type = word(body, "type", OrderType, "invalid order type")
    life = word(body, "time_in_force", Life, "invalid time_in_force")
    quantity = read_nanos(body, "qty")
    if quantity is None or quantity <= 0 or quantity % NANOS:
        raise malformed("qty must be integer for options trading")
    limit = read_nanos(body, "limit_price")
    if order_type not in _TYPES or life not in {Life.DAY, Life.GTC}:
        raise unprocessable("mleg orders must be DAY or GTC market or limit orders")
    if (order_type is OrderType.LIMIT) != (limit is not None):
        raise malformed("limit orders require a limit price" if limit is None else "market orders require no stop or limit price")
    order = _parent(desk, body, order_type, life)
    order.quantity_nanos = order.worked_nanos = quantity
    order.limit_nanos = limit or 0
    order.legs = [_leg(desk, order, raw, place) for place, raw in enumerate(_raw_legs(body))]
    _check_legs(desk, order)
    return order


def _raw_legs(body: Body) -> list[Body]:
    raw = body.get("legs")
    if not isinstance(raw, list) or len(raw) not in _LEGS or not all(isinstance(leg, dict) for leg in raw):
        raise unprocessable("mleg orders must have at least 2 legs and at most 4 legs")
    return raw


def _parent(desk: "Desk", body: Body, order_type: OrderType, life: Life) -> Order:
    now_ns = desk.floor.now_ns()
    identity = desk.next_id()
    return Order(
        id=identity,
        client_order_id=read_client_id(body) or uuid_of(identity, "client"),
        symbol="",
        asset_id="",
        asset_class="",
        side=None,
        order_type=order_type,
        life=life,
        order_class=OrderClass.MLEG,
        quantity_nanos=0,
        worked_nanos=0,
        created_ns=now_ns,
        submitted_ns=now_ns,
        updated_ns=now_ns,
        expires_ns=desk.floor.expiry_ns(life),
    )


def _leg(desk: "Desk", order: Order, raw: Body, place: int) -> Order:
    symbol = desk.floor.assets.need(str(raw.get("symbol") or ""))
    asset = desk.floor.assets.body(symbol)
    if asset["class"] != OPTION:
        raise unprocessable("equity legs are not supported")
    ratio = read_nanos(raw, "ratio_qty")
    if ratio is None or ratio <= 0 or ratio % NANOS:
        raise malformed("ratio_qty must be a positive integer")
    if not raw.get("position_intent"):
        raise malformed(f"leg.{place} position intent is required")
    intent = word(raw, "position_intent", Intent, "invalid position_intent")
    side = Side.BUY if intent in {Intent.BUY_TO_OPEN, Intent.BUY_TO_CLOSE} else Side.SELL
    if raw.get("side") and word(raw, "side", Side, "invalid side") is not side:
        raise unprocessable(f"position intent mismatch, inferred: {raw['side']}, specified: {intent}")
    count = ratio // NANOS
    identity = uuid_of(order.id, "leg", place)
    return Order(
        id=identity,
        client_order_id=uuid_of(identity, "client"),
        symbol=symbol,
        asset_id=str(asset["id"]),
        asset_class=OPTION,
        side=side,
        order_type=None,
        life=order.life,
        order_class=OrderClass.MLEG,
        quantity_nanos=order.worked_nanos * count,
        worked_nanos=order.worked_nanos * count,
        created_ns=order.created_ns,
        submitted_ns=order.created_ns,
        updated_ns=order.created_ns,
        expires_ns=order.expires_ns,
        intent=intent,
        leg_of=order,
        ratio=count,
        multiplier=_instrument(desk, symbol).multiplier,
    )


def _check_legs(desk: "Desk", order: Order) -> None:
    if desk.account.settings.options_level < SPREADS_LEVEL:
        raise forbidden("account not eligible to trade spreads or uncovered contracts")
    if len({leg.symbol for leg in order.legs}) < len(order.legs):
        raise unprocessable("duplicate leg symbols")
    if len({_instrument(desk, leg.symbol).underlying for leg in order.legs}) > 1:
        raise unprocessable("underlying asset mismatch")
    if gcd(*(leg.ratio for leg in order.legs)) != 1:
        raise unprocessable("leg ratio quantities must have a greatest common divisor of 1")
    _check_cover(desk, order)
    _check_closing(desk, order)
    _check_cost(desk, order)


def _check_cover(desk: "Desk", order: Order) -> None:
    """Every contract sold to open needs one of its kind that is bought in the same order."""
    cover: Counter[str] = Counter()
    for leg in order.legs:
        if leg.intent in _OPENS and leg.side is not None:
            cover[_instrument(desk, leg.symbol).right] += leg.side.sign * leg.ratio
    if any(count < 0 for count in cover.values()):
        raise forbidden("account not eligible to trade uncovered option contracts")


def _check_closing(desk: "Desk", order: Order) -> None:
    for leg in order.legs:
        held = desk.account.holding(leg.symbol).quantity_nanos
        if leg.intent not in _OPENS and leg.side is not None and held * -leg.side.sign < leg.worked_nanos:
            raise forbidden(
                f"insufficient qty available for order (requested: {leg.worked_nanos // NANOS}, available: {abs(held) // NANOS})"
            )


def _check_cost(desk: "Desk", order: Order) -> None:
    """The net debit must be paid for; a leg without a displayed quote cannot be priced, so the order is refused."""
    net = net_nanos(desk, order)
    if net is None:
        raise unprocessable(
            "a leg has no displayed quote on this tape, so this emulator cannot fill the order; send it when all legs are quoted"
        )
    multiplier = order.legs[0].multiplier
    cost = max(order.limit_nanos or net, 0) * order.worked_nanos * multiplier
    power = money.buying_power_attos(desk.account, desk.floor, desk.blotter.open(), times=1)
    if cost > power:
        raise forbidden("insufficient options buying power", {"options_buying_power": dollars(power), "cost_basis": dollars(cost)})


def _instrument(desk: "Desk", symbol: str) -> Instrument:
    market = desk.floor.market
    return market.instruments[market.places[symbol]]
