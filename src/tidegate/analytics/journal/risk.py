"""Risk events: what was refused and by which check, what closed or opened a gate and who did it, what was asked, doubted and found."""

from collections.abc import Iterator
from typing import Final

from tidegate.analytics.checks import check_words
from tidegate.analytics.journal.cells import place
from tidegate.analytics.journal.columns import Kind, Row, full
from tidegate.analytics.journal.source import Told
from tidegate.analytics.journal.words import sentence
from tidegate.events.acts import CheckResult, DifferenceFound, GateChanged, OrderChanged, RequestMoved, RiskDecision, StrategyFaulted
from tidegate.events.codec import AnyMessage
from tidegate.events.inputs import GateSet, OperatorRequested, StreamChanged
from tidegate.journal.evidence import OrderStages
from tidegate.risk.checks import BY_NAME
from tidegate.risk.gates import RULE_ACTOR
from tidegate.risk.sentences import number
from tidegate.values.enums import GateState, OrderState, Verdict

REFUSAL: Final = "refusal"
TRIP: Final = "trip"


def risk_rows(source: Iterator[Told]) -> Iterator[Row]:
    """Yield a row for each risk event; of a refusal, one for each check that failed."""
    for told in source:
        message = told.message
        if isinstance(message, OrderStages):
            continue
        for cells in _cells(message):
            yield full(Kind.RISK, place(told, message) | {"sentence": sentence(message, told.n, told.k)} | cells)


def _cells(message: AnyMessage) -> Iterator[Row]:
    match message:
        case RiskDecision(verdict=Verdict.REFUSED):
            for check in message.checks:
                if not check[1]:
                    yield {"kind": REFUSAL} | _check(check)
        case RiskDecision(verdict=Verdict.NEEDS_APPROVAL):
            yield {"kind": "approval", "sentence": message.sentence}
        case GateChanged():
            yield {"kind": gate_kind(message), **_gate(message), "before": message.before.value, "after": message.after.value}
        case GateSet():
            yield {"kind": gate_kind(message), **_gate(message), "after": message.state.value}
        case OrderChanged() if OrderState.UNKNOWN in (message.before, message.after):
            moved = {"before": message.before.value, "after": message.after.value}
            yield {"kind": "doubt", "client_order_id": message.client_order_id, **moved}
        case _:
            yield from _others(message)


def _others(message: AnyMessage) -> Iterator[Row]:
    match message:
        case OperatorRequested():
            asked = {"scope": message.scope.value, "key": message.key, "actor": message.requester, "client_order_id": message.order_id}
            yield {"kind": "request", "check": message.verb.value, **asked}
        case RequestMoved():
            yield {"kind": "request", "check": message.verb.value, "after": message.stage.value}
        case DifferenceFound():
            found = {"check": message.kind.value, "after": message.resolution.value, "client_order_id": message.client_order_id}
            yield {"kind": "difference", **found}
        case StrategyFaulted():
            yield {"kind": "fault"}
        case StreamChanged():
            yield {"kind": "stream", "after": "up" if message.up else "down"}
        case _:
            return


def gate_kind(message: GateChanged | GateSet) -> str:
    """Return trip where a rule of our own closed a gate, else gate."""
    state = message.after if isinstance(message, GateChanged) else message.state
    return TRIP if message.actor.startswith(RULE_ACTOR) and state is not GateState.ACTIVE else "gate"


def _gate(message: GateChanged | GateSet) -> Row:
    return {"scope": message.scope.value, "key": message.key, "actor": message.actor}


def _check(check: CheckResult) -> Row:
    name, _, limit, observed = check
    row = BY_NAME.get(name)
    known: Row = {"check": name, "limit": limit, "observed": observed, "sentence": check_words(check)}
    if row is None:
        return known
    return known | {
        "unit": row.unit.value,
        "limit_text": None if limit is None else number(limit, row.unit),
        "observed_text": None if observed is None else number(observed, row.unit),
    }
