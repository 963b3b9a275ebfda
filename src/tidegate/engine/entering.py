"""Asks a strategy at its turn and turns its answer into a sized and priced intent, or says why not.

A strategy is somebody's code: what it raises, or returns against its contract, stops this strategy alone. Its positions keep
their exit levels.
"""

import math
import re
from types import CodeType
from typing import Any, Final, final

import msgspec

from tidegate.engine.closed import EXIT_WAITS, closed_until_ns
from tidegate.engine.core import Core
from tidegate.engine.exiting import Exiting
from tidegate.engine.ordering import Ordering
from tidegate.engine.viewing import Viewing
from tidegate.events import acts
from tidegate.events.acts import FeatureSnapshot, NothingDone, StrategyFaulted, StrategyStateChanged
from tidegate.strategies.plan import Distance, Plan
from tidegate.strategies.pricing import entry_price
from tidegate.strategies.sizing import entry_quantity
from tidegate.strategies.strategy import Attention, Intent, Nothing
from tidegate.values.enums import ExitReason, GateScope, GateState, OrderType, Purpose, Side
from tidegate.values.money import NANOS

_acts: Final = acts  # by a name that is not imported: otherwise Python calls with more than 15 keywords at four times the cost
_encoder = msgspec.msgpack.Encoder()
_ADDRESS: Final = re.compile(r" at 0x[0-9a-fA-F]+")  # of an object: it differs between two runs
_WORDS_MAX: Final = 400  # characters of an error that are kept

# Members of an enum are looked up slowly before Python 3.12.
_STRATEGY: Final = GateScope.STRATEGY
_ACTIVE: Final = GateState.ACTIVE
_ENTRY: Final = Purpose.ENTRY
_EXIT: Final = Purpose.EXIT
_BUY: Final = Side.BUY
_LIMIT: Final = OrderType.LIMIT

_PLAIN: Final = (str, int, float, bytes, type(None))  # what may be shown as it is


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
        gate = core.gates.state(_STRATEGY, loaded.strategy_id)
        if gate is not _ACTIVE:
            self._nothing(f"the strategy's gate is {gate.value}: it is not asked", symbol, loaded.strategy_id, correlation)
            return
        pair = core.host.pair(strategy, place)
        head = (core.next_id(), core.now_ns, symbol, loaded.strategy_id, correlation)
        features = core.reading.features(place, pair, head=head)
        core.tell(features)
        view = self._viewing.strategy(strategy, place, features, bar_length_ns)
        before = core.states[strategy]
        self._calls += 1
        self.deciding, self.asked = self._calls, loaded.strategy_id
        try:
            state, wanted = _checked(loaded.decide(view, before, attention), type(before), loaded.plan)
            packed = _packed(state) if state is not before and state != before else b""
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the one call of a user's code: whatever it raises halts the strategy
            self._fault(error, strategy, symbol, correlation)
            return
        finally:
            self.deciding = -1
        if packed:
            core.emit(
                StrategyStateChanged(
                    event_id=core.next_id(),
                    timestamp=core.now_ns,
                    symbol=symbol,
                    strategy_id=loaded.strategy_id,
                    correlation_id=correlation,
                    state=packed,
                )
            )
        if isinstance(wanted, Nothing):
            self._nothing(wanted.reason, symbol, loaded.strategy_id, correlation)
        elif wanted.purpose is _EXIT:
            self._leave(strategy, place, wanted.reason, correlation)
        elif core.approvals.waits(loaded.strategy_id, symbol):
            self._nothing("an entry of this pair waits for a person's approval", symbol, loaded.strategy_id, correlation)
        elif self._shrinks_what_a_stop_holds(loaded.strategy_id, symbol, wanted.side):
            why = "a stop at the venue holds the position that it would reduce; leave with an exit"
            self._nothing(why, symbol, loaded.strategy_id, correlation)
        else:
            self._enter(strategy, place, wanted, features, correlation)

    def _leave(self, strategy: int, place: int, reason: str, correlation: str) -> None:
        """Exit at the strategy's wish, no sooner after a failed exit than a declared level would: each failure counts toward a halt."""
        core = self._core
        strategy_id, symbol = core.strategies[strategy].strategy_id, core.by_place[place].symbol
        if core.now_ns < core.host.integers[core.reading.own_cell(core.host.pair(strategy, place), "exit_next_ns")]:
            why = EXIT_WAITS if closed_until_ns(core, place) else "an exit was tried a moment ago"
            self._nothing(f"{why}: {reason}", symbol, strategy_id, correlation)
            return
        acts = core.k
        self._exiting.exit(strategy, place, ExitReason.STRATEGY, correlation=correlation, words=reason)
        if core.k == acts:
            self._nothing(f"nothing is left to exit: {reason}", symbol, strategy_id, correlation)

    def _enter(self, strategy: int, place: int, wanted: Intent, features: FeatureSnapshot, correlation: str) -> None:
        core = self._core
        instrument, plan, atr = core.by_place[place], core.plans[strategy], features.atr
        bid, ask = features.bid_nanos, features.ask_nanos
        buying = wanted.side is _BUY
        far = ask if buying else bid
        order_type, limit = entry_price(plan.entry, instrument, wanted.side, bid_nanos=bid, ask_nanos=ask, atr=atr)
        if wanted.limit_price is not None:
            order_type, limit = _LIMIT, round(wanted.limit_price * NANOS)
        exits = plan.exits
        stop = _distance(exits.stop, far, atr) if wanted.stop_distance is None else round(wanted.stop_distance * NANOS)
        take = _distance(exits.take, far, atr) if wanted.take_distance is None else round(wanted.take_distance * NANOS)
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
        self._ordering.enter(
            _acts.TradeIntent(
                event_id=core.next_id(),
                timestamp=core.now_ns,
                symbol=features.symbol,
                strategy_id=features.strategy_id,
                correlation_id=correlation,
                purpose=_ENTRY,
                side=wanted.side,
                order_type=order_type,
                time_in_force=plan.entry.time_in_force,
                quantity_nanos=quantity,
                limit_price_nanos=limit,
                reference_price_nanos=far,
                stop_distance_nanos=stop,
                take_distance_nanos=take,
                trail_distance_nanos=_distance(exits.trail, far, atr),
                time_stop_ns=exits.time_stop_ns,
                spread_kill_bps=exits.spread_kill_bps,
                sizing=words,
                reason=wanted.reason,
            ),
            strategy,
            place,
        )

    def _shrinks_what_a_stop_holds(self, strategy_id: str, symbol: str, side: Side) -> bool:
        held = self._core.portfolio.holding(strategy_id, symbol).quantity_nanos
        shrinks = held < 0 if side is _BUY else held > 0
        return shrinks and bool(self._core.protective(strategy_id, symbol))

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

    def _fault(self, error: BaseException, strategy: int, symbol: str, correlation: str) -> None:
        core = self._core
        loaded = core.strategies[strategy]
        strategy_id, words = loaded.strategy_id, _words(error)
        core.emit(
            StrategyFaulted(
                event_id=core.next_id(),
                timestamp=core.now_ns,
                symbol=symbol,
                strategy_id=strategy_id,
                correlation_id=correlation,
                error=words,
                where=_where(error, loaded.decide.__code__),
            )
        )
        self._ordering.tighten(
            GateScope.STRATEGY,
            strategy_id,
            state=GateState.REDUCE_ONLY,
            reason=f"decide failed: {words}",
            rule="strategy-fault",
        )


