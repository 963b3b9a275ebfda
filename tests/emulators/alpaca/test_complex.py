"""Brackets, OCO, OTO and multi-leg orders: which part works when, and what the end of one does to the others."""

from collections.abc import Iterator
from typing import Any

import pytest
from alpaca.trading.enums import OrderClass, OrderSide, OrderStatus, PositionIntent, TimeInForce
from alpaca.trading.models import Order
from alpaca.trading.requests import (
    LimitOrderRequest,
    MarketOrderRequest,
    OptionLegRequest,
    ReplaceOrderRequest,
    StopLossRequest,
    TakeProfitRequest,
)

from tests.emulators.alpaca.kit import CALL, HIGHER_CALL, Emulator, market, quote, until
from tests.emulators.alpaca.sdk import APIError, TradingClient

pytestmark = pytest.mark.req("X3", "G1", "G4")

DAY = TimeInForce.DAY
BUY, SELL = OrderSide.BUY, OrderSide.SELL


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as started:
        started.step_to(5)
        yield started


@pytest.fixture
def client(emulator: Emulator) -> TradingClient:
    return emulator.trading()


def bracket(client: TradingClient, profit: float, loss: float, *, limit_price: float | None = None, quantity: int = 10) -> Order:
    fields: dict[str, Any] = {
        "symbol": "AAPL",
        "qty": quantity,
        "side": BUY,
        "time_in_force": TimeInForce.GTC,
        "order_class": OrderClass.BRACKET,
        "take_profit": TakeProfitRequest(limit_price=profit),
        "stop_loss": StopLossRequest(stop_price=loss),
    }
    request = MarketOrderRequest(**fields) if limit_price is None else LimitOrderRequest(limit_price=limit_price, **fields)
    made = client.submit_order(request)
    assert isinstance(made, Order)
    return made


def parts(client: TradingClient, order: Order) -> tuple[Order, list[Order]]:
    nested: Any = client.get("/orders/" + str(order.id), {"nested": True})
    found = Order(**nested)
    return found, list(found.legs or [])


def statuses(client: TradingClient, order: Order) -> list[OrderStatus]:
    found, legs = parts(client, order)
    return [found.status, *(leg.status for leg in legs)]


def test_the_exits_of_a_bracket_wait_for_its_entry(client: TradingClient) -> None:
    order = bracket(client, 105, 95, limit_price=99)
    assert order.legs is not None
    assert [leg.status for leg in order.legs] == [OrderStatus.HELD, OrderStatus.HELD]
    assert statuses(client, order) == [OrderStatus.NEW, OrderStatus.HELD, OrderStatus.HELD]
    listed: Any = client.get_orders()
    assert len(listed) == 3
    assert all(one.legs is None for one in listed)


def test_with_the_entry_filled_the_profit_is_live_and_the_stop_held(client: TradingClient) -> None:
    order = bracket(client, 105, 95)
    assert statuses(client, order) == [OrderStatus.FILLED, OrderStatus.NEW, OrderStatus.HELD]
    _, (take, loss) = parts(client, order)
    assert (take.limit_price, loss.stop_price, loss.order_type) == ("105", "95", "stop")
    assert take.client_order_id != loss.client_order_id


def test_the_profit_taken_cancels_the_stop(emulator: Emulator, client: TradingClient) -> None:
    order = bracket(client, 101.5, 95)
    emulator.step_to(250)
    assert statuses(client, order) == [OrderStatus.FILLED, OrderStatus.FILLED, OrderStatus.CANCELED]
    assert client.get_all_positions() == []


def test_the_stop_elected_cancels_the_profit(client: TradingClient) -> None:
    with Emulator([*market()]) as emulator:
        emulator.step_to(200)
        client = emulator.trading()
        order = bracket(client, 110, 101.2)
        assert statuses(client, order) == [OrderStatus.FILLED, OrderStatus.NEW, OrderStatus.HELD]
        emulator.step_to(400)
        assert statuses(client, order) == [OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.FILLED]
        assert client.get_all_positions() == []


def test_a_stop_that_the_market_has_passed_when_its_entry_fills_is_elected_at_once(client: TradingClient) -> None:
    order = bracket(client, 105, 100.5)
    assert statuses(client, order) == [OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.FILLED]
    assert client.get_all_positions() == []


def test_a_profit_filled_in_part_leaves_the_stop_the_rest() -> None:
    recs = [*market()[:40], quote(30, 10_200, 10_202, 4), quote(31, 9_999, 10_001)]
    with Emulator(recs) as emulator:
        emulator.step_to(5)
        client = emulator.trading()
        order = bracket(client, 102, 95)
        emulator.step_to(32)
        _, (take, loss) = parts(client, order)
        assert (take.status, take.filled_qty) == (OrderStatus.PARTIALLY_FILLED, "4")
        assert (loss.status, loss.qty) == (OrderStatus.HELD, "6")


