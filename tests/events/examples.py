"""One example of every message, built from its fields, each set to something else than its default.

The bytes of each example are frozen in `frozen/<tag>.txt`, one hexadecimal line for each layout it ever had;
the last line is today's. `python -m tests.events.examples` adds a line where a message got a new, defaulted
field; `python -m tests.events.examples --anew` forgets the old lines and is for the time before the layout is
frozen only. From then on a line that no longer reads means that old logs no longer open: the failing test is
right, the code is not.
"""

import sys
import types
from enum import Enum
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import msgspec

from tidegate.events.codec import AnyMessage
from tidegate.events.market import MarketEvent
from tidegate.events.session import SessionOpened

FROZEN = Path(__file__).parent / "frozen"
MESSAGES: tuple[type[msgspec.Struct], ...] = (*get_args(AnyMessage), MarketEvent, SessionOpened)


def tag_of(message: type[msgspec.Struct]) -> str:
    """Return the word that tells this message from all others."""
    tag = message.__struct_config__.tag
    assert isinstance(tag, str)
    return tag


def example_of(message: type[msgspec.Struct]) -> Any:
    """Return an instance in which no field has its default."""
    values = {}
    for place, field in enumerate(msgspec.structs.fields(message), start=1):
        value = _value(field.type, field.name, place)
        values[field.name] = (not field.default) if isinstance(field.default, bool) else value
    return message(**values)


def session_opened(*, session_id: str = "bcdefgh") -> SessionOpened:
    """Return an opening of this log format."""
    opening: SessionOpened = example_of(SessionOpened)
    return msgspec.structs.replace(opening, session_id=session_id, format_version=1)


def frozen_lines(message: type[msgspec.Struct]) -> list[bytes]:
    """Return the bytes of each layout the message ever had, oldest first; none if it was never frozen."""
    path = FROZEN / f"{tag_of(message)}.txt"
    return [bytes.fromhex(line) for line in path.read_text().split()] if path.exists() else []


def freeze(*, anew: bool) -> None:
    """Write today's bytes of every example."""
    FROZEN.mkdir(exist_ok=True)
    for message in MESSAGES:
        today = msgspec.msgpack.encode(example_of(message))
        lines = [] if anew else frozen_lines(message)
        if today not in lines:
            lines.append(today)
        path = FROZEN / f"{tag_of(message)}.txt"
        path.write_text("".join(f"{line.hex()}\n" for line in lines))


def _value(kind: Any, name: str, place: int) -> Any:
    """Return a value of a field's type that shows where it came from."""
    if get_origin(kind) in {Union, types.UnionType}:
        return _value(next(part for part in get_args(kind) if part is not types.NoneType), name, place)
    if get_origin(kind) is tuple:
        parts = [part for part in get_args(kind) if part is not Ellipsis]
        return tuple(_value(part, name, place + at) for at, part in enumerate(parts))
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return example_of(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return list(kind)[-1]
    simple = {int: 10**9 + place, float: place + 0.5, str: name, bytes: name.encode(), bool: True}
    return simple[kind]


if __name__ == "__main__":
    freeze(anew="--anew" in sys.argv[1:])
