"""The always-on trader: one process, one event loop, one account. The machines decide (`desk`); here they meet clock, disk and venue.

    streams ─► desk ─► log (its thread) and ledger (its thread) ─► requests ─► answers ─► desk

Start is recovery: hold the account, make the log whole, fold it, lay the ledger beside it, begin a session, reconcile, trade. Nothing
waits for a disk on the loop.
"""

import asyncio
import gc
import os
import random
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Final, final

from tidegate.control.peers import user_name
from tidegate.control.server import ControlServer
from tidegate.events.inputs import AnyInput, EventListed
from tidegate.journal.live import LiveLog
from tidegate.journal.snapshots import SnapshotPace
from tidegate.oms.order import Order
from tidegate.recovery import machine
from tidegate.recovery.fold import snapshot_of
from tidegate.service.access_lines import facts_to
from tidegate.service.answering import Answering
from tidegate.service.asking import expected_ns
from tidegate.service.desk import Desk, Place
from tidegate.service.door import DoorWish, open_door
from tidegate.service.doubts import Doubts
from tidegate.service.feeds import MARKET, Feeds
from tidegate.service.hands import Hands
from tidegate.service.heartbeat import Heart, Stage
from tidegate.service.hours import Listeners, OpenHours, tell_days
from tidegate.service.identity import Identity
from tidegate.service.ledger.rows import Lease
from tidegate.service.ledger.sql import SqlLedger
from tidegate.service.ledger.thread import LedgerThread
from tidegate.service.listing import begun, tell_events, to_come
from tidegate.service.measuring import Measuring, Subjects
from tidegate.service.parting import Parting
from tidegate.service.past import LogHistory
from tidegate.service.promoting import Who
from tidegate.service.reconcile import STREAM as ORDERS
from tidegate.service.recovery import Makers, Recovered, recover
from tidegate.service.restating import follow_splits
from tidegate.service.sealing import Sealer, anchors_path, open_chain
from tidegate.service.sentinel import Kill, KillWatch
from tidegate.service.setup import client_settings, kept
from tidegate.service.status_page import StatusMonitor
from tidegate.service.surroundings import Surroundings
from tidegate.service.tenure import Claimed, Tenure, claim_account
from tidegate.service.unsent import Unsent
from tidegate.service.user_book import ledger_write
from tidegate.service.venue_watching import status_settings, watching
from tidegate.service.version_desk import VersionDesk, permission_input
from tidegate.service.version_verbs import Begin, Registered, register
from tidegate.service.wish import Tell, Time, Wish, paced, stream_timing
from tidegate.values.enums import GateScope, GateState
from tidegate.values.errors import TidegateError
from tidegate.values.time import DAY_NS, NEVER_NS, SECOND_NS
from tidegate.venues.alpaca.access import LIVE_HOSTS, PAPER_HOSTS
from tidegate.venues.alpaca.client import AlpacaClient
from tidegate.venues.alpaca.streams import AlpacaStreams, Feed, MarketWish
from tidegate.venues.port import OrderStream, OrderVenue
from tidegate.venues.stream import Outside

SETTLE_S: Final = 5.0  # at the end: how long cancels and answers are waited for
IDLE_S: Final = 0.25  # the loop looks at clocks at least so often
TIMER_S: Final = 0.001  # what a loop's timer can tell apart; asking for less would turn the desk over and over until it is due
SENDING: Final = frozenset({"paper", "small-live", "live"})  # the other modes send nothing
CHANNELS: Final = ("quotes", "trades", "statuses")


