"""Requests for a person's approval: state folded from acts, and what an answer does to one. Asking changes nothing.

A request is bound to the hash of exactly one order under one configuration. It reserves nothing. Its grant is no order: the entry is
judged as new, and only then, in the same step, used up. Bounded: `approval_checks.WAITING_MAX` wait, CLOSED_KEPT stay known.
"""

from collections import OrderedDict
from hashlib import sha256
from typing import Final, NamedTuple, final

import msgspec
from msgspec.structs import replace

from tidegate.events.acts import ApprovalMoved, ApprovalRequested, RiskDecision, TradeIntent
from tidegate.events.inputs import ApprovalAnswered
from tidegate.risk.approval_states import ANSWERABLE, OPEN, Step, next_state
from tidegate.values.enums import ApprovalState
from tidegate.values.time import NEVER_NS, iso_utc

CLOSED_KEPT: Final = 256
ANSWERS_KEPT: Final = 1_024

_encoder: Final = msgspec.msgpack.Encoder()


class Approval(msgspec.Struct, frozen=True, array_like=True):
    """One request, with the whole entry it is about. approvers: who has approved it so far."""

    approval_id: str
    decision_id: str
    intent: TradeIntent
    order_sha256: str
    needed: int
    asked_ns: int
    expires_ns: int
    requester: str
    notional_usd: str
    sentence: str
    state: ApprovalState = ApprovalState.WAITING
    approvers: tuple[str, ...] = ()
    moved_ns: int = 0
    moved_why: str = ""


class Outcome(NamedTuple):
    """What an answer does: a step of the request, or None with why it is not taken."""

    step: Step | None
    sentence: str


class _State(msgspec.Struct, frozen=True, array_like=True):
    open: list[Approval]
    closed: list[Approval]  # oldest first: the order in which they are forgotten
    answers: list[str]


def order_sha256(account: str, config_sha256: str, intent: TradeIntent) -> str:
    """Return the hash of all that makes a whole entry the order that a person saw."""
    parts = (
        account,
        config_sha256,
        intent.strategy_id,
        intent.symbol,
        intent.side,
        intent.order_type,
        intent.time_in_force,
        intent.quantity_nanos,
        intent.limit_price_nanos,
        intent.stop_price_nanos,
        intent.trail_nanos,
        intent.reference_price_nanos,
    )
    return sha256(_encoder.encode(parts)).hexdigest()


def whole_of(intent: TradeIntent) -> TradeIntent:
    """Return the whole entry of a slice; an entry that is not cut is its own."""
    if not intent.whole_quantity_nanos:
        return intent
    return replace(intent, quantity_nanos=intent.whole_quantity_nanos, whole_quantity_nanos=0, slice_number=0)


def outcome_of(approval: Approval | None, answer: ApprovalAnswered, *, order_hash: str, now_ns: int) -> Outcome:
    """Return what an answer does. order_hash: of the order as it would be sent now."""
    if approval is None:
        return Outcome(None, f"No request {answer.approval_id} is known.")
    late = approval.state in ANSWERABLE and now_ns >= approval.expires_ns
    if late:
        return Outcome(Step.TIME, f"The request expired at {iso_utc(approval.expires_ns)}.")
    why_not = next((why for holds, why in _not_taken(approval, answer) if holds), "")
    if why_not:
        return Outcome(None, why_not)
    if not answer.granted:
        return Outcome(Step.REJECTION, f"{answer.approver} rejected it{_because(answer)}.")
    if order_hash != approval.order_sha256:
        return Outcome(Step.LAPSE, "The configuration has changed since the order was asked for; it is not sent.")
    last = len(approval.approvers) + 1 >= approval.needed
    return Outcome(Step.LAST_GRANT if last else Step.FIRST_GRANT, f"{answer.approver} approved it{_because(answer)}.")


def _not_taken(approval: Approval, answer: ApprovalAnswered) -> tuple[tuple[bool, str], ...]:
    """Return what keeps an answer from being taken, in order of precedence, each with whether it holds."""
    return (
        (approval.state not in ANSWERABLE, f"The request is {approval.state.value} already; an approval is answered once."),
        (
            answer.order_sha256 != approval.order_sha256,
            "The answer is about another order than the one that waits; look at it again.",
        ),
        (not answer.approver, "An answer needs the name of a person."),
        (answer.approver == approval.requester, "Nobody approves an order of his own."),
        (
            answer.granted and answer.approver in approval.approvers,
            f"{answer.approver} has approved it already; the second person must be another one.",
        ),
    )


