"""How much one event filled, and what it cost: executions by id, running totals, corrections and busts. Pure.

An execution counts once, by its id. Where an event has no execution id, the venue's running total counts:
what it is ahead of us is booked as *anonymous* quantity, and the execution that turns up later explains it
(its price and fee replace the provisional ones). Where the same execution comes under two ids, by stream and
by lookup, the running total leaves no room for the second. A running total never falls without a correction.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from tidegate.events.inputs import OrderEvent
from tidegate.oms.order import Execution, FindingKind, Order
from tidegate.portfolio.positions import Fill
from tidegate.values.enums import OrderEventKind, Side
from tidegate.values.money import attos

NO_FEE: Final = "0"

_BUSTED: Final = OrderEventKind.FILL_BUSTED
_CORRECTED: Final = OrderEventKind.FILL_CORRECTED
_BUY: Final = Side.BUY


class Amount(msgspec.Struct, frozen=True, gc=False):
    """A quantity with its money, unsigned by side: positive adds to what the order filled."""

    quantity_nanos: int
    cost_attos: int
    fee_attos: int


class Tally(msgspec.Struct, frozen=True, gc=False):
    """What an event adds to an order. `fills` are booked one by one: a reversal before what replaces it."""

    fills: tuple[Fill, ...] = ()
    venue_filled_nanos: int = 0
    execution: Execution | None = None  # to be remembered under the event's execution id
    anonymous: Amount | None = None  # change of what is anonymous
    finding: FindingKind | None = None
    note: str = ""


def tally(order: Order, event: OrderEvent, executions: Mapping[str, Execution], multiplier: int) -> Tally:
    """Return what an event fills, takes back or restates."""
    kind = event.kind
    known = executions.get(event.execution_id)
    if kind is _BUSTED or (kind is _CORRECTED and (known is not None or not event.execution_id)):
        return _correction(order, event, known, multiplier)
    if event.execution_id and event.last_quantity_nanos > 0:
        if known is not None:
            return Tally((), order.venue_filled_nanos, note="execution seen before")
        return _execution(order, event, executions, multiplier)
    return _running_total(order, event, multiplier)


def fee_attos(text: str) -> int:
    """Return a fee in attos; most are nothing, and parsing is not."""
    return 0 if text == NO_FEE else attos(text)


def _execution(order: Order, event: OrderEvent, executions: Mapping[str, Execution], multiplier: int) -> Tally:
    quantity, price, total = event.last_quantity_nanos, event.last_price_nanos, event.cum_quantity_nanos
    told = order.venue_filled_nanos
    if total > told:
        told = total
    elif total and _told_before(total, executions):
        return Tally((), told, Execution(0, price, NO_FEE), finding=FindingKind.DUPLICATE_EXECUTION)
    # The running total leaves no room for so much; without one, what is anonymous is explained first.
    explained = order.filled_nanos + quantity - told if total else min(order.anonymous_nanos, quantity)
    if explained > order.anonymous_nanos:
        return Tally((), told, Execution(0, price, NO_FEE), finding=FindingKind.DUPLICATE_EXECUTION)
    finding = None
    if price <= 0:
        price, finding = order.price_nanos, FindingKind.FILL_WITHOUT_PRICE
    execution = Execution(quantity, price, event.fee_usd, total)
    cost, fee = quantity * price * multiplier, fee_attos(event.fee_usd)
    if explained <= 0:
        return Tally((_fill(order, quantity, cost, fee),), told, execution, None, finding)
    back = Amount(
        -explained,
        -(order.anonymous_cost_attos * explained // order.anonymous_nanos),
        -(order.anonymous_fees_attos * explained // order.anonymous_nanos),
    )
    fill = _fill(order, quantity + back.quantity_nanos, cost + back.cost_attos, fee + back.fee_attos)
    return Tally((fill,), told, execution, back, finding, "explains what a running total told before")


def _told_before(total_nanos: int, executions: Mapping[str, Execution]) -> bool:
    """Tell whether another execution came with the same running total.

    Then this is that one under a second id.
    """
    return any(known.total_nanos == total_nanos and known.quantity_nanos for known in executions.values())


def _running_total(order: Order, event: OrderEvent, multiplier: int) -> Tally:
    total = event.cum_quantity_nanos
    ahead = total - order.filled_nanos
    if ahead <= 0:
        return Tally((), max(order.venue_filled_nanos, total))
    price, finding = event.last_price_nanos, None
    if price <= 0:
        price, finding = order.price_nanos, FindingKind.FILL_WITHOUT_PRICE
    amount = Amount(ahead, ahead * price * multiplier, fee_attos(event.fee_usd))
    fill = _fill(order, ahead, amount.cost_attos, amount.fee_attos)
    return Tally((fill,), max(order.venue_filled_nanos, total), None, amount, finding, "booked by running total")


def _correction(order: Order, event: OrderEvent, old: Execution | None, multiplier: int) -> Tally:
    told = order.venue_filled_nanos
    if not event.execution_id:
        return Tally((), told, finding=FindingKind.CORRECTION_WITHOUT_ID)
    busted = event.kind is _BUSTED
    if old is None:
        remembered = Execution(0, event.last_price_nanos, NO_FEE)
        return Tally((), told, remembered, finding=FindingKind.UNSEEN_BUST)
    price = old.price_nanos if busted else event.last_price_nanos
    quantity, fee = (0, NO_FEE) if busted else (event.last_quantity_nanos, event.fee_usd)
    new = Execution(quantity, price, fee, old.total_nanos)
    if new == old:
        return Tally((), told, note="correction seen before")
    old_cost, new_cost = (one.quantity_nanos * one.price_nanos * multiplier for one in (old, new))
    old_fee, new_fee = fee_attos(old.fee), fee_attos(new.fee)
    told = max(0, told + quantity - old.quantity_nanos)
    if quantity == old.quantity_nanos:
        return Tally((_fill(order, 0, new_cost - old_cost, new_fee - old_fee),), told, new)
    reversal = _fill(order, -old.quantity_nanos, -old_cost, -old_fee)
    return Tally((reversal, _fill(order, quantity, new_cost, new_fee)) if quantity else (reversal,), told, new)


def _fill(order: Order, quantity_nanos: int, cost_attos: int, fee_attos: int) -> Fill:
    """Return what is booked of an amount, which is unsigned by side: positive adds to what the order filled."""
    side = order.side
    sign = 1 if side is _BUY else -1
    return Fill(
        strategy_id=order.strategy_id,
        symbol=order.symbol,
        side=side,
        quantity_nanos=sign * quantity_nanos,
        cost_attos=sign * cost_attos,
        fee_attos=fee_attos,
    )
