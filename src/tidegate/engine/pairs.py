"""What a pair of strategy and symbol must know in the senses: its position, its exit levels, and when it may enter again.

Only this file writes those cells. It is called while folding, so a recovered log writes the same.
"""

from typing import Final, NamedTuple, final

from msgspec.structs import replace

from tidegate.engine.closed import LOOK_NS, closed_until_ns, is_halted
from tidegate.engine.core import Core, PairMemory
from tidegate.engine.reading import cells
from tidegate.events.acts import TradeIntent
from tidegate.kernel.layout import CELL_BYTES
from tidegate.oms.order import Change, Order
from tidegate.portfolio.positions import Holding
from tidegate.strategies.plan import ExitAt
from tidegate.strategies.rows import OWN
from tidegate.values.enums import OrderState, Purpose
from tidegate.values.money import NANOS
from tidegate.values.time import NEVER_NS

_O: Final = cells(OWN)
_POSITION, _WORKING, _ARMED, _OPENED = _O["position_nanos"], _O["working_exit_nanos"], _O["armed_at_ns"], _O["opened_ns"]
_AGE, _EVENTS, _STOP, _TAKE, _TRAIL = _O["age_ns"], _O["age_events"], _O["stop_nanos"], _O["take_nanos"], _O["trail_nanos"]
_BEST, _TIME_STOP, _REASON = _O["trail_best_nanos"], _O["time_stop_at_ns"], _O["exit_reason"]
_SHARES, _ENTRY, _KILL, _NEXT = _O["position"], _O["entry_price"], _O["spread_kill_bps"], _O["exit_next_ns"]
_ENDED: Final = frozenset(
    {OrderState.FILLED, OrderState.CANCELED, OrderState.EXPIRED, OrderState.REJECTED, OrderState.ABSENT, OrderState.NOT_SENT}
)

# A position's opening, age, levels and throttle stand together in its row, so they are cleared in one go.
_NO_LEVELS: Final = memoryview(bytes(CELL_BYTES * (_REASON - _OPENED + 1))).cast("q")
assert sorted((_OPENED, _AGE, _EVENTS, _STOP, _TAKE, _TRAIL, _BEST, _TIME_STOP, _NEXT, _REASON)) == list(range(_OPENED, _REASON + 1))

# Members of an enum are looked up slowly before Python 3.12.
_EXIT: Final = Purpose.EXIT
_ENTRY_PURPOSE: Final = Purpose.ENTRY
_AT_VENUE: Final = ExitAt.VENUE
_REPLACED: Final = OrderState.REPLACED

HALTED_DOUBLINGS: Final = 3  # a symbol halted by its venue is tried every 8 retry times
BACKOFF_DOUBLINGS_MAX: Final = 6  # an exit that keeps failing is tried at least every 64 retry times


class _Pair(NamedTuple):
    """A strategy and a symbol by places and names, and the first cell of their row."""

    strategy: int
    place: int
    strategy_id: str
    symbol: str
    at: int


