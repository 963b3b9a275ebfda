"""Which order of ours is which of the venue's. Bounded; what is forgotten is asked for again."""

from collections import OrderedDict
from typing import Final, final

from tidegate.venues.port import VenueOrder

IDS_MAX: Final = 4_096  # four times the finished orders that the machines keep


@final
class IdBook:
    """Client order ids and venue order ids, both ways, of the orders seen last."""

    def __init__(self, ids_max: int = IDS_MAX) -> None:
        self._ids_max = ids_max
        self._venue_of: OrderedDict[str, str] = OrderedDict()
        self._client_of: dict[str, str] = {}

    def see(self, order: VenueOrder) -> None:
        """Remember an order, its legs included."""
        for one in (order, *order.legs):
            if one.client_order_id and one.venue_order_id:
                self._venue_of[one.client_order_id] = one.venue_order_id
                self._venue_of.move_to_end(one.client_order_id)
                self._client_of[one.venue_order_id] = one.client_order_id
        while len(self._venue_of) > self._ids_max:
            _, venue_id = self._venue_of.popitem(last=False)
            self._client_of.pop(venue_id, None)

    def venue_id(self, client_order_id: str) -> str:
        """Return the venue's id of an order of ours; "" when it is not known."""
        return self._venue_of.get(client_order_id, "")

    def client_id(self, venue_order_id: str) -> str:
        """Return our id of an order of the venue's; "" when it is not known."""
        return self._client_of.get(venue_order_id, "")
