"""One event on one order: the tally, the table, and what does not add up. Pure: it returns the order after."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from msgspec.structs import replace

from tidegate.events.inputs import OrderEvent
from tidegate.oms.order import Execution, Finding, FindingKind, Order
from tidegate.oms.plans import OmsPolicy
from tidegate.oms.tally import Tally, signed, tally
from tidegate.oms.transitions import NEVER_LIVED, TERMINAL, next_state
from tidegate.portfolio.positions import Fill
from tidegate.values.enums import GateScope, OrderEventKind, OrderState
from tidegate.values.money import nanos_text

_FILL_KINDS: Final = frozenset(
    {
        OrderEventKind.PARTIALLY_FILLED,
        OrderEventKind.FILLED,
        OrderEventKind.FILL_CORRECTED,
        OrderEventKind.FILL_BUSTED,
    }
)
_NO_EVIDENCE: Final = frozenset(
    {OrderEventKind.SUBMITTED, OrderEventKind.OUTCOME_UNKNOWN, OrderEventKind.LOOKUP_MISSED}
)


class Applied(NamedTuple):
    """What one event made of an order."""

    order: Order
    fills: tuple[Fill, ...]
    findings: tuple[Finding, ...]
    execution: Execution | None
    note: str


def mismatch(order: Order, event: OrderEvent) -> Finding | None:
    """Return a finding when an event of this id speaks of another symbol or side."""
    if event.symbol == order.symbol and event.side is order.side:
        return None
    return finding(
        order,
        FindingKind.MISMATCH,
        f"An event of order {order.client_order_id} says {event.side.value} {event.symbol}, the order is {order.side.value} "
        f"{order.symbol}; it was not booked, reconcile the account.",
        halt=True,
    )


def finding(order: Order, kind: FindingKind, sentence: str, *, halt: bool) -> Finding:
    """Return a finding about an order; `halt` asks that its symbol be halted."""
    return Finding(
        kind=kind,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        sentence=sentence,
        scope=GateScope.SYMBOL if halt else None,
        key=order.symbol if halt else "",
    )


def apply_event(
    order: Order, event: OrderEvent, executions: Mapping[str, Execution], policy: OmsPolicy, multiplier: int
) -> Applied:
    """Return the order after an event, the fills to book, and what does not add up."""
    tallied = tally(order, event, executions, multiplier)
    findings: list[Finding] = []
    quantity = cost = fees = 0
    for amount in tallied.amounts:
        quantity += amount.quantity_nanos
        cost += amount.cost_attos
        fees += amount.fee_attos
    filled = order.filled_nanos + quantity
    state, misses = _next(order, event, policy, filled, filled_more=quantity > 0, findings=findings)
    working = state not in TERMINAL
    ordered = max(order.quantity_nanos, filled) if order.external else order.quantity_nanos
    told = tallied.venue_filled_nanos
    if event.kind is OrderEventKind.FILLED and told < ordered:
        told = ordered  # the venue calls it whole: what is missing is on its way
    anonymous, anonymous_cost, anonymous_fees = (
        order.anonymous_nanos,
        order.anonymous_cost_attos,
        order.anonymous_fees_attos,
    )
    if tallied.anonymous is not None:
        anonymous += tallied.anonymous.quantity_nanos
        anonymous_cost += tallied.anonymous.cost_attos
        anonymous_fees += tallied.anonymous.fee_attos
    after = replace(
        order,
        state=state,
        working=working,
        unknown=state is OrderState.UNKNOWN,
        quantity_nanos=ordered,
        filled_nanos=filled,
        remaining_nanos=max(0, ordered - filled) if working else 0,
        filled_cost_attos=order.filled_cost_attos + cost,
        fees_attos=order.fees_attos + fees,
        venue_filled_nanos=told,
        anonymous_nanos=anonymous,
        anonymous_cost_attos=anonymous_cost,
        anonymous_fees_attos=anonymous_fees,
        venue_order_id=event.venue_order_id or order.venue_order_id,
        event_ns=event.timestamp,
        partial_ns=order.partial_ns or (event.timestamp if filled and working else 0),
        unknown_ns=_doubt_since(order, event, working=working, missing=told > filled),
        lookups_missed=misses,
        missed_ns=event.timestamp if misses > order.lookups_missed else order.missed_ns,
        cancels_refused=order.cancels_refused + (event.kind is OrderEventKind.CANCEL_REJECTED),
    )
    if order.state in NEVER_LIVED and (working or quantity > 0):
        after = replace(after, cancel_wanted=working)
        findings.append(_late(order, event))
    if findings or tallied.finding or filled > ordered or after.cancels_refused != order.cancels_refused:
        findings += _complaints(after, event, policy, tallied, grew=quantity > 0)
    return Applied(after, _fills(order, tallied), tuple(findings), tallied.execution, tallied.note)


def _next(
    order: Order,
    event: OrderEvent,
    policy: OmsPolicy,
    filled: int,
    *,
    filled_more: bool,
    findings: list[Finding],
) -> tuple[OrderState, int]:
    """Move by the table: first by a fill hidden in another word (a running total that grew), then by the word itself."""
    kind = event.kind
    complete = filled >= order.quantity_nanos if not order.external else kind is OrderEventKind.FILLED
    state = order.state
    misses = order.lookups_missed
    if kind in _FILL_KINDS:
        moved = next_state(state, kind, complete=complete)
        assert moved is not None, "fills are taken in every state"
        return moved, misses
    if filled_more:
        moved = next_state(state, OrderEventKind.PARTIALLY_FILLED, complete=complete)
        assert moved is not None, "fills are taken in every state"
        state = moved
    if kind is OrderEventKind.LOOKUP_MISSED:
        misses += _counts(order, event, policy)
        complete = misses >= policy.lookups_missed_min
        if state is OrderState.ACCEPTED or state is OrderState.PARTIAL:
            sentence = f"A complete lookup did not find order {order.client_order_id}, which works; it still counts in full."
            findings.append(finding(order, FindingKind.LOOKUP_MISSED_WORKING, sentence, halt=False))
    elif kind not in _NO_EVIDENCE:
        misses = 0
    moved = next_state(state, kind, complete=complete)
    if moved is None:
        sentence = f"Order {order.client_order_id} is {state.value} and the venue says {kind.value}; its state was kept, look it up."
        findings.append(finding(order, FindingKind.ILLEGAL_TRANSITION, sentence, halt=False))
        return state, misses
    return moved, misses


def _counts(order: Order, event: OrderEvent, policy: OmsPolicy) -> bool:
    """Tell whether a missed lookup proves anything: past the venue's grace, and long enough after the last one that counted."""
    now_ns = event.timestamp
    if order.state is not OrderState.UNKNOWN or now_ns - order.unknown_ns < policy.lookup_grace_ns:
        return False
    return order.missed_ns == 0 or now_ns - order.missed_ns >= policy.lookup_spacing_ns


