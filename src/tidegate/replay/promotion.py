"""A version's sessions in golden logs, measured for a promotion."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from tidegate.analytics.collect import Run
from tidegate.analytics.promotion import Filled, Measuring
from tidegate.config.promotion import Measured
from tidegate.engine.toolchain import Toolchain
from tidegate.events.codec import AnyMessage, decode
from tidegate.journal import EntryKind, LogReader, read
from tidegate.journal.reader import Session
from tidegate.kernel.mode import Mode
from tidegate.recovery.machine import make_toolchain
from tidegate.replay.simulated import Block, simulated_fills

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
                _take(measuring, reader, session)
    return measuring.measured()


def _take(measuring: Measuring, reader: LogReader, session: Session) -> None:
    def simulate(run: Run) -> Mapping[str, Filled]:
        return simulated_fills(session.opening, run, _blocks(reader, session), _toolchain())

    measuring.session(session.opening, _messages(reader, session), simulate)


@cache
def _toolchain() -> Toolchain:
    return make_toolchain(Mode.COMPILED)


def _messages(reader: LogReader, session: Session) -> Iterator[tuple[int, int, AnyMessage]]:
    for entry in reader.entries(session.number):
        if entry.kind in _MESSAGES:
            yield entry.n, entry.k, decode(entry.payload)


def _blocks(reader: LogReader, session: Session) -> Iterator[Block]:
    for entry in reader.entries(session.number):
        if entry.kind is EntryKind.RECORDS:
            yield entry.n, reader.records(entry)
