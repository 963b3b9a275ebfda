"""How much one event filled, and what it cost: executions by id, running totals, corrections and busts. Pure.

An execution counts once, by its id. Where an event has no execution id, the venue's running total counts: what it is ahead of us
is booked as *anonymous* quantity, and the execution that turns up later explains it (its price and fee replace the provisional
ones). Where the same execution comes under two ids, by stream and by lookup, the running total leaves no room for the second.
A running total never falls without a correction.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from tidegate.events.inputs import OrderEvent
from tidegate.oms.order import Execution, FindingKind, Order
from tidegate.values.enums import OrderEventKind, Side
from tidegate.values.money import attos

NO_FEE: Final = "0"


class Amount(NamedTuple):
    """A quantity with its money, unsigned by side: positive adds to what the order filled."""

    quantity_nanos: int
    cost_attos: int
    fee_attos: int


class Tally(NamedTuple):
    """What an event adds to an order. `amounts` are booked one by one: a reversal before what replaces it."""

    amounts: tuple[Amount, ...] = ()
    execution: Execution | None = None  # to be remembered under the event's execution id
    venue_filled_nanos: int = 0
    anonymous: Amount | None = None  # change of what is anonymous
    finding: FindingKind | None = None
    note: str = ""


def tally(order: Order, event: OrderEvent, executions: Mapping[str, Execution], multiplier: int) -> Tally:
    """Return what an event fills, takes back or restates."""
    kind = event.kind
    known = executions.get(event.execution_id)
    if kind is OrderEventKind.FILL_BUSTED or (
        kind is OrderEventKind.FILL_CORRECTED and (known or not event.execution_id)
    ):
        return _correction(order, event, known, multiplier)
    if event.execution_id and event.last_quantity_nanos > 0:
        if known is not None:
            return Tally(venue_filled_nanos=order.venue_filled_nanos, note="execution seen before")
        return _execution(order, event, multiplier)
    return _running_total(order, event, multiplier)


def fee_attos(text: str) -> int:
    """Return a fee in attos; most are nothing, and parsing is not."""
    return 0 if text == NO_FEE else attos(text)


def _execution(order: Order, event: OrderEvent, multiplier: int) -> Tally:
    quantity, price = event.last_quantity_nanos, event.last_price_nanos
    told = max(order.venue_filled_nanos, event.cum_quantity_nanos)
    explained = 0
    if event.cum_quantity_nanos:
        explained = max(0, order.filled_nanos + quantity - told)  # the total leaves no room for so much
    elif order.anonymous_nanos:
        explained = min(order.anonymous_nanos, quantity)
    if explained > order.anonymous_nanos:
        again = Execution(0, price, NO_FEE)
        return Tally(execution=again, venue_filled_nanos=told, finding=FindingKind.DUPLICATE_EXECUTION)
    finding = None
    if price <= 0:
        price, finding = order.price_nanos, FindingKind.FILL_WITHOUT_PRICE
    execution = Execution(quantity, price, event.fee_usd)
    amount = Amount(quantity, quantity * price * multiplier, fee_attos(event.fee_usd))
    if not explained:
        return Tally((amount,), execution, told, None, finding)
    back = Amount(
        -explained,
        -(order.anonymous_cost_attos * explained // order.anonymous_nanos),
        -(order.anonymous_fees_attos * explained // order.anonymous_nanos),
    )
    joined = Amount(*(new + old for new, old in zip(amount, back, strict=True)))
    return Tally((joined,), execution, told, back, finding, "explains quantity booked by running total")


def _running_total(order: Order, event: OrderEvent, multiplier: int) -> Tally:
    ahead = event.cum_quantity_nanos - order.filled_nanos
    told = max(order.venue_filled_nanos, event.cum_quantity_nanos)
    if ahead <= 0:
        return Tally(venue_filled_nanos=told)
    price, finding = event.last_price_nanos, None
    if price <= 0:
        price, finding = order.price_nanos, FindingKind.FILL_WITHOUT_PRICE
    amount = Amount(ahead, ahead * price * multiplier, fee_attos(event.fee_usd))
    return Tally((amount,), None, told, amount, finding, "booked by running total")


def _correction(order: Order, event: OrderEvent, old: Execution | None, multiplier: int) -> Tally:
    told = order.venue_filled_nanos
    if not event.execution_id:
        return Tally(venue_filled_nanos=told, finding=FindingKind.CORRECTION_WITHOUT_ID)
    busted = event.kind is OrderEventKind.FILL_BUSTED
    if old is None:
        return Tally(
            execution=Execution(0, event.last_price_nanos, NO_FEE),
            venue_filled_nanos=told,
            finding=FindingKind.UNSEEN_BUST,
        )
    price = old.price_nanos if busted else event.last_price_nanos
    new = Execution(0 if busted else event.last_quantity_nanos, price, NO_FEE if busted else event.fee_usd)
    if new == old:
        return Tally(venue_filled_nanos=told, note="correction seen before")
    was, becomes = _amount(old, multiplier), _amount(new, multiplier)
    told = max(0, told + new.quantity_nanos - old.quantity_nanos)
    reversal = Amount(*(-value for value in was))
    if new.quantity_nanos == old.quantity_nanos:
        restated = Amount(*(after - before for after, before in zip(becomes, was, strict=True)))
        return Tally((restated,), new, told)
    return Tally((reversal, becomes) if new.quantity_nanos else (reversal,), new, told)


def _amount(execution: Execution, multiplier: int) -> Amount:
    quantity = execution.quantity_nanos
    return Amount(quantity, quantity * execution.price_nanos * multiplier, fee_attos(execution.fee))


def signed(side: Side, value: int) -> int:
    """Return an amount with the sign of its side: buying adds, selling takes away."""
    return value if side is Side.BUY else -value