@final
class Trader:
    """One run of the trader, from the claim of the account to the end of the session."""

    def __init__(self, wish: Wish, tell: Tell) -> None:
        self._wish: Final = wish
        self._tell: Final = tell
        self._wake: Final = asyncio.Event()
        self._stop: Final = asyncio.Event()
        self._durable_asked = -1
        self._pace: Final = SnapshotPace(wish.setup.live.snapshot_inputs)
        self._around: Final = Surroundings(wish.mode, wish.home, _streams(wish.setup.venue), wish.time.wall)
        self._kills: Final = KillWatch(wish.home)
        self._around.kill_seen = self._kills.has_seen
        self._coming: list[EventListed] = []  # listed events whose windows begin after the start
        self._armed = False
        self._standing: list[Kill] = []  # kills that the engine has not taken yet
        self._heart: Final = None if wish.beat is None else Heart(wish.beat, wish.time.wall, orphaned=self.stop)
        self.started_ns = wish.time.wall.now_ns()
        self._who: Identity | None = None
        self.desk: Desk | None = None
        self.log: LiveLog | None = None
        self.feeds: Feeds | None = None

    def stop(self) -> None:
        """Ask for the end: working orders are treated as declared, the log is sealed, the account given back."""
        self._stop.set()
        self._wake.set()

    async def run(self) -> None:
        """Trade until `stop`.

        Raises:
            AccountHeldError: another trader has the account.
            TidegateError: log or ledger cannot be used, a stream is lost for good, the account was lost.
        """
        wish, time = self._wish, self._wish.time
        wish.home.make()
        beating = None if self._heart is None else asyncio.create_task(self._heart.beat_for_ever())
        try:
            await self._run(wish, time)
        finally:
            if beating is not None:
                beating.cancel()

    async def _run(self, wish: Wish, time: Time) -> None:
        sealer = await asyncio.to_thread(Sealer, wish.home.audit, anchors_path(wish.home, wish.setup))
        claimed = await self._claim()
        if claimed is None:
            return
        store, lease, asked_ns = claimed
        registered = await asyncio.to_thread(self._register, store, lease)
        for permission in registered.permissions:
            if not permission.permitted:
                self._tell(f"{permission.strategy_id} enters nothing: {permission.reason}")
        recovered = await asyncio.to_thread(self._recover, store, lease)
        users = await asyncio.to_thread(store.users, wish.setup.account)
        if doubt := await asyncio.to_thread(sealer.doubt, store, wish.setup.account):
            self._tell(doubt)
        ledger = LedgerThread(store)
        settings = client_settings(wish.setup.live, wish.setup.replacing)
        async with AlpacaClient(wish.access, wish.hosts, time.clock, settings=settings, wait=time.wait) as client:
            venue: OrderVenue = client if wish.mode in SENDING else Unsent(client, f"mode {wish.mode}: nothing is sent")
            opening = wish.setup.opening(
                recovered, mode=wish.mode, epoch=lease.epoch, started_ns=time.clock.now_ns(), permissions=registered.lines()
            )
            log = self.log = LiveLog(wish.home.log, opening, kept(wish.setup.live), clock=time.wall)
            await log.opened()
            place = Place(recovered.session, wish.setup.account, wish.setup.venue)
            desk = self.desk = Desk(place, recovered.engine, log, time.clock, paced(time.speed, wish.setup.parting))
            client.last_look, client.called = desk.outbox.last_look, desk.called
            self._around.cancels_ns = client.trading_turns.cancels_ns
            tenure = Tenure(lease, asked_ns, time.wall, ledger, desk, speed=time.speed)
            self._around.doubts = Doubts(time.wall, self._tell)
            self.feeds = Feeds(desk, log, self._wake.set, self._around.doubts)
            hands = Hands(desk, venue, ledger, self._wake.set, sealer)
            open_chain(desk.auditing, sealer, lease, opening, doubt)
            self._around.versions = VersionDesk(wish.setup.version, registered, lease, ledger, time.wall, watch=wish.setup.watch(wish.mode))
            self._begin(desk, recovered, registered)
            door = DoorWish(wish.setup.account, wish.mode, time.wall, secrets.token_bytes, facts_to(desk))
            who = self._who = await open_door(door, users, ledger_write(wish.setup.account, desk, ledger), self._tell)
            control = ControlServer(wish.home, Answering(desk, log, self._around, time.clock, self._wake.set, who))
            await control.start(takes_over=bool(lease.taken_from))
            gc.collect()
            gc.freeze()  # what was loaded and recovered stays: looking through it now and then would hold orders up for 20 ms
            try:
                await self._trade(client, venue, hands, tenure)
            finally:
                gc.unfreeze()
                await control.close()
                await self._end(hands, log, tenure, ledger)

    # The start.

    async def _claim(self) -> Claimed | None:
        """Take the account; None: the end was asked for before it was free."""
        wish = self._wish
        place = wish.setup.live.ledger or wish.home.ledger
        claim = asyncio.create_task(
            claim_account(lambda: SqlLedger(place), wish.setup.account, wish.time.wall, patient=wish.patient, tell=self._tell)
        )
        stop = asyncio.create_task(self._stop.wait())
        await asyncio.wait((claim, stop), return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if claim.done():
            return claim.result()
        claim.cancel()
        self._tell("Stopped before the account was free.")
        return None

    def _recover(self, store: SqlLedger, lease: Lease) -> Recovered:
        wish = self._wish
        history = LogHistory(wish.home.log, wish.setup, now_ns=wish.time.clock.now_ns())
        found = recover(lease, history, store, Makers(wish.setup.engine), now_ns=wish.time.clock.now_ns())
        if history.cut is not None and history.cut.what:
            self._tell(f"The log was cut after a crash: {history.cut.what}.")
        if history.start is not None and history.start.why:
            self._tell(f"The senses warm up from logged records, entries are off until then: {history.start.why}.")
        for finding in found.findings:
            self._tell(f"Recovered {finding}.")
        return found

    def _register(self, store: SqlLedger, lease: Lease) -> Registered:
        """Record which version runs; one that may not run in this mode gives the account back at once.

        Raises:
            NotPromotedError: it does not hold what the mode needs.
        """
        wish = self._wish
        who = Who(user_name(os.getuid()), wish.time.wall.now_ns(), "")
        begin = Begin(wish.mode, rehearsed=wish.hosts not in (LIVE_HOSTS, PAPER_HOSTS), has_log=any(wish.home.log.glob("*.seg")))
        try:
            return register(store, lease, wish.setup.version, begin, who)
        except TidegateError:
            store.release(lease)
            raise

    def _begin(self, desk: Desk, recovered: Recovered, registered: Registered) -> None:
        permissions = map(permission_input, registered.permissions)
        setup, now_ns = self._wish.setup, self._wish.time.clock.now_ns()
        first: list[AnyInput] = [*setup.defined(), *begun(setup.events, now_ns), *permissions, *recovered.first_inputs]
        for message in first:
            desk.sequencer.offer(message)
        self._coming = to_come(setup.events, now_ns)
        desk.outbox.adopt(list(recovered.unsure))
        desk.reconciler.begin(now_ns - DAY_NS)

    # The loop.

    async def _trade(self, client: AlpacaClient, venue: OrderVenue, hands: Hands, tenure: Tenure) -> None:
        desk, feeds, wish, time = self.desk, self.feeds, self._wish, self._wish.time
        assert desk is not None and feeds is not None  # noqa: PT018 - both are made together
        hours = OpenHours()
        days = Listeners(desk.sequencer, hours, self._wake.set)
        outside = Outside(time.clock, random.random, time.wait, lambda: hours.are_on(time.clock.now_ns()))
        streams = AlpacaStreams(wish.access, wish.hosts, client, outside)
        market = streams.market(
            MarketWish(feed=Feed(wish.setup.live.feed), symbols_max=wish.setup.live.symbols_max, timing=stream_timing(time.speed)),
            {instrument.symbol: instrument.index for instrument in wish.setup.instruments},
        )
        symbols = [instrument.symbol for instrument in wish.setup.instruments]
        market.subscribe(dict.fromkeys(CHANNELS, symbols))
        orders = streams.orders()
        monitor = self._around.venue_status = StatusMonitor(
            status_settings(wish.setup.live.status_page, wish.hosts), time.wall.monotonic_ns()
        )
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(tenure.keep()),
                group.create_task(tell_days(wish.setup.venue, venue, days, time.clock, time.wait)),
                group.create_task(tell_events(self._coming, desk.sequencer, time.clock, time.wait, self._wake.set)),
                group.create_task(feeds.market(market)),
                group.create_task(self._measuring(desk, feeds, client).measure_for_ever()),
                group.create_task(follow_splits(client.reference, symbols, desk.know_splits, time.clock, time.wait)),
                group.create_task(watching(monitor, desk, client, time.wall, wake=self._wake.set, tell=self._tell).poll_for_ever()),
            ]
            if wish.setup.live.news and wish.hosts in (LIVE_HOSTS, PAPER_HOSTS):  # an emulator's market has none
                tasks.append(group.create_task(feeds.news(streams.news(symbols), symbols, wish.setup.newsy_ns, self._tell)))
            await asyncio.sleep(0)
            tasks.append(group.create_task(self._orders_after(tenure.quiet_ns, feeds, orders)))
            await self._loop(desk, hands)
            await self._part(desk, hands)
            for task in tasks:
                task.cancel()

    def _measuring(self, desk: Desk, feeds: Feeds, client: AlpacaClient) -> Measuring:
        time, log = self._wish.time, self.log
        assert log is not None
        subjects = Subjects(desk, log, feeds, client, self._around, time.speed)
        return Measuring(subjects, self._wish.setup.breakers, time.wall, self._wake.set, self._tell)

    async def _orders_after(self, quiet_ns: int, feeds: Feeds, orders: OrderStream) -> None:
        """Follow the order stream once the former holder is waited out: reconciling begins with it."""
        await asyncio.sleep(quiet_ns / SECOND_NS)
        await feeds.orders(orders)

    async def _loop(self, desk: Desk, hands: Hands) -> None:
        while not self._stop.is_set():
            self._turn(desk, hands)
            await self._sleep(desk)

    def _turn(self, desk: Desk, hands: Hands) -> None:
        self._wake.clear()
        desk.sequencer.anchor()
        if kills := self._kills.poll():
            self._standing += kills
            if self._who is not None:
                self._who.admission.closed()
        self._standing = [kill for kill in self._standing if not self._obey(desk, kill)]  # a full lane is asked again
        for effect in desk.turn():
            hands.carry_out(effect)
        self._ask_durable(desk, hands)  # first: disks work while the rest is done
        self._around.turned(desk)
        if self._around.versions is not None:
            self._around.versions.turned(desk)
        if desk.reconciler.trusted and not self._armed:
            self._armed = True
            self._tell(self._wish.setup.parting.sentence())
        if self._heart is not None:
            self._heart.stage = Stage.STOPPING if self._stop.is_set() else Stage.READY if desk.reconciler.trusted else Stage.STARTING
        self._keep_snapshot(desk)

    def _obey(self, desk: Desk, kill: Kill) -> bool:
        """Carry a kill of the file out; it waited since the file was there."""
        waited_ns = max(0, self._wish.time.wall.now_ns() - max(kill.at_ns, self._kills.written_ns))
        slow_ns = expected_ns(desk, kill.scope, kill.key, self._around.cancels_ns)
        return desk.request(kill.request(), waited_ns=waited_ns, expected_ns=slow_ns)

    async def _sleep(self, desk: Desk) -> None:
        due_ns = desk.due_ns()
        wait_s = IDLE_S
        if due_ns < NEVER_NS:
            left_s = (due_ns - desk.monotonic_ns()) / SECOND_NS / self._wish.time.speed
            wait_s = min(IDLE_S, max(TIMER_S, left_s)) if left_s > 0 else 0.0
        timer = asyncio.get_running_loop().call_later(wait_s, self._wake.set)
        await self._wake.wait()
        timer.cancel()

    def _ask_durable(self, desk: Desk, hands: Hands) -> None:
        """Be told when the log has what a command waits for, and let it go then."""
        log = self.log
        assert log is not None
        n = desk.outbox.waits_for_n
        if log.failed is None and self._durable_asked < n and log.durable_n < n:
            self._durable_asked = n
            loop = asyncio.get_running_loop()

            def told(_error: TidegateError | None) -> None:
                loop.call_soon_threadsafe(hands.let_go)

            log.tell_durable(n, told)

    def _keep_snapshot(self, desk: Desk) -> None:
        log, engine = self.log, desk.engine
        if log is not None and desk.log_is_whole and self._pace.due(engine.n):
            log.snapshot(snapshot_of(engine, session_id=desk.place.session, code_sha256=machine.code_sha256()))

    # The end.

    async def _part(self, desk: Desk, hands: Hands) -> None:
        """Let nothing new out, treat working orders as declared, and say so."""
        desk.gatekeeper.latch(GateScope.GLOBAL, "", GateState.HALTED)
        await self._until(desk, hands, lambda: not desk.outbox.open_commands)
        if resting := [order for order in _own(desk) if order.is_protective]:
            self._tell(f"{len(resting)} stops stay at the venue for what is held, as their strategies declare.")
        working = _working(desk)
        if not working:
            self._tell("No other order works." if resting else "No order works; nothing is left at the venue.")
        for policy, orders in desk.parter.plan.split(working):
            whose = ", ".join(sorted({order.strategy_id for order in orders}))
            done = "Canceling" if policy is Parting.CANCEL else "Leaving at the venue"
            self._tell(f"{done} {len(orders)} working orders of {whose}, as configured ({policy.value}).")
        desk.parter.part("the trader stops")
        if _canceling(desk):
            await self._until(desk, hands, lambda: not _canceling(desk))
            left = [order.client_order_id for order in _canceling(desk)]
            self._tell(f"Not confirmed as canceled: {', '.join(left)}; look at the venue." if left else "All of them are canceled.")

    async def _until(self, desk: Desk, hands: Hands, met: Callable[[], bool]) -> None:
        """Go on with what is under way until a condition is met, but no longer than the end may take."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + SETTLE_S
        self._turn(desk, hands)
        while not met() and clock() < deadline:
            await self._sleep(desk)
            self._turn(desk, hands)

    async def _end(self, hands: Hands, log: LiveLog, tenure: Tenure, ledger: LedgerThread) -> None:
        await hands.settle(SETTLE_S)
        desk = self.desk
        if desk is not None:
            desk.calls.tell()
            desk.sequencer.run()
        if desk is not None and desk.log_is_whole:
            with suppress(TidegateError):
                await log.close(state_sha256=desk.engine.state_sha256())
        elif log.failed is None:
            await asyncio.to_thread(log.abandon)  # it lacks what the engine went on with: a seal would claim that it holds the end
        with suppress(TidegateError):
            await hands.close_chain()
        with suppress(TidegateError):
            await tenure.give_back()
        await ledger.close()


def _own(desk: Desk) -> list[Order]:
    """Return our own orders that may still do something."""
    return [order for order in desk.engine.books.working_orders() if not order.external]


def _working(desk: Desk) -> list[Order]:
    """Return those of them that no position needs."""
    return [order for order in _own(desk) if not order.is_protective]


def _canceling(desk: Desk) -> list[Order]:
    """Return those of them that are declared to be canceled."""
    return [order for order in _working(desk) if desk.parter.plan.of(order) is Parting.CANCEL]


def _streams(venue: str) -> tuple[str, ...]:
    """Return the streams of a trader as the engine names them."""
    return (f"{venue}/{MARKET}", f"{venue}/{ORDERS}")
