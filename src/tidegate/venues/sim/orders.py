"""What the venue knows of orders besides their rows: ids, commands, and which row is whose."""

from collections.abc import Sequence
from typing import final

import msgspec

from tidegate.events.acts import OrderCommand
from tidegate.values.enums import OrderEventKind


class SimOrder(msgspec.Struct, gc=False):
    """An order the venue was sent, accepted or not; kept for good, since an id is never used twice."""

    command: OrderCommand
    venue_order_id: str
    slot: int
    executions: int = 0
    filled_nanos: int = 0
    ended: OrderEventKind | None = None
    successor_id: str = ""


@final
class Orders:
    """All orders by id, and the open ones by row. Grows with orders, never with the tape."""

    def __init__(self, rows_max: int) -> None:
        self._by_id: dict[str, SimOrder] = {}
        self._by_slot: list[SimOrder | None] = [None] * rows_max
        self._free = list(range(rows_max - 1, -1, -1))
        self._rows_max = rows_max

    @property
    def none_open(self) -> bool:
        """Tell whether every row is free."""
        return len(self._free) == self._rows_max

    @property
    def full(self) -> bool:
        """Tell whether no row is free."""
        return not self._free

    def find(self, client_order_id: str) -> SimOrder | None:
        """Return an order by the id we gave it."""
        return self._by_id.get(client_order_id)

    def at(self, slot: int) -> SimOrder:
        """Return the order of a row."""
        order = self._by_slot[slot]
        assert order is not None, "an event of an order that has left"
        return order

    def add(self, command: OrderCommand) -> SimOrder:
        """Give a new order a row; there must be a free one."""
        slot = self._free.pop()
        by_id = self._by_id
        order = by_id[command.client_order_id] = SimOrder(command, f"sim-{len(by_id) + 1}", slot)
        self._by_slot[slot] = order
        return order

    def add_refused(self, command: OrderCommand) -> None:
        """Remember the id of an order that was refused for its form: it is used up."""
        self._by_id[command.client_order_id] = SimOrder(command, "", -1, ended=OrderEventKind.REJECTED)

    def release(self, slots: Sequence[int]) -> None:
        """Free the rows of orders that have ended."""
        for slot in slots:
            self._by_slot[slot] = None
            self._free.append(slot)
