"""The market-data stream: through the venue's own client, and word by word on a bare socket in both encodings."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import aiohttp
import msgspec
import pytest

from tests.emulators.alpaca.kit import CALL, Emulator, market, status, until
from tests.emulators.alpaca.sdk import NewsDataStream, OptionDataStream, Running, StockDataStream
from tidegate.emulators.alpaca.settings import KEY, SECRET, AccountSettings, EmulatorSettings
from tidegate.events.records import STATUS_HALT, STATUS_RESUME

pytestmark = pytest.mark.req("X3", "G5")

AUTH = {"action": "auth", "key": KEY, "secret": SECRET}
MSGPACK = {"Content-Type": "application/msgpack"}
WAIT_S = 20.0


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    recs = sorted([*market(), status(30.1, STATUS_HALT), status(40.1, STATUS_RESUME)], key=lambda rec: rec.at)
    with Emulator(recs) as started:
        yield started


def hearing(stream: Any, *channels: tuple[str, str]) -> list[Any]:
    heard: list[Any] = []

    async def hear(message: Any) -> None:
        heard.append(message)

    for channel, symbol in channels:
        getattr(stream, f"subscribe_{channel}")(hear, symbol)
    return heard


def wait_subscribed(emulator: Emulator, channel: str, symbol: str) -> None:
    until(lambda: any(symbol in one.wanted[channel] for one in emulator.world.hub.subscribers))


def of(heard: list[Any], kind: str) -> list[Any]:
    return [message for message in heard if type(message).__name__ == kind]


def test_the_clients_stream_gets_quotes_trades_bars_and_statuses(emulator: Emulator) -> None:
    stream = emulator.data_stream()
    channels = (("quotes", "AAPL"), ("trades", "AAPL"), ("bars", "*"), ("daily_bars", "AAPL"), ("trading_statuses", "AAPL"))
    heard = hearing(stream, *channels)
    with Running(stream, emulator.cut):
        wait_subscribed(emulator, "statuses", "AAPL")
        emulator.step_to(121)
        until(lambda: len(of(heard, "Bar")) >= 6)
    quotes, trades, bars, statuses = (of(heard, kind) for kind in ("Quote", "Trade", "Bar", "TradingStatus"))
    assert [quote.symbol for quote in quotes] == ["AAPL"] * 121
    assert quotes == sorted(quotes, key=lambda quote: quote.timestamp)
    assert len(trades) == 120
    assert {bar.symbol for bar in bars} == {"AAPL", "MSFT"}
    assert [one.status_code for one in statuses] == ["H", "T"]
    live = [bar for bar in bars if bar.symbol == "AAPL" and bar.timestamp.second == 0 and bar.timestamp.hour == 16]
    asked = emulator.call("GET", "/v2/stocks/bars", symbols="AAPL", timeframe="1Min", start="2026-11-29T16:07:00Z").json()
    assert [bar.close for bar in live] == [row["c"] for row in asked["bars"]["AAPL"]]


def test_symbols_are_added_and_dropped_while_it_runs(emulator: Emulator) -> None:
    stream = emulator.data_stream()
    heard = hearing(stream, ("quotes", "AAPL"))
    with Running(stream, emulator.cut):
        wait_subscribed(emulator, "quotes", "AAPL")
        until(lambda: stream._running)
        hearing(stream, ("quotes", "MSFT"))
        wait_subscribed(emulator, "quotes", "MSFT")
        stream.unsubscribe_quotes("AAPL")
        until(lambda: all("AAPL" not in one.wanted["quotes"] for one in emulator.world.hub.subscribers))
        emulator.step_to(60)
    assert of(heard, "Quote") == []


def test_options_have_a_stream_of_their_own(emulator: Emulator) -> None:
    stream = OptionDataStream(KEY, SECRET, url_override=emulator.addresses.option_stream)
    heard = hearing(stream, ("quotes", CALL.symbol))
    with Emulator([*market()[:4], *[rec._replace(at=9, on=2) for rec in market()[4:5]]]) as other:
        stream._endpoint = other.addresses.option_stream
        with Running(stream, other.cut):
            wait_subscribed(other, "quotes", CALL.symbol)
            other.step_to(10)
            until(lambda: heard)
    assert heard[0].symbol == CALL.symbol
    assert heard[0].conditions == "R"


def test_the_news_stream_takes_subscriptions_and_is_silent(emulator: Emulator) -> None:
    stream = NewsDataStream(KEY, SECRET, url_override=emulator.addresses.news_stream)
    heard = hearing(stream, ("news", "AAPL"))
    with Running(stream, emulator.cut):
        until(lambda: emulator.world.hub.subscribers)
        emulator.step_to(30)
    assert heard == []


def test_a_second_connection_of_a_key_is_refused_until_the_first_has_gone(emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    first, second = emulator.data_stream(), emulator.data_stream()
    hearing(first, ("quotes", "AAPL"))
    heard = hearing(second, ("quotes", "MSFT"))
    with ExitStack() as holding:
        holding.enter_context(Running(first, emulator.cut))
        wait_subscribed(emulator, "quotes", "AAPL")
        with Running(second, emulator.cut):
            until(lambda: "connection limit exceeded" in caplog.text)
            holding.close()
            wait_subscribed(emulator, "quotes", "MSFT")
            emulator.step_to(20)
            until(lambda: heard)


# On the bare socket.


class Socket:
    """A connection that decodes what it is sent."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, *, packs: bool) -> None:
        self.socket = socket
        self.packs = packs

    async def say(self, message: Any) -> None:
        if self.packs:
            await self.socket.send_bytes(msgspec.msgpack.encode(message))
        else:
            await self.socket.send_str(msgspec.json.encode(message).decode())

    async def hear(self) -> Any:
        message = await self.socket.receive(WAIT_S)
        if message.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING}:
            return None
        assert message.type is (aiohttp.WSMsgType.BINARY if self.packs else aiohttp.WSMsgType.TEXT), message
        return msgspec.msgpack.decode(message.data) if self.packs else msgspec.json.decode(message.data)


