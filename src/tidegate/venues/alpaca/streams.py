"""Alpaca's streams on the one manager: the trading stream, and a market stream for each feed. One owner per endpoint."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Final, final

import msgspec

from tidegate.clock.clock import Clock
from tidegate.values.time import DAY_NS, SECOND_NS
from tidegate.venues.alpaca.access import Access, Hosts, check_hosts
from tidegate.venues.alpaca.client import AlpacaClient
from tidegate.venues.alpaca.mapping import market
from tidegate.venues.alpaca.market_stream import MarketDialect, MarketStreamItem
from tidegate.venues.alpaca.order_stream import OrderDialect, OrderStreamItem
from tidegate.venues.errors import StreamOwnedElsewhereError
from tidegate.venues.lifeline import Timing
from tidegate.venues.port import MarketData, MarketItem, OrderItem, Resynced
from tidegate.venues.stream import Outside, Socket, StreamManager, StreamSettings
from tidegate.venues.websocket import open_websocket

OVERLAP_NS: Final = 5 * SECOND_NS  # fills are asked for from so much earlier: the venue lists them with a delay
FIRST_LOOKBACK_NS: Final = DAY_NS
_SYMBOLS_A_CALL: Final = 100


class Feed(StrEnum):
    """Which market data."""

    IEX = "iex"
    SIP = "sip"
    DELAYED_SIP = "delayed_sip"
    TEST = "test"  # always on, one symbol: FAKEPACA
    BOATS = "boats"
    OVERNIGHT = "overnight"
    INDICATIVE = "indicative"  # options
    OPRA = "opra"  # options
    NEWS = "news"


_PATHS: Final[Mapping[Feed, str]] = {
    feed: f"/v2/{feed.value}" if feed in {Feed.IEX, Feed.SIP, Feed.DELAYED_SIP, Feed.TEST} else f"/v1beta1/{feed.value}" for feed in Feed
}
OPTION_FEEDS: Final = frozenset({Feed.INDICATIVE, Feed.OPRA})
# What each feed allows on the free plan and on the paid one; 0: any number.
FREE_SYMBOLS: Final[Mapping[Feed, int]] = {Feed.IEX: 30, Feed.INDICATIVE: 200}
PAID_SYMBOLS: Final[Mapping[Feed, int]] = {Feed.INDICATIVE: 1000, Feed.OPRA: 1000}


class MarketWish(msgspec.Struct, frozen=True, kw_only=True):
    """A market stream: its feed, how many symbols the plan allows, its timing (`quiet_ns` watches for silence)."""

    feed: Feed
    symbols_max: int = 0
    timing: Timing = Timing(quiet_ns=60 * SECOND_NS)


@final
class AlpacaStreams:
    """Makes the streams of one key and sees to it that no endpoint is opened twice from here."""

    def __init__(self, access: Access, hosts: Hosts, client: AlpacaClient, outside: Outside) -> None:
        check_hosts(access, hosts)
        self._access = access
        self._hosts = hosts
        self._client = client
        self._outside = outside
        self._owned: set[str] = set()

    def orders(self, *, timing: Timing | None = None) -> "AlpacaOrderStream":
        """Return the stream of what happens to our orders."""
        manager: StreamManager[OrderStreamItem] = StreamManager(
            StreamSettings(name="alpaca orders", timing=timing or Timing()),
            dialect=OrderDialect(self._access, self._client.ids),
            connect=lambda: self._open(self._hosts.trading_stream, {}),
            resync=_OrderResync(self._client, self._outside.clock),
            outside=self._outside,
        )
        return AlpacaOrderStream(manager, self._owned, self._hosts.trading_stream)

    def market(self, wish: MarketWish, index_of: Mapping[str, int]) -> "AlpacaMarketStream":
        """Return a stream of market data; `index_of` gives each symbol's row and may grow."""
        url = self._hosts.data_stream + _PATHS[wish.feed]
        dialect = MarketDialect(self._access, index_of, options=wish.feed in OPTION_FEEDS, symbols_max=wish.symbols_max)
        manager: StreamManager[MarketStreamItem] = StreamManager(
            StreamSettings(name=f"alpaca {wish.feed.value}", timing=wish.timing),
            dialect=dialect,
            connect=lambda: self._open(url, {"Content-Type": "application/msgpack"}),
            resync=_MarketResync(self._client, dialect, wish.feed, index_of, self._outside.clock),
            outside=self._outside,
        )
        return AlpacaMarketStream(manager, dialect, self._owned, url)

    def news(self, symbols: Sequence[str]) -> "AlpacaMarketStream":
        """Return the stream of news about some symbols. It may be silent for long."""
        stream = self.market(MarketWish(feed=Feed.NEWS, timing=Timing()), {})
        stream.subscribe({"news": symbols})
        return stream

    async def _open(self, url: str, headers: Mapping[str, str]) -> Socket:
        return await open_websocket(url, headers=headers)


