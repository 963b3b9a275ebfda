"""Closes the account to entries when it has lost too much, and a strategy when its orders fare badly; opens again what cooled down.

The gate refuses an entry beyond a loss limit at the worth of that very moment; here the account itself is closed, at each valuation, and
what of its entries works is canceled. Exits and cancels go on.
"""

from typing import Final, final

from tidegate.engine.core import Core
from tidegate.engine.ordering import Ordering
from tidegate.portfolio.valuation import unpriced
from tidegate.risk.breakers import Trip, account_trips, loss_trips, strategy_trips
from tidegate.values.enums import GateScope, GateState, Purpose

# Members of an enum are looked up slowly before Python 3.12.
_ENTRY: Final = Purpose.ENTRY


@final
class Watching:
    """Emits gate changes of the in-trade rules."""

    def __init__(self, core: Core, ordering: Ordering) -> None:
        self._core: Final = core
        self._ordering: Final = ordering

    def after_valuation(self) -> None:
        """Close the account if the worth just taken in lies beyond a loss limit."""
        core = self._core
        losses = core.in_trade.losses
        trips = account_trips(losses, core.spec.limits, losses.worth)
        if trips:
            self._close(GateScope.ACCOUNT, core.spec.account, trips, self._at_worst())
        for strategy_id in core.spec.own_losses():
            own = core.in_trade.strategies.get(strategy_id)
            trips = loss_trips(own, core.limits_of(strategy_id)) if own is not None else []
            if trips:
                self._close(GateScope.STRATEGY, strategy_id, trips, "")

    def after_order(self, strategy_id: str) -> None:
        """Close a strategy if its orders fare badly."""
        core = self._core
        if strategy_id in core.strategy_places:
            trips = strategy_trips(core.in_trade.conduct.of(strategy_id), core.limits_of(strategy_id))
            if trips:
                self._close(GateScope.STRATEGY, strategy_id, trips, "")

    def lift(self) -> None:
        """Open what breakers have held for their cooldown."""
        core = self._core
        cooldown_ns = core.spec.limits.breaker_cooldown_ns
        if not cooldown_ns:
            return
        for gate, actor, since_ns in core.gates.breakers():
            if core.now_ns >= since_ns + cooldown_ns:
                self._ordering.set_by_rule(
                    gate.scope, gate.key, state=GateState.ACTIVE, reason=f"cooled down; it was: {gate.reason}", actor=actor
                )

    def _at_worst(self) -> str:
        """Name what is counted at its worst, having had no price for too long."""
        core = self._core
        since_ns = core.in_trade.losses.unpriced_ns
        if not since_ns or core.now_ns - since_ns < core.spec.limits.unpriced_ns_max:
            return ""
        symbols = unpriced(core.portfolio, core.mark)
        return f"; {', '.join(symbols)} without a price counts at its worst case" if symbols else ""

    def _close(self, scope: GateScope, key: str, trips: list[Trip], remark: str) -> None:
        before = self._core.k
        for trip in trips:
            self._ordering.set_by_rule(scope, key, state=GateState.REDUCE_ONLY, reason=f"{trip.reason}{remark}", actor=trip.actor)
        if self._core.k != before:
            self._cancel_entries(scope, key, trips[0].reason)

    def _cancel_entries(self, scope: GateScope, key: str, reason: str) -> None:
        live = self._core.orders.live
        for order_id in sorted(live):
            order = live[order_id]
            if (
                order.purpose is _ENTRY
                and not order.external
                and (scope is GateScope.ACCOUNT or order.strategy_id == key)
                and not order.cancel_ns
            ):
                self._ordering.cancel(order, reason)
