"""Commands built from orders and approved intents.

The only makers of an `OrderCommand`; a bare intent has no way in.
"""

from typing import Final, NamedTuple

from tidegate.events import acts
from tidegate.events.acts import OrderCommand, RiskDecision, TradeIntent
from tidegate.oms.order import Order
from tidegate.values.enums import CommandKind, Verdict
from tidegate.values.errors import ExitCode, TidegateError

_acts: Final = acts  # by a name that is not imported: otherwise Python calls with more than 15 keywords at four times the cost

# Members of an enum are looked up slowly before Python 3.12.
_APPROVED: Final = Verdict.APPROVED
_REPLACE: Final = CommandKind.REPLACE
_SUBMIT: Final = CommandKind.SUBMIT


class NotApprovedError(TidegateError):
    """An order was asked for without an approval of exactly this intent."""

    exit_code = ExitCode.REFUSED


class ChainExceededError(TidegateError):
    """A replacement or chase continues an unknown order, or asks for more than is left of the approval."""

    exit_code = ExitCode.REFUSED


class Stamp(NamedTuple):
    """Identity of a command: its event id, when it is given, until when it may be sent, for which account."""

    event_id: str
    now_ns: int
    valid_until_ns: int
    account: str


def order_command(
    decision: RiskDecision,
    intent: TradeIntent,
    stamp: Stamp,
    *,
    client_order_id: str,
    venue: str,
    replaced: Order | None,
) -> OrderCommand:
    """Return the command that an approval allows: a new order, or the replacement of one that still works.

    Raises:
        NotApprovedError: the decision is not an approval, or not of this intent.
    """
    if decision.verdict is not _APPROVED or decision.intent_id != intent.event_id:
        raise NotApprovedError(f"Decision {decision.event_id} does not approve intent {intent.event_id}; judge the intent first.")
    works = replaced is not None and replaced.working
    return _acts.OrderCommand(
        event_id=stamp.event_id,
        timestamp=stamp.now_ns,
        symbol=intent.symbol,
        strategy_id=intent.strategy_id,
        correlation_id=intent.correlation_id,
        kind=_REPLACE if works else _SUBMIT,
        client_order_id=client_order_id,
        venue=venue,
        account=stamp.account,
        side=intent.side,
        order_type=intent.order_type,
        time_in_force=intent.time_in_force,
        quantity_nanos=decision.quantity_nanos,
        limit_price_nanos=decision.limit_price_nanos,
        stop_price_nanos=intent.stop_price_nanos,
        trail_nanos=intent.trail_nanos,
        valid_until_ns=stamp.valid_until_ns,
        decision_id=decision.event_id,
        chain=0 if replaced is None else replaced.chain + 1,
        target_id=intent.replaces if works else "",
        reason=intent.reason,
        approval_id=decision.approval_id,
    )


def about_order(kind: CommandKind, order: Order, stamp: Stamp, *, reason: str, chase: bool) -> OrderCommand:
    """Return a cancel or a lookup of an order. They need no approval: neither can add risk.

    A cancel whose `chain` is one above the order's announces that its rest is to be chased.
    """
    return _acts.OrderCommand(
        event_id=stamp.event_id,
        timestamp=stamp.now_ns,
        symbol=order.symbol,
        strategy_id=order.strategy_id,
        correlation_id=order.correlation_id,
        kind=kind,
        client_order_id=order.client_order_id,
        venue=order.venue,
        account=stamp.account,
        side=order.side,
        order_type=order.order_type,
        time_in_force=order.time_in_force,
        quantity_nanos=order.remaining_nanos,
        limit_price_nanos=order.limit_price_nanos,
        stop_price_nanos=order.stop_price_nanos,
        trail_nanos=order.trail_nanos,
        valid_until_ns=stamp.valid_until_ns,
        decision_id="",
        chain=order.chain + chase,
        target_id=order.client_order_id,
        reason=reason,
    )
