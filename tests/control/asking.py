"""A handler that answers from a script, and a server of its own thread for clients that wait."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from tidegate.control.home import Home
from tidegate.control.protocol import AnyRequest
from tidegate.control.replies import AnyReply, CheckLine, HealthReply
from tidegate.control.server import ControlServer, Handler, ServerSettings

FINE = HealthReply(ok=True, checks=(CheckLine(name="loop", ok=True, seen="it turns"),))
Answer = Callable[[AnyRequest, int], Awaitable[AnyReply]]


class Scripted:
    """Answers with what it was given, and remembers who asked what."""

    def __init__(self, answer: Answer | None = None) -> None:
        self.asked: list[tuple[AnyRequest, int]] = []
        self._answer = answer

    async def answer(self, request: AnyRequest, peer_uid: int) -> AnyReply:
        self.asked.append((request, peer_uid))
        return FINE if self._answer is None else await self._answer(request, peer_uid)


def private(folder: Path) -> Home:
    """A home that nobody else may enter."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return Home(folder)


@contextmanager
def serving(home: Home, handler: Handler, settings: ServerSettings | None = None) -> Iterator[None]:
    """A server in a loop of its own thread, for as long as the block lasts."""
    loop, ready = asyncio.new_event_loop(), Event()
    server = ControlServer(home, handler, settings)

    def work() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(server.start())
        ready.set()
        loop.run_forever()
        loop.run_until_complete(server.close())
        loop.close()

    thread = Thread(target=work)
    thread.start()
    assert ready.wait(20)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
