"""Asks a strategy at its turn and turns its answer into a sized and priced intent, or says why not.

A strategy is somebody's code: what it raises, or returns against its contract, stops this strategy alone. Its positions keep
their exit levels.
"""

import math
import traceback
from typing import Any, Final, final

import msgspec

from tidegate.engine.core import Core
from tidegate.engine.exiting import Exiting
from tidegate.engine.ordering import Ordering
from tidegate.engine.viewing import Viewing
from tidegate.events.acts import FeatureSnapshot, NothingDone, StrategyFaulted, StrategyStateChanged, TradeIntent
from tidegate.strategies.pricing import entry_price
from tidegate.strategies.sizing import entry_quantity
from tidegate.strategies.strategy import Attention, Intent, Nothing
from tidegate.values.enums import ExitReason, GateScope, GateState, Purpose, Side
from tidegate.values.money import NANOS

_encoder = msgspec.msgpack.Encoder()


class _NonsenseError(Exception):
    """A strategy's answer breaks its contract; the text says how."""


@final
class Entering:
    """Emits intents of strategies, and what becomes of them."""

    def __init__(self, core: Core, viewing: Viewing, ordering: Ordering, exiting: Exiting) -> None:
        self._core: Final = core
        self._viewing: Final = viewing
        self._ordering: Final = ordering
        self._exiting: Final = exiting
        self._calls = 0
        self.deciding = -1  # while `decide` runs: the number of the call
        self.asked = ""

    def ask(self, strategy: int, place: int, attention: Attention, *, correlation: str, bar_length_ns: int) -> None:
        """Let a strategy decide and act on its answer."""
        core = self._core
        loaded = core.strategies[strategy]
        symbol = core.by_place[place].symbol
        gate = core.gates.state(GateScope.STRATEGY, loaded.strategy_id)
        if gate is not GateState.ACTIVE:
            self._nothing(f"the strategy's gate is {gate.value}: it is not asked", symbol, loaded.strategy_id, correlation)
            return
        pair = core.host.pair(strategy, place)
        head = (core.next_id(), core.now_ns, symbol, loaded.strategy_id, correlation)
        features = core.reading.features(place, pair, head=head)
        core.emit(features)
        view = self._viewing.strategy(strategy, place, features, bar_length_ns)
        before = core.states[strategy]
        self._calls += 1
        self.deciding, self.asked = self._calls, loaded.strategy_id
        try:
            answer = loaded.decide(view, before, attention)
            state, wanted = _checked(answer, type(before))
        except Exception as error:  # noqa: BLE001 - the one call of a user's code: whatever it raises halts the strategy
            self._fault(error, strategy, symbol, correlation)
            return
        finally:
            self.deciding = -1
        if state != before:
            core.emit(
                StrategyStateChanged(
                    event_id=core.next_id(),
                    timestamp=core.now_ns,
                    symbol=symbol,
                    strategy_id=loaded.strategy_id,
                    correlation_id=correlation,
                    state=_encoder.encode(state),
                )
            )
        if isinstance(wanted, Nothing):
            self._nothing(wanted.reason, symbol, loaded.strategy_id, correlation)
        elif wanted.purpose is Purpose.EXIT:
            self._exiting.exit(strategy, place, ExitReason.STRATEGY, correlation=correlation, words=wanted.reason)
        else:
            self._enter(strategy, place, wanted, features, correlation)

    def _enter(self, strategy: int, place: int, wanted: Intent, features: FeatureSnapshot, correlation: str) -> None:
        core = self._core
        instrument, plan = core.by_place[place], core.plans[strategy]
        bid, ask = features.bid_nanos, features.ask_nanos
        buying = wanted.side is Side.BUY
        far = ask if buying else bid
        order_type, limit = entry_price(plan.entry, instrument, wanted.side, bid_nanos=bid, ask_nanos=ask, atr=features.atr)
        if wanted.limit_price is not None:
            limit = round(wanted.limit_price * NANOS)
        exits = plan.exits

        def distance(rule: Any, own: float | None = None) -> int:
            if own is not None:
                return round(own * NANOS)
            return 0 if rule is None else int(rule.nanos(price_nanos=far, atr=features.atr))

        stop = distance(exits.stop, wanted.stop_distance)
        if wanted.quantity is not None:
            quantity, words = instrument.floor_quantity(round(wanted.quantity * NANOS)), "the strategy's own size"
        else:
            quantity, words = entry_quantity(
                plan.sizing,
                instrument,
                price_nanos=far,
                stop_distance_nanos=stop,
                equity_attos=self._viewing.equity_attos(),
                market=(features.ask_size_nanos if buying else features.bid_size_nanos, features.volatility_short),
            )
        if quantity <= 0:
            self._nothing(f"no quantity: {words}", features.symbol, features.strategy_id, correlation)
            return
        self._ordering.judge_and_order(
            TradeIntent(
                event_id=core.next_id(),
                timestamp=core.now_ns,
                symbol=features.symbol,
                strategy_id=features.strategy_id,
                correlation_id=correlation,
                purpose=Purpose.ENTRY,
                side=wanted.side,
                order_type=order_type,
                time_in_force=plan.entry.time_in_force,
                quantity_nanos=quantity,
                limit_price_nanos=limit,
                reference_price_nanos=far,
                stop_distance_nanos=stop,
                take_distance_nanos=distance(exits.take, wanted.take_distance),
                trail_distance_nanos=distance(exits.trail),
                time_stop_ns=exits.time_stop_ns,
                spread_kill_bps=exits.spread_kill_bps,
                sizing=words,
                reason=wanted.reason,
            ),
            strategy,
            place,
        )

    def _nothing(self, reason: str, symbol: str, strategy_id: str, correlation: str) -> None:
        core = self._core
        core.emit(
            NothingDone(
                event_id=core.next_id(),
                timestamp=core.now_ns,
                symbol=symbol,
                strategy_id=strategy_id,
                correlation_id=correlation,
                reason=reason,
            )
        )

    def _fault(self, error: Exception, strategy: int, symbol: str, correlation: str) -> None:
        core = self._core
        strategy_id = core.strategies[strategy].strategy_id
        words = str(error) if isinstance(error, _NonsenseError) else f"{type(error).__name__}: {error}"
        core.emit(
            StrategyFaulted(
                event_id=core.next_id(),
                timestamp=core.now_ns,
                symbol=symbol,
                strategy_id=strategy_id,
                correlation_id=correlation,
                error=words,
                where=_where(error),
            )
        )
        self._ordering.tighten(
            GateScope.STRATEGY,
            strategy_id,
            state=GateState.REDUCE_ONLY,
            reason=f"decide failed: {words}",
            rule="strategy-fault",
        )


