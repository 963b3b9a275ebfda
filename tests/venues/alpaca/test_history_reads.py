"""Past and last market data page by page: bars with their adjustment, snapshots, option chains, news."""

import pytest

from tests.venues.alpaca.payloads import sample
from tests.venues.alpaca.server import Answer, bench
from tidegate.venues.alpaca.history import Past, Span
from tidegate.venues.errors import Declined, DeclineReason

pytestmark = [pytest.mark.req("G4", "G5", "G6"), pytest.mark.asyncio]

BAR = {"t": "2026-11-18T15:02:00Z", "o": 1, "h": 2, "l": 1, "c": 2, "v": 10, "n": 3, "vw": 1.5}
QUOTE = {"t": "2026-11-18T15:02:00Z", "bp": 1.0, "bs": 1, "ap": 1.1, "as": 2}


async def test_bars_say_how_they_are_adjusted_and_pages_can_be_resumed() -> None:
    async with bench() as on:
        on.server.on("GET", "/v2/stocks/bars", Answer({"bars": {"A": [BAR]}, "next_page_token": "t"}), Answer({"bars": {}}))
        span = Span(
            what=Past.BARS, symbols=("A", "B"), start="2026-11-18", end="2026-11-19", feed="sip", timeframe="5Min", adjustment="split",
            page_token="here",
        )  # fmt: skip
        pages = [page async for page in on.client.history.pages(span)]
        assert [len((page.bars or {}).get("A") or ()) for page in pages] == [1, 0]
        first, second = (seen.query for seen in on.server.calls("GET"))
        assert first == {
            "symbols": "A,B", "start": "2026-11-18", "end": "2026-11-19", "limit": "10000", "sort": "asc", "feed": "sip",
            "timeframe": "5Min", "adjustment": "split", "page_token": "here",
        }  # fmt: skip
        assert second["page_token"] == "t"


async def test_option_bars_and_quotes_have_their_own_paths() -> None:
    async with bench() as on:
        contract = "AAPL261218P00240000"
        on.server.on("GET", "/v1beta1/options/bars", Answer({"bars": {contract: [BAR]}}))
        span = Span(what=Past.BARS, symbols=(contract,), start="2026-11-18", end="2026-11-19", options=True)
        assert len([page async for page in on.client.history.pages(span)]) == 1
        assert "adjustment" not in on.server.seen[0].query
        on.server.on("GET", "/v1beta1/options/quotes/latest", Answer({"quotes": {contract: QUOTE, "NONE": None}}))
        assert list(await on.client.history.latest_option_quotes([contract])) == [contract]


async def test_snapshots_and_chains_leave_out_what_is_not_there() -> None:
    async with bench() as on:
        on.server.on("GET", "/v2/stocks/snapshots", Answer({"A": {"latestQuote": QUOTE, "dailyBar": BAR, "new": 1}, "B": None}))
        found = await on.client.history.snapshots(["A", "B"], feed="iex")
        assert list(found) == ["A"]
        assert on.server.seen[0].query["feed"] == "iex"
        first = {**sample("option_snapshots"), "next_page_token": "t"}
        on.server.on("GET", "/v1beta1/options/snapshots/AAPL", Answer(first), Answer({"snapshots": {"X": None}}))
        chain = [symbol async for symbol, _ in on.client.history.chain("AAPL", feed="indicative")]
        assert chain == ["AAPL261218P00240000"]


async def test_news_is_read_to_its_end() -> None:
    async with bench() as on:
        item = {"id": 1, "headline": "Big", "created_at": "2026-11-18T15:02:00Z", "symbols": ["A"]}
        on.server.on("GET", "/v1beta1/news", Answer({"news": [item], "next_page_token": "t"}), Answer({"news": [{"id": 2}]}))
        found = [one async for one in on.client.history.news(["A"], "2026-11-18", "2026-11-19")]
        assert [(one.news_id, one.title, one.ts_ns > 0) for one in found] == [("1", "Big", True), ("2", "", False)]


async def test_a_feed_that_the_plan_does_not_have_is_declined_with_the_venues_words() -> None:
    async with bench() as on:
        words = "subscription does not permit querying recent SIP data"
        on.server.on("GET", "/v2/stocks/quotes/latest", Answer({"code": 42210000, "message": words}, 403))
        with pytest.raises(Declined, match=words) as caught:
            await on.client.history.latest_quotes(["A"], feed="sip")
        assert caught.value.reason is DeclineReason.OTHER


async def test_data_and_trading_have_budgets_of_their_own() -> None:
    async with bench() as on:
        on.server.on("GET", "/v2/stocks/quotes/latest", Answer({"quotes": {}}))
        on.server.on("GET", "/v2/clock", Answer(sample("clock")))
        for _ in range(3):
            await on.client.history.latest_quotes(["A"])
        await on.client.clock()
        assert (on.client.data_turns.usage().used, on.client.trading_turns.usage().used) == (3, 1)
