"""One world: a market, a venue with the truth, a ledger, logs, and a trader that may die, freeze and come back; all from one seed."""

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Final, NamedTuple, final

from tidegate.clock.clock import Clock
from tidegate.engine.engine import Engine
from tidegate.events.inputs import OperatorRequested
from tidegate.risk.gates import RULE_ACTOR
from tidegate.service.desk import Desk, DeskSettings, Place
from tidegate.service.ledger.memory import MemoryLedger
from tidegate.service.ports import LogPort
from tidegate.simulation.campaign.faults import Faults
from tidegate.simulation.campaign.market import MARKET_NS, Market
from tidegate.simulation.campaign.node import DISK_SLOW_NS, DiedError, Node
from tidegate.simulation.campaign.setting import ACCOUNT, START_NS, SYMBOLS, Setting
from tidegate.simulation.campaign.stores import Archive
from tidegate.simulation.campaign.timeline import Timeline
from tidegate.simulation.campaign.watching import BrokenError, Watch
from tidegate.simulation.campaign.wire import Wire
from tidegate.values.enums import GateScope, GateState, OrderState, RequestVerb, Side, TimeInForce
from tidegate.values.errors import TidegateError
from tidegate.values.money import NANOS
from tidegate.values.time import MICROSECOND_NS, SECOND_NS

BUGS: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)  # of ours; the seed tells where
LEAST_NS: Final = 8 * SECOND_NS  # a world goes on until it has so many orders and events, or the market ends
ORDERS_LEAST: Final = 10
EVENTS_LEAST: Final = 300
OUTSIDERS_MAX: Final = 2  # what more of them hold would leave no room under the limits
TRADERS_MAX: Final = 6  # a supervisor gives up one that dies more often
_SELDOM: Final = 0.05  # chance per second that the world looks whether something rare happens
_RARELY: Final = 0.02
_REMEMBERED: Final = 0.3  # chance per look that somebody opens what people closed
LOOKS_NS: Final = (9 * SECOND_NS, 21 * SECOND_NS, 37 * SECOND_NS, 71 * SECOND_NS)  # longer than any second read or liquidation needs
_GATES: Final = {
    RequestVerb.PAUSE: GateState.REDUCE_ONLY,
    RequestVerb.RESUME: GateState.ACTIVE,
    RequestVerb.DISABLE: GateState.REDUCE_ONLY,
    RequestVerb.ENABLE: GateState.ACTIVE,
    RequestVerb.FLATTEN: GateState.REDUCE_ONLY,
    RequestVerb.KILL: GateState.HALTED,
}


class Parts(NamedTuple):
    """What a world is made of; tests put a broken part in place of ours."""

    desk: Callable[[Place, Engine, LogPort, Clock, DeskSettings], Desk] = Desk


OURS: Final = Parts()


class Outcome(NamedTuple):
    """How a world ended: which invariant broke (empty: none) and how, what it reached, and its size."""

    seed: int
    broken: str
    words: str
    events: int
    orders: int
    reached: Counter[str]


