"""The trading stream: its protocol frame by frame, then over a real socket with loss, resync and both framings."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from tests.venues.alpaca.payloads import body, sample
from tests.venues.alpaca.server import KEY, SECRET, Answer, bench
from tests.venues.alpaca.test_client import VENUE_ID, shown
from tidegate.clock.clock import WallClock
from tidegate.values.enums import OrderEventKind
from tidegate.values.time import MILLISECOND_NS
from tidegate.venues.alpaca.access import Hosts, PaperAccess
from tidegate.venues.alpaca.client import AlpacaClient
from tidegate.venues.alpaca.ids import IdBook
from tidegate.venues.alpaca.order_stream import OrderDialect
from tidegate.venues.alpaca.streams import AlpacaOrderStream, AlpacaStreams
from tidegate.venues.errors import StreamOwnedElsewhereError
from tidegate.venues.lifeline import Signal, Timing
from tidegate.venues.port import OrderItem, OrderNews, Resynced, StreamDown
from tidegate.venues.stream import Outside

pytestmark = pytest.mark.req("G5", "B4.1", "I3")

FAST = Timing(pause_ns_min=20 * MILLISECOND_NS, pause_ns_max=50 * MILLISECOND_NS, stage_ns_max=2_000 * MILLISECOND_NS)


def dialect() -> OrderDialect:
    return OrderDialect(PaperAccess(KEY, SECRET), IdBook())


def frame(stream: str, data: Any) -> bytes:
    return body({"stream": stream, "data": data})


def test_the_key_goes_first_and_then_the_wish_to_listen() -> None:
    speak = dialect()
    (login,) = speak.opened()
    assert json.loads(login) == {"action": "authenticate", "data": {"key_id": KEY, "secret_key": SECRET}}
    assert [json.loads(wish) for wish in speak.subscription()] == [{"action": "listen", "data": {"streams": ["trade_updates"]}}]
    assert speak.changes() == []


@pytest.mark.parametrize(
    ("said", "signal"),
    [
        (frame("authorization", {"status": "authorized", "action": "authenticate"}), Signal.AUTHORIZED),
        (frame("authorization", {"status": "unauthorized", "action": "authenticate", "message": "no"}), Signal.FATAL),
        (frame("authorization", {"status": "unauthorized", "action": "listen"}), Signal.LOST),
        (frame("listening", {"streams": ["trade_updates"]}), Signal.SUBSCRIBED),
        (frame("listening", {"streams": []}), Signal.LOST),
        (frame("listening", {"streams": None}), Signal.LOST),
        (body([{"T": "error", "code": 406, "msg": "connection limit exceeded"}]), Signal.OWNED),
        (body({"stream": "error", "data": {"msg": "connection limit exceeded"}}), Signal.OWNED),
        (frame("trade_updates", None), None),
    ],
)
def test_each_control_message_moves_the_stream(said: bytes, signal: Signal | None) -> None:
    assert dialect().hear(said, 1).signal is signal
    assert dialect().hear(said.decode(), 1).signal is signal, "live speaks in text frames"


def test_updates_are_given_out_raw_with_what_they_mean() -> None:
    speak = dialect()
    for message in sample("trade_updates"):
        heard = speak.hear(body(message), 7)
        (news,) = heard.items
        assert isinstance(news, OrderNews)
        assert (news.payload, news.recv_ns, news.doubts) == (body(message), 7, ())
        assert len(news.events) == 1
        assert heard.data


@pytest.mark.parametrize(
    "said",
    [b"", b"\xff\xfe", b"[]", b"{", b'{"stream": "trade_updates", "data": 7}', b'{"stream": "weather", "data": {}}', b"{}",
     frame("trade_updates", {"event": "teleported", "order": {"id": "x", "side": "buy", "status": "new"}})],
)  # fmt: skip
def test_what_is_not_understood_is_kept_as_evidence_with_a_doubt(said: bytes) -> None:
    (news,) = dialect().hear(said, 7).items
    assert isinstance(news, OrderNews)
    assert news.payload == said
    assert news.events == ()
    assert news.doubts != ()


Script = Callable[[web.WebSocketResponse, int], Awaitable[None]]


@asynccontextmanager
async def venue(script: Script) -> AsyncIterator[str]:
    """Serve one socket path by a script that is told how many connections there were."""
    connections = 0

    async def handle(request: web.Request) -> web.WebSocketResponse:
        nonlocal connections
        connections += 1
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await script(socket, connections)
        return socket

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def streams_of(client: AlpacaClient, origin: str, stream: str) -> AlpacaStreams:
    hosts = Hosts(trading=origin, data=origin, trading_stream=f"{stream}/stream", data_stream=stream)
    return AlpacaStreams(PaperAccess(KEY, SECRET), hosts, client, Outside(clock=WallClock(), jitter=lambda: 0.5))


async def until(items: AsyncIterator[Any], kind: type, count: int = 1) -> list[Any]:
    """Return what a stream gave until the wanted number of items of a kind was among it."""
    seen = []
    async with asyncio.timeout(10):
        async for item in items:
            seen.append(item)
            if sum(isinstance(one, kind) for one in seen) >= count:
                break
    return seen


async def say(socket: web.WebSocketResponse, text: bytes, *, binary: bool) -> None:
    await (socket.send_bytes(text) if binary else socket.send_str(text.decode()))


async def greet(socket: web.WebSocketResponse, *, binary: bool) -> None:
    """Speak the protocol's beginning, held to its order."""
    assert json.loads((await socket.receive()).data)["action"] == "authenticate"
    await say(socket, frame("authorization", {"status": "authorized", "action": "authenticate"}), binary=binary)
    assert json.loads((await socket.receive()).data)["action"] == "listen"
    await say(socket, frame("listening", {"streams": ["trade_updates"]}), binary=binary)


