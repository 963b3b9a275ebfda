"""Asks for a person's approval, takes answers in, and lets requests end. What is granted is released by `engine.releasing`."""

from typing import Final, final

from tidegate.engine.core import Core
from tidegate.events.acts import ApprovalMoved, ApprovalRequested, RiskDecision, TradeIntent
from tidegate.events.inputs import ApprovalAnswered
from tidegate.portfolio.valuation import MICRO
from tidegate.risk.approval_states import Step, next_state
from tidegate.risk.approvals import Approval, outcome_of, whole_of
from tidegate.risk.gate import persons_needed
from tidegate.values.ids import approval_id
from tidegate.values.money import attos_text

_NOTIONAL: Final = "approval_notional"
_LATE: Final = "Nobody answered in time; it counts as refused."


@final
class Approving:
    """Emits requests for approval and what becomes of them."""

    def __init__(self, core: Core) -> None:
        self._core: Final = core

    def ask(self, decision: RiskDecision, intent: TradeIntent) -> None:
        """Ask persons for the whole of an entry, before anything of it is sent."""
        core, whole, event = self._core, whole_of(intent), self._core.next_id()
        worth = next(observed for name, _, _, observed in decision.checks if name == _NOTIONAL)
        assert worth is not None, "an entry whose worth is not known is refused, not asked about"
        core.emit(
            ApprovalRequested(
                event_id=event,
                timestamp=core.now_ns,
                symbol=intent.symbol,
                strategy_id=intent.strategy_id,
                correlation_id=intent.correlation_id,
                approval_id=approval_id(account=core.spec.account, event=event),
                decision_id=decision.event_id,
                order_sha256=core.order_sha256(whole),
                needed=persons_needed(decision),
                expires_ns=core.now_ns + core.spec.limits.approval_wait_ns,
                requester=intent.strategy_id,
                quantity_nanos=whole.quantity_nanos,
                limit_price_nanos=whole.limit_price_nanos,
                notional_usd=attos_text(worth * MICRO),
                sentence=decision.sentence,
            )
        )

    def answer(self, answer: ApprovalAnswered) -> Approval | None:
        """Take a person's answer in and tell what it does; return the request if it is granted now, to be released in this very step.

        An answer that was taken before does nothing.
        """
        core = self._core
        if answer.request_id in core.approvals.answers:
            return None
        found = core.approvals.find(answer.approval_id)
        known = "" if found is None else core.order_sha256(found.intent)
        outcome = outcome_of(found, answer, order_hash=known, now_ns=core.now_ns)
        granted = outcome.step in {Step.FIRST_GRANT, Step.LAST_GRANT}
        self._move(found, outcome.step, outcome.sentence, answer=answer, granted=granted)
        return core.approvals.open.get(answer.approval_id) if outcome.step is Step.LAST_GRANT else None

    def use(self, approval: Approval) -> None:
        """Use an approval up, with the first order that goes out under it."""
        found = self._core.approvals.open.get(approval.approval_id)
        if found is not None:
            self._move(found, Step.USE, "It was judged as new and approved; its order goes out.")

    def lapse(self, approval: Approval, sentence: str) -> None:
        """End a granted request that is not let out."""
        self._move(approval, Step.LAPSE, sentence)

    def expire(self) -> None:
        """End the requests whose time is over."""
        for approval in self._core.approvals.expired(self._core.now_ns):
            self._move(approval, Step.TIME, _LATE)

    def _move(
        self, found: Approval | None, step: Step | None, sentence: str, *, answer: ApprovalAnswered | None = None, granted: bool = False
    ) -> None:
        core = self._core
        before = None if found is None else found.state
        after = before
        if found is not None and step is not None:
            after = next_state(found.state, step)
            assert after is not None, "a step that the table does not have"
        approvers = () if found is None else found.approvers
        if granted and answer is not None:
            approvers = (*approvers, answer.approver)
        core.emit(
            ApprovalMoved(
                event_id=core.next_id(),
                timestamp=core.now_ns,
                symbol="" if found is None else found.intent.symbol,
                strategy_id="" if found is None else found.intent.strategy_id,
                correlation_id=core.next_id() if found is None else found.intent.correlation_id,
                approval_id=found.approval_id if answer is None and found is not None else "" if answer is None else answer.approval_id,
                order_sha256="" if found is None else found.order_sha256,
                before=before,
                after=after,
                sentence=sentence,
                approver="" if answer is None else answer.approver,
                request_id="" if answer is None else answer.request_id,
                approvers=approvers,
            )
        )
