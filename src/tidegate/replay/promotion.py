"""A version's sessions in golden logs, measured for a promotion."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tidegate.analytics.promotion import Measuring
from tidegate.config.promotion import Measured
from tidegate.events.codec import AnyMessage, decode
from tidegate.journal import EntryKind, LogReader, read
from tidegate.journal.reader import Session

_MESSAGES: Final = frozenset({EntryKind.INPUT, EntryKind.ACT})


def measure(logs: Sequence[Path], version_sha256: str, modes: frozenset[str]) -> Measured:
    """Return what the sessions of a version in these modes show; those of other versions and modes are passed over.

    Raises:
        TidegateError: no log, a damaged one, or one of a newer version.
    """
    measuring = Measuring(version_sha256)
    for log in dict.fromkeys(path.resolve() for path in logs):
        reader = read(log)
        for session in reader.sessions:
            if session.opening.version_sha256 == version_sha256 and session.opening.mode in modes:
                measuring.session(session.opening, _messages(reader, session))
    return measuring.measured()


def _messages(reader: LogReader, session: Session) -> Iterator[tuple[int, int, AnyMessage]]:
    for entry in reader.entries(session.number):
        if entry.kind in _MESSAGES:
            yield entry.n, entry.k, decode(entry.payload)