@final
class AlpacaOrderStream:
    """An `OrderStream`."""

    def __init__(self, manager: StreamManager[OrderStreamItem], owned: set[str], url: str) -> None:
        self.manager = manager
        self._owned = owned
        self._url = url

    async def items(self) -> AsyncGenerator[OrderItem, None]:
        """See `OrderStream`.

        Raises:
            StreamOwnedElsewhereError: somebody in this process iterates over this stream already.
        """
        _claim(self._owned, self._url)
        try:
            async for item in self.manager.items():
                yield item
        finally:
            self._owned.discard(self._url)

    def doubt(self, reason: str) -> None:
        """Tell that something is known to have been missed: the stream is left and resynced."""
        self.manager.doubt(reason)

    async def close(self) -> None:
        """See `OrderStream`."""
        await self.manager.close()


@final
class AlpacaMarketStream:
    """A `MarketStream`. Channels: trades, quotes, bars, updatedBars, dailyBars, statuses, lulds; news on the news feed."""

    def __init__(self, manager: StreamManager[MarketStreamItem], dialect: MarketDialect, owned: set[str], url: str) -> None:
        self.manager = manager
        self._dialect = dialect
        self._owned = owned
        self._url = url

    async def items(self) -> AsyncGenerator[MarketItem, None]:
        """See `MarketStream`; raises as the order stream does."""
        _claim(self._owned, self._url)
        try:
            async for item in self.manager.items():
                yield item
        finally:
            self._owned.discard(self._url)

    def subscribe(self, channels: Mapping[str, Sequence[str]]) -> None:
        """See `MarketStream`."""
        self._dialect.want(channels)
        self.manager.refresh()

    def unsubscribe(self, channels: Mapping[str, Sequence[str]]) -> None:
        """See `MarketStream`."""
        self._dialect.drop(channels)
        self.manager.refresh()

    async def close(self) -> None:
        """See `MarketStream`."""
        await self.manager.close()


@final
class _OrderResync:
    """Reads what the venue holds: positions, then orders, then fills, so that each read knows what the one before did."""

    def __init__(self, client: AlpacaClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def __call__(self, since_ns: int) -> Sequence[OrderStreamItem]:
        after_ns = since_ns - OVERLAP_NS if since_ns else self._clock.now_ns() - FIRST_LOOKBACK_NS
        positions = await self._client.positions()
        orders = await self._client.open_orders()
        executions = await self._client.executions(after_ns)
        return [Resynced(at_ns=self._clock.now_ns(), open_orders=tuple(orders), executions=tuple(executions), positions=tuple(positions))]


@final
class _MarketResync:
    """Reads the last quotes. Prints of the gap are not read again: a gap makes features start over, and costs no budget."""

    def __init__(self, client: AlpacaClient, dialect: MarketDialect, feed: Feed, index_of: Mapping[str, int], clock: Clock) -> None:
        self._client = client
        self._dialect = dialect
        self._feed = feed
        self._index_of = index_of
        self._clock = clock

    async def __call__(self, since_ns: int) -> Sequence[MarketStreamItem]:
        del since_ns
        if self._feed in {Feed.TEST, Feed.NEWS}:
            return []
        symbols = [symbol for symbol in self._dialect.wanted("quotes") if symbol in self._index_of]
        options = self._feed in OPTION_FEEDS
        read = self._client.history.latest_option_quotes if options else self._client.history.latest_quotes
        row_of = market.option_quote_row if options else market.quote_row
        rows: list[market.Row] = []
        for first in range(0, len(symbols), _SYMBOLS_A_CALL):
            quotes = await read(symbols[first : first + _SYMBOLS_A_CALL], feed=self._feed.value)
            recv_ns = self._clock.now_ns()
            for symbol, quote in quotes.items():
                with suppress(ValueError):  # a quote that cannot be: the next one on the stream will do
                    rows.append(row_of(quote, self._index_of[symbol], recv_ns))
        return [MarketData(records=market.records_of(rows))] if rows else []


def _claim(owned: set[str], url: str) -> None:
    if url in owned:
        raise StreamOwnedElsewhereError(f"The stream {url} is open in this process already; one connection per key is all Alpaca allows.")
    owned.add(url)
