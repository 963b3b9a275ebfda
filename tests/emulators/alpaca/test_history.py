"""Market-data REST through the venue's own client: series with pages, latest values, snapshots, reference data."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from alpaca.common.enums import Sort
from alpaca.data.enums import MostActivesBy
from alpaca.data.models import BarSet, QuoteSet, TradeSet
from alpaca.data.requests import (
    CorporateActionsRequest,
    MostActivesRequest,
    NewsRequest,
    OptionBarsRequest,
    OptionChainRequest,
    OptionLatestQuoteRequest,
    OptionSnapshotRequest,
    StockBarsRequest,
    StockLatestBarRequest,
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
    StockQuotesRequest,
    StockSnapshotRequest,
    StockTradesRequest,
)
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit

from tests.emulators.alpaca.kit import CALL, Emulator, market, quote, trade
from tests.emulators.alpaca.sdk import (
    APIError,
    CorporateActionsClient,
    NewsClient,
    OptionHistoricalDataClient,
    ScreenerClient,
    StockHistoricalDataClient,
)
from tidegate.emulators.alpaca.assets import Reference
from tidegate.emulators.alpaca.settings import KEY, SECRET
from tidegate.events.records import CORRECTION, REGULAR

pytestmark = pytest.mark.req("X3", "G5", "G4")

START = datetime(2026, 11, 29, 16, 7, tzinfo=UTC)
SPLIT_ID = "5d2b9c10-0e3f-4f6a-8b7c-000000000009"
SPLIT = {
    "id": SPLIT_ID,
    "symbol": "AAPL",
    "cusip": "000000000",
    "new_rate": 4,
    "old_rate": 1,
    "process_date": "2026-11-29",
    "ex_date": "2026-11-29",
}
DIVIDENDS = [
    {
        "id": f"5d2b9c10-0e3f-4f6a-8b7c-00000000000{number}",
        "symbol": "MSFT",
        "cusip": "000000001",
        "rate": 0.25,
        "special": False,
        "foreign": False,
        "process_date": "2026-11-29",
        "ex_date": "2026-11-28",
    }
    for number in range(3)
]


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    reference = Reference(corporate_actions={"forward_splits": [SPLIT], "cash_dividends": DIVIDENDS})
    odd = [trade(150.6, 12_000, 1, flags=0), trade(150.7, 15_000, 1, flags=REGULAR | CORRECTION)]
    recs = sorted([*market(), *odd], key=lambda rec: rec.at)
    with Emulator(recs, reference=reference) as started:
        started.step_to(330)
        yield started


@pytest.fixture(scope="module")
def client(emulator: Emulator) -> StockHistoricalDataClient:
    return emulator.history()


def minutes(client: StockHistoricalDataClient, **fields: Any) -> BarSet:
    found = client.get_stock_bars(StockBarsRequest(timeframe=TimeFrame.Minute, start=START, **fields))
    assert isinstance(found, BarSet)
    return found


def test_minute_bars_are_those_that_are_over(client: StockHistoricalDataClient) -> None:
    bars = minutes(client, symbol_or_symbols=["AAPL", "MSFT", "NOPE"])
    assert set(bars.data) == {"AAPL", "MSFT"}
    assert [bar.timestamp for bar in bars["AAPL"]] == [START + timedelta(minutes=number) for number in range(5)]
    first = bars["AAPL"][0]
    assert (first.open, first.high, first.low, first.close, first.trade_count) == (100, 100, 100, 100, 60)


def test_odd_lots_count_in_the_volume_alone_and_corrections_not_at_all(client: StockHistoricalDataClient) -> None:
    bar = minutes(client, symbol_or_symbols="AAPL")["AAPL"][2]
    assert bar.high < 102
    assert bar.trade_count == 61


def test_pages_follow_each_other_without_gap_or_repetition(emulator: Emulator, client: StockHistoricalDataClient) -> None:
    pages: list[dict[str, Any]] = []
    token = ""
    while True:
        query = {"symbols": "MSFT,AAPL", "start": "2026-11-29T16:07:00Z", "limit": "100", "page_token": token}
        pages.append(emulator.call("GET", "/v2/stocks/quotes", **query).json())
        token = pages[-1]["next_page_token"]
        if token is None:
            break
    assert all(sum(map(len, page["quotes"].values())) == 100 for page in pages[:-1])
    joined = {symbol: [row for page in pages for row in page["quotes"].get(symbol, [])] for symbol in ("AAPL", "MSFT")}
    found = client.get_stock_quotes(StockQuotesRequest(symbol_or_symbols=["AAPL", "MSFT"], start=START))
    assert isinstance(found, QuoteSet)
    assert {symbol: len(rows) for symbol, rows in joined.items()} == {symbol: len(rows) for symbol, rows in found.data.items()}
    assert len({row["t"] for row in joined["AAPL"]}) == len(joined["AAPL"]) == 331
    assert list(pages[0]["quotes"]) == ["AAPL"]


def test_nothing_of_the_future_is_shown(client: StockHistoricalDataClient) -> None:
    found = client.get_stock_trades(StockTradesRequest(symbol_or_symbols="AAPL", start=START, end=START + timedelta(days=1)))
    assert isinstance(found, TradeSet)
    assert found["AAPL"][-1].timestamp <= START + timedelta(seconds=330)


def test_limits_order_and_edges(client: StockHistoricalDataClient) -> None:
    newest = client.get_stock_trades(StockTradesRequest(symbol_or_symbols="AAPL", start=START, sort=Sort.DESC, limit=5))
    assert isinstance(newest, TradeSet)
    stamps = [one.timestamp for one in newest["AAPL"]]
    assert len(stamps) == 5
    assert stamps == sorted(stamps, reverse=True)
    exact = client.get_stock_quotes(
        StockQuotesRequest(symbol_or_symbols="AAPL", start=START + timedelta(seconds=3), end=START + timedelta(seconds=5))
    )
    assert isinstance(exact, QuoteSet)
    assert len(exact["AAPL"]) == 3


@pytest.mark.parametrize(
    ("frame", "count"),
    [
        (TimeFrame(5, TimeFrameUnit.Minute), 1),
        (TimeFrame.Day, 1),
        (TimeFrame.Week, 1),
        (TimeFrame.Month, 1),
        (TimeFrame.Hour, 0),
    ],
)
def test_longer_bars(client: StockHistoricalDataClient, frame: TimeFrame, count: int) -> None:
    found = client.get_stock_bars(StockBarsRequest(symbol_or_symbols="AAPL", timeframe=frame, start=START - timedelta(days=40)))
    assert isinstance(found, BarSet)
    bars = found.data.get("AAPL", [])
    assert len(bars) == count
    if frame.unit_value is TimeFrameUnit.Day:
        assert bars[0].timestamp == datetime(2026, 11, 29, 5, tzinfo=UTC)
        assert bars[0].high == 102


def test_latest_values_and_snapshots(client: StockHistoricalDataClient) -> None:
    quotes: Any = client.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols=["AAPL", "MSFT"]))
    assert (quotes["AAPL"].bid_price, quotes["MSFT"].ask_price) == (99.99, 50.01)
    trades: Any = client.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols="AAPL"))
    assert trades["AAPL"].price == 100
    bars: Any = client.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols="AAPL"))
    assert bars["AAPL"].timestamp == START + timedelta(minutes=4)
    snapshots: Any = client.get_stock_snapshot(StockSnapshotRequest(symbol_or_symbols=["AAPL", "MSFT"]))
    assert snapshots["AAPL"].daily_bar.high == 102
    assert snapshots["AAPL"].previous_daily_bar is None
    assert snapshots["MSFT"].latest_trade.price == 50


def test_single_forms(emulator: Emulator) -> None:
    start = {"start": "2026-11-29T16:07:00Z"}
    bars = emulator.call("GET", "/v2/stocks/AAPL/bars", timeframe="1Min", **start).json()
    assert (bars["symbol"], len(bars["bars"])) == ("AAPL", 5)
    assert emulator.call("GET", "/v2/stocks/AAPL/quotes/latest").json()["quote"]["bp"] == 99.99
    assert emulator.call("GET", "/v2/stocks/AAPL/snapshot").json()["symbol"] == "AAPL"
    assert emulator.call("GET", "/v2/stocks/NOPE/trades/latest").status_code == 404
    assert emulator.call("GET", "/v2/stocks/meta/exchanges").json()["V"] == "IEX"
    assert "@" in emulator.call("GET", "/v2/stocks/meta/conditions/trade", tape="C").json()


@pytest.mark.parametrize(
    "query",
    [
        {"timeframe": "7Weeks"},
        {"timeframe": "60Min"},
        {"timeframe": "1Min", "limit": "10001"},
        {"timeframe": "1Min", "start": "soon"},
        {"timeframe": "1Min", "start": "2026-11-29", "end": "2026-11-28"},
        {"timeframe": "1Min", "page_token": "%%"},
        {"timeframe": "1Min", "sort": "up"},
    ],
)
def test_wrong_queries_are_refused(emulator: Emulator, query: dict[str, str]) -> None:
    answer = emulator.call("GET", "/v2/stocks/bars", symbols="AAPL", **query)
    assert (answer.status_code, answer.json()["code"]) == (422, 40010001)


def test_symbols_are_required(emulator: Emulator) -> None:
    assert emulator.call("GET", "/v2/stocks/quotes").status_code == 422


def test_an_empty_result_has_its_key(emulator: Emulator) -> None:
    assert emulator.call("GET", "/v2/stocks/trades", symbols="NOPE").json() == {"trades": {}, "next_page_token": None}


def test_options_have_quotes_snapshots_and_a_chain(emulator: Emulator) -> None:
    client = OptionHistoricalDataClient(KEY, SECRET, url_override=emulator.addresses.rest)
    quotes: Any = client.get_option_latest_quote(OptionLatestQuoteRequest(symbol_or_symbols=CALL.symbol))
    assert quotes[CALL.symbol].ask_price == 2.1
    snapshots: Any = client.get_option_snapshot(OptionSnapshotRequest(symbol_or_symbols=CALL.symbol))
    assert snapshots[CALL.symbol].latest_quote.bid_price == 2
    chain: Any = client.get_option_chain(OptionChainRequest(underlying_symbol="AAPL"))
    assert list(chain) == [CALL.symbol, "AAPL240315C00105000"]
    bars: Any = client.get_option_bars(OptionBarsRequest(symbol_or_symbols=CALL.symbol, timeframe=TimeFrame.Day, start=START))
    assert bars.data == {}


@pytest.mark.parametrize(
    ("query", "strikes"),
    [
        ({"strike_price_gte": "100.5"}, [105]),
        ({"strike_price_lte": "100"}, [100]),
        ({"expiration_date": "2024-03-15", "root_symbol": "AAPL", "type": "call"}, [100, 105]),
        ({"expiration_date_gte": "2024-03-16"}, []),
        ({"expiration_date_lte": "2024-03-14"}, []),
        ({"root_symbol": "AAPL1"}, []),
        ({"type": "put"}, []),
    ],
)
def test_a_chain_is_filtered_by_its_contracts_terms(emulator: Emulator, query: dict[str, str], strikes: list[int]) -> None:
    found = emulator.call("GET", "/v1beta1/options/snapshots/AAPL", **query).json()["snapshots"]
    assert [int(symbol[-8:]) // 1000 for symbol in found] == strikes


def test_news_are_empty_pages_and_corporate_actions_come_from_the_file(emulator: Emulator) -> None:
    news: Any = NewsClient(KEY, SECRET, url_override=emulator.addresses.rest).get_news(NewsRequest(symbols="AAPL"))
    assert news.data["news"] == []
    client = CorporateActionsClient(KEY, SECRET, url_override=emulator.addresses.rest)
    everything: Any = client.get_corporate_actions(CorporateActionsRequest(start=date(2026, 11, 1), end=date(2026, 12, 1)))
    assert {kind: len(rows) for kind, rows in everything.data.items()} == {"forward_splits": 1, "cash_dividends": 3}
    page = emulator.call("GET", "/v1/corporate-actions", symbols="MSFT", limit="2").json()
    rest = emulator.call("GET", "/v1/corporate-actions", symbols="MSFT", limit="2", page_token=page["next_page_token"]).json()
    assert [row["id"] for row in page["corporate_actions"]["cash_dividends"]] == [row["id"] for row in DIVIDENDS[:2]]
    assert rest == {"corporate_actions": {"cash_dividends": [DIVIDENDS[2]]}, "next_page_token": None}
    by_id = emulator.call("GET", "/v1/corporate-actions", ids=SPLIT_ID).json()
    assert by_id["corporate_actions"] == {"forward_splits": [SPLIT]}


def test_the_most_active_symbols(emulator: Emulator) -> None:
    client = ScreenerClient(KEY, SECRET, url_override=emulator.addresses.rest)
    found: Any = client.get_most_actives(MostActivesRequest(top=2, by=MostActivesBy.VOLUME))
    assert [one.symbol for one in found.most_actives] == ["AAPL", "MSFT"]


def test_yesterday_has_a_bar_of_its_own() -> None:
    tomorrow = 86_400.0
    with Emulator([*market(), quote(tomorrow + 1, 10_099, 10_101), trade(tomorrow + 1, 10_100)]) as emulator:
        emulator.step_to(tomorrow + 2)
        snapshot = emulator.call("GET", "/v2/stocks/snapshots", symbols="AAPL").json()["AAPL"]
        assert (snapshot["dailyBar"]["c"], snapshot["prevDailyBar"]["c"]) == (101, 100)
        assert (snapshot["dailyBar"]["t"], snapshot["prevDailyBar"]["t"]) == (
            "2026-11-30T05:00:00.000000000Z",
            "2026-11-29T05:00:00.000000000Z",
        )


def test_a_wrong_key_is_forbidden_on_the_data_host(emulator: Emulator) -> None:
    client = StockHistoricalDataClient(KEY, "wrong", url_override=emulator.addresses.rest)
    with pytest.raises(APIError, match="forbidden"):
        client.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols="AAPL"))
