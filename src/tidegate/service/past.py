"""What earlier sessions left in the golden log, for a start: made whole, folded, and the state handed to the next session."""

from pathlib import Path
from typing import Final, final

from tidegate.journal import LogReader, read, recover
from tidegate.journal.ending import read_end
from tidegate.journal.files import segment_numbers
from tidegate.recovery import machine
from tidegate.recovery.fold import BeginningGoneError
from tidegate.recovery.start import Start, start_from
from tidegate.service.recovery import Makers
from tidegate.service.setup import Setup
from tidegate.values.ids import SessionId
from tidegate.values.time import MINUTE_NS

WARM_UP_NS: Final = 30 * MINUTE_NS  # under other code: market records of so long before the start are taken into the senses


@final
class LogHistory:
    """A `service.recovery.History` over a log's directory. Made once per start; making it cuts a torn end."""

    def __init__(self, directory: Path, setup: Setup, *, now_ns: int) -> None:
        """Make the log whole.

        Raises:
            DamagedLogError: damaged before its end: no session may go on from it.
        """
        self._directory: Final = directory
        self._setup: Final = setup
        self._from_ns: Final = now_ns - WARM_UP_NS
        self.cut: Final = recover(directory, whole=False) if segment_numbers(directory) else None
        self._end: LogReader | None = None
        self.start: Start | None = None

    def last_session(self) -> SessionId | None:
        """See `History`."""
        return None if self.cut is None else SessionId(self._read_end().opening.session_id)

    def end_state(self, makers: Makers, epoch: int) -> bytes:
        """See `History`; `start` says afterwards how the state came about."""
        del makers  # a recorded session is folded by the specification that it was recorded with
        try:
            self.start = self._start_from(self._read_end(), epoch)
        except BeginningGoneError:  # a snapshot that was counted on stands for nothing here
            self.start = self._start_from(read(self._directory), epoch)
        self._end = None
        return self.start.state

    def _start_from(self, reader: LogReader, epoch: int) -> Start:
        spec = self._setup.spec(SessionId(reader.opening.session_id), epoch)
        code = machine.code_sha256()
        return start_from(reader, spec, self._setup.toolchain, code_sha256=code, from_ns=self._from_ns)

    def _read_end(self) -> LogReader:
        if self._end is None:
            self._end = read_end(self._directory, window_ns=WARM_UP_NS)
        return self._end
