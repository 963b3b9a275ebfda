"""Orders through the venue's own client: types, lives, fills, lists, replacement, cancellation."""

from collections.abc import Iterator
from typing import Any

import pytest
from alpaca.trading.enums import OrderSide, OrderStatus, QueryOrderStatus, TimeInForce
from alpaca.trading.models import Order
from alpaca.trading.requests import (
    GetOrdersRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
    StopLimitOrderRequest,
    StopOrderRequest,
    TrailingStopOrderRequest,
)

from tests.emulators.alpaca.kit import CLOSE_S, Emulator, market, quote, trade, until
from tests.emulators.alpaca.sdk import APIError, TradingClient
from tidegate.emulators.alpaca.settings import EmulatorSettings

pytestmark = pytest.mark.req("X3", "G1", "G2")

DAY, GTC = TimeInForce.DAY, TimeInForce.GTC
BUY, SELL = OrderSide.BUY, OrderSide.SELL


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as started:
        started.step_to(5)
        yield started


@pytest.fixture
def client(emulator: Emulator) -> TradingClient:
    return emulator.trading()


def buy(client: TradingClient, quantity: float = 10, symbol: str = "AAPL", **fields: Any) -> Order:
    made = client.submit_order(MarketOrderRequest(symbol=symbol, qty=quantity, side=BUY, time_in_force=DAY, **fields))
    assert isinstance(made, Order)
    return made


def limit(
    client: TradingClient, price: float, quantity: float = 10, side: OrderSide = BUY, life: TimeInForce = DAY, **fields: Any
) -> Order:
    request = LimitOrderRequest(symbol="AAPL", qty=quantity, side=side, time_in_force=life, limit_price=price, **fields)
    made = client.submit_order(request)
    assert isinstance(made, Order)
    return made


def again(client: TradingClient, order: Order) -> Order:
    found = client.get_order_by_id(order.id)
    assert isinstance(found, Order)
    return found


def test_a_market_order_is_pending_in_the_answer_and_filled_at_the_ask(client: TradingClient) -> None:
    order = buy(client, client_order_id="mine-1")
    assert order.status is OrderStatus.PENDING_NEW
    found = client.get_order_by_client_id("mine-1")
    assert isinstance(found, Order)
    assert (found.id, found.status, found.filled_qty, found.filled_avg_price) == (order.id, OrderStatus.FILLED, "10", "100.01")
    assert found.filled_at is not None


def test_an_order_for_more_than_is_shown_fills_in_parts(emulator: Emulator, client: TradingClient) -> None:
    order = buy(client, 700)
    part = again(client, order)
    assert (part.status, part.filled_qty) == (OrderStatus.PARTIALLY_FILLED, "500")
    emulator.step_to(400)
    assert again(client, order).status is OrderStatus.FILLED


def test_a_limit_order_rests_until_the_market_comes_to_it(emulator: Emulator, client: TradingClient) -> None:
    buy(client)
    order = limit(client, 101.5, side=SELL)
    assert again(client, order).status is OrderStatus.NEW
    emulator.step_to(280)
    filled = again(client, order)
    assert (filled.status, filled.filled_avg_price) == (OrderStatus.FILLED, "101.5")


def test_stop_and_stop_limit_orders_are_elected_by_sales(emulator: Emulator, client: TradingClient) -> None:
    stop = client.submit_order(StopOrderRequest(symbol="AAPL", qty=5, side=BUY, time_in_force=DAY, stop_price=101))
    both = client.submit_order(
        StopLimitOrderRequest(symbol="AAPL", qty=5, side=BUY, time_in_force=DAY, stop_price=101.2, limit_price=101.3)
    )
    assert isinstance(stop, Order)
    assert isinstance(both, Order)
    emulator.step_to(90)
    assert again(client, stop).status is OrderStatus.NEW
    emulator.step_to(250)
    assert again(client, stop).filled_avg_price == "101.02"
    assert again(client, both).status is OrderStatus.FILLED


