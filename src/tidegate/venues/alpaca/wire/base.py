"""What all wire files share: the loose types of fields, and reading bytes into them."""

from typing import TypeAlias, TypeVar

import msgspec

from tidegate.venues.errors import UnreadableAnswerError

Text: TypeAlias = str | None
Number: TypeAlias = str | int | float | None  # trading answers write decimals as text, market data as numbers
Flag: TypeAlias = bool | None

T = TypeVar("T")

_SHOWN = 200


def read_json(data: bytes | str, kind: type[T]) -> T:
    """Return an answer as typed values.

    Raises:
        UnreadableAnswerError: truncated, not JSON, or of another shape.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        shown = data[:_SHOWN]
        raise UnreadableAnswerError(f"Alpaca's answer {shown!r} cannot be read ({error}).") from error
