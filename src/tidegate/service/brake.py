"""The emergency brake: the only door of the watchdog to a venue. It can suspend the account and cancel its orders, nothing else.

The watchdog has a credential of its own, and this class is all that ever holds the client made with it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Protocol, final

from tidegate.clock.clock import Clock
from tidegate.values.time import SECOND_NS
from tidegate.venues.alpaca.access import Access, Hosts
from tidegate.venues.alpaca.client import AlpacaClient, ClientSettings
from tidegate.venues.alpaca.http import Timeouts
from tidegate.venues.port import CancelResult

_PATIENCE: Final = Timeouts(connect_ns=2 * SECOND_NS, answer_ns=5 * SECOND_NS)  # the next attempt is worth more than a long wait


class Brake(Protocol):
    """What can be done to an account from outside the trader. Both verbs raise a `VenueError` where they were not taken."""

    async def suspend(self) -> None:
        """Have the venue refuse every new order. There is no way back from here."""

    async def cancel_all(self) -> list[CancelResult]:
        """Ask to cancel every open order of the account."""


@final
class AlpacaBrake:
    """The brake of an Alpaca account."""

    __slots__ = ("__client",)

    def __init__(self, client: AlpacaClient) -> None:
        self.__client = client

    async def suspend(self) -> None:
        """See `Brake`."""
        await self.__client.suspend(on=True)

    async def cancel_all(self) -> list[CancelResult]:
        """See `Brake`."""
        return await self.__client.cancel_all()


@asynccontextmanager
async def alpaca_brake(access: Access, hosts: Hosts, clock: Clock) -> AsyncIterator[Brake]:
    """Yield the brake of the account that a credential opens.

    Raises:
        AccessError: the credential must not go to these hosts.
    """
    async with AlpacaClient(access, hosts, clock, settings=ClientSettings(timeouts=_PATIENCE)) as client:
        yield AlpacaBrake(client)
