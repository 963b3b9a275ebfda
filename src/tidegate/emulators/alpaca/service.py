"""One request from socket to answer: who asks, the budget, the faults, the handler, and what the market answers to it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from aiohttp import web

from tidegate.emulators.alpaca.calls import Call, Reply, Route
from tidegate.emulators.alpaca.errors import TOO_MANY, WireRefusal, malformed
from tidegate.emulators.alpaca.faults import BEFORE, Fault, FaultKind
from tidegate.emulators.alpaca.keys import Keys
from tidegate.emulators.alpaca.limits import CallWindow
from tidegate.emulators.alpaca.world import World

JSON: Final = "application/json"
_HTML: Final = "text/html"
_BODIES: Final = frozenset({"POST", "PATCH", "PUT"})
_NO_CREDENTIALS: Final = "<html><head><title>401 Authorization Required</title></head><body>401 Authorization Required</body></html>"
_BROKEN: Final = "<html><head><title>{0}</title></head><body>{0}</body></html>"
_SECOND_MS: Final = 1_000


class Service:
    """Answers requests of all accounts."""

    def __init__(self, world: World, keys: Keys) -> None:
        settings = world.floor.settings
        self._world: Final = world
        self._keys: Final = keys
        self._windows: Final = {
            (key, is_data): CallWindow(settings.data_calls_per_minute if is_data else settings.trading_calls_per_minute)
            for key in world.desks
            for is_data in (False, True)
        }

    def handler(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Return what serves a route."""

        async def serve(request: web.Request) -> web.StreamResponse:
            key = self._keys.of_headers(request.headers)
            if key is None:
                return self._stranger(request, is_data=route.is_data)
            self._world.play()
            allowance = self._windows[key, route.is_data].call(self._world.floor.now_ns())
            if not allowance.may_go:
                return self._refuse_call(allowance.headers, is_data=route.is_data)
            fault = self._world.faults.on_request(request.method, request.path)
            if fault is not None and (fault.kind in BEFORE or (fault.kind is FaultKind.SERVER_ERROR and not fault.processed)):
                return _struck(request, fault, is_data=route.is_data)
            reply = await self._answer(request, route, key)
            self._world.settle()
            if fault is not None:
                return await _spoiled(request, fault, reply, allowance.headers)
            return _response(reply, allowance.headers)

        return serve

    async def _answer(self, request: web.Request, route: Route, key: str) -> Reply:
        try:
            body = _read_body(await request.read()) if request.method in _BODIES else {}
            return route.handler(Call(self._world, self._world.desks[key], request.match_info, request.query, body))
        except WireRefusal as refusal:
            return Reply(refusal.body, refusal.http)

    def _stranger(self, request: web.Request, *, is_data: bool) -> web.Response:
        if not self._keys.has_any(request.headers):
            return web.Response(status=401, text=_NO_CREDENTIALS, content_type=_HTML)
        return _response(Reply({"message": "forbidden."}, 403) if is_data else Reply({"message": "unauthorized."}, 401), {})

    def _refuse_call(self, headers: Mapping[str, str], *, is_data: bool) -> web.Response:
        return _response(_too_many(is_data=is_data), headers if self._world.floor.settings.limit_headers_when_refused else {})


def _too_many(*, is_data: bool) -> Reply:
    return Reply({"message": "too many requests."} if is_data else {"code": TOO_MANY, "message": "rate limit exceeded"}, 429)


def _read_body(data: bytes) -> dict[str, Any]:
    """Read a JSON object; an empty body is an empty one."""
    if not data:
        return {}
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise malformed("request body format is invalid") from None


def _response(reply: Reply, headers: Mapping[str, str]) -> web.Response:
    if reply.value is None:
        return web.Response(status=reply.http, headers=headers)
    return web.Response(status=reply.http, body=msgspec.json.encode(reply.value), content_type=JSON, headers=headers)


def _struck(request: web.Request, fault: Fault, *, is_data: bool) -> web.Response:
    """Answer a request that a fault keeps from taking effect."""
    if fault.kind is FaultKind.RATE_LIMITED:
        return _response(_too_many(is_data=is_data), {"Retry-After": fault.retry_after} if fault.retry_after else {})
    if fault.kind is FaultKind.SERVER_ERROR:
        return _broken(fault)
    return _lost(request)


async def _spoiled(request: web.Request, fault: Fault, reply: Reply, headers: Mapping[str, str]) -> web.Response:
    """Answer a request that has taken effect as a fault says."""
    if fault.kind is FaultKind.LOST_ACK:
        return _lost(request)
    if fault.kind is FaultKind.SERVER_ERROR:
        return _broken(fault)
    if fault.kind is FaultKind.SLOW_ACK:
        await asyncio.sleep(fault.delay_ms / _SECOND_MS)
        return _response(reply, headers)
    whole = msgspec.json.encode(reply.value)
    return web.Response(status=reply.http, body=whole[: len(whole) // 2], content_type=JSON, headers=headers)


def _broken(fault: Fault) -> web.Response:
    return web.Response(status=fault.status, text=_BROKEN.format(f"{fault.status} Server Error"), content_type=_HTML)


def _lost(request: web.Request) -> web.Response:
    """Cut the connection instead of an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
