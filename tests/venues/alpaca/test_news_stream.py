"""The stream of news over a real socket: how it is asked for, and that its silence is no fault."""

import asyncio
from typing import Any

import msgspec
import pytest
from aiohttp import web

from tests.venues.alpaca.server import bench
from tests.venues.alpaca.test_order_stream import streams_of, until, venue
from tidegate.venues.port import Headline, StreamDown, StreamUp

pytestmark = pytest.mark.req("G5")

NEWS = {
    "T": "n",
    "id": 24_843_171,
    "headline": "A recall",
    "symbols": ["A", "B"],
    "created_at": "2026-11-02T15:00:00.5Z",
    "updated_at": "2026-11-02T15:00:00.5Z",
}


async def say(socket: web.WebSocketResponse, *messages: dict[str, Any]) -> None:
    await socket.send_bytes(msgspec.msgpack.encode(list(messages)))


@pytest.mark.asyncio
async def test_news_of_the_symbols_asked_for_come_as_headlines_and_silence_breaks_nothing() -> None:
    asked: list[dict[str, Any]] = []
    goes_on = asyncio.Event()

    async def script(socket: web.WebSocketResponse, _connection: int) -> None:
        assert socket._req is not None
        asked.append({"path": socket._req.path})
        await say(socket, {"T": "success", "msg": "connected"})
        asked.append(msgspec.msgpack.decode((await socket.receive()).data))
        await say(socket, {"T": "success", "msg": "authenticated"})
        asked.append(msgspec.msgpack.decode((await socket.receive()).data))
        await say(socket, {"T": "subscription", "news": ["A", "C"]})
        await goes_on.wait()
        await say(socket, NEWS)
        await socket.receive()

    async with bench() as on, venue(script) as stream:
        news = streams_of(on.client, on.server.origin, stream).news(["A", "C"])
        assert news.manager.settings.timing.quiet_ns == 0, "there may be none for hours"
        items = news.items()
        seen = await until(items, StreamUp)
        goes_on.set()
        seen += await until(items, Headline)
        assert [asked[0]["path"], asked[1]["action"], asked[2]] == ["/v1beta1/news", "auth", {"action": "subscribe", "news": ["A", "C"]}]
        assert [type(item) for item in seen if isinstance(item, StreamDown)] == []
        headline = seen[-1]
        assert (headline.symbols, headline.title, headline.ts_ns) == (("A", "B"), "A recall", 1_793_631_600_500_000_000)
        await news.close()