@asynccontextmanager
async def socket_to(url: str, *, packs: bool = False, headers: dict[str, str] | None = None) -> AsyncIterator[Socket]:
    async with aiohttp.ClientSession() as session, session.ws_connect(url, headers=(MSGPACK if packs else {}) | (headers or {})) as made:
        yield Socket(made, packs=packs)


def error(code: int, words: str) -> list[dict[str, Any]]:
    return [{"T": "error", "code": code, "msg": words}]


CONNECTED = [{"T": "success", "msg": "connected"}]
AUTHENTICATED = [{"T": "success", "msg": "authenticated"}]


@pytest.mark.asyncio
@pytest.mark.parametrize("packs", [False, True])
async def test_the_whole_conversation_in_both_encodings(emulator: Emulator, *, packs: bool) -> None:
    async with socket_to(emulator.addresses.stock_stream, packs=packs) as socket:
        assert await socket.hear() == CONNECTED
        await socket.say({"action": "subscribe", "quotes": ["AAPL"]})
        assert await socket.hear() == error(401, "not authenticated")
        await socket.say(AUTH)
        assert await socket.hear() == AUTHENTICATED
        await socket.say(AUTH)
        assert await socket.hear() == error(403, "already authenticated")
        await socket.say({"action": "subscribe", "trades": ["AAPL"], "quotes": ["MSFT"], "bars": ["*"], "lulds": ["AAPL"]})
        state = {
            "T": "subscription",
            "trades": ["AAPL"],
            "quotes": ["MSFT"],
            "bars": ["*"],
            "updatedBars": [],
            "dailyBars": [],
            "statuses": [],
            "lulds": ["AAPL"],
            "corrections": ["AAPL"],
            "cancelErrors": ["AAPL"],
        }
        assert await socket.hear() == [state]
        await socket.say({"action": "unsubscribe", "lulds": ["AAPL"], "bars": ["*"]})
        assert await socket.hear() == [state | {"bars": [], "lulds": []}]
        for wrong, code, words in (
            ({"action": "dance"}, 400, "invalid syntax"),
            (["no", "object"], 400, "invalid syntax"),
            ({"action": "subscribe", "quotes": "AAPL"}, 400, "invalid syntax"),
            ({"action": "subscribe", "orderbooks": ["AAPL"]}, 410, "invalid subscribe action for this feed"),
        ):
            await socket.say(wrong)
            assert await socket.hear() == error(code, words)
        await asyncio.to_thread(emulator.step_to, 1.5)
        (told,) = await socket.hear()
        moment = told.pop("t")
        assert told == {"T": "t", "S": "AAPL", "i": 8, "x": "V", "p": 100.0, "s": 11, "c": ["@"], "z": "C"}
        if packs:
            assert (moment.isoformat(), type(moment).__name__) == ("2026-11-29T16:07:01.250000+00:00", "datetime")
        else:
            assert moment == "2026-11-29T16:07:01.250000000Z"


