"""A small server that answers as scripted, misbehavior included, over real sockets on this machine."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import web

from tidegate.clock.clock import ManualClock
from tidegate.venues.alpaca.access import PaperAccess, local_hosts
from tidegate.venues.alpaca.client import AlpacaClient, ClientSettings
from tidegate.venues.alpaca.http import Timeouts
from tidegate.venues.alpaca.orders import OrderPolicy
from tidegate.venues.ratelimit import LimitPlan

WALL_NS = 1_795_014_131_000_000_000
SECRET = "the-secret-canary"
KEY = "PKTHEKEYCANARY"


class Answer(NamedTuple):
    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = {}


class Drop(NamedTuple):
    """Take the request and close the connection without a word."""


class Truncate(NamedTuple):
    """Promise a body and end it early."""

    body: bytes


class Hang(NamedTuple):
    """Take the request and say nothing."""


Act = Answer | Drop | Truncate | Hang


class Seen(NamedTuple):
    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: Any


class Server:
    """Answers each (method, path) by its script, the last line of which repeats; anything else is 404."""

    def __init__(self) -> None:
        self.script: dict[tuple[str, str], list[Act]] = {}
        self.seen: list[Seen] = []
        self.origin = ""
        self._over = asyncio.Event()

    def on(self, method: str, path: str, *acts: Act) -> None:
        self.script[method, path] = list(acts)

    def calls(self, method: str, path: str = "") -> list[Seen]:
        return [seen for seen in self.seen if seen.method == method and (not path or seen.path == path)]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        text = await request.text()
        body = json.loads(text) if text else None
        self.seen.append(Seen(request.method, request.path, dict(request.query), dict(request.headers), body))
        acts = self.script.get((request.method, request.path))
        act = Answer({"code": 40410000, "message": "endpoint not found"}, 404) if not acts else acts.pop(0) if len(acts) > 1 else acts[0]
        match act:
            case Answer():
                raw = act.body if isinstance(act.body, bytes) else b"" if act.body is None else json.dumps(act.body).encode()
                return web.Response(body=raw, status=act.status, headers=act.headers)
            case Truncate():
                response = web.StreamResponse(headers={"Content-Length": str(len(act.body) + 100)})
                await response.prepare(request)
                await response.write(act.body)
                assert request.transport is not None
                request.transport.close()
                return response
            case Hang():
                await self._over.wait()
            case Drop():
                assert request.transport is not None
                request.transport.close()
        return web.Response()

    def release(self) -> None:
        self._over.set()


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    server.origin = f"http://127.0.0.1:{port}"
    try:
        yield server
    finally:
        server.release()
        await runner.cleanup()


class Bench(NamedTuple):
    server: Server
    client: AlpacaClient
    clock: ManualClock


@asynccontextmanager
async def client_of(
    origin: str, *, policy: OrderPolicy | None = None, plan: LimitPlan | None = None
) -> AsyncIterator[tuple[AlpacaClient, ManualClock]]:
    """Give a client of a server on this machine; waiting moves the clock instead of sleeping."""
    clock = ManualClock(WALL_NS)

    async def wait(duration_ns: int) -> None:
        await asyncio.sleep(0)
        clock.advance(max(duration_ns, 0))

    settings = ClientSettings(
        trading=plan or LimitPlan(requests=10_000),
        timeouts=Timeouts(connect_ns=300_000_000, answer_ns=300_000_000),
        orders=policy or OrderPolicy(),
    )
    async with AlpacaClient(PaperAccess(KEY, SECRET), local_hosts(origin), clock, settings=settings, wait=wait) as client:
        yield client, clock


@asynccontextmanager
async def bench(*, policy: OrderPolicy | None = None, plan: LimitPlan | None = None) -> AsyncIterator[Bench]:
    """Give a server and a client of it."""
    async with serving() as server, client_of(server.origin, policy=policy, plan=plan) as (client, clock):
        yield Bench(server, client, clock)
