"""A small market on a tape, an emulator of it on a real port, and the venue's own client to speak to it."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self

import msgspec
import numpy as np
import requests
import uvloop

from tests.emulators.alpaca.sdk import Running, StockDataStream, StockHistoricalDataClient, TradingClient, TradingStream
from tidegate.clock.clock import ManualClock
from tidegate.emulators.alpaca.assets import Reference
from tidegate.emulators.alpaca.faults import Fault
from tidegate.emulators.alpaca.server import Addresses, Server
from tidegate.emulators.alpaca.settings import KEY, SECRET, EmulatorSettings
from tidegate.emulators.alpaca.world import World
from tidegate.events.records import QUOTE, RECORD, REGULAR, STATUS, TRADE
from tidegate.tapes.format import Tape
from tidegate.values.enums import InstrumentKind
from tidegate.values.instruments import Instrument
from tidegate.values.money import NANOS
from tidegate.values.time import SECOND_NS, ns_of

CENT = NANOS // 100
OPEN_NS = ns_of(datetime(2024, 3, 4, 14, 30, tzinfo=UTC))  # half past nine in New York, a Monday
CLOSE_S = 6.5 * 3600
NOW_NS = ns_of(datetime(2026, 11, 29, 16, 7, tzinfo=UTC))  # a Sunday
WAIT_S = 20.0

AAPL = Instrument(index=0, symbol="AAPL", venue="tape")
MSFT = Instrument(index=1, symbol="MSFT", venue="tape")
CALL = Instrument(
    index=2,
    symbol="AAPL240315C00100000",
    venue="tape",
    kind=InstrumentKind.OPTION,
    multiplier=100,
    underlying="AAPL",
    expiry="2024-03-15",
    strike_nanos=100 * NANOS,
    right="call",
)
HIGHER_CALL = msgspec.structs.replace(CALL, index=3, symbol="AAPL240315C00105000", strike_nanos=105 * NANOS)
INSTRUMENTS = (AAPL, MSFT, CALL, HIGHER_CALL)


class Rec(NamedTuple):
    """A record: seconds after the open, prices in cents, sizes in shares."""

    at: float
    kind: int
    a: int
    b: int
    c: int = 0
    d: int = 0
    on: int = 0
    flags: int = 0


def quote(at: float, bid: int, ask: int, bid_size: int = 500, ask_size: int = 500, *, on: int = 0) -> Rec:
    return Rec(at, QUOTE, bid * CENT, ask * CENT, bid_size * NANOS, ask_size * NANOS, on)


def trade(at: float, price: int, size: int = 100, *, on: int = 0, flags: int = REGULAR) -> Rec:
    return Rec(at, TRADE, price * CENT, size * NANOS, 0, 0, on, flags)


def status(at: float, code: int, *, on: int = 0) -> Rec:
    return Rec(at, STATUS, code, 0, 0, 0, on)


def tape(recs: Sequence[Rec]) -> Tape:
    array = np.zeros(len(recs), RECORD)
    for place, rec in enumerate(recs):
        array["ts_event"][place] = array["ts_recv"][place] = OPEN_NS + int(rec.at * SECOND_NS)
        array["instrument"][place], array["kind"][place], array["flags"][place] = rec.on, rec.kind, rec.flags
        for name in "abcd":
            array[name][place] = getattr(rec, name)
        array["venue_seq"][place] = place + 1
    return Tape.of(array, symbols=INSTRUMENTS)


def market() -> list[Rec]:
    """Ten minutes of a quiet market around $100 and $50, with a rise and a fall in AAPL."""
    recs = [quote(0, 9_999, 10_001), quote(0, 4_999, 5_001, on=1), trade(0, 10_000), trade(0, 5_000, on=1)]
    recs += [quote(0, 200, 210, on=2), quote(0, 100, 105, on=3)]
    for second in range(1, 600):
        price = 10_000 + (min(second, 400 - second) if 100 < second < 300 else 0)
        recs += [quote(second, price - 1, price + 1, 500 + second % 7), trade(second + 0.25, price, 10 + second % 5)]
        if second % 10 == 0:
            recs += [quote(second + 0.5, 4_999, 5_001, 300 + second, on=1), trade(second + 0.5, 5_000, on=1)]
    return recs


class Emulator:
    """A stepped emulator in a thread of its own. Its clock stands at a Sunday until somebody steps it."""

    def __init__(
        self,
        recs: Sequence[Rec] | None = None,
        settings: EmulatorSettings | None = None,
        *,
        reference: Reference | None = None,
        now_ns: int = NOW_NS,
        offset_s: float = 0.0,
    ) -> None:
        self.clock = ManualClock(now_ns)
        self.world = World(
            [tape(market() if recs is None else recs)],
            settings or EmulatorSettings(trading_calls_per_minute=0, data_calls_per_minute=0),
            self.clock,
            reference=reference or Reference(),
            compiler=None,
        )
        self.clock.advance(int(offset_s * SECOND_NS))
        self.addresses = Addresses.of(0)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=lambda: uvloop.run(self._serve()), daemon=True)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = Server(self.world, port=0, speed=0, clock=self.clock)
        self.addresses = await server.start()
        self._ready.set()
        await self._stop.wait()
        await server.stop()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(WAIT_S)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()

    # Its own endpoints.

    def step(self, seconds: float) -> dict[str, Any]:
        told: dict[str, Any] = self._control("POST", "step", {"seconds": seconds})
        return told

    def step_to(self, seconds_after_open: float) -> dict[str, Any]:
        """Step to a time of the tape."""
        played_ns = self.world.floor.timeline.tape_ns()
        return self.step((OPEN_NS + int(seconds_after_open * SECOND_NS) - played_ns) / SECOND_NS)

    def state(self) -> dict[str, Any]:
        told: dict[str, Any] = self._control("GET", "state", None)
        return told

    def faults(self, *faults: Fault) -> None:
        self._control("PUT", "faults", [msgspec.to_builtins(fault) for fault in faults])

    def _control(self, method: str, name: str, body: Any) -> Any:
        answer = requests.request(method, f"{self.addresses.rest}/emulator/{name}", json=body, timeout=WAIT_S)
        assert answer.status_code == 200, answer.text
        return answer.json()

    # Clients.

    def trading(self, key: str = KEY, secret: str = SECRET) -> TradingClient:
        return TradingClient(key, secret, url_override=self.addresses.rest)

    def history(self) -> StockHistoricalDataClient:
        return StockHistoricalDataClient(KEY, SECRET, url_override=self.addresses.rest)

    def updates(self, heard: list[Any], *, key: str = KEY) -> Running:
        """Listen to order events; with the block entered, the connection stands."""
        stream = TradingStream(key, SECRET, url_override=self.addresses.trading_stream)

        async def hear(update: Any) -> None:
            heard.append(update)

        stream.subscribe_trade_updates(hear)
        return Running(stream, self.cut)

    def data_stream(self) -> StockDataStream:
        return StockDataStream(KEY, SECRET, url_override=self.addresses.stock_stream)

    def cut(self) -> None:
        """Drop every stream connection."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._drop)

    def _drop(self) -> None:
        for connection in (*self.world.hub.subscribers, *self.world.updates.listeners):
            connection.drop()

    def call(self, method: str, path: str, *, json: Any = None, **query: str) -> requests.Response:
        headers = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET}
        return requests.request(method, self.addresses.rest + path, json=json, params=query, headers=headers, timeout=WAIT_S)


def until(condition: Callable[[], object]) -> None:
    """Wait for a condition that another thread brings about; the bound is no expectation, only an end."""
    deadline = threading.Event()
    for _ in range(int(WAIT_S / 0.005)):
        if condition():
            return
        deadline.wait(0.005)
    raise AssertionError("what was waited for did not happen")
