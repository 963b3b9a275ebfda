"""The table of the outbox over its whole grid, in every form of the ledger."""

import msgspec
import pytest

from tests.service.ledger.making import START_NS, batch, claim, everything, mark, row
from tidegate.service.ledger.errors import MarkRefusedError
from tidegate.service.ledger.port import Ledger
from tidegate.service.ledger.states import BORN, OPEN, TRANSITIONS, OutboxState, before_states

pytestmark = pytest.mark.req("B2.2")

S = OutboxState
# Written out by hand, so that the table and this page must agree.
ALLOWED = {
    (S.PENDING, S.SENT),
    (S.PENDING, S.ABANDONED),
    (S.PENDING, S.UNSURE),
    (S.SENT, S.ANSWERED),
    (S.SENT, S.UNSURE),
    (S.SENT, S.ABANDONED),
    (S.ANSWERED, S.ANSWERED),
    (S.UNSURE, S.UNSURE),
    (S.UNSURE, S.ANSWERED),
    (S.UNSURE, S.ABSENT),
    (S.UNSURE, S.ABANDONED),
    (S.ABSENT, S.ABSENT),
    (S.ABSENT, S.ANSWERED),
    (S.ABANDONED, S.ABANDONED),
    (S.ABANDONED, S.ANSWERED),
    (S.ABANDONED, S.UNSURE),
}
PATH = {  # how a row comes into each state
    S.PENDING: (),
    S.SENT: (S.SENT,),
    S.ANSWERED: (S.SENT, S.ANSWERED),
    S.UNSURE: (S.SENT, S.UNSURE),
    S.ABSENT: (S.SENT, S.UNSURE, S.ABSENT),
    S.ABANDONED: (S.ABANDONED,),
}
GRID = [(before, after) for before in S for after in S]


def test_the_table_says_what_is_allowed() -> None:
    assert {(before, after) for before in S for after in TRANSITIONS[before]} == ALLOWED
    assert {(before, after) for after in S for before in before_states(after)} == ALLOWED


def test_sent_is_entered_from_pending_alone_and_never_twice() -> None:
    assert before_states(S.SENT) == (S.PENDING,)


def test_nothing_goes_back_to_pending() -> None:
    assert before_states(S.PENDING) == ()


def test_what_is_open_is_what_has_no_ending() -> None:
    assert set(OPEN) == set(S) - {S.ANSWERED, S.ABSENT, S.ABANDONED}
    assert set(OPEN) > BORN


@pytest.mark.parametrize(("before", "after"), GRID, ids=lambda state: state.name)
def test_each_pair_moves_by_the_table_or_changes_nothing(ledger: Ledger, before: S, after: S) -> None:
    ledger.take_lease(claim())
    ledger.write(batch(rows=(row(1),), marks=tuple(mark(1, state, at_ns=START_NS + 5) for state in PATH[before])))
    was = ledger.command(row(1).command_id)
    assert was is not None
    assert was.state is before
    wish = batch(marks=(mark(1, after, at_ns=START_NS + 9, note="told so"),))
    if (before, after) in ALLOWED:
        ledger.write(wish)
        now = msgspec.structs.replace(was, state=after, changed_ns=START_NS + 9, note="told so")
        if after is S.SENT:
            now = msgspec.structs.replace(now, sent_ns=START_NS + 9)
        assert ledger.command(was.command_id) == now
    else:
        held = everything(ledger)
        with pytest.raises(MarkRefusedError, match=f"is {before} and cannot be marked {after}"):
            ledger.write(wish)
        assert everything(ledger) == held