@pytest.mark.parametrize(("trail", "stop"), [({"trail_price": 0.5}, 101.5), ({"trail_percent": 0.5}, 101.49)])
def test_trailing_stops_follow_the_market_and_sell_on_the_way_back(
    emulator: Emulator, client: TradingClient, trail: dict[str, float], stop: float
) -> None:
    buy(client)
    order = client.submit_order(TrailingStopOrderRequest(symbol="AAPL", qty=10, side=SELL, time_in_force=DAY, **trail))
    assert isinstance(order, Order)
    emulator.step_to(202)
    shown = again(client, order)
    assert shown.hwm == "102"
    assert shown.stop_price is not None
    assert float(shown.stop_price) == pytest.approx(stop)
    emulator.step_to(290)
    filled = again(client, order)
    assert filled.status is OrderStatus.FILLED
    assert filled.filled_avg_price is not None
    assert float(filled.filled_avg_price) == pytest.approx(stop, abs=0.03)


def test_immediate_orders_fill_or_end(client: TradingClient) -> None:
    assert again(client, limit(client, 100.01, 600, life=TimeInForce.IOC)).status is OrderStatus.CANCELED
    assert again(client, limit(client, 100.01, 600, life=TimeInForce.FOK)).filled_qty == "0"


def test_a_day_order_expires_at_the_close_and_a_gtc_order_lives_on(emulator: Emulator, client: TradingClient) -> None:
    day, gtc = limit(client, 50), limit(client, 51, life=GTC)
    assert day.expires_at is not None
    assert gtc.expires_at is not None
    assert (gtc.expires_at - gtc.created_at).days in {89, 90}
    emulator.step_to(CLOSE_S + 1)
    assert again(client, day).status is OrderStatus.EXPIRED
    assert again(client, gtc).status is OrderStatus.NEW


def test_a_gtc_order_is_canceled_by_the_venue_after_ninety_days(emulator: Emulator, client: TradingClient) -> None:
    order = limit(client, 50, life=GTC)
    emulator.step(92 * 86_400)
    aged = again(client, order)
    assert aged.status is OrderStatus.CANCELED
    assert aged.canceled_at is not None
    assert order.expires_at is not None
    assert aged.canceled_at >= order.expires_at


def test_an_order_sent_while_the_market_is_closed_is_accepted_and_new_at_the_open(emulator: Emulator, client: TradingClient) -> None:
    emulator.step_to(CLOSE_S + 60)
    order = limit(client, 50)
    assert order.status is OrderStatus.ACCEPTED
    assert again(client, order).status is OrderStatus.ACCEPTED
    with pytest.raises(APIError, match="cannot replace order in accepted status"):
        client.replace_order_by_id(order.id, ReplaceOrderRequest(limit_price=51))
    emulator.step(86_400 - CLOSE_S)
    assert again(client, order).status is OrderStatus.NEW


def test_extended_hours_orders_fill_after_the_close_and_live_until_eight(client: TradingClient) -> None:
    with Emulator([*market(), quote(CLOSE_S + 600, 9_990, 10_000), trade(CLOSE_S + 601, 9_990)]) as late:
        late.step_to(CLOSE_S + 60)
        client = late.trading()
        plain, extended = limit(client, 100), limit(client, 100, extended_hours=True)
        resting = limit(client, 90, extended_hours=True)
        late.step_to(CLOSE_S + 700)
        assert again(client, plain).status is OrderStatus.ACCEPTED
        assert again(client, extended).status is OrderStatus.FILLED
        late.step_to(CLOSE_S + 4 * 3600 + 1)
        assert again(client, resting).status is OrderStatus.EXPIRED


def test_fractions_and_dollars(client: TradingClient) -> None:
    part = again(client, buy(client, 0.25))
    assert (part.status, part.filled_qty) == (OrderStatus.FILLED, "0.25")
    made = client.submit_order(MarketOrderRequest(symbol="AAPL", notional=250, side=BUY, time_in_force=DAY))
    assert isinstance(made, Order)
    done = again(client, made)
    assert (done.qty, done.notional, done.status) == (None, "250", OrderStatus.FILLED)
    assert done.filled_qty is not None
    assert float(done.filled_qty) * 100.01 == pytest.approx(250)


