"""The trading stream: through the venue's own client, and word by word on a bare socket in all framings."""

from collections.abc import Iterator
from typing import Any

import aiohttp
import msgspec
import pytest
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.models import Order, TradeUpdate
from alpaca.trading.requests import LimitOrderRequest, MarketOrderRequest, ReplaceOrderRequest

from tests.emulators.alpaca.kit import CLOSE_S, Emulator, until
from tidegate.emulators.alpaca.settings import KEY, SECRET, AccountSettings, EmulatorSettings

pytestmark = pytest.mark.req("X3", "G5", "G2")

AUTH = {"action": "authenticate", "data": {"key_id": KEY, "secret_key": SECRET}}
LISTEN = {"action": "listen", "data": {"streams": ["trade_updates", "odd"]}}
WAIT_S = 20.0
DAY, BUY = TimeInForce.DAY, OrderSide.BUY


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as started:
        started.step_to(5)
        yield started


def names(heard: list[TradeUpdate]) -> list[str]:
    return [str(getattr(update.event, "value", update.event)) for update in heard]


def listening(emulator: Emulator) -> None:
    until(lambda: emulator.state()["trading_streams"] == 1)


def test_the_events_of_fills_carry_each_execution_and_the_position_after_it(emulator: Emulator) -> None:
    heard: list[TradeUpdate] = []
    with emulator.updates(heard):
        listening(emulator)
        emulator.trading().submit_order(MarketOrderRequest(symbol="AAPL", qty=700, side=BUY, time_in_force=DAY))
        emulator.step_to(120)
        until(lambda: "fill" in names(heard))
    assert names(heard) == ["pending_new", "new", "partial_fill", "fill"]
    part, whole = heard[-2:]
    assert (part.qty, part.price, part.position_qty, part.order.filled_qty) == (500, 100.01, 500, "500")
    assert (whole.qty, whole.position_qty, whole.order.filled_qty, whole.order.status.value) == (200, 700, "700", "filled")
    assert len({update.execution_id for update in heard}) == 4
    row = emulator.call("GET", "/v2/account/activities").json()[0]
    assert row["id"].endswith(f"::{whole.execution_id}")


def test_the_events_of_cancel_replace_reject_and_expiry(emulator: Emulator) -> None:
    heard: list[TradeUpdate] = []
    client = emulator.trading()
    with emulator.updates(heard):
        listening(emulator)
        first = client.submit_order(LimitOrderRequest(symbol="AAPL", qty=1, side=BUY, time_in_force=DAY, limit_price=90))
        assert isinstance(first, Order)
        second = client.replace_order_by_id(first.id, ReplaceOrderRequest(limit_price=91))
        assert isinstance(second, Order)
        client.cancel_order_by_id(second.id)
        client.submit_order(LimitOrderRequest(symbol="AAPL", qty=1, side=BUY, time_in_force=DAY, limit_price=92))
        emulator.step_to(CLOSE_S + 1)
        until(lambda: "expired" in names(heard))
    assert names(heard) == [
        "pending_new",
        "new",
        "pending_replace",
        "replaced",
        "new",
        "pending_cancel",
        "canceled",
        "pending_new",
        "new",
        "expired",
    ]
    replaced = heard[3].order
    assert (replaced.id, replaced.replaced_by, replaced.status.value) == (first.id, second.id, "replaced")


def test_a_cancel_that_is_asked_for_again_is_told_once_and_none_is_rejected_that_came_too_late_for_its_own() -> None:
    heard: list[TradeUpdate] = []
    settings = EmulatorSettings(trading_calls_per_minute=0, data_calls_per_minute=0, order_latency="1s")
    with Emulator(settings=settings) as emulator, emulator.updates(heard):
        listening(emulator)
        emulator.step_to(5)
        order = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "limit", "limit_price": "100.01", "time_in_force": "day"}
        exits = {"order_class": "bracket", "take_profit": {"limit_price": "105"}, "stop_loss": {"stop_price": "95"}}
        made = emulator.call("POST", "/v2/orders", json=order | exits).json()
        emulator.step(3)
        for leg in made["legs"]:
            assert emulator.call("DELETE", f"/v2/orders/{leg['id']}").status_code == 204
            assert [line["status"] for line in emulator.call("DELETE", "/v2/orders").json()] == [200, 200]
        emulator.step(3)
        until(lambda: names(heard).count("canceled") == 2)
        emulator.call("DELETE", "/v2/positions/AAPL")
        emulator.step(3)
        until(lambda: names(heard)[-1] == "fill")
    of_legs = [name for name, update in zip(names(heard), heard, strict=True) if str(update.order.id) != made["id"]]
    assert of_legs[:7] == ["held", "held", "pending_new", "new", "pending_cancel", "canceled", "canceled"]
    assert "order_cancel_rejected" not in of_legs


