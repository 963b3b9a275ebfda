"""Orders that continue others: the chase of an unfilled rest, and entries that follow the market.

Either is a new intent, judged by the gate as any other; what it continues goes on unless that is approved.
"""

from typing import Final, final

from tidegate.engine.core import Core
from tidegate.engine.ordering import Ordering
from tidegate.events.acts import TradeIntent
from tidegate.oms.order import Order
from tidegate.oms.timers import Due
from tidegate.values.enums import GateState, Side
from tidegate.values.money import nanos_text


@final
class Continuing:
    """Emits the intents of continuing orders."""

    def __init__(self, core: Core, ordering: Ordering) -> None:
        self._core: Final = core
        self._ordering: Final = ordering

    def chase(self, due: Due) -> None:
        """Ask the gate for the rest of a canceled order at a new price."""
        order = due.order
        bid, ask = self._touch(order)
        touch = ask if order.side is Side.BUY else bid
        quantity, limit = self._core.orders.chase_terms(order, touch)
        self._ask(order, quantity, limit, reference=touch, reason=due.reason)

    def follow(self, looked_at: list[Order]) -> None:
        """Ask the gate to replace the resting entries that the market has left, as far as their plans go after it.

        Where a gate is not open nothing is asked: an order that stays where it is adds no risk.
        """
        core = self._core
        for seen in looked_at:
            order = core.orders.find(seen.client_order_id)
            assert order is not None, "it was looked at in this step"
            if core.gate_of(order.symbol, order.strategy_id).state is not GateState.ACTIVE:
                continue
            bid, ask = self._touch(order)
            near, far = (bid, ask) if order.side is Side.BUY else (ask, bid)
            limit = core.orders.follow_limit(order, near) if near else 0
            if limit:
                reason = f"follow the market from {nanos_text(order.limit_price_nanos)} to {nanos_text(limit)}"
                self._ask(order, order.quantity_nanos, limit, reference=far, reason=reason)

    def _touch(self, order: Order) -> tuple[int, int]:
        quote = self._core.reading.quote(self._core.instruments[order.symbol].index)
        return quote.bid_nanos, quote.ask_nanos

    def _ask(self, order: Order, quantity: int, limit: int, *, reference: int, reason: str) -> None:
        core = self._core
        strategy = core.strategy_places.get(order.strategy_id, -1)
        if strategy < 0:
            return
        place = core.instruments[order.symbol].index
        entry = core.memory(strategy, place).entry
        self._ordering.judge_and_order(
            TradeIntent(
                event_id=core.next_id(),
                timestamp=core.now_ns,
                symbol=order.symbol,
                strategy_id=order.strategy_id,
                correlation_id=order.correlation_id,
                purpose=order.purpose,
                side=order.side,
                order_type=order.order_type,
                time_in_force=order.time_in_force,
                quantity_nanos=quantity,
                limit_price_nanos=limit,
                reference_price_nanos=reference,
                stop_distance_nanos=entry.stop_distance_nanos if entry else 0,
                take_distance_nanos=entry.take_distance_nanos if entry else 0,
                trail_distance_nanos=entry.trail_distance_nanos if entry else 0,
                time_stop_ns=entry.time_stop_ns if entry else 0,
                spread_kill_bps=entry.spread_kill_bps if entry else 0.0,
                exit_reason=order.exit_reason,
                sizing="the unfilled rest of the order it continues",
                reason=reason,
                replaces=order.client_order_id,
            ),
            strategy,
            place,
        )
