"""The loop of a replay: merges market records, venue responses, scheduled inputs and ticks into the order of the contract.

At equal receive times: definitions and sessions, order response, tick, market data; but a response follows the record of equal time
that caused it. The caller's batch size cannot change an act: `feed` stops by itself wherever something else comes first.
"""

from collections.abc import Callable, Sequence
from typing import Final, final

import numpy as np
from msgspec.structs import replace

from tidegate.engine.core import NumberedAct
from tidegate.engine.engine import Engine
from tidegate.events.inputs import AnyInput, Tick
from tidegate.kernel.layout import U8
from tidegate.replay.sinks import Sink, Tally
from tidegate.tapes.merge import Chunk, Merged
from tidegate.values.ids import SessionId, event_id
from tidegate.values.time import MINUTE_NS, NEVER_NS
from tidegate.venues.sim.venue import SimVenue

Progress = Callable[[int], None]


REST_NS: Final = 10 * MINUTE_NS  # after the last record


@final
class ReplayLoop:
    """Drives one engine through one session. `scheduled` inputs carry their receive times, in order; their ids are made here."""

    def __init__(  # noqa: PLR0913 - the parts of a session, each named by the root that made it
        self,
        *,
        session: SessionId,
        engine: Engine,
        venue: SimVenue,
        merged: Merged,
        scheduled: Sequence[AnyInput],
        sinks: Sequence[Sink],
        batch: int = NEVER_NS,
        progress: Progress | None = None,
    ) -> None:
        self._session: Final = session
        self._engine: Final = engine
        self._venue: Final = venue
        self._merged: Final = merged
        self._scheduled: Final = list(reversed(scheduled))  # next one last
        self._scheduled_ns = _time_of_last(self._scheduled)
        self._sinks: Final = tuple(sinks)
        self._batch: Final = batch
        self._progress = progress
        self._n = engine.n  # inputs the sinks know of
        self.tally: Final = Tally()

    def run(self) -> None:
        """Take the whole session in, then what still follows the last record.

        Raises:
            BadRecordError: a record is out of order or of an unknown instrument.
            TapeRecordError: a record cannot be matched against.
        """
        for chunk in self._merged.chunks():
            self._take_chunk(chunk)
            if self._progress is not None:
                self._progress(chunk.first + len(chunk.records))
        self._take_rest()

    def _take_chunk(self, chunk: Chunk) -> None:
        times = chunk.records["ts_recv"]
        tape: U8 = chunk.records.view(np.uint8)
        tape.flags.writeable = False
        at, end = 0, len(chunk.records)
        while at < end:
            next_ns = times.item(at)
            horizon_ns = self._take_others_before(next_ns, chunk.first + at)
            stop = min(end, at + self._batch)
            if horizon_ns <= next_ns:  # a response of this very time waits for the record that causes it
                stop, horizon_ns = min(stop, self._after_cause(chunk, at, end)), next_ns + 1
            first, at = at, self._engine.feed(tape, at, stop, horizon_ns)
            self._take_acts(self._n + at - first, chunk.first + at)

    def _take_others_before(self, next_ns: int, position: int) -> int:
        """Deliver scheduled inputs, responses and ticks that come before the record in hand.

        Returns when the next scheduled input or response comes: at the record's own time it is a response that the record causes.
        """
        venue, engine = self._venue, self._engine
        while True:
            scheduled_ns = self._scheduled_ns
            response_ns = horizon_ns = venue.next_response_ns(next_ns)
            if response_ns == next_ns and not self._is_taken(venue.response_cause, position):
                response_ns = NEVER_NS
            due_ns = engine.due_by(next_ns)
            first_ns = min(scheduled_ns, response_ns, due_ns)
            if first_ns > next_ns:
                return min(scheduled_ns, horizon_ns)
            if scheduled_ns == first_ns:
                self._apply_scheduled(position)
            elif response_ns == first_ns:
                self._apply_response(position)
            else:
                self._apply(_tick(due_ns), position)

    def _is_taken(self, cause: tuple[int, int] | None, position: int) -> bool:
        """Tell whether the record that causes a response lies before a position; what no record causes waits for none."""
        if cause is None:
            return True
        stream, place = cause
        return self._merged.position_of(position)[stream] > place

    def _after_cause(self, chunk: Chunk, at: int, end: int) -> int:
        """Return where the records end that a response of their own time follows."""
        cause = self._venue.response_cause
        stop = at + 1
        while stop < end and not self._is_taken(cause, chunk.first + stop):
            stop += 1
        return stop

    def _take_rest(self) -> None:
        """After the last record: responses on their way still arrive, and what is due until then is due; then time ends.

        It ends in any case after `REST_NS`: a venue that refuses every cancel would be asked again for ever.
        """
        position, until_ns = len(self._merged), self._engine.now_ns + REST_NS
        while True:
            response_ns = self._venue.next_response_ns(NEVER_NS - 1)
            due_ns = max(self._engine.next_due(), self._engine.now_ns)
            if response_ns >= NEVER_NS or min(response_ns, due_ns) > until_ns:
                return
            if response_ns <= due_ns:
                self._apply_response(position)
            else:
                self._apply(_tick(due_ns), position)

    def _apply_scheduled(self, position: int) -> None:
        message = self._scheduled.pop()
        self._scheduled_ns = _time_of_last(self._scheduled)
        self._apply(message, position)

    def _apply_response(self, position: int) -> None:
        response = self._venue.next_response()
        if response.last_quantity_nanos:
            self.tally.fills += 1
        self._apply(response, position)

    def _apply(self, message: AnyInput, position: int) -> None:
        """Apply an input under its own id and receive time; without a correlation it begins a story of its own."""
        engine, n = self._engine, self._n + 1
        identity = event_id(self._session, n, 0)
        timestamp = max(message.timestamp, engine.now_ns)
        message = replace(message, event_id=identity, timestamp=timestamp, correlation_id=message.correlation_id or identity)
        for sink in self._sinks:
            sink.input(n, message)
        self._n = n
        engine.apply(message)
        self._take_acts(n, position)

    def _take_acts(self, n: int, position: int) -> None:
        """Tell the sinks of what was fed up to input n and done, and carry the commands out."""
        engine, told, self._n = self._engine, self._n, n
        acts = engine.take_acts()
        for sink in self._sinks:
            _tell(sink, acts, told=told, n_last=n)
        commands = self.tally.count(acts) if acts else ()
        if commands:
            taken, sent_ns = self._merged.position_of(position), engine.now_ns
            for command in commands:
                self._venue.command(command, sent_ns=sent_ns, taken=taken)


def _tell(sink: Sink, acts: Sequence[NumberedAct], *, told: int, n_last: int) -> None:
    for n, k, act in acts:
        if n > told:
            sink.span(told + 1, n - told)
            told = n
        sink.act(n, k, act)
    if n_last > told:
        sink.span(told + 1, n_last - told)


def _tick(due_ns: int) -> Tick:
    return Tick(event_id="", timestamp=due_ns, symbol="", strategy_id="", correlation_id="")


def _time_of_last(scheduled: Sequence[AnyInput]) -> int:
    return scheduled[-1].timestamp if scheduled else NEVER_NS
