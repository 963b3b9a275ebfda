"""The one manager of all streams: it owns the socket, follows the table of `lifeline`, and says when to trust.

A dialect knows one venue's protocol and does no input or output; a socket carries frames; a resync asks the venue what
was missed. The manager is one task, the one that iterates over `items`; a reader takes frames off the socket and a
ticker lets time pass. What arrives during the resync waits and is given out after it, then the stream is trusted;
if the connection is lost before, it is given out as it is, followed by the loss.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from typing import Final, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

import msgspec

from tidegate.clock.clock import Clock
from tidegate.values.time import SECOND_NS
from tidegate.venues.errors import StreamOwnedElsewhereError, VenueError
from tidegate.venues.lifeline import Jitter, Lifeline, Signal, Stage, Timing
from tidegate.venues.port import StreamDown, StreamUp
from tidegate.venues.waiting import Wait, loop_wait

Frame: TypeAlias = str | bytes
T = TypeVar("T")

TICK_NS: Final = SECOND_NS // 4


class SocketClosed(Exception):  # noqa: N818 - the end of a connection is an event that each reader meets
    """The connection is gone; the text says how."""


class Pong(msgspec.Struct, frozen=True):
    """The other side answered a ping."""


class Socket(Protocol):
    """One open connection."""

    async def send(self, frame: Frame) -> None:
        """Send one message.

        Raises:
            SocketClosed: the connection is gone.
        """

    async def receive(self) -> Frame | Pong:
        """Wait for one message.

        Raises:
            SocketClosed: the connection is gone.
        """

    async def ping(self) -> None:
        """Send a ping; raises as `send`."""

    async def close(self) -> None:
        """End the connection; never raises and never hangs."""


class Heard(NamedTuple, Generic[T]):
    """What one frame means: news for the consumer, a step in the stream's life, and what to answer."""

    items: Sequence[T] = ()
    signal: Signal | None = None
    reason: str = ""
    replies: Sequence[Frame] = ()
    data: bool = False  # whether it counts against silence


class Dialect(Protocol[T]):
    """One venue's protocol on one connection. Never raises on what a venue sends: what is not understood is an item."""

    def opened(self) -> Sequence[Frame]:
        """Forget the last connection; return what to send first."""

    def hear(self, frame: Frame, recv_ns: int) -> "Heard[T]":
        """Return what a frame means."""

    def flush(self) -> Sequence[T]:
        """Return items that earlier frames amount to and that were held back to be made together."""

    def subscription(self) -> Sequence[Frame]:
        """Return the requests for everything wanted, for a new connection; none: nothing is wanted yet."""

    def changes(self) -> Sequence[Frame]:
        """Return the requests that turn what this connection was asked for into what is wanted now."""


class _Arrival(NamedTuple):
    """A frame or a pong of a connection."""

    frame: Frame | Pong
    recv_ns: int
    connection: int


class _Note(NamedTuple):
    """A signal of a connection, or of ours."""

    signal: Signal
    reason: str
    connection: int


_ANY: Final = -1  # a note that is about no connection in particular

Connect: TypeAlias = Callable[[], Awaitable[Socket]]  # raises Unreachable, Declined or StreamOwnedElsewhereError
Resync: TypeAlias = Callable[[int], Awaitable[Sequence[T]]]  # given when the stream was last trusted, ns UTC, 0: never


class StreamSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What makes one stream differ from another."""

    name: str
    timing: Timing = Timing()
    frames_max: int = 10_000  # read ahead of the consumer before the socket is left waiting
    held_max: int = 200_000  # items that may wait for a resync; more is a loss, never a gap


class Outside(NamedTuple):
    """What a stream takes from outside itself, so that tests can hand in their own."""

    clock: Clock
    jitter: Jitter
    wait: Wait = loop_wait
    data_due: Callable[[], bool] = lambda: True  # whether silence means trouble now


class StreamManager(Generic[T]):
    """See the module."""

    def __init__(self, settings: StreamSettings, *, dialect: Dialect[T], connect: Connect, resync: Resync[T], outside: Outside) -> None:
        self.settings = settings
        self.line = Lifeline(settings.timing, outside.jitter, outside.clock.monotonic_ns())
        self._dialect = dialect
        self._connect = connect
        self._resync = resync
        self._clock = outside.clock
        self._wait = outside.wait
        self._data_due = outside.data_due
        self._socket: Socket | None = None
        self._tasks: list[asyncio.Task[None]] = []  # of the current connection
        self._inbox: deque[_Note | _Arrival] = deque()
        self._moved = asyncio.Event()
        self._drained = asyncio.Event()
        self._held: list[T] = []
        self._resynced: Sequence[T] = ()
        self._trusted_ns = 0
        self._connection = 0
        self._changed = False

    async def items(self) -> AsyncGenerator[T | StreamUp | StreamDown, None]:
        """Yield news and the stream's own ups and downs; ends after a final StreamDown or `close`."""
        ticker = asyncio.create_task(self._tick())
        try:
            await self._enter()
            while self.line.stage is not Stage.STOPPED:
                await self._moved.wait()
                self._moved.clear()
                for item in await self._take():
                    yield item
        finally:
            ticker.cancel()
            await self._hang_up()
            await asyncio.gather(ticker, return_exceptions=True)

    def refresh(self) -> None:
        """Tell that the dialect wants something else than it asked for."""
        self._changed = True
        self._moved.set()

    def doubt(self, reason: str) -> None:
        """Tell that the stream is known to be incomplete: it is left, connected anew and resynced."""
        self._push(Signal.LOST, reason, self._connection)

    async def close(self) -> None:
        """End the stream; whoever iterates sees it end."""
        self._push(Signal.CLOSED, "it was closed", _ANY)
        await asyncio.sleep(0)

    async def _take(self) -> list[T | StreamUp | StreamDown]:
        """Handle everything that has happened; return what it means to the consumer."""
        out: list[T | StreamUp | StreamDown] = []
        while self._inbox:
            what = self._inbox.popleft()
            if what.connection not in {self._connection, _ANY}:
                continue
            if isinstance(what, _Arrival):
                await self._hear(what, out)
            else:
                self._give(self._dialect.flush(), out)
                await self._move(what.signal, what.reason, out)
        self._give(self._dialect.flush(), out)
        self._drained.set()
        self._raise_bugs()
        now_ns = self._clock.monotonic_ns()
        overdue = self.line.overdue(now_ns, data_due=self._data_due())
        if overdue is not None:
            await self._move(*overdue, out)
        elif self._socket is not None:
            await self._speak(now_ns)
        return out

    async def _hear(self, arrival: _Arrival, out: list[T | StreamUp | StreamDown]) -> None:
        now_ns = self._clock.monotonic_ns()
        if isinstance(arrival.frame, Pong):
            self.line.heard(now_ns, data=False)
            return
        heard = self._dialect.hear(arrival.frame, arrival.recv_ns)
        self.line.heard(now_ns, data=heard.data)
        self._give(heard.items, out)
        if heard.replies:
            await self._send(heard.replies)
        if heard.signal is not None:
            self._give(self._dialect.flush(), out)
            await self._move(heard.signal, heard.reason, out)

    def _give(self, items: Sequence[T], out: list[T | StreamUp | StreamDown]) -> None:
        if self.line.stage is Stage.LIVE:
            out.extend(items)
            return
        self._held.extend(items)
        if len(self._held) > self.settings.held_max:
            self._push(Signal.LOST, "more arrived than can wait for the resync", self._connection)

    async def _move(self, signal: Signal, reason: str, out: list[T | StreamUp | StreamDown]) -> None:
        was_live = self.line.stage is Stage.LIVE
        now_ns = self._clock.monotonic_ns()
        silent_ns = self.line.silent_ns(now_ns)
        if not self.line.signal(signal, now_ns, reason):
            return
        stage, wall_ns = self.line.stage, self._clock.now_ns()
        if stage is Stage.LIVE:
            out.extend(self._resynced)
            out.extend(self._held)
            out.append(StreamUp(stream=self.settings.name, at_ns=wall_ns, attempt=self.line.attempt))
            self._held, self._resynced = [], ()
        elif stage in {Stage.PAUSING, Stage.STOPPED}:
            if was_live:
                self._trusted_ns = wall_ns - silent_ns  # what came after the last sign of life may be lost
            out.extend(self._held)  # facts, and evidence, whether the stream was trusted yet or not
            self._held = []
            final = stage is Stage.STOPPED
            out.append(StreamDown(stream=self.settings.name, at_ns=wall_ns, reason=self.line.reason, final=final))
        await self._enter()

    async def _enter(self) -> None:
        """Do what a new stage asks for."""
        match self.line.stage:
            case Stage.CONNECTING:
                self._connection += 1
                self._start(self._open())
            case Stage.AUTHENTICATING:
                await self._send(self._dialect.opened())
            case Stage.SUBSCRIBING:
                requests = self._dialect.subscription()
                self._changed = False
                await self._send(requests)
                if not requests:
                    self._push(Signal.SUBSCRIBED, "", self._connection)
            case Stage.RESYNCING:
                self._start(self._ask())
            case Stage.PAUSING | Stage.STOPPED:
                await self._hang_up()
            case Stage.LIVE:
                self._moved.set()

    async def _open(self) -> None:
        connection = self._connection
        try:
            socket = await self._connect()
        except StreamOwnedElsewhereError as error:
            self._push(Signal.OWNED, str(error), connection)
            return
        except VenueError as error:
            self._push(Signal.LOST, str(error), connection)
            return
        if connection != self._connection:
            await socket.close()
            return
        self._socket = socket
        self._push(Signal.OPENED, "", connection)
        await self._read(socket, connection)

    async def _read(self, socket: Socket, connection: int) -> None:
        try:
            while True:
                frame = await socket.receive()
                self._inbox.append(_Arrival(frame, self._clock.now_ns(), connection))
                self._moved.set()
                if len(self._inbox) >= self.settings.frames_max:
                    self._drained.clear()
                    await self._drained.wait()
        except SocketClosed as error:
            self._push(Signal.LOST, str(error), connection)

    async def _ask(self) -> None:
        connection = self._connection
        try:
            found = await self._resync(self._trusted_ns)
        except VenueError as error:
            self._push(Signal.LOST, f"what was missed could not be read: {error}", connection)
            return
        if connection == self._connection:
            self._resynced = found
            self._push(Signal.RESYNCED, "", connection)

    async def _speak(self, now_ns: int) -> None:
        """Send what is due on an open socket: a ping, or a changed subscription."""
        if self._changed and self.line.stage in {Stage.LIVE, Stage.RESYNCING}:
            self._changed = False
            await self._send(self._dialect.changes())
        if self.line.ping_due(now_ns) and self._socket is not None:
            try:
                await self._socket.ping()
            except SocketClosed as error:
                self._push(Signal.LOST, str(error), self._connection)

    async def _send(self, frames: Sequence[Frame]) -> None:
        if self._socket is None:
            return
        try:
            for frame in frames:
                await self._socket.send(frame)
        except SocketClosed as error:
            self._push(Signal.LOST, str(error), self._connection)

    async def _tick(self) -> None:
        while True:
            await self._wait(TICK_NS)
            self._moved.set()

    def _push(self, signal: Signal, reason: str, connection: int) -> None:
        self._inbox.append(_Note(signal, reason, connection))
        self._moved.set()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(lambda _: self._moved.set())
        self._tasks.append(task)

    def _raise_bugs(self) -> None:
        """Let an error that is none of a venue's end the stream where it is iterated, not vanish in a task."""
        for task in self._tasks:
            if task.done() and not task.cancelled() and task.exception() is not None:
                task.result()

    async def _hang_up(self) -> None:
        """Drop the connection and everything that belongs to it."""
        self._connection += 1
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()
            self._socket = None
        self._drained.set()
        self._held, self._resynced = [], ()
