"""The client of one Alpaca account: the order port, and by topic everything else the venue offers."""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self, final

import aiohttp
import msgspec

from tidegate.clock.clock import Clock
from tidegate.events.acts import OrderCommand
from tidegate.venues.alpaca.access import Access, Hosts, check_hosts
from tidegate.venues.alpaca.accounts import AccountDesk
from tidegate.venues.alpaca.history import MarketHistory
from tidegate.venues.alpaca.http import Line, Requests, Timeouts
from tidegate.venues.alpaca.ids import IdBook
from tidegate.venues.alpaca.mapping.orders import Body
from tidegate.venues.alpaca.orders import OrderDesk, OrderPolicy
from tidegate.venues.alpaca.reference import ReferenceDesk
from tidegate.venues.calls import Called, VenueCall, nobody
from tidegate.venues.port import (
    CancelResult,
    TradingDay,
    Urgency,
    VenueAccount,
    VenueAsset,
    VenueClock,
    VenueExecution,
    VenueOrder,
    VenuePosition,
)
from tidegate.venues.ratelimit import LimitPlan
from tidegate.venues.turnstile import Turnstile
from tidegate.venues.waiting import Wait, loop_wait

# How long an unused connection is kept, per host. Longer than the 30 s between two looks at the trading host's clock
# (`service.measuring`), so that an order after a quiet minute finds a connection and does not wait for name, TCP and TLS; shorter
# than the 60 s after which load balancers usually close one. A venue that closes earlier says so, and another one is made; only an
# order that crosses its farewell on the way is unsure, and is looked up. A shorter time here would meet such a venue less often.
KEEPALIVE_S: Final = 45.0


class ClientSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the user's plan allows, and how patient the client is. The defaults are those of the free plan."""

    trading: LimitPlan = LimitPlan(requests=200)
    data: LimitPlan = LimitPlan(requests=200)
    timeouts: Timeouts = Timeouts()
    orders: OrderPolicy = OrderPolicy()


@final
class AlpacaClient:
    """An `OrderVenue`. Use as `async with AlpacaClient(...) as venue:`; it opens its connections inside.

    Attributes:
        desk: orders of every class by `OrderTicket`, lookups by either id.
        accounts: settings, closing positions, exercise, activities, history of equity.
        reference: contracts, corporate actions, clock skew.
        history: past and last market data.
        last_look: asked about an order of ours by its client id when its turn has come and when its bytes are written: why it may not
            leave any more, or nothing.
        called: told of every request that has ended.
        ids: which order of ours is which of the venue's; the trade stream feeds it too.
    """

    desk: OrderDesk
    accounts: AccountDesk
    reference: ReferenceDesk
    history: MarketHistory

    def __init__(
        self, access: Access, hosts: Hosts, clock: Clock, *, settings: ClientSettings | None = None, wait: Wait = loop_wait
    ) -> None:
        check_hosts(access, hosts)
        self.ids = IdBook()
        self.last_look: Callable[[str], str] = lambda _client_order_id: ""
        self.called: Called = nobody
        self.settings = settings or ClientSettings()
        self.trading_turns = Turnstile(self.settings.trading, clock, wait=wait)
        self.data_turns = Turnstile(self.settings.data, clock, wait=wait)
        self._access = access
        self._hosts = hosts
        self._clock = clock
        self._wait = wait
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(keepalive_timeout=KEEPALIVE_S)
        session = self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        line = Line(session, self._clock, self.settings.timeouts, self._wait, self._look, self._call)
        trading = Requests(line, self._hosts.trading, self._access, self.trading_turns)
        data = Requests(line, self._hosts.data, self._access, self.data_turns)
        self.desk = OrderDesk(trading, self.ids, self.settings.orders, self._clock, self._wait)
        self.accounts = AccountDesk(trading, self.desk)
        self.reference = ReferenceDesk(trading, data, self._clock)
        self.history = MarketHistory(data)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _look(self, body: Body) -> str:
        return self.last_look(str(body.get("client_order_id", "")))

    def _call(self, call: VenueCall) -> None:
        self.called(call)

    async def submit(self, command: OrderCommand, *, urgency: Urgency = Urgency.ENTRY) -> VenueOrder:
        """See `OrderVenue`."""
        return await self.desk.submit(command, urgency=urgency)

    async def replace(self, command: OrderCommand, *, urgency: Urgency = Urgency.ENTRY) -> VenueOrder:
        """See `OrderVenue`."""
        return await self.desk.replace(command, urgency=urgency)

    async def cancel(self, command: OrderCommand) -> None:
        """See `OrderVenue`."""
        await self.desk.cancel(command)

    async def cancel_all(self) -> list[CancelResult]:
        """See `OrderVenue`."""
        return await self.desk.cancel_all()

    async def find(self, client_order_id: str, *, venue_order_id: str = "") -> VenueOrder | None:
        """See `OrderVenue`."""
        if venue_order_id:
            return await self.desk.by_venue_id(venue_order_id)
        return await self.desk.find(client_order_id)

    async def open_orders(self) -> list[VenueOrder]:
        """See `OrderVenue`."""
        return await self.desk.open_orders()

    async def positions(self) -> list[VenuePosition]:
        """See `OrderVenue`."""
        return await self.accounts.positions()

    async def account(self) -> VenueAccount:
        """See `OrderVenue`."""
        return await self.accounts.account()

    async def executions(self, after_ns: int) -> list[VenueExecution]:
        """See `OrderVenue`."""
        return await self.accounts.executions(after_ns)

    async def suspend(self, *, on: bool) -> None:
        """See `OrderVenue`."""
        await self.accounts.suspend(on=on)

    async def clock(self) -> VenueClock:
        """See `OrderVenue`."""
        return await self.reference.clock()

    async def calendar(self, first_day: str, last_day: str) -> list[TradingDay]:
        """See `OrderVenue`."""
        return await self.reference.calendar(first_day, last_day)

    async def assets(self, symbols: Sequence[str]) -> dict[str, VenueAsset | None]:
        """See `OrderVenue`."""
        return await self.reference.assets(symbols)

    def __repr__(self) -> str:
        return f"AlpacaClient({self._hosts.trading})"
