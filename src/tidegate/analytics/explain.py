"""Tell how an order, an intent, a verdict or a moment let pass came about and what became of it.

An identifier is a client order id, the event id of any act, a correlation id or the id of an approval; a unique
beginning will do, and so will `n-k`. Exit code 1 when nothing has it.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import final

import msgspec

from tidegate.analytics.collect import Run, run_from_entries
from tidegate.analytics.entries import Entry
from tidegate.analytics.orders import OrderRow
from tidegate.analytics.telling import (
    Line,
    exit_words,
    fault_words,
    intent_words,
    lines_of,
    order_words,
    verdict_words,
)
from tidegate.analytics.trades import Trade
from tidegate.analytics.wording import date_text, duration_text, price_text, quantity_text, usd_text
from tidegate.events.acts import (
    ApprovalMoved,
    ApprovalRequested,
    AttentionRaised,
    FeatureSnapshot,
    NothingDone,
    OrderChanged,
    OrderCommand,
    PositionSnapshot,
    RiskDecision,
    StrategyFaulted,
    TradeIntent,
)
from tidegate.events.codec import AnyMessage
from tidegate.events.inputs import ApprovalAnswered, OrderEvent
from tidegate.values.enums import ExitReason, OrderState, Verdict
from tidegate.values.errors import ExitCode, TidegateError
from tidegate.values.money import ATTOS

_SUGGESTIONS_MAX = 3
_APPROVALS = ApprovalRequested | ApprovalAnswered | ApprovalMoved
_KINDS = {Verdict.REFUSED: "refused", Verdict.APPROVED: "approved", Verdict.NEEDS_APPROVAL: "asked"}
_ANSWERS = RiskDecision | NothingDone | StrategyFaulted  # what a moment came to


class UnknownIdError(TidegateError):
    """No order, act or story of this session has that id, or several begin with it."""

    exit_code = ExitCode.ANSWER_IS_NO


@final
class Story(msgspec.Struct, frozen=True, kw_only=True):
    """What happened, in order. `kind` is order, refused, approved, asked (a person has to approve), nothing, fault or moment."""

    identifier: str
    kind: str
    headline: str
    told: tuple[Line, ...]
    order_ids: tuple[str, ...]

    def lines(self) -> list[str]:
        """Return the story as text: headline, day, then one line a fact, times in UTC."""
        day = [f"{date_text(self.told[0].ns)}, times in UTC"] if self.told else []
        return [self.headline, *day, *(str(line) for line in self.told)]

    def as_dict(self) -> dict[str, object]:
        """Return the story as one JSON-ready object."""
        return {
            "id": self.identifier,
            "kind": self.kind,
            "headline": self.headline,
            "orders": list(self.order_ids),
            "lines": [msgspec.structs.asdict(line) for line in self.told],
        }


def explain(source: Run | Iterable[tuple[str, int, int, AnyMessage]], identifier: str) -> Story:
    """Tell the story of an id.

    Raises:
        UnknownIdError: nothing has this id, or several begin with it.
    """
    run = source if isinstance(source, Run) else run_from_entries(source)
    name = _resolve(run, identifier)
    row = next((row for row in run.order_rows if row.client_order_id == name), None)
    if row is not None:
        return _order_story(run, row)
    return _moment_story(run, name)


def order_sentence(run: Run, row: OrderRow) -> str:
    """Return one sentence that says what an order was, why, and what became of it."""
    decision = run.links.decisions.get(row.command.decision_id)
    parts = [f"{row.command.strategy_id}: {order_words(row.command)}, {outcome_words(row)}"]
    if row.intent:
        left = row.intent.exit_reason is not ExitReason.NONE
        parts.append(f"Why: {exit_words(row.intent.exit_reason) + '; ' if left else ''}{row.intent.reason}".rstrip("; "))
        parts.append(row.intent.sizing)
    if decision:
        parts.append(verdict_words(decision))
    return ". ".join(part.rstrip(".") for part in parts if part and part != "Why:") + "."


def _order_story(run: Run, row: OrderRow) -> Story:
    name = row.client_order_id
    heard = {entry.n for entry in run.entries if isinstance(entry.message, OrderEvent) and entry.message.client_order_id == name}
    told = [line for entry in run.entries if _is_about(entry, row, heard) or _is_its_approval(entry, row) for line in lines_of(entry)]
    told += _results(run, row)
    return Story(
        identifier=name,
        kind="order",
        headline=f"Order {name} of {row.command.strategy_id}: {order_words(row.command)}, {outcome_words(row)}.",
        told=tuple(told),
        order_ids=tuple(other.client_order_id for other in run.order_rows if _same_story(other, row)),
    )


def _same_story(other: OrderRow, row: OrderRow) -> bool:
    return other.command.correlation_id == row.command.correlation_id


def _is_about(entry: Entry, row: OrderRow, heard: set[int]) -> bool:
    name, command = row.client_order_id, row.command
    match entry.message:
        case AttentionRaised(event_id=event) | RiskDecision(event_id=event):
            return event in (command.correlation_id, command.decision_id)
        case FeatureSnapshot() | TradeIntent() as message:
            return message is row.features or message is row.intent
        case OrderCommand(client_order_id=own, target_id=target):
            return name in (own, target)
        case OrderEvent(client_order_id=own) | OrderChanged(client_order_id=own):
            return own == name
        case PositionSnapshot(symbol=symbol, strategy_id=strategy):
            return entry.n in heard and (symbol, strategy) == (command.symbol, command.strategy_id)
        case _:
            return False


def _results(run: Run, row: OrderRow) -> list[Line]:
    """Say of each trade the order had a part in how it ended, at the end of the story."""
    return [
        Line(
            ns=row.last_fill_ns or row.command.timestamp,
            n=row.n,
            k=row.k,
            topic="result",
            text=trade_words(trade, row),
        )
        for trade in run.trade_rows
        if row.client_order_id in trade.entry_orders or row.client_order_id in trade.exit_orders
    ]


def trade_words(trade: Trade, row: OrderRow) -> str:
    """Return what an order did to a trade and how the trade ended."""
    opened = row.client_order_id in trade.entry_orders
    side = "long" if trade.direction > 0 else "short"
    size = quantity_text(trade.peak_quantity_nanos)
    head = f"{'opened' if opened else 'closed'} trade {trade.number} ({side} {size} {trade.symbol}"
    entered = f"{head}, entered at {price_text(trade.entry_price_nanos)}"
    if trade.exit_price_nanos is None or trade.net_attos is None:
        return f"{entered}), which was open when the session ended"
    reason = f" by {exit_words(trade.exit_reason)}" if trade.exit_reason not in (None, ExitReason.NONE) else ""
    after = "" if trade.hold_ns is None else f" after {duration_text(trade.hold_ns)}"
    fees, net = trade.fees_attos / ATTOS, trade.net_attos / ATTOS
    return (
        f"{entered}, left at {price_text(trade.exit_price_nanos)}{reason}{after}): "
        f"gross {usd_text(net + fees)}, fees {usd_text(fees)}, net {usd_text(net)}"
    )


def _moment_story(run: Run, name: str) -> Story:
    target = next((entry.message for entry in run.entries if entry.message.event_id == name or _approval_of(entry) == name), None)
    story = target.correlation_id if target else name
    rows = [row for row in run.order_rows if row.command.correlation_id == story]
    ours = {row.client_order_id for row in rows}
    acts = (entry.message for entry in run.entries if entry.message.correlation_id == story)
    asked = {act.approval_id for act in acts if isinstance(act, ApprovalRequested | ApprovalMoved)}
    told: list[Line] = []
    for entry in run.entries:
        message = entry.message
        answer = isinstance(message, ApprovalAnswered) and message.approval_id in asked
        if message.correlation_id == story or answer or (isinstance(message, OrderEvent) and message.client_order_id in ours):
            told += lines_of(entry)
    told += [line for row in rows for line in _results(run, row)]
    kind, headline = _headline(run, target, story)
    return Story(identifier=name, kind=kind, headline=headline, told=tuple(told), order_ids=tuple(ours))


def _is_its_approval(entry: Entry, row: OrderRow) -> bool:
    return bool(row.command.approval_id) and _approval_of(entry) == row.command.approval_id


def _approval_of(entry: Entry) -> str:
    """Return the request for approval that a message is about; empty: none."""
    return entry.message.approval_id if isinstance(entry.message, _APPROVALS) else ""


def _headline(run: Run, target: AnyMessage | None, story: str) -> tuple[str, str]:
    """Of the moment asked about; of the story's last word when the moment itself was only a question."""
    if isinstance(target, TradeIntent):
        target = run.links.verdicts.get(target.event_id, target)
    if not isinstance(target, TradeIntent | _ANSWERS):
        answers = [e.message for e in run.entries if e.message.correlation_id == story]
        target = next((m for m in reversed(answers) if isinstance(m, _ANSWERS)), target)
    match target:
        case RiskDecision(verdict=verdict) as decision:
            return _KINDS[verdict], f"{_wish(run, decision)}. {verdict_words(decision)}"
        case NothingDone(strategy_id=who, symbol=symbol, reason=reason):
            return "nothing", f"{who} was asked about {symbol} and did nothing: {reason}"
        case StrategyFaulted() as fault:
            return "fault", f"{fault_words(fault)}."
        case TradeIntent(strategy_id=who) as intent:
            return "moment", f"{who} wanted to {intent_words(intent)}; no verdict is in this log."
        case _:
            return "moment", f"What happened around {target.event_id if target else story}."


