"""The last look at an order, in the step in which its bytes are written, and the connection they take: on real sockets whose server
keeps every byte.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import AsyncMock, Mock

import aiohttp
import pytest
from aiohttp.abc import AbstractStreamWriter
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_writer import StreamWriter
from multidict import CIMultiDict

from tests.venues.alpaca.payloads import sample
from tests.venues.alpaca.server import client_of
from tests.venues.alpaca.test_client import ID, cancel, replacement, shown, submit
from tidegate.venues.alpaca.client import KEEPALIVE_S, AlpacaClient
from tidegate.venues.alpaca.guarded import GuardedBody
from tidegate.venues.alpaca.orders import OrderPolicy, ReplacePolicy
from tidegate.venues.calls import VenueCall
from tidegate.venues.errors import Unreachable
from tidegate.venues.port import VenueOrder

pytestmark = [pytest.mark.req("B2.4", "E4"), pytest.mark.asyncio]

HALTED = "the gate is halted: global"
ORDERS = {"POST", "PATCH"}
FAREWELL = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"


class Wire:
    """A server that keeps what each connection brought, byte by byte, and answers each request by its method."""

    def __init__(self) -> None:
        self.origin = ""
        self.brought: list[bytearray] = []
        self.ended: list[asyncio.Event] = []
        self.close_after_answer = False
        self.drop_at_once = False
        self.unasked = b""  # sent after an answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        brought, ended = bytearray(), asyncio.Event()
        self.brought.append(brought)
        self.ended.append(ended)
        begin = 0
        while not self.drop_at_once and (data := await reader.read(65_536)):
            brought += data
            while end := end_of_request(brought, begin):
                method, path = brought[begin:].split(b" ", 2)[:2]
                begin = end
                writer.write(self._answer(method.decode(), path.decode()))
                if self.close_after_answer:
                    writer.write_eof()
                if self.unasked:
                    await asyncio.sleep(0.02)
                    writer.write(self.unasked)
        writer.close()
        ended.set()

    def _answer(self, method: str, path: str) -> bytes:
        if method == "DELETE":
            return b"HTTP/1.1 204 No Content\r\n\r\n"
        body = json.dumps(sample("clock") if path == "/v2/clock" else shown()).encode()
        how = b"close" if self.close_after_answer else b"keep-alive"
        return b"HTTP/1.1 200 OK\r\nConnection: %s\r\nContent-Length: %d\r\n\r\n%s" % (how, len(body), body)

    def requests(self) -> list[str]:
        """Return the methods of all requests, whole or begun."""
        lines = b"".join(self.brought).split(b"\r\n")
        return [line.split(b" ")[0].decode().rpartition("}")[2] for line in lines if line.endswith(b" HTTP/1.1")]


def end_of_request(data: bytearray, begin: int) -> int:
    """Return where the request that begins here ends, 0 while it is not whole."""
    body = data.find(b"\r\n\r\n", begin) + 4
    if body < 4:
        return 0
    sizes = [line.split(b":")[1] for line in data[begin:body].split(b"\r\n") if line.lower().startswith(b"content-length:")]
    end = body + int(sizes[0]) if sizes else body
    return end if end <= len(data) else 0


class SlowConnections:
    """Connections for orders that stand, and are given out when the test says so."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.made, self.go = asyncio.Event(), asyncio.Event()
        self.protocols: list[Any] = []
        create: Any = aiohttp.TCPConnector._create_connection

        async def create_slowly(connector: Any, request: Any, *rest: Any) -> Any:
            protocol = await create(connector, request, *rest)
            if request.method in ORDERS:
                self.protocols.append(protocol)
                self.made.set()
                try:
                    await self.go.wait()
                except asyncio.CancelledError:  # it took too long
                    protocol.close()
                    raise
            return protocol

        patch.setattr(aiohttp.TCPConnector, "_create_connection", create_slowly)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> SlowConnections:
    return SlowConnections(monkeypatch)


