"""A golden log that a test writes line by line, and a receiver on this machine that answers as it is told."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from aiohttp import web

from tests.events.examples import example_of, session_opened
from tests.service.guarding import until
from tidegate.clock.clock import WallClock
from tidegate.config.model import WebhookSection
from tidegate.events.acts import GateChanged, OrderChanged
from tidegate.events.codec import AnyMessage, encode
from tidegate.events.inputs import OrderEvent
from tidegate.journal import LogWriter
from tidegate.service.secrecy import Secret
from tidegate.service.webhooks.receiver import Hook, Receiver, Surroundings
from tidegate.service.webhooks.rules import Patience
from tidegate.service.webhooks.signature import verify_webhook
from tidegate.values.enums import GateState, OrderEventKind, OrderState
from tidegate.values.time import MILLISECOND_NS, SECOND_NS

SECRET = "s1ng1ng-canary-of-the-webhook-mine-42"
EVERYTHING = ("fills", "trips", "unknown", "approvals")
QUICK = Patience(
    pause_first_ns=10 * MILLISECOND_NS,
    pause_max_ns=40 * MILLISECOND_NS,
    give_up_ns=600 * SECOND_NS,
    refused_ns=600 * SECOND_NS,
    connect_ns=SECOND_NS,
    answer_ns=SECOND_NS // 2,
)


class Log:
    """A log under a home. Each message is an input, durable at once."""

    def __init__(self, home: Path, *, session: str = "one", segment_bytes_max: int = 256 << 20) -> None:
        self.home = home
        home.mkdir(exist_ok=True, mode=0o700)
        self.session = session
        self.writer = LogWriter(home / "log", session_opened(session_id=session), continuing=True, segment_bytes_max=segment_bytes_max)
        self.n = -1

    def put(self, message: AnyMessage, *, flush: bool = True) -> str:
        """Write a message and return its id."""
        self.n += 1
        identity = f"{self.session}-{self.n}-0"
        self.writer.input(self.n, encode(msgspec.structs.replace(message, event_id=identity, timestamp=SECOND_NS * (self.n + 1))))
        self.writer.judged(self.n)
        if flush:
            self.writer.flush()
        return identity

    def fills(self, count: int, *, flush: bool = True) -> list[str]:
        return [self.put(fill(f"{self.session}-{self.n + 1}"), flush=flush) for _ in range(count)]


def fill(execution: str, **changes: Any) -> OrderEvent:
    event: OrderEvent = example_of(OrderEvent)
    wished = {"kind": OrderEventKind.PARTIALLY_FILLED, "execution_id": execution, "fee_usd": "0.02"} | changes
    return msgspec.structs.replace(event, **wished)


def trip(state: GateState = GateState.HALTED, actor: str = "rule:loss-today", key: str = "BAC") -> GateChanged:
    gate: GateChanged = example_of(GateChanged)
    return msgspec.structs.replace(gate, after=state, actor=actor, key=key)


def doubt() -> OrderChanged:
    change: OrderChanged = example_of(OrderChanged)
    return msgspec.structs.replace(change, before=OrderState.SUBMITTED, after=OrderState.UNKNOWN)


class Got(NamedTuple):
    """One request that came in."""

    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        """What it tells, its signature proved."""
        return verify_webhook(SECRET, self.headers, self.body)


class Server:
    """Answers 200, or what `answers` says first: a status, or seconds to wait. `port` stays the same over down and up."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.answers: deque[int | float] = deque()
        self.always: int | float = 200
        self.port = 0
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def ids(self) -> list[str]:
        """The ids that were answered with 200 or looked at, in order of arrival."""
        return [one.headers["tidegate-delivery"] for one in self.got]

    async def up(self) -> None:
        application = web.Application()
        application.router.add_route("*", "/{rest:.*}", self._answer)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        assert site._server is not None
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]

    async def down(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _answer(self, request: web.Request) -> web.Response:
        self.got.append(Got(dict(request.headers), await request.read()))
        answer = self.answers.popleft() if self.answers else self.always
        if isinstance(answer, float):
            await asyncio.sleep(answer)
            answer = 200
        location = {"location": "/elsewhere"} if 300 <= answer < 400 else {}
        return web.Response(status=answer, headers=location)


@asynccontextmanager
async def server() -> AsyncIterator[Server]:
    one = Server()
    await one.up()
    try:
        yield one
    finally:
        await one.down()


class Running(NamedTuple):
    """A receiver that tells, in the loop of a test."""

    receiver: Receiver
    said: list[str]
    stopping: asyncio.Event
    task: "asyncio.Task[None]"

    async def until(self, condition: Callable[[], object]) -> None:
        def is_so() -> object:
            if self.task.done():
                self.task.result()
            return condition()

        await until(is_so, lambda: f"{self.receiver.standing} {self.said} {self.task}")

    async def end(self) -> None:
        """Ask it to end; what is there is still told."""
        self.stopping.set()
        await asyncio.wait_for(self.task, 30)

    async def cut(self) -> None:
        """End it as a crash would."""
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task


def hook(url: str, *events: str, name: str = "ops") -> Hook:
    return Hook(WebhookSection(name=name, url=url, events=events or EVERYTHING), Secret(SECRET))  # type: ignore[arg-type]


def surroundings(home: Path, said: list[str], stopping: asyncio.Event, patience: Patience = QUICK) -> Surroundings:
    (home / "webhooks").mkdir(exist_ok=True, mode=0o700)

    def say(name: str, happened: str, why: str) -> None:
        said.append(f"{name}: {happened}: {why}")

    return Surroundings(home, home / "log", WallClock(), lambda: 0.5, say, stopping, patience)


@asynccontextmanager
async def telling(home: Path, url: str, *events: str, name: str = "ops", patience: Patience = QUICK) -> AsyncIterator[Running]:
    said: list[str] = []
    stopping = asyncio.Event()
    receiver = Receiver(hook(url, *events, name=name), surroundings(home, said, stopping, patience))
    running = Running(receiver, said, stopping, asyncio.create_task(receiver.run()))
    try:
        yield running
    finally:
        await running.cut()
