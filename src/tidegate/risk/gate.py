"""The one door: an intent and what can be seen go in, a verdict with all its reasons comes out.

Only this file makes a `RiskDecision`. Every failed check is listed, not the first alone. A bug inside a check
is not a refusal and surely not a pass: it is not caught here.
"""

from operator import itemgetter
from typing import Final

from tidegate.events.acts import CheckResult, RiskDecision, TradeIntent
from tidegate.risk.checks import APPROVALS, ASKING, CHECKS_FOR, INPUT_MISSING
from tidegate.risk.exposure_checks import prepare
from tidegate.risk.sentences import sentence_of
from tidegate.risk.view import RiskView
from tidegate.values.enums import GateState, Purpose, Verdict

# Members of an enum are looked up slowly before Python 3.12.
_ENTRY: Final = Purpose.ENTRY
_PASSED: Final = itemgetter(1)  # of a check's result
_REFUSED: Final = Verdict.REFUSED
_APPROVED: Final = Verdict.APPROVED
_NEEDS_APPROVAL: Final = Verdict.NEEDS_APPROVAL
_TWO_PERSONS: Final = "second_approval_notional"


def judge(intent: TradeIntent, view: RiskView, *, event_id: str) -> RiskDecision:
    """Return the verdict on an intent. Changes nothing but the view's working fields."""
    purpose = intent.purpose
    if purpose is _ENTRY:
        prepare(intent, view)
    results = tuple([check(intent, view) for check in CHECKS_FOR[purpose]])
    failed: list[CheckResult] = []
    verdict, sentence = _APPROVED, ""
    if not all(map(_PASSED, results)):
        results, failed, verdict, sentence = _doubted(intent, view, results)
    return RiskDecision(
        event_id=event_id,
        timestamp=view.now_ns,
        symbol=intent.symbol,
        strategy_id=intent.strategy_id,
        correlation_id=intent.correlation_id,
        intent_id=intent.event_id,
        verdict=verdict,
        purpose=purpose,
        side=intent.side,
        quantity_nanos=intent.quantity_nanos,
        limit_price_nanos=intent.limit_price_nanos,
        checks=results,
        refusals=tuple([_refusal(result) for result in failed]) if failed else (),
        sentence=sentence,
        approval_id=view.approval_id,
    )


def persons_needed(decision: RiskDecision) -> int:
    """Return how many persons have to approve what was judged; 0: none."""
    return _persons([result for result in decision.checks if not result[1]])


def explain(decision: RiskDecision) -> list[str]:
    """Return the verdict and every check of a decision in words, passed ones too.

    Needs nothing but the decision.
    """
    verdict = decision.verdict.value.replace("_", " ").capitalize()
    head = f"{verdict}: {decision.purpose.value} {decision.side.value} {decision.symbol}."
    lines = [head if not decision.sentence else f"{head} {decision.sentence}"]
    for result in decision.checks:
        mark = "ok" if result[1] else "FAILED"
        lines.append(f"{mark:>6}  {result[0]}: {sentence_of(result)}")
    return lines


def _doubted(
    intent: TradeIntent, view: RiskView, results: tuple[CheckResult, ...]
) -> tuple[tuple[CheckResult, ...], list[CheckResult], Verdict, str]:
    """Return results, refusals, verdict and sentence where not every check holds: who is refused is asked about no persons.

    A limit that the configuration calls soft asks for a person, instead of refusing.
    """
    entry = intent.purpose is _ENTRY
    policy = results[: len(results) - len(APPROVALS)] if entry else results
    failed = [result for result in policy if not result[1]]
    if any(not _is_soft(result, view) for result in failed):
        return policy, failed, _REFUSED, _why(intent, view, failed)
    return _with_persons(intent, view, results)


def _is_soft(result: CheckResult, view: RiskView) -> bool:
    """Tell whether a person may let an entry past a failed check; never one that could not be seen."""
    return result[0] in view.soft and result[3] is not None


def _with_persons(
    intent: TradeIntent, view: RiskView, results: tuple[CheckResult, ...]
) -> tuple[tuple[CheckResult, ...], list[CheckResult], Verdict, str]:
    """Return results, refusals, verdict and sentence of an entry that nothing but soft limits and the approval checks stopped.

    Who has approved it already counts; what was asked for once and needs more persons now is not asked for again.
    """
    wants = [result for result in results if not result[1]]
    if _persons(wants) <= view.approvals_given:
        return results, [], _APPROVED, ""
    asking = () if view.approval_id else tuple([check(intent, view) for check in ASKING])
    failed = [result for result in asking if not result[1]]
    if failed:
        return results + asking, failed, _REFUSED, _why(intent, view, failed)
    return results + asking, [], _NEEDS_APPROVAL, _ask(view, wants)


def _persons(wants: list[CheckResult]) -> int:
    return 2 if any(result[0] == _TWO_PERSONS for result in wants) else int(bool(wants))


def _refusal(result: CheckResult) -> str:
    return f"{INPUT_MISSING}:{result[0]}" if result[3] is None else result[0]


def _why(intent: TradeIntent, view: RiskView, failed: list[CheckResult]) -> str:
    """One sentence: every failure in order of precedence, with the names that numbers cannot carry."""
    words = [sentence_of(result) + _detail(result[0], view) for result in failed]
    return f"The {intent.purpose.value} was refused because {'; '.join(words)}."


def _ask(view: RiskView, wants: list[CheckResult]) -> str:
    """One sentence: how many persons have to approve, and why."""
    persons = "two persons" if _persons(wants) > 1 else "a person"
    words = [sentence_of(result) + _detail(result[0], view, result[3]) for result in wants]
    return f"The entry needs the approval of {persons} because {'; '.join(words)}."


def _detail(name: str, view: RiskView, observed: int | None = None) -> str:
    if name == "gate_state" and view.gate.state is not GateState.ACTIVE:
        return f" {view.gate.key} ({view.gate.reason})" if view.gate.key else f" ({view.gate.reason})"
    if name == "no_trade_window" and view.no_trade_window:
        return f" ({view.no_trade_window})"
    if name == "approval_rule" and observed:
        rule = view.approval_rules[observed - 1]
        return f" ({rule.name}: {rule.sentence})"
    return ""
