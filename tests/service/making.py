"""A desk in a scene: the real engine in plain mode with a scripted strategy, a log in memory, a manual clock, and effects by hand."""

from typing import Any

import numpy as np

from tests.contract.kit import LIMITS, PLAIN_MILL, configuration, session, strategy, with_decide
from tests.contract.markets import CENT, START_NS, Market
from tidegate.clock.clock import ManualClock
from tidegate.engine.engine import Engine
from tidegate.engine.toolchain import Toolchain
from tidegate.events.codec import decode
from tidegate.events.inputs import OperatorRequested
from tidegate.events.records import QUOTE, RECORD
from tidegate.kernel.mode import Mode
from tidegate.service.desk import Desk, DeskSettings, Place
from tidegate.service.ledger.memory import MemoryLedger
from tidegate.service.ledger.rows import Lease, LeaseClaim
from tidegate.service.ports import Effect, Send, WriteLedger
from tidegate.simulation.campaign.stores import SessionLog
from tidegate.strategies.strategy import Decide, Intent, Nothing
from tidegate.values.enums import CommandKind, GateScope, OrderState, RequestVerb, Side
from tidegate.values.errors import TidegateError
from tidegate.values.money import NANOS
from tidegate.venues.port import VenueOrder

SECOND = 1_000_000_000
ACCOUNT = "test"


class Office:
    """One desk; time is in seconds since the start. Effects are carried out by hand, the ledger's by `commit`."""

    def __init__(self, *, settings: DeskSettings | None = None, limits: Any = LIMITS, **params: Any) -> None:
        self.answer: Intent | None = None
        plan = session(
            configuration([strategy(PLAIN_MILL, "one", symbols=["AAA"], quotes=True, **params)], limits=limits),
            Market(seed=1, records=1, symbols=1),
        )
        self.plan = with_decide(plan, "one", self._decide())
        self.engine = Engine(self.plan.spec, Toolchain(Mode.PURE))
        self.clock = ManualClock(START_NS)
        self.log = SessionLog(self.plan.session, b"")
        self.ledger = MemoryLedger()
        self.desk = Desk(Place(self.plan.session, ACCOUNT, "sim"), self.engine, self.log, self.clock, settings)
        self.effects: list[Effect] = []
        self.told: list[str] = []  # lines for the operator
        self.lease: Lease = self.ledger.take_lease(LeaseClaim(account=ACCOUNT, holder="me", now_ns=START_NS, ttl_ns=3_600 * SECOND))
        self.desk.gatekeeper.hold(self.lease, asked_ns=self.clock.monotonic_ns())
        for message in self.plan.scheduled:
            self.desk.sequencer.offer(message)
        self.turn()
        for _ in range(12):
            self.quote(wait_s=0.5)

    def quote(self, bid: int = 2_000, *, wait_s: float = 0.1) -> list[Effect]:
        """Let a quote come in after a wait, in cents."""
        self.clock.advance(int(wait_s * SECOND))
        row = np.zeros(1, RECORD)
        row["ts_event"] = row["ts_recv"] = self.desk.sequencer.now_ns()
        row["kind"], row["a"], row["b"], row["c"], row["d"] = QUOTE, bid * CENT, (bid + 1) * CENT, 50 * NANOS, 50 * NANOS
        assert self.desk.sequencer.offer_records(row)
        return self.turn()

    def turn(self) -> list[Effect]:
        """Turn the desk; return what it wants carried out."""
        found = self.desk.turn()
        self.effects += found
        return found

    def wait(self, seconds: float) -> list[Effect]:
        self.clock.advance(int(seconds * SECOND))
        return self.turn()

    def enter(self, shares: int = 5) -> str:
        """Let the strategy buy; return the client order id. Nothing is durable yet."""
        self.answer = Intent(side=Side.BUY, reason="a test", quantity=shares)
        self.effects.clear()
        self.quote()
        return str(self.orders()[-1].client_order_id)

    def orders(self) -> list[Any]:
        return self.desk.engine.books.working_orders()

    def state(self, key: str) -> OrderState:
        order = self.desk.engine.books.order(key)
        assert order is not None
        return order.state

    def flush(self) -> list[Effect]:
        """Make the log durable."""
        self.log.flush(self.log.mark())
        return self.turn()

    def commit(self, error: TidegateError | None = None) -> list[Effect]:
        """Carry out the ledger's writes; with an error, they are refused."""
        writes = [effect for effect in self.effects if isinstance(effect, WriteLedger)]
        self.effects = [effect for effect in self.effects if not isinstance(effect, WriteLedger)]
        for effect in writes:
            if error is None:
                self.ledger.write(effect.batch)
            self.desk.wrote(effect, error)
        return self.turn()

    def let_go(self) -> Send:
        """Make everything durable and return the one order that leaves."""
        self.effects = [effect for effect in self.effects if isinstance(effect, WriteLedger)]
        self.commit()
        self.flush()
        sends = self.sends()
        assert len(sends) == 1
        return sends[0]

    def sends(self) -> list[Send]:
        return [effect for effect in self.effects if isinstance(effect, Send)]

    def submits(self) -> list[Send]:
        return [effect for effect in self.sends() if effect.command.kind is CommandKind.SUBMIT]

    def ask(self, verb: RequestVerb, scope: GateScope = GateScope.GLOBAL, key: str = "", request_id: str = "r1") -> list[Effect]:
        self.desk.request(
            OperatorRequested(
                event_id="",
                timestamp=0,
                symbol="",
                strategy_id="",
                correlation_id="",
                request_id=request_id,
                verb=verb,
                scope=scope,
                key=key,
                requester="ann",
                reason="a test",
            )
        )
        return self.turn()

    def messages(self, kind: type) -> list[Any]:
        """Return what was logged of a kind."""
        return [message for entry in self.log.entries if entry.records is None and isinstance(message := decode(entry.message), kind)]

    def _decide(self) -> Decide:
        def decide(_view: Any, state: Any, _attention: Any) -> Any:
            answer, self.answer = self.answer, None
            return state, answer or Nothing(reason="nothing to say")

        return decide


def shown(send: Send, state: OrderState, filled: int = 0, price: int = 2_001) -> VenueOrder:
    """Return an order as the venue shows it."""
    command = send.command
    return VenueOrder(
        client_order_id=command.client_order_id,
        venue_order_id="v1",
        symbol=command.symbol,
        side=command.side,
        state=state,
        word=state.value,
        quantity_nanos=command.quantity_nanos,
        filled_nanos=filled * NANOS,
        average_price_nanos=price * CENT if filled else 0,
        limit_price_nanos=command.limit_price_nanos,
    )