def test_an_order_of_another_account_is_not_told() -> None:
    settings = EmulatorSettings(accounts=(AccountSettings(), AccountSettings(key="PKOTHER")), trading_calls_per_minute=0)
    with Emulator(settings=settings) as both:
        both.step_to(5)
        heard: list[TradeUpdate] = []
        with both.updates(heard):
            listening(both)
            order = MarketOrderRequest(symbol="AAPL", qty=1, side=BUY, time_in_force=DAY)
            both.trading("PKOTHER").submit_order(order)
            both.trading().submit_order(order)
            until(lambda: "fill" in names(heard))
        assert names(heard) == ["pending_new", "new", "fill"]


def test_what_happens_while_nobody_listens_is_lost(emulator: Emulator) -> None:
    client = emulator.trading()
    client.submit_order(MarketOrderRequest(symbol="AAPL", qty=1, side=BUY, time_in_force=DAY))
    heard: list[TradeUpdate] = []
    with emulator.updates(heard):
        listening(emulator)
        client.submit_order(MarketOrderRequest(symbol="MSFT", qty=1, side=BUY, time_in_force=DAY))
        until(lambda: "fill" in names(heard))
    assert {update.order.symbol for update in heard} == {"MSFT"}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("live", "headers", "kind"),
    [
        (False, {}, aiohttp.WSMsgType.BINARY),
        (True, {}, aiohttp.WSMsgType.TEXT),
        (False, {"Content-Type": "application/msgpack"}, aiohttp.WSMsgType.BINARY),
    ],
)
async def test_the_conversation_in_each_framing(*, live: bool, headers: dict[str, str], kind: aiohttp.WSMsgType) -> None:
    packs = bool(headers)
    with Emulator(settings=EmulatorSettings(accounts=(AccountSettings(live=live),))) as emulator:
        async with aiohttp.ClientSession() as session, session.ws_connect(emulator.addresses.trading_stream, headers=headers) as socket:

            async def say(message: Any) -> None:
                encoded = msgspec.msgpack.encode(message) if packs else msgspec.json.encode(message)
                await (socket.send_bytes(encoded) if packs else socket.send_str(encoded.decode()))

            async def hear(*, first: bool = False) -> Any:
                message = await socket.receive(WAIT_S)
                if message.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING}:
                    return None
                assert first or message.type is kind
                return msgspec.msgpack.decode(message.data) if packs else msgspec.json.decode(message.data)

            await say(LISTEN)
            refused = {"stream": "authorization", "data": {"status": "unauthorized", "action": "listen"}}
            assert await hear(first=True) == refused
            await say(AUTH)
            assert await hear() == {"stream": "authorization", "data": {"status": "authorized", "action": "authenticate"}}
            await say(LISTEN)
            assert await hear() == {"stream": "listening", "data": {"streams": ["trade_updates"]}}
            await say({"action": "listen", "data": {"streams": []}})
            assert await hear() == {"stream": "listening", "data": {"streams": []}}
            await say({"action": "authenticate", "data": {"key_id": KEY, "secret_key": "wrong"}})
            assert (await hear())["data"]["status"] == "unauthorized"
            assert await hear() is None


@pytest.mark.asyncio
async def test_a_token_authenticates_as_well() -> None:
    with Emulator(settings=EmulatorSettings(accounts=(AccountSettings(oauth_token="token-1"),))) as emulator:
        async with aiohttp.ClientSession() as session, session.ws_connect(emulator.addresses.trading_stream) as socket:
            await socket.send_json({"action": "authenticate", "data": {"oauth_token": "token-1"}})
            assert msgspec.json.decode((await socket.receive(WAIT_S)).data)["data"]["status"] == "authorized"