def _wish(run: Run, decision: RiskDecision) -> str:
    intent = run.links.intents.get(decision.intent_id)
    size = f"{decision.side.name} {quantity_text(decision.quantity_nanos)} {decision.symbol}"
    return f"{decision.strategy_id} wanted to {intent_words(intent) if intent else size}"


def outcome_words(row: OrderRow) -> str:
    """Return what became of an order: its fills and how it ended."""
    average = row.average_price_nanos
    if average is None:
        return f"{row.state.value.replace('_', ' ')} without a fill"
    price = price_text(average)
    if row.state is OrderState.FILLED:
        return f"filled at {price}"
    return f"{quantity_text(row.filled_nanos)} filled at {price}, then {row.state.value.replace('_', ' ')}"


def _resolve(run: Run, identifier: str) -> str:
    """Return the full id that is, or alone begins with, what was asked."""
    orders = [row.client_order_id for row in run.order_rows]
    events = [entry.message.event_id for entry in run.entries]
    approvals = [name for entry in run.entries if (name := _approval_of(entry))]
    known = dict.fromkeys([*orders, *events, *(entry.message.correlation_id for entry in run.entries), *approvals])
    if identifier in known:
        return identifier
    found = [name for name in known if identifier and (name.startswith(identifier) or name.endswith(f"-{identifier}"))]
    exact = [name for name in found if name.endswith(f"-{identifier}")]
    if len(found) == 1 or len(exact) == 1:
        return (exact or found)[0]
    if found:
        some = ", ".join(found[:_SUGGESTIONS_MAX])
        raise UnknownIdError(f"{len(found)} ids begin with {identifier!r} ({some}, …): write more of it.")
    near = get_close_matches(identifier, known, n=_SUGGESTIONS_MAX, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else "take one from the report's tables, or from `tidegate log show`."
    raise UnknownIdError(f"Nothing in this session has the id {identifier!r}; {hint}")
