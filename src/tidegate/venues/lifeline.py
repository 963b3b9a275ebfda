"""The life of one stream as a table: connect, authenticate, subscribe, resync, and only then be trusted.

Pure: time is an argument, nothing is sent here. `stream` does what entering a state asks for.

- Each stage before trust has a time limit; silence there is a loss.
- A socket that answers no ping and sends nothing is dead however open it looks (half-open). A socket that answers pings
  but brings no data where data is due is silent: alive is not complete, so both are watched apart.
- After a loss the pause doubles from 1 s to 60 s, with jitter, and starts over only after the stream was trusted for a
  while: connections that die young do not reset it.
- The venue allows one connection per key. The one that is told so waits a little, because the venue counts a dead
  connection for some time, and then stops for good: somebody else owns the stream, perhaps a second trader. That time
  starts over where the venue could not be reached at all in between.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, TypeAlias, final

import msgspec

from tidegate.values.time import MINUTE_NS, SECOND_NS

Jitter: TypeAlias = Callable[[], float]  # in [0, 1)


class Stage(StrEnum):
    """Where a stream stands."""

    CONNECTING = "connecting"
    AUTHENTICATING = "authenticating"
    SUBSCRIBING = "subscribing"
    RESYNCING = "resyncing"
    LIVE = "live"  # trusted
    PAUSING = "pausing"  # will connect again
    STOPPED = "stopped"  # will not


class Signal(StrEnum):
    """What happened to a stream."""

    OPENED = "opened"
    AUTHORIZED = "authorized"
    SUBSCRIBED = "subscribed"
    RESYNCED = "resynced"
    LOST = "lost"  # closed, refused, dead, silent, too late, or not understood
    OWNED = "owned"  # another connection holds the stream
    FATAL = "fatal"  # wrong key, missing permission: trying again gives the same no
    REJECTED = "rejected"  # a subscription was refused; what was subscribed stays
    DUE = "due"  # the pause is over
    CLOSED = "closed"  # we were asked to end it


Row = Mapping[Signal, Stage]

_ENDS: Final[Row] = {Signal.LOST: Stage.PAUSING, Signal.OWNED: Stage.PAUSING, Signal.FATAL: Stage.STOPPED, Signal.CLOSED: Stage.STOPPED}

# What stands in no row changes nothing: a late word of a connection that is gone, or a word twice.
TABLE: Final[Mapping[Stage, Row]] = {
    Stage.CONNECTING: {**_ENDS, Signal.OPENED: Stage.AUTHENTICATING},
    Stage.AUTHENTICATING: {**_ENDS, Signal.AUTHORIZED: Stage.SUBSCRIBING},
    Stage.SUBSCRIBING: {**_ENDS, Signal.SUBSCRIBED: Stage.RESYNCING, Signal.REJECTED: Stage.STOPPED},
    Stage.RESYNCING: {**_ENDS, Signal.RESYNCED: Stage.LIVE},
    Stage.LIVE: _ENDS,
    Stage.PAUSING: {Signal.DUE: Stage.CONNECTING, Signal.FATAL: Stage.STOPPED, Signal.CLOSED: Stage.STOPPED},
    Stage.STOPPED: {},
}

_STAGED: Final = frozenset({Stage.CONNECTING, Stage.AUTHENTICATING, Stage.SUBSCRIBING, Stage.RESYNCING})
_OPEN: Final = frozenset({Stage.AUTHENTICATING, Stage.SUBSCRIBING, Stage.RESYNCING, Stage.LIVE})


class Timing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a stream waits for what."""

    pause_ns_min: int = SECOND_NS
    pause_ns_max: int = MINUTE_NS
    stage_ns_max: int = 10 * SECOND_NS  # for each stage before trust
    resync_ns_max: int = MINUTE_NS
    ping_ns: int = 10 * SECOND_NS
    dead_ns: int = 30 * SECOND_NS  # nothing heard, not even a pong
    quiet_ns: int = 0  # no data while data is due; 0: not watched
    stable_ns: int = 30 * SECOND_NS  # trusted for so long, the pauses start over
    owned_ns_max: int = 90 * SECOND_NS  # how long to try where another connection holds the stream