@final
class World:
    """A world before its first event."""

    def __init__(self, setting: Setting, seed: int, parts: Parts = OURS) -> None:
        self.setting: Final = setting
        self.seed: Final = seed
        self.parts: Final = parts
        self.rng: Final = Random(seed)  # noqa: S311 - a world is drawn from its seed, nothing is kept secret by it
        self.timeline: Final = Timeline(START_NS)
        self.faults: Final = Faults(self.rng)
        self.market: Final = Market(self.rng)
        self.wire: Final = Wire(self.rng, self.timeline, self.faults, self.market)
        self.ledger: Final = MemoryLedger()
        self.archive: Final = Archive(setting.warm)
        self.watch: Final = Watch(self)
        self.wire.arrives = self.watch.arrives
        self.live: Node | None = None
        self._record = 0  # next market record
        self._nodes = 0
        self._requests = 0
        self._outsiders = 0
        self._points_left = 0  # until the trader dies
        self._events = 0
        self._inputs = 0
        self._draw_death()
        self._frozen = False

    def run(self) -> Outcome:
        """Live through the whole world and tell how it ended."""
        broken = words = ""
        try:
            self._start()
            self.timeline.after(SECOND_NS, self._second)
            self.timeline.after(MARKET_NS // 3, self.faults.ease)
            self._trade()
            self._heal()
            self._quiet_down()
        except BrokenError as error:
            broken, words = error.invariant, str(error)
        except (AssertionError, TidegateError, *BUGS) as error:
            broken, words = type(error).__name__, str(error)
            self.setting.engines.clear()  # one that failed within an input is of no use to the next world
        return Outcome(self.seed, broken, words, self._size(), self.watch.orders, self.faults.reached)

    # What parts of the world ask.

    def point(self, node: Node) -> None:
        """A durable write or a wait: the process may die here.

        Raises:
            DiedError: it did.
        """
        if node is not self.live or not self.faults.on:
            return
        self._points_left -= 1
        if self._points_left == 0:
            self.faults.note("FT22")
            raise DiedError

    def disk_ns(self) -> int:
        """Return how long the disk takes now."""
        if self.faults.hit("X3"):
            return self.rng.randrange(DISK_SLOW_NS)
        return self.rng.randrange(100, 900) * MICROSECOND_NS

    def decided(self, node: Node) -> None:
        """An order is on its way to the disk: now and then somebody stops everything at this very moment."""
        if node is self.live and self.faults.on and self.rng.random() < 0.02:  # noqa: PLR2004 - often enough
            node.later(self.rng.randrange(1_500) * MICROSECOND_NS, lambda: self._ask(RequestVerb.KILL, GateScope.GLOBAL, ""))
            self._reopen_later(RequestVerb.RESUME, GateScope.GLOBAL, "")

    def kill_node(self) -> None:
        """End the trader's process."""
        raise DiedError

    # Time.

    def _size(self) -> int:
        """Return how many events there were: calls of the world, and inputs of its traders."""
        return self._events + sum(log.last_n for log in self.archive.sessions)

    def _trade(self) -> None:
        """Let the world go on until it is large enough.

        If the market ends before, something kept the traders from trading; entries that in-trade rules refused count as orders then.
        """
        self._until(START_NS + LEAST_NS)
        while self._is_small():
            if self.timeline.now_ns >= START_NS + MARKET_NS:
                if self.watch.orders + self.watch.held_back >= ORDERS_LEAST and self._size() >= EVENTS_LEAST:
                    return
                raise BrokenError("TRADES", f"{self.watch.orders} orders and {self._size()} events until the market's end")
            self._until(self.timeline.now_ns + 2 * SECOND_NS)

    def _is_small(self) -> bool:
        return self.watch.orders < ORDERS_LEAST or self._size() < EVENTS_LEAST

    def _until(self, end_ns: int) -> None:
        while (call := self.timeline.step(end_ns)) is not None:
            self._events += 1
            try:
                call()
            except DiedError:
                self._died()

    def _quiet_down(self) -> None:
        """Let the healed world run until everything is quiet; what is not quiet at the last look is broken."""
        for wait_ns in LOOKS_NS:
            self._until(self.timeline.now_ns + wait_ns)
            try:
                self.watch.at_the_end(self.live)
            except BrokenError:
                if wait_ns == LOOKS_NS[-1]:
                    raise
            else:
                return

    def _start(self) -> None:
        self._nodes += 1
        Node(self, f"trader-{self._nodes}")

    def _died(self) -> None:
        node = self.live
        assert node is not None
        node.die()
        node.log.tear(self.rng.randrange(1 + len(node.log.entries) - node.log.durable_entries))
        self._draw_death()
        self.timeline.after(self.rng.randrange(4 * SECOND_NS), self._start)

    def _draw_death(self) -> None:
        dies = self._nodes < TRADERS_MAX and self.faults.hit("FT22")
        self._points_left = self.rng.randrange(2, 400) if dies else 0

    def _second(self) -> None:
        """Once a second: quotes arrive, resting orders match, and people and the wire do what they do."""
        now_ns = self.timeline.now_ns
        self.wire.venue.match(now_ns)
        node, last = self.live, self.market.records_until(self._record, now_ns)
        if node is not None and node.is_trading and last > self._record:
            records = self.market.records[self._record : last]
            node.later(0, lambda: self._quotes(node, records))
        self._record = last
        if self.faults.on:
            self._trouble(now_ns)
            self.timeline.after(SECOND_NS, self._second)
        else:
            self.timeline.after(5 * SECOND_NS, self._second)

    def _quotes(self, node: Node, records: object) -> None:
        node.desk.sequencer.offer_records(records)  # type: ignore[arg-type]  # rows of the market

    def _trouble(self, now_ns: int) -> None:
        node, rng = self.live, self.rng
        if node is None or not node.is_trading:
            return
        self._upkeep(node, now_ns)
        self._stream_trouble(node)
        if self.wire.venue.executions and self.faults.hit("FT7"):
            self._bust(now_ns)
        if rng.random() < _SELDOM and self._outsiders < OUTSIDERS_MAX and self.faults.hit("X1"):
            self._outsider(now_ns)
        if rng.random() < _RARELY and self.faults.hit("X3"):
            node.later(0, node.lose_disk)
        if rng.random() < _SELDOM and not self._frozen and self.faults.hit("FT26"):
            self._freeze(node, now_ns)
        if rng.random() < _SELDOM:
            node.later(0, self._person)

    def _upkeep(self, node: Node, now_ns: int) -> None:
        if self.rng.random() < _SELDOM:
            node.later(0, node.keep_snapshot)
        if now_ns // SECOND_NS % 6 == 0:
            self._look_after(node)

    def _stream_trouble(self, node: Node) -> None:
        rng = self.rng
        if self.faults.hit("FT8"):
            node.cut(rng.randrange(10 * SECOND_NS), rng.randrange(4 * SECOND_NS))
        if rng.random() < _SELDOM and self.faults.hit("FT9"):
            for flap in range(4):
                node.later(flap * SECOND_NS, lambda: node.cut(1, SECOND_NS // 3))

    # Trouble.

    def _bust(self, now_ns: int) -> None:
        place = self.rng.randrange(len(self.wire.venue.executions))
        seen = self.wire.venue.executions[place]
        node = self.live
        ours = None if node is None else node.desk.engine.books.order(seen.client_order_id)
        if seen.quantity_nanos and ours is not None and ours.state is OrderState.FILLED:
            self.watch.excused.add(seen.symbol)
            self.wire.venue.bust(place, now_ns)

    def _outsider(self, now_ns: int) -> None:
        """Somebody else's order: the venue's liquidation of what we hold, or a person's, filling at once or resting."""
        self._outsiders += 1
        venue, symbol = self.wire.venue, self.rng.choice(SYMBOLS)
        held = venue.positions.get(symbol, 0)
        self.watch.excused.add(symbol)
        self._requests += 1
        if held and self.rng.random() < 0.5:  # noqa: PLR2004 - one or the other
            side = Side.SELL if held > 0 else Side.BUY
            venue.place("", symbol, side, abs(held), 0, TimeInForce.IOC, now_ns=now_ns)
            return
        side = self.rng.choice((Side.BUY, Side.SELL))
        bid, _, _ = self.market.quote(symbol, now_ns)
        limit = self.rng.choice((0, bid if side is Side.BUY else bid + NANOS))
        life = TimeInForce.IOC if not limit else TimeInForce.DAY
        venue.place(f"by-hand-{self._requests}", symbol, side, 3 * NANOS, limit, life, now_ns=now_ns)

    def _freeze(self, node: Node, now_ns: int) -> None:
        """The trader's process is stopped; a second one stands by and takes over if it lasts."""
        self._frozen = True
        node.frozen_until_ns = now_ns + self.rng.randrange(5, 40) * SECOND_NS
        self._start()

    def _person(self) -> None:
        verb = self.rng.choice(tuple(RequestVerb))
        scope, key = self.rng.choice(
            ((GateScope.GLOBAL, ""), (GateScope.ACCOUNT, ACCOUNT), (GateScope.SYMBOL, "AAA"), (GateScope.STRATEGY, "crossing"))
        )
        if verb in {RequestVerb.DISABLE, RequestVerb.ENABLE}:
            scope, key = GateScope.SYMBOL, "AAA"
        self._ask(verb, scope, key)
        if verb in {RequestVerb.KILL, RequestVerb.PAUSE, RequestVerb.FLATTEN, RequestVerb.DISABLE}:  # and somebody opens it again
            self._reopen_later(RequestVerb.ENABLE if verb is RequestVerb.DISABLE else RequestVerb.RESUME, scope, key)

    def _reopen_later(self, verb: RequestVerb, scope: GateScope, key: str) -> None:
        """Somebody opens it again a few seconds later, as soon as a trader is there to be asked."""

        def reopen() -> None:
            node = self.live
            if not self.faults.on:
                return
            if node is None or not node.is_trading:
                self.timeline.after(SECOND_NS, reopen)
                return
            node.later(0, lambda: self._ask(verb, scope, key))

        self.timeline.after(self.rng.randrange(2, 9) * SECOND_NS, reopen)

    def _look_after(self, node: Node) -> None:
        """A person closes what nobody here ordered, and opens what rules of ours have closed and, in the end, what people forgot."""
        for held in node.desk.engine.books.holdings():
            if not held.strategy_id and held.quantity_nanos and self.rng.random() < _REMEMBERED:
                node.later(0, lambda symbol=held.symbol: self._ask(RequestVerb.FLATTEN, GateScope.SYMBOL, symbol))  # type: ignore[misc]
        for gate, actor in node.desk.engine.books.closed_gates():
            if actor.startswith(RULE_ACTOR) or self.rng.random() < _REMEMBERED:
                node.later(0, lambda gate=gate: self._ask(RequestVerb.RESUME, gate.scope, gate.key))  # type: ignore[misc]

    def _ask(self, verb: RequestVerb, scope: GateScope, key: str) -> None:
        node = self.live
        if node is None or not node.is_trading:
            return
        if verb in {RequestVerb.KILL, RequestVerb.CANCEL} and node.desk.outbox.open_commands:
            self.faults.note("FT14")
        self._requests += 1
        request = OperatorRequested(
            event_id="",
            timestamp=0,
            symbol="",
            strategy_id="",
            correlation_id="",
            request_id=f"r{self._requests}",
            verb=verb,
            scope=scope,
            key=key,
            requester="ann",
            reason="a drill",
        )
        if verb in _GATES:
            self.watch.closes(scope, key, _GATES[verb])
        node.desk.request(request)

    def _heal(self) -> None:
        """Nothing goes wrong any more; in one half of the worlds everything is flattened, in the other nothing new is begun."""
        self.faults.heal()
        self.wire.silent = False
        node = self.live
        if node is None or not node.is_alive:
            self.timeline.after(30 * SECOND_NS, self._close_down)
        else:
            self.timeline.after(SECOND_NS, self._close_down)

    def _close_down(self) -> None:
        node = self.live
        if node is None or not node.is_trading:
            self.timeline.after(5 * SECOND_NS, self._close_down)
            return
        verb = RequestVerb.FLATTEN if self.seed % 2 else RequestVerb.PAUSE
        node.later(0, lambda: self._ask(verb, GateScope.GLOBAL, ""))
