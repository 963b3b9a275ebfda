"""Exits: declared levels, triggers and strategies all end here.

They reduce, are sliced and never refused for size, and need no opinion of a strategy's code.
"""

from typing import Final, final

from tidegate.engine.closed import EXIT_WAITS, closed_until_ns
from tidegate.engine.collars import collared
from tidegate.engine.core import Core
from tidegate.engine.ordering import Ordering
from tidegate.events.acts import ExitWaits, NothingDone, TradeIntent
from tidegate.risk.exits import blind_exit_price, exit_slices
from tidegate.risk.limits import RiskLimits
from tidegate.strategies.pricing import through
from tidegate.values.enums import ExitReason, GateState, OrderType, Purpose, Side, TimeInForce

SLICES_MAX: Final = 16  # per attention; what is left goes with the next: exits are level-triggered


# Members of an enum are looked up slowly before Python 3.12.
_BUY: Final = Side.BUY
_SELL: Final = Side.SELL
_ENTRY: Final = Purpose.ENTRY
_EXIT: Final = Purpose.EXIT
_LIMIT: Final = OrderType.LIMIT
_IOC: Final = TimeInForce.IOC


@final
class Exiting:
    """Emits exit intents."""

    def __init__(self, core: Core, ordering: Ordering) -> None:
        self._core: Final = core
        self._ordering: Final = ordering

    def exit(self, strategy: int, place: int, reason: ExitReason, *, correlation: str, words: str) -> None:
        """Cancel what still works of the entry, then send exits for what is left of the position.

        What stops at the venue hold is told as waiting, and goes out once they are canceled. While the venue is known to be closed,
        nothing is sent: what is wanted is wanted still when it opens.
        """
        core = self._core
        strategy_id, symbol = core.strategies[strategy].strategy_id, core.by_place[place].symbol
        self._cancel_entries(strategy_id, symbol)
        holding = core.portfolio.holding(strategy_id, symbol)
        if holding.quantity_nanos and closed_until_ns(core, place):
            self._wait(strategy_id, symbol, correlation=correlation, words=words)
            return
        side = _SELL if holding.quantity_nanos > 0 else _BUY
        left = abs(holding.quantity_nanos) - holding.exits_nanos
        limits = core.limits_for(strategy_id, symbol)
        limit, reference, how = self._price(strategy, place, side, limits)
        if limit <= 0:
            return
        self._cancel_protective(strategy, place, reason, correlation=correlation, words=words)
        if left <= 0:
            return
        shared = core.portfolio.account_reducible(symbol, side)
        if 0 < shared < left:  # somebody holds against it: what can be closed is closed, for the rest the gate refuses and says why
            left, how = shared, f"{how}, as far as the account's net position goes"
        slices = exit_slices(left, reference, limits, core.by_place[place])
        for quantity in slices[:SLICES_MAX]:
            intent = TradeIntent(
                event_id=core.next_id(),
                timestamp=core.now_ns,
                symbol=symbol,
                strategy_id=strategy_id,
                correlation_id=correlation,
                purpose=_EXIT,
                side=side,
                order_type=_LIMIT,
                time_in_force=_IOC,
                quantity_nanos=quantity,
                limit_price_nanos=limit,
                reference_price_nanos=reference,
                exit_reason=reason,
                sizing=how,
                reason=words,
            )
            if not self._ordering.judge_and_order(intent, strategy, place):
                self._ordering.watch_exit_failures(strategy, place)
                return

    def _wait(self, strategy_id: str, symbol: str, *, correlation: str, words: str) -> None:
        core = self._core
        core.emit(
            NothingDone(
                event_id=core.next_id(),
                timestamp=core.now_ns,
                symbol=symbol,
                strategy_id=strategy_id,
                correlation_id=correlation,
                reason=f"{EXIT_WAITS}: {words}",
            )
        )

    def _cancel_entries(self, strategy_id: str, symbol: str) -> None:
        core = self._core
        for order_id in sorted(core.portfolio.book(symbol).orders):
            order = core.orders.find(order_id)
            if order is None or order.strategy_id != strategy_id or order.purpose is not _ENTRY:
                continue
            if not order.cancel_ns or order.chase_open:  # a cancel that announced a chase must not end in another entry
                self._ordering.cancel(order, "the position is being closed")

    def _cancel_protective(self, strategy: int, place: int, reason: ExitReason, *, correlation: str, words: str) -> None:
        core = self._core
        strategy_id, symbol = core.strategies[strategy].strategy_id, core.by_place[place].symbol
        stops = core.protective(strategy_id, symbol)
        if not stops or not self._may_follow(strategy_id, symbol, cancels=len(stops)):
            return
        if core.memory(strategy, place).waiting is None:
            core.emit(
                ExitWaits(
                    event_id=core.next_id(),
                    timestamp=core.now_ns,
                    symbol=symbol,
                    strategy_id=strategy_id,
                    correlation_id=correlation,
                    exit_reason=reason,
                    reason=words,
                )
            )
        for order in stops:
            if not order.cancel_ns:
                self._ordering.cancel(order, "the position is left in another way")

    def _may_follow(self, strategy_id: str, symbol: str, *, cancels: int) -> bool:
        """Tell whether the gate would let an exit out after so many cancels; if not, what rests at the venue is not given up for it."""
        core = self._core
        messages = core.portfolio.activity.messages_of(symbol, core.now_ns) + cancels
        halted = core.gate_of(symbol, strategy_id).state is GateState.HALTED
        return not halted and messages < core.limits_for(strategy_id, symbol).symbol_messages_per_minute_max

    def _price(self, strategy: int, place: int, side: Side, limits: RiskLimits) -> tuple[int, int, str]:
        """Return limit, reference and how: through the far side, or blind at the last good price less the collar."""
        core = self._core
        quote, instrument = core.reading.quote(place), core.by_place[place]
        touch = quote.bid_nanos if side is _SELL else quote.ask_nanos
        if touch and core.now_ns - quote.quote_ns <= limits.quote_age_ns_max:
            atr = core.host.floats[core.reading.symbol_cell(place, "atr")]
            limit = through(touch, side, core.plans[strategy].exits.slippage, instrument, atr=atr)
            return collared(side, limit, quote, core.now_ns, limits, instrument), touch, "all that is left of the position"
        last = touch or quote.last_trade_nanos
        failures = core.memory(strategy, place).exit_failures
        limit = collared(side, blind_exit_price(side, last, limits, instrument, failures=failures), quote, core.now_ns, limits, instrument)
        return limit, last, "all that is left of the position; no fresh quote, so the last good price less a collar"
