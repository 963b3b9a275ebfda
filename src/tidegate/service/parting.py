"""What becomes of working orders when the trader stops, or has lost its venue for a while: declared for each strategy, told at the start.

Venues keep what rests with them, whoever is gone. Stops that protect what is held stay in any case, and cancels go out by request, which
needs no stream: whether they arrived is proved when the streams are back.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple, final

from tidegate.clock.clock import Clock
from tidegate.events.inputs import OperatorRequested
from tidegate.oms.order import Order
from tidegate.risk.sentences import duration
from tidegate.service.sequencer import Sequencer
from tidegate.values.enums import GateScope, RequestVerb
from tidegate.values.time import NEVER_NS

NO_SOCKETS: Final = ("store", "account")  # told as streams, and say nothing of a lost venue


class Parting(StrEnum):
    """What becomes of a strategy's working orders."""

    LEAVE = "leave_working"
    CANCEL = "cancel_working"


class PartingPlan(NamedTuple):
    """By strategy id, and after how long without a stream that counts as having lost the venue; 0: it never does."""

    policies: Mapping[str, Parting] = {}
    lost_after_ns: int = 0

    def split(self, orders: Sequence[Order]) -> list[tuple[Parting, list[Order]]]:
        """Return orders by what becomes of them, in the order of `Parting`; who declares nothing cancels."""
        found = [(policy, [order for order in orders if self.of(order) is policy]) for policy in Parting]
        return [(policy, some) for policy, some in found if some]

    def sentence(self) -> str:
        """Return the plan in words, for people to see before anything trades."""
        lost = f", or has been without one of its streams for {duration(self.lost_after_ns)}," if self.lost_after_ns else ","
        whose = {policy: ", ".join(name for name, own in self.policies.items() if own is policy) for policy in Parting}
        done = {Parting.CANCEL: "canceled", Parting.LEAVE: "left at the venue"}
        said = "; ".join(f"{done[policy]}: {names}" for policy, names in whose.items() if names)
        return f"When the trader stops{lost} working orders are {said or 'canceled'}."

    def of(self, order: Order) -> Parting:
        """Return what is declared for an order."""
        return self.policies.get(order.strategy_id, Parting.CANCEL)


@final
class Parter:
    """Cancels what is declared, and watches for a lost venue. `poll` it with each turn."""

    def __init__(self, plan: PartingPlan, venue: str, sequencer: Sequencer, clock: Clock) -> None:
        self.plan: Final = plan
        self._sockets_not: Final = frozenset(f"{venue}/{name}" for name in NO_SOCKETS)
        self._sequencer: Final = sequencer
        self._clock: Final = clock
        self._lost_since_ns = NEVER_NS  # monotonic
        self._acted = False

    def due_ns(self) -> int:
        """Return the monotonic time of the next step."""
        waits = self.plan.lost_after_ns and self._lost_since_ns < NEVER_NS and not self._acted
        return self._lost_since_ns + self.plan.lost_after_ns if waits else NEVER_NS

    def poll(self) -> None:
        """Act once on every loss that lasts too long."""
        if not self.plan.lost_after_ns:
            return
        down = self._sequencer.engine.books.streams_down().keys() - self._sockets_not
        if not down:
            self._lost_since_ns, self._acted = NEVER_NS, False
            return
        self._lost_since_ns = min(self._lost_since_ns, self._clock.monotonic_ns())
        if self._clock.monotonic_ns() >= self.due_ns():
            self._acted = True
            self.part(f"{' and '.join(sorted(down))} have been lost for too long")

    def part(self, why: str) -> None:
        """Cancel what is declared to be canceled, and is not already."""
        at_ns = self._sequencer.now_ns()
        for order in self._sequencer.engine.books.working_orders():
            if order.external or order.is_protective or self.plan.of(order) is not Parting.CANCEL:
                continue
            self._sequencer.offer_urgent(
                OperatorRequested(
                    event_id="",
                    timestamp=0,
                    symbol=order.symbol,
                    strategy_id=order.strategy_id,
                    correlation_id="",
                    request_id=f"part-{order.client_order_id}-{at_ns}",
                    verb=RequestVerb.CANCEL,
                    scope=GateScope.STRATEGY,
                    key=order.strategy_id,
                    order_id=order.client_order_id,
                    requester="rule:parting",
                    reason=why,
                )
            )