@final
class ApprovalBook:
    """Requests that wait, those closed lately, and the ids of answers. Changed by folding only."""

    __slots__ = ("_pairs", "answers", "asking", "closed", "open")

    def __init__(self) -> None:
        self.open: dict[str, Approval] = {}
        self.closed: OrderedDict[str, Approval] = OrderedDict()
        self.answers: OrderedDict[str, None] = OrderedDict()
        self.asking: dict[str, TradeIntent] = {}  # by decision: of this input, until it is asked for
        self._pairs: set[tuple[str, str]] = set()  # of strategy and symbol: at most one request of each is open

    def find(self, approval_id: str) -> Approval | None:
        """Return a request that is open or was closed lately."""
        return self.open.get(approval_id) or self.closed.get(approval_id)

    def waits(self, strategy_id: str, symbol: str) -> bool:
        """Tell whether an entry of a strategy in a symbol waits for a person."""
        return bool(self._pairs) and (strategy_id, symbol) in self._pairs

    def due_ns(self) -> int:
        """Return when the next request expires; NEVER_NS when none waits."""
        return min([approval.expires_ns for approval in self.open.values()], default=NEVER_NS)

    def expired(self, now_ns: int) -> list[Approval]:
        """Return the requests whose time is over, oldest first."""
        return [approval for approval in self.open.values() if approval.expires_ns <= now_ns]

    def fold_decision(self, decision: RiskDecision, intent: TradeIntent) -> None:
        """Keep an entry that needs a person until it is asked for."""
        self.asking[decision.event_id] = intent

    def fold_requested(self, act: ApprovalRequested) -> None:
        """Take a request in."""
        intent = whole_of(self.asking.pop(act.decision_id))
        self._put(
            Approval(
                approval_id=act.approval_id,
                decision_id=act.decision_id,
                intent=intent,
                order_sha256=act.order_sha256,
                needed=act.needed,
                asked_ns=act.timestamp,
                expires_ns=act.expires_ns,
                requester=act.requester,
                notional_usd=act.notional_usd,
                sentence=act.sentence,
            )
        )

    def fold_moved(self, act: ApprovalMoved) -> Approval | None:
        """Move a request; return it if it is closed now."""
        if act.request_id:
            self.answers[act.request_id] = None
            if len(self.answers) > ANSWERS_KEPT:
                self.answers.popitem(last=False)
        approval = self.open.get(act.approval_id)
        if approval is None or act.after is None or act.after is act.before:
            return None
        moved = replace(approval, state=act.after, approvers=act.approvers, moved_ns=act.timestamp, moved_why=act.sentence)
        return self._put(moved)

    def fold_lapse(self, now_ns: int) -> list[Approval]:
        """Let what the end of a log left half done come to nothing: entries not asked for, grants not released."""
        self.asking.clear()
        granted = [approval for approval in self.open.values() if approval.state is ApprovalState.GRANTED]
        why = "The session broke off before it was released."
        for approval in granted:
            state = next_state(approval.state, Step.LAPSE)
            assert state is not None, "what is granted may lapse"
            self._put(replace(approval, state=state, moved_ns=now_ns, moved_why=why))
        return granted

    def snapshot(self) -> bytes:
        """Return the state as bytes; empty when nothing was ever asked."""
        if not (self.open or self.closed or self.answers):
            return b""
        return _encoder.encode(_State(list(self.open.values()), list(self.closed.values()), list(self.answers)))

    def restore(self, data: bytes) -> None:
        """Become the state of a snapshot.

        Raises:
            msgspec.MsgspecError: the bytes are no snapshot of approvals.
        """
        state = msgspec.msgpack.decode(data, type=_State) if data else _State([], [], [])
        self.open = {approval.approval_id: approval for approval in state.open}
        self.closed = OrderedDict((approval.approval_id, approval) for approval in state.closed)
        self.answers = OrderedDict.fromkeys(state.answers)
        self.asking = {}
        self._pairs = {_pair(approval) for approval in state.open}

    def _put(self, approval: Approval) -> Approval | None:
        key = approval.approval_id
        if approval.state in OPEN:
            self.open[key] = approval
            self._pairs.add(_pair(approval))
            return None
        del self.open[key]
        self._pairs.remove(_pair(approval))
        self.closed[key] = approval
        if len(self.closed) > CLOSED_KEPT:
            self.closed.popitem(last=False)
        return approval


def _pair(approval: Approval) -> tuple[str, str]:
    return approval.intent.strategy_id, approval.intent.symbol


def _because(answer: ApprovalAnswered) -> str:
    return f": {answer.reason.rstrip('.')}" if answer.reason else ""
