"""Decisions with their rationale: each verdict of the gate, and each time a strategy was asked and declined."""

from collections.abc import Iterator

from tidegate.analytics.checks import check_words
from tidegate.analytics.journal.cells import exact, place, terms, why
from tidegate.analytics.journal.columns import Kind, Row, full
from tidegate.analytics.journal.recent import Recent
from tidegate.analytics.journal.source import Told
from tidegate.analytics.telling import verdict_words
from tidegate.events.acts import CheckResult, NothingDone, RiskDecision
from tidegate.journal.evidence import OrderStages
from tidegate.journal.rows import full_names
from tidegate.risk.checks import BY_NAME
from tidegate.values.money import nanos_text

NOTHING = "nothing"


def decision_rows(source: Iterator[Told]) -> Iterator[Row]:
    """Yield a row for each decision."""
    recent = Recent()
    for told in source:
        message = told.message
        if isinstance(message, OrderStages):
            continue
        recent.take(message)
        if isinstance(message, RiskDecision):
            yield full(Kind.DECISIONS, place(told, message) | _verdict(message, recent))
        elif isinstance(message, NothingDone):
            told_of = {"verdict": NOTHING, "reason": message.reason, "sentence": message.reason}
            yield full(Kind.DECISIONS, place(told, message) | _seen(message, recent) | told_of)


def check_cells(check: CheckResult) -> Row:
    """Return one check with its unit and its words."""
    name, passed, limit, observed = check
    row = BY_NAME.get(name)
    unit = None if row is None else row.unit.value
    return {"check": name, "passed": passed, "limit": limit, "observed": observed, "unit": unit, "sentence": check_words(check)}


def _verdict(decision: RiskDecision, recent: Recent) -> Row:
    intent = recent.intent(decision)
    asked: Row = {
        "side": decision.side.value,
        "quantity": nanos_text(decision.quantity_nanos),
        "limit_price": exact(decision.limit_price_nanos),
    }
    return (
        _seen(decision, recent)
        | asked
        | ({} if intent is None else terms(intent))
        | why(intent, recent.features(decision))
        | {
            "purpose": decision.purpose.value,
            "verdict": decision.verdict.value,
            "sentence": verdict_words(decision),
            "refusals": list(decision.refusals),
            "checks": [check_cells(check) for check in decision.checks],
            "intent_id": decision.intent_id,
        }
    )


def _seen(message: RiskDecision | NothingDone, recent: Recent) -> Row:
    seen, attention = recent.features(message), recent.attention(message)
    return why(None, seen) | {
        "asked_by": None if attention is None else attention.kind.value,
        "features": None if seen is None else full_names(seen),
    }
