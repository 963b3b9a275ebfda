"""Counts how the venue answers our requests, and tells the log once a minute: reports make their figures of stability of it.

Nothing waits for it and nothing is decided by it. A minute without a request is not told.
"""

from typing import Final, final

import msgspec

from tidegate.clock.clock import Clock
from tidegate.events.inputs import CallFigures, VenueCallsMeasured
from tidegate.service.sequencer import Sequencer
from tidegate.values.enums import CallKind
from tidegate.values.time import MINUTE_NS
from tidegate.venues.calls import HELD_BACK, VenueCall

EVERY_NS: Final = MINUTE_NS
_READ: Final = "GET"
_TOO_MANY: Final = 429
_REFUSED: Final = 400
_FAILED: Final = 500


class _Count(msgspec.Struct):
    calls: int = 0
    throttled: int = 0
    refused: int = 0
    failed: int = 0
    unanswered: int = 0
    answer_ns_total: int = 0
    answer_ns_max: int = 0


@final
class CallTally:
    """The requests of one session since they were last told."""

    def __init__(self, venue: str, sequencer: Sequencer, clock: Clock) -> None:
        self._venue: Final = venue
        self._sequencer: Final = sequencer
        self._clock: Final = clock
        self._counts: dict[CallKind, _Count] = {}
        self._from_ns = 0
        self._since_ns = 0  # the same on the monotonic clock

    def add(self, call: VenueCall) -> None:
        """Take in a request that has ended; an order that was held back at the last moment was none."""
        if call.why == HELD_BACK:
            return
        if not self._counts:
            self._from_ns, self._since_ns = self._sequencer.now_ns(), self._clock.monotonic_ns()
        count = self._counts.setdefault(CallKind.READS if call.method == _READ else CallKind.CHANGES, _Count())
        count.calls += 1
        if not call.status:
            count.unanswered += 1
            return
        count.answer_ns_total += call.duration_ns
        count.answer_ns_max = max(count.answer_ns_max, call.duration_ns)
        if call.status == _TOO_MANY:
            count.throttled += 1
        elif call.status >= _FAILED:
            count.failed += 1
        elif call.status >= _REFUSED:
            count.refused += 1

    def poll(self) -> None:
        """Tell what a minute has brought; while the queue is full it waits for the next turn."""
        if self._counts and self._clock.monotonic_ns() - self._since_ns >= EVERY_NS:
            self.tell()

    def tell(self) -> None:
        """Tell what there is now: at the end of a session, or when its time has come."""
        if not self._counts:
            return
        figures = [CallFigures(kind=kind, **msgspec.structs.asdict(self._counts[kind])) for kind in CallKind if kind in self._counts]
        told = VenueCallsMeasured(
            event_id="",
            timestamp=0,
            symbol="",
            strategy_id="",
            correlation_id="",
            venue=self._venue,
            from_ns=self._from_ns,
            figures=tuple(figures),
        )
        if self._sequencer.offer(told):
            self._counts = {}
