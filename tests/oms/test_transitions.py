"""The order table over its whole grid."""

from collections.abc import Mapping

import pytest

from tidegate.oms.transitions import NEVER_LIVED, TERMINAL, TRANSITIONS, next_state
from tidegate.values.enums import OrderEventKind as Kind
from tidegate.values.enums import OrderState as State

# The table once more, written as a person would say it: rows are states, each kind leads to
# the given state. What is not here must be refused; completeness is said in `expected`.
FILLS = (Kind.PARTIALLY_FILLED, Kind.FILLED, Kind.FILL_CORRECTED)
ENDS = {
    Kind.CANCELED: State.CANCELED,
    Kind.REJECTED: State.REJECTED,
    Kind.EXPIRED: State.EXPIRED,
    Kind.REPLACED: State.REPLACED,
}
LATE = (
    Kind.SUBMITTED,
    Kind.ACCEPTED,
    Kind.OUTCOME_UNKNOWN,
    Kind.LOOKUP_MISSED,
    Kind.CANCEL_REJECTED,
    Kind.REPLACE_REJECTED,
)
LIVES = {Kind.ACCEPTED: State.ACCEPTED, Kind.FOUND_WORKING: State.ACCEPTED}
REFUSED_REQUESTS = (Kind.CANCEL_REJECTED, Kind.REPLACE_REJECTED)


def stays(state: State, *kinds: Kind) -> dict[Kind, State]:
    return dict.fromkeys(kinds, state)


SAID: Mapping[State, Mapping[Kind, State]] = {
    State.NEW: ENDS
    | LIVES
    | stays(State.NEW, Kind.LOOKUP_MISSED, *REFUSED_REQUESTS)
    | {Kind.SUBMITTED: State.SUBMITTED, Kind.NOT_SENT: State.NOT_SENT, Kind.OUTCOME_UNKNOWN: State.UNKNOWN},
    State.SUBMITTED: ENDS
    | LIVES
    | stays(State.SUBMITTED, Kind.SUBMITTED, Kind.LOOKUP_MISSED, *REFUSED_REQUESTS)
    | {Kind.NOT_SENT: State.NOT_SENT, Kind.OUTCOME_UNKNOWN: State.UNKNOWN},
    State.ACCEPTED: ENDS | stays(State.ACCEPTED, Kind.FOUND_WORKING, *LATE),
    State.PARTIAL: {kind: state for kind, state in ENDS.items() if kind is not Kind.REJECTED}
    | stays(State.PARTIAL, Kind.FOUND_WORKING, *LATE),
    State.FILLED: stays(State.FILLED, Kind.CANCELED, Kind.EXPIRED, Kind.REPLACED, Kind.FOUND_WORKING, *LATE),
    State.CANCELED: stays(State.CANCELED, Kind.CANCELED, Kind.EXPIRED, *LATE),
    State.EXPIRED: stays(State.EXPIRED, Kind.CANCELED, Kind.EXPIRED, *LATE),
    State.REPLACED: stays(State.REPLACED, Kind.CANCELED, Kind.EXPIRED, Kind.REPLACED, *LATE),
    State.REJECTED: LIVES
    | stays(State.REJECTED, Kind.SUBMITTED, Kind.REJECTED, Kind.CANCELED, Kind.OUTCOME_UNKNOWN, Kind.LOOKUP_MISSED)
    | stays(State.REJECTED, *REFUSED_REQUESTS),
    State.UNKNOWN: ENDS
    | LIVES
    | stays(State.UNKNOWN, Kind.SUBMITTED, Kind.OUTCOME_UNKNOWN, *REFUSED_REQUESTS)
    | {Kind.NOT_SENT: State.NOT_SENT, Kind.LOOKUP_MISSED: State.UNKNOWN},
    State.ABSENT: LIVES
    | stays(State.ABSENT, Kind.SUBMITTED, Kind.OUTCOME_UNKNOWN, Kind.LOOKUP_MISSED, *REFUSED_REQUESTS)
    | {
        Kind.CANCELED: State.CANCELED,
        Kind.REJECTED: State.REJECTED,
        Kind.EXPIRED: State.EXPIRED,
        Kind.NOT_SENT: State.NOT_SENT,
    },
    State.NOT_SENT: LIVES
    | stays(State.NOT_SENT, Kind.NOT_SENT, Kind.LOOKUP_MISSED, *REFUSED_REQUESTS)
    | {Kind.CANCELED: State.CANCELED, Kind.REJECTED: State.REJECTED, Kind.OUTCOME_UNKNOWN: State.UNKNOWN},
}
AFTER_A_PART = {state: state if state in TERMINAL and state not in NEVER_LIVED else State.PARTIAL for state in State}


def expected(state: State, kind: Kind, *, complete: bool) -> State | None:
    if kind in FILLS:
        return State.FILLED if complete else AFTER_A_PART[state]
    if kind is Kind.FILL_BUSTED:
        return state
    if state is State.UNKNOWN and kind is Kind.LOOKUP_MISSED and complete:
        return State.ABSENT
    return SAID[state].get(kind)


@pytest.mark.req("B2.1")
@pytest.mark.parametrize("complete", [False, True], ids=["part", "complete"])
@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("state", State)
def test_every_pair_moves_as_said_or_is_refused(state: State, kind: Kind, *, complete: bool) -> None:
    assert next_state(state, kind, complete=complete) is expected(state, kind, complete=complete)


@pytest.mark.req("B2.1")
@pytest.mark.parametrize("kind", [*FILLS, Kind.FILL_BUSTED])
@pytest.mark.parametrize("state", State)
def test_fills_are_taken_in_every_state(state: State, kind: Kind) -> None:
    assert next_state(state, kind, complete=True) is not None
    assert next_state(state, kind, complete=False) is not None


@pytest.mark.req("B2.1")
def test_a_timeout_ends_no_order() -> None:
    for state in State:
        after = next_state(state, Kind.OUTCOME_UNKNOWN, complete=False)
        assert after in {state, State.UNKNOWN}


def test_the_states_that_end_are_those_in_which_nothing_works() -> None:
    assert {State.NEW, State.SUBMITTED, State.ACCEPTED, State.PARTIAL, State.UNKNOWN} == set(State) - TERMINAL
    assert NEVER_LIVED < TERMINAL
    assert set(TRANSITIONS) == set(State)
