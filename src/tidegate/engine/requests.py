"""What people ask: gates at once, then cancels, and a liquidation in stages that any order event or tick takes further.

A request acts once, by its id. What it still has to do is state, moved by its acts alone, so a restarted engine goes on where the log
ends. A flatten cancels what works in its scope, then sells (or buys back) what is held in slices within the caps on one order,
each judged by the gate as a person's exit, at a limit whose collar widens from round to round.
"""

from typing import Final, final

from tidegate.engine.closed import LOOK_NS, closed_until_ns
from tidegate.engine.collars import collared
from tidegate.engine.core import Core
from tidegate.engine.ordering import Ordering
from tidegate.engine.records import LASTING, Job
from tidegate.events.acts import RequestMoved, TradeIntent
from tidegate.events.inputs import OperatorRequested
from tidegate.oms.order import Order
from tidegate.portfolio.positions import Holding
from tidegate.risk.exits import blind_exit_price, exit_slices
from tidegate.values.enums import (
    ExitReason,
    GateScope,
    GateState,
    OrderState,
    OrderType,
    Purpose,
    RequestStage,
    RequestVerb,
    Side,
    TimeInForce,
)
from tidegate.values.time import SECOND_NS

ROUND_NS: Final = 2 * SECOND_NS  # between two rounds of a liquidation
CANCEL_PATIENCE_NS: Final = 5 * SECOND_NS  # then what is left is liquidated beside an unconfirmed cancel, never twice

_GATES: Final = {
    RequestVerb.PAUSE: GateState.REDUCE_ONLY,
    RequestVerb.DISABLE: GateState.REDUCE_ONLY,
    RequestVerb.RESUME: GateState.ACTIVE,
    RequestVerb.ENABLE: GateState.ACTIVE,
    RequestVerb.FLATTEN: GateState.REDUCE_ONLY,
    RequestVerb.KILL: GateState.HALTED,
}
_STRICTNESS: Final = {GateState.ACTIVE: 0, GateState.REDUCE_ONLY: 1, GateState.HALTED: 2}
_ENTRIES_ONLY: Final = frozenset({RequestVerb.PAUSE, RequestVerb.DISABLE})
_CANCELS: Final = LASTING | _ENTRIES_ONLY


