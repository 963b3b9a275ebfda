"""From an intent to an order: verdict, then command. The only way to a command that can add risk; the gate stands in it."""

from typing import Final, final

from msgspec.structs import replace

from tidegate.engine.approving import Approving
from tidegate.engine.core import Core
from tidegate.engine.viewing import Viewing
from tidegate.events.acts import GateChanged, OrderCommand, RiskDecision, TradeIntent
from tidegate.events.inputs import OperatorRequested
from tidegate.oms.order import Order
from tidegate.risk.approvals import Approval
from tidegate.risk.gate import judge
from tidegate.risk.gates import RULE_ACTOR
from tidegate.risk.slices import parts_of
from tidegate.values.enums import GateScope, GateState, Verdict
from tidegate.values.ids import client_order_id

# Members of an enum are looked up slowly before Python 3.12.
_APPROVED: Final = Verdict.APPROVED


@final
class Ordering:
    """Emits decisions and commands."""

    def __init__(self, core: Core, viewing: Viewing, approving: Approving) -> None:
        self._core: Final = core
        self._viewing: Final = viewing
        self._approving: Final = approving

    def enter(self, whole: TradeIntent, strategy: int, place: int, approval: Approval | None = None) -> RiskDecision:
        """Judge and order a whole entry, in slices where its plan says so; return the first verdict.

        The first refusal ends it. approval: by persons, of this very entry.
        """
        core = self._core
        sliced = core.plans[strategy].entry.sliced
        parts = parts_of(whole, core.limits_for(whole.strategy_id, whole.symbol), core.by_place[place]) if sliced else [whole]
        first = self._judge(parts[0], strategy, place, approval)
        decision = first
        for part in parts[1:]:
            if decision.verdict is not _APPROVED:
                break
            decision = self._judge(replace(part, event_id=core.next_id()), strategy, place, approval)
        return first

    def judge_and_order(self, intent: TradeIntent, strategy: int, place: int) -> bool:
        """Emit an intent, its verdict and, if approved, its command; return whether it was approved."""
        return self._judge(intent, strategy, place, None).verdict is _APPROVED

    def _judge(self, intent: TradeIntent, strategy: int, place: int, approval: Approval | None) -> RiskDecision:
        """Emit an intent, its verdict and, if approved, its command; what needs a person is asked for. Return the verdict."""
        core = self._core
        core.emit(intent)
        decision = judge(intent, self._viewing.risk(intent, strategy, place, approval), event_id=core.next_id())
        core.emit(decision)
        if decision.verdict is not _APPROVED:
            if decision.verdict is Verdict.NEEDS_APPROVAL and approval is None:
                self._approving.ask(decision, intent)
            return decision
        if approval is not None:
            self._approving.use(approval)
        event = core.next_id()
        order_id = client_order_id(
            account=core.spec.account, event=event, chain=core.orders.chain_number(intent), epoch=core.spec.lease_epoch
        )
        core.emit(core.orders.open(decision, intent, event_id=event, client_order_id=order_id, now_ns=core.now_ns))
        return decision

    def watch_exit_failures(self, strategy: int, place: int) -> None:
        """Halt a symbol whose exits keep failing: something is wrong that trying again does not mend."""
        core = self._core
        failures = core.memory(strategy, place).exit_failures
        symbol = core.by_place[place].symbol
        if failures >= core.plans[strategy].exits.failures_max:
            self.tighten(
                GateScope.SYMBOL,
                symbol,
                state=GateState.HALTED,
                reason=f"{failures} exits in a row of {symbol} failed; look at the market and the position",
                rule="exits-failed",
            )

    def cancel(self, order: Order, reason: str) -> None:
        """Emit the cancel of an order; no gate stands before it."""
        core = self._core
        command: OrderCommand = core.orders.cancel(order, event_id=core.next_id(), now_ns=core.now_ns, reason=reason)
        core.emit(command)

    def tighten(self, scope: GateScope, key: str, *, state: GateState, reason: str, rule: str) -> None:
        """Emit a gate change by a rule of ours; one that would loosen, or change nothing, is not made."""
        self._change(scope, key, state=state, reason=reason, actor=f"{RULE_ACTOR}{rule}")

    def set_by_rule(self, scope: GateScope, key: str, *, state: GateState, reason: str, actor: str) -> None:
        """Emit a gate change by a rule of ours under its whole name; a breaker may lift what it has closed itself."""
        self._change(scope, key, state=state, reason=reason, actor=actor)

    def set_gate(self, request: OperatorRequested, state: GateState) -> None:
        """Emit the gate change a person asked for; one that changes nothing is not made."""
        self._change(request.scope, request.key, state=state, reason=request.reason, actor=request.requester)

    def _change(self, scope: GateScope, key: str, *, state: GateState, reason: str, actor: str) -> None:
        core = self._core
        change = core.gates.change(scope, key, state, actor=actor)
        if change is None:
            return
        core.emit(
            GateChanged(
                event_id=core.next_id(),
                timestamp=core.now_ns,
                symbol=key if scope is GateScope.SYMBOL else "",
                strategy_id=key if scope is GateScope.STRATEGY else "",
                correlation_id=core.next_id(),
                scope=scope,
                key=key,
                before=change[0],
                after=change[1],
                reason=reason,
                actor=actor,
            )
        )
