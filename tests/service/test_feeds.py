"""The feeds: market data waits in its socket while the log's disk is behind, and what cannot be taken in is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import numpy as np
import pytest

from tests.service.making import SECOND, Office, shown
from tests.service.test_reconcile import begun
from tidegate.events.acts import RiskDecision
from tidegate.events.inputs import EventListed, StreamChanged
from tidegate.events.records import CORRECTION, QUOTE, RECORD, REGULAR, STATUS, STATUS_HALT, STATUS_RESUME, TRADE
from tidegate.journal.errors import LogBehindError, LogFailedError
from tidegate.service.desk import DeskSettings
from tidegate.service.doubts import TELL_EVERY_NS, Doubts
from tidegate.service.feeds import Feeds, StreamLostForGoodError
from tidegate.service.sequencer import SequencerSettings
from tidegate.service.words import order_event
from tidegate.strategies.strategy import Intent
from tidegate.values.enums import OrderEventKind, OrderState, ReportCause, Side
from tidegate.values.errors import ExitCode, TidegateError
from tidegate.values.money import NANOS
from tidegate.venues.port import Headline, MarketData, OrderNews, Quarantined, StreamDown, StreamUp

pytestmark = [pytest.mark.req("B1.2", "B4.1"), pytest.mark.asyncio]


class SlowLog:
    """What a feed asks of a log."""

    def __init__(self) -> None:
        self.is_pressed = False
        self.failed: TidegateError | None = None
        self.room = asyncio.Event()
        self.waited = 0
        self.kept: list[bytes] = []

    def evidence(self, raw: bytes) -> None:
        self.kept.append(raw)

    async def wait_room(self) -> None:
        self.waited += 1
        await self.room.wait()


class Stream:
    """Gives items and counts how many were asked for."""

    def __init__(self, items: Sequence[object]) -> None:
        self._items = items
        self.given = 0

    async def items(self) -> AsyncIterator[Any]:
        for item in self._items:
            self.given += 1
            yield item


def quotes(office: Office, count: int) -> MarketData:
    rows = np.zeros(count, RECORD)
    rows["ts_event"] = rows["ts_recv"] = office.desk.sequencer.now_ns()
    rows["kind"], rows["a"], rows["b"], rows["c"], rows["d"] = QUOTE, 20 * NANOS, 20 * NANOS + NANOS // 100, 50 * NANOS, 50 * NANOS
    return MarketData(records=rows)


def feeds(office: Office, log: SlowLog) -> Feeds:
    doubts = Doubts(office.clock, office.told.append)
    return Feeds(office.desk, log, lambda: None, doubts)  # type: ignore[arg-type]  # all that a feed asks of a log


async def rounds(met: Callable[[], bool] = lambda: False, most: int = 50) -> None:
    """Let the loop go round until something is so, or nothing can follow any more."""
    for _ in range(most):
        if met():
            return
        await asyncio.sleep(0)


async def test_the_socket_waits_while_the_disk_is_behind_and_nothing_is_dropped() -> None:
    office, log = Office(), SlowLog()
    stream = Stream([quotes(office, 3) for _ in range(4)])
    log.is_pressed = True
    reading = asyncio.create_task(feeds(office, log).market(stream))  # type: ignore[arg-type]  # likewise
    await rounds()
    assert (stream.given, log.waited) == (1, 1)
    assert office.desk.sequencer.waiting == 3
    log.is_pressed = False
    log.room.set()
    await reading
    assert stream.given == 4
    assert office.desk.sequencer.waiting == 12


async def test_nobody_waits_for_a_log_that_has_ended() -> None:
    office, log = Office(), SlowLog()
    log.is_pressed, log.failed = True, TidegateError("The disk is gone.")
    stream = Stream([quotes(office, 1) for _ in range(3)])
    await asyncio.wait_for(feeds(office, log).market(stream), 10)  # type: ignore[arg-type]  # likewise
    assert (stream.given, log.waited) == (3, 0)


@pytest.mark.parametrize("error", [LogBehindError("Its disk is slow."), LogFailedError("It ended just now.")])
async def test_news_of_orders_are_taken_in_where_the_log_has_no_room_for_their_bytes(error: TidegateError) -> None:
    class FullLog(SlowLog):
        def evidence(self, raw: bytes) -> None:
            del raw
            raise error

    office = begun()
    office.enter()
    send = office.let_go()
    event = order_event(shown(send, OrderState.ACCEPTED), office.desk.engine.books.working_orders()[0], working=OrderEventKind.ACCEPTED)
    news = OrderNews(payload=b"{}", recv_ns=0, events=(event,), order=None)
    await feeds(office, FullLog()).orders(Stream([news]))  # type: ignore[arg-type]  # likewise
    office.turn()
    assert office.desk.engine.books.working_orders()[0].state is OrderState.ACCEPTED


async def test_records_for_which_there_is_no_room_are_told_as_a_loss() -> None:
    office = Office(settings=DeskSettings(sequencer=SequencerSettings(records_max=4)))
    await feeds(office, SlowLog()).market(Stream([quotes(office, 3), quotes(office, 3)]))  # type: ignore[arg-type]  # likewise
    office.turn()
    told = [(message.up, message.reason) for message in office.messages(StreamChanged) if message.stream == "market"]
    assert told == [(False, "3 market records were too many to take in"), (True, "there is room again")]


async def test_a_stream_that_is_lost_for_good_ends_the_trader_with_why() -> None:
    office = Office()
    up = StreamUp(stream="market", at_ns=0, attempt=1)
    down = StreamDown(stream="market", at_ns=0, reason="another connection of this key holds it", final=True)
    with pytest.raises(
        StreamLostForGoodError, match=r"is lost for good \(another connection of this key holds it\); correct that, then start again\.$"
    ) as raised:
        await feeds(office, SlowLog()).market(Stream([up, down]))  # type: ignore[arg-type]  # likewise
    assert raised.value.exit_code is ExitCode.ENVIRONMENT
    office.turn()
    assert [message.up for message in office.messages(StreamChanged)][-1] is False


@pytest.mark.req("B3.6")
@pytest.mark.parametrize("name", ["market", "orders"])
async def test_an_attempt_that_comes_to_nothing_breaks_nothing_and_a_trusted_stream_breaks_once(name: str) -> None:
    """A trader that takes over while the one before still holds the connection is refused often: that is no storm."""
    office = Office()
    up = StreamUp(stream=name, at_ns=0, attempt=1)
    down = StreamDown(stream=name, at_ns=0, reason="another connection of this key holds it")
    for items, losses in (([down] * 9, 0), ([up, down, down, down], 1), ([up, down, up, down], 2)):
        found = feeds(office, SlowLog())
        follow: Callable[[Stream], Awaitable[None]] = getattr(found, name)
        await follow(Stream(items))
        assert found.losses == losses


@pytest.mark.req("I3", "G5")
async def test_a_market_message_that_is_not_understood_is_counted_and_told_once_a_minute() -> None:
    office = Office()
    doubts = Doubts(office.clock, office.told.append)
    found = Feeds(office.desk, SlowLog(), lambda: None, doubts)  # type: ignore[arg-type]  # all that a feed asks of a log
    bad = Quarantined(payload=b"{}", recv_ns=0, doubt="quote.bp:\n'many'")
    await found.market(Stream([bad, bad, bad]))  # type: ignore[arg-type]  # likewise
    assert office.told == ["A message of the venue was not understood and not used, the newest of market: quote.bp: 'many'"]
    assert (doubts.count, doubts.newest) == (3, "market: quote.bp: 'many'")
    office.clock.advance(TELL_EVERY_NS)
    await found.market(Stream([bad]))  # type: ignore[arg-type]  # likewise
    assert office.told[1:] == ["3 messages of the venue were not understood and not used, the newest of market: quote.bp: 'many'"]


@pytest.mark.req("I3", "B2.3")
async def test_news_of_an_order_that_are_not_understood_are_kept_told_and_read_up() -> None:
    office, log = begun(), SlowLog()
    doubts = Doubts(office.clock, office.told.append)
    news = OrderNews(payload=b"raw", recv_ns=0, events=(), order=None, doubts=("event: 'vanished'",))
    await Feeds(office.desk, log, lambda: None, doubts).orders(Stream([news]))  # type: ignore[arg-type]  # likewise
    assert log.kept == [b"raw"]
    assert doubts.newest == "orders: event: 'vanished'"
    assert office.told == ["A message of the venue was not understood and not used, the newest of orders: event: 'vanished'"]
    office.wait(2)
    assert [read.cause for read in office.reads()] == [ReportCause.READ_BACK]


def headline(*symbols: str, title: str = "Recall\nof everything") -> Headline:
    return Headline(news_id="1", symbols=symbols, title=title, summary="", source="", url="", ts_ns=1, recv_ns=2)


@pytest.mark.req("A1.1", "G5")
async def test_news_make_the_symbols_that_they_name_newsy_for_a_while() -> None:
    office = Office()
    items = [StreamUp(stream="news", at_ns=0, attempt=1), headline("AAA", "ELSEWHERE", "AAA"), headline(), headline("ELSEWHERE")]
    now_ns = office.desk.sequencer.now_ns()
    await feeds(office, SlowLog()).news(Stream(items), {"AAA", "BBB"}, 120 * SECOND, office.told.append)  # type: ignore[arg-type]  # likewise
    office.turn()
    (told,) = office.messages(EventListed)
    assert (told.symbol, told.from_ns, told.until_ns, told.title) == ("AAA", now_ns, now_ns + 120 * SECOND, "news: Recall of everything")
    office.answer = Intent(side=Side.BUY, reason="a test", quantity=1.0)
    office.quote()
    assert "no_news" in office.messages(RiskDecision)[-1].refusals
    assert office.told == []


@pytest.mark.req("A1.1")
async def test_a_lost_stream_of_news_is_told_once_and_stops_nothing() -> None:
    office = Office()
    up, down = StreamUp(stream="news", at_ns=0, attempt=1), StreamDown(stream="news", at_ns=0, reason="it reported an error")
    bad = Quarantined(payload=b"{}", recv_ns=0, doubt="news.created_at")
    last = StreamDown(stream="news", at_ns=0, reason="this stream is not enabled for the account", final=True)
    stream = Stream([up, down, down, bad, up, down, last, headline("AAA")])
    found = feeds(office, SlowLog())
    await found.news(stream, {"AAA"}, SECOND, office.told.append)  # type: ignore[arg-type]  # likewise
    lost = "The stream of news is lost (it reported an error); news keep no entry off until it is back."
    doubt = "A message of the venue was not understood and not used, the newest of news: news.created_at"
    why = "this stream is not enabled for the account"
    final = f"The stream of news is lost ({why}); news keep no entry off, and it will not come back by itself."
    assert office.told == [lost, doubt, lost, final]
    assert (stream.given, found.losses) == (7, 0)
    office.turn()
    assert office.messages(EventListed) == []
    assert [message for message in office.messages(StreamChanged) if message.stream == "news"] == []


def market(office: Office, *kinds: tuple[int, int, int], late_s: float = 1.0) -> MarketData:
    """Return records of the first symbol (kind, a, flags), each a second after now by the venue's clock."""
    rows = np.zeros(len(kinds), RECORD)
    rows["ts_recv"] = office.desk.sequencer.now_ns()
    rows["ts_event"] = rows["ts_recv"] + int(late_s * SECOND)
    rows["b"] = NANOS
    for row, (kind, a, flags) in zip(rows, kinds, strict=True):
        row["kind"], row["a"], row["flags"] = kind, a, flags
    return MarketData(records=rows)