@pytest.mark.asyncio
async def test_a_wrong_key_is_told_and_the_connection_closed(emulator: Emulator) -> None:
    async with socket_to(emulator.addresses.stock_stream) as socket:
        await socket.hear()
        await socket.say(AUTH | {"secret": "wrong"})
        assert await socket.hear() == error(402, "auth failed")
        assert await socket.hear() is None


@pytest.mark.asyncio
async def test_who_does_not_say_who_he_is_is_closed_after_a_while() -> None:
    with Emulator(settings=EmulatorSettings(auth_seconds=0.05)) as emulator:
        async with socket_to(emulator.addresses.stock_stream) as socket:
            await socket.hear()
            assert await socket.hear() == error(404, "auth timeout")
            assert await socket.hear() is None


@pytest.mark.asyncio
async def test_headers_of_the_handshake_authenticate_too(emulator: Emulator) -> None:
    headers = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET}
    async with socket_to(emulator.addresses.stock_stream, headers=headers) as socket:
        assert [await socket.hear(), await socket.hear()] == [CONNECTED, AUTHENTICATED]
        async with socket_to(emulator.addresses.stock_stream, headers=headers) as other:
            assert [await other.hear(), await other.hear(), await other.hear()] == [
                CONNECTED,
                error(406, "connection limit exceeded"),
                None,
            ]
    async with socket_to(emulator.addresses.stock_stream, headers=headers | {"APCA-API-SECRET-KEY": "wrong"}) as socket:
        assert [await socket.hear(), await socket.hear()] == [CONNECTED, error(402, "auth failed")]


@pytest.mark.asyncio
async def test_a_token_authenticates_in_the_place_of_a_pair() -> None:
    settings = EmulatorSettings(accounts=(AccountSettings(oauth_token="token-1"),))
    with Emulator(settings=settings) as emulator:
        async with socket_to(emulator.addresses.stock_stream) as socket:
            await socket.hear()
            await socket.say({"action": "auth", "key": "oauth", "secret": "token-1"})
            assert await socket.hear() == AUTHENTICATED


@pytest.mark.asyncio
async def test_the_plans_symbol_limit_leaves_the_state_as_it_was() -> None:
    with Emulator(settings=EmulatorSettings(stream_symbols_max=2)) as emulator:
        async with socket_to(emulator.addresses.stock_stream) as socket:
            await socket.hear()
            await socket.say(AUTH)
            await socket.hear()
            await socket.say({"action": "subscribe", "quotes": ["A", "B"]})
            assert (await socket.hear())[0]["quotes"] == ["A", "B"]
            await socket.say({"action": "subscribe", "trades": ["C"]})
            assert await socket.hear() == error(405, "symbol limit exceeded")
            await socket.say({"action": "subscribe", "trades": ["A"]})
            assert (await socket.hear())[0]["trades"] == ["A"]


@pytest.mark.asyncio
async def test_rules_of_the_option_stream(emulator: Emulator) -> None:
    async with socket_to(emulator.addresses.option_stream) as socket:
        await socket.hear()
        await socket.say(AUTH)
        assert await socket.hear() == error(412, "option messages are only available in MsgPack format")
    async with socket_to(emulator.addresses.option_stream, packs=True) as socket:
        await socket.hear()
        await socket.say(AUTH)
        await socket.hear()
        await socket.say({"action": "subscribe", "quotes": ["*"]})
        assert await socket.hear() == error(413, "star subscription is not allowed for option quotes")
        await socket.say({"action": "subscribe", "bars": ["AAPL"]})
        assert await socket.hear() == error(410, "invalid subscribe action for this feed")
        await socket.say({"action": "subscribe", "trades": ["*"]})
        assert await socket.hear() == [{"T": "subscription", "trades": ["*"], "quotes": []}]


@pytest.mark.asyncio
async def test_a_client_that_does_not_read_is_dropped(emulator: Emulator) -> None:
    async with socket_to(emulator.addresses.stock_stream) as socket:
        await socket.hear()
        await socket.say(AUTH)
        await socket.hear()
        (one,) = emulator.world.hub.subscribers
        assert emulator._loop is not None
        for _ in range(12_000):
            emulator._loop.call_soon_threadsafe(one.queue, b"x" * 4_096)
        for _ in range(20_000):
            message = await socket.socket.receive(WAIT_S)
            if message.type is not aiohttp.WSMsgType.TEXT:
                break
        assert socket.socket.closed


def test_the_class_of_the_client_is_the_venues_own() -> None:
    assert StockDataStream.__module__.startswith("alpaca.")
