"""What a trader knows of itself besides its desk: mode, home, uptime, when its loop last turned, how each stream stands since when."""

import os
from collections.abc import Callable
from typing import Final, NamedTuple, final

from tidegate.clock.clock import Clock
from tidegate.control.home import Home
from tidegate.service.desk import Desk
from tidegate.service.doubts import Doubts
from tidegate.service.status_page import StatusMonitor
from tidegate.service.version_desk import VersionDesk


class StreamState(NamedTuple):
    """One stream; since_ns in receive time, 0: since the start."""

    name: str
    trusted: bool
    since_ns: int
    reason: str


@final
class Surroundings:
    """Filled by the trader's loop, read by whoever answers questions. Streams are named venue/stream, as the engine names them."""

    def __init__(self, mode: str, home: Home, streams: tuple[str, ...], clock: Clock) -> None:
        self.mode: Final = mode
        self.home: Final = home
        self._clock: Final = clock
        self._began_ns: Final = clock.monotonic_ns()
        self._turned_ns = self._began_ns
        self._streams = {name: StreamState(name, trusted=True, since_ns=0, reason="") for name in streams}
        self._down: dict[str, str] = {}
        self.doubts: Doubts | None = None  # None: no stream has begun
        self.venue_status: StatusMonitor | None = None  # None: nobody has begun to watch it
        self.versions: VersionDesk | None = None  # of the configuration; None: none are kept here
        self.kill_seen: Callable[[str], bool] | None = None  # whether the loop has met a kill of the file; None: nobody watches that
        self.cancels_ns: Callable[[int], int] = lambda _count: 0  # how long so many cancels take by the venue's limit

    def turned(self, desk: Desk) -> None:
        """Take note that the loop turns and which streams changed: after each turn of the desk, and once a second where nothing happens."""
        self._turned_ns = self._clock.monotonic_ns()
        down = desk.engine.books.streams_down()
        if down == self._down:
            return
        now_ns = desk.sequencer.now_ns()
        for name in sorted({*down, *self._down}):
            if (name in down) != (name in self._down) or name not in self._streams:
                self._streams[name] = StreamState(name, name not in down, now_ns, down.get(name, ""))
            else:
                self._streams[name] = self._streams[name]._replace(reason=down.get(name, ""))
        self._down = down

    def streams(self) -> list[StreamState]:
        """Return every stream, by name."""
        return [self._streams[name] for name in sorted(self._streams)]

    def uptime_ns(self) -> int:
        """Return for how long this process trades."""
        return self._clock.monotonic_ns() - self._began_ns

    def disk_free_percent(self) -> float | None:
        """Return how much of the log's disk is free for this user; None: it cannot be seen. May hang with the disk: ask in a thread."""
        try:
            disk = os.statvfs(self.home.root)
        except OSError:
            return None
        return 100.0 * disk.f_bavail / disk.f_blocks if disk.f_blocks else None

    def still_ns(self) -> int:
        """Return how long ago the loop last turned."""
        return self._clock.monotonic_ns() - self._turned_ns
