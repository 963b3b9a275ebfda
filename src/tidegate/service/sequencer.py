"""The one place where inputs get their number and time: everything the engine learns goes through here, in one order.

Receive time is a wall-clock anchor plus monotonic time, so it never goes back; anchoring anew is an input. A wall clock that is set back
is waited for at half pace: whatever waits for time, from an answer to a lookup, would stand still otherwise. Items are stamped when
they are offered and taken in by that time; at equal times definitions and sessions, then order events and requests, then a tick,
then market records. What must not wait (a kill, a cancel) has a lane of its own that goes first. Every queue has a bound, and a
full one says no to whoever offers.
"""

from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple, final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tidegate.clock.clock import Clock
from tidegate.engine.core import NumberedAct
from tidegate.engine.engine import Engine
from tidegate.events.acts import AnyAct, ApprovalMoved, ApprovalRequested, DifferenceFound, OrderCommand
from tidegate.events.codec import encode
from tidegate.events.inputs import (
    AnyInput,
    ClockAnchored,
    EventListed,
    InstrumentDefined,
    LagMeasured,
    OrderEvent,
    SessionChanged,
    Tick,
)
from tidegate.service.audit_words import Told, belongs
from tidegate.service.ports import Commanded, LogPort
from tidegate.values.enums import Resolution
from tidegate.values.errors import TidegateError
from tidegate.values.ids import SessionId, event_id
from tidegate.values.time import MILLISECOND_NS, NEVER_NS

_FIRST: Final = (InstrumentDefined, SessionChanged, EventListed)
_TICK: Final = Tick(event_id="", timestamp=0, symbol="", strategy_id="", correlation_id="")


class SequencerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of the queues, and how finely lag and the wall clock are watched."""

    messages_max: int = 65_536
    urgent_max: int = 1_024
    records_max: int = 1_048_576
    lag_step_ns: int = 50 * MILLISECOND_NS  # a change by so much is told to the engine
    step_max_ns: int = 500 * MILLISECOND_NS  # a wall clock that is off by more anchors anew


class _Stamped(NamedTuple):
    ts_ns: int
    message: AnyInput


@final
class Sequencer:
    """Numbers, stamps, logs and feeds. Commands wait in `take_commands` for the outbox."""

    def __init__(self, session: SessionId, engine: Engine, log: LogPort, clock: Clock, settings: SequencerSettings | None = None) -> None:
        self.session: Final = session
        self.engine: Final = engine
        self._log: Final = log
        self.drift_findings = 0  # differences to the venue's word that no event explained, in this session
        self._clock: Final = clock
        self._settings: Final = settings or SequencerSettings()
        self._anchor_wall_ns = clock.now_ns()
        self._anchor_mono_ns = clock.monotonic_ns()
        self._ahead_ns, self._ahead_mono_ns = engine.now_ns, self._anchor_mono_ns  # where receive time was when the wall fell behind it
        self._urgent: Final[deque[AnyInput]] = deque()
        self._first: Final[deque[_Stamped]] = deque()
        self._messages: Final[deque[_Stamped]] = deque()
        self._records: Final[deque[NDArray[np.void]]] = deque()
        self._records_waiting = 0
        self._commands: list[Commanded] = []
        self._approvals: list[str] = []
        self._taken: list[OrderEvent] = []
        self._told: list[Told] = []
        self._lag_told_ns = engine.books.lag_ns  # a session before may have ended in a lag that is over now
        self.log_failed: TidegateError | None = None
        self.witness: Callable[[AnyInput | AnyAct], None] | None = None  # is shown every message as it is logged

    # What is asked.

    def now_ns(self) -> int:
        """Return receive time: the anchor plus the monotonic time since, never before the engine's now.

        Where it was ahead of the anchor it goes on from there at half pace until the anchor has caught up.
        """
        mono_ns = self._clock.monotonic_ns()
        ahead_ns = self._ahead_ns + (mono_ns - self._ahead_mono_ns) // 2
        return max(self._anchor_wall_ns + mono_ns - self._anchor_mono_ns, ahead_ns, self.engine.now_ns)

    def due_ns(self) -> int:
        """Return when `run` has something to do even if nothing is offered."""
        if self._urgent or self._first or self._messages or self._records:
            return 0
        return self.engine.next_due()

    @property
    def waiting(self) -> int:
        """How many messages and records wait to be taken in."""
        return len(self._urgent) + len(self._first) + len(self._messages) + self._records_waiting

    def take_commands(self) -> list[Commanded]:
        """Return the commands since the last call, in order."""
        commands, self._commands = self._commands, []
        return commands

    def take_approvals(self) -> list[str]:
        """Return the ids of requests for approval that were made or moved since the last call, in order."""
        moved, self._approvals = self._approvals, []
        return moved

    def take_executions(self) -> list[OrderEvent]:
        """Return the stamped order events with an execution that were taken in since the last call."""
        taken, self._taken = self._taken, []
        return taken

    def take_told(self) -> list[Told]:
        """Return what was taken in and done since the last call that belongs in the audit chain, in order."""
        told, self._told = self._told, []
        return told

    # What is told.

    def offer(self, message: AnyInput) -> bool:
        """Queue an input; False: the queue is full and nothing was taken."""
        queue = self._first if isinstance(message, _FIRST) else self._messages
        if len(self._first) + len(self._messages) >= self._settings.messages_max:
            return False
        queue.append(_Stamped(self.now_ns(), message))
        return True

    def offer_urgent(self, message: AnyInput) -> bool:
        """Queue an input that goes before all others: a kill, a cancel, a flatten."""
        if len(self._urgent) >= self._settings.urgent_max:
            return False
        self._urgent.append(message)
        return True

    def offer_records(self, records: NDArray[np.void]) -> bool:
        """Queue market records in the order in which they came; their ts_recv is kept where it does not go back.

        False: the queue is full. What is dropped then is a gap, which the caller has to tell as one.
        """
        if self._records_waiting + len(records) > self._settings.records_max:
            return False
        if len(records):
            self._records.append(records)
            self._records_waiting += len(records)
        return True

    def anchor(self) -> None:
        """Anchor receive time to the wall clock anew where the two have drifted apart; tell the engine."""
        wall_ns, mono_ns = self._clock.now_ns(), self._clock.monotonic_ns()
        step_ns = wall_ns - (self._anchor_wall_ns + mono_ns - self._anchor_mono_ns)
        if abs(step_ns) <= self._settings.step_max_ns:
            return
        self._ahead_ns, self._ahead_mono_ns = self.now_ns(), mono_ns
        self._anchor_wall_ns, self._anchor_mono_ns = wall_ns, mono_ns
        anchored = ClockAnchored(
            event_id="",
            timestamp=0,
            symbol="",
            strategy_id="",
            correlation_id="",
            wall_ns=wall_ns,
            monotonic_ns=mono_ns,
            step_ns=step_ns,
        )
        self._apply(anchored, self.now_ns())

    def run(self, inputs_max: int = 1_024) -> int:
        """Take in what waits and what is due now, at most so many inputs or one batch of records more; return how many."""
        first_n = self.engine.n
        while self._step() and self.engine.n - first_n < inputs_max:
            pass
        return self.engine.n - first_n

    # Inside.

    def _step(self) -> bool:
        """Take the next input, or a run of records; False when nothing is left to do now."""
        if self._urgent:
            self._apply(self._urgent.popleft(), self.now_ns())
            return True
        engine, now_ns = self.engine, self.now_ns()
        defined_ns = self._first[0].ts_ns if self._first else NEVER_NS
        message_ns = self._messages[0].ts_ns if self._messages else NEVER_NS
        record_ns, limit_ns = NEVER_NS, now_ns
        if self._records:
            record_ns = max(int(self._records[0]["ts_recv"][0]), engine.now_ns)
            limit_ns = max(now_ns, record_ns)
        due_ns = engine.due_by(limit_ns)
        first_ns = min(defined_ns, message_ns, record_ns, due_ns)
        if first_ns >= NEVER_NS:
            return False
        self._measure_lag(first_ns, now_ns)
        if defined_ns == first_ns:
            self._apply(self._first.popleft().message, first_ns)
        elif message_ns == first_ns:
            self._apply(self._messages.popleft().message, first_ns)
        elif due_ns == first_ns:
            self._apply(_TICK, due_ns)
        else:
            self._feed(min(defined_ns, message_ns))
        return True

    def _measure_lag(self, ts_ns: int, now_ns: int) -> None:
        """Tell the engine how far the input in hand lies behind now, where that has changed noticeably."""
        lag_ns = max(0, now_ns - ts_ns)
        if abs(lag_ns - self._lag_told_ns) >= self._settings.lag_step_ns:
            self._lag_told_ns = lag_ns
            measured = LagMeasured(event_id="", timestamp=0, symbol="", strategy_id="", correlation_id="", lag_ns=lag_ns)
            self._apply(measured, self.engine.now_ns or ts_ns)

    def _apply(self, message: AnyInput, ts_ns: int) -> None:
        n = self.engine.n + 1
        identity = event_id(self.session, n, 0)
        stamped = msgspec.structs.replace(
            message,
            event_id=identity,
            timestamp=max(ts_ns, self.engine.now_ns),
            correlation_id=message.correlation_id or identity,
        )
        if self.log_failed is None:
            self._write_input(n, stamped)
        if self.witness is not None:
            self.witness(stamped)
        self.engine.apply(stamped)
        if isinstance(stamped, OrderEvent) and stamped.execution_id:
            self._taken.append(stamped)
        if belongs(stamped):
            self._told.append(stamped)  # type: ignore[arg-type]  # that is what it asks
        self._keep(self.engine.take_acts(), n, None)

    def _feed(self, horizon_ns: int) -> None:
        """Feed the first batch of records up to what else comes first."""
        batch, now_ns = self._records.popleft(), self.engine.now_ns
        received = batch["ts_recv"]
        if received[0] < now_ns or (len(batch) > 1 and (received[1:] < received[:-1]).any()):
            batch = batch.copy()
            batch["ts_recv"] = received = np.maximum(np.maximum.accumulate(received), now_ns)
        n_first = self.engine.n + 1
        taken = self.engine.feed(batch.view(np.uint8), 0, len(batch), max(horizon_ns, int(received[0]) + 1))
        assert taken, "nothing else comes first, so a record was to be taken"
        self._records_waiting -= taken
        if taken < len(batch):
            self._records.appendleft(batch[taken:])
        self._keep(self.engine.take_acts(), n_first, batch[:taken])

    def _keep(self, acts: list[NumberedAct], n_first: int, records: NDArray[np.void] | None) -> None:
        """Log what was taken in and done, in order, and keep the commands."""
        self._show(acts)
        self._set_aside(acts)
        self._approvals += [act.approval_id for _, _, act in acts if isinstance(act, ApprovalRequested | ApprovalMoved)]
        self.drift_findings += sum(type(act) is DifferenceFound and act.resolution is not Resolution.TAKEN_IN for _, _, act in acts)
        if self.log_failed is not None:
            return
        try:
            told = n_first
            for n, k, act in acts:
                if records is not None and n >= told:
                    self._log.records(told, records[told - n_first : n - n_first + 1])
                    told = n + 1
                self._log.act(n, k, encode(act))  # type: ignore[arg-type]  # every numbered act is one of the union
            if records is not None and told - n_first < len(records):
                self._log.records(told, records[told - n_first :])
            self._log.judged(self.engine.n)
        except TidegateError as error:
            self.log_failed = error

    def _set_aside(self, acts: list[NumberedAct]) -> None:
        for n, k, act in acts:
            if type(act) is OrderCommand:
                self._commands.append(Commanded(n, k, act))
            elif belongs(act):
                self._told.append(act)  # type: ignore[arg-type]  # likewise

    def _show(self, acts: list[NumberedAct]) -> None:
        if self.witness is None:
            return
        for _, _, act in acts:
            self.witness(act)  # type: ignore[arg-type]  # every numbered act is one of the union

    def _write_input(self, n: int, message: AnyInput) -> None:
        try:
            self._log.input(n, encode(message))
        except TidegateError as error:
            self.log_failed = error
