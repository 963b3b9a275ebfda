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
from tidegate.venues.sim.responses import order_event
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
        self._sinks: Final = tuple(sinks)
        self._batch: Final = batch
        self._progress = progress
        self._told_n = 0  # inputs the sinks know of
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
            next_ns = int(times[at])
            self._take_others_before(next_ns, chunk, at)
            at = self._feed(chunk, tape, at, end, next_ns)

    def _feed(self, chunk: Chunk, tape: U8, at: int, end: int, now_ns: int) -> int:
        """Feed up to whatever else comes first; return where that is."""
        horizon_ns = self._venue.next_response_ns()
        if self._scheduled and self._scheduled[-1].timestamp < horizon_ns:
            horizon_ns = self._scheduled[-1].timestamp
        stop = min(end, at + self._batch)
        if horizon_ns <= now_ns:  # a response of this very time waits for the record that causes it
            stop, horizon_ns = min(stop, self._after_cause(chunk, at, end)), now_ns + 1
        after = self._engine.feed(tape, at, stop, horizon_ns)
        self._take_acts(chunk.first + after)
        return after

    def _take_others_before(self, next_ns: int, chunk: Chunk, at: int) -> None:
        """Deliver scheduled inputs, responses and ticks that come before the record in hand."""
        while True:
            scheduled_ns = self._scheduled[-1].timestamp if self._scheduled else NEVER_NS
            response_ns = self._response_before(next_ns, chunk, at)
            due_ns = max(self._engine.due_by(next_ns), self._engine.now_ns)
            first_ns = min(scheduled_ns, response_ns, due_ns)
            if first_ns > next_ns:
                return
            if scheduled_ns == first_ns:
                self._apply(self._scheduled.pop(), chunk.first + at)
            elif response_ns == first_ns:
                self._apply_response(chunk.first + at)
            else:
                self._apply(_tick(due_ns), chunk.first + at)

    def _response_before(self, next_ns: int, chunk: Chunk, at: int) -> int:
        """Return when a response comes that precedes the record in hand; NEVER_NS if none does."""
        venue = self._venue
        response_ns = venue.next_response_ns()
        while response_ns <= next_ns and not venue.response_known:
            response_ns = venue.next_response_ns()
        if response_ns > next_ns:
            return NEVER_NS
        cause = venue.response_cause
        if response_ns == next_ns and cause is not None and not self._is_taken(cause, chunk.first + at):
            return NEVER_NS
        return response_ns

    def _is_taken(self, cause: tuple[int, int], position: int) -> bool:
        stream, place = cause
        return self._merged.position_of(position)[stream] > place

    def _after_cause(self, chunk: Chunk, at: int, end: int) -> int:
        """Return where the records end that a response of their own time follows."""
        cause = self._venue.response_cause
        assert cause is not None
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
            response_ns = self._venue.next_response_ns()
            while response_ns < NEVER_NS and not self._venue.response_known:
                response_ns = self._venue.next_response_ns()
            due_ns = max(self._engine.next_due(), self._engine.now_ns)
            if response_ns >= NEVER_NS or min(response_ns, due_ns) > until_ns:
                return
            if response_ns <= due_ns:
                self._apply_response(position)
            else:
                self._apply(_tick(due_ns), position)

    def _apply(self, message: AnyInput, position: int) -> None:
        """Apply an input under its own id and receive time."""
        n = self._engine.n + 1
        identity = event_id(self._session, n, 0)
        timestamp = max(message.timestamp, self._engine.now_ns)
        message = replace(message, event_id=identity, timestamp=timestamp, correlation_id=message.correlation_id or identity)
        self._deliver(n, message, position)

    def _apply_response(self, position: int) -> None:
        """Apply the venue's next response; its correlation is its command's."""
        engine, response = self._engine, self._venue.next_response()
        n, now_ns = engine.n + 1, engine.now_ns
        heard_ns = response.ts_recv
        identity = event_id(self._session, n, 0)
        self._deliver(n, order_event(response, event_id=identity, timestamp=max(now_ns, heard_ns)), position)

    def _deliver(self, n: int, message: AnyInput, position: int) -> None:
        for sink in self._sinks:
            sink.input(n, message)
        self.tally.count_input(message)
        self._told_n = n
        self._engine.apply(message)
        self._take_acts(position)

    def _take_acts(self, position: int) -> None:
        """Tell the sinks of what was fed and done, and carry the commands out."""
        engine, told = self._engine, self._told_n
        n = engine.n
        self.tally.events += n - told
        self._told_n = n
        acts = engine.take_acts()
        for sink in self._sinks:
            _tell(sink, acts, told=told, n_last=n)
        if not acts:
            return
        commands = self.tally.count(acts)
        if commands:
            taken = self._merged.position_of(position)
            for command in commands:
                self._venue.command(command, sent_ns=engine.now_ns, taken=taken)


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
