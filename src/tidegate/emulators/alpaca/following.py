"""What follows from the fill or the end of one part of a bracket, OCO or OTO for its other parts.

Both exits work on the simulated venue; the stop is shown as held until it fills, as the venue shows it. In a fast market both can fill.
"""

from typing import TYPE_CHECKING, Final

from tidegate.emulators.alpaca.orders import Happening, Order, OrderClass, Status
from tidegate.values.enums import CommandKind, OrderType

if TYPE_CHECKING:
    from tidegate.emulators.alpaca.desk import Desk

_ENTERED: Final = frozenset({OrderClass.BRACKET, OrderClass.OTO})
_ELECTED: Final = {OrderType.STOP: OrderType.MARKET, OrderType.STOP_LIMIT: OrderType.LIMIT}


def after_fill(desk: "Desk", order: Order) -> None:
    """An order was filled, in part or as a whole."""
    if _is_entry(order):
        if order.status is Status.FILLED:
            _activate(desk, order)
        return
    for other in siblings(order):
        if other.is_over:
            continue
        if order.status is Status.FILLED or order.order_type in _ELECTED:
            desk.cancel(other)
        else:
            desk.resize(other, order.rest_nanos)


def after_end(desk: "Desk", order: Order) -> None:
    """An order has ended without being filled as a whole; what depended on it ends as well."""
    dependents = order.legs if _is_entry(order) else siblings(order)
    if order.leg_of is not None and _is_entry(order.leg_of) and not order.leg_of.is_over:
        dependents = [*dependents, order.leg_of]
    for other in dependents:
        expires_itself = order.status is Status.EXPIRED and desk.is_sent(other)
        if not other.is_over and not expires_itself:
            desk.cancel(other)


def after_replaced(desk: "Desk", order: Order, successor: Order) -> None:
    """A replacement takes its original's place among the legs, and the legs of its original, which follow its quantity."""
    parent = order.leg_of
    if parent is not None:
        successor.leg_of = parent
        parent.legs = [successor if leg is order else leg for leg in parent.legs]
    successor.legs, order.legs = order.legs, []
    for leg in successor.legs:
        leg.leg_of = successor
        if leg.rest_nanos != successor.rest_nanos and not leg.is_over:
            desk.resize(leg, successor.rest_nanos)


def elect_late(desk: "Desk", order: Order) -> None:
    """The market has passed a protective stop before it could rest: it is elected at once."""
    assert order.order_type is not None
    desk.send(CommandKind.SUBMIT, order, sim_id=f"{order.id}-elected", order_type=_ELECTED[order.order_type])


def siblings(order: Order) -> list[Order]:
    """Return the other exits that an order of a pair excludes."""
    if order.leg_of is not None and order.leg_of.order_class is OrderClass.BRACKET:
        return [leg for leg in order.leg_of.legs if leg is not order]
    if order.order_class is OrderClass.OCO:
        return [order.leg_of] if order.leg_of is not None else list(order.legs)
    return []


def _is_entry(order: Order) -> bool:
    return not order.is_leg and order.order_class in _ENTERED


def _activate(desk: "Desk", entry: Order) -> None:
    """Send the exits of a filled entry: the first one live, the stop of a pair held."""
    is_pair = entry.order_class is OrderClass.BRACKET
    for leg in entry.legs:
        if leg.is_over:
            continue
        leg.submitted_ns = desk.floor.now_ns()
        if not (is_pair and leg.order_type in _ELECTED):
            leg.status = Status.PENDING_NEW
            desk.tell(leg, Happening.PENDING_NEW)
        desk.send(CommandKind.SUBMIT, leg, sim_id=leg.id)
