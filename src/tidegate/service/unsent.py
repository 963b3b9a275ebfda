"""A venue to which nothing is sent: reads are real, every order ends as provably not sent. For dry runs."""

from collections.abc import Sequence
from typing import Final, final

from tidegate.events.acts import OrderCommand
from tidegate.venues.errors import Unreachable
from tidegate.venues.port import (
    CancelResult,
    OrderVenue,
    TradingDay,
    Urgency,
    VenueAccount,
    VenueAsset,
    VenueClock,
    VenueExecution,
    VenueOrder,
    VenuePosition,
)


@final
class Unsent:
    """An `OrderVenue` whose verbs that change something say that nothing left."""

    def __init__(self, venue: OrderVenue, why: str) -> None:
        """Args: why: the reason that every order carries."""
        self._venue: Final = venue
        self._why: Final = why

    async def submit(self, command: OrderCommand, *, urgency: Urgency = Urgency.ENTRY) -> VenueOrder:
        """Send nothing."""
        del command, urgency
        raise Unreachable(self._why)

    async def replace(self, command: OrderCommand, *, urgency: Urgency = Urgency.ENTRY) -> VenueOrder:
        """Send nothing."""
        del command, urgency
        raise Unreachable(self._why)

    async def cancel(self, command: OrderCommand) -> None:
        """Send nothing."""
        del command
        raise Unreachable(self._why)

    async def cancel_all(self) -> list[CancelResult]:
        """Send nothing."""
        return []

    async def suspend(self, *, on: bool) -> None:
        """Send nothing."""
        del on
        raise Unreachable(self._why)

    async def find(self, client_order_id: str, *, venue_order_id: str = "") -> VenueOrder | None:
        """See `OrderVenue`."""
        return await self._venue.find(client_order_id, venue_order_id=venue_order_id)

    async def open_orders(self) -> list[VenueOrder]:
        """See `OrderVenue`."""
        return await self._venue.open_orders()

    async def positions(self) -> list[VenuePosition]:
        """See `OrderVenue`."""
        return await self._venue.positions()

    async def account(self) -> VenueAccount:
        """See `OrderVenue`."""
        return await self._venue.account()

    async def executions(self, after_ns: int) -> list[VenueExecution]:
        """See `OrderVenue`."""
        return await self._venue.executions(after_ns)

    async def clock(self) -> VenueClock:
        """See `OrderVenue`."""
        return await self._venue.clock()

    async def calendar(self, first_day: str, last_day: str) -> list[TradingDay]:
        """See `OrderVenue`."""
        return await self._venue.calendar(first_day, last_day)

    async def assets(self, symbols: Sequence[str]) -> dict[str, VenueAsset | None]:
        """See `OrderVenue`."""
        return await self._venue.assets(symbols)
