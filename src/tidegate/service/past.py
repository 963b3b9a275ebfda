"""What earlier sessions left in the golden log, for a start: made whole, folded, and the state handed to the next session."""

from pathlib import Path
from typing import Final, final

from tidegate.journal import read, recover
from tidegate.journal.files import segment_numbers
from tidegate.recovery import machine
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
        self.start: Start | None = None

    def last_session(self) -> SessionId | None:
        """See `History`."""
        return None if self.cut is None else SessionId(read(self._directory).sessions[-1].opening.session_id)

    def end_state(self, makers: Makers, epoch: int) -> bytes:
        """See `History`; `start` says afterwards how the state came about."""
        del makers  # a recorded session is folded by the specification that it was recorded with
        reader = read(self._directory)
        spec = self._setup.spec(SessionId(reader.sessions[-1].opening.session_id), epoch)
        code = machine.code_sha256()
        self.start = start_from(reader, spec, self._setup.toolchain, code_sha256=code, from_ns=self._from_ns)
        return self.start.state
