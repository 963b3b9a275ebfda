"""One event on one order: its quantity, then its word by the table.

Pure: it returns the change, with what to book.
"""

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from tidegate.events.inputs import OrderEvent
from tidegate.oms import complaints
from tidegate.oms.order import Change, Execution, Finding, Order
from tidegate.oms.plans import OmsPolicy
from tidegate.oms.tally import Tally, tally
from tidegate.oms.transitions import NEVER_LIVED, TERMINAL, next_state
from tidegate.values.enums import OrderEventKind, OrderState, Side

_FILL_KINDS: Final = frozenset(
    {
        OrderEventKind.PARTIALLY_FILLED,
        OrderEventKind.FILLED,
        OrderEventKind.FILL_CORRECTED,
        OrderEventKind.FILL_BUSTED,
    }
)
_NO_EVIDENCE: Final = frozenset({OrderEventKind.SUBMITTED, OrderEventKind.OUTCOME_UNKNOWN, OrderEventKind.LOOKUP_MISSED})
_FILLED: Final = OrderEventKind.FILLED
_PARTIALLY_FILLED: Final = OrderEventKind.PARTIALLY_FILLED
_OUTCOME_UNKNOWN: Final = OrderEventKind.OUTCOME_UNKNOWN
_MISSED: Final = OrderEventKind.LOOKUP_MISSED

# Members of an enum are looked up slowly before Python 3.12.
_BUY: Final = Side.BUY
_UNKNOWN: Final = OrderState.UNKNOWN
_ACCEPTED: Final = OrderState.ACCEPTED
_PARTIAL: Final = OrderState.PARTIAL
_CANCEL_REJECTED: Final = OrderEventKind.CANCEL_REJECTED


def apply_event(order: Order, event: OrderEvent, executions: Mapping[str, Execution], policy: OmsPolicy, multiplier: int) -> Change:
    """Return the order after an event, the fills to book, and what does not add up."""
    kind = event.kind
    if kind in _FILL_KINDS:
        return _quantity(order, event, kind, tally(order, event, executions, multiplier))
    if event.cum_quantity_nanos <= order.filled_nanos and not event.execution_id:
        after, findings = _word(order, event, policy)
        return Change(order=after, before=order.state, findings=findings)
    # A quantity within another word, as in "canceled, 40 filled", is a fill that comes before the word.
    filled = _quantity(order, event, _PARTIALLY_FILLED, tally(order, event, executions, multiplier))
    after, findings = _word(filled.order, event, policy)
    return replace(filled, order=after, findings=filled.findings + findings)


def _quantity(order: Order, event: OrderEvent, kind: OrderEventKind, tallied: Tally) -> Change:
    """Take in what an event filled, took back or restated."""
    filled, cost, fees, ordered = order.filled_nanos, order.filled_cost_attos, order.fees_attos, order.quantity_nanos
    sign = 1 if order.side is _BUY else -1
    for fill in tallied.fills:
        filled += sign * fill.quantity_nanos
        cost += sign * fill.cost_attos
        fees += fill.fee_attos
    more = filled > order.filled_nanos
    complete = filled >= ordered or _is_settled(order, event, filled)
    if order.external:  # its size is not known: what filled of it, until the venue calls it whole
        ordered = max(filled, ordered)
        complete = kind is _FILLED
    state = next_state(order.state, kind, complete=complete)
    assert state is not None, "fills are taken in every state"
    working = state not in TERMINAL
    told = tallied.venue_filled_nanos
    whole = order.called_whole or kind is _FILLED  # what is missing of it is on its way, or was filled by the order it replaced
    if kind is _FILLED and not told:
        told = ordered  # it comes without running totals
    now_ns = event.timestamp
    doubtful = working and (told > filled or whole or state is _UNKNOWN)
    after = replace(
        order,
        state=state,
        working=working,
        quantity_nanos=ordered,
        filled_nanos=filled,
        remaining_nanos=ordered - filled if working and ordered > filled else 0,
        filled_cost_attos=cost,
        fees_attos=fees,
        venue_filled_nanos=told,
        called_whole=whole,
        venue_order_id=event.venue_order_id or order.venue_order_id,
        event_ns=now_ns,
        partial_ns=order.partial_ns or (now_ns if working and filled else 0),
        unknown_ns=(order.unknown_ns or now_ns) if doubtful else 0,
        lookups_missed=0,
    )
    if tallied.anonymous is not None:
        after = replace(
            after,
            anonymous_nanos=order.anonymous_nanos + tallied.anonymous.quantity_nanos,
            anonymous_cost_attos=order.anonymous_cost_attos + tallied.anonymous.cost_attos,
            anonymous_fees_attos=order.anonymous_fees_attos + tallied.anonymous.fee_attos,
        )
    findings: tuple[Finding, ...] = ()
    if more and order.state in NEVER_LIVED:
        after = replace(after, cancel_wanted=working)
        findings = (complaints.late_appearance(order, event),)
    if tallied.finding is not None:
        findings += (complaints.of_tally(after, tallied.finding),)
    if more and filled > ordered:
        findings += (complaints.overfill(after),)
    fills, note, execution = tallied.fills, tallied.note, tallied.execution
    return Change(order=after, before=order.state, fills=fills, findings=findings, note=note, execution=execution)


