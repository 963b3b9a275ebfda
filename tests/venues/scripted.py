"""A world for streams without sockets and without sleep: scripted connections, and time that moves when told to."""

import asyncio
from collections.abc import Callable, Sequence

from tidegate.clock.clock import ManualClock
from tidegate.venues.errors import VenueError
from tidegate.venues.lifeline import Signal
from tidegate.venues.stream import Frame, Heard, Pong, SocketClosed

WALL_NS = 1_795_000_000_000_000_000


WORDS = {
    "welcome": Signal.AUTHORIZED,
    "listening": Signal.SUBSCRIBED,
    "taken": Signal.OWNED,
    "never": Signal.FATAL,
    "no": Signal.REJECTED,
}


class Time:
    """A clock and the waiting that belongs to it. `pass_` moves both and lets every task run."""

    def __init__(self) -> None:
        self.clock = ManualClock(WALL_NS)
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []

    async def wait(self, duration_ns: int) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((self.clock.monotonic_ns() + max(duration_ns, 0), future))
        await future

    async def pass_(self, duration_ns: int, *, step_ns: int = 250_000_000) -> None:
        end_ns = self.clock.monotonic_ns() + duration_ns
        while self.clock.monotonic_ns() < end_ns:
            self.clock.advance(min(step_ns, end_ns - self.clock.monotonic_ns()))
            due = [future for at_ns, future in self._waiters if at_ns <= self.clock.monotonic_ns()]
            self._waiters = [(at_ns, future) for at_ns, future in self._waiters if at_ns > self.clock.monotonic_ns()]
            for future in due:
                if not future.done():
                    future.set_result(None)
            await settle()


async def settle() -> None:
    """Let every task run until nothing happens any more."""
    for _ in range(30):
        await asyncio.sleep(0)


class ScriptedSocket:
    """A connection whose other side is the test."""

    def __init__(self, *, pongs: bool = True) -> None:
        self.sent: list[Frame] = []
        self.pings = 0
        self.closed = False
        self.pongs = pongs
        self._arrivals: asyncio.Queue[Frame | Pong | SocketClosed] = asyncio.Queue()

    def say(self, *frames: Frame) -> None:
        for frame in frames:
            self._arrivals.put_nowait(frame)

    def drop(self, words: str = "gone") -> None:
        self._arrivals.put_nowait(SocketClosed(words))

    async def send(self, frame: Frame) -> None:
        if self.closed:
            raise SocketClosed("closed by us")
        self.sent.append(frame)

    async def receive(self) -> Frame | Pong:
        arrival = await self._arrivals.get()
        if isinstance(arrival, SocketClosed):
            raise arrival
        return arrival

    async def ping(self) -> None:
        self.pings += 1
        if self.pongs:
            self._arrivals.put_nowait(Pong())

    async def close(self) -> None:
        self.closed = True


class Doors:
    """Hands out connections: a socket, or the error that the attempt ends in."""

    def __init__(self, *doors: ScriptedSocket | VenueError) -> None:
        self.doors = list(doors)
        self.knocks = 0

    async def __call__(self) -> ScriptedSocket:
        self.knocks += 1
        door = self.doors.pop(0)
        if isinstance(door, VenueError):
            raise door
        return door


class PlainDialect:
    """A protocol of single words: `hello`, `welcome`, `subscribe a,b`, `listening`, `taken`, `never`, and data."""

    def __init__(self, wanted: Sequence[str] = ("a",)) -> None:
        self.wanted = list(wanted)

    def opened(self) -> Sequence[Frame]:
        return ["hello"]

    def hear(self, frame: Frame, recv_ns: int) -> Heard[str]:
        assert isinstance(frame, str)
        assert recv_ns >= WALL_NS
        signal = WORDS.get(frame)
        if signal is not None:
            return Heard(signal=signal, reason=f"it said {frame}")
        return Heard(items=[frame], data=True)

    def flush(self) -> Sequence[str]:
        return []

    def subscription(self) -> Sequence[Frame]:
        return [f"subscribe {','.join(self.wanted)}"] if self.wanted else []

    def changes(self) -> Sequence[Frame]:
        return [f"change {','.join(self.wanted)}"]


class Collector:
    """Iterates over a stream in the background and keeps what it gave."""

    def __init__(self) -> None:
        self.items: list[object] = []
        self.ended = False
        self.task: asyncio.Task[None] | None = None

    def start(self, items: Callable[[], object]) -> None:
        self.task = asyncio.create_task(self._run(items))

    async def _run(self, items: Callable[[], object]) -> None:
        async for item in items():  # type: ignore[attr-defined] # an async iterator of any item
            self.items.append(item)
        self.ended = True
