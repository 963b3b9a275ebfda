"""Follows a log that grows: its entries from a place on, as far as whole blocks stand, over segments and sessions.

A follower keeps its own place, so it goes on after a restart where it was. What it reads may not be on the disk yet: `sync` first,
then act, then keep the place. Market records are passed over unread.

What stands in its way is said, never waited for: segments that were dropped, a block that is wrong for good, a log that was put in
the place of another. It then goes on with what comes next.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, final

import msgspec

from tidegate.journal.errors import NotALogError
from tidegate.journal.files import START_DAMAGED, log_start, segment_numbers, segment_path
from tidegate.journal.layout import HEADER_BYTES, BlockKind, Head, payload_is_right, read_head, unpack_opening
from tidegate.journal.reader import Entry, entries_of
from tidegate.journal.scan import Placed

_ANOTHER: Final = "another log stands in the place of the one that was read; it is read from its beginning"
_sync: Final = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the next block is to be read, and the first entry that was not handed over yet."""

    segment: int = 0
    offset: int = 0
    block: int = 0
    entry: int = 0


class Step(NamedTuple):
    """What one look gave: the entries of one block, the place behind it, and what stood in the way (empty: nothing).

    opening: the bytes of the opening of the session, where a segment begins. progressed: False means that all was read.
    """

    entries: tuple[Entry, ...]
    place: Place
    opening: bytes = b""
    trouble: str = ""
    progressed: bool = True


@final
class Follower:
    """One reader of one log. `place` is where it stands, `beginning` where its segment begins once it has come to another."""

    def __init__(self, directory: Path, place: Place) -> None:
        self.directory: Final = directory
        self.place = place
        self.beginning = place
        self._opened_for: int | None = None  # the segment whose opening was handed over

    def sync(self) -> None:
        """Make all durable that was handed over.

        Raises:
            OSError: the disk refuses.
        """
        make_durable(self.directory, self.place.segment)

    def step(self) -> Step:
        """Read the next block.

        Raises:
            OSError: the disk refuses.
            NotALogError: the note that says where the log begins is damaged.
        """
        numbers = segment_numbers(self.directory)
        if not numbers:
            return self._nothing()
        step = self._moved(numbers) or self._read()
        if step.progressed:
            return self._at(step)
        # Looked for only after nothing more could be read: a next segment exists once this one is sealed.
        following = [number for number in segment_numbers(self.directory) if number > self.place.segment]
        if not following:
            return step
        again = self._read()
        if not again.progressed:
            again = self._damaged(following[0])
        return self._at(again)

    def _at(self, step: Step) -> Step:
        if step.place.segment != self.place.segment:
            self.beginning = step.place
        self.place = step.place
        return step

    def _moved(self, numbers: list[int]) -> Step | None:
        """Go on where the log begins if the place is no longer, or was never, in it."""
        place = self._beginning()
        if self.place.segment < place.segment:
            lost = place.entry - self.place.entry
            trouble = f"{lost} entries were dropped from the log before they were read" if lost > 0 and self.place != Place() else ""
            return Step((), place, trouble=trouble)
        if self.place.segment > numbers[-1] + 1:  # one past the newest: it is sealed, and the next is still to come
            return Step((), place, trouble=_ANOTHER)
        return None

    def _beginning(self) -> Place:
        start = log_start(self.directory)
        if start is None:
            raise NotALogError(f"In {self.directory} {START_DAMAGED}; restore it from a copy.")
        return Place(segment=start.segment, entry=start.first_entry)

    def _read(self) -> Step:
        place = self.place
        with _opened(self.directory, place.segment) as handle:
            if handle < 0:
                return self._nothing()
            if os.fstat(handle).st_size < place.offset:
                return Step((), self._beginning(), trouble=_ANOTHER)
            opening = self._opening(handle) if self._opened_for != place.segment else b""
            found = _block(handle, place.offset)
        if found is None:
            return self._nothing()
        head, data = found
        if (head.segment, head.block) != (place.segment, place.block):
            return self._nothing()
        self._opened_for = place.segment
        if head.kind == BlockKind.SEAL:
            return Step((), Place(segment=place.segment + 1, entry=head.end_entry), opening)
        entries: tuple[Entry, ...] = ()
        if head.kind == BlockKind.ENTRIES:
            entries = tuple(entry for entry in entries_of(data, Placed(0, head)) if entry.entry >= place.entry)
        behind = Place(
            segment=place.segment,
            offset=place.offset + head.bytes_total,
            block=place.block + 1,
            entry=max(place.entry, head.end_entry),
        )
        return Step(entries, behind, opening)

    def _opening(self, handle: int) -> bytes:
        found = _block(handle, 0)
        if found is None or found[0].kind != BlockKind.OPENING:
            return b""
        head, data = found
        return unpack_opening(data[HEADER_BYTES : HEADER_BYTES + head.length]).message

    def _damaged(self, following: int) -> Step:
        """Leave a segment that cannot be read on though another follows."""
        place = self.place
        with _opened(self.directory, following) as handle:
            found = _block(handle, 0) if handle >= 0 else None
        entry = found[0].first_entry if found is not None else place.entry
        trouble = (
            f"segment {place.segment} of the log is damaged at block {place.block}; {max(entry - place.entry, 0)} entries were not read"
        )
        return Step((), Place(segment=following, entry=entry), trouble=trouble)

    def _nothing(self) -> Step:
        return Step((), self.place, progressed=False)


def newest_place(directory: Path) -> Place:
    """Return the place behind all that a log holds now, which is made durable; the beginning where there is none.

    Raises:
        OSError: the disk refuses.
    """
    numbers = segment_numbers(directory)
    if not numbers:
        return Place()
    follower = Follower(directory, Place(segment=numbers[-1]))
    while follower.step().progressed:
        pass
    follower.sync()
    return follower.place


def make_durable(directory: Path, segment: int) -> None:
    """Have the disk take all of a segment that was written so far, by whomever.

    Raises:
        OSError: the disk refuses.
    """
    with _opened(directory, segment) as handle:
        if handle >= 0:
            _sync(handle)


@contextmanager
def _opened(directory: Path, segment: int) -> Iterator[int]:
    """Open a segment for reading; a negative handle: it is not there."""
    try:
        handle = os.open(segment_path(directory, segment), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield -1
        return
    try:
        yield handle
    finally:
        os.close(handle)


def _block(handle: int, offset: int) -> tuple[Head, bytes] | None:
    """Return a whole block, or of market records its header alone; None if it does not stand there whole yet."""
    front = os.pread(handle, HEADER_BYTES, offset)
    head = read_head(front, 0)
    if head is None:
        return None
    if head.kind == BlockKind.RECORDS:
        return (head, front) if os.fstat(handle).st_size >= offset + head.bytes_total else None
    data = os.pread(handle, head.bytes_total, offset)
    return (head, data) if payload_is_right(data, 0, head) else None
