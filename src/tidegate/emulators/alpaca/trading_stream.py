"""The trading WebSocket `/stream`: authenticate, listen, order events.

Paper accounts are sent binary frames of JSON, live ones text frames, and both msgpack where the handshake asks for it.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import msgspec
from aiohttp import WSMsgType, web

from tidegate.emulators.alpaca.faults import StreamName
from tidegate.emulators.alpaca.keys import Keys
from tidegate.emulators.alpaca.reading import converse
from tidegate.emulators.alpaca.updates import STREAM, Listener
from tidegate.emulators.alpaca.world import World

_MSGPACK: Final = "application/msgpack"
_AUTHORIZED: Final = "authorized"
_UNAUTHORIZED: Final = "unauthorized"


class TradingStream:
    """One connection from handshake to end."""

    def __init__(self, world: World, keys: Keys, request: web.Request) -> None:
        self._world: Final = world
        self._keys: Final = keys
        self._request: Final = request
        self._packs: Final = request.headers.get("Content-Type", "") == _MSGPACK
        self.outbox: Final = Listener(request, packs=self._packs)

    async def run(self) -> web.WebSocketResponse:
        """Serve the connection."""
        socket = web.WebSocketResponse()
        await socket.prepare(self._request)
        sender = asyncio.create_task(self.outbox.pump(socket, self._world.faults, StreamName.TRADING))
        try:
            await converse(socket, self.outbox, self._hear)
        finally:
            if self.outbox in self._world.updates.listeners:
                self._world.updates.listeners.remove(self.outbox)
            sender.cancel()
            with suppress(asyncio.CancelledError):
                await sender
        return socket

    def _hear(self, kind: WSMsgType, data: bytes) -> None:
        message: Any = None
        with suppress(msgspec.MsgspecError, UnicodeDecodeError):
            message = msgspec.msgpack.decode(data) if self._packs and kind is WSMsgType.BINARY else msgspec.json.decode(data)
        if not isinstance(message, dict):
            return
        action = message.get("action")
        fields = message.get("data")
        known = fields if isinstance(fields, dict) else message
        if action in {"authenticate", "auth"}:
            self._authenticate(known)
        elif action == "listen":
            self._listen(known)

    def _authenticate(self, fields: Mapping[str, Any]) -> None:
        if "oauth_token" in fields:
            key = self._keys.of_token(str(fields["oauth_token"]))
        else:
            given = str(fields.get("key_id") or fields.get("key") or "")
            key = self._keys.of_pair(given, str(fields.get("secret_key") or fields.get("secret") or ""))
        if key is None:
            self._answer(_UNAUTHORIZED, "authenticate", {"message": "access key verification failed"})
            self.outbox.close()
            return
        self.outbox.key = key
        self.outbox.as_text = not self._packs and self._world.desks[key].account.settings.live
        if self.outbox not in self._world.updates.listeners:
            self._world.updates.listeners.append(self.outbox)
        self._answer(_AUTHORIZED, "authenticate", {})
        self.outbox.strike(self._world.faults.on_stream(StreamName.TRADING, 0))

    def _listen(self, fields: Mapping[str, Any]) -> None:
        if not self.outbox.key:
            self._answer(_UNAUTHORIZED, "listen", {})
            return
        asked = fields.get("streams")
        streams = [name for name in asked if name == STREAM] if isinstance(asked, list) else []
        self.outbox.listens = bool(streams)
        self.outbox.say({"stream": "listening", "data": {"streams": streams}})

    def _answer(self, status: str, action: str, extra: Mapping[str, str]) -> None:
        self.outbox.say({"stream": "authorization", "data": {"status": status, "action": action} | dict(extra)})
