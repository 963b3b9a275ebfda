"""Messages to bytes and back: msgpack, strict about unknown fields and tags, the same bytes for the same message."""

import msgspec

from tidegate.events.acts import AnyAct
from tidegate.events.inputs import AnyInput
from tidegate.events.session import SessionOpened
from tidegate.values.errors import ExitCode, TidegateError

AnyMessage = AnyInput | AnyAct


class UnreadableMessageError(TidegateError):
    """Bytes are not a message of this version: damaged, or written by a newer one."""

    exit_code = ExitCode.ENVIRONMENT


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[AnyMessage] = msgspec.msgpack.Decoder(AnyMessage)
_opening_decoder = msgspec.msgpack.Decoder(SessionOpened)


def encode(message: AnyMessage) -> bytes:
    """Return the message's bytes; equal messages give equal bytes on every run."""
    return _encoder.encode(message)


def decode(data: bytes | memoryview) -> AnyMessage:
    """Return the message.

    Raises:
        UnreadableMessageError: unknown tag or field, wrong type, or not msgpack.
    """
    try:
        return _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:  # a tag may be no text at all
        raise UnreadableMessageError(f"A log entry cannot be read ({error}); it is damaged or of a newer version.") from error


def encode_opening(opening: SessionOpened) -> bytes:
    """Return the bytes of a session's first entry; equal openings give equal bytes on every run."""
    return _encoder.encode(opening)


def decode_opening(data: bytes | memoryview) -> SessionOpened:
    """Return a session's first entry.

    Raises:
        UnreadableMessageError: another tag, an unknown field, wrong type, or not msgpack.
    """
    try:
        return _opening_decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:  # a tag may be no text at all
        raise UnreadableMessageError(f"A session's opening cannot be read ({error}); it is damaged or newer.") from error