async def halted_after(office: Office, *items: object) -> bool:
    await feeds(office, SlowLog()).market(Stream(items))  # type: ignore[arg-type]  # likewise
    office.wait(2.0)
    return office.engine.books.halted() == [0]


UP = StreamUp(stream="alpaca market", at_ns=0, attempt=1)
PRINT = (TRADE, 20 * NANOS, REGULAR)
HALT, RESUME = (STATUS, STATUS_HALT, 0), (STATUS, STATUS_RESUME, 0)


@pytest.mark.req("B4.3", "F1")
async def test_a_halt_whose_resumption_was_missed_ends_with_the_first_regular_print() -> None:
    office = Office()
    assert await halted_after(office, UP, market(office, HALT), market(office, PRINT)), "what is heard is believed"
    assert await halted_after(office, UP, market(office, (TRADE, 20 * NANOS, 0), (TRADE, 20 * NANOS, REGULAR | CORRECTION)))
    assert await halted_after(office, UP, market(office, PRINT, late_s=-5.0)), "a late print of the time before"
    assert await halted_after(office, UP, market(office, HALT, PRINT)), "it was told anew"
    assert not await halted_after(office, UP, market(office, PRINT))
    assert not await halted_after(office, UP, market(office, HALT, RESUME))


@pytest.mark.req("B4.3")
async def test_a_print_that_ends_a_halt_has_it_end_before_itself() -> None:
    office = Office()
    assert await halted_after(office, UP, market(office, HALT))
    assert await halted_after(office, UP, market(office, PRINT, HALT)), "halted again right after"
    assert not await halted_after(office, UP, market(office, PRINT, PRINT))
