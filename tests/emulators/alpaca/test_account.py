"""Account, positions, activities, history, assets, clock and calendar through the venue's own client."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from alpaca.trading.enums import AssetClass, OrderSide, OrderStatus, TimeInForce
from alpaca.trading.models import AccountConfiguration, Asset, Clock, PortfolioHistory, Position, TradeAccount
from alpaca.trading.requests import (
    ClosePositionRequest,
    GetAssetsRequest,
    GetCalendarRequest,
    GetOptionContractsRequest,
    GetPortfolioHistoryRequest,
    LimitOrderRequest,
    MarketOrderRequest,
)

from tests.emulators.alpaca.kit import CALL, CLOSE_S, OPEN_NS, Emulator, market, quote, trade
from tests.emulators.alpaca.sdk import APIError, TradingClient
from tidegate.emulators.alpaca.assets import Reference
from tidegate.emulators.alpaca.settings import AccountSettings, EmulatorSettings

pytestmark = pytest.mark.req("X3", "G3", "G4")

CONTRACT: dict[str, Any] = {
    "id": "9c44d2f1-7e6b-4b3a-8d15-aabbccddeeff",
    "symbol": CALL.symbol,
    "name": "AAPL Mar 15 2024 100 Call",
    "status": "active",
    "tradable": True,
    "expiration_date": "2024-03-15",
    "root_symbol": "AAPL",
    "underlying_symbol": "AAPL",
    "underlying_asset_id": "6f1f2a34-5b0c-4d7e-9a11-2c3d4e5f6071",
    "type": "call",
    "style": "american",
    "strike_price": "100",
    "multiplier": "100",
    "size": "100",
}
OTHER = CONTRACT | {"id": "9c44d2f1-7e6b-4b3a-8d15-aabbccddee00", "symbol": "AAPL240315C00105000", "strike_price": "105"}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    reference = Reference(option_contracts=[CONTRACT, OTHER], assets={"MSFT": {"exchange": "NYSE", "fractionable": False}})
    with Emulator(reference=reference) as started:
        started.step_to(5)
        yield started


@pytest.fixture
def client(emulator: Emulator) -> TradingClient:
    return emulator.trading()


def trade_market(client: TradingClient, side: OrderSide, quantity: float, symbol: str = "AAPL") -> None:
    client.submit_order(MarketOrderRequest(symbol=symbol, qty=quantity, side=side, time_in_force=TimeInForce.DAY))


def test_the_account_after_a_purchase(client: TradingClient) -> None:
    trade_market(client, OrderSide.BUY, 100)
    account = client.get_account()
    assert isinstance(account, TradeAccount)
    assert (account.cash, account.equity, account.long_market_value) == ("89999", "99999", "10000")
    assert (account.buying_power, account.multiplier, account.status) == ("389996", "4", "ACTIVE")
    assert (account.last_equity, account.trading_blocked) == ("100000", False)


def test_a_short_position_has_negative_numbers(client: TradingClient) -> None:
    trade_market(client, OrderSide.SELL, 10)
    position = client.get_open_position("AAPL")
    assert isinstance(position, Position)
    assert (position.qty, position.market_value, position.side.value, position.avg_entry_price) == ("-10", "-1000", "short", "99.99")
    assert position.unrealized_pl == "-0.1"


def test_an_option_position_counts_its_multiplier(client: TradingClient) -> None:
    trade_market(client, OrderSide.BUY, 2, CALL.symbol)
    position = client.get_open_position(CALL.symbol)
    assert isinstance(position, Position)
    assert (position.cost_basis, position.avg_entry_price, position.asset_class) == ("420", "2.1", AssetClass.US_OPTION)
    assert position.exchange.value == ""


def test_buying_more_selling_part_and_all_keeps_exact_books(client: TradingClient) -> None:
    trade_market(client, OrderSide.BUY, 10)
    trade_market(client, OrderSide.BUY, 20)
    trade_market(client, OrderSide.SELL, 15)
    position = client.get_open_position("AAPL")
    assert isinstance(position, Position)
    assert (position.qty, position.avg_entry_price, position.cost_basis) == ("15", "100.01", "1500.15")
    trade_market(client, OrderSide.SELL, 15)
    with pytest.raises(APIError) as gone:
        client.get_open_position("AAPL")
    assert (gone.value.status_code, gone.value.code, gone.value.message) == (404, 40410000, "position does not exist")
    account = client.get_account()
    assert isinstance(account, TradeAccount)
    assert account.cash == "99999.4"


def test_closing_a_part_one_and_all(client: TradingClient) -> None:
    trade_market(client, OrderSide.BUY, 10)
    trade_market(client, OrderSide.BUY, 10, "MSFT")
    client.close_position("AAPL", ClosePositionRequest(percentage="25"))
    position = client.get_open_position("AAPL")
    assert isinstance(position, Position)
    assert position.qty == "7.5"
    client.close_position("AAPL", ClosePositionRequest(qty="0.5"))
    answers: Any = client.close_all_positions()
    assert [(answer.symbol, answer.status) for answer in answers] == [("AAPL", 200), ("MSFT", 200)]
    assert client.get_all_positions() == []


def test_closing_what_orders_hold_needs_them_canceled_first(client: TradingClient) -> None:
    trade_market(client, OrderSide.BUY, 10)
    client.submit_order(LimitOrderRequest(symbol="AAPL", qty=10, side=OrderSide.SELL, time_in_force=TimeInForce.DAY, limit_price=120))
    held: Any = client.close_all_positions()
    assert held[0].status == 403
    assert held[0].body.code == 40310000
    assert "insufficient qty available" in held[0].body.message
    freed: Any = client.close_all_positions(cancel_orders=True)
    assert freed[0].status == 200
    assert client.get_all_positions() == []


def test_configuration_is_changed_and_nulls_change_nothing(emulator: Emulator, client: TradingClient) -> None:
    before = client.get_account_configurations()
    assert isinstance(before, AccountConfiguration)
    before.suspend_trade = True
    before.max_margin_multiplier = "2"
    after = client.set_account_configurations(before)
    assert isinstance(after, AccountConfiguration)
    assert (after.suspend_trade, after.max_margin_multiplier, after.fractional_trading) == (True, "2", True)
    for wrong in ({"max_margin_multiplier": "3"}, {"suspend_trade": "maybe"}, {"max_options_trading_level": 9}):
        assert emulator.call("PATCH", "/v2/account/configurations", json=wrong).status_code == 422


def test_fills_are_activities_with_pages(emulator: Emulator, client: TradingClient) -> None:
    for _ in range(5):
        trade_market(client, OrderSide.BUY, 1)
    whole = emulator.call("GET", "/v2/account/activities").json()
    assert [row["cum_qty"] for row in whole] == ["1"] * 5
    assert whole[0]["id"].startswith("20261129110705000::")
    first = emulator.call("GET", "/v2/account/activities", page_size="2").json()
    second = emulator.call("GET", "/v2/account/activities/FILL", page_size="2", page_token=first[-1]["id"]).json()
    assert first + second == whole[:4]
    assert emulator.call("GET", "/v2/account/activities/DIV").json() == []
    assert len(emulator.call("GET", "/v2/account/activities", category="trade_activity", direction="asc").json()) == 5
    assert len(emulator.call("GET", "/v2/account/activities", date="2026-11-29").json()) == 5
    assert emulator.call("GET", "/v2/account/activities", date="2026-11-28").json() == []
    assert len(emulator.call("GET", "/v2/account/activities", order_id=whole[0]["order_id"]).json()) == 1


def test_portfolio_history_follows_the_equity(emulator: Emulator, client: TradingClient) -> None:
    trade_market(client, OrderSide.BUY, 100)
    emulator.step_to(210)
    history = client.get_portfolio_history(GetPortfolioHistoryRequest(period="1D", timeframe="1Min"))
    assert isinstance(history, PortfolioHistory)
    assert history.base_value == 100_000
    assert history.equity[-1] == pytest.approx(100_000 + 100 * (101.91 - 100.01), abs=5)
    assert history.timestamp == sorted(history.timestamp)
    assert len(history.timestamp) == 4
    days = client.get_portfolio_history()
    assert isinstance(days, PortfolioHistory)
    assert (days.timeframe, len(days.equity)) == ("1D", 1)
    for query in ({"timeframe": "2Min"}, {"period": "odd"}, {"period": "1D", "start": "2026-11-01", "end": "2026-11-02"}):
        assert emulator.call("GET", "/v2/account/portfolio/history", **query).status_code == 422


def test_assets_come_from_the_tape_and_the_reference_file(client: TradingClient) -> None:
    asset = client.get_asset("AAPL")
    assert isinstance(asset, Asset)
    assert (asset.symbol, asset.tradable, asset.fractionable) == ("AAPL", True, True)
    assert client.get_asset(str(asset.id)) == asset
    other = client.get_asset("MSFT")
    assert isinstance(other, Asset)
    assert (other.exchange.value, other.fractionable) == ("NYSE", False)
    found: Any = client.get_all_assets(GetAssetsRequest(asset_class=AssetClass.US_OPTION))
    assert [one.symbol for one in found] == [CALL.symbol, "AAPL240315C00105000"]
    with pytest.raises(APIError) as unknown:
        client.get_asset("NOPE")
    assert unknown.value.status_code == 404
    with pytest.raises(APIError, match="requested asset is not fractionable"):
        trade_market(client, OrderSide.BUY, 0.5, "MSFT")


def test_option_contracts_come_from_the_reference_file(emulator: Emulator, client: TradingClient) -> None:
    found: Any = client.get_option_contracts(
        GetOptionContractsRequest(underlying_symbols=["AAPL"], limit=1, expiration_date_lte=date(2024, 4, 1))
    )
    assert [one.symbol for one in found.option_contracts] == [CALL.symbol]
    query = {"page_token": found.next_page_token, "limit": "5"}
    rest = emulator.call("GET", "/v2/options/contracts", **query).json()
    assert ([row["symbol"] for row in rest["option_contracts"]], rest["next_page_token"]) == (["AAPL240315C00105000"], None)
    one: Any = client.get_option_contract(CALL.symbol)
    assert str(one.id) == CONTRACT["id"]
    with pytest.raises(APIError, match="option contract NOPE not found"):
        client.get_option_contract("NOPE")
    assert emulator.call("GET", "/v2/options/contracts", strike_price_gte="101").json()["option_contracts"][0]["strike_price"] == "105"


def test_contracts_are_those_of_the_next_days_unless_an_expiry_is_asked_for() -> None:
    near, far = CONTRACT | {"expiration_date": "2026-12-06"}, OTHER | {"expiration_date": "2026-12-07", "deliverables": [{"amount": "100"}]}
    with Emulator(reference=Reference(option_contracts=[near, far])) as started:

        def shown(**query: str) -> list[str]:
            rows = started.call("GET", "/v2/options/contracts", **query).json()["option_contracts"]
            return [row["strike_price"] + ("+" if "deliverables" in row else "") for row in rows]

        assert shown() == ["100"], "up to the next weekend; today is Sunday, the 29th"
        assert shown(expiration_date_gte="2026-12-01") == ["100", "105"]
        assert shown(expiration_date="2026-12-07", show_deliverables="true") == ["105+"]
        answer = started.call("GET", "/v2/options/contracts", strike_price_gte="many")
        assert (answer.status_code, answer.json()["code"]) == (422, 40010001)


def test_the_clock_says_that_a_sunday_is_a_trading_day(emulator: Emulator, client: TradingClient) -> None:
    clock = client.get_clock()
    assert isinstance(clock, Clock)
    assert clock.is_open
    assert clock.timestamp.isoweekday() == 7
    assert (clock.next_close - clock.timestamp).total_seconds() == CLOSE_S - 5
    emulator.step_to(CLOSE_S + 1)
    later = client.get_clock()
    assert isinstance(later, Clock)
    assert not later.is_open
    assert later.next_open < later.next_close


def test_the_calendar_moves_with_the_tape(client: TradingClient) -> None:
    days: Any = client.get_calendar(GetCalendarRequest(start=date(2026, 11, 25), end=date(2026, 12, 5)))
    shown = [day.date.isoformat() for day in days]
    assert shown == ["2026-11-25", "2026-11-26", "2026-11-29", "2026-11-30", "2026-12-01", "2026-12-02", "2026-12-03"]
    assert all((day.close - day.open).total_seconds() == CLOSE_S for day in days)
    everything: Any = client.get_calendar()
    assert len(everything) > 60


def test_accounts_are_apart() -> None:
    settings = EmulatorSettings(accounts=(AccountSettings(), AccountSettings(key="PKOTHER", cash_usd="5000")), trading_calls_per_minute=0)
    with Emulator(settings=settings) as emulator:
        emulator.step_to(5)
        one, other = emulator.trading(), emulator.trading("PKOTHER")
        trade_market(one, OrderSide.BUY, 500)
        trade_market(other, OrderSide.BUY, 10)
        assert [order.symbol for order in other.get_orders()] == []  # type: ignore[union-attr]
        position: Any = other.get_open_position("AAPL")
        assert position.qty == "10", "nobody takes liquidity from another account"
        account = other.get_account()
        assert isinstance(account, TradeAccount)
        assert account.cash == "3999.9"


def test_the_day_after_the_position_knows_yesterdays_price() -> None:
    tomorrow = 86_400.0
    recs = [*market(), quote(tomorrow + 1, 10_099, 10_101), trade(tomorrow + 1, 10_100)]
    with Emulator(recs) as emulator:
        emulator.step_to(5)
        client = emulator.trading()
        trade_market(client, OrderSide.BUY, 10)
        emulator.step_to(tomorrow + 2)
        position: Any = client.get_open_position("AAPL")
        assert (position.lastday_price, position.current_price, position.change_today) == ("100", "101", "0.01")
        assert position.unrealized_intraday_pl == "10"
        account = client.get_account()
        assert isinstance(account, TradeAccount)
        assert account.last_equity == "99999.9"
        history = client.get_portfolio_history(GetPortfolioHistoryRequest(period="1W", timeframe="1D"))
        assert isinstance(history, PortfolioHistory)
        assert len(history.equity) == 2


def test_a_filled_order_is_seen_as_filled(client: TradingClient) -> None:
    trade_market(client, OrderSide.BUY, 1)
    orders: Any = client.get("/orders", {"status": "all"})
    assert orders[0]["status"] == OrderStatus.FILLED.value
    assert OPEN_NS > 0
