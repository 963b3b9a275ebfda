"""Bounds of a live log: its queue, its segments, and how much of the past is kept."""

from typing import Final

import msgspec

from tidegate.values.time import MINUTE_NS

DAY_NS: Final = 24 * 60 * MINUTE_NS
UNLIMITED: Final = 1 << 62


class LiveSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a live log is written and what is kept of it."""

    queue_bytes_max: int = 64 << 20  # what may wait for the disk; at half of it entries stop
    sync_every_ns: int = 50_000_000  # a commit when nobody waits for one
    block_bytes_max: int = 256 << 10
    segment_bytes_max: int = 256 << 20
    segment_age_ns_max: int = 60 * MINUTE_NS
    keep_bytes: int = UNLIMITED  # old segments beyond these are dropped once the session does not need them
    keep_ns: int = 30 * DAY_NS
    snapshots_kept: int = 3


LIVE: Final = LiveSettings()
