"""An approval is used once, with its order, in one transaction, in every form of the ledger."""

import pytest

from tests.service.ledger.making import ACCOUNT, START_NS, TTL_NS, approval, batch, claim, everything, row, use
from tidegate.service.ledger.errors import ApprovalSpentError, DuplicateOrderError, StaleEpochError
from tidegate.service.ledger.port import Ledger
from tidegate.service.ledger.rows import Written
from tidegate.service.ledger.states import OutboxState
from tidegate.values.enums import ApprovalState
from tidegate.values.errors import ExitCode

pytestmark = pytest.mark.req("I1")

GRANTED, USED = ApprovalState.GRANTED, ApprovalState.USED
FINAL = (USED, ApprovalState.REFUSED, ApprovalState.EXPIRED, ApprovalState.LAPSED)


@pytest.fixture
def held(ledger: Ledger) -> Ledger:
    ledger.take_lease(claim())
    ledger.write(batch(approvals=(approval(1),)))
    ledger.write(batch(approvals=(approval(1, GRANTED, by="ann"),)))
    return ledger


def test_a_use_and_its_order_are_written_together_and_say_who_approved(held: Ledger) -> None:
    held.write(batch(rows=(row(1), row(2)), uses=(use(1, at_ns=START_NS + 5),)))
    (kept,) = held.approvals(ACCOUNT)
    assert (kept.state, kept.approvers, kept.at_ns) == (USED, "ann", START_NS + 5)
    assert held.outbox(ACCOUNT, tuple(OutboxState)) == [row(1), row(2)]


@pytest.mark.parametrize(
    ("spent", "says"),
    [
        (use(2), "approval-2 is not in the ledger"),
        (use(1, order=7), "approval-1 is of another order"),
        (use(1, at_ns=START_NS + TTL_NS), "approval-1 expired at 2027-01-15T08:00:10"),
    ],
)
def test_a_use_that_is_none_fails_its_whole_batch(held: Ledger, spent: object, says: str) -> None:
    before = everything(held)
    with pytest.raises(ApprovalSpentError, match=says) as refused:
        held.write(batch(rows=(row(1),), uses=(spent,)))  # type: ignore[arg-type]
    assert refused.value.exit_code is ExitCode.REFUSED
    assert everything(held) == before


@pytest.mark.parametrize("state", [state for state in ApprovalState if state not in (GRANTED, USED)])
def test_what_is_not_granted_cannot_be_used(held: Ledger, state: ApprovalState) -> None:
    held.write(batch(approvals=(approval(3, state),)))
    before = everything(held)
    with pytest.raises(ApprovalSpentError, match=f"approval-3 is {state.value.replace('_', ' ')} and cannot be used"):
        held.write(batch(rows=(row(1),), uses=(use(3),)))
    assert everything(held) == before


def test_an_approval_is_used_once_even_by_two_batches_of_one_commit(held: Ledger) -> None:
    first, second, other = batch(rows=(row(1),), uses=(use(1),)), batch(rows=(row(2),), uses=(use(1),)), batch(rows=(row(3),))
    assert [type(found) for found in held.write_all([first, second, other])] == [Written, ApprovalSpentError, Written]
    assert held.outbox(ACCOUNT, tuple(OutboxState)) == [row(1), row(3)]
    with pytest.raises(ApprovalSpentError, match="is used and cannot be used"):
        held.write(batch(rows=(row(4),), uses=(use(1),)))


def test_an_order_that_is_refused_does_not_use_its_approval_up(held: Ledger) -> None:
    held.write(batch(rows=(row(1),)))
    with pytest.raises(DuplicateOrderError):
        held.write(batch(rows=(row(1),), uses=(use(1),)))
    assert held.approvals(ACCOUNT)[0].state is GRANTED
    held.write(batch(rows=(row(2),), uses=(use(1),)))


def test_a_stale_holder_uses_nothing(held: Ledger) -> None:
    held.take_lease(claim("two", at_ns=START_NS + TTL_NS))
    with pytest.raises(StaleEpochError):
        held.write(batch(rows=(row(1),), uses=(use(1),)))
    assert held.approvals(ACCOUNT)[0].state is GRANTED


@pytest.mark.parametrize("final", FINAL)
def test_what_is_closed_stays_as_it_is(held: Ledger, final: ApprovalState) -> None:
    if final is USED:
        held.write(batch(rows=(row(1),), uses=(use(1),)))
    else:
        held.write(batch(approvals=(approval(1, final),)))
    before = held.approvals(ACCOUNT)
    for state in ApprovalState:
        if state is not USED:
            held.write(batch(approvals=(approval(1, state, by="eve"),)))
    assert held.approvals(ACCOUNT) == before


def test_a_request_keeps_its_order_and_its_end(held: Ledger) -> None:
    """Another order under the same id changes nothing, nor does anybody's wish for more time."""
    held.write(batch(approvals=(approval(1, ApprovalState.REFUSED, order=7),)))
    assert held.approvals(ACCOUNT) == [approval(1, GRANTED, by="ann")]


def test_accounts_do_not_see_each_other(held: Ledger) -> None:
    held.take_lease(claim(account="other"))
    with pytest.raises(ApprovalSpentError, match="not in the ledger"):
        held.write(batch(account="other", rows=(row(1, account="other"),), uses=(use(1),)))
    assert held.approvals("other") == []
