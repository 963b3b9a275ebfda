"""A `stream.Socket` over aiohttp: answers pings, tells of pongs, and never hangs on closing."""

from collections.abc import Mapping
from typing import Final, final

import aiohttp

from tidegate.venues.errors import Unreachable
from tidegate.venues.stream import Frame, Pong, SocketClosed

FRAME_BYTES_MAX: Final = 1 << 26
_CONNECT_S: Final = 10
_CLOSE_S: Final = 1


@final
class WebSocket:
    """One connection with a session of its own."""

    def __init__(self, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._session = session
        self._socket = socket

    async def send(self, frame: Frame) -> None:
        """See `stream.Socket`."""
        try:
            if isinstance(frame, str):
                await self._socket.send_str(frame)
            else:
                await self._socket.send_bytes(frame)
        except (aiohttp.ClientError, OSError) as error:
            raise SocketClosed(f"the connection broke while sending ({type(error).__name__})") from None

    async def receive(self) -> Frame | Pong:
        """See `stream.Socket`."""
        while True:
            message = await self._socket.receive()
            match message.type:
                case aiohttp.WSMsgType.TEXT | aiohttp.WSMsgType.BINARY:
                    data: Frame = message.data
                    return data
                case aiohttp.WSMsgType.PONG:
                    return Pong()
                case aiohttp.WSMsgType.PING:
                    await self._answer(message.data)
                case _:
                    raise SocketClosed(f"the connection was closed (code {self._socket.close_code})")

    async def ping(self) -> None:
        """See `stream.Socket`."""
        try:
            await self._socket.ping()
        except (aiohttp.ClientError, OSError) as error:
            raise SocketClosed(f"the connection broke at a ping ({type(error).__name__})") from None

    async def close(self) -> None:
        """See `stream.Socket`; the other side gets a second to say goodbye."""
        try:
            await self._socket.close()
        except (aiohttp.ClientError, OSError):
            pass
        finally:
            await self._session.close()

    async def _answer(self, data: bytes) -> None:
        try:
            await self._socket.pong(data)
        except (aiohttp.ClientError, OSError) as error:
            raise SocketClosed(f"the connection broke at a pong ({type(error).__name__})") from None


async def open_websocket(url: str, *, headers: Mapping[str, str] | None = None) -> WebSocket:
    """Return an open connection.

    Raises:
        Unreachable: no connection, or no WebSocket at its end.
    """
    session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S))
    socket: aiohttp.ClientWebSocketResponse | None = None
    try:
        socket = await session.ws_connect(
            url,
            headers=headers,
            autoping=False,
            max_msg_size=FRAME_BYTES_MAX,
            timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_S),
        )
    except aiohttp.WSServerHandshakeError as error:
        raise Unreachable(f"The stream {url} was refused with HTTP {error.status}.") from None
    except (aiohttp.ClientError, OSError) as error:
        raise Unreachable(f"The stream {url} could not be reached ({type(error).__name__}).") from None
    finally:
        if socket is None:  # a cancellation included
            await session.close()
    return WebSocket(session, socket)