@final
class Pairs:
    """Writes the pairs' rows."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._integers, self._floats = core.host.integers, core.host.floats
        self._pairs: Final = [
            _Pair(
                strategy,
                instrument.index,
                loaded.strategy_id,
                instrument.symbol,
                core.reading.own_start(core.host.pair(strategy, instrument.index)),
            )
            for strategy, loaded in enumerate(core.strategies)
            for instrument in core.by_place
        ]
        self._named: Final = {(pair.strategy_id, pair.symbol): pair for pair in self._pairs}

    def after_submit(self, intent: TradeIntent) -> None:
        """Remember the exit plan of an entry that was sent; count what works of an exit."""
        pair = self._named.get((intent.strategy_id, intent.symbol))
        if pair is None:
            return
        if intent.purpose is _ENTRY_PURPOSE:
            self._core.memory(pair.strategy, pair.place).entry = intent
        else:
            self._write_working(pair, self._core.portfolio.holding(intent.strategy_id, intent.symbol))

    def after_order(self, change: Change) -> None:
        """Bring the pair's row up to date with its order: position, levels, working exits, arming; its levels are looked at anew."""
        order, core = change.order, self._core
        pair = self._named.get((order.strategy_id, order.symbol))
        if pair is None:
            return
        strategy, place, _, _, at = pair
        memory = core.memory(strategy, place)
        holding = core.portfolio.holding(order.strategy_id, order.symbol)
        if change.fills:
            self._write_position(at, holding, memory)
        self._write_working(pair, holding)
        moved = change.before is not order.state
        ended = moved and order.state in _ENDED
        if order.purpose is _EXIT:
            self._after_exit(order, strategy, place, memory, ended=ended)
        if holding.quantity_nanos:
            core.note_due(self._integers[at + _NEXT])
            if self._has_levels(at):
                core.host.after_order(strategy, place, core.now_ns)
        elif ended or change.others or (moved and order.state is _REPLACED) or (change.fills and not order.working):
            # It ended, or what was to replace it; or a bust, or a fill after the end.
            entry_failed = order.purpose is _ENTRY_PURPOSE and not order.filled_nanos
            self._rearm_after(pair, holding, memory, entry_failed=entry_failed)

    def _after_exit(self, order: Order, strategy: int, place: int, memory: PairMemory, *, ended: bool) -> None:
        """Count an exit's failure; a stop at the venue that ended without a fill is none, and leaves the position to the engine's level."""
        if order.filled_nanos:
            memory.exit_failures = 0
        elif ended and order.is_protective:
            memory.unprotected = True
        elif ended:
            self.exit_failed(strategy, place)

    def after_outside(self, strategy_id: str, symbol: str) -> None:
        """Bring the pair's row up to date after something outside of its orders moved its position."""
        core, pair = self._core, self._named.get((strategy_id, symbol))
        if pair is None:
            return
        memory, holding = core.memory(pair.strategy, pair.place), core.portfolio.holding(strategy_id, symbol)
        self._write_position(pair.at, holding, memory)
        self._write_working(pair, holding)
        if holding.quantity_nanos == 0:
            self._rearm_after(pair, holding, memory, entry_failed=False)
        core.note_due(0)  # what is due is found out anew

    def after_restated(self, strategy_id: str, symbol: str, numerator: int, denominator: int) -> None:
        """Restate position, entry price and exit levels of a pair in new units."""
        core, pair = self._core, self._named.get((strategy_id, symbol))
        if pair is None:
            return
        memory, holding = core.memory(pair.strategy, pair.place), core.portfolio.holding(strategy_id, symbol)
        if memory.entry is not None:
            entry = memory.entry
            memory.entry = replace(
                entry,
                stop_distance_nanos=entry.stop_distance_nanos * denominator // numerator,
                take_distance_nanos=entry.take_distance_nanos * denominator // numerator,
                trail_distance_nanos=entry.trail_distance_nanos * denominator // numerator,
            )
        at, now = pair.at, holding.quantity_nanos
        best = self._integers[at + _BEST] * denominator // numerator
        self._write_position(at, holding, memory)
        if now:
            average = abs(holding.basis_attos // now)
            self._floats[at + _ENTRY] = average / NANOS
            self._integers[at + _BEST] = best
            self._write_levels(at, memory, average, 1 if now > 0 else -1)
            memory.average_nanos = average
        core.note_due(0)

    def exit_failed(self, strategy: int, place: int) -> None:
        """Count an exit that was refused or ended without a fill; the next one waits twice as long, up to a limit.

        While the venue has halted the symbol, failing says nothing: it is tried on, and not counted toward a halt of ours.
        """
        core = self._core
        memory = core.memory(strategy, place)
        halted = is_halted(core, place)
        doublings = HALTED_DOUBLINGS if halted else min(memory.exit_failures, BACKOFF_DOUBLINGS_MAX)
        wait_ns = core.plans[strategy].exits.retry_ns << doublings
        memory.exit_failures += not halted
        cell = self._row(strategy, place).at + _NEXT
        self._integers[cell] = max(self._integers[cell], core.now_ns + wait_ns)

    def exit_kept(self, strategy: int, place: int) -> None:
        """Look at the exits of a pair again when its venue opens, and until that is known once a minute."""
        until_ns = closed_until_ns(self._core, place)
        at = self._row(strategy, place).at
        if until_ns and self._integers[at + _POSITION]:
            self._integers[at + _NEXT] = max(self._integers[at + _NEXT], min(until_ns, self._core.now_ns + LOOK_NS))

    def rearm(self, strategy: int, place: int, wait_ns: int) -> None:
        """Let the pair enter again after a wait, unless it holds or works something. A longer wait that is set already stands."""
        self._rearm(self._row(strategy, place), wait_ns)

    def disarm(self, strategy_id: str, symbol: str) -> None:
        """Let the pair not enter until something arms it again: its entry waits for a person, whatever asked for it."""
        pair = self._named.get((strategy_id, symbol))
        if pair is not None:
            self._integers[pair.at + _ARMED] = NEVER_NS

    def rearm_unanswered(self, strategy: int, place: int) -> None:
        """Arm a pair again whose entry attention came to nothing; one that is armed, or waits for its time, is left alone."""
        pair = self._row(strategy, place)
        if self._is_free(pair) and self._integers[pair.at + _ARMED] == NEVER_NS:
            self._integers[pair.at + _ARMED] = self._core.now_ns + self._core.plans[strategy].reentry.refusal_cooldown_ns

    def _row(self, strategy: int, place: int) -> _Pair:
        return self._pairs[self._core.host.pair(strategy, place)]

    def _has_levels(self, at: int) -> bool:
        """Tell whether a pair's position has an exit level, so that the kernel has something to look at."""
        integers = self._integers
        levels = integers[at + _STOP] or integers[at + _TAKE] or integers[at + _TRAIL] or integers[at + _TIME_STOP]
        return bool(levels) or self._floats[at + _KILL] != 0.0

    def _is_free(self, pair: _Pair) -> bool:
        """Tell whether a pair holds and works nothing and waits for no approval."""
        core, strategy_id, symbol = self._core, pair.strategy_id, pair.symbol
        if core.approvals.waits(strategy_id, symbol) or core.portfolio.holding(strategy_id, symbol).quantity_nanos:
            return False
        for order in core.portfolio.book(symbol).orders.values():
            if order.strategy_id == strategy_id and order.purpose is _ENTRY_PURPOSE:
                return False
        return True

    def _rearm(self, pair: _Pair, wait_ns: int) -> None:
        if self._is_free(pair):
            until_ns, armed_ns = self._core.now_ns + wait_ns, self._integers[pair.at + _ARMED]
            self._integers[pair.at + _ARMED] = until_ns if armed_ns == NEVER_NS else max(until_ns, armed_ns)

    def _rearm_after(self, pair: _Pair, holding: Holding, memory: PairMemory, *, entry_failed: bool) -> None:
        core = self._core
        rule = core.plans[pair.strategy].reentry
        if entry_failed:
            self._rearm(pair, rule.refusal_cooldown_ns)
            return
        lost = holding.realized_attos < int(memory.realized_before)
        self._rearm(pair, max(rule.cooldown_ns, rule.loss_cooldown_ns) if lost else rule.cooldown_ns)
        if core.spec.symbol_cooldown_ns:
            cell = core.reading.symbol_cell(pair.place, "cooldown_until_ns")
            self._integers[cell] = core.now_ns + core.spec.symbol_cooldown_ns

    def _write_position(self, at: int, holding: Holding, memory: PairMemory) -> None:
        """Write position and exit levels; the levels move with the average price while an entry fills in parts."""
        integers, floats = self._integers, self._floats
        before, now = integers[at + _POSITION], holding.quantity_nanos
        integers[at + _POSITION] = now
        floats[at + _SHARES] = now / NANOS
        opened = before == 0 or (before > 0) != (now > 0)
        if now == 0 or opened:
            self._clear_levels(at)
            memory.unprotected, memory.waiting = False, None
        if now == 0:
            return
        if opened:
            integers[at + _OPENED] = self._core.now_ns
            integers[at + _ARMED] = NEVER_NS
            memory.realized_before = str(holding.realized_attos)
        average = abs(holding.basis_attos // now)
        if opened or abs(now) > abs(before):
            floats[at + _ENTRY] = average / NANOS
            self._write_levels(at, memory, average, 1 if now > 0 else -1)
        memory.average_nanos = average

    def _write_levels(self, at: int, memory: PairMemory, average: int, sign: int) -> None:
        entry, integers = memory.entry, self._integers
        if entry is None:
            return
        if entry.stop_distance_nanos:
            integers[at + _STOP] = max(average - sign * entry.stop_distance_nanos, 1)
        if entry.take_distance_nanos:
            integers[at + _TAKE] = max(average + sign * entry.take_distance_nanos, 1)
        integers[at + _TRAIL] = entry.trail_distance_nanos
        if entry.time_stop_ns:
            integers[at + _TIME_STOP] = integers[at + _OPENED] + entry.time_stop_ns
            self._core.note_due(integers[at + _TIME_STOP])
        self._floats[at + _KILL] = entry.spread_kill_bps

    def _clear_levels(self, at: int) -> None:
        self._integers[at + _OPENED : at + _REASON + 1] = _NO_LEVELS
        self._floats[at + _ENTRY] = 0.0
        self._floats[at + _KILL] = 0.0

    def _write_working(self, pair: _Pair, holding: Holding) -> None:
        """Working exits carry the opposite sign of the position, so that their sum is what is left to exit.

        Stops at the venue are none of them: what they protect may still be left in another way.
        """
        core, exits = self._core, holding.exits_nanos
        if exits and core.plans[pair.strategy].exits.exit_at is _AT_VENUE:
            exits -= sum(order.remaining_nanos for order in core.protective(pair.strategy_id, pair.symbol))
        self._integers[pair.at + _WORKING] = -exits if holding.quantity_nanos > 0 else exits
