"""What waits to be told to one receiver: read ahead from the log, bounded; the log itself holds the rest."""

from collections import deque
from pathlib import Path
from typing import Final, NamedTuple, final

from tidegate.clock.clock import Clock
from tidegate.events.codec import UnreadableMessageError, decode, decode_opening
from tidegate.journal import EntryKind
from tidegate.journal.following import Follower, Place
from tidegate.journal.reader import Entry
from tidegate.service.webhooks.telling import Notice, Spot, Teller

WAITING_MAX: Final = 1_000
WAITING_BYTES_MAX: Final = 4 << 20
_BLOCKS_A_LOOK_MAX: Final = 64


class Waiting(NamedTuple):
    """A notice, the place to begin at once it is settled, and when it was read, monotonic."""

    notice: Notice
    behind: Place
    read_ns: int


@final
class Reading:
    """Reads for one receiver. `look` blocks on the disk: call it in a thread."""

    def __init__(self, log: Path, place: Place, teller: Teller, clock: Clock) -> None:
        self.waiting: Final[deque[Waiting]] = deque()
        self.troubles: Final[list[str]] = []  # what stood in the way, to be told and cleared
        self._follower: Final = Follower(log, place)
        self._teller: Final = teller
        self._clock: Final = clock
        self._session = ""
        self._bytes = 0
        self._unsynced = False  # kept over an error: nothing is told that the disk did not take

    @property
    def beginning(self) -> Place:
        """Return where the segment begins that it has come to: all before it is durable."""
        return self._follower.beginning

    def look(self) -> bool:
        """Read on as far as there is room, make durable what is to be told, and say whether anything more was there.

        Raises:
            OSError: the disk refuses.
            NotALogError: the note that says where the log begins is damaged.
        """
        more = True
        for _ in range(_BLOCKS_A_LOOK_MAX):
            if len(self.waiting) >= WAITING_MAX or self._bytes >= WAITING_BYTES_MAX:
                break
            before = self._follower.place
            step = self._follower.step()
            if step.trouble:
                self.troubles.append(step.trouble)
            if step.opening:
                self._session = self._session_of(step.opening)
            self._unsynced |= self._take(step.entries, before)
            more = step.progressed
            if not more:
                break
        if self._unsynced:
            self._follower.sync()
            self._unsynced = False
        return more

    def settled(self) -> Place:
        """Let go of the oldest notice and return the place behind it."""
        done = self.waiting.popleft()
        self._bytes -= len(done.notice.body)
        return done.behind

    def _session_of(self, opening: bytes) -> str:
        try:
            return decode_opening(opening).session_id
        except UnreadableMessageError as error:
            self.troubles.append(str(error))
            return ""

    def _take(self, entries: tuple[Entry, ...], block: Place) -> bool:
        before = len(self.waiting)
        for entry in entries:
            if entry.kind not in (EntryKind.INPUT, EntryKind.ACT):
                continue
            try:
                message = decode(entry.payload)
            except UnreadableMessageError as error:  # of a newer version: the others are told
                self.troubles.append(str(error))
                continue
            notice = self._teller.notice(message, Spot(self._session, entry.n, entry.k))
            if notice is not None:
                behind = Place(segment=block.segment, offset=block.offset, block=block.block, entry=entry.entry + 1)
                self.waiting.append(Waiting(notice, behind, self._clock.monotonic_ns()))
                self._bytes += len(notice.body)
        return len(self.waiting) > before