def _is_settled(order: Order, event: OrderEvent, filled_nanos: int) -> bool:
    """Tell whether the venue calls an order whole once more, in a picture of it, with just what our books have.

    Then nothing of it is on its way: the rest was filled by the order it replaced, or its executions were busted unseen.
    """
    again = event.kind is _FILLED and order.called_whole
    return again and not event.execution_id and event.cum_quantity_nanos == filled_nanos


def _word(order: Order, event: OrderEvent, policy: OmsPolicy) -> tuple[Order, tuple[Finding, ...]]:
    """Move by the table for an event's word, its quantity being taken in."""
    kind = event.kind
    before = order.state
    findings: tuple[Finding, ...] = ()
    misses, missed_ns = 0, order.missed_ns
    complete = False
    if kind in _NO_EVIDENCE:
        misses = order.lookups_missed
        if kind is _MISSED and _counts(order, event, policy):
            misses, missed_ns = misses + 1, event.timestamp
            complete = misses >= policy.lookups_missed_min
    state = next_state(before, kind, complete=complete)
    if state is None:
        state = before
        findings = (complaints.illegal(order, event),)
    working = state not in TERMINAL
    after = replace(
        order,
        state=state,
        working=working,
        remaining_nanos=order.quantity_nanos - order.filled_nanos if working and not order.external else 0,
        venue_order_id=event.venue_order_id or order.venue_order_id,
        event_ns=event.timestamp,
        unknown_ns=_doubt_since(order, event, state) if working else 0,
        lookups_missed=misses,
        missed_ns=missed_ns,
    )
    if working and before in NEVER_LIVED:
        after = replace(after, cancel_wanted=True)
        findings += (complaints.late_appearance(order, event),)
    if kind is _MISSED and (before is _ACCEPTED or before is _PARTIAL):
        findings += (complaints.missed_working(order),)
    if kind is _CANCEL_REJECTED and working:
        after = replace(after, cancels_refused=order.cancels_refused + 1)
        if after.cancels_refused == policy.cancels_refused_max:
            findings += (complaints.cancel_refused(after, event),)
    return after, findings


def _counts(order: Order, event: OrderEvent, policy: OmsPolicy) -> bool:
    """Tell whether a missed lookup proves anything.

    Past the venue's grace, long enough after the last that counted.
    """
    now_ns = event.timestamp
    if order.state is not _UNKNOWN or now_ns - order.unknown_ns < policy.lookup_grace_ns:
        return False
    return order.lookups_missed == 0 or now_ns - order.missed_ns >= policy.lookup_spacing_ns


def _doubt_since(order: Order, event: OrderEvent, state: OrderState) -> int:
    """Return since when something about a working order is in doubt.

    An outcome, or executions short of the total.
    """
    kind = event.kind
    short = order.called_whole or order.venue_filled_nanos > order.filled_nanos
    if short or state is _UNKNOWN or kind is _OUTCOME_UNKNOWN:
        return order.unknown_ns or event.timestamp
    return order.unknown_ns if kind in _NO_EVIDENCE else 0
