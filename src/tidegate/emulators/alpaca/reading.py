"""The incoming side of a stream connection: messages one by one, until it ends or a fault makes it deaf."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from aiohttp import WSMsgType, web

from tidegate.emulators.alpaca.outbox import Outbox

_LOOK_SECONDS: Final = 0.2  # how often a deaf connection is looked at, to notice that its client has left
_DATA: Final = frozenset({WSMsgType.TEXT, WSMsgType.BINARY})


async def converse(socket: web.WebSocketResponse, outbox: Outbox, hear: Callable[[WSMsgType, bytes], None]) -> None:
    """Pass on what a client says; pings are answered on the way. A frozen connection neither reads nor answers until its client leaves."""
    reader = asyncio.create_task(_read(socket, hear))
    frozen = asyncio.create_task(outbox.frozen.wait())
    try:
        await asyncio.wait({reader, frozen}, return_when=asyncio.FIRST_COMPLETED)
        if outbox.frozen.is_set():
            reader.cancel()
            while not outbox.is_gone:  # noqa: ASYNC110 - nobody tells of a client that left a deaf connection
                await asyncio.sleep(_LOOK_SECONDS)
    finally:
        for task in (reader, frozen):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _read(socket: web.WebSocketResponse, hear: Callable[[WSMsgType, bytes], None]) -> None:
    async for message in socket:
        if message.type in _DATA:
            hear(message.type, message.data.encode() if isinstance(message.data, str) else message.data)
