"""Orders that continue one another: cancel/replace, and the chase of an unfilled rest.

Together they fill no more than was approved.
"""

from collections.abc import Callable

from tidegate.events.acts import RiskDecision, TradeIntent
from tidegate.oms.commands import ChainExceededError
from tidegate.oms.order import Order
from tidegate.values.money import nanos_text

Find = Callable[[str], Order | None]


def first_of(order: Order, find: Find) -> Order:
    """Return the chain's first order that is still known."""
    while order.predecessor_id:
        earlier = find(order.predecessor_id)
        if earlier is None:
            break
        order = earlier
    return order


def members(order: Order, find: Find) -> list[Order]:
    """Return the whole chain as far as it is known, first order first."""
    found = [first_of(order, find)]
    while found[-1].successor_id:
        later = find(found[-1].successor_id)
        if later is None:
            break
        found.append(later)
    return found


def filled(chain: list[Order]) -> int:
    """Return what a chain has filled, in nanos."""
    return sum([order.filled_nanos for order in chain])


def rest(chain: list[Order]) -> int:
    """Return what of the approved quantity a chain may still fill, in nanos; negative after an over-fill."""
    return chain[0].approved_nanos - filled(chain)


def check_rest(decision: RiskDecision, intent: TradeIntent, continued: Order | None, find: Find) -> None:
    """Refuse to continue an order otherwise than once, and for no more than is left of its chain.

    Raises:
        ChainExceededError: the order is unknown, is continued already, or less is left of it.
    """
    if continued is None:
        raise ChainExceededError(f"Intent {intent.event_id} continues order {intent.replaces}, which is not known; ask anew.")
    left = rest(members(continued, find))
    if continued.successor_id or decision.quantity_nanos > left:
        raise ChainExceededError(
            f"Order {intent.replaces} may be continued once and for at most {nanos_text(left)}, not for "
            f"{nanos_text(decision.quantity_nanos)}; ask for the rest as a new intent."
        )
