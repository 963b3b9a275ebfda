"""One message, one or a few lines: the words of a story. Formats what messages say, adds nothing."""

from collections.abc import Iterator
from typing import final

import msgspec

from tidegate.analytics.checks import check_words, quality_words
from tidegate.analytics.entries import Entry
from tidegate.analytics.wording import duration_text, money_text, price_text, quantity_text, time_text
from tidegate.events.acts import (
    ApprovalMoved,
    ApprovalRequested,
    AttentionRaised,
    ExitWaits,
    FeatureSnapshot,
    GateChanged,
    NothingDone,
    OrderChanged,
    OrderCommand,
    PositionSnapshot,
    RegimeChanged,
    RiskDecision,
    StrategyFaulted,
    TradeIntent,
)
from tidegate.events.inputs import ApprovalAnswered, GateSet, OrderEvent, PermissionSet, RequestNoted, StreamChanged
from tidegate.values.enums import AttentionKind, ExitReason, OrderType, Side

_ATTENTIONS = {
    AttentionKind.ENTRY: "its entry trigger fired",
    AttentionKind.EXIT: "an exit was asked for",
    AttentionKind.BAR: "a bar closed",
    AttentionKind.QUOTE: "a quote arrived",
    AttentionKind.TIMER: "its timer was due",
    AttentionKind.REGIME: "a regime label changed",
}
_BPS = 10_000


@final
class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a story: when (ns UTC), act k of input n, what about, and the words."""

    ns: int
    n: int
    k: int
    topic: str
    text: str

    def __str__(self) -> str:
        """Return the line as the terminal shows it."""
        return f"{time_text(self.ns)}  {self.topic:<9}  {self.text}"


def lines_of(entry: Entry) -> list[Line]:
    """Return the lines that tell one message; none for what no story needs."""
    message = entry.message
    return [Line(ns=message.timestamp, n=entry.n, k=entry.k, topic=topic, text=text) for topic, text in _told(entry)]


def _told(entry: Entry) -> Iterator[tuple[str, str]]:
    match entry.message:
        case AttentionRaised() as message:
            yield "attention", _attention(message)
        case FeatureSnapshot() as message:
            yield from _features(message)
        case TradeIntent() as message:
            yield from _intent(message)
        case NothingDone() as message:
            yield "nothing", f"{message.strategy_id} did nothing: {message.reason}"
        case RiskDecision() as message:
            yield from _decision(message)
        case OrderCommand() as message:
            yield "command", _command(message)
        case OrderEvent() as message:
            yield "venue", _order_event(message)
        case _:
            yield from _changes(entry)


def _changes(entry: Entry) -> Iterator[tuple[str, str]]:
    match entry.message:
        case OrderChanged() as message:
            yield "order", _order_changed(message)
        case ExitWaits() as message:
            yield "exit waits", f"{message.reason}; it goes out once what rests at the venue is canceled"
        case PositionSnapshot(symbol=symbol) as message if symbol:
            yield "position", _position(message)
        case RegimeChanged() as message:
            about = message.symbol or f"market group {message.group}"
            yield "regime", f"{about} went from {message.before.name} to {message.after.name}: {message.why}"
        case GateChanged() as message:
            about = f"{message.scope.value} {message.key}".strip()
            moved = f"{about} went from {message.before.value} to {message.after.value}"
            yield "gate", f"{moved} by {message.actor}: {message.reason}"
        case StrategyFaulted() as message:
            yield "fault", fault_words(message)
        case _:
            yield from _told_by_others(entry)


def _told_by_others(entry: Entry) -> Iterator[tuple[str, str]]:
    match entry.message:
        case ApprovalRequested() as message:
            yield "approval", asked_words(message)
        case ApprovalMoved() as message:
            yield "approval", _approval_moved(message)
        case GateSet() as message:
            about = f"{message.scope.value} {message.key}".strip()
            yield "gate", f"{about} was set to {message.state.value} by {message.actor}: {message.reason}"
        case ApprovalAnswered() as message:
            word = "approves" if message.granted else "rejects"
            why = f": {message.reason}" if message.reason else ""
            yield "answer", f"{message.approver} {word} {message.approval_id}{why}"
        case PermissionSet() as message:
            state = "may trade" if message.permitted else "may not trade, exits go on"
            yield "permission", f"{message.strategy_id} {state}: {message.reason}"
        case StreamChanged() as message:
            state = "is trusted again" if message.up else "went down"
            yield "stream", f"{message.venue} {message.stream} {state}: {message.reason}"
        case RequestNoted() as message:
            yield "request", _noted(message)
        case _:
            return


def _noted(noted: RequestNoted) -> str:
    """Return what our own edge noted of a kill or flatten."""
    about = f", {len(noted.order_ids)} orders" if noted.order_ids else ""
    why = f": {noted.words}" if noted.words else ""
    return f"{noted.request_id} {noted.note.value.replace('_', ' ')}{about}{why}"


def fault_words(fault: StrategyFaulted) -> str:
    """Return what a strategy's code did wrong, and where."""
    where = f" at {fault.where}" if fault.where else ""
    return f"{fault.strategy_id} failed on {fault.symbol}{where}: {fault.error}"


