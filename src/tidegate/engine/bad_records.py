"""Why the senses refuse a market record, in words."""

from tidegate.engine import layout
from tidegate.values.errors import TidegateError
from tidegate.values.time import iso_utc


class BadRecordError(TidegateError):
    """A market record breaks the contract of a tape; nothing after it was taken in."""


def bad_record(why: int, index: int, now_ns: int) -> BadRecordError:
    """Return the error for the kernel's reason of refusing the record of an index."""
    if why == layout.BAD_ORDER:
        return BadRecordError(
            f"Market record {index} was received before the one in front of it (now {iso_utc(now_ns)}); sort the tape by receive time."
        )
    if why == layout.BAD_KIND:
        return BadRecordError(f"Market record {index} is of a kind this version does not know; upgrade tidegate or import the tape again.")
    return BadRecordError(f"Market record {index} names an instrument that this session does not have.")