async def closing(stream: AlpacaOrderStream) -> AsyncGenerator[OrderItem, None]:
    """Return the items of a stream that is told to close."""
    items = stream.items()
    await stream.close()
    return items


@pytest.mark.asyncio
@pytest.mark.parametrize("binary", [True, False])
async def test_a_lost_connection_comes_back_with_what_the_venue_holds(binary: bool) -> None:  # noqa: FBT001 - both framings
    async def script(socket: web.WebSocketResponse, connection: int) -> None:
        await greet(socket, binary=binary)
        await say(socket, body(sample("trade_updates")[connection]), binary=binary)
        if connection > 1:
            await socket.receive()

    async with bench() as on, venue(script) as stream:
        on.server.on("GET", "/v2/positions", Answer(sample("positions")))
        on.server.on("GET", "/v2/orders", Answer([shown()]))
        on.server.on("GET", "/v2/account/activities", Answer(sample("activities")[:1]))
        orders = streams_of(on.client, on.server.origin, stream).orders(timing=FAST)
        items = orders.items()
        seen = await until(items, OrderNews, 2)
        kinds = [type(item) for item in seen]
        assert kinds.index(OrderNews) < kinds.index(StreamDown) < kinds.index(Resynced)
        resynced = next(item for item in seen if isinstance(item, Resynced))
        assert [order.venue_order_id for order in resynced.open_orders] == [VENUE_ID]
        assert resynced.executions[0].client_order_id == shown()["client_order_id"]
        news = [item for item in seen if isinstance(item, OrderNews)]
        assert [one.events[0].kind for one in news] == [OrderEventKind.PARTIALLY_FILLED, OrderEventKind.FILLED]
        assert on.client.ids.venue_id("samp-0005") != ""
        await items.aclose()


@pytest.mark.asyncio
async def test_a_key_that_is_not_accepted_ends_the_stream() -> None:
    async def script(socket: web.WebSocketResponse, connection: int) -> None:
        assert connection == 1
        await socket.receive()
        await socket.send_bytes(frame("authorization", {"status": "unauthorized", "action": "authenticate"}))
        await socket.receive()

    async with bench() as on, venue(script) as stream:
        orders = streams_of(on.client, on.server.origin, stream).orders(timing=FAST)
        async with asyncio.timeout(10):
            seen = [item async for item in orders.items()]
        (down,) = seen
        assert isinstance(down, StreamDown)
        assert down.final
        assert "does not accept the key" in down.reason
        assert SECRET not in repr(seen)


@pytest.mark.asyncio
async def test_a_resync_that_fails_keeps_the_stream_untrusted() -> None:
    async def script(socket: web.WebSocketResponse, _: int) -> None:
        await greet(socket, binary=True)
        await socket.receive()

    async with bench() as on, venue(script) as stream:
        on.server.on("GET", "/v2/positions", Answer(b"", 500))
        orders = streams_of(on.client, on.server.origin, stream).orders(timing=FAST)
        seen = await until(orders.items(), StreamDown, 2)
        assert all(isinstance(item, StreamDown) and "could not be read" in item.reason for item in seen)


@pytest.mark.asyncio
async def test_one_stream_of_a_key_has_one_owner_in_a_process() -> None:
    async def script(socket: web.WebSocketResponse, _: int) -> None:
        await socket.receive()

    async with bench() as on, venue(script) as stream:
        streams = streams_of(on.client, on.server.origin, stream)
        first = streams.orders(timing=FAST)
        items = first.items()
        task = asyncio.ensure_future(anext(items))
        await asyncio.sleep(0)
        with pytest.raises(StreamOwnedElsewhereError):
            await anext(streams.orders(timing=FAST).items())
        await first.close()
        assert isinstance(await task, StreamDown)
        await items.aclose()
        assert isinstance(await anext(await closing(streams.orders(timing=FAST))), StreamDown), "it is free again"


@pytest.mark.asyncio
async def test_a_socket_that_cannot_be_reached_is_tried_again() -> None:
    async with bench() as on:
        orders = streams_of(on.client, on.server.origin, on.server.origin.replace("http", "ws")).orders(timing=FAST)
        seen = await until(orders.items(), StreamDown, 2)
        assert "HTTP 404" in seen[0].reason
    async with bench() as on:
        orders = streams_of(on.client, on.server.origin, "ws://127.0.0.1:1").orders(timing=FAST)
        seen = await until(orders.items(), StreamDown, 2)
        assert "could not be reached" in seen[0].reason
