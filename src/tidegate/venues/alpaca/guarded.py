"""An order's bytes, which ask whether they may leave in the very step in which they do.

Between an order's turn and its bytes a connection may have to be made: name, TCP, TLS, up to `Timeouts.connect_ns`. A kill in
that time is to hold the order back, so the question belongs where the bytes are written. aiohttp keeps the headers of a request
back until the first write of its body, and hands both over in one: as long as the body has written nothing, nothing of the
request has left. The tests hold it to that on a real socket.

What is handed over counts as sent. The transport writes it at once, or (uvloop) at the end of this round of the loop.
"""

from collections.abc import Callable
from typing import final

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_writer import StreamWriter
from aiohttp.payload import BytesPayload

from tidegate.venues.errors import Unreachable


@final
class GuardedBody(BytesPayload):
    """The body of one order, sent once or not at all.

    Attributes:
        refusal: why it was held back; empty: it was not. It is final, whatever a later look would say.
    """

    def __init__(self, content: bytes, look: Callable[[], str]) -> None:
        """Args: look: why the bytes may not leave any more; empty: they may."""
        super().__init__(content, content_type="application/json")
        self.refusal = ""
        self._look = look
        self._begun = False
        self._withheld = False

    def ask(self) -> str:
        """Take a look; return the refusal."""
        self.refusal = self.refusal or self._look()
        return self.refusal

    def withhold(self) -> bool:
        """Let no byte leave from now on; tell whether that came in time: none of the request has left, and none will."""
        self._withheld = True
        return not self._begun

    async def write(self, writer: AbstractStreamWriter) -> None:
        """See `write_with_length`."""
        await self.write_with_length(writer, None)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Write headers and body, unless they may not leave. Nothing in here waits before they are handed over.

        Raises:
            Unreachable: they may not, and did not; aiohttp makes an error of its own of it, and closes the connection.
        """
        if self._withheld or self._begun:
            raise Unreachable("The order was given up, or was written before.")
        if not _stands(writer):
            raise aiohttp.ClientConnectionResetError("The connection was lost before the order was written.")
        if self.ask():
            raise Unreachable(f"The order was held back: {self.refusal}.")
        self._begun = True
        await super().write_with_length(writer, content_length)


def _stands(writer: AbstractStreamWriter) -> bool:
    """Tell whether a connection can take a request: it is open, and nothing came on it that nobody has asked for.

    The writer would refuse a lost one too; asked here, it is certain that nothing was handed over. What came unasked (a 408
    as the farewell of an idle connection) would be taken for the answer to the order.
    """
    protocol = writer.protocol if isinstance(writer, StreamWriter) else None
    return not isinstance(protocol, ResponseHandler) or (protocol.is_connected() and not protocol.should_close)