def _distance(rule: Distance | None, price_nanos: int, atr: float) -> int:
    return 0 if rule is None else rule.nanos(price_nanos=price_nanos, atr=atr)


def _checked(answer: object, state_type: type, plan: Plan) -> tuple[Any, Intent | Nothing]:
    if type(answer) is not tuple or len(answer) != 2:  # noqa: PLR2004 - a pair
        raise _NonsenseError(f"decide returned {_shown(answer)}; return (state, Intent(...)) or (state, Nothing(...))")
    state, wanted = answer
    if type(state) is not state_type:
        raise _NonsenseError(f"decide returned {_shown(state)} as its state; its State is {state_type.__name__}")
    if type(wanted) is not Intent and type(wanted) is not Nothing:
        raise _NonsenseError(f"decide returned {_shown(wanted)}; it must be Intent(side=Side..., reason=text) or Nothing(reason)")
    reason: object = wanted.reason
    if not isinstance(reason, str):
        raise _NonsenseError(f"decide returned {_shown(reason)} as its reason; it must be a text")
    if not reason.isascii():
        reason.encode()  # raises where no log could hold it
    if type(wanted) is Intent:
        _check_intent(wanted, plan)
    return state, wanted


def _check_intent(wanted: Intent, plan: Plan) -> None:
    if not isinstance(wanted.side, Side):
        raise _NonsenseError(f"decide returned side={_shown(wanted.side)}; it must be one of Side")
    if not isinstance(wanted.purpose, Purpose):
        raise _NonsenseError(f"decide returned purpose={_shown(wanted.purpose)}; it must be one of Purpose")
    for name in ("quantity", "limit_price", "stop_distance", "take_distance"):
        number = getattr(wanted, name)
        if number is None:
            continue
        if isinstance(number, bool) or not isinstance(number, int | float) or not (math.isfinite(number) and 0 < number < NANOS):
            raise _NonsenseError(f"decide returned {name}={_shown(number)}; it must be a positive finite number below 1e9")
    if plan.entry.follow_ns and wanted.limit_price is not None:
        raise _NonsenseError("decide returned a limit_price, but entries of its plan follow the market; give up one of the two")


def _packed(state: Any) -> bytes:
    """Return a State's bytes; what could not be read back from a log is nonsense now."""
    packed = _encoder.encode(state)
    msgspec.msgpack.decode(packed, type=type(state))
    return packed


def _shown(value: object) -> str:
    """Show a plain value; of anything else only the kind, since its words may hold an address or an order that changes."""
    return f"{value!r:.80}" if isinstance(value, _PLAIN) else f"a {type(value).__name__}"


def _words(error: BaseException) -> str:
    """Put an error into words that are the same on every run and that every log can hold: its own `__str__` is not asked."""
    if isinstance(error, RecursionError):  # its own words tell how deep the stack was outside of the strategy
        return "RecursionError: it calls itself without an end"
    parts: tuple[object, ...] = BaseException.args.__get__(error)  # type: ignore[attr-defined]  # a subclass may hide its own
    said = parts[0] if len(parts) == 1 and isinstance(parts[0], str) else ", ".join(map(_shown, parts))
    words = said if isinstance(error, _NonsenseError) else f"{type(error).__name__}: {said}".removesuffix(": ")
    return _ADDRESS.sub("", words)[:_WORDS_MAX].encode(errors="backslashreplace").decode()


def _where(error: BaseException, decide: CodeType) -> str:
    """The innermost line of the user's file, without directories: the same on every machine."""
    if isinstance(error, _NonsenseError):
        return ""
    found, step = "", error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        if code.co_filename == decide.co_filename:
            found = f"{code.co_filename.rpartition('/')[2]}:{step.tb_lineno} in {code.co_name}"
            if isinstance(error, RecursionError):  # the innermost one depends on the stack outside: the first tells as much
                break
        step = step.tb_next
    return found
