"""Listed events reach a running trader: those under way before anything may enter, the others when their windows begin."""

import asyncio

import pytest

from tests.contract.markets import START_NS
from tests.service.making import SECOND, Office
from tidegate.events.acts import RiskDecision
from tidegate.events.inputs import EventListed
from tidegate.service.desk import DeskSettings
from tidegate.service.listing import begun, tell_events, to_come
from tidegate.service.sequencer import SequencerSettings
from tidegate.strategies.strategy import Intent
from tidegate.values.enums import Side
from tidegate.venues.waiting import PIECE_NS

pytestmark = pytest.mark.req("A1.3")


def event(title: str, from_s: float, until_s: float, symbol: str = "AAA") -> EventListed:
    return EventListed(
        event_id="",
        timestamp=0,
        symbol=symbol,
        strategy_id="",
        correlation_id="",
        from_ns=START_NS + int(from_s * SECOND),
        until_ns=START_NS + int(until_s * SECOND),
        title=title,
    )


def test_what_is_under_way_and_what_is_to_come_at_a_moment() -> None:
    past, now, edge, soon, later = (
        event("past", 0, 10),
        event("now", 5, 20),
        event("edge", 10, 11),
        event("soon", 11, 12),
        event("later", 90, 99),
    )
    events = [later, past, soon, now, edge]
    at_ns = START_NS + 10 * SECOND
    assert begun(events, at_ns) == [now, edge]
    assert to_come(events, at_ns) == [soon, later]


class Waits:
    """Waits by moving a manual clock; every one is kept."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.asked: list[int] = []

    async def __call__(self, duration_ns: int) -> None:
        self.asked.append(duration_ns)
        self.office.clock.advance(duration_ns)
        await asyncio.sleep(0)


@pytest.mark.asyncio
async def test_each_event_is_told_when_its_window_begins_and_entries_are_off_within_it() -> None:
    office = Office()
    waits, turned = Waits(office), []
    now_s = (office.clock.now_ns() - START_NS) / SECOND
    near, far = event("near", now_s + 5, now_s + 8, symbol=""), event("far", now_s + 9_000, now_s + 9_100)
    await tell_events(to_come([far, near], office.clock.now_ns()), office.desk.sequencer, office.clock, waits, lambda: turned.append(1))
    office.turn()
    told = office.messages(EventListed)
    assert [(one.title, one.timestamp) for one in told] == [("near", near.from_ns), ("far", far.from_ns)]
    assert waits.asked[0] == 5 * SECOND
    assert max(waits.asked) == PIECE_NS
    assert len(turned) == 2


@pytest.mark.parametrize("symbol", ["", "AAA"])
def test_an_event_that_is_under_way_keeps_entries_off_until_it_is_over(symbol: str) -> None:
    office = Office()
    now_s = (office.clock.now_ns() - START_NS) / SECOND
    office.desk.sequencer.offer(event("earnings", now_s - 5, now_s + 0.35, symbol))
    office.turn()
    assert "no_news" in _refused(office)
    for _ in range(4):
        office.quote()
    assert "no_news" not in _refused(office)


@pytest.mark.asyncio
async def test_what_the_queue_has_no_room_for_is_told_as_soon_as_it_has() -> None:
    office = Office(settings=DeskSettings(sequencer=SequencerSettings(messages_max=2)))
    while office.desk.sequencer.offer(office.plan.scheduled[0]):
        pass

    async def wait(_duration_ns: int) -> None:
        office.turn()

    await tell_events([event("now", 0, 99)], office.desk.sequencer, office.clock, wait, lambda: None)
    office.turn()
    assert [one.title for one in office.messages(EventListed)] == ["now"]


def _refused(office: Office) -> tuple[str, ...]:
    """Let the strategy ask for an entry; return what is against it."""
    office.answer = Intent(side=Side.BUY, reason="a test", quantity=1.0)
    office.quote()
    return tuple(office.messages(RiskDecision)[-1].refusals)
