"""When one request to the venue stands for many cancels, and which of them it did not settle. Pure.

A venue's cancel-all hits every open order of the account, so it is right only where all of them are to go: the whole account is halted
(or is being flattened, and nothing of that flatten works yet), and each order that works has been told to cancel.
"""

from collections.abc import Iterable
from typing import Final

from tidegate.engine.books import Books
from tidegate.oms.order import Order
from tidegate.values.enums import GateScope, RequestStage, RequestVerb
from tidegate.values.time import SECOND_NS
from tidegate.venues.port import CancelResult

SWEEP_MIN: Final = 2
SWEEP_PATIENCE_NS: Final = SECOND_NS // 2  # a request for all that is not answered by then is followed by single cancels
_ALL: Final = frozenset({GateScope.GLOBAL, GateScope.ACCOUNT, GateScope.VENUE})  # a trader has one account at one venue
_BEFORE_ITS_ORDERS: Final = frozenset({RequestStage.TAKEN, RequestStage.CANCELING})


def may_sweep(leaving: int, books: Books, *, halted: bool) -> bool:
    """Tell whether so many cancels that leave now may leave as one request; halted: nothing new of any strategy can leave."""
    if leaving < SWEEP_MIN:
        return False
    flattens = [job for job in books.requests() if job.verb is RequestVerb.FLATTEN]
    if any(job.stage not in _BEFORE_ITS_ORDERS for job in flattens):
        return False  # what liquidates now must not be canceled with the rest
    whole = halted or any(job.scope in _ALL for job in flattens)
    return whole and all(order.cancel_ns for order in books.working_orders())


def untaken(orders: Iterable[Order], results: list[CancelResult] | None) -> frozenset[str]:
    """Return the client ids of the orders that a request for all did not settle: refused, not named in its answer, or not answered."""
    taken = {result.venue_order_id for result in results or () if result.taken}
    return frozenset(order.client_order_id for order in orders if not order.venue_order_id or order.venue_order_id not in taken)
