"""Brings the venue's streams to the desk: raw order-side messages into the log before anything is made of them, market data in bulk."""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Final, final

from tidegate.events.inputs import EventListed, StreamChanged
from tidegate.journal.errors import LogBehindError, LogFailedError
from tidegate.journal.live import LiveLog
from tidegate.service.desk import Desk
from tidegate.service.doubts import Doubts
from tidegate.service.halts import Halts
from tidegate.service.reconcile import STREAM as ORDERS
from tidegate.values.errors import ExitCode, TidegateError
from tidegate.venues.port import Headline, MarketData, MarketStream, OrderNews, OrderStream, Quarantined, StreamDown, StreamUp

MARKET: Final = "market"
NEWS: Final = "news"
TITLE_MAX: Final = 300  # characters of a headline that are kept


class StreamLostForGoodError(TidegateError):
    """A stream will not come back by itself: another connection holds it, or the key was refused."""

    exit_code = ExitCode.ENVIRONMENT


@final
class Feeds:
    """Reads both streams. What cannot be taken in is counted and told, never dropped in silence."""

    def __init__(self, desk: Desk, log: LiveLog, turn: Callable[[], None], doubts: Doubts) -> None:
        self._desk: Final = desk
        self._log: Final = log
        self._turn: Final = turn
        self._doubts: Final = doubts
        self._halts: Final = Halts(desk.engine.books.halted())
        self.market_up = False
        self.orders_up = False
        self.losses = 0  # of either stream, while it was trusted; attempts that come to nothing break nothing
        self._news_ns = self._orders_down_ns = 0  # receive time; 0: no news yet, the stream is not away

    def owed_ns(self) -> int:
        """Return for how long the order stream has been away, or has not told of an order that the venue has taken; 0: it owes nothing."""
        now_ns, times = self._desk.sequencer.now_ns(), self._desk.outbox.times
        if self._orders_down_ns:
            return now_ns - self._orders_down_ns
        if not self.orders_up:
            return 0
        working = (times.of(order.client_order_id) for order in self._desk.engine.books.working_orders())
        return max((now_ns - one.acked_ns for one in working if one.acked_ns and one.sent_ns > self._news_ns), default=0)

    async def orders(self, stream: OrderStream) -> None:
        """Follow the order stream until it ends.

        Raises:
            StreamLostForGoodError: it will not come back by itself.
        """
        async for item in stream.items():
            match item:
                case OrderNews():
                    self._news(item)
                case StreamUp():
                    self.orders_up, self._orders_down_ns = True, 0
                    self._news_ns = self._desk.sequencer.now_ns()  # what it missed was read at its start
                    self._desk.reconciler.stream_up()
                case StreamDown():
                    self.losses += self.orders_up
                    self.orders_up = False
                    self._orders_down_ns = self._orders_down_ns or self._desk.sequencer.now_ns()
                    self._desk.reconciler.stream_down(item.reason)
                    _check_final(item)
                case _:
                    pass  # what a resync has read: the reconciler reads it again, with the time each read began
            self._turn()

    async def market(self, stream: MarketStream) -> None:
        """Follow the market stream until it ends; raises as `orders` does."""
        async for item in stream.items():
            match item:
                case MarketData():
                    if not self._desk.sequencer.offer_records(self._halts.look(item.records)):
                        self._tell(up=False, reason=f"{len(item.records)} market records were too many to take in")
                        self._tell(up=True, reason="there is room again")
                    await self._keep_pace()
                case StreamUp():
                    self.market_up = True
                    self._halts.stream_up(self._desk.sequencer.now_ns())
                    self._tell(up=True, reason="subscribed and read up")
                case StreamDown():
                    self.losses += self.market_up
                    self.market_up = False
                    self._tell(up=False, reason=item.reason)
                    _check_final(item)
                case Quarantined():
                    self._doubts.note(MARKET, item.doubt)
                case Headline():
                    pass
            self._turn()

    async def news(self, stream: MarketStream, symbols: Collection[str], newsy_ns: int, tell: Callable[[str], None]) -> None:
        """Make the symbols that news name newsy for so long. Best effort: entries go on without it, and its end ends nothing else.

        Args:
            stream: of news alone.
            symbols: what is watched; news name others too.
            newsy_ns: how long.
            tell: is told when the stream is lost, once each time.
        """
        stood = True
        async for item in stream.items():
            match item:
                case Headline():
                    self._newsy(item, [symbol for symbol in dict.fromkeys(item.symbols) if symbol in symbols], newsy_ns)
                    self._turn()
                case StreamUp():
                    stood = True
                case StreamDown():
                    if stood or item.final:
                        back = ", and it will not come back by itself" if item.final else " until it is back"
                        tell(f"The stream of news is lost ({item.reason}); news keep no entry off{back}.")
                    stood = False
                    if item.final:
                        return
                case Quarantined():
                    self._doubts.note(NEWS, item.doubt)
                case _:
                    pass

    def _newsy(self, item: Headline, symbols: Sequence[str], newsy_ns: int) -> None:
        now_ns = self._desk.sequencer.now_ns()
        for symbol in symbols:
            self._desk.sequencer.offer(
                EventListed(
                    event_id="",
                    timestamp=0,
                    symbol=symbol,
                    strategy_id="",
                    correlation_id="",
                    from_ns=now_ns,
                    until_ns=now_ns + newsy_ns,
                    title=f"news: {' '.join(item.title.split())}"[:TITLE_MAX],
                )
            )

    async def _keep_pace(self) -> None:
        """Leave the socket waiting while the log's disk is behind: what is not read is not lost, and lag keeps entries off."""
        if self._log.is_pressed and self._log.failed is None:
            with suppress(LogFailedError):  # then only cancels go out, and there is nothing to wait for
                await self._log.wait_room()

    def _news(self, item: OrderNews) -> None:
        with suppress(LogBehindError, LogFailedError):  # what it means is taken in all the same, and the log's end is told elsewhere
            self._log.evidence(item.payload)
        if item.doubts:
            self._doubts.note(ORDERS, "; ".join(item.doubts))
            self._desk.reconciler.sent()  # what it was about is read from the venue's books soon
        self._news_ns = self._desk.sequencer.now_ns()
        for event in item.events:
            self._desk.sequencer.offer(event)

    def _tell(self, *, up: bool, reason: str) -> None:
        self._desk.sequencer.offer(
            StreamChanged(
                event_id="",
                timestamp=0,
                symbol="",
                strategy_id="",
                correlation_id="",
                venue=self._desk.place.venue,
                stream=MARKET,
                up=up,
                reason=reason,
            )
        )


def _check_final(item: StreamDown) -> None:
    if item.final:
        raise StreamLostForGoodError(f"The stream {item.stream} is lost for good ({item.reason}); correct that, then start again.")
