"""Stops that rest at the venue: they protect a position even while nobody here is alive.

A strategy that declares `exit_at: venue` has a stop placed for whatever it holds once no entry of it works any more. The engine's own
exit levels go on: an exit over such a stop first cancels it (what a resting order holds cannot be sold twice), is announced by
`ExitWaits`, and goes out in the step in which the cancel is confirmed. A stop that ends otherwise than by filling is not placed again for
this position: the engine's level stands in for it.
"""

from typing import Final, final

from tidegate.engine.core import Core
from tidegate.engine.exiting import SLICES_MAX, Exiting
from tidegate.engine.ordering import Ordering
from tidegate.events.acts import TradeIntent
from tidegate.oms.order import Change
from tidegate.risk.exits import exit_slices
from tidegate.strategies.plan import ExitAt
from tidegate.values.enums import ExitReason, GateState, OrderType, Purpose, Side, TimeInForce


@final
class Protecting:
    """Places protective stops and lets the exits go that waited for their cancels."""

    def __init__(self, core: Core, ordering: Ordering, exiting: Exiting) -> None:
        self._core: Final = core
        self._ordering: Final = ordering
        self._exiting: Final = exiting
        self._wanted: Final = frozenset(place for place, plan in enumerate(core.plans) if plan.exits.exit_at is ExitAt.VENUE)

    def after_order(self, change: Change) -> None:
        """Act on what an order event changed, after it was folded and told."""
        order, core = change.order, self._core
        if order.external:
            self.withdraw()
        strategy = core.strategy_places.get(order.strategy_id, -1)
        if strategy not in self._wanted:
            return
        place = core.instruments[order.symbol].index
        waiting = core.memory(strategy, place).waiting
        if waiting is not None:
            if order.is_protective and not order.working and not core.protective(order.strategy_id, order.symbol):
                reason, words = waiting.exit_reason, waiting.reason
                self._exiting.exit(strategy, place, reason, correlation=waiting.correlation_id, words=words)
        elif core.portfolio.holding(order.strategy_id, order.symbol).quantity_nanos and not order.chase_open:
            self._place(strategy, place, correlation=order.correlation_id)

    def withdraw(self) -> None:
        """Cancel the stops of positions that something other than their own orders has made smaller: they would sell what is not there."""
        core = self._core
        for strategy in sorted(self._wanted):
            strategy_id = core.strategies[strategy].strategy_id
            for symbol in core.spec.strategies[strategy].symbols:
                held = core.portfolio.holding(strategy_id, symbol)
                if held.exits_nanos > abs(held.quantity_nanos):
                    for order in core.protective(strategy_id, symbol):
                        if not order.cancel_ns:
                            self._ordering.cancel(order, "the position has become smaller than its stop")

    def _place(self, strategy: int, place: int, *, correlation: str) -> None:
        core, instrument = self._core, self._core.by_place[place]
        strategy_id, symbol = core.strategies[strategy].strategy_id, instrument.symbol
        held = core.portfolio.holding(strategy_id, symbol)
        side = Side.SELL if held.quantity_nanos > 0 else Side.BUY
        level = core.host.integers[core.reading.own_cell(core.host.pair(strategy, place), "stop_nanos")]
        stop = instrument.ceil_price(level) if side is Side.SELL else instrument.floor_price(level)
        left = min(abs(held.quantity_nanos) - held.exits_nanos, core.portfolio.account_reducible(symbol, side))
        if stop <= 0 or left <= 0 or not self._may_place(strategy, place):
            return
        for quantity in exit_slices(left, stop, core.limits_for(strategy_id, symbol), instrument)[:SLICES_MAX]:
            intent = TradeIntent(
                event_id=core.next_id(),
                timestamp=core.now_ns,
                symbol=symbol,
                strategy_id=strategy_id,
                correlation_id=correlation,
                purpose=Purpose.EXIT,
                side=side,
                order_type=OrderType.STOP,
                time_in_force=TimeInForce.DAY,
                quantity_nanos=quantity,
                limit_price_nanos=0,
                stop_price_nanos=stop,
                reference_price_nanos=stop,
                exit_reason=ExitReason.STOP_LOSS,
                sizing="all of the position that no stop protects yet",
                reason="the strategy's stop rests at the venue",
            )
            if not self._ordering.judge_and_order(intent, strategy, place):
                return

    def _may_place(self, strategy: int, place: int) -> bool:
        """Tell whether a stop may be placed: not after one has failed, not while an entry works, and only while every gate is open."""
        core, instrument = self._core, self._core.by_place[place]
        strategy_id, symbol = core.strategies[strategy].strategy_id, instrument.symbol
        if core.memory(strategy, place).unprotected:
            return False
        working = core.portfolio.book(symbol).orders.values()
        if any(order.strategy_id == strategy_id and order.purpose is Purpose.ENTRY for order in working):
            return False
        return core.gate_of(symbol, strategy_id).state is GateState.ACTIVE
