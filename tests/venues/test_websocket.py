"""The real socket: both framings, pings both ways, ends, and time that runs faster."""

import asyncio
import time

import pytest
from aiohttp import WSMsgType, web

from tests.venues.alpaca.test_order_stream import venue
from tidegate.values.time import SECOND_NS
from tidegate.venues.stream import Pong, SocketClosed
from tidegate.venues.waiting import loop_wait, scaled_wait
from tidegate.venues.websocket import open_websocket

pytestmark = [pytest.mark.req("B4.1"), pytest.mark.asyncio]


async def test_frames_go_both_ways_and_pings_are_answered_both_ways() -> None:
    pongs: list[bytes] = []

    async def script(socket: web.WebSocketResponse, _: int) -> None:
        message = await socket.receive()
        await socket.send_str(message.data)
        message = await socket.receive()
        await socket.send_bytes(message.data)
        await socket.ping(b"are you there")
        await socket.send_str("after the ping")
        message = await socket.receive()
        if message.type is WSMsgType.TEXT:
            pongs.append(message.data.encode())
        await socket.close()

    async with venue(script) as url:
        socket = await open_websocket(f"{url}/stream")
        await socket.send("text")
        assert await socket.receive() == "text"
        await socket.send(b"bytes")
        assert await socket.receive() == b"bytes"
        assert await socket.receive() == "after the ping"
        await socket.ping()
        assert await socket.receive() == Pong()
        await socket.send("done")
        with pytest.raises(SocketClosed, match="was closed"):
            await socket.receive()
        assert pongs == [b"done"]
        await socket.close()
        with pytest.raises(SocketClosed):
            await socket.send("late")
        with pytest.raises(SocketClosed):
            await socket.send(b"late")
        with pytest.raises(SocketClosed):
            await socket.ping()
        await socket.close()


async def test_a_server_that_never_says_goodbye_does_not_hold_us_up() -> None:
    over = asyncio.Event()

    async def script(socket: web.WebSocketResponse, _: int) -> None:
        del socket
        await over.wait()

    async with venue(script) as url:
        socket = await open_websocket(url)
        async with asyncio.timeout(5):
            await socket.close()
        over.set()


async def test_waiting_follows_the_speed_of_its_clock() -> None:
    start = time.monotonic()
    await scaled_wait(1e6)(3600 * SECOND_NS)
    await loop_wait(-1)
    assert time.monotonic() - start < 60
