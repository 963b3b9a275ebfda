"""When the venue is read, and when its word may be trusted again: at the start, after each reconnect, in between, soon after orders.

The comparison is the engine's (`engine.differences` has the table, the manual's page is made from it); this machine only sees to
it that reads happen, begin and end in receive time, come a second time where one is to be confirmed, and that no entry leaves before
the first whole read after a start or a lost stream. Where reads fail for a while, or the venue refuses our key, the books are as little
trusted as without the stream.
"""

from typing import Final, final

import msgspec

from tidegate.clock.clock import Clock
from tidegate.engine.differences import CONFIRM_NS
from tidegate.events.inputs import GateSet, StreamChanged
from tidegate.service.ports import Effect, Reads, ReadVenue
from tidegate.service.sequencer import Sequencer
from tidegate.service.words import report
from tidegate.values.enums import GateScope, GateState, ReportCause
from tidegate.values.time import MINUTE_NS, NEVER_NS, SECOND_NS
from tidegate.venues.errors import Declined, DeclineReason, VenueError

STREAM: Final = "orders"
_URGENT: Final = frozenset({ReportCause.AT_START, ReportCause.RECONNECTED})


class ReconcileSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How often, and how long an untrusted account may last."""

    period_ns: int = 30 * SECOND_NS
    retry_ns: int = 2 * SECOND_NS  # after a read that failed
    confirm_ns: int = CONFIRM_NS + SECOND_NS
    read_back_ns: int = 2 * SECOND_NS  # after an order was let go
    trust_ns: int = MINUTE_NS  # untrusted for longer: everything halts and a person is called
    blind_ns: int = MINUTE_NS  # reads that fail for so long end the trust, though the stream stands
    overlap_ns: int = 5 * MINUTE_NS  # executions are read again from so far back; their ids make that harmless


@final
class Reconciler:
    """Asks for reads and hands them to the sequencer."""

    def __init__(self, venue: str, sequencer: Sequencer, clock: Clock, settings: ReconcileSettings | None = None) -> None:
        self._venue: Final = venue
        self._sequencer: Final = sequencer
        self._clock: Final = clock
        self._settings: Final = settings or ReconcileSettings()
        self._effects: list[Effect] = []
        self._in_flight: ReportCause | None = None
        self._again = False  # something happened while a read was under way: it may not show it
        self._wanted = ReportCause.PERIODIC
        self._due_ns = NEVER_NS  # monotonic
        self._untrusted_since_ns = NEVER_NS
        self._late_told = False
        self._blind_since_ns = NEVER_NS  # monotonic; when the first of the reads failed that have failed since
        self._stream_up = False
        self._was_trusted = False
        self._read_to_ns = 0  # receive time up to which executions were read
        self.whole_read_ns = 0  # receive time at which the last whole read ended; 0: none yet

    @property
    def trusted(self) -> bool:
        """Tell whether stream and books are known to be in step."""
        return self._untrusted_since_ns == NEVER_NS

    def take_effects(self) -> list[Effect]:
        """Return the reads that are due since the last call."""
        effects, self._effects = self._effects, []
        return effects

    def due_ns(self) -> int:
        """Return the monotonic time of the next step."""
        late_ns = NEVER_NS if self.trusted or self._late_told else self._untrusted_since_ns + self._settings.trust_ns
        return min(late_ns, NEVER_NS if self._in_flight else self._due_ns)

    # What happens.

    def begin(self, executions_from_ns: int) -> None:
        """A session starts: nothing is trusted until the first whole read, made once the order stream stands."""
        self._read_to_ns = executions_from_ns
        self._distrust("the session starts; the account is not reconciled yet")
        self._want(ReportCause.AT_START, 0)

    def stream_up(self) -> None:
        """The order stream stands again: read everything before it is trusted."""
        self._stream_up = True
        self._want(ReportCause.RECONNECTED if self._was_trusted else ReportCause.AT_START, 0)

    def stream_down(self, reason: str) -> None:
        """The order stream is gone or silent: no entry leaves until it is back and read up."""
        self._stream_up = False
        self._distrust(reason)

    def sent(self) -> None:
        """An order was let go: see soon whether the venue shows what the stream says."""
        self._want(ReportCause.READ_BACK, self._settings.read_back_ns)

    def poll(self) -> None:
        """Ask for a read that is due; call a person when the account stays untrusted too long."""
        now_ns = self._clock.monotonic_ns()
        if not self._late_told and not self.trusted and now_ns - self._untrusted_since_ns >= self._settings.trust_ns:
            self._late_told = True
            self._halt()
        if self._in_flight is None and now_ns >= self._due_ns:
            self._in_flight, self._again = self._wanted, False
            self._wanted, self._due_ns = ReportCause.PERIODIC, NEVER_NS
            self._effects.append(ReadVenue(self._in_flight, max(0, self._read_to_ns - self._settings.overlap_ns)))

    def read(self, reads: Reads | None, error: VenueError | None = None) -> None:
        """Take in what a read gave; None: it failed, with this error, and is made again soon."""
        cause, self._in_flight = self._in_flight, None
        assert cause is not None, "nobody asked"
        if reads is None:
            self._failed(cause, error)
            return
        self._blind_since_ns = NEVER_NS
        self._sequencer.offer(report(reads, venue=self._venue, cause=cause))
        if reads.executions is not None:
            self._read_to_ns = max(self._read_to_ns, reads.began_ns)
        whole = reads.orders is not None and reads.executions is not None and reads.positions is not None
        if whole:
            self.whole_read_ns = reads.ended_ns
        if cause in _URGENT and self._stream_up and whole and not self._again:
            self._trust()
        elif cause in _URGENT:
            self._want(cause, self._settings.retry_ns)
        self._due_ns = min(self._due_ns, self._clock.monotonic_ns() + self._settings.period_ns)

    def folded(self, *, unconfirmed: bool) -> None:
        """The engine took a report in; what it must see twice is read again soon."""
        if unconfirmed and self._wanted is ReportCause.PERIODIC:
            self._want(ReportCause.CONFIRMING, self._settings.confirm_ns)

    # Inside.

    def _failed(self, cause: ReportCause, error: VenueError | None) -> None:
        """Ask again, less often where the answer will be the same; what was not seen for too long is not trusted."""
        now_ns = self._clock.monotonic_ns()
        refused = isinstance(error, Declined) and error.reason is DeclineReason.UNAUTHORIZED
        self._blind_since_ns = min(self._blind_since_ns, now_ns)
        if refused or now_ns - self._blind_since_ns >= self._settings.blind_ns:
            self._distrust(f"the account cannot be read: {error or 'no answer came'}")
            cause = cause if cause in _URGENT else ReportCause.RECONNECTED
        self._want(cause, self._settings.period_ns if refused else self._settings.retry_ns)

    def _want(self, cause: ReportCause, wait_ns: int) -> None:
        """Ask for a read by then; one that decides about trust is not pushed aside by another."""
        urgent = cause in _URGENT
        self._again = self._again or (urgent and self._in_flight is not None)
        if urgent or self._wanted not in _URGENT:
            self._wanted = cause
            self._due_ns = min(self._clock.monotonic_ns() + wait_ns, self._due_ns)

    def _distrust(self, reason: str) -> None:
        if self.trusted:
            self._untrusted_since_ns = self._clock.monotonic_ns()
            self._tell(up=False, reason=reason)
        self._again = self._again or self._in_flight is not None

    def _trust(self) -> None:
        self._untrusted_since_ns, self._late_told, self._was_trusted = NEVER_NS, False, True
        self._tell(up=True, reason="the venue was read up")

    def _tell(self, *, up: bool, reason: str) -> None:
        self._sequencer.offer(
            StreamChanged(
                event_id="",
                timestamp=0,
                symbol="",
                strategy_id="",
                correlation_id="",
                venue=self._venue,
                stream=STREAM,
                up=up,
                reason=reason,
            )
        )

    def _halt(self) -> None:
        self._sequencer.offer(
            GateSet(
                event_id="",
                timestamp=0,
                symbol="",
                strategy_id="",
                correlation_id="",
                scope=GateScope.GLOBAL,
                key="",
                state=GateState.REDUCE_ONLY,
                reason="the account could not be reconciled in time; look at the venue and the stream, then resume",
                actor="rule:not-reconciled",
            )
        )