def _doubt_since(order: Order, event: OrderEvent, *, working: bool, missing: bool) -> int:
    """Return since when something is in doubt: a submission or cancel without outcome, or executions short of the venue's total."""
    if not working:
        return 0
    if missing or event.kind is OrderEventKind.OUTCOME_UNKNOWN:
        return order.unknown_ns or event.timestamp
    return order.unknown_ns if event.kind in _NO_EVIDENCE else 0


def _fills(order: Order, tallied: Tally) -> tuple[Fill, ...]:
    if not tallied.amounts:
        return ()
    side = order.side
    return tuple(
        [
            Fill(
                strategy_id=order.strategy_id,
                symbol=order.symbol,
                side=side,
                quantity_nanos=signed(side, amount.quantity_nanos),
                cost_attos=signed(side, amount.cost_attos),
                fee_attos=amount.fee_attos,
            )
            for amount in tallied.amounts
        ]
    )


def _late(order: Order, event: OrderEvent) -> Finding:
    sentence = (
        f"Order {order.client_order_id} was {order.state.value} and now the venue says {event.kind.value}; "
        "it is taken back, canceled if it works, and the symbol is halted until you have looked."
    )
    return finding(order, FindingKind.LATE_APPEARANCE, sentence, halt=True)


_SENTENCES: Final = {
    FindingKind.DUPLICATE_EXECUTION: "one execution came under two ids; the venue's running total says so, it was counted once.",
    FindingKind.FILL_WITHOUT_PRICE: "a fill came without a price; it is booked at the order's own price until the execution is known.",
    FindingKind.UNSEEN_BUST: "an execution we never booked was busted; if it was in a running total, reconcile.",
    FindingKind.CORRECTION_WITHOUT_ID: "a correction names no execution and was not booked; reconcile.",
}


def _complaints(
    order: Order, event: OrderEvent, policy: OmsPolicy, tallied: Tally, *, grew: bool
) -> list[Finding]:
    found = []
    if tallied.finding is not None:
        sentence = f"Order {order.client_order_id}: {_SENTENCES[tallied.finding]}"
        found.append(
            finding(
                order, tallied.finding, sentence, halt=tallied.finding is FindingKind.CORRECTION_WITHOUT_ID
            )
        )
    if grew and order.filled_nanos > order.quantity_nanos:
        sentence = (
            f"Order {order.client_order_id} was for {nanos_text(order.quantity_nanos)} and {nanos_text(order.filled_nanos)} filled; "
            "the position counts all of it, and the symbol is halted until you have reconciled."
        )
        found.append(finding(order, FindingKind.OVERFILL, sentence, halt=True))
    if (
        event.kind is OrderEventKind.CANCEL_REJECTED
        and order.working
        and order.cancels_refused == policy.cancels_refused_max
    ):
        sentence = f"The venue refused {order.cancels_refused} times to cancel order {order.client_order_id} ({event.reason or 'no reason'})."
        found.append(finding(order, FindingKind.CANCEL_REFUSED, sentence, halt=True))
    return found
