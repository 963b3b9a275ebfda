"""The trader's end of the socket: frames in, answers out. It knows who asks, and nothing of what is asked.

Everything is bounded: clients, bytes, and how long anybody may keep anybody waiting.
"""

import asyncio
import struct
from contextlib import suppress
from typing import Final, Protocol, final

import msgspec

from tidegate.control.errors import BadFrameError
from tidegate.control.frames import HEADER, REPLY_BYTES_MAX, REQUEST_BYTES_MAX, frame, length_of
from tidegate.control.home import Home
from tidegate.control.listening import Listening, listen_at
from tidegate.control.peers import may_ask, peer_uid
from tidegate.control.protocol import AnyRequest, decode_request, encode
from tidegate.control.replies import AnyReply, Refused
from tidegate.values.errors import ExitCode, TidegateError


class Handler(Protocol):
    """Whoever answers."""

    async def answer(self, request: AnyRequest, peer_uid: int) -> AnyReply:
        """Return the answer to a request of a user.

        Raises:
            TidegateError: no, in one sentence; it is told as `Refused`.
        """


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How many may ask at once, and how long each step may take."""

    clients_max: int = 32
    idle_s: float = 300.0  # between two requests of one client
    frame_s: float = 10.0  # from a frame's first byte to its last
    answer_s: float = 10.0


@final
class ControlServer:
    """Listens in a home from `start` to `close`."""

    def __init__(self, home: Home, handler: Handler, settings: ServerSettings | None = None) -> None:
        self._home: Final = home
        self._handler: Final = handler
        self._settings: Final = settings or ServerSettings()
        self._listening: Listening | None = None
        self._server: asyncio.Server | None = None
        self._clients: Final[set[asyncio.Task[None]]] = set()

    @property
    def clients(self) -> int:
        """How many are connected."""
        return len(self._clients)

    async def start(self, *, takes_over: bool = False) -> None:
        """Begin to listen; `takes_over` as in `listening.listen_at`.

        Raises:
            HomeUnusableError, SocketTakenError, SocketUnusableError: see `listening.listen_at`.
        """
        self._listening = listen_at(self._home, takes_over=takes_over)
        self._server = await asyncio.start_unix_server(self._serve, sock=self._listening.sock)

    async def close(self) -> None:
        """Stop listening, let go of every client, remove the socket. Can be called twice."""
        if self._listening is None or self._server is None:
            return
        self._server.close()
        clients = [*self._clients]
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        self._listening.close()
        self._listening = self._server = None

    # One client.

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "streams run their callback as a task"
        self._clients.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):  # it went away, or kept us waiting
                await self._talk(reader, writer)
        finally:
            self._clients.discard(task)
            writer.transport.abort() if writer.transport.get_write_buffer_size() else writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        uid = _uid_of(writer)
        refusal = self._refusal(uid)
        if refusal is not None or uid is None:
            with suppress(BadFrameError):
                await self._read(reader, first_s=self._settings.frame_s)  # closed over unread bytes, the answer would be lost
            await self._write(writer, refusal or _UNSEEN)
            return
        while True:
            try:
                body = await self._read(reader, first_s=self._settings.idle_s)
            except BadFrameError as error:
                await self._write(writer, _refused(error))  # nothing after it can be told apart
                return
            await self._write(writer, await self._answer(body, uid))

    def _refusal(self, uid: int | None) -> Refused | None:
        if uid is None:
            return _UNSEEN
        if not may_ask(uid):
            return Refused(sentence=f"User {uid} may not talk to this trader; be its own user, or root.", exit_code=ExitCode.REFUSED)
        if len(self._clients) > self._settings.clients_max:
            sentence = f"{self._settings.clients_max} clients talk to this trader already; close one, and ask again."
            return Refused(sentence=sentence, exit_code=ExitCode.ENVIRONMENT)
        return None

    async def _read(self, reader: asyncio.StreamReader, *, first_s: float) -> bytes:
        async with asyncio.timeout(first_s):
            first = await reader.readexactly(1)
        async with asyncio.timeout(self._settings.frame_s):
            header = first + await reader.readexactly(HEADER.size - 1)
            return await reader.readexactly(length_of(header, REQUEST_BYTES_MAX))

    async def _answer(self, body: bytes, uid: int) -> AnyReply:
        try:
            request = decode_request(body)
            async with asyncio.timeout(self._settings.answer_s):
                return await self._handler.answer(request, uid)
        except TimeoutError:
            sentence = f"The trader had no answer within {self._settings.answer_s:g} s; ask for its status."
            return Refused(sentence=sentence, exit_code=ExitCode.ENVIRONMENT)
        except TidegateError as error:
            return _refused(error)

    async def _write(self, writer: asyncio.StreamWriter, reply: AnyReply) -> None:
        try:
            data = frame(encode(reply), REPLY_BYTES_MAX)
        except BadFrameError as error:
            data = frame(encode(_refused(error)), REPLY_BYTES_MAX)
        async with asyncio.timeout(self._settings.frame_s):
            writer.write(data)
            await writer.drain()


_UNSEEN: Final = Refused(
    sentence="The system does not say which user asks, so nothing is answered; see what confines the trader.", exit_code=ExitCode.REFUSED
)


def _refused(error: TidegateError) -> Refused:
    return Refused(sentence=str(error), exit_code=error.exit_code)


def _uid_of(writer: asyncio.StreamWriter) -> int | None:
    try:
        return peer_uid(writer.get_extra_info("socket"))
    except (OSError, struct.error):
        return None
