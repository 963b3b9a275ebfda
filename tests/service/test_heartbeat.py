"""Beats on a pipe: whole, with the time at which they were made, and never a reason for the trader to wait."""

import asyncio
import os
from collections.abc import Iterator

import pytest

from tidegate.clock.clock import ManualClock
from tidegate.service.heartbeat import BEAT_NS, Beat, Heart, Pulse, Stage
from tidegate.values.time import SECOND_NS

pytestmark = pytest.mark.req("F1")


class Pipe:
    """Both ends, and how often the supervisor was found gone."""

    def __init__(self) -> None:
        reading, writing = os.pipe()
        self.clock = ManualClock()
        self.orphaned = 0
        self.heart = Heart(writing, self.clock, orphaned=self._lost)
        self.pulse = Pulse(reading)

    def _lost(self) -> None:
        self.orphaned += 1


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.heart.close()


def test_the_newest_beat_says_when_it_was_made_and_how_far_the_trader_is(pipe: Pipe) -> None:
    assert pipe.pulse.read() is None
    assert pipe.heart.beat()
    pipe.clock.advance(BEAT_NS)
    pipe.heart.stage = Stage.READY
    assert pipe.heart.beat()
    pipe.clock.advance(SECOND_NS)
    assert pipe.pulse.read() == Beat(BEAT_NS, Stage.READY)
    assert pipe.pulse.read() == Beat(BEAT_NS, Stage.READY)
    pipe.pulse.close()


def test_a_supervisor_that_does_not_read_holds_nobody_up_and_finds_whole_beats_later(pipe: Pipe) -> None:
    for _ in range(20_000):  # more than any pipe holds
        assert pipe.heart.beat()
        pipe.clock.advance(1)
    newest = pipe.pulse.read()
    assert newest is not None
    assert 0 < newest.made_ns < 20_000
    pipe.heart.beat()
    assert pipe.pulse.read() == Beat(20_000, Stage.STARTING)
    pipe.pulse.close()


@pytest.mark.asyncio
async def test_a_loop_beats_twice_a_second_and_learns_that_the_supervisor_is_gone(pipe: Pipe) -> None:
    waited: list[int] = []

    async def wait(duration_ns: int) -> None:
        waited.append(duration_ns)
        if len(waited) == 3:
            pipe.pulse.close()
        await asyncio.sleep(0)

    await pipe.heart.beat_for_ever(wait)
    assert waited == [BEAT_NS] * 3
    assert pipe.orphaned == 1


def test_a_process_started_by_the_trader_does_not_inherit_its_pulse(pipe: Pipe) -> None:
    assert not os.get_inheritable(pipe.heart._handle)
    pipe.pulse.close()
