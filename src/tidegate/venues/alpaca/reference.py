"""What is listed, and when: assets, option contracts, clock, calendar, corporate actions."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final, final

from tidegate.clock.clock import Clock
from tidegate.venues.alpaca.http import Requests, comma
from tidegate.venues.alpaca.mapping.corporate import VenueAction, venue_actions
from tidegate.venues.alpaca.mapping.reference import trading_day, venue_asset, venue_clock, venue_contract
from tidegate.venues.alpaca.wire.reference import Asset, CalendarDay, CorporateActions, OptionContract, OptionContracts
from tidegate.venues.alpaca.wire.reference import Clock as WireClock
from tidegate.venues.errors import Declined, DeclineReason, UnknownWordError
from tidegate.venues.port import TradingDay, VenueAsset, VenueClock

# Cut from the right: the root of an adjusted contract ends in a digit.
OPTION_SYMBOL: Final = re.compile(r"[A-Z0-9.]{1,7}\d{6}[CP]\d{8}")
CONTRACTS_PAGE: Final = "10000"
ACTIONS_PAGE: Final = "1000"


@final
class ReferenceDesk:
    """Reads of what changes slowly. `trading` and `data` have separate budgets."""

    def __init__(self, trading: Requests, data: Requests, clock: Clock) -> None:
        self._trading = trading
        self._data = data
        self._clock = clock

    async def clock(self) -> VenueClock:
        """See `OrderVenue.clock`."""
        return venue_clock(await self._trading.read("/v2/clock", WireClock))

    async def skew_ns(self) -> tuple[int, int]:
        """Return how far the venue's clock is ahead of ours, and how far that may be wrong: half the answer's way."""
        before_ns, sent_ns = self._clock.now_ns(), self._clock.monotonic_ns()
        venue = await self.clock()
        way_ns = (self._clock.monotonic_ns() - sent_ns) // 2
        return venue.now_ns - (before_ns + way_ns), way_ns

    async def calendar(self, first_day: str, last_day: str) -> list[TradingDay]:
        """See `OrderVenue.calendar`."""
        query = {"start": first_day, "end": last_day}
        return [trading_day(day) for day in await self._trading.read("/v2/calendar", list[CalendarDay], query)]

    async def assets(self, symbols: Sequence[str]) -> dict[str, VenueAsset | None]:
        """See `OrderVenue.assets`; option symbols are looked up among the contracts."""
        return {symbol: await self._asset(symbol) for symbol in symbols}

    async def contracts(self, underlying: str, query: Mapping[str, str] | None = None) -> AsyncIterator[VenueAsset]:
        """Yield the option contracts of an underlying; without an expiry in `query` the venue shows the next days only."""
        asked = {"underlying_symbols": underlying, "limit": CONTRACTS_PAGE, "show_deliverables": "true", **(query or {})}
        while True:
            page = await self._trading.read("/v2/options/contracts", OptionContracts, asked)
            for contract in page.option_contracts or ():
                yield venue_contract(contract)
            if not page.next_page_token:
                return
            asked["page_token"] = page.next_page_token

    async def corporate_actions(self, symbols: Sequence[str], first_day: str, last_day: str) -> AsyncIterator[VenueAction]:
        """Yield corporate actions processed between two ISO days.

        Raises:
            UnknownWordError: of a kind that is not known, after those that are.
        """
        asked = {"symbols": comma(symbols), "start": first_day, "end": last_day, "limit": ACTIONS_PAGE}
        unknown: list[str] = []
        while True:
            page = await self._data.read("/v1/corporate-actions", CorporateActions, asked)
            found, kinds = venue_actions(page)
            unknown += kinds
            for action in found:
                yield action
            if not page.next_page_token:
                break
            asked["page_token"] = page.next_page_token
        if unknown:
            raise UnknownWordError("corporate_actions", unknown[0])

    async def _asset(self, symbol: str) -> VenueAsset | None:
        try:
            if OPTION_SYMBOL.fullmatch(symbol):
                return venue_contract(await self._trading.read(f"/v2/options/contracts/{symbol}", OptionContract))
            return venue_asset(await self._trading.read(f"/v2/assets/{symbol}", Asset))
        except Declined as error:
            if error.reason is DeclineReason.NOT_FOUND:
                return None
            raise
