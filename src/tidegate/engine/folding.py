"""How inputs and acts move the judgement state: the only code that does, used alike when deciding and when recovering a log.

Nothing here decides. What a pair's row in the senses must know (position, exit levels, arming) is written here too.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, final

import msgspec

from tidegate.engine import layout
from tidegate.engine.bad_records import BadRecordError
from tidegate.engine.core import Core
from tidegate.engine.pairs import Pairs
from tidegate.engine.reading import cells
from tidegate.events.acts import (
    ApprovalMoved,
    ApprovalRequested,
    AttentionsLapsed,
    ExitWaits,
    GateChanged,
    NothingDone,
    OrderCommand,
    RequestMoved,
    RiskDecision,
    StrategyFaulted,
    StrategyStateChanged,
    TradeIntent,
)
from tidegate.events.base import Act
from tidegate.events.inputs import (
    EventListed,
    GateSet,
    InstrumentDefined,
    LagMeasured,
    OrderEvent,
    PermissionSet,
    PositionRestated,
    SessionChanged,
    StreamChanged,
)
from tidegate.market.rows import SESSION
from tidegate.oms.order import Change, Finding, Order
from tidegate.portfolio.attribution import attributed
from tidegate.portfolio.positions import Fill
from tidegate.portfolio.valuation import strategy_worth, valuation, worst_worth
from tidegate.risk.gates import RULE_ACTOR
from tidegate.values.enums import ApprovalState, CommandKind, GateScope, OrderType, Purpose, Verdict

_SESSION: Final = cells(SESSION)

# Members of an enum are looked up slowly before Python 3.12.
_APPROVED: Final = Verdict.APPROVED
_ENTRY: Final = Purpose.ENTRY
_SUBMIT: Final = CommandKind.SUBMIT


class TickDue(NamedTuple):
    """What is due by a tick, besides orders."""

    valuation: bool  # the account is to be valued
    timers: list[int]  # strategies whose timers rang
    looked_at: list[Order]  # resting entries that are laid beside the market


@final
class Folding:
    """Folds messages into a core."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.pairs: Final = Pairs(core)
        self._acts: Final[Mapping[type[Act], Callable[[Any], None]]] = {
            TradeIntent: self._intent,
            NothingDone: self._unanswered,
            ExitWaits: self._exit_waits,
            StrategyFaulted: self._unanswered,
            RiskDecision: self._decision,
            OrderCommand: self._command,
            StrategyStateChanged: self._strategy_state,
            GateChanged: self._gate_changed,
            AttentionsLapsed: self._lapse_told,
            RequestMoved: core.requests.fold_moved,
            ApprovalRequested: self._approval_requested,
            ApprovalMoved: self._approval_moved,
        }
        core.folds = self._acts

    def fold_act(self, act: Act) -> None:
        """Fold one act; those that only tell what changed were folded with their input."""
        fold = self._acts.get(type(act))
        if fold is not None:
            fold(act)

    def fold_tick(self, timestamp: int) -> TickDue:
        """Let time pass; return what is due by it."""
        core = self._core
        core.host.tick(max(timestamp, core.host.integers[core.reading.now_cell]))  # time never goes back
        core.begin()
        core.in_trade.roll(core.now_ns)
        value, due = core.clocks.take(core.now_ns)
        if value:
            self._value()
        return TickDue(value, due, core.orders.fold_looks(core.now_ns))

    def fold_order_event(self, event: OrderEvent) -> Change | Finding:
        """Take in what happened to an order: its state, the books, what the pair's row must know, and its exit levels anew."""
        core = self._core
        core.host.forget_attentions()
        change = core.orders.fold_event(event)
        if isinstance(change, Finding):
            return change
        order, portfolio, in_trade = change.order, core.portfolio, core.in_trade
        if order.external and change.fills:
            change = msgspec.structs.replace(change, fills=self._fold_foreign(change.fills))
            portfolio.fold_order(order)
        else:
            portfolio.fold_order(order, change.fills)
        multiplier = core.instruments[order.symbol].multiplier
        in_trade.fold_change(order, change.before, change.fills, core.now_ns, multiplier)
        for other, before in change.others:
            portfolio.fold_order(other)
            in_trade.fold_change(other, before, (), core.now_ns, multiplier)
        self.pairs.after_order(change)
        return change

    def fold_outside(self, fill: Fill) -> None:
        """Move a holding by something that no order of its strategy did; its pair's row follows."""
        self._core.portfolio.fold_fill(fill)
        self.pairs.after_outside(fill.strategy_id, fill.symbol)

    def fold_restated(self, event: PositionRestated) -> None:
        """Restate every holding of a symbol in new units, as after a split; what does not divide is gone from the books."""
        portfolio = self._core.portfolio
        for strategy_id, symbol in sorted(portfolio.holdings):
            if symbol == event.symbol:
                portfolio.fold_restated(strategy_id, symbol, event.numerator, event.denominator)
                self.pairs.after_restated(strategy_id, symbol, event.numerator, event.denominator)

    def _fold_foreign(self, fills: tuple[Fill, ...]) -> tuple[Fill, ...]:
        """Book what somebody else's order filled: what it closes is taken from the strategies that held it."""
        booked = []
        for fill in fills:
            for part in attributed(self._core.portfolio, fill):
                self.fold_outside(part)
                booked.append(part)
        return tuple(booked)

    def fold_session(self, session: SessionChanged) -> None:
        """Write a venue's trading hours, and the no-trade windows within them, where the kernel reads them; note its day."""
        core = self._core
        if session.venue not in core.venues:
            return
        core.in_trade.periods.fold_session(session.day, session.pre_open_ns)
        core.in_trade.roll(core.now_ns)
        at = core.reading.session_start(core.venues.index(session.venue))
        integers = core.host.integers
        integers[at + _SESSION["open_ns"]] = session.open_ns
        integers[at + _SESSION["close_ns"]] = session.close_ns
        integers[at + _SESSION["entries_from_ns"]] = session.open_ns + core.spec.no_trade.after_open_ns
        integers[at + _SESSION["entries_until_ns"]] = session.close_ns - core.spec.no_trade.before_close_ns

    def fold_listed_event(self, event: EventListed) -> None:
        """Make a symbol, or every symbol, newsy between two times."""
        core = self._core
        integers = core.host.integers
        for instrument in core.by_place:
            if event.symbol not in ("", instrument.symbol):
                continue
            starts = core.reading.symbol_cell(instrument.index, "newsy_from_ns")
            ends = core.reading.symbol_cell(instrument.index, "newsy_until_ns")
            if integers[ends] > core.now_ns:  # one that is not over yet goes on; between two it stays newsy
                integers[starts] = min(integers[starts], event.from_ns)
                integers[ends] = max(integers[ends], event.until_ns)
            else:
                integers[starts], integers[ends] = event.from_ns, event.until_ns

    def fold_measurement(self, message: LagMeasured | StreamChanged) -> None:
        """Keep what our own edges told about themselves."""
        core = self._core
        if isinstance(message, LagMeasured):
            core.lag_ns = message.lag_ns
        elif message.up:
            core.streams_down.pop(f"{message.venue}/{message.stream}", None)
        else:
            core.streams_down[f"{message.venue}/{message.stream}"] = message.reason

    def fold_gate(self, message: GateSet) -> None:
        """Fold a gate state that somebody else has set."""
        self._core.gates.fold_set(message)

    def check_defined(self, message: InstrumentDefined) -> None:
        """Refuse an instrument that is not one of this session's.

        Raises:
            BadRecordError: it is not.
        """
        if self._core.instruments.get(message.instrument.symbol) != message.instrument:
            raise BadRecordError(f"{message.instrument.symbol} is not one of this session's instruments; name it in the configuration.")

    def fold_permission(self, message: PermissionSet) -> None:
        """Keep whether a strategy may trade."""
        if message.permitted:
            self._core.not_permitted.pop(message.strategy_id, None)
        else:
            self._core.not_permitted[message.strategy_id] = message.reason

    def fold_lapse(self) -> None:
        """Let what the last input's acts left half done come to nothing: intents without a verdict, approvals without a command.

        An attention without an answer lapses too: its pair is armed again. Between two whole inputs there is nothing to lapse.
        """
        core = self._core
        core.intents.clear()
        core.approvals.fold_lapse(core.now_ns)
        for decision_id in sorted(core.orders.approved):
            core.orders.fold_lapse(decision_id)
            core.portfolio.fold_lapse(decision_id)
        for strategy, slot in enumerate(core.spec.strategies):
            for symbol in slot.symbols:
                self.pairs.rearm_unanswered(strategy, core.instruments[symbol].index)

    def _lapse_told(self, _told: AttentionsLapsed) -> None:
        self._core.broken_off = None

    def _intent(self, intent: TradeIntent) -> None:
        self._core.intents[intent.event_id] = intent

    def _unanswered(self, act: NothingDone | StrategyFaulted) -> None:
        strategy, place = self._core.strategy_places[act.strategy_id], self._core.instruments[act.symbol].index
        self.pairs.rearm_unanswered(strategy, place)
        self.pairs.exit_kept(strategy, place)

    def _exit_waits(self, act: ExitWaits) -> None:
        core = self._core
        core.memory(core.strategy_places[act.strategy_id], core.instruments[act.symbol].index).waiting = act

    def _decision(self, decision: RiskDecision) -> None:
        core = self._core
        intent = core.intents.pop(decision.intent_id)
        core.portfolio.fold_decision(decision, intent)
        core.orders.fold_decision(decision, intent)
        if decision.verdict is _APPROVED:
            return
        if decision.verdict is Verdict.NEEDS_APPROVAL and not decision.approval_id:
            core.approvals.fold_decision(decision, intent)
            return
        strategy = core.strategy_places.get(intent.strategy_id)
        if strategy is None:
            return
        place = core.instruments[intent.symbol].index
        if intent.purpose is Purpose.ENTRY:
            self.pairs.rearm(strategy, place, core.plans[strategy].reentry.refusal_cooldown_ns)
        elif intent.order_type is OrderType.STOP:
            core.memory(strategy, place).unprotected = True
        else:
            self.pairs.exit_failed(strategy, place)

    def _approval_requested(self, act: ApprovalRequested) -> None:
        self._core.approvals.fold_requested(act)
        self.pairs.disarm(act.strategy_id, act.symbol)

    def _approval_moved(self, act: ApprovalMoved) -> None:
        """Move a request; one that came to nothing counts as a refusal of its pair."""
        core = self._core
        closed = core.approvals.fold_moved(act)
        if closed is None or closed.state is ApprovalState.USED:
            return
        strategy, instrument = core.strategy_places.get(closed.intent.strategy_id), core.instruments.get(closed.intent.symbol)
        if strategy is not None and instrument is not None:
            self.pairs.rearm(strategy, instrument.index, core.plans[strategy].reentry.refusal_cooldown_ns)

    def _command(self, command: OrderCommand) -> None:
        core = self._core
        core.commanded = True
        intent = core.orders.approved.get(command.decision_id)
        order = core.orders.fold_command(command)
        core.portfolio.fold_command(command)
        if intent is not None and intent.purpose is _ENTRY:
            again = command.kind is not _SUBMIT
            core.in_trade.fold_entry(order, core.now_ns, core.instruments[order.symbol].multiplier, again=again)
        if command.kind is _SUBMIT and intent is not None:
            self.pairs.after_submit(intent)

    def _gate_changed(self, act: GateChanged) -> None:
        core = self._core
        core.gates.fold_changed(act)
        if act.scope is GateScope.STRATEGY:
            core.in_trade.conduct.fold_tripped(act.key, by_person=not act.actor.startswith(RULE_ACTOR))

    def _value(self) -> None:
        """Lay the account's worth into its loss book; what has had no price for too long counts at its worst."""
        core, losses = self._core, self._core.in_trade.losses
        value = valuation(core.portfolio, core.mark)
        losses.fold_valued(core.now_ns, None if value is None else value.equity_attos)
        if losses.unpriced_ns and core.now_ns - losses.unpriced_ns >= core.spec.limits.unpriced_ns_max:
            losses.fold_worst(worst_worth(core.portfolio, core.mark))
        for strategy_id in core.spec.own_losses():
            core.in_trade.fold_strategy(strategy_id, core.now_ns, strategy_worth(core.portfolio, strategy_id, core.mark))

    def _strategy_state(self, change: StrategyStateChanged) -> None:
        core = self._core
        place = core.strategy_places[change.strategy_id]
        core.states[place] = msgspec.msgpack.decode(change.state, type=type(core.strategies[place].state))


def timer_rows(core: Core, due: list[int]) -> list[list[int]]:
    """Return the attentions of strategies whose timers are due, one for each symbol they watch."""
    return [
        [layout.ATTEND_TIMER, strategy, core.instruments[symbol].index, 0, 0, 0, 0, 0]
        for strategy in due
        for symbol in core.spec.strategies[strategy].symbols
    ]