@final
class Requests:
    """Acts on requests and takes jobs further."""

    def __init__(self, core: Core, ordering: Ordering) -> None:
        self._core: Final = core
        self._ordering: Final = ordering

    def take(self, request: OperatorRequested, *, new: bool) -> None:
        """Tell that a request was taken, set its gate, cancel what it cancels, and begin what it has to wait for."""
        stage = RequestStage.TAKEN if new else RequestStage.REPEATED
        self._tell(request.request_id, request.verb, stage, correlation=request.correlation_id, note=request.reason)
        if not new:
            return
        self._set_gate(request)
        if request.verb in _CANCELS:
            self._cancel(request.scope, request.key, request.order_id, request.reason, entries_only=request.verb in _ENTRIES_ONLY)
        if request.verb not in LASTING:
            self._tell(request.request_id, request.verb, RequestStage.DONE, correlation=request.correlation_id)
        self.step()

    def step(self) -> None:
        """Take every job as far as it can go now."""
        jobs = self._core.requests.jobs
        for request_id in list(jobs):
            self._step(jobs[request_id])

    def _step(self, job: Job) -> None:
        working = [order for order in self._in_scope(job.scope, job.key, job.order_id) if not _of(order, job)]
        if job.verb is RequestVerb.FLATTEN:
            self._step_flatten(job, working)
        elif not any(order.submitted_ns <= job.begun_ns for order in working):  # what came after a resume is not its business
            self._move(job, RequestStage.DONE)
        elif job.stage is not RequestStage.CANCELING:
            self._cancel_rest(job, working)
            self._move(job, RequestStage.CANCELING)

    def _step_flatten(self, job: Job, working: list[Order]) -> None:
        waiting = any(self._is_awaited(order, job) for order in working)
        held = self._held(job)
        if waiting and job.stage in {RequestStage.TAKEN, RequestStage.CANCELING}:
            self._cancel_rest(job, working)
            if job.stage is not RequestStage.CANCELING:
                self._move(job, RequestStage.CANCELING, due_ns=job.begun_ns + CANCEL_PATIENCE_NS)
        elif held:
            if self._core.now_ns >= job.due_ns or job.stage not in {RequestStage.LIQUIDATING, RequestStage.STUCK}:
                self._round(job, held)
        elif not self._in_scope(job.scope, job.key, job.order_id):
            self._move(job, RequestStage.DONE)
        elif self._core.now_ns >= job.due_ns:
            self._cancel_rest(job, working)
            self._move(job, job.stage, tries=job.tries, due_ns=self._core.now_ns + ROUND_NS)

    def _is_awaited(self, order: Order, job: Job) -> bool:
        """Tell whether the confirmation of an order's cancel is worth waiting for: not for ever, and not where its outcome is open."""
        return order.state is not OrderState.UNKNOWN and self._core.now_ns < job.begun_ns + CANCEL_PATIENCE_NS

    def _held(self, job: Job) -> list[tuple[str, str, Holding]]:
        core = self._core
        return [
            (strategy_id, symbol, holding)
            for (strategy_id, symbol), holding in sorted(core.portfolio.holdings.items())
            if (holding.exits_nanos or self._left(symbol, holding)) and self._covers(job.scope, job.key, strategy_id, symbol)
        ]

    def _round(self, job: Job, held: list[tuple[str, str, Holding]]) -> None:
        """Send what is left of each position; a round in which nothing could be sent is told as stuck.

        Where a venue is known to be closed nothing is sent until it opens.
        """
        core = self._core
        sent = 0
        closed = {symbol: until_ns for _, symbol, _ in held if (until_ns := closed_until_ns(core, core.instruments[symbol].index))}
        for strategy_id, symbol, holding in held:
            if symbol not in closed:
                sent += self._liquidate(job, strategy_id, symbol, holding)
        working = any(holding.exits_nanos for _, _, holding in held)
        stage = RequestStage.LIQUIDATING if sent or working else RequestStage.STUCK
        if all(symbol in closed for _, symbol, _ in held):
            due_ns = min(*closed.values(), core.now_ns + LOOK_NS)
            self._move(job, stage, tries=job.tries, due_ns=due_ns, note="the venue is closed; it goes on when it opens")
        else:
            self._move(job, stage, tries=job.tries + 1, due_ns=core.now_ns + ROUND_NS)

    def _liquidate(self, job: Job, strategy_id: str, symbol: str, holding: Holding) -> bool:
        core = self._core
        instrument = core.instruments[symbol]
        side = Side.SELL if holding.quantity_nanos > 0 else Side.BUY
        left = self._left(symbol, holding)
        quote = core.reading.quote(instrument.index)
        touch = quote.bid_nanos if side is Side.SELL else quote.ask_nanos
        anchor = touch or quote.last_trade_nanos
        limit = blind_exit_price(side, anchor, core.spec.limits, instrument, failures=job.tries)
        limits = core.limits_for(strategy_id, symbol)
        limit = collared(side, limit, quote, core.now_ns, limits, instrument)
        if left <= 0 or limit <= 0:
            return False
        sent = False
        for number, quantity in enumerate(exit_slices(left, anchor, limits, instrument), start=1):
            intent = TradeIntent(
                event_id=core.next_id(),
                timestamp=core.now_ns,
                symbol=symbol,
                strategy_id=strategy_id,
                correlation_id=job.correlation_id,
                purpose=Purpose.EXIT,
                side=side,
                order_type=OrderType.LIMIT,
                time_in_force=TimeInForce.IOC,
                quantity_nanos=quantity,
                limit_price_nanos=limit,
                reference_price_nanos=anchor,
                exit_reason=ExitReason.OPERATOR,
                sizing=f"slice {number} of what is left; round {job.tries + 1} at a limit past the last price by the collar",
                reason=f"{job.requester}: {job.reason}",
            )
            if not self._ordering.judge_and_order(intent, core.strategy_places.get(strategy_id, -1), instrument.index):
                break
            sent = True
        return sent

    def _left(self, symbol: str, holding: Holding) -> int:
        """Return what of a holding may still be exited: what strategies hold against each other is flat for the account already."""
        book = self._core.portfolio.book(symbol)
        own = abs(holding.quantity_nanos) - holding.exits_nanos
        if holding.quantity_nanos > 0:
            return max(0, min(own, book.net_nanos - book.sells_nanos))
        return max(0, min(own, -book.net_nanos - book.buys_nanos))

    def _set_gate(self, request: OperatorRequested) -> None:
        state = _GATES.get(request.verb)
        if state is None:
            return
        opens = state is GateState.ACTIVE
        before = self._core.gates.state(request.scope, request.key)
        if opens or _STRICTNESS[state] >= _STRICTNESS[before]:  # a pause does not loosen a halt, and takes over what a rule has paused
            self._ordering.set_gate(request, state)

    def withdraw_entries(self, strategy_id: str, reason: str) -> None:
        """Cancel what a strategy has working to enter; its exits stay."""
        self._cancel(GateScope.STRATEGY, strategy_id, "", reason, entries_only=True)

    def _cancel(self, scope: GateScope, key: str, order_id: str, reason: str, *, entries_only: bool) -> None:
        for order in self._in_scope(scope, key, order_id):
            if not (entries_only and order.purpose is Purpose.EXIT):
                self._ordering.cancel(order, reason)

    def _cancel_rest(self, job: Job, working: list[Order]) -> None:
        for order in working:
            if not order.cancel_ns:
                self._ordering.cancel(order, job.reason)

    def _in_scope(self, scope: GateScope, key: str, order_id: str) -> list[Order]:
        live = self._core.orders.live
        if order_id:
            return [live[order_id]] if order_id in live else []
        return [live[name] for name in sorted(live) if self._covers(scope, key, live[name].strategy_id, live[name].symbol)]

    def _covers(self, scope: GateScope, key: str, strategy_id: str, symbol: str) -> bool:
        if scope is GateScope.STRATEGY:
            return strategy_id == key
        if scope is GateScope.SYMBOL:
            return symbol == key
        return scope is not GateScope.VENUE or self._core.instruments[symbol].venue == key

    def _move(self, job: Job, stage: RequestStage, *, tries: int | None = None, due_ns: int = 0, note: str = "") -> None:
        tries = job.tries if tries is None else tries
        self._tell(job.request_id, job.verb, stage, correlation=job.correlation_id, tries=tries, due_ns=due_ns, note=note)

    def _tell(  # noqa: PLR0913 - the fields of one act
        self,
        request_id: str,
        verb: RequestVerb,
        stage: RequestStage,
        *,
        correlation: str,
        tries: int = 0,
        due_ns: int = 0,
        note: str = "",
    ) -> None:
        core = self._core
        core.emit(
            RequestMoved(
                event_id=core.next_id(),
                timestamp=core.now_ns,
                symbol="",
                strategy_id="",
                correlation_id=correlation,
                request_id=request_id,
                verb=verb,
                stage=stage,
                tries=tries,
                due_ns=due_ns,
                note=note,
            )
        )


def _of(order: Order, job: Job) -> bool:
    """Tell whether an order is a liquidation of this very job."""
    return order.exit_reason is ExitReason.OPERATOR and order.correlation_id == job.correlation_id
