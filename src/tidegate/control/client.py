"""The other end: one question, one answer, for commands that wait."""

import socket
import time
from pathlib import Path
from typing import Final, TypeVar, final

from tidegate.control.errors import BadFrameError, NoTraderError, SocketDeniedError, TraderRefusedError, TraderSilentError
from tidegate.control.frames import HEADER, REPLY_BYTES_MAX, REQUEST_BYTES_MAX, frame, length_of
from tidegate.control.protocol import AnyRequest, decode_reply, encode
from tidegate.control.replies import Refused
from tidegate.control.reply_roots import Reply

TIMEOUT_S: Final = 5.0
_PIECE: Final = 1 << 16

_R = TypeVar("_R", bound=Reply)


@final
class ControlClient:
    """Asks the trader of one home. Each question has its own connection."""

    def __init__(self, path: Path, *, timeout_s: float = TIMEOUT_S) -> None:
        self._path: Final = path
        self._timeout_s: Final = timeout_s

    def ask(self, request: AnyRequest, kind: type[_R]) -> _R:
        """Return the answer to a request, of the kind that belongs to it.

        Raises:
            NoTraderError: nobody listens.
            SocketDeniedError: this user may not.
            TraderSilentError: no whole answer came in time; whether the trader acted is not known.
            TraderRefusedError: it said no.
            BadFrameError: its answer is of another version.
        """
        deadline = time.monotonic() + self._timeout_s
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            try:
                self._connect(sock)
                self._send(sock, frame(encode(request), REQUEST_BYTES_MAX), deadline)
                body = self._receive(sock, length_of(self._receive(sock, HEADER.size, deadline), REPLY_BYTES_MAX), deadline)
            except TimeoutError as error:
                raise self._silent(f"gave no answer within {self._timeout_s:g} s") from error
            except OSError as error:
                raise self._silent(f"broke off ({error.strerror})") from error
        reply = decode_reply(body)
        if isinstance(reply, Refused):
            raise TraderRefusedError(reply.sentence, reply.exit_code)
        if not isinstance(reply, kind):
            raise BadFrameError("The trader answered something else than was asked; use the client of its own version.")
        return reply

    def _connect(self, sock: socket.socket) -> None:
        sock.settimeout(self._timeout_s)
        try:
            sock.connect(str(self._path))
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError) as error:
            raise NoTraderError(
                f"No trader listens at {self._path}; start one with `tidegate up`, or name the home of yours with --home."
            ) from error
        except PermissionError as error:
            raise SocketDeniedError(f"This user may not talk to the trader at {self._path}; be its own user, or root.") from error
        except BlockingIOError as error:  # Linux: the queue of those who wait to be let in is full
            raise self._silent("lets nobody in") from error

    def _send(self, sock: socket.socket, data: bytes, deadline: float) -> None:
        sock.settimeout(_left(deadline))
        sock.sendall(data)

    def _receive(self, sock: socket.socket, length: int, deadline: float) -> bytes:
        found = bytearray()
        while len(found) < length:
            sock.settimeout(_left(deadline))
            piece = sock.recv(min(length - len(found), _PIECE))
            if not piece:
                raise self._silent("closed the connection without a whole answer")
            found += piece
        return bytes(found)

    def _silent(self, what: str) -> TraderSilentError:
        return TraderSilentError(
            f"The trader at {self._path} {what}; it may hang, be starting or stopping: see its own log, and the venue for its orders."
        )


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
