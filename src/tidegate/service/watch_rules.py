"""When the watchdog closes an account, and in which order: a machine without clock, pipe or venue.

An account is closed where the trader hangs, where a kill is in force, and where the trader died so often that it is given up.
Closing is: suspend, then cancel everything, each again until taken, with pauses that grow to a bound. A cancel counts once the
account was suspended before it, for only then can nothing come in behind it. A process that hung is killed afterwards; if the
venue cannot be reached, after a while all the same, and the closing goes on.
"""

from enum import StrEnum
from typing import Final, NamedTuple, final

from tidegate.values.time import MILLISECOND_NS, SECOND_NS

SILENCE_NS: Final = 4 * SECOND_NS  # a loop that does not beat for so long hangs: the account is closed within 5 s of the last beat
ENDING_SILENCE_NS: Final = 20 * SECOND_NS  # one that ends in order seals its log after its loop is over
FIRST_BEAT_NS: Final = 120 * SECOND_NS  # imports, compiling and a long log come before the first beat
STALL_NS: Final = SECOND_NS  # a watchdog that did not run for so long has not seen whether anybody was silent
KILL_PATIENCE_NS: Final = 30 * SECOND_NS
PAUSE_FIRST_NS: Final = 250 * MILLISECOND_NS
PAUSE_MAX_NS: Final = 10 * SECOND_NS


class Cause(StrEnum):
    """Why an account is closed."""

    SILENCE = "silence"
    SENTINEL = "sentinel"
    GIVEN_UP = "given_up"


class Deed(StrEnum):
    """What the watchdog can do, and all it can do."""

    SUSPEND = "suspend"
    CANCEL = "cancel"
    KILL = "kill"


class Sight(NamedTuple):
    """What the watchdog sees at one moment. Times are monotonic ns."""

    started_ns: int | None  # when the process that lives now was started; None: none lives
    beat_ns: int | None  # when its newest beat was made; None: it never beat
    sentinel: str | None  # what the sentinel file says if it closes the account; None: it does not
    is_ending: bool = False  # its newest beat says that it ends in order


class Closing(NamedTuple):
    """A closing under way."""

    cause: Cause
    since_ns: int
    is_suspended: bool = False


@final
class Watch:
    """What one watchdog knows. Call `step` often; carry its deeds out one at a time and tell `taken` or `failed`."""

    def __init__(self, now_ns: int) -> None:
        self.closing: Closing | None = None
        self.closed: Cause | None = None  # why the account was closed last; it stays so until a person opens it
        self.attempt = 0  # of the present closing
        self._stepped_ns = now_ns
        self._counted_from_ns = now_ns  # silence before this was not seen
        self._due_ns = now_ns
        self._pause_ns = PAUSE_FIRST_NS
        self._under_way: Deed | None = None
        self._heeded: str | None = None  # the sentinel that was acted on
        self._condemned: int | None = None  # the process that hung, by its start
        self._kill_owed = False

    def silence_ns(self, now_ns: int, sight: Sight) -> int:
        """Return for how long the living process has been silent, as far as was seen; 0 if none lives."""
        if sight.started_ns is None:
            return 0
        return now_ns - max(sight.started_ns if sight.beat_ns is None else sight.beat_ns, self._counted_from_ns)

    def step(self, now_ns: int, sight: Sight) -> Deed | None:
        """Return what to do now; a deed that reaches out is told once until its outcome is told back."""
        if now_ns - self._stepped_ns >= STALL_NS:
            self._counted_from_ns = now_ns
        self._stepped_ns = now_ns
        self._look(now_ns, sight)
        if self._may_kill(now_ns, sight):
            self._kill_owed = False
            return Deed.KILL
        if self.closing is None or self._under_way is not None or now_ns < self._due_ns:
            return None
        self._under_way = Deed.CANCEL if self.closing.is_suspended else Deed.SUSPEND
        return self._under_way

    def give_up(self, now_ns: int) -> None:
        """Begin to close, since nobody starts the trader again: what it has at the venue would be nobody's."""
        self._close(Cause.GIVEN_UP, now_ns)

    def taken(self) -> None:
        """Take in that the venue confirmed the deed under way."""
        assert self.closing is not None, "nothing is under way"
        deed, self._under_way = self._under_way, None
        if deed is Deed.SUSPEND:
            self.closing = self.closing._replace(is_suspended=True)
        else:
            self.closed, self.closing = self.closing.cause, None

    def failed(self, now_ns: int) -> Deed | None:
        """Take in that the deed under way was not taken; a failed suspend is followed by a cancel at once, which does not count."""
        assert self.closing is not None, "nothing is under way"
        deed, self._under_way = self._under_way, None
        self.attempt += 1
        self._due_ns = now_ns + self._pause_ns
        self._pause_ns = min(2 * self._pause_ns, PAUSE_MAX_NS)
        return Deed.CANCEL if deed is Deed.SUSPEND else None

    def _look(self, now_ns: int, sight: Sight) -> None:
        if self.silence_ns(now_ns, sight) >= _limit_ns(sight) and sight.started_ns != self._condemned:
            self._condemned, self._kill_owed = sight.started_ns, True
            self._close(Cause.SILENCE, now_ns)
        if sight.sentinel is not None and sight.sentinel != self._heeded:
            self._close(Cause.SENTINEL, now_ns)
        self._heeded = sight.sentinel

    def _close(self, cause: Cause, now_ns: int) -> None:
        """Begin to close; whatever was done before counts no more, except a suspend of the same closing."""
        if self.closing is None:
            self.closing, self.attempt = Closing(cause, now_ns), 0
        self._due_ns, self._pause_ns = now_ns, PAUSE_FIRST_NS

    def _may_kill(self, now_ns: int, sight: Sight) -> bool:
        if not self._kill_owed:
            return False
        if sight.started_ns != self._condemned:  # it is gone by itself
            self._kill_owed = False
            return False
        return self.closing is None or now_ns - self.closing.since_ns >= KILL_PATIENCE_NS


def _limit_ns(sight: Sight) -> int:
    """Return how long the process may be silent."""
    if sight.beat_ns is None:
        return FIRST_BEAT_NS
    return ENDING_SILENCE_NS if sight.is_ending else SILENCE_NS
