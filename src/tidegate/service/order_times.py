"""When an order passed which stage on its way out, in receive time. Kept for the orders of late; the log tells of the others.

Once the venue has answered, an order's times go into the log as evidence (`take_answered`).
"""

from collections import OrderedDict
from typing import Final, final

import msgspec

from tidegate.events.acts import OrderCommand
from tidegate.journal.evidence import OrderStages

KEPT: Final = 2_048


class StageTimes(msgspec.Struct, kw_only=True, gc=False):
    """ns UTC; 0: not passed. received: the input that caused it; acked: the venue's first answer to the request."""

    command_id: str = ""
    received_ns: int = 0
    decided_ns: int = 0
    durable_ns: int = 0
    sent_ns: int = 0
    acked_ns: int = 0


NEVER_SEEN: Final = StageTimes()


@final
class OrderTimes:
    """The stages of the orders commanded last, by client order id. An id that is not known is passed over."""

    def __init__(self) -> None:
        self._times: Final[OrderedDict[str, StageTimes]] = OrderedDict()
        self._answered: list[OrderStages] = []

    def of(self, client_order_id: str) -> StageTimes:
        """Return an order's times, not to be changed; nothing but zeros for one that was not commanded lately."""
        return self._times.get(client_order_id, NEVER_SEEN)

    def take_answered(self) -> list[OrderStages]:
        """Return the times of the orders that were answered since the last call."""
        answered, self._answered = self._answered, []
        return answered

    def decided(self, command: OrderCommand, ns: int) -> None:
        """An order was commanded."""
        self._times[command.client_order_id] = StageTimes(command_id=command.event_id, received_ns=command.timestamp, decided_ns=ns)
        if len(self._times) > KEPT:
            self._times.popitem(last=False)

    def durable(self, client_order_id: str, ns: int) -> None:
        """Its row is on the disk."""
        times = self._times.get(client_order_id)
        if times is not None:
            times.durable_ns = ns

    def sent(self, client_order_id: str, ns: int) -> None:
        """Its bytes were let go."""
        times = self._times.get(client_order_id)
        if times is not None:
            times.sent_ns = ns

    def acked(self, client_order_id: str, ns: int) -> None:
        """The venue said something to it; what it says to a later request about the same order is no answer to this one."""
        times = self._times.get(client_order_id)
        if times is not None and not times.acked_ns:
            times.acked_ns = ns
            self._answered.append(
                OrderStages(
                    client_order_id=client_order_id,
                    command_id=times.command_id,
                    received_ns=times.received_ns,
                    decided_ns=times.decided_ns,
                    durable_ns=times.durable_ns,
                    sent_ns=times.sent_ns,
                    acked_ns=ns,
                )
            )
