"""Spies that stand between the replay's loop and the engine or the venue: they look at each step and change none."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tidegate.engine.engine import Engine
from tidegate.events.acts import OrderCommand
from tidegate.events.inputs import AnyInput, OrderEvent, Tick
from tidegate.events.records import RECORD
from tidegate.kernel.layout import U8
from tidegate.venues.sim.responses import Cause
from tidegate.venues.sim.venue import SimVenue


class Heard(NamedTuple):
    """A response as it was delivered: how many records were taken in by then, and by the last command before it."""

    response: OrderEvent
    cause: Cause | None
    records_taken: int
    commanded_at: int  # -1: never


class EngineSpy:
    """Holds `feed` and `apply` to the rules of batches and ticks; `after` is called after every step."""

    def __init__(self, engine: Engine, after: Callable[[Engine], None] | None = None) -> None:
        self._engine = engine
        self._after = after
        self.records_taken = 0
        self.steps = 0

    def __getattr__(self, name: str) -> Any:
        """What the spy has no opinion on is asked of the engine."""
        return getattr(self._engine, name)

    def feed(self, tape: U8, start: int, stop: int, horizon_ns: int) -> int:
        engine = self._engine
        times = tape.view(RECORD)["ts_recv"]
        n, due_ns = engine.n, engine.next_due()
        after = engine.feed(tape, start, stop, horizon_ns)
        assert start <= after <= stop
        assert engine.n == n + after - start, "every record is an input of its own"
        if after > start:
            assert times[start] < due_ns, "a record was taken past what was due"
            assert times[after - 1] < horizon_ns, "a record was taken at or past the horizon"
            assert engine.now_ns == times[after - 1]
        if after < stop and after > start:
            self._check_stop(int(times[after]), n + 1, horizon_ns)
        self.records_taken += after - start
        self._step()
        return after

    def apply(self, message: AnyInput) -> None:
        engine = self._engine
        n = engine.n
        if isinstance(message, Tick):
            assert message.timestamp == max(engine.next_due(), engine.now_ns), "a tick comes when something is due, not later"
        engine.apply(message)
        assert engine.n == n + 1
        self._step()

    def _check_stop(self, next_ns: int, n_first: int, horizon_ns: int) -> None:
        """The engine stops for four reasons only, and a record that commands is the last one taken."""
        commands = [n for n, _k, act in self._engine._core.acts if type(act) is OrderCommand and n >= n_first]
        reasons = (next_ns >= horizon_ns, next_ns >= self._engine.next_due(), bool(commands))
        assert any(reasons), "the engine stopped for no reason"
        assert all(n == self._engine.n for n in commands), "a record was taken after one that yielded a command"

    def _step(self) -> None:
        self.steps += 1
        if self._after is not None:
            self._after(self._engine)


class VenueSpy:
    """Notes what was delivered when, and that the loop asks for nothing that is not known."""

    def __init__(self, venue: SimVenue, engine: EngineSpy) -> None:
        self._venue = venue
        self._engine = engine
        self._commanded_at = -1
        self.heard: list[Heard] = []
        self.sent: list[tuple[OrderCommand, int]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._venue, name)

    def next_response(self) -> OrderEvent:
        assert self._venue.response_known
        cause = self._venue.response_cause
        response = self._venue.next_response()
        self.heard.append(Heard(response, cause, self._engine.records_taken, self._commanded_at))
        return response

    def command(self, command: OrderCommand, *, sent_ns: int, taken: Sequence[int]) -> None:
        assert sum(taken) == self._engine.records_taken, "the venue is told exactly what the engine had taken in"
        assert sent_ns == command.timestamp == self._engine.now_ns
        self._commanded_at = self._engine.records_taken
        self.sent.append((command, sent_ns))
        self._venue.command(command, sent_ns=sent_ns, taken=taken)


def spies(after: Callable[[Engine], None] | None = None) -> tuple[Callable[[Engine, SimVenue], tuple[Any, Any]], list[Any]]:
    """Return a `watch` for `run`, and the list in which the two spies will stand."""
    made: list[Any] = []

    def watch(engine: Engine, venue: SimVenue) -> tuple[Any, Any]:
        spy = EngineSpy(engine, after)
        made.extend((spy, VenueSpy(venue, spy)))
        return made[0], made[1]

    return watch, made


def first_at(times: Any, time_ns: int) -> int:
    """Return the place of the first record received at or after a time."""
    return int(np.searchsorted(times, time_ns, side="left"))
