"""Frames of the socket: four bytes of length, most significant first, then so many bytes of JSON. Every length has a bound."""

import struct
from typing import Final

from tidegate.control.errors import BadFrameError

HEADER: Final = struct.Struct(">I")
REQUEST_BYTES_MAX: Final = 64 * 1024
REPLY_BYTES_MAX: Final = 16 * 1024 * 1024


def frame(body: bytes, bytes_max: int) -> bytes:
    """Return the bytes that carry a body.

    Raises:
        BadFrameError: it is empty or longer than whoever reads it takes.
    """
    _check(len(body), bytes_max)
    return HEADER.pack(len(body)) + body


def length_of(header: bytes, bytes_max: int) -> int:
    """Return how many bytes follow a header.

    Raises:
        BadFrameError: it is no whole header, or announces nothing or too much.
    """
    if len(header) != HEADER.size:
        raise BadFrameError("A frame on the trader's socket is cut off; ask again.")
    length: int = HEADER.unpack(header)[0]
    _check(length, bytes_max)
    return length


def _check(length: int, bytes_max: int) -> None:
    if not 0 < length <= bytes_max:
        raise BadFrameError(
            f"A frame on the trader's socket says it has {length:,} bytes, and 1 to {bytes_max:,} are taken; "
            "use the client of this version of tidegate."
        )
