"""Alpaca's past market data, page by page, and what was last seen. Reads of the data budget."""

from collections.abc import AsyncIterator, Sequence
from enum import StrEnum
from typing import Final, final

import msgspec

from tidegate.venues.alpaca.http import Requests, comma
from tidegate.venues.alpaca.mapping.news import headline_of_item
from tidegate.venues.alpaca.wire import market as wire
from tidegate.venues.alpaca.wire.reference import NewsPage
from tidegate.venues.port import Headline

PAGE: Final = 10_000
OPTIONS_PAGE: Final = "1000"
NEWS_PAGE: Final = "50"


class Past(StrEnum):
    """What can be read of the past."""

    TRADES = "trades"
    QUOTES = "quotes"
    BARS = "bars"


class Span(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which past: symbols between two RFC 3339 times or ISO days, both included.

    `feed`: sip, iex, boats, otc for stocks (empty: the plan's best), opra or indicative for options. `adjustment` of bars:
    raw, split, dividend, spin-off, all, or several with commas.
    """

    what: Past
    symbols: tuple[str, ...]
    start: str
    end: str
    feed: str = ""
    timeframe: str = "1Min"
    adjustment: str = "raw"
    options: bool = False
    page_token: str = ""  # go on behind this page


@final
class MarketHistory:
    """The data endpoints."""

    def __init__(self, data: Requests) -> None:
        self._data = data

    async def pages(self, span: Span) -> AsyncIterator[wire.Page]:
        """Yield pages sorted by symbol, then time; each carries the token of the next, so that a reader can resume."""
        path = f"/v1beta1/options/{span.what.value}" if span.options else f"/v2/stocks/{span.what.value}"
        asked = {"symbols": comma(span.symbols), "start": span.start, "end": span.end, "limit": str(PAGE), "sort": "asc"}
        if span.feed:
            asked["feed"] = span.feed
        if span.what is Past.BARS:
            asked |= {"timeframe": span.timeframe} | ({} if span.options else {"adjustment": span.adjustment})
        token: str | None = span.page_token
        while token is not None:
            page = await self._data.read(path, wire.Page, asked | ({"page_token": token} if token else {}))
            yield page
            token = page.next_page_token or None

    async def latest_quotes(self, symbols: Sequence[str], *, feed: str = "") -> dict[str, wire.OldQuote]:
        """Return the last quote of each symbol that has one."""
        found = await self._data.read("/v2/stocks/quotes/latest", wire.Latest, _of(symbols, feed))
        return {symbol: quote for symbol, quote in (found.quotes or {}).items() if quote is not None}

    async def latest_option_quotes(self, symbols: Sequence[str], *, feed: str = "") -> dict[str, wire.OldQuote]:
        """Return the last quote of each contract that has one."""
        found = await self._data.read("/v1beta1/options/quotes/latest", wire.Latest, _of(symbols, feed))
        return {symbol: quote for symbol, quote in (found.quotes or {}).items() if quote is not None}

    async def snapshots(self, symbols: Sequence[str], *, feed: str = "") -> dict[str, wire.Snapshot]:
        """Return what was last seen of each stock."""
        found = await self._data.read("/v2/stocks/snapshots", dict[str, wire.Snapshot | None], _of(symbols, feed))
        return {symbol: snapshot for symbol, snapshot in found.items() if snapshot is not None}

    async def chain(self, underlying: str, *, feed: str = "") -> AsyncIterator[tuple[str, wire.Snapshot]]:
        """Yield the option chain of an underlying with its Greeks, where the venue could compute them."""
        asked = {"limit": OPTIONS_PAGE} | ({"feed": feed} if feed else {})
        while True:
            page = await self._data.read(f"/v1beta1/options/snapshots/{underlying}", wire.OptionSnapshots, asked)
            for symbol, snapshot in (page.snapshots or {}).items():
                if snapshot is not None:
                    yield symbol, snapshot
            if not page.next_page_token:
                return
            asked["page_token"] = page.next_page_token

    async def news(self, symbols: Sequence[str], start: str, end: str) -> AsyncIterator[Headline]:
        """Yield news about symbols between two times, oldest first; receive time 0: it was not heard live."""
        asked = {"symbols": comma(symbols), "start": start, "end": end, "limit": NEWS_PAGE, "sort": "asc"}
        while True:
            page = await self._data.read("/v1beta1/news", NewsPage, asked)
            for item in page.news or ():
                yield headline_of_item(item)
            if not page.next_page_token:
                return
            asked["page_token"] = page.next_page_token


def _of(symbols: Sequence[str], feed: str) -> dict[str, str]:
    return {"symbols": comma(symbols)} | ({"feed": feed} if feed else {})
