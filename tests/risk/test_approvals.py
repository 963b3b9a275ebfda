"""Requests for approval: the table over its whole grid, and the book beside a twin that keeps everything in a list."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from tests.conftest import ROOT
from tests.portfolio.making import INSTRUMENTS, NOW_NS, usd
from tests.risk.making import entry, limits, verdict, view
from tidegate.events.acts import ApprovalMoved, ApprovalRequested
from tidegate.events.inputs import ApprovalAnswered
from tidegate.risk.approval_states import ANSWERABLE, OPEN, TRANSITIONS, Step, next_state
from tidegate.risk.approvals import ANSWERS_KEPT, CLOSED_KEPT, Approval, ApprovalBook, order_sha256, outcome_of, whole_of
from tidegate.risk.slices import ENTRY_SLICES_MAX, parts_of
from tidegate.values.enums import ApprovalState, OrderType, Side
from tidegate.values.money import NANOS
from tidegate.values.time import NEVER_NS, SECOND_NS, iso_utc

pytestmark = pytest.mark.req("I1")

WAIT_NS = 20 * SECOND_NS
S = ApprovalState
ALLOWED = {
    (S.WAITING, Step.FIRST_GRANT): S.HALF_GRANTED,
    (S.WAITING, Step.LAST_GRANT): S.GRANTED,
    (S.WAITING, Step.REJECTION): S.REFUSED,
    (S.WAITING, Step.TIME): S.EXPIRED,
    (S.WAITING, Step.LAPSE): S.LAPSED,
    (S.HALF_GRANTED, Step.LAST_GRANT): S.GRANTED,
    (S.HALF_GRANTED, Step.REJECTION): S.REFUSED,
    (S.HALF_GRANTED, Step.TIME): S.EXPIRED,
    (S.HALF_GRANTED, Step.LAPSE): S.LAPSED,
    (S.GRANTED, Step.USE): S.USED,
    (S.GRANTED, Step.LAPSE): S.LAPSED,
}


@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize("state", ApprovalState)
def test_each_pair_moves_by_the_table_or_not_at_all(state: ApprovalState, step: Step) -> None:
    assert next_state(state, step) is ALLOWED.get((state, step))


def test_what_is_closed_stays_closed_and_only_what_is_granted_is_used() -> None:
    assert {state for state, row in TRANSITIONS.items() if not row} == set(ApprovalState) - OPEN
    assert [state for state, row in TRANSITIONS.items() if S.USED in row.values()] == [S.GRANTED]
    assert {state for state, row in TRANSITIONS.items() if Step.LAST_GRANT in row} == ANSWERABLE


def test_the_page_tells_each_state_and_what_it_may_become() -> None:
    page = (ROOT / "docs" / "approvals.md").read_text()
    for state, row in TRANSITIONS.items():
        (line,) = [line for line in page.splitlines() if line.startswith(f"| `{state}` |")]
        assert set(line.split("|")[3].replace("`", "").replace(",", " ").split()) == set(row.values())


def head(now_ns: int) -> dict[str, Any]:
    return {"event_id": f"e-{now_ns}", "timestamp": now_ns, "symbol": "AIG", "strategy_id": "mr", "correlation_id": "c"}


def request(book: ApprovalBook, number: int, *, needed: int, now_ns: int) -> None:
    """Have an entry of a strategy of its own asked for."""
    intent = entry(name=f"i-{number}", strategy=f"s{number}")
    decision = verdict(intent, view())
    decision_id = f"d-{number}"
    book.fold_decision(replace(decision, event_id=decision_id), intent)
    facts = head(now_ns) | {"strategy_id": f"s{number}"}
    book.fold_requested(
        ApprovalRequested(
            **facts,
            approval_id=f"a-{number}",
            decision_id=decision_id,
            order_sha256=f"h-{number}",
            needed=needed,
            expires_ns=now_ns + WAIT_NS,
            requester=f"s{number}",
            quantity_nanos=intent.quantity_nanos,
            limit_price_nanos=intent.limit_price_nanos,
            notional_usd="1",
            sentence="why",
        )
    )


@dataclass
class Twin:
    """One request as anybody would write it down."""

    needed: int
    expires_ns: int
    requester: str
    words: list[str] = field(default_factory=list)  # "yes ann", "no bob", "late", "used"

    @property
    def yes(self) -> list[str]:
        return [word.removeprefix("yes ") for word in self.words if word.startswith("yes ")]

    @property
    def state(self) -> str:
        last = self.words[-1] if self.words else ""
        ends = {"no": "refused", "late": "expired", "used": "used", "lapsed": "lapsed"}
        if last.split(" ")[0] in ends:
            return ends[last.split(" ")[0]]
        if not self.yes:
            return "waiting"
        return "granted" if len(self.yes) == self.needed else "half_granted"


class ApprovalMachine(RuleBasedStateMachine):
    """Persons answer, time passes, the gate lets out or not, the trader starts again."""

    def __init__(self) -> None:
        super().__init__()
        self.book = ApprovalBook()
        self.twins: dict[str, Twin] = {}
        self.now_ns = NOW_NS
        self.answers = 0

    @rule(needed=st.integers(1, 2))
    def ask(self, needed: int) -> None:
        number = len(self.twins)
        request(self.book, number, needed=needed, now_ns=self.now_ns)
        self.twins[f"a-{number}"] = Twin(needed, self.now_ns + WAIT_NS, f"s{number}")

    @rule(
        number=st.integers(0, 4),
        who=st.sampled_from(["ann", "bob", "cid", "", "own"]),
        yes=st.sampled_from([True, True, True, False]),
        order=st.sampled_from(["same", "same", "same", "other"]),
        changed=st.sampled_from([False, False, False, True]),
        lets_out=st.booleans(),
    )
    def answer(self, number: int, who: str, order: str, *, yes: bool, changed: bool, lets_out: bool) -> None:
        self.answers += 1
        name = f"a-{number}"
        person = f"s{number}" if who == "own" else who
        said = ApprovalAnswered(
            **head(self.now_ns),
            approval_id=name,
            order_sha256=f"h-{number}" if order == "same" else "h-x",
            approver=person,
            granted=yes,
            request_id=f"r-{self.answers}",
            reason="",
        )
        found = self.book.find(name)
        outcome = outcome_of(found, said, order_hash="other" if changed else f"h-{number}", now_ns=self.now_ns)
        expected = self.expected(name, person, order, yes=yes, changed=changed)
        assert outcome.step == expected
        assert outcome.sentence.endswith(".")
        self.move(name, outcome.step, person if outcome.step in (Step.FIRST_GRANT, Step.LAST_GRANT) else "", said.request_id)
        assert said.request_id in self.book.answers
        if outcome.step is Step.LAST_GRANT:
            self.move(name, Step.USE if lets_out else Step.LAPSE, "", "")

    def expected(self, name: str, person: str, order: str, *, yes: bool, changed: bool) -> Step | None:
        twin = self.twins.get(name)
        if twin is None or twin.state not in ("waiting", "half_granted"):
            return None
        if self.now_ns >= twin.expires_ns:
            return Step.TIME
        if order != "same" or person in ("", twin.requester) or (yes and person in twin.yes):
            return None
        if not yes:
            return Step.REJECTION
        if changed:
            return Step.LAPSE
        return Step.LAST_GRANT if len(twin.yes) + 1 == twin.needed else Step.FIRST_GRANT

    def move(self, name: str, step: Step | None, by: str, request_id: str) -> None:
        found = self.book.find(name)
        before = None if found is None else found.state
        after = before if found is None or step is None else next_state(found.state, step)
        approvers = (() if found is None else found.approvers) + ((by,) if by else ())
        self.book.fold_moved(
            ApprovalMoved(
                **head(self.now_ns),
                approval_id=name,
                order_sha256="",
                before=before,
                after=after,
                sentence="so",
                approvers=approvers,
                request_id=request_id,
            )
        )
        words = {Step.REJECTION: "no", Step.TIME: "late", Step.USE: "used", Step.LAPSE: "lapsed"}
        if step is not None and name in self.twins:
            self.twins[name].words.append(words.get(step, f"yes {by}"))

    @rule(seconds=st.sampled_from([1, 5, 20]))
    def time_passes(self, seconds: int) -> None:
        self.now_ns += seconds * SECOND_NS
        for approval in self.book.expired(self.now_ns):
            assert approval.expires_ns <= self.now_ns
            self.move(approval.approval_id, Step.TIME, "", "")

    @rule(number=st.integers(0, 4))
    def break_off_after_a_grant(self, number: int) -> None:
        """The log ends between the last yes and the order."""
        twin = self.twins.get(f"a-{number}")
        if twin is None or twin.state not in ("waiting", "half_granted"):
            return
        for person in ("dora", "emil")[: twin.needed - len(twin.yes)]:
            last = len(twin.yes) + 1 == twin.needed
            self.move(f"a-{number}", Step.LAST_GRANT if last else Step.FIRST_GRANT, person, "")
        assert [approval.approval_id for approval in self.book.fold_lapse(self.now_ns)] == [f"a-{number}"]
        twin.words.append("lapsed")
        assert self.book.fold_lapse(self.now_ns) == []

    @rule()
    def start_again(self) -> None:
        other = ApprovalBook()
        other.restore(self.book.snapshot())
        assert other.snapshot() == self.book.snapshot()
        self.book = other

    @invariant()
    def book_and_twin_agree(self) -> None:
        for name, twin in self.twins.items():
            found = self.book.find(name)
            assert found is not None
            assert (found.state.value, list(found.approvers)) == (twin.state, twin.yes)
            assert (name in self.book.open) is (twin.state in ("waiting", "half_granted"))
            assert self.book.waits(found.intent.strategy_id, "AIG") is (name in self.book.open)
        due = [twin.expires_ns for twin in self.twins.values() if twin.state in ("waiting", "half_granted")]
        assert self.book.due_ns() == min(due, default=NEVER_NS)


ApprovalMachine.TestCase.settings = settings(max_examples=120, stateful_step_count=40)
TestApprovals = ApprovalMachine.TestCase


def test_the_book_is_bounded() -> None:
    book = ApprovalBook()
    facts: dict[str, Any] = head(NOW_NS) | {"order_sha256": "", "sentence": "no"}
    for number in range(CLOSED_KEPT + 3):
        request(book, number, needed=1, now_ns=NOW_NS + number)
        refused = ApprovalMoved(**facts, approval_id=f"a-{number}", before=S.WAITING, after=S.REFUSED, request_id=f"r-{number}")
        book.fold_moved(refused)
    assert len(book.closed) == CLOSED_KEPT
    assert book.find("a-2") is None
    assert book.find("a-3") is not None
    for number in range(ANSWERS_KEPT + 3):
        book.fold_moved(ApprovalMoved(**facts, approval_id="x", before=None, after=None, request_id=f"q-{number}"))
    assert len(book.answers) == ANSWERS_KEPT
    assert list(book.answers)[-1] == f"q-{ANSWERS_KEPT + 2}"


def test_nothing_asked_is_no_byte() -> None:
    book = ApprovalBook()
    assert book.snapshot() == b""
    book.restore(b"")
    assert book.due_ns() == NEVER_NS


def test_the_whole_of_a_slice_is_what_it_was_cut_from() -> None:
    whole = entry(quantity=100)
    assert whole_of(whole) is whole
    part = entry(quantity=30, whole_quantity_nanos=whole.quantity_nanos, slice_number=2)
    assert whole_of(part) == whole


def asked(**changes: Any) -> Approval:
    """A request of mr that two persons have to approve."""
    book = ApprovalBook()
    request(book, 0, needed=2, now_ns=NOW_NS)
    found = book.find("a-0")
    assert found is not None
    return replace(found, **changes)


def answer(**changes: Any) -> ApprovalAnswered:
    facts: dict[str, Any] = {
        "approval_id": "a-0",
        "order_sha256": "h-0",
        "approver": "ann",
        "granted": True,
        "request_id": "r",
        "reason": "",
    }
    return ApprovalAnswered(**head(NOW_NS), **(facts | changes))


@pytest.mark.parametrize(
    ("approval", "said", "after_ns", "step", "sentence"),
    [
        ({}, {}, WAIT_NS - 1, Step.FIRST_GRANT, "ann approved it."),
        ({}, {"reason": "I looked."}, 0, Step.FIRST_GRANT, "ann approved it: I looked."),
        ({}, {"granted": False, "reason": "too large"}, 0, Step.REJECTION, "ann rejected it: too large."),
        ({}, {}, WAIT_NS, Step.TIME, f"The request expired at {iso_utc(NOW_NS + WAIT_NS)}."),
        ({"approvers": ("bob",)}, {}, 0, Step.LAST_GRANT, "ann approved it."),
        ({"approvers": ("ann",)}, {}, 0, None, "ann has approved it already; the second person must be another one."),
        ({"state": S.USED}, {}, WAIT_NS, None, "The request is used already; an approval is answered once."),
        ({}, {"order_sha256": "x"}, 0, None, "The answer is about another order than the one that waits; look at it again."),
        ({}, {"approver": ""}, 0, None, "An answer needs the name of a person."),
        ({}, {"approver": "s0"}, 0, None, "Nobody approves an order of his own."),
    ],
)
def test_what_an_answer_does_and_says(
    approval: dict[str, Any], said: dict[str, Any], after_ns: int, step: Step | None, sentence: str
) -> None:
    assert outcome_of(asked(**approval), answer(**said), order_hash="h-0", now_ns=NOW_NS + after_ns) == (step, sentence)


def test_an_answer_to_what_has_changed_or_is_not_known() -> None:
    changed = outcome_of(asked(), answer(), order_hash="h-1", now_ns=NOW_NS)
    assert changed == (Step.LAPSE, "The configuration has changed since the order was asked for; it is not sent.")
    assert outcome_of(None, answer(), order_hash="", now_ns=NOW_NS) == (None, "No request a-0 is known.")


def test_a_request_is_over_at_its_last_moment_and_remembers_when_and_why_it_moved() -> None:
    book = ApprovalBook()
    request(book, 0, needed=1, now_ns=NOW_NS)
    assert book.expired(NOW_NS + WAIT_NS - 1) == []
    assert [one.approval_id for one in book.expired(NOW_NS + WAIT_NS)] == ["a-0"]
    facts: dict[str, Any] = head(NOW_NS + 5) | {"approval_id": "a-0", "order_sha256": "h-0", "request_id": ""}
    for before, after in ((S.WAITING, None), (S.WAITING, S.WAITING)):
        assert book.fold_moved(ApprovalMoved(**facts, before=before, after=after, sentence="nothing")) is None
        assert book.open["a-0"].moved_ns == 0
    assert book.fold_moved(ApprovalMoved(**facts, before=S.WAITING, after=S.GRANTED, sentence="ann did", approvers=("ann",))) is None
    assert (book.open["a-0"].moved_ns, book.open["a-0"].moved_why) == (NOW_NS + 5, "ann did")
    (lapsed,) = book.fold_lapse(NOW_NS + 9)
    closed = book.closed[lapsed.approval_id]
    assert (closed.state, closed.moved_ns, closed.moved_why) == (S.LAPSED, NOW_NS + 9, "The session broke off before it was released.")


@given(shares=st.integers(1, 30_000), cents=st.integers(1, 20_000))
def test_the_parts_of_an_entry_add_up_and_each_is_within_the_caps(shares: int, cents: int) -> None:
    bounds = limits(order_quantity_nanos_max=1_000 * NANOS, order_notional_attos_max=usd(10_000))
    price = cents * NANOS // 100
    whole = entry(quantity=shares, price=price, reference=price)
    parts = parts_of(whole, bounds, INSTRUMENTS["AIG"])
    assert sum(part.quantity_nanos for part in parts) == whole.quantity_nanos
    if parts == [whole]:
        fits = shares <= 1_000 and shares * cents <= 1_000_000
        assert fits or shares > min(1_000, max(1_000_000 // cents, 1)) * ENTRY_SLICES_MAX or cents > 1_000_000
        return
    assert len(parts) <= ENTRY_SLICES_MAX
    for number, part in enumerate(parts):
        assert part.quantity_nanos <= 1_000 * NANOS
        assert part.quantity_nanos * price <= usd(10_000)
        assert (part.whole_quantity_nanos, part.slice_number) == (whole.quantity_nanos, number)
        assert whole_of(part) == whole


@pytest.mark.parametrize(
    "changed",
    [
        {"quantity": 11},
        {"price": 50 * NANOS + 1},
        {"strategy": "tf"},
        {"symbol": "BAC"},
        {"side": Side.SELL},
        {"order_type": OrderType.MARKET},
        {"stop": NANOS},
        {"trail": NANOS},
        {"reference": NANOS},
    ],
)
def test_the_hash_is_of_all_that_makes_the_order(changed: dict[str, Any]) -> None:
    one = entry(quantity=10, price=50 * NANOS)
    told = order_sha256("main", "c", one)
    assert told == order_sha256("main", "c", replace(one, event_id="another", timestamp=1, correlation_id="x"))
    assert len({told, order_sha256("other", "c", one), order_sha256("main", "d", one)}) == 3
    assert order_sha256("main", "c", entry(**({"quantity": 10, "price": 50 * NANOS} | changed))) != told


@pytest.mark.parametrize("highest", ["price", "stop", "reference"])
def test_an_entry_is_cut_by_the_highest_price_it_may_pay_and_into_so_many_parts_at_most(highest: str) -> None:
    bounds = limits(order_quantity_nanos_max=1_000 * NANOS, order_notional_attos_max=usd(10_000))
    prices = dict.fromkeys(("price", "stop", "reference"), 10 * NANOS) | {highest: 100 * NANOS}
    parts = parts_of(entry(quantity=250, **prices), bounds, INSTRUMENTS["AIG"])
    assert max(part.quantity_nanos for part in parts) <= 100 * NANOS
    most = entry(quantity=1_000 * ENTRY_SLICES_MAX, price=NANOS, reference=NANOS)
    assert len(parts_of(most, bounds, INSTRUMENTS["AIG"])) == ENTRY_SLICES_MAX
    beyond = entry(quantity=1_000 * ENTRY_SLICES_MAX + 1, price=NANOS, reference=NANOS)
    assert parts_of(beyond, bounds, INSTRUMENTS["AIG"]) == [beyond]
