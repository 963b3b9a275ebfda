"""Where a replay's entries go: a golden log, a collector for reports, a count. Each gets inputs and acts in the order of the session."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Protocol, final

from tidegate.analytics.collect import Collector
from tidegate.engine.core import NumberedAct
from tidegate.events.acts import OrderCommand, RiskDecision
from tidegate.events.codec import encode
from tidegate.events.inputs import AnyInput
from tidegate.journal.writer import LogWriter
from tidegate.values.enums import CommandKind, Verdict

# Members of an enum are looked up slowly before Python 3.12.
_SUBMIT = CommandKind.SUBMIT
_REPLACE = CommandKind.REPLACE
_REFUSED = Verdict.REFUSED


class Sink(Protocol):
    """Takes a session's entries in order."""

    def span(self, n_first: int, count: int) -> None:
        """Note that the next `count` inputs from n_first on were market records of the session's tapes."""

    def input(self, n: int, message: AnyInput) -> None:
        """Note another input."""

    def act(self, n: int, k: int, act: object) -> None:
        """Note an act."""


@final
class LogSink:
    """Writes a golden log."""

    def __init__(self, writer: LogWriter) -> None:
        self._writer = writer

    def span(self, n_first: int, count: int) -> None:
        """See Sink."""
        self._judged_before(n_first)
        self._writer.span(n_first, count)

    def input(self, n: int, message: AnyInput) -> None:
        """See Sink."""
        self._judged_before(n)
        self._writer.input(n, encode(message))

    def act(self, n: int, k: int, act: object) -> None:
        """See Sink."""
        self._writer.act(n, k, encode(act))  # type: ignore[arg-type]  # every numbered act is one of the union

    def _judged_before(self, n: int) -> None:
        """Mark that every act of the inputs before this one stands in the log: up to there a broken-off log is verified."""
        if n > 1:
            self._writer.judged(n - 1)


@final
class CollectorSink:
    """Keeps what reports need."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    def span(self, n_first: int, count: int) -> None:
        """Market records are on the tape."""

    def input(self, n: int, message: AnyInput) -> None:
        """See Sink."""
        self._collector.input(n, message)

    def act(self, n: int, k: int, act: object) -> None:
        """See Sink."""
        self._collector.act(n, k, act)  # type: ignore[arg-type]  # see above


@final
class Tally:
    """Counts what the summary tells, and hashes the commands; always on."""

    def __init__(self) -> None:
        self.orders = 0
        self.fills = 0
        self.refused = 0
        self._commands = sha256()

    def count(self, acts: Sequence[NumberedAct]) -> list[OrderCommand]:
        """Count acts and return the commands among them."""
        commands = []
        for _n, _k, act in acts:
            if type(act) is OrderCommand:
                commands.append(act)
                self._commands.update(encode(act))
                if act.kind is _SUBMIT or act.kind is _REPLACE:
                    self.orders += 1
            elif type(act) is RiskDecision and act.verdict is _REFUSED:
                self.refused += 1
        return commands

    @property
    def commands_sha256(self) -> str:
        """The hash of all commands in order."""
        return self._commands.hexdigest()