def test_one_canceled_cancels_the_rest(client: TradingClient) -> None:
    waiting = bracket(client, 105, 95, limit_price=99)
    client.cancel_order_by_id(waiting.id)
    assert statuses(client, waiting) == [OrderStatus.CANCELED] * 3
    working = bracket(client, 105, 95)
    _, (take, _) = parts(client, working)
    client.cancel_order_by_id(take.id)
    assert statuses(client, working) == [OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.CANCELED]


def test_a_leg_can_be_priced_anew(client: TradingClient) -> None:
    order = bracket(client, 105, 95)
    _, (take, _) = parts(client, order)
    new = client.replace_order_by_id(take.id, ReplaceOrderRequest(limit_price=106))
    assert isinstance(new, Order)
    _, (shown, loss) = parts(client, order)
    assert (shown.id, shown.limit_price, shown.status) == (new.id, "106", OrderStatus.NEW)
    client.cancel_order_by_id(new.id)
    assert statuses(client, order)[2] is OrderStatus.CANCELED
    assert loss.status is OrderStatus.HELD, "it was held until then"


@pytest.mark.parametrize("limit_price", [None, 99])
def test_a_held_stop_can_be_priced_anew_and_stays_held(client: TradingClient, limit_price: float | None) -> None:
    order = bracket(client, 105, 95, limit_price=limit_price)
    _, (_, loss) = parts(client, order)
    new = client.replace_order_by_id(loss.id, ReplaceOrderRequest(stop_price=96))
    assert isinstance(new, Order)
    _, (take, shown) = parts(client, order)
    assert (shown.id, shown.stop_price, shown.status) == (new.id, "96", OrderStatus.HELD)
    client.cancel_order_by_id(take.id)
    assert statuses(client, order)[1:] == [OrderStatus.CANCELED, OrderStatus.CANCELED]


def test_the_exits_follow_the_quantity_of_their_entry(client: TradingClient) -> None:
    order = bracket(client, 105, 95, limit_price=99)
    new = client.replace_order_by_id(order.id, ReplaceOrderRequest(qty=4))
    assert isinstance(new, Order)
    found, legs = parts(client, new)
    assert (found.qty, [leg.qty for leg in legs], [leg.status for leg in legs]) == ("4", ["4", "4"], [OrderStatus.HELD] * 2)


def test_an_oco_shows_the_profit_as_parent_and_ends_with_either_exit(emulator: Emulator, client: TradingClient) -> None:
    client.submit_order(MarketOrderRequest(symbol="AAPL", qty=10, side=BUY, time_in_force=DAY))
    made = client.submit_order(
        LimitOrderRequest(
            symbol="AAPL",
            qty=10,
            side=SELL,
            time_in_force=DAY,
            order_class=OrderClass.OCO,
            take_profit=TakeProfitRequest(limit_price=101.5),
            stop_loss=StopLossRequest(stop_price=95, limit_price=94.5),
        )
    )
    assert isinstance(made, Order)
    found, (loss,) = parts(client, made)
    assert (found.limit_price, found.status, loss.status, loss.order_type) == ("101.5", OrderStatus.NEW, OrderStatus.HELD, "stop_limit")
    assert emulator.call("GET", "/v2/positions/AAPL").json()["qty_available"] == "0"
    emulator.step_to(250)
    assert statuses(client, made) == [OrderStatus.FILLED, OrderStatus.CANCELED]


def test_an_oto_sends_its_one_exit_after_the_entry(client: TradingClient) -> None:
    made = client.submit_order(
        MarketOrderRequest(
            symbol="AAPL",
            qty=10,
            side=BUY,
            time_in_force=DAY,
            order_class=OrderClass.OTO,
            stop_loss=StopLossRequest(stop_price=95),
        )
    )
    assert isinstance(made, Order)
    assert statuses(client, made) == [OrderStatus.FILLED, OrderStatus.NEW]


def test_the_stream_announces_a_waiting_leg_as_held(emulator: Emulator, client: TradingClient) -> None:
    heard: list[Any] = []
    with emulator.updates(heard):
        until(lambda: emulator.state()["trading_streams"] == 1)
        bracket(client, 105, 95)
        until(lambda: len(heard) >= 7)
    told = [(getattr(update.event, "value", update.event), update.order.order_type.value) for update in heard]
    assert told == [
        ("held", "limit"),
        ("held", "stop"),
        ("pending_new", "market"),
        ("new", "market"),
        ("fill", "market"),
        ("pending_new", "limit"),
        ("new", "limit"),
    ]


def spread(client: TradingClient, limit_price: float, *, reverse: bool = False, quantity: int = 2) -> Order:
    low, high = (HIGHER_CALL, CALL) if reverse else (CALL, HIGHER_CALL)
    request = LimitOrderRequest(
        qty=quantity,
        limit_price=limit_price,
        time_in_force=DAY,
        order_class=OrderClass.MLEG,
        legs=[
            OptionLegRequest(symbol=low.symbol, ratio_qty=1, position_intent=PositionIntent.BUY_TO_OPEN, side=BUY),
            OptionLegRequest(symbol=high.symbol, ratio_qty=1, position_intent=PositionIntent.SELL_TO_OPEN, side=SELL),
        ],
    )
    made = client.submit_order(request)
    assert isinstance(made, Order)
    return made