async def soon(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not happened():  # noqa: ASYNC110 - what is waited for happens in the loop's own machinery
            await asyncio.sleep(0.001)


@asynccontextmanager
async def wired() -> AsyncIterator[tuple[Wire, AlpacaClient]]:
    wire = Wire()
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    wire.origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        async with client_of(wire.origin, policy=OrderPolicy(replace_default=ReplacePolicy.VENUE)) as (client, _):
            yield wire, client
        await soon(lambda: all(ended.is_set() for ended in wire.ended))


async def placed(client: AlpacaClient) -> VenueOrder:
    return await client.submit(submit())


async def replaced(client: AlpacaClient) -> VenueOrder:
    return await client.replace(replacement())


@pytest.mark.parametrize(("act", "method", "before"), [(placed, "POST", 0), (replaced, "PATCH", 1)])
async def test_what_happens_while_a_connection_is_made_holds_the_order_back_and_no_byte_of_it_leaves(
    act: Callable[[AlpacaClient], Any], method: str, before: int, slow: SlowConnections
) -> None:
    async with wired() as (wire, client):
        wire.close_after_answer = True  # so that each request needs a connection of its own
        told: list[VenueCall] = []
        client.called = told.append
        halted = False
        client.last_look = lambda _key: HALTED if halted else ""
        order = asyncio.create_task(act(client))
        await slow.made.wait()
        used = client.trading_turns.usage().used
        halted = True
        slow.go.set()
        with pytest.raises(Unreachable, match=rf"held back before its bytes left: {HALTED}\."):
            await order
        await soon(lambda: len(wire.ended) == before + 1 and wire.ended[-1].is_set())
        assert (len(wire.brought), bytes(wire.brought[-1])) == (before + 1, b""), "the connection was made, and brought nothing"
        assert (client.trading_turns.usage().used, client.trading_turns.usage().in_flight) == (used - 1, 0), "its turn is free again"
        assert [(call.method, call.status, call.why) for call in told[before:]] == [(method, 0, "held back")]
        await client.cancel(cancel())
        assert wire.requests() == [*["GET"] * before, *["GET"] * (1 - before), "DELETE"], "a cancel is never held back"


async def test_on_a_standing_connection_the_look_is_taken_when_the_bytes_are_written() -> None:
    async with wired() as (wire, client):
        await client.submit(submit())
        looks = iter(["", HALTED])
        client.last_look = lambda _key: next(looks)
        brought = len(wire.brought[0])
        with pytest.raises(Unreachable, match="held back before its bytes left"):
            await client.submit(submit())
        await soon(wire.ended[0].is_set)
        assert (len(wire.brought), len(wire.brought[0])) == (1, brought)


async def test_an_order_that_is_held_back_at_its_turn_leaves_the_connection_to_the_cancels() -> None:
    async with wired() as (wire, client):
        await client.submit(submit())
        client.last_look = lambda key: HALTED if key == ID else ""
        with pytest.raises(Unreachable, match="held back after its wait for a turn"):
            await client.submit(submit())
        await client.cancel(cancel())
        assert (len(wire.brought), wire.requests()) == (1, ["POST", "DELETE"])


async def test_an_order_whose_connection_is_lost_before_its_bytes_was_not_sent(slow: SlowConnections) -> None:
    async with wired() as (wire, client):
        wire.drop_at_once = True
        told: list[VenueCall] = []
        client.called = told.append
        order = asyncio.create_task(client.submit(submit()))
        await slow.made.wait()
        await soon(lambda: not slow.protocols[0].is_connected())
        slow.go.set()
        with pytest.raises(Unreachable, match="could not be reached"):
            await order
        assert wire.brought == [b""]
        assert [(call.method, call.status) for call in told] == [("POST", 0)]
        assert told[0].why not in {"", "held back"}


async def test_an_order_whose_connection_takes_too_long_was_not_sent(slow: SlowConnections) -> None:
    async with wired() as (wire, client):
        with pytest.raises(Unreachable, match=r"could not be reached .* \(ConnectionTimeoutError\)"):
            await client.submit(submit())
        assert not slow.go.is_set()
        await soon(lambda: len(wire.brought) == 1)
        assert wire.brought == [b""]


async def test_the_farewell_of_an_idle_connection_is_no_answer_to_an_order() -> None:
    async with wired() as (wire, client):
        wire.unasked = FAREWELL
        await client.submit(submit())
        await asyncio.sleep(0.1)
        with pytest.raises(Unreachable, match="could not be reached"):
            await client.submit(submit())
        assert wire.requests() == ["POST"]
        wire.unasked = b""
        await client.submit(submit())
        assert wire.requests() == ["POST", "POST"]


@pytest.mark.req("G1")
async def test_the_question_for_the_venues_time_keeps_the_connection_that_an_order_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    async with wired() as (wire, client):
        later_s = 0.0
        monkeypatch.setattr("aiohttp.connector.monotonic", lambda: time.monotonic() + later_s)
        await client.reference.skew_ns()
        later_s += 30
        await client.reference.skew_ns()
        later_s += KEEPALIVE_S - 1
        await client.submit(submit())
        assert (len(wire.brought), wire.requests()) == (1, ["GET", "GET", "POST"])
        later_s += KEEPALIVE_S + 1
        await client.submit(submit())
        assert len(wire.brought) == 2


async def test_a_body_leaves_once_and_never_after_it_was_given_up() -> None:
    writer = AsyncMock(spec=AbstractStreamWriter)
    given_up = GuardedBody(b"{}", lambda: "")
    assert given_up.withhold()
    with pytest.raises(Unreachable):
        await given_up.write(writer)
    writer.write.assert_not_called()
    sent = GuardedBody(b"{}", lambda: "")
    await sent.write(writer)
    with pytest.raises(Unreachable):
        await sent.write(writer)
    writer.write.assert_called_once_with(b"{}")
    assert not sent.withhold(), "too late: it may be on the wire"


async def test_a_connection_that_is_lost_or_to_be_closed_gets_no_byte_whenever_the_body_is_asked_to_write() -> None:
    loop = asyncio.get_running_loop()
    lost, closing, spoiled = ResponseHandler(loop), ResponseHandler(loop), ResponseHandler(loop)
    closing.connection_made(transport := Mock(spec=asyncio.Transport))
    spoiled.connection_made(transport)
    spoiled.force_close()
    for protocol in (lost, closing, spoiled):
        transport.is_closing.return_value = protocol is closing
        body, writer = GuardedBody(b"{}", lambda: ""), StreamWriter(protocol, loop)
        await writer.write_headers("POST / HTTP/1.1", CIMultiDict())
        with pytest.raises(aiohttp.ClientConnectionResetError):
            await body.write(writer)
        assert body.withhold()
    transport.write.assert_not_called()


async def test_a_refusal_is_final() -> None:
    looks = iter([HALTED, ""])
    body = GuardedBody(b"{}", lambda: next(looks))
    assert [body.ask(), body.ask()] == [HALTED, HALTED]
    with pytest.raises(Unreachable, match=HALTED):
        await body.write(AsyncMock(spec=AbstractStreamWriter))
