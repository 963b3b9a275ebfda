"""Tells the engine the configuration's listed events, each when its window begins: a window that it is not told of does not exist."""

from collections.abc import Callable, Sequence

from tidegate.clock.clock import Clock
from tidegate.events.inputs import EventListed
from tidegate.service.sequencer import Sequencer
from tidegate.values.time import SECOND_NS
from tidegate.venues.waiting import PIECE_NS, Wait


def begun(events: Sequence[EventListed], now_ns: int) -> list[EventListed]:
    """Return the events whose windows are open: a start tells them before anything can enter."""
    return [event for event in events if event.from_ns <= now_ns < event.until_ns]


def to_come(events: Sequence[EventListed], now_ns: int) -> list[EventListed]:
    """Return the events whose windows begin later, in that order."""
    return sorted((event for event in events if event.from_ns > now_ns), key=lambda event: event.from_ns)


async def tell_events(coming: Sequence[EventListed], sequencer: Sequencer, clock: Clock, wait: Wait, turn: Callable[[], None]) -> None:
    """Tell each event of `to_come` when its window begins; end after the last one."""
    for event in coming:
        while (left_ns := event.from_ns - clock.now_ns()) > 0:
            await wait(min(left_ns, PIECE_NS))  # in pieces: clocks may be set meanwhile, and a loop does not count a machine's sleep
        while not sequencer.offer(event):
            await wait(SECOND_NS)
        turn()
