"""The market-data WebSocket: connect, authenticate, subscribe; JSON or msgpack by the handshake's Content-Type."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple

import msgspec
from aiohttp import WSMsgType, web

from tidegate.emulators.alpaca.faults import StreamName
from tidegate.emulators.alpaca.hub import ALL, CHANNELS, FOLLOWING, Subscriber
from tidegate.emulators.alpaca.keys import Keys
from tidegate.emulators.alpaca.reading import converse
from tidegate.emulators.alpaca.world import World

CODES: Final = {
    400: "invalid syntax",
    401: "not authenticated",
    402: "auth failed",
    403: "already authenticated",
    404: "auth timeout",
    405: "symbol limit exceeded",
    406: "connection limit exceeded",
    407: "slow client",
    409: "insufficient subscription",
    410: "invalid subscribe action for this feed",
    412: "option messages are only available in MsgPack format",
    413: "star subscription is not allowed for option quotes",
}
CLOSING: Final = frozenset({402, 404, 406, 409})
STOCK_FEEDS: Final = frozenset({"sip", "iex", "delayed_sip", "test", "boats", "overnight"})
OPTION_FEEDS: Final = frozenset({"opra", "indicative"})
NEWS: Final = "news"
_COUNTED: Final = ("trades", "quotes", "bars", "updatedBars", "dailyBars")
_MSGPACK: Final = "application/msgpack"
_SUCCESS: Final = "success"


class Feed(NamedTuple):
    """What an endpoint serves."""

    name: str
    options: bool


class MarketStream:
    """One connection from handshake to end."""

    def __init__(self, world: World, keys: Keys, feed: Feed, request: web.Request) -> None:
        packs = request.headers.get("Content-Type", "") == _MSGPACK
        self._world: Final = world
        self._keys: Final = keys
        self._feed: Final = feed
        self._request: Final = request
        self.outbox: Final = Subscriber(request, packs=packs, options=feed.options)
        self.key = ""
        self._news: set[str] = set()

    async def run(self) -> web.WebSocketResponse:
        """Serve the connection."""
        socket = web.WebSocketResponse(max_msg_size=1 << 22)
        await socket.prepare(self._request)
        sender = asyncio.create_task(self.outbox.pump(socket, self._world.faults, StreamName.DATA))
        timer = asyncio.get_running_loop().call_later(self._world.floor.settings.auth_seconds, self._time_out)
        try:
            self._success("connected")
            self._greet(self._request.headers)
            await converse(socket, self.outbox, self._hear)
        finally:
            timer.cancel()
            self._leave()
            sender.cancel()
            with suppress(asyncio.CancelledError):
                await sender
        return socket

    def _leave(self) -> None:
        if self.outbox in self._world.hub.subscribers:
            self._world.hub.subscribers.remove(self.outbox)
        if self.key:
            self._keys.disconnect(self.key, self._feed.name, self)

    def _time_out(self) -> None:
        if not self.key:
            self._error(404)

    def _greet(self, headers: Mapping[str, str]) -> None:
        """Authenticate by the handshake's headers, where it brings any."""
        found = self._keys.of_headers(headers)
        if found is not None:
            self._admit(found)
        elif self._keys.has_any(headers):
            self._error(402)

    def _hear(self, kind: WSMsgType, data: bytes) -> None:
        try:
            message: Any = msgspec.json.decode(data) if kind is WSMsgType.TEXT else msgspec.msgpack.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            message = None
        action = message.get("action") if isinstance(message, dict) else None
        if action == "auth":
            self._authenticate(message)
        elif action in {"subscribe", "unsubscribe"}:
            self._subscribe(message, adds=action == "subscribe")
        else:
            self._error(400)

    def _authenticate(self, message: Mapping[str, Any]) -> None:
        if self.key:
            self._error(403)
            return
        found = self._keys.of_pair(str(message.get("key", "")), str(message.get("secret", "")))
        if found is None:
            self._error(402)
        else:
            self._admit(found)

    def _admit(self, key: str) -> None:
        if self._feed.options and not self.outbox.packs:
            self._error(412)
        elif not self._keys.connect(key, self._feed.name, self):
            self._error(406)
        else:
            self.key = key
            self._success("authenticated")
            self._world.hub.subscribers.append(self.outbox)
            self.outbox.strike(self._world.faults.on_stream(StreamName.DATA, 0))

    def _subscribe(self, message: Mapping[str, Any], *, adds: bool) -> None:
        if not self.key:
            self._error(401)
            return
        channels = {name: symbols for name, symbols in message.items() if name != "action"}
        code = self._fault_of(channels, adds=adds)
        if code:
            self._error(code)
            return
        for name, symbols in channels.items():
            if name in FOLLOWING or name == "imbalances":
                continue
            mine = self._news if name == NEWS else self.outbox.wanted[name]
            if adds:
                mine |= set(symbols)
            else:
                mine -= set(symbols)
        self.outbox.say([self._state()])

    def _fault_of(self, channels: Mapping[str, Any], *, adds: bool) -> int:
        """Return why a subscription cannot be, as an error code; 0: it can."""
        allowed = (
            {"trades", "quotes"} if self._feed.options else {NEWS} if self._feed.name == NEWS else {*CHANNELS, *FOLLOWING, "imbalances"}
        )
        if not all(isinstance(symbols, list) and all(isinstance(symbol, str) for symbol in symbols) for symbols in channels.values()):
            return 400
        if not set(channels) <= allowed:
            return 410
        if self._feed.options and ALL in channels.get("quotes", ()):
            return 413
        return 405 if adds and self._is_over(channels) else 0

    def _is_over(self, channels: Mapping[str, list[str]]) -> bool:
        """Tell whether a subscription would be for more symbols than the plan has."""
        settings, wanted = self._world.floor.settings, self.outbox.wanted
        if self._feed.options:
            return bool(settings.option_quotes_max) and len(wanted["quotes"] | set(channels.get("quotes", ()))) > settings.option_quotes_max
        symbols = set().union(*(wanted[name] | set(channels.get(name, ())) for name in _COUNTED))
        return bool(settings.stream_symbols_max) and len(symbols) > settings.stream_symbols_max

    def _state(self) -> dict[str, object]:
        if self._feed.name == NEWS:
            return {"T": "subscription", "news": sorted(self._news)}
        channels = ("trades", "quotes") if self._feed.options else CHANNELS
        state: dict[str, object] = {"T": "subscription"} | {name: sorted(self.outbox.wanted[name]) for name in channels}
        return state if self._feed.options else state | dict.fromkeys(FOLLOWING, sorted(self.outbox.wanted["trades"]))

    def _success(self, text: str) -> None:
        self.outbox.say([{"T": _SUCCESS, "msg": text}])

    def _error(self, code: int) -> None:
        self.outbox.say([{"T": "error", "code": code, "msg": CODES[code]}])
        if code in CLOSING:
            self.outbox.close()
