"""What every answer of a trader, and every part of one, has in common."""

import msgspec

from tidegate.control.hiding import Hiding


class Reply(Hiding, frozen=True, kw_only=True, tag_field="reply"):
    """Root of replies."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Root of what replies are made of."""
