"""What does not add up about an order, in words, and the gate each asks for.

Built only when there is something to say.
"""

from typing import Final

from tidegate.events.inputs import OrderEvent
from tidegate.oms.order import Finding, FindingKind, Order
from tidegate.values.enums import GateScope
from tidegate.values.money import nanos_text

_TALLY: Final = {
    FindingKind.DUPLICATE_EXECUTION: "one execution came under two ids; it was counted once",
    FindingKind.FILL_WITHOUT_PRICE: "a fill came without a price; it is booked at the order's own for now",
    FindingKind.UNSEEN_BUST: "an execution that was never booked was busted; reconcile the account",
    FindingKind.CORRECTION_WITHOUT_ID: "a correction names no execution; it was not booked, reconcile",
}


def mismatch(order: Order, event: OrderEvent) -> Finding:
    """An event of this id speaks of another symbol or side."""
    sentence = (
        f"An event of order {order.client_order_id} says {event.side.value} {event.symbol}, the order is "
        f"{order.side.value} {order.symbol}; it was not booked, reconcile the account."
    )
    return about(order, FindingKind.MISMATCH, sentence, halt=True)


def illegal(order: Order, event: OrderEvent) -> Finding:
    """No row of the table allows the word."""
    sentence = (
        f"Order {order.client_order_id} is {order.state.value} and now the venue says {event.kind.value}; its state was kept, look it up."
    )
    return about(order, FindingKind.ILLEGAL_TRANSITION, sentence, halt=False)


def late_appearance(order: Order, event: OrderEvent) -> Finding:
    """An order that was proved not to live does."""
    sentence = (
        f"Order {order.client_order_id} was {order.state.value} and now the venue says {event.kind.value}; "
        "it is taken back, canceled if it works, and the symbol is halted until you have looked."
    )
    return about(order, FindingKind.LATE_APPEARANCE, sentence, halt=True)


def missed_working(order: Order) -> Finding:
    """A complete lookup does not find an order that works."""
    sentence = f"A complete lookup did not find order {order.client_order_id}, which works; it still counts in full."
    return about(order, FindingKind.LOOKUP_MISSED_WORKING, sentence, halt=False)


def cancel_refused(order: Order, event: OrderEvent) -> Finding:
    """The venue keeps refusing to cancel."""
    sentence = (
        f"The venue refused {order.cancels_refused} times to cancel order {order.client_order_id} "
        f"({event.reason or 'no reason given'}); look at it there, the symbol is halted."
    )
    return about(order, FindingKind.CANCEL_REFUSED, sentence, halt=True)


def overfill(order: Order) -> Finding:
    """More filled than was ordered."""
    sentence = (
        f"Order {order.client_order_id} was for {nanos_text(order.quantity_nanos)} and "
        f"{nanos_text(order.filled_nanos)} filled; the position counts all of it, and the symbol is halted "
        "until you have reconciled."
    )
    return about(order, FindingKind.OVERFILL, sentence, halt=True)


def of_tally(order: Order, kind: FindingKind) -> Finding:
    """A quantity could not be taken as it came."""
    sentence = f"Order {order.client_order_id}: {_TALLY[kind]}."
    return about(order, kind, sentence, halt=kind is FindingKind.CORRECTION_WITHOUT_ID)


def chain_overfill(order: Order, *, filled_nanos: int) -> Finding:
    """An order and those that continue it fill, or could fill, more than was approved."""
    approved, filled = nanos_text(order.approved_nanos), nanos_text(filled_nanos)
    sentence = (
        f"Order {order.client_order_id} and those that continue it were approved for {approved} together, "
        f"filled {filled} and could fill more; what works of them is canceled."
    )
    return about(order, FindingKind.CHAIN_OVERFILL, sentence, halt=filled_nanos > order.approved_nanos)


def about(order: Order, kind: FindingKind, sentence: str, *, halt: bool) -> Finding:
    """Return a finding about an order; `halt` asks that its symbol be halted."""
    return Finding(
        kind=kind,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        sentence=sentence,
        scope=GateScope.SYMBOL if halt else None,
        key=order.symbol if halt else "",
    )