def _checked(answer: object, state_type: type) -> tuple[Any, Intent | Nothing]:
    if not isinstance(answer, tuple) or len(answer) != 2:  # noqa: PLR2004 - a pair
        raise _NonsenseError(f"decide returned {answer!r:.80}; return (state, Intent(...)) or (state, Nothing(...))")
    state, wanted = answer
    if type(state) is not state_type:
        raise _NonsenseError(f"decide returned a state of type {type(state).__name__}; its State is {state_type.__name__}")
    if isinstance(wanted, Nothing):
        return state, wanted
    if not isinstance(wanted, Intent) or not isinstance(wanted.side, Side) or not isinstance(wanted.reason, str):
        raise _NonsenseError(f"decide returned {wanted!r:.80}; it must be Intent(side=Side..., reason=text) or Nothing(reason)")
    for name in ("quantity", "limit_price", "stop_distance", "take_distance"):
        number = getattr(wanted, name)
        if number is not None and not (isinstance(number, int | float) and math.isfinite(number) and 0 < number < NANOS):
            raise _NonsenseError(f"decide returned {name}={number!r}; it must be a positive finite number below 1e9")
    return state, wanted


def _where(error: Exception) -> str:
    """The innermost line of the user's file, without directories: the same on every machine."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or isinstance(error, _NonsenseError):
        return ""
    last = frames[-1]
    return f"{last.filename.rpartition('/')[2]}:{last.lineno} in {last.name}"
