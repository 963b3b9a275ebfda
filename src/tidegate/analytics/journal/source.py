"""The messages of a log in order, over all its sessions: of one that a trader writes now, only what its disk has.

A reader does not know the writer's watermark. It asks the disk itself: after the newest segment is synced from here, all that was
mapped before is durable, and no later crash can take back what was told.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from tidegate.events.codec import AnyMessage, decode
from tidegate.journal import EntryKind, LogReader, read
from tidegate.journal.errors import UnreadableLogError
from tidegate.journal.evidence import OrderStages, stages_of
from tidegate.journal.following import make_durable

_TRIES: Final = 5  # old segments may be dropped between the listing and the look


class Told(NamedTuple):
    """One message with its place; or a measurement of our own edge about an order, which has no number of its own."""

    session: str
    n: int
    k: int
    message: AnyMessage | OrderStages


def settled(directory: Path) -> LogReader:
    """Open a log, running or finished, so that all that is read of it is durable. A torn end is left out.

    Raises:
        NotALogError: no log is there.
        NewerFormatError: written by a later version.
        DamagedLogError: a header, opening or seal is wrong, or a segment is missing.
        UnreadableLogError: the disk refuses.
    """
    try:
        reader = _opened(directory)
        if not reader.sealed:
            make_durable(directory, reader.sessions[-1].last_segment)
    except OSError as error:
        raise UnreadableLogError(f"The log {directory} cannot be read ({error.strerror}); give the right, or mend the disk.") from error
    return reader


def told(reader: LogReader) -> Iterator[Told]:
    """Yield every input and act of a log but market records, and the measured stages of orders.

    Raises:
        DamagedLogError: a block's payload changed after it was written.
        UnreadableMessageError: a message was written by a later version.
    """
    for session in reader.sessions:
        name = session.opening.session_id
        for entry in reader.entries(session.number):
            if entry.kind in (EntryKind.INPUT, EntryKind.ACT):
                yield Told(name, entry.n, entry.k, decode(entry.payload))
            elif entry.kind is EntryKind.EVIDENCE:
                stages = stages_of(entry.payload)
                if stages is not None:
                    yield Told(name, entry.n, entry.k, stages)


def _opened(directory: Path) -> LogReader:
    for _ in range(_TRIES):
        with suppress(FileNotFoundError):
            return read(directory)
    return read(directory)