def test_replacing_gives_a_new_order_and_keeps_the_old_one_as_replaced(client: TradingClient) -> None:
    old = limit(client, 99)
    new = client.replace_order_by_id(old.id, ReplaceOrderRequest(qty=3, limit_price=99.5, client_order_id="second"))
    assert isinstance(new, Order)
    assert new.replaces == old.id
    found = again(client, old)
    assert (found.status, found.replaced_by) == (OrderStatus.REPLACED, new.id)
    assert found.replaced_at is not None
    working = again(client, new)
    assert (working.status, working.qty, working.limit_price, working.client_order_id) == (OrderStatus.NEW, "3", "99.5", "second")
    with pytest.raises(APIError, match="order already replaced"):
        client.replace_order_by_id(old.id, ReplaceOrderRequest(qty=4))
    with pytest.raises(APIError, match="order parameters are not changed"):
        client.replace_order_by_id(new.id, ReplaceOrderRequest(qty=3))


def test_the_quantity_of_a_replacement_counts_what_is_filled_already(client: TradingClient) -> None:
    old = limit(client, 100.01, 600)
    assert again(client, old).filled_qty == "500"
    with pytest.raises(APIError, match="qty must be > filled_qty"):
        client.replace_order_by_id(old.id, ReplaceOrderRequest(qty=500))
    new = client.replace_order_by_id(old.id, ReplaceOrderRequest(qty=550))
    assert isinstance(new, Order)
    assert again(client, new).qty == "50"


def test_canceling_one_and_all(client: TradingClient) -> None:
    first, second, third = limit(client, 90), limit(client, 91), limit(client, 92)
    client.cancel_order_by_id(first.id)
    assert again(client, first).status is OrderStatus.CANCELED
    with pytest.raises(APIError, match='order is already in \\\\"canceled\\\\" state'):
        client.cancel_order_by_id(first.id)
    answers = client.cancel_orders()
    assert {answer.id for answer in answers} == {second.id, third.id}  # type: ignore[union-attr]
    assert again(client, third).status is OrderStatus.CANCELED
    with pytest.raises(APIError) as missing:
        client.cancel_order_by_id("00000000-0000-4000-8000-000000000000")
    assert (missing.value.status_code, missing.value.code) == (404, 40410000)


def test_a_fill_can_win_over_a_cancel() -> None:
    slow = EmulatorSettings(order_latency="2s", trading_calls_per_minute=0)
    with Emulator(settings=slow) as delayed:
        client = delayed.trading()
        heard: list[Any] = []
        with delayed.updates(heard):
            until(lambda: delayed.state()["trading_streams"] == 1)
            delayed.step_to(5)
            order = limit(client, 100.01, 10)
            delayed.step_to(6)
            client.cancel_order_by_id(order.id)
            assert again(client, order).status is OrderStatus.PENDING_CANCEL
            delayed.step_to(10)
            until(lambda: any(str(update.event) == "order_cancel_rejected" for update in heard))
        assert again(client, order).status is OrderStatus.FILLED


def test_a_fill_can_win_over_a_replacement_which_is_rejected_then() -> None:
    slow = EmulatorSettings(order_latency="2s", trading_calls_per_minute=0)
    with Emulator(settings=slow) as delayed:
        client = delayed.trading()
        heard: list[Any] = []
        with delayed.updates(heard):
            until(lambda: delayed.state()["trading_streams"] == 1)
            delayed.step_to(5)
            buying = buy(client, 10)
            assert again(client, buying).status is OrderStatus.PENDING_NEW
            delayed.step_to(98)
            selling = limit(client, 101.5, 10, side=SELL)
            with pytest.raises(APIError, match="cannot replace order in pending_new status"):
                client.replace_order_by_id(selling.id, ReplaceOrderRequest(limit_price=101.6))
            delayed.step_to(149.5)
            new = client.replace_order_by_id(selling.id, ReplaceOrderRequest(limit_price=103))
            assert isinstance(new, Order)
            assert again(client, selling).status is OrderStatus.PENDING_REPLACE
            delayed.step_to(160)
            until(lambda: any(str(update.event) == "order_replace_rejected" for update in heard))
        assert again(client, selling).status is OrderStatus.FILLED
        assert again(client, new).status is OrderStatus.REJECTED


