"""Who may leave at this very moment: latches that a kill closes at once, the engine's gates, the lease, the time.

A latch does not wait for the engine: it is closed first, in the step in which somebody asks, and opened only when a person does. What
the engine has folded since is the same or stricter; the strictest wins.
"""

from collections.abc import Collection
from typing import Final, final

from tidegate.engine.books import Books
from tidegate.engine.engine import Engine
from tidegate.events.acts import OrderCommand
from tidegate.oms.order import Order
from tidegate.service.ledger.rows import Lease
from tidegate.values.enums import CommandKind, ExitReason, GateScope, GateState, Purpose
from tidegate.values.time import SECOND_NS

LEASE_MARGIN_NS: Final = 3 * SECOND_NS  # sending stops so long before the lease ends
_ALL: Final = frozenset({GateScope.GLOBAL, GateScope.ACCOUNT, GateScope.VENUE})  # a trader has one account at one venue
_STRICTNESS: Final = {GateState.ACTIVE: 0, GateState.REDUCE_ONLY: 1, GateState.HALTED: 2}


@final
class Gatekeeper:
    """Checks one order command in the step in which it is sent. Cancels and lookups do not come here."""

    def __init__(self, engine: Engine) -> None:
        self._engine: Final = engine
        self._latches: dict[tuple[GateScope, str], GateState] = {}
        self._sending_until_ns = 0  # monotonic
        self.lease: Lease | None = None

    def hold(self, lease: Lease, *, asked_ns: int) -> None:
        """Count a lease from the monotonic time at which it was asked for: the answer may have taken long."""
        self.lease = lease
        self._sending_until_ns = asked_ns + lease.ttl_ns - LEASE_MARGIN_NS

    def lose(self) -> None:
        """The lease is not ours any more: nothing that needs it leaves again."""
        self._sending_until_ns = 0

    def holds(self, monotonic_ns: int) -> bool:
        """Tell whether the account is ours for long enough to send."""
        return monotonic_ns < self._sending_until_ns

    def latch(self, scope: GateScope, key: str, state: GateState) -> bool:
        """Close a scope at once, or open it (ACTIVE). False: it is closed as tightly already, and stays as it is."""
        if state is GateState.ACTIVE:
            self._latches.pop((scope, key), None)
            return True
        latched = self._latches.get((scope, key), GateState.ACTIVE)
        now = max(latched, self._engine.books.gate(scope, key), key=_STRICTNESS.__getitem__)
        if _STRICTNESS[state] <= _STRICTNESS[now]:
            return False
        self._latches[scope, key] = state
        return True

    @property
    def halts_all(self) -> bool:
        """Tell whether no order of any strategy may leave: everything, or the account, is halted."""
        latched = any(state is GateState.HALTED and scope in _ALL for (scope, _), state in self._latches.items())
        return latched or any(gate.state is GateState.HALTED and gate.scope in _ALL for gate, _ in self._engine.books.closed_gates())

    def halted_beside(self, scopes: Collection[GateScope], scope: GateScope, key: str) -> bool:
        """Tell whether one of some scopes other than this one is halted."""
        closed = ((gate.scope, gate.key) for gate, _ in self._engine.books.closed_gates() if gate.state is GateState.HALTED)
        latched = (place for place, state in self._latches.items() if state is GateState.HALTED)
        return any(place[0] in scopes and place != (scope, key) for place in (*closed, *latched))

    def refusal(self, command: OrderCommand, order: Order, *, now_ns: int, monotonic_ns: int) -> str:
        """Return why an order command may not leave now; empty: it may."""
        if now_ns > command.valid_until_ns:
            return "too late: it is past its time"
        if not self.holds(monotonic_ns):
            return "the lease of the account is not ours any more"
        state, words = self._strictest(command)
        if order.exit_reason is ExitReason.OPERATOR and order.purpose is Purpose.EXIT:
            return ""
        if state is GateState.HALTED or (state is GateState.REDUCE_ONLY and order.purpose is Purpose.ENTRY):
            return f"the gate is {state.value}: {words}"
        if order.purpose is Purpose.ENTRY and (void := self._engine.books.not_permitted().get(order.strategy_id)):
            return f"the strategy is not permitted to trade: {void}"
        return ""

    def _strictest(self, command: OrderCommand) -> tuple[GateState, str]:
        verdict = self._engine.books.gate_of(command.symbol, command.strategy_id)
        state, words = verdict.state, verdict.reason
        for (scope, key), latched in self._latches.items():
            if _STRICTNESS[latched] > _STRICTNESS[state] and _covers(scope, key, command):
                state, words = latched, f"{scope.value} {key}".strip()
        return state, words


def replace_refusal(command: OrderCommand, books: Books) -> str:
    """A replacement names an absolute quantity: of an order that filled meanwhile it would be the wrong one."""
    if command.kind is not CommandKind.REPLACE:
        return ""
    replaced = books.order(command.target_id)
    if replaced is None or replaced.filled_nanos:
        return "the order to be replaced has filled in part; cancel it, and ask for the rest once that is confirmed"
    return ""


def _covers(scope: GateScope, key: str, command: OrderCommand) -> bool:
    words = {
        GateScope.GLOBAL: key,
        GateScope.VENUE: command.venue,
        GateScope.ACCOUNT: command.account,
        GateScope.STRATEGY: command.strategy_id,
        GateScope.SYMBOL: command.symbol,
    }
    return words[scope] == key
