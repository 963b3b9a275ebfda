"""A stage for judgement: quotes and order events by hand, one engine, a `decide` that says what the scene needs. Plain senses."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from msgspec.structs import replace

from tests.contract.kit import LIMITS, PLAIN_MILL, TRIGGER_MILL, configuration, session, strategy, with_decide
from tests.contract.markets import CENT, START_NS, Market
from tidegate.engine.engine import Engine
from tidegate.engine.toolchain import Toolchain
from tidegate.events.acts import OrderCommand
from tidegate.events.base import Act
from tidegate.events.inputs import AnyInput, OrderEvent, Tick
from tidegate.events.records import QUOTE, RECORD
from tidegate.kernel.mode import Mode
from tidegate.replay.prepare import Plan as Session
from tidegate.strategies.plan import Plan
from tidegate.strategies.strategy import Decide, Intent, Nothing
from tidegate.values.enums import CommandKind, OrderEventKind
from tidegate.values.money import NANOS
from tidegate.values.time import NEVER_NS

MS = 1_000_000
HEAD: dict[str, Any] = {"event_id": "", "symbol": "", "strategy_id": "", "correlation_id": ""}


class Scene:
    """One engine, strategy "one" on AAA, alone or with a silent `rival` "two". Time is in ms since the start; ticks come by themselves."""

    def __init__(
        self,
        *,
        trigger: bool = False,
        warm: bool = True,
        limits: dict[str, Any] = LIMITS,
        rival: bool = False,
        approvals: Sequence[dict[str, Any]] = (),
        scoped: Sequence[dict[str, Any]] = (),
        replan: Callable[[Plan], Plan] | None = None,
        **params: Any,
    ) -> None:
        self.answer: Any = None  # what decide returns next; None: it declines
        self.asked = 0
        path = TRIGGER_MILL if trigger else PLAIN_MILL
        mills = [strategy(path, name, symbols=["AAA"], **params) for name in ("one", "two")[: 1 + rival]]
        loaded = configuration(mills, limits=limits, approvals=list(approvals), scoped_limits=list(scoped))
        plan = session(loaded, Market(seed=1, records=1, symbols=1))
        if rival:
            plan = with_decide(plan, "two", lambda _view, state, _attention: (state, Nothing(reason="a rival is silent")))
        self.plan = with_decide(plan, "one", self._decide())
        if replan is not None:
            self.plan = _replanned(self.plan, replan)
        self.engine = Engine(self.plan.spec, Toolchain(Mode.PURE))
        self.acts: list[Act] = []
        self._executions = 0
        for message in self.plan.scheduled:
            self.tell(message)
        self.now_ms = 0
        if warm:
            for at_ms in range(500, 6_001, 500):
                self.quote(at_ms)

    @property
    def core(self) -> Any:
        return self.engine._core

    def own(self, field: str) -> int:
        return int(self.core.host.table("own")[0][field])

    def tell(self, message: AnyInput) -> list[Act]:
        """Apply an input; return what the engine did."""
        self.engine.apply(message)
        return self._took()

    def quote(self, at_ms: int, bid: int = 2_000, ask: int = 2_001, size: int = 50) -> list[Act]:
        """Feed a quote in cents and shares, after the ticks that come before it."""
        found = self.wait(at_ms)
        row = np.zeros(1, RECORD)
        row["ts_event"] = row["ts_recv"] = START_NS + at_ms * MS
        row["kind"], row["a"], row["b"], row["c"], row["d"] = QUOTE, bid * CENT, ask * CENT, size * NANOS, size * NANOS
        assert self.engine.feed(row.view(np.uint8), 0, 1, NEVER_NS) == 1
        return found + self._took()

    def wait(self, until_ms: int) -> list[Act]:
        """Let time pass: every tick that is due until then."""
        found: list[Act] = []
        for _ in range(1_000):
            due_ns = max(self.engine.next_due(), self.engine.now_ns)
            if due_ns > START_NS + until_ms * MS:
                self.now_ms = until_ms
                return found
            found += self.tell(Tick(timestamp=due_ns, **HEAD))
        raise AssertionError("time stands still: a tick is due again and again")

    def say(self, command: OrderCommand, kind: OrderEventKind, *, filled: int = 0, total: int = 0, price: int = 2_001) -> list[Act]:
        """Apply what the venue says of an order; quantities in shares, price in cents."""
        self._executions += 1
        event = OrderEvent(
            event_id="",
            timestamp=max(START_NS + self.now_ms * MS, self.engine.now_ns),
            symbol=command.symbol,
            strategy_id=command.strategy_id,
            correlation_id=command.correlation_id,
            client_order_id=command.target_id or command.client_order_id,
            venue_order_id="v",
            kind=kind,
            side=command.side,
            ts_venue=self.engine.now_ns,
            execution_id=f"x{self._executions}" if filled else "",
            last_quantity_nanos=filled * NANOS,
            last_price_nanos=price * CENT if filled else 0,
            cum_quantity_nanos=total * NANOS,
        )
        return self.tell(event)

    def bought(self, shares: int = 5, price: int = 2_001) -> None:
        """Enter by the strategy's next answer and fill it whole at once."""
        self.say(only(self.acts_since_answer(), CommandKind.SUBMIT), OrderEventKind.FILLED, filled=shares, total=shares, price=price)

    def acts_since_answer(self) -> list[Act]:
        return self.acts[self._answered_at :]

    def answers(self, answer: Intent | Nothing) -> None:
        """Let the next call of decide return this."""
        self.answer = answer
        self._answered_at = len(self.acts)

    def _decide(self) -> Decide:
        def decide(_view: Any, state: Any, _attention: Any) -> Any:
            self.asked += 1
            answer, self.answer = self.answer, None
            return state, answer or Nothing(reason="nothing to say")

        return decide

    def _took(self) -> list[Act]:
        found = [act for _n, _k, act in self.engine.take_acts()]
        self.acts += found
        return found


def _replanned(session: Session, replan: Callable[[Plan], Plan]) -> Session:
    """Return the session with other declared rules of its first strategy."""
    first, *others = session.spec.strategies
    slots = (replace(first, strategy=replace(first.strategy, plan=replan(first.strategy.plan))), *others)
    return session._replace(spec=replace(session.spec, strategies=slots), slots=slots)


def of(acts: Sequence[Act], kind: type) -> list[Any]:
    return [act for act in acts if type(act) is kind]


def commands(acts: Sequence[Act], kind: CommandKind) -> list[OrderCommand]:
    return [act for act in of(acts, OrderCommand) if act.kind is kind]


def only(acts: Sequence[Act], kind: CommandKind) -> OrderCommand:
    found = commands(acts, kind)
    assert len(found) == 1, [type(act).__name__ for act in acts]
    return found[0]
