"""The outgoing side of a stream connection: frames in order, and the faults that strike them."""

import asyncio
from contextlib import suppress
from typing import Final, NamedTuple

from aiohttp import web

from tidegate.emulators.alpaca.faults import Fault, FaultKind, Faults, StreamName

FRAMES_MAX: Final = 4_096


class Frame(NamedTuple):
    """What goes out at once. Only data frames count for faults; None as content closes the connection."""

    content: bytes | None
    is_data: bool


class Outbox:
    """Frames that wait to be sent; bounded: a client that does not read is dropped. `as_text`: as text frames, else binary."""

    def __init__(self, request: web.BaseRequest, *, as_text: bool) -> None:
        self.as_text = as_text
        self.sent = 0  # data frames
        self.is_silent = False
        self.frozen: Final = asyncio.Event()
        self._request: Final = request
        self._frames: Final[asyncio.Queue[Frame]] = asyncio.Queue(FRAMES_MAX)

    @property
    def is_gone(self) -> bool:
        """Whether the client has left."""
        transport = self._request.transport
        return transport is None or transport.is_closing()

    def queue(self, content: bytes | None, *, is_data: bool = False) -> None:
        """Queue a frame. A client that has not read thousands of them is cut off, as the venue does it."""
        try:
            self._frames.put_nowait(Frame(content, is_data))
        except asyncio.QueueFull:
            self.drop()

    def close(self) -> None:
        """Close the connection once what is queued has gone out."""
        self.queue(None)

    def drop(self) -> None:
        """Cut the connection without a word, as a network does."""
        if self._request.transport is not None:
            self._request.transport.abort()

    def strike(self, fault: Fault | None) -> None:
        """Let a fault act on the connection."""
        if fault is None:
            return
        if fault.kind is FaultKind.HALF_OPEN:
            self.frozen.set()
        elif fault.kind is FaultKind.SILENT_STREAM:
            self.is_silent = True
        else:
            self.drop()

    async def pump(self, socket: web.WebSocketResponse, faults: Faults, name: StreamName) -> None:
        """Send queued frames until the connection ends."""
        with suppress(ConnectionResetError):
            while True:
                frame = await self._frames.get()
                if frame.is_data and not self.is_silent and not self.frozen.is_set():
                    self.strike(faults.on_stream(name, self.sent))
                if self.frozen.is_set() or (frame.is_data and self.is_silent):
                    continue
                if frame.content is None:
                    await socket.close()
                    return
                self.sent += frame.is_data
                await (socket.send_str(frame.content.decode()) if self.as_text else socket.send_bytes(frame.content))