def asked_words(asked: ApprovalRequested) -> str:
    """Return what a request for approval is about, whom it needs and until when it waits."""
    persons = "a person" if asked.needed == 1 else f"{asked.needed} persons"
    what = f"{quantity_text(asked.quantity_nanos)} {asked.symbol} worth {money_text(asked.notional_usd)}"
    return f"{asked.approval_id} asks {persons} about {what}, for {asked.requester}, until {time_text(asked.expires_ns)}"


def _approval_moved(moved: ApprovalMoved) -> str:
    if moved.before is moved.after:
        state = "is not known" if moved.after is None else f"stays {moved.after.value.replace('_', ' ')}"
        return f"{moved.approval_id} {state}; the answer of {moved.approver} was not taken. {moved.sentence}"
    before, after = (state.value.replace("_", " ") if state else "nothing" for state in (moved.before, moved.after))
    return f"{moved.approval_id} went from {before} to {after}. {moved.sentence}"


def _attention(message: AttentionRaised) -> str:
    parts = [f"{message.strategy_id} was asked about {message.symbol}: {_ATTENTIONS[message.kind]}"]
    if message.side is not None:
        parts.append(f"side {message.side.value}")
    if message.exit_reason is not ExitReason.NONE:
        parts.append(exit_words(message.exit_reason))
    if message.level_nanos:
        parts.append(f"level {price_text(message.level_nanos)}")
    if message.bar_length_ns:
        parts.append(f"bar of {duration_text(message.bar_length_ns)}")
    return ", ".join(parts)


def _features(seen: FeatureSnapshot) -> Iterator[tuple[str, str]]:
    bid, ask = _side(seen.bid_nanos, seen.bid_size_nanos), _side(seen.ask_nanos, seen.ask_size_nanos)
    flags = f", {quality_words(seen.quality_flags)}" if seen.quality_flags else ""
    age = duration_text(seen.quote_age_ns)
    yield "quote", f"bid {bid}, ask {ask}, spread {seen.spread_bps:.2f} bps, {age} old{flags}"
    yield (
        "features",
        _feature_words(seen) if seen.features_valid else "not valid yet: warming up, or after a gap",
    )
    regimes = f"{seen.symbol} {seen.symbol_regime.name}, market {seen.market_regime.name}"
    yield "regime", f"{regimes}, breadth {seen.breadth * 100:.0f} %"
    if seen.position_nanos:
        working = quantity_text(seen.working_exit_nanos)
        leaving = f", {working} of it working to leave" if seen.working_exit_nanos else ""
        yield "holding", f"{quantity_text(seen.position_nanos)} {seen.symbol}{leaving}"


def _feature_words(seen: FeatureSnapshot) -> str:
    return (
        f"fast mean {seen.ema_fast:.4f}, slow mean {seen.ema_slow:.4f}, ATR {seen.atr:.4f}, "
        f"volatility {seen.volatility_short * _BPS:.2f} bps/√s (long {seen.volatility_long * _BPS:.2f}), "
        f"trend strength {seen.trend_strength:.2f} direction {seen.trend_direction:+.2f}, "
        f"spread anomaly {seen.spread_anomaly:.2f}, volume anomaly {seen.volume_anomaly:.2f}"
    )


def _intent(intent: TradeIntent) -> Iterator[tuple[str, str]]:
    if intent.sizing:
        yield "sizing", intent.sizing
    why = f": {intent.reason}" if intent.reason else ""
    left = f" ({exit_words(intent.exit_reason)})" if intent.exit_reason is not ExitReason.NONE else ""
    yield "intent", f"{intent.purpose.value}{left} {intent_words(intent)}{why}"
    plan = _plan(intent)
    if plan:
        yield "exit plan", plan


def _plan(intent: TradeIntent) -> str:
    parts: list[str] = []
    if intent.stop_distance_nanos:
        parts.append(f"stop {price_text(intent.stop_distance_nanos)} away")
    if intent.take_distance_nanos:
        parts.append(f"take profit {price_text(intent.take_distance_nanos)} away")
    if intent.trail_distance_nanos:
        parts.append(f"trail by {price_text(intent.trail_distance_nanos)}")
    if intent.time_stop_ns:
        parts.append(f"leave after {duration_text(intent.time_stop_ns)}")
    if intent.spread_kill_bps:
        parts.append(f"leave when the spread passes {intent.spread_kill_bps:g} bps")
    return ", ".join(parts)