@final
class Lifeline:
    """One stream's place in the table, with its times. Every method takes monotonic ns."""

    def __init__(self, timing: Timing, jitter: Jitter, now_ns: int) -> None:
        self.timing = timing
        self.stage = Stage.CONNECTING
        self.attempt = 1
        self.reason = ""  # why it is not trusted
        self._jitter = jitter
        self._since_ns = now_ns
        self._pause_ns = 0
        self._losses = 0
        self._owned_since_ns: int | None = None
        self._heard_ns = now_ns
        self._data_ns = now_ns
        self._pinged_ns = now_ns

    def signal(self, signal: Signal, now_ns: int, reason: str = "") -> bool:
        """Move by the table; tell whether the stage changed."""
        before = self.stage
        after = self._after(signal, now_ns)
        if after is None or after is before:
            return False
        if reason and after in {Stage.PAUSING, Stage.STOPPED}:
            self.reason = reason
        if after is Stage.PAUSING:
            self._pause_ns = self._next_pause(before, now_ns)
        elif after is Stage.CONNECTING:
            self.attempt += 1
        elif after is Stage.LIVE:
            self._owned_since_ns = None
            self.reason = ""
            self._data_ns = now_ns
        self.stage = after
        self._since_ns = self._heard_ns = self._pinged_ns = now_ns
        return True

    def heard(self, now_ns: int, *, data: bool) -> None:
        """Take in that something arrived: a pong or a control message, or data."""
        self._heard_ns = now_ns
        if data:
            self._data_ns = now_ns

    def overdue(self, now_ns: int, *, data_due: bool) -> tuple[Signal, str] | None:
        """Return what time alone has brought about, with the reason.

        Args:
            now_ns: monotonic.
            data_due: whether the market is such that silence means trouble.
        """
        waited_ns = now_ns - self._since_ns
        if self.stage is Stage.PAUSING:
            return (Signal.DUE, "") if waited_ns >= self._pause_ns else None
        limit_ns = self.timing.resync_ns_max if self.stage is Stage.RESYNCING else self.timing.stage_ns_max
        if self.stage in _STAGED and waited_ns >= limit_ns:
            return Signal.LOST, f"{self.stage.value} took longer than {limit_ns // SECOND_NS} s"
        if self.stage in _OPEN and now_ns - self._heard_ns >= self.timing.dead_ns:
            return Signal.LOST, f"nothing was heard for {self.timing.dead_ns // SECOND_NS} s, not even an answer to a ping"
        if not data_due:
            self._data_ns = now_ns
        elif self.stage is Stage.LIVE and 0 < self.timing.quiet_ns <= now_ns - self._data_ns:
            return Signal.LOST, f"it is alive but brought no data for {self.timing.quiet_ns // SECOND_NS} s"
        return None

    def ping_due(self, now_ns: int) -> bool:
        """Tell whether a ping is to be sent now; asking counts as sending."""
        if self.stage not in _OPEN or now_ns - self._pinged_ns < self.timing.ping_ns:
            return False
        self._pinged_ns = now_ns
        return True

    def silent_ns(self, now_ns: int) -> int:
        """Return for how long nothing has been heard."""
        return now_ns - self._heard_ns

    @property
    def pause_ns(self) -> int:
        """Return how long the current or last pause is."""
        return self._pause_ns

    def _after(self, signal: Signal, now_ns: int) -> Stage | None:
        after = TABLE[self.stage].get(signal)
        if signal is Signal.LOST and self.stage is Stage.CONNECTING:
            self._owned_since_ns = None  # nothing was reached: what holds the stream next may be our own last connection
        if signal is Signal.OWNED and after is not None:
            if self._owned_since_ns is None:
                self._owned_since_ns = now_ns
            if now_ns - self._owned_since_ns >= self.timing.owned_ns_max:
                return Stage.STOPPED
        return after

    def _next_pause(self, before: Stage, now_ns: int) -> int:
        if before is Stage.LIVE and now_ns - self._since_ns >= self.timing.stable_ns:
            self._losses = 0
        longest_ns = min(self.timing.pause_ns_min << min(self._losses, 30), self.timing.pause_ns_max)
        self._losses += 1
        drawn_ns = longest_ns * 3 // 4 + int(longest_ns // 4 * self._jitter())
        return max(drawn_ns, self.timing.pause_ns_min)
