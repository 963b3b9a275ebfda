"""What the breakers are told is measured rightly, and what they say reaches the engine."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.control.asking import private
from tests.service.making import Office, shown
from tests.service.test_breakers import SETTINGS
from tidegate.clock.clock import ManualClock
from tidegate.events.inputs import GateSet
from tidegate.service.breakers import BreakerSettings
from tidegate.service.doubts import Doubts
from tidegate.service.feeds import Feeds
from tidegate.service.measuring import SKEW_EVERY_S, Measuring, Subjects
from tidegate.service.surroundings import Surroundings
from tidegate.values.enums import GateScope, GateState, OrderState
from tidegate.values.time import SECOND_NS
from tidegate.venues.alpaca.client import KEEPALIVE_S
from tidegate.venues.errors import Unreachable
from tidegate.venues.port import OrderNews, StreamDown, StreamUp

pytestmark = pytest.mark.req("B3.6")


class Streams:
    """An order stream that says what it is told to."""

    def __init__(self, *items: Any) -> None:
        self.told = items

    async def items(self) -> Any:
        for item in self.told:
            yield item


class Bench:
    """A desk, its feeds and a client with counters, measured on a manual clock."""

    def __init__(self, home: Path, settings: BreakerSettings = SETTINGS) -> None:
        self.office = Office()
        self.turns = SimpleNamespace(limiter=SimpleNamespace(throttled=0))
        self.reference = SimpleNamespace(skew_ns=self.skew)
        self.skew_told: tuple[int, int] | Exception = (0, 0)
        client = SimpleNamespace(trading_turns=self.turns, data_turns=self.turns, reference=self.reference)
        self.log = SimpleNamespace(failed=None, is_pressed=False, durable_n=0, evidence=lambda _payload: None)
        self.feeds = Feeds(self.office.desk, cast("Any", self.log), lambda: None, Doubts(self.office.clock, self.office.told.append))
        self.around = Surroundings("paper", private(home), (), ManualClock(0))
        self.clock = ManualClock(0)
        self.said: list[str] = []
        self.woken = 0
        on = Subjects(self.office.desk, cast("Any", self.log), self.feeds, cast("Any", client), self.around, 2.0)
        self.measuring = Measuring(on, settings, self.clock, self.wake, self.said.append)

    def wake(self) -> None:
        self.woken += 1

    async def skew(self) -> tuple[int, int]:
        if isinstance(self.skew_told, Exception):
            raise self.skew_told
        return self.skew_told

    def stream(self, *items: Any) -> None:
        asyncio.run(self.feeds.orders(cast("Any", Streams(*items))))

    def up(self) -> None:
        self.stream(StreamUp(stream="orders", at_ns=0, attempt=1))

    async def run_for(self, rounds: int) -> None:
        task = asyncio.create_task(self.measuring.measure_for_ever())
        for _ in range(rounds):
            await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.wait([task])


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "home")


def test_a_trip_reaches_the_engine_and_is_said_once(bench: Bench) -> None:
    bench.turns.limiter.throttled = 3  # of each of the two
    bench.measuring.round()
    assert bench.woken == 1
    assert "rule:storm:rate-limited" in bench.said[0]
    bench.office.turn()
    assert bench.office.desk.engine.books.gate(GateScope.ACCOUNT, "test") is GateState.REDUCE_ONLY
    (gate,) = bench.office.messages(GateSet)
    assert gate.reason.startswith("the venue refused 6 requests as too many within 60 s")
    bench.measuring.round()
    assert len(bench.said) == 1


def test_a_stream_that_is_away_owes_its_news_from_then_on(bench: Bench) -> None:
    bench.up()
    assert bench.feeds.owed_ns() == 0
    bench.stream(StreamDown(stream="orders", at_ns=0, reason="cut"))
    bench.office.clock.advance(8 * SECOND_NS)
    assert bench.feeds.owed_ns() == 8 * SECOND_NS
    assert bench.measuring.measured().silent_ns == 4 * SECOND_NS, "the venue's time runs twice as fast"
    assert bench.measuring.measured().losses == 1
    bench.up()
    assert bench.feeds.owed_ns() == 0


def test_a_stream_that_is_up_and_does_not_tell_of_an_order_the_venue_took_owes_it(bench: Bench) -> None:
    bench.up()
    office = bench.office
    office.clock.advance(SECOND_NS)
    office.enter()
    send = office.let_go()
    office.clock.advance(SECOND_NS)
    assert bench.feeds.owed_ns() == 0, "it has not been taken yet"
    office.desk.answered(send, shown(send, OrderState.ACCEPTED))
    office.turn()
    office.clock.advance(7 * SECOND_NS)
    assert bench.feeds.owed_ns() == 7 * SECOND_NS
    bench.stream(OrderNews(payload=b"{}", recv_ns=0, events=(), order=None))
    assert bench.feeds.owed_ns() == 0


def test_a_log_that_is_behind_and_gets_no_further_waits(bench: Bench) -> None:
    assert bench.office.desk.engine.n > 5
    bench.log.durable_n = 5
    assert bench.measuring.measured().log_wait_ns == 0
    bench.clock.advance(3 * SECOND_NS)
    assert bench.measuring.measured().log_wait_ns == 3 * SECOND_NS
    bench.log.durable_n = 6
    assert bench.measuring.measured().log_wait_ns == 0
    bench.clock.advance(9 * SECOND_NS)
    bench.log.durable_n = bench.office.desk.engine.n
    assert bench.measuring.measured().log_wait_ns == 0, "nothing is behind"


def test_skew_is_what_is_off_for_certain_and_an_old_answer_is_none(bench: Bench) -> None:
    assert bench.measuring.measured().skew_ns is None
    bench.skew_told = (-6 * SECOND_NS, SECOND_NS)
    asyncio.run(bench.run_for(1))
    assert bench.measuring.measured().skew_ns == 5 * SECOND_NS
    bench.clock.advance(int(4 * SKEW_EVERY_S) * SECOND_NS)
    assert bench.measuring.measured().skew_ns == 5 * SECOND_NS
    bench.clock.advance(1)
    assert bench.measuring.measured().skew_ns is None


def test_the_question_for_the_time_keeps_a_connection_open_for_orders() -> None:
    assert SKEW_EVERY_S + 10 <= KEEPALIVE_S <= 50, "from one question to the next, and not as long as a load balancer keeps it (60 s)"


def test_a_venue_that_does_not_tell_its_time_is_not_seen(bench: Bench) -> None:
    bench.skew_told = Unreachable("no connection")
    asyncio.run(bench.run_for(1))
    assert bench.measuring.measured().skew_ns is None


def test_scarce_room_is_said_and_none_at_all_halts_everything(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    free = [9.9]
    monkeypatch.setattr(bench.around, "disk_free_percent", lambda: free[0])
    asyncio.run(bench.run_for(2))
    assert [said for said in bench.said if "9.9 %" in said]
    bench.office.turn()
    assert bench.office.desk.engine.books.closed_gates() == []
    free[0] = 1.9
    asyncio.run(bench.run_for(1))
    bench.measuring.round()
    bench.office.turn()
    assert bench.office.desk.engine.books.gate(GateScope.GLOBAL, "") is GateState.HALTED


def test_a_real_disk_has_some_room_and_a_missing_folder_cannot_be_seen(bench: Bench) -> None:
    free = bench.around.disk_free_percent()
    assert free is not None
    assert 0 < free <= 100
    bench.around.home.root.rmdir()
    assert bench.around.disk_free_percent() is None
