"""Multi-leg orders: filled as a whole from the displayed quotes of all legs, or not at all."""

from typing import TYPE_CHECKING, Final

from tidegate.emulators.alpaca.accounts import Execution
from tidegate.emulators.alpaca.orders import Happening, Order, Status
from tidegate.values.enums import OrderType

if TYPE_CHECKING:
    from tidegate.emulators.alpaca.desk import Desk

_WAITING: Final = frozenset({Status.NEW, Status.PENDING_NEW})


def place(desk: "Desk", order: Order) -> None:
    """Take a multi-leg order in and fill it if its legs' quotes allow; else it waits for better ones."""
    order.submitted_ns = desk.floor.now_ns()
    for leg in order.legs:
        leg.submitted_ns = order.submitted_ns
        desk.blotter.add(leg)
    desk.blotter.add(order)
    desk.tell(order, Happening.PENDING_NEW)
    _show(order, Status.NEW)
    desk.tell(order, Happening.NEW)
    desk.watching.start(order)
    try_fill(desk, order)


def net_nanos(desk: "Desk", order: Order) -> int | None:
    """Return what one unit costs at the displayed quotes (negative: it pays); None where a leg has none."""
    total = 0
    for leg in order.legs:
        assert leg.side is not None
        price = desk.floor.market.top(leg.symbol).side_nanos(leg.side)
        if not price:
            return None
        total += leg.side.sign * leg.ratio * price
    return total


def try_fill(desk: "Desk", order: Order) -> None:
    """Fill a waiting order if its legs can be had at its price."""
    if order.status not in _WAITING or not desk.floor.is_open():
        return
    net = net_nanos(desk, order)
    if net is None or (order.order_type is OrderType.LIMIT and net > order.limit_nanos):
        return
    now_ns = desk.floor.now_ns()
    for leg in order.legs:
        _fill_leg(desk, leg, now_ns)
    order.filled_nanos, order.paid_attos = order.worked_nanos, net * order.worked_nanos
    order.filled_ns = now_ns
    _show(order, Status.FILLED)
    desk.watching.stop(order)
    desk.tell_fill(order, net)


def end_legs(order: Order, now_ns: int) -> None:
    """Let the legs show how their order has ended."""
    _show(order, order.status)
    for leg in order.legs:
        leg.canceled_ns, leg.expired_ns, leg.failed_ns = order.canceled_ns, order.expired_ns, order.failed_ns
        leg.updated_ns = now_ns


def _fill_leg(desk: "Desk", leg: Order, now_ns: int) -> None:
    assert leg.side is not None
    price = desk.floor.market.top(leg.symbol).side_nanos(leg.side)
    leg.filled_nanos, leg.paid_attos, leg.filled_ns, leg.updated_ns = leg.worked_nanos, leg.worked_nanos * price, now_ns, now_ns
    account = desk.account
    identity = account.next_execution_id(desk.floor.settings.seed)
    done = Execution(identity, now_ns, leg.symbol, leg.side, leg.worked_nanos, price, leg.multiplier)
    account.book(done, desk.floor.player.now_ns)
    account.note_fill(done, order_id=leg.id, left_nanos=0, filled_nanos=leg.filled_nanos, status=Status.FILLED)


def _show(order: Order, status: Status) -> None:
    order.status = status
    for leg in order.legs:
        leg.status = status