def _decision(decision: RiskDecision) -> Iterator[tuple[str, str]]:
    for check in decision.checks:
        name, passed, _, _ = check
        yield "check", f"{'✓' if passed else '✗'} {name}: {check_words(check)}"
    yield "decision", verdict_words(decision)


def verdict_words(decision: RiskDecision) -> str:
    """Return the verdict and its sentence, saying the verdict once."""
    word = decision.verdict.value.replace("_", " ")
    if word in decision.sentence.lower():
        return decision.sentence
    return f"{word.upper()}: {decision.sentence or _all_held(decision)}"


def _all_held(decision: RiskDecision) -> str:
    held = sum(passed for _, passed, _, _ in decision.checks)
    return f"{'all' if held == len(decision.checks) else f'{held} of'} {len(decision.checks)} checks held."


def _command(command: OrderCommand) -> str:
    about = f" of {command.target_id}" if command.target_id else ""
    why = f": {command.reason}" if command.reason else ""
    if not command.decision_id:
        return f"{command.kind.value}{about or ' of ' + command.client_order_id}{why}"
    terms = order_words(command)
    late = time_text(command.valid_until_ns)
    place = f"at {command.venue} as {command.client_order_id}"
    return f"{command.kind.value}{about} {terms} {place}, not after {late}{why}"


def _order_event(event: OrderEvent) -> str:
    words = event.kind.value.replace("_", " ")
    if event.last_quantity_nanos:
        kind = f", {event.liquidity.value}" if event.liquidity else ""
        fee = f", fee {money_text(event.fee_usd)}"
        size = quantity_text(event.last_quantity_nanos)
        words = f"{words}: {size} at {price_text(event.last_price_nanos)}{fee}{kind}"
        if event.cum_quantity_nanos:
            words += f", {quantity_text(event.cum_quantity_nanos)} so far"
    return f"{words}: {event.reason}" if event.reason else words


def _order_changed(change: OrderChanged) -> str:
    note = f" ({change.note})" if change.note else ""
    done = f", {quantity_text(change.filled_nanos)} of {quantity_text(change.quantity_nanos)} filled" if change.filled_nanos else ""
    return f"{change.before.name} → {change.after.name}{done}{note}"


def _position(shot: PositionSnapshot) -> str:
    made = f"realized {money_text(shot.realized_usd)}, fees {money_text(shot.fees_usd)}"
    if not shot.quantity_nanos:
        return f"flat in {shot.symbol}; {made}"
    held = f"{quantity_text(shot.quantity_nanos)} {shot.symbol}, cost basis {money_text(shot.cost_basis_usd)}"
    return f"{held}; {made}"


def intent_words(intent: TradeIntent) -> str:
    """Return side, quantity, symbol and terms of an intent."""
    terms = _terms(intent.order_type, intent.limit_price_nanos, intent.stop_price_nanos, intent.trail_nanos)
    basis = f", priced against {price_text(intent.reference_price_nanos)}" if intent.reference_price_nanos else ""
    head = _head(intent.side, intent.quantity_nanos, intent.symbol)
    return f"{head} {terms} {intent.time_in_force.value.upper()}{basis}"


def order_words(command: OrderCommand) -> str:
    """Return side, quantity, symbol and terms of an order."""
    terms = _terms(command.order_type, command.limit_price_nanos, command.stop_price_nanos, command.trail_nanos)
    head = _head(command.side, command.quantity_nanos, command.symbol)
    return f"{head} {terms} {command.time_in_force.value.upper()}"


def exit_words(reason: ExitReason) -> str:
    """Return an exit reason in words."""
    return reason.value.replace("_", " ")


def _head(side: Side, quantity_nanos: int, symbol: str) -> str:
    return f"{side.name} {quantity_text(quantity_nanos)} {symbol}"


def _terms(kind: OrderType, limit: int, stop: int, trail: int) -> str:
    parts = [kind.value.replace("_", " ")]
    if stop:
        parts.append(price_text(stop) if kind is OrderType.STOP else f"stop {price_text(stop)}")
    if trail:
        parts.append(f"trail {price_text(trail)}")
    if limit:
        parts.append(price_text(limit))
    return " ".join(parts)


def _side(price: int, size: int) -> str:
    return f"{price_text(price)} × {quantity_text(size)}" if price else "none"
