"""When something is due about an order, and what: cancels, lookups, the chase of an unfilled rest, a look at the market.

Pure; reads no clock.
"""

from typing import Final

import msgspec

from tidegate.oms.order import Order
from tidegate.oms.plans import OmsPolicy, OrderPlan
from tidegate.values.enums import CommandKind, OrderState, PartialFillPolicy, Purpose, Side
from tidegate.values.instruments import Instrument
from tidegate.values.time import NEVER_NS

_BPS = 10_000

# Members of an enum are looked up slowly before Python 3.12.
_NEW: Final = OrderState.NEW
_ACCEPTED: Final = OrderState.ACCEPTED
_SUBMITTED: Final = OrderState.SUBMITTED
_KEEP: Final = PartialFillPolicy.KEEP
_ENTRY: Final = Purpose.ENTRY


class Due(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something to be done about an order now.

    SUBMIT is a chase: build an intent for the rest and have it judged as new.
    """

    kind: CommandKind
    order: Order
    reason: str
    chase: bool = False  # a cancel after which the rest is chased


def lookup_due_ns(order: Order, policy: OmsPolicy) -> int:
    """Return when the venue is to be asked about an order.

    At once when in doubt, later when it was asked or never answered.
    """
    if order.unknown_ns:
        since_ns = order.unknown_ns
    elif order.state is _NEW or order.state is _SUBMITTED:
        since_ns = order.submitted_ns + policy.answer_ns
    else:
        return NEVER_NS
    return max(since_ns, order.lookup_ns + policy.lookup_spacing_ns) if order.lookup_ns else since_ns


def rest_due_ns(order: Order, plan: OrderPlan) -> int:
    """Return when the rest of a partly filled order is to be canceled; a stop works until it is filled."""
    if order.partial_ns and not order.is_protective and plan.partial_fill is not _KEEP:
        return order.partial_ns + plan.partial_after_ns
    return NEVER_NS


def cancel_due_ns(order: Order, policy: OmsPolicy, plan: OrderPlan) -> int:
    """Return when an order is to be canceled, or canceled again because nothing came of it."""
    wanted_ns = order.event_ns if order.cancel_wanted else rest_due_ns(order, plan)
    if plan.entry_life_ns and order.purpose is _ENTRY:
        wanted_ns = min(wanted_ns, order.begun_ns + plan.entry_life_ns)
    if order.cancel_ns and wanted_ns != NEVER_NS:
        return max(wanted_ns, order.cancel_ns + policy.cancel_retry_ns)
    return wanted_ns


def may_follow(order: Order, plan: OrderPlan) -> bool:
    """Tell whether an order may be replaced by one at the market's price of now.

    An entry that is proved to work, has filled nothing, and of which nothing is in doubt or on its way.
    """
    if not plan.follow_ns or order.purpose is not _ENTRY or order.state is not _ACCEPTED or order.chain >= plan.follows_max:
        return False
    filled = order.filled_nanos or order.venue_filled_nanos
    return not (filled or order.unknown_ns or order.cancel_wanted or order.cancel_ns or order.successor_id)


def look_due_ns(order: Order, plan: OrderPlan) -> int:
    """Return when a resting entry is to be laid beside the market."""
    return max(order.submitted_ns, order.looked_ns) + plan.follow_ns if may_follow(order, plan) else NEVER_NS


def next_due_ns(order: Order, policy: OmsPolicy, plan: OrderPlan) -> int:
    """Return the earliest time at which something is due about an order; NEVER_NS when nothing is."""
    if not order.working:
        return order.event_ns if order.chase_open else NEVER_NS
    due_ns = min(lookup_due_ns(order, policy), cancel_due_ns(order, policy, plan))
    return min(due_ns, look_due_ns(order, plan)) if plan.follow_ns else due_ns


def what_is_due(order: Order, policy: OmsPolicy, plan: OrderPlan, now_ns: int) -> list[Due]:
    """Return what is due about an order now, cancels first."""
    if not order.working:
        return [Due(kind=CommandKind.SUBMIT, order=order, reason="chase the unfilled rest")] if order.chase_open else []
    found = []
    if cancel_due_ns(order, policy, plan) <= now_ns:
        chase = (
            not order.cancel_wanted
            and plan.partial_fill is PartialFillPolicy.CHASE
            and rest_due_ns(order, plan) <= now_ns
            and order.chain < plan.chases_max
        )
        found.append(Due(kind=CommandKind.CANCEL, order=order, reason=_cancel_reason(order, plan, now_ns), chase=chase))
    if lookup_due_ns(order, policy) <= now_ns:
        reason = "the outcome is not proved" if order.unknown_ns else "no answer came"
        found.append(Due(kind=CommandKind.LOOKUP, order=order, reason=reason))
    return found


def chase_price(first: Order, plan: OrderPlan, instrument: Instrument, touch_nanos: int) -> int:
    """Return the limit of a chase.

    The far touch, but no worse than `chase_bps_max` past the chain's first order. On the grid.
    """
    return _bounded(first, plan.chase_bps_max, instrument, touch_nanos)


def follow_price(first: Order, plan: OrderPlan, instrument: Instrument, near_nanos: int) -> int:
    """Return the limit of a resting entry that follows the market.

    The near touch, but no worse than `follow_bps_max` past the chain's first order. On the grid.
    """
    return _bounded(first, plan.follow_bps_max, instrument, near_nanos)


def _bounded(first: Order, bps_max: int, instrument: Instrument, touch_nanos: int) -> int:
    slack = first.price_nanos * bps_max // _BPS
    if first.side is Side.BUY:
        bound = first.price_nanos + slack
        return instrument.floor_price(min(touch_nanos, bound) if touch_nanos > 0 else bound)
    bound = first.price_nanos - slack
    return instrument.ceil_price(max(touch_nanos, bound))


def _cancel_reason(order: Order, plan: OrderPlan, now_ns: int) -> str:
    if order.cancel_ns:
        return "an earlier cancel has not been confirmed"
    if order.cancel_wanted:
        return "it must not work"
    if rest_due_ns(order, plan) <= now_ns:
        return "the rest did not fill in time"
    return "the entry did not fill in time"
