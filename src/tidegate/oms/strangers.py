"""Orders we did not command: another of us (halt everything) or somebody else's (adopt and flag)."""

from typing import Final

from tidegate.events.inputs import OrderEvent
from tidegate.oms.order import Finding, FindingKind, Order
from tidegate.values.enums import GateScope, GateState, OrderType, Purpose, TimeInForce

_BODY_LENGTH: Final = 26
_BODY: Final = frozenset("abcdefghijklmnopqrstuvwxyz234567")


def is_our_shape(client_order_id: str) -> bool:
    """Tell whether an id is written as `values.ids.client_order_id` writes them.

    Lease epoch, dash, 26 letters of base32's alphabet.
    """
    epoch, _, body = client_order_id.partition("-")
    return epoch.isascii() and epoch.isdigit() and len(body) == _BODY_LENGTH and _BODY.issuperset(body)


def unknown_own(event: OrderEvent) -> Finding:
    """Return the finding for an order that looks like ours and is not known here."""
    return Finding(
        kind=FindingKind.UNKNOWN_OWN_ORDER,
        client_order_id=event.client_order_id,
        symbol=event.symbol,
        sentence=f"Order {event.client_order_id} ({event.kind.value}) looks like ours but is not known; "
        "make sure that no second trader runs on this account, then reconcile.",
        scope=GateScope.GLOBAL,
    )


def unknown_instrument(event: OrderEvent) -> Finding:
    """Return the finding for an event of a symbol that was never defined."""
    return Finding(
        kind=FindingKind.UNKNOWN_INSTRUMENT,
        client_order_id=event.client_order_id,
        symbol=event.symbol,
        sentence=f"An order of {event.symbol} exists at the venue, but no such instrument is defined; define it and reconcile the account.",
        scope=GateScope.GLOBAL,
        state=GateState.REDUCE_ONLY,
    )


def adopted(event: OrderEvent) -> tuple[Order, Finding]:
    """Return somebody else's order as one of the books, and the finding that flags it.

    Its size is what fills of it.
    """
    key = event.client_order_id or event.venue_order_id
    order = Order(
        client_order_id=key,
        correlation_id=event.correlation_id,
        strategy_id=event.strategy_id,
        symbol=event.symbol,
        venue="",
        side=event.side,
        purpose=Purpose.ENTRY,
        order_type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTC,
        quantity_nanos=0,
        limit_price_nanos=0,
        submitted_ns=event.timestamp,
        begun_ns=event.timestamp,
        approved_nanos=0,
        remaining_nanos=0,
        venue_order_id=event.venue_order_id,
        external=True,
    )
    finding = Finding(
        kind=FindingKind.EXTERNAL_ORDER,
        client_order_id=key,
        symbol=event.symbol,
        sentence=f"Order {key} of {event.symbol} was placed by somebody else on this account; "
        "its fills are counted, and the symbol is reduce-only until you resume it.",
        scope=GateScope.SYMBOL,
        key=event.symbol,
        state=GateState.REDUCE_ONLY,
    )
    return order, finding