def test_lists_page_by_order_id_and_filter(client: TradingClient) -> None:
    made = [limit(client, 80 + number / 100) for number in range(7)]
    buy(client, symbol="MSFT")
    newest: Any = client.get_orders(GetOrdersRequest(limit=3))
    assert [order.id for order in newest] == [order.id for order in reversed(made[-3:])]
    rest: Any = client.get_orders(GetOrdersRequest(status=QueryOrderStatus.OPEN, limit=500))
    assert len(rest) == 7
    closed: Any = client.get_orders(GetOrdersRequest(status=QueryOrderStatus.CLOSED))
    assert [order.symbol for order in closed] == ["MSFT"]
    both: Any = client.get_orders(GetOrdersRequest(status=QueryOrderStatus.ALL, symbols=["MSFT", "AAPL"], side=BUY))
    assert len(both) == 8


def test_cursors_and_wrong_queries_of_lists(emulator: Emulator, client: TradingClient) -> None:
    made = [str(limit(client, 80 + number / 100).id) for number in range(5)]
    page = emulator.call("GET", "/v2/orders", before_order_id=made[3], limit="2").json()
    assert [order["id"] for order in page] == [made[2], made[1]]
    page = emulator.call("GET", "/v2/orders", after_order_id=made[3]).json()
    assert [order["id"] for order in page] == [made[4]]
    for query in ({"limit": "501"}, {"status": "odd"}, {"direction": "up"}, {"after": "yesterday"}, {"side": "both"}):
        assert emulator.call("GET", "/v2/orders", **query).status_code == 422


def test_a_trailing_buy_follows_the_market_down() -> None:
    falling = [quote(0, 9_999, 10_001), trade(0, 10_000), quote(5, 9_899, 9_901), trade(5.1, 9_900)]
    falling += [quote(6, 9_939, 9_941), trade(6.1, 9_940), quote(6.8, 9_959, 9_961)]
    with Emulator([*falling, trade(7, 9_960)]) as emulator:
        client = emulator.trading()
        for trail in ({"trail_price": 0.5}, {"trail_percent": 0.5}):
            client.submit_order(TrailingStopOrderRequest(symbol="AAPL", qty=1, side=BUY, time_in_force=DAY, **trail))
        emulator.step_to(6.5)
        waiting: Any = client.get_orders()
        assert [order.hwm for order in waiting] == ["99", "99"]
        emulator.step_to(8)
        position: Any = client.get_open_position("AAPL")
        assert (position.qty, position.avg_entry_price) == ("2", "99.61")


def test_several_tapes_play_as_one_market() -> None:
    from tests.emulators.alpaca.kit import NOW_NS, tape
    from tidegate.clock.clock import ManualClock
    from tidegate.emulators.alpaca import trading
    from tidegate.emulators.alpaca.assets import Reference
    from tidegate.emulators.alpaca.settings import KEY
    from tidegate.emulators.alpaca.world import World

    whole = market()
    parts = [tape([rec for rec in whole if rec.on == on]) for on in (0, 1)]
    clock = ManualClock(NOW_NS)
    world = World(parts, EmulatorSettings(), clock, reference=Reference(), compiler=None)
    clock.advance(300 * 10**9)
    world.play()
    desk = world.desks[KEY]
    for symbol in ("AAPL", "MSFT"):
        trading.create(desk, {"symbol": symbol, "qty": "5", "side": "buy", "type": "market", "time_in_force": "day"})
    world.settle()
    assert {symbol: held.quantity_nanos for symbol, held in desk.account.positions.items()} == {"AAPL": 5 * 10**9, "MSFT": 5 * 10**9}
    assert world.floor.player.position == sum(rec.at <= 300 for rec in whole if rec.on in {0, 1})
