"""The emulator as a server: all endpoints on one port of this machine, and the task that plays the tape."""

import asyncio
import errno
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, NamedTuple, final

import msgspec
from aiohttp import web
from aiohttp.typedefs import Middleware

from tidegate.clock.clock import ManualClock
from tidegate.emulators.alpaca import control, rest_data, rest_trading
from tidegate.emulators.alpaca.errors import NOT_FOUND, PortTakenError
from tidegate.emulators.alpaca.keys import Keys
from tidegate.emulators.alpaca.market_stream import NEWS, OPTION_FEEDS, STOCK_FEEDS, Feed, MarketStream
from tidegate.emulators.alpaca.service import JSON, Service
from tidegate.emulators.alpaca.trading_stream import TradingStream
from tidegate.emulators.alpaca.world import World
from tidegate.values.time import MILLISECOND_NS, SECOND_NS

HOST: Final = "127.0.0.1"
_LOOK_NS: Final = 50 * MILLISECOND_NS  # how long the player sleeps at most
_SLEEP_MIN_S: Final = 0.001
_UNKNOWN: Final = {"code": NOT_FOUND, "message": "endpoint not found"}


class Addresses(NamedTuple):
    """Where clients find it: origins for REST, full socket URLs for streams."""

    rest: str
    trading_stream: str
    stock_stream: str
    option_stream: str
    news_stream: str

    @classmethod
    def of(cls, port: int) -> "Addresses":
        """Return the addresses of an emulator on a port."""
        at = f"{HOST}:{port}"
        socket = f"ws://{at}"
        return cls(f"http://{at}", f"{socket}/stream", f"{socket}/v2/iex", f"{socket}/v1beta1/indicative", f"{socket}/v1beta1/news")


@final
class Server:
    """Serves one world. `speed` is tape seconds per second; 0: stepped, with `clock` to move."""

    def __init__(self, world: World, *, port: int, speed: float, clock: ManualClock | None = None) -> None:
        assert (speed > 0) == (clock is None), "a running emulator has no clock to move"
        self.world: Final = world
        self._speed: Final = speed
        self._clock: Final = clock
        self._wanted: Final = port
        self._runner: web.AppRunner | None = None
        self._player: asyncio.Task[None] | None = None

    async def start(self) -> Addresses:
        """Listen, and let the tape play.

        Raises:
            PortTakenError: somebody else listens there.
        """
        keys = Keys(self.world.floor.settings.accounts)
        runner = web.AppRunner(self._application(keys), access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        site = web.TCPSite(runner, HOST, self._wanted)
        try:
            await site.start()
        except OSError as error:
            await runner.cleanup()
            if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
                raise
            raise PortTakenError(f"Port {self._wanted} of {HOST} is taken or not allowed; choose another with --port.") from error
        self._runner = runner
        self.world.play()
        if self._speed > 0:
            self._player = asyncio.create_task(self._play())
        _, port = runner.addresses[0][:2]
        return Addresses.of(int(port))

    async def stop(self) -> None:
        """Stop playing and listening, connections included."""
        if self._player is not None:
            self._player.cancel()
            with suppress(asyncio.CancelledError):
                await self._player
        for connection in (*self.world.hub.subscribers, *self.world.updates.listeners):
            connection.drop()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _play(self) -> None:
        """Play the tape as time goes by, waking for what is due next."""
        floor = self.world.floor
        while True:
            self.world.play()
            now_ns = floor.timeline.tape_ns()
            wait_ns = floor.player.next_ns(now_ns + int(_LOOK_NS * self._speed)) - now_ns
            await asyncio.sleep(max(wait_ns / SECOND_NS / self._speed, _SLEEP_MIN_S))

    def _application(self, keys: Keys) -> web.Application:
        service = Service(self.world, keys)
        feeds = {f"/v2/{name}": Feed(name, options=False) for name in STOCK_FEEDS}
        feeds |= {f"/v1beta1/{name}": Feed(name, options=True) for name in OPTION_FEEDS}
        feeds |= {f"/v1beta1/{name}": Feed(name, options=False) for name in (NEWS, "boats", "overnight")}
        sockets = {path: self._market(keys, feed) for path, feed in feeds.items()} | {"/stream": self._trading(keys)}
        application = web.Application(middlewares=[_either(sockets)])
        for route in (*rest_trading.ROUTES, *rest_data.ROUTES):
            application.router.add_route(route.method, route.path, service.handler(route))
        application.add_routes(control.routes(self.world, self._clock, self._speed))
        application.router.add_route("*", "/{path:.*}", _unknown)
        return application

    def _trading(self, keys: Keys) -> control.Serve:
        async def serve(request: web.Request) -> web.StreamResponse:
            return await TradingStream(self.world, keys, request).run()

        return serve

    def _market(self, keys: Keys, feed: Feed) -> control.Serve:
        async def serve(request: web.Request) -> web.StreamResponse:
            return await MarketStream(self.world, keys, feed, request).run()

        return serve


def _either(sockets: Mapping[str, control.Serve]) -> Middleware:
    """Return what tells a WebSocket from a request: the venue has hosts for them, here both may have one path."""

    @web.middleware
    async def choose(request: web.Request, handler: control.Serve) -> web.StreamResponse:
        is_socket = request.headers.get("Upgrade", "").lower() == "websocket"
        return await (sockets.get(request.path, _unknown) if is_socket else handler)(request)

    return choose


async def _unknown(_request: web.Request) -> web.Response:
    return web.Response(status=404, body=msgspec.json.encode(_UNKNOWN), content_type=JSON)
