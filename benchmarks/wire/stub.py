"""A venue that does nothing but stamp: when a quote's frame is written, and when the bytes of the order that it caused arrive.

It speaks as much of Alpaca's protocol as the trader and alpaca-py ask for: streams with their greetings, and REST answers of an
account that holds nothing. Orders are answered as canceled at once: nothing is ever held, so that each marked quote is an entry.
"""

import asyncio
import time
from datetime import datetime, timedelta
from typing import Any, Final, final
from zoneinfo import ZoneInfo

import msgspec
from aiohttp import WSMsgType, web

from tidegate.clock.clock import Clock, ScaledClock
from tidegate.values.time import iso_utc

NEW_YORK: Final = ZoneInfo("America/New_York")
SESSION: Final = timedelta(hours=5, minutes=30)  # one of more than 6.5 hours is refused, and a change of clocks may add one
BEGUN: Final = timedelta(minutes=30)  # of the stub's clock, before the benchmark starts
_ACCOUNT: Final = {
    "id": "b5fd06cd-f420-4757-acca-715da42a6e09", "account_number": "PA1", "status": "ACTIVE", "crypto_status": "INACTIVE",
    "currency": "USD", "cash": "10000000", "buying_power": "40000000", "regt_buying_power": "20000000",
    "non_marginable_buying_power": "10000000", "equity": "10000000", "last_equity": "10000000", "portfolio_value": "10000000",
    "long_market_value": "0", "short_market_value": "0", "initial_margin": "0", "maintenance_margin": "0", "multiplier": "4",
    "accrued_fees": "0", "created_at": "2026-01-01T00:00:00Z", "shorting_enabled": True, "trading_blocked": False,
    "transfers_blocked": False, "account_blocked": False, "trade_suspended_by_user": False, "pattern_day_trader": False,
    "daytrade_count": 0,
}  # fmt: skip


@final
class Stub:
    """The venue. `arrived[key]` are the times of arrival of that key's orders; `feeds[key]` its market stream."""

    def __init__(self, speed: float, wall: Clock) -> None:
        self.speed: Final = speed
        self.clock: Final = ScaledClock(wall, start_ns=wall.now_ns() + 1, speed=speed)
        self.opened: Final = datetime.fromtimestamp(self.clock.now_ns() / 1e9, NEW_YORK) - BEGUN
        self.feeds: Final[dict[str, web.WebSocketResponse]] = {}
        self.subscribed: Final[set[str]] = set()
        self.arrived: Final[asyncio.Queue[tuple[str, int]]] = asyncio.Queue()
        self.orders = 0

    def application(self) -> web.Application:
        """Return the server."""
        application = web.Application()
        application.add_routes(
            [
                web.get("/emulator/state", self._json(lambda: {"now_ns": self.clock.now_ns(), "speed": self.speed})),
                web.get("/v2/account", self._json(lambda: _ACCOUNT)),
                web.get("/v2/positions", self._json(list)),
                web.get("/v2/orders", self._json(list)),
                web.get("/v2/account/activities{rest:.*}", self._json(list)),
                web.get("/v2/calendar", self._json(self.calendar)),
                web.get("/v2/stocks/quotes/latest", self._json(lambda: {"quotes": {}})),
                web.post("/v2/orders", self._order),
                web.get("/stream", self._trading_stream),
                web.get("/v2/iex", self._market_stream),
                web.get("/v2/iex/{rest:.*}", self._market_stream),
            ]
        )
        return application

    def quote(self, *, marked: bool, number: int) -> dict[str, Any]:
        """Return one quote; `marked`: an order is to follow."""
        bid = 100.1 if marked else round(100.0 + number % 7 / 100, 2)
        ask = round(bid + 0.01, 2)
        size = 3 + number % 5
        at = msgspec.msgpack.Ext(-1, _timestamp(self.clock.now_ns()))
        return {
            "T": "q", "S": "WIRE", "ax": "V", "ap": ask, "as": size, "bx": "V", "bp": bid, "bs": size, "c": ["R"], "z": "C", "t": at,
        }  # fmt: skip

    def calendar(self) -> list[dict[str, str]]:
        """Return the days around now; the market has just opened, whatever time it is."""
        hours = {"open": f"{self.opened:%H:%M}", "close": f"{self.opened + SESSION:%H:%M}"}
        days = ((self.opened + timedelta(days=offset)).date().isoformat() for offset in range(-1, 12))
        return [{"date": day, "settlement_date": day} | hours for day in days]

    async def _order(self, request: web.Request) -> web.Response:
        at_ns = time.perf_counter_ns()
        self.arrived.put_nowait((request.headers.get("APCA-API-KEY-ID", ""), at_ns))
        wish = msgspec.json.decode(await request.read())
        self.orders += 1
        now = iso_utc(self.clock.now_ns())
        order = {
            "id": f"00000000-0000-4000-8000-{self.orders:012d}",
            "client_order_id": wish.get("client_order_id") or f"none-{self.orders}",
            "created_at": now, "updated_at": now, "submitted_at": now, "canceled_at": now, "asset_id": _ACCOUNT["id"],
            "symbol": wish["symbol"], "asset_class": "us_equity", "qty": str(wish["qty"]), "filled_qty": "0", "order_class": "",
            "order_type": "limit", "type": "limit", "side": wish["side"], "time_in_force": "ioc",
            "limit_price": str(wish["limit_price"]), "status": "canceled", "extended_hours": False,
        }  # fmt: skip
        return web.json_response(order)

    async def _trading_stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type not in {WSMsgType.TEXT, WSMsgType.BINARY}:
                break
            asked = msgspec.json.decode(message.data)
            if asked["action"] == "listen":
                answer: Any = {"stream": "listening", "data": {"streams": ["trade_updates"]}}
            else:
                answer = {"stream": "authorization", "data": {"status": "authorized", "action": "authenticate"}}
            await socket.send_bytes(msgspec.json.encode(answer))
        return socket

    async def _market_stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=1 << 22)
        await socket.prepare(request)
        await socket.send_bytes(msgspec.msgpack.encode([{"T": "success", "msg": "connected"}]))
        key = ""
        async for message in socket:
            if message.type not in {WSMsgType.TEXT, WSMsgType.BINARY}:
                break
            asked = msgspec.msgpack.decode(message.data)
            if asked["action"] == "auth":
                key = asked["key"]
                await socket.send_bytes(msgspec.msgpack.encode([{"T": "success", "msg": "authenticated"}]))
            else:
                told = {"T": "subscription"} | {name: list(names) for name, names in asked.items() if name != "action"}
                await socket.send_bytes(msgspec.msgpack.encode([told]))
                self.feeds[key] = socket
        if self.feeds.get(key) is socket:
            del self.feeds[key]
        return socket

    @staticmethod
    def _json(body: Any) -> Any:
        async def serve(_request: web.Request) -> web.Response:
            return web.Response(body=msgspec.json.encode(body()), content_type="application/json")

        return serve


def _timestamp(ns: int) -> bytes:
    """Return a time as msgpack's timestamp of 64 bits, as the venue sends it: 30 bits of nanoseconds before 34 of seconds."""
    seconds, rest = divmod(ns, 1_000_000_000)
    return (rest << 34 | seconds).to_bytes(8, "big")
