"""What survives a death in a world: the log up to what was durable, whole entries only, and the ledger. A disk may be slow or gone."""

from typing import Final, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from tidegate.engine.engine import Engine
from tidegate.events.base import Act, Input
from tidegate.events.codec import decode
from tidegate.service.recovery import Makers
from tidegate.values.errors import TidegateError
from tidegate.values.ids import SessionId

INPUT: Final = 0
ACT: Final = 1
RECORDS: Final = 2


class DiskGoneError(TidegateError):
    """The simulated disk refuses. Only cancels may leave."""


class Logged(NamedTuple):
    """One entry: an input or act as bytes, or market records; (n, k) as in the log."""

    kind: int
    n: int
    k: int
    message: bytes
    records: NDArray[np.void] | None = None


@final
class SessionLog:
    """One session's log: a `service.ports.LogPort` whose `flush` makes what stands there durable."""

    def __init__(self, session: SessionId, opening_state: bytes) -> None:
        self.session: Final = session
        self.opening_state: Final = opening_state
        self.entries: list[Logged] = []
        self.durable_n = 0
        self.durable_entries = 0
        self.judged_n = 0
        self.last_n = 0
        self.snapshot: tuple[int, bytes] | None = None  # how many entries it covers, and the state
        self.failed: Exception | None = None
        self.keep_trouble: Exception | None = None

    @property
    def is_dirty(self) -> bool:
        """Tell whether something is not durable yet."""
        return self.durable_entries < len(self.entries)

    def input(self, n: int, message: bytes) -> None:
        """See `service.ports.LogPort`."""
        self._check(n, 1)
        self.entries.append(Logged(INPUT, n, 0, message))

    def act(self, n: int, k: int, message: bytes) -> None:
        """See `service.ports.LogPort`."""
        assert n == self.last_n, "an act follows its input"
        if self.failed is not None:
            raise self.failed
        self.entries.append(Logged(ACT, n, k, message))

    def records(self, n_first: int, records: NDArray[np.void]) -> None:
        """See `service.ports.LogPort`."""
        self._check(n_first, len(records))
        self.entries.append(Logged(RECORDS, n_first, 0, b"", records))

    def evidence(self, raw: bytes) -> None:
        """See `service.ports.LogPort`. No start folds it, so it is not kept."""
        del raw
        if self.failed is not None:
            raise self.failed

    def judged(self, n: int) -> None:
        """See `service.ports.LogPort`."""
        assert n == self.last_n
        self.judged_n = n

    def mark(self) -> tuple[int, int]:
        """Return what a flush that starts now will make durable."""
        return self.judged_n, len(self.entries)

    def flush(self, mark: tuple[int, int]) -> None:
        """What a mark covers is on the disk."""
        self.durable_n, self.durable_entries = max(self.durable_n, mark[0]), max(self.durable_entries, mark[1])

    def tear(self, keep: int) -> None:
        """The process died: so many entries beyond the durable ones reached the disk."""
        del self.entries[self.durable_entries + keep :]
        self.durable_entries = len(self.entries)

    def _check(self, n: int, count: int) -> None:
        assert n == self.last_n + 1, "inputs are numbered without gaps"
        if self.failed is not None:
            raise self.failed
        self.last_n = n + count - 1


@final
class Archive:
    """Every session's log, oldest first: a `service.recovery.History` of the newest one."""

    def __init__(self, warm: bytes) -> None:
        self.sessions: Final[list[SessionLog]] = [SessionLog(SessionId("warm"), warm)]

    @property
    def _last(self) -> SessionLog:
        return self.sessions[-1]

    def last_session(self) -> SessionId:
        """See `service.recovery.History`."""
        return self._last.session

    def end_state(self, makers: Makers, epoch: int) -> bytes:
        """See `service.recovery.History`; a snapshot that covers more than what is left of the log is of no use."""
        last = self._last
        engine = makers.engine(last.session, epoch)
        found = last.snapshot if last.snapshot is not None and last.snapshot[0] <= len(last.entries) else None
        if found is not None:
            engine.restore(found[1])
        elif last.opening_state:
            engine.continue_from(last.opening_state)
        fold(engine, last.entries[found[0] if found is not None else 0 :])
        return engine.snapshot()


def fold(engine: Engine, entries: list[Logged]) -> None:
    """Fold entries as facts, and the end of the log."""
    for entry in entries:
        if entry.records is not None:
            engine.fold_records(entry.records.view(np.uint8), 0, len(entry.records))
        elif entry.kind == INPUT:
            message = decode(entry.message)
            assert isinstance(message, Input), "an input entry holds an input"
            engine.fold_input(message)
        else:
            act = decode(entry.message)
            assert isinstance(act, Act), "an act entry holds an act"
            engine.fold_act(act)
    engine.fold_end()