def test_a_spread_fills_all_legs_at_their_quotes(emulator: Emulator, client: TradingClient) -> None:
    order = spread(client, 1.2)
    found, legs = parts(client, order)
    assert (found.status, found.filled_avg_price, found.symbol) == (OrderStatus.FILLED, "1.1", None)
    assert [(leg.side, leg.filled_avg_price, leg.filled_qty) for leg in legs] == [(BUY, "2.1", "2"), (SELL, "1", "2")]
    account = emulator.call("GET", "/v2/account").json()
    assert account["cash"] == "99780"
    assert {one.symbol for one in client.get_all_positions()} == {CALL.symbol, HIGHER_CALL.symbol}  # type: ignore[union-attr]


def test_a_spread_waits_for_its_price_and_can_be_canceled(client: TradingClient) -> None:
    order = spread(client, 1.05)
    assert statuses(client, order) == [OrderStatus.NEW] * 3
    client.cancel_order_by_id(order.id)
    assert statuses(client, order) == [OrderStatus.CANCELED] * 3


def test_a_spread_fills_later_when_its_quotes_come() -> None:
    with Emulator([*market(), quote(650, 150, 155, on=3)]) as emulator:
        emulator.step_to(5)
        client = emulator.trading()
        order = spread(client, 0.75)
        emulator.step_to(700)
        assert statuses(client, order)[0] is OrderStatus.FILLED


LEGS = [
    {"symbol": CALL.symbol, "ratio_qty": "1", "side": "buy", "position_intent": "buy_to_open"},
    {"symbol": HIGHER_CALL.symbol, "ratio_qty": "1", "side": "sell", "position_intent": "sell_to_open"},
]
MLEG = {"order_class": "mleg", "qty": "1", "type": "limit", "limit_price": "1.20", "time_in_force": "day", "legs": LEGS}


@pytest.mark.parametrize(
    ("change", "http", "words"),
    [
        ({"legs": LEGS[:1]}, 422, "mleg orders must have at least 2 legs and at most 4 legs"),
        ({"legs": [LEGS[0], LEGS[0]]}, 422, "duplicate leg symbols"),
        ({"legs": [LEGS[0], LEGS[1] | {"symbol": "MSFT"}]}, 422, "equity legs are not supported"),
        ({"legs": [LEGS[0], LEGS[1] | {"ratio_qty": "2"}]}, 403, "uncovered option contracts"),
        ({"legs": [leg | {"ratio_qty": "2"} for leg in LEGS]}, 422, "greatest common divisor"),
        ({"legs": [LEGS[0], LEGS[1] | {"position_intent": ""}]}, 422, "leg.1 position intent is required"),
        ({"legs": [LEGS[0], LEGS[1] | {"position_intent": "sell_to_close"}]}, 403, "insufficient qty available"),
        ({"qty": "0.5"}, 422, "qty must be integer"),
        ({"type": "stop"}, 422, "mleg orders must be"),
        ({"limit_price": None}, 422, "limit orders require a limit price"),
        ({"qty": "900"}, 403, "insufficient options buying power"),
    ],
)
def test_wrong_spreads_are_refused(emulator: Emulator, change: dict[str, Any], http: int, words: str) -> None:
    answer = emulator.call("POST", "/v2/orders", json=MLEG | change)
    assert words in answer.json()["message"]
    assert answer.status_code == http


def test_a_spread_without_quotes_is_refused_and_says_why() -> None:
    with Emulator(market()[:2]) as emulator:
        answer = emulator.call("POST", "/v2/orders", json=MLEG)
        assert answer.status_code == 422
        assert "a leg has no displayed quote" in answer.json()["message"]


def test_a_spread_is_not_replaced_nor_canceled_leg_by_leg(client: TradingClient) -> None:
    order = spread(client, 1.05)
    with pytest.raises(APIError, match="replace mleg order is disabled"):
        client.replace_order_by_id(order.id, ReplaceOrderRequest(limit_price=1.06))
    assert order.legs is not None
    with pytest.raises(APIError, match="leg order is already in new state"):
        client.cancel_order_by_id(order.legs[0].id)


def test_a_call_is_exercised_into_shares(emulator: Emulator, client: TradingClient) -> None:
    client.submit_order(MarketOrderRequest(symbol=CALL.symbol, qty=2, side=BUY, time_in_force=DAY))
    client.exercise_options_position(CALL.symbol)
    position: Any = client.get_open_position("AAPL")
    assert (position.qty, position.avg_entry_price) == ("200", "100")
    kinds = [row["activity_type"] for row in emulator.call("GET", "/v2/account/activities").json()]
    assert kinds == ["OPTRD", "OPEXC", "FILL"]
    missing = emulator.call("POST", f"/v2/positions/{CALL.symbol}/exercise")
    assert (missing.status_code, missing.json()["message"]) == (404, "long position not found")
