"""The order state machine. This table is the machine.

Nothing else moves an order, and the manual's picture is drawn from it. Rules behind the rows:

- Fills are facts and are taken in every state, terminal ones too; a quantity that completes an order makes it
  FILLED.
- UNKNOWN is entered when the outcome of a submission is not proved and left by evidence only: an answer, a
  fill, a lookup that finds it, a proof that it was never sent, or enough complete lookups past the venue's
  grace that do not (ABSENT).
- A request is not an event: a cancel in flight changes no state until the venue says so.
- Words that come late (an acceptance after the fill, a cancel refused because the order is done) change
  nothing, but are rows.
- What is in no row contradicts itself: nothing moves, and the caller gets a named finding.

`complete` says that the evidence is whole: for fills and corrections, that the order's quantity is; for a
missed lookup, that enough complete lookups past the venue's grace have missed. Each cell is (next state, next
state when complete).
"""

from collections.abc import Mapping
from typing import Final

from tidegate.values.enums import OrderEventKind as Kind
from tidegate.values.enums import OrderState as State

Cell = tuple[State, State]
Row = Mapping[Kind, Cell]


def _to(state: State, complete: State | None = None) -> Cell:
    return (state, complete or state)


def _fills(partial: State) -> dict[Kind, Cell]:
    """Fills and corrections: FILLED when whole.

    A FILLED whose executions do not add up yet (one is late) stays partial.
    """
    cell = _to(partial, State.FILLED)
    return {Kind.PARTIALLY_FILLED: cell, Kind.FILLED: cell, Kind.FILL_CORRECTED: cell}


def _stay(state: State, *kinds: Kind) -> dict[Kind, Cell]:
    return dict.fromkeys(kinds, _to(state))


_ENDINGS: Final = {
    Kind.CANCELED: _to(State.CANCELED),
    Kind.REJECTED: _to(State.REJECTED),
    Kind.EXPIRED: _to(State.EXPIRED),
    Kind.REPLACED: _to(State.REPLACED),
}
_REFUSALS: Final = (Kind.CANCEL_REJECTED, Kind.REPLACE_REJECTED)
_LATE_WORDS: Final = (Kind.SUBMITTED, Kind.ACCEPTED, Kind.OUTCOME_UNKNOWN, Kind.LOOKUP_MISSED, *_REFUSALS)

TRANSITIONS: Final[Mapping[State, Row]] = {
    State.NEW: _fills(State.PARTIAL)  # the venue's answer may overtake our own note that it was sent
    | _ENDINGS
    | _stay(State.NEW, Kind.LOOKUP_MISSED, Kind.FILL_BUSTED, *_REFUSALS)  # not found is no news while it may be on its way
    | {
        Kind.SUBMITTED: _to(State.SUBMITTED),
        Kind.ACCEPTED: _to(State.ACCEPTED),
        Kind.FOUND_WORKING: _to(State.ACCEPTED),
        Kind.NOT_SENT: _to(State.NOT_SENT),
        Kind.OUTCOME_UNKNOWN: _to(State.UNKNOWN),
    },
    State.SUBMITTED: _fills(State.PARTIAL)  # a fill may outrun the acceptance
    | _ENDINGS
    | _stay(State.SUBMITTED, Kind.SUBMITTED, Kind.LOOKUP_MISSED, Kind.FILL_BUSTED, *_REFUSALS)
    | {
        Kind.ACCEPTED: _to(State.ACCEPTED),
        Kind.FOUND_WORKING: _to(State.ACCEPTED),
        Kind.NOT_SENT: _to(State.NOT_SENT),  # too late or not durable at the last hop: the sender dropped it
        Kind.OUTCOME_UNKNOWN: _to(State.UNKNOWN),
    },
    State.ACCEPTED: _fills(State.PARTIAL)
    | _ENDINGS  # REJECTED after an acceptance is a real venue's word: accepted for routing, then refused
    | _stay(State.ACCEPTED, Kind.FILL_BUSTED, Kind.FOUND_WORKING, *_LATE_WORDS),  # OUTCOME_UNKNOWN: of a cancel; it works on
    State.PARTIAL: _fills(State.PARTIAL)
    | _stay(State.PARTIAL, Kind.FILL_BUSTED, Kind.FOUND_WORKING, *_LATE_WORDS)  # ACCEPTED here was overtaken by the fill
    | {
        Kind.CANCELED: _to(State.CANCELED),
        Kind.EXPIRED: _to(State.EXPIRED),
        Kind.REPLACED: _to(State.REPLACED),
    },
    State.FILLED: _fills(State.FILLED)  # a correction or a bust gives quantity back, but no venue works it again
    | _stay(State.FILLED, Kind.FILL_BUSTED, *_LATE_WORDS)
    # The cancel, the day's end, the replacement or a slower lookup crossed the fill on its way.
    | _stay(State.FILLED, Kind.CANCELED, Kind.EXPIRED, Kind.REPLACED, Kind.FOUND_WORKING),
    State.CANCELED: _fills(State.CANCELED)  # the fill crossed our cancel
    | _stay(State.CANCELED, Kind.FILL_BUSTED, Kind.CANCELED, Kind.EXPIRED, *_LATE_WORDS),
    State.EXPIRED: _fills(State.EXPIRED) | _stay(State.EXPIRED, Kind.FILL_BUSTED, Kind.CANCELED, Kind.EXPIRED, *_LATE_WORDS),
    State.REPLACED: _fills(State.REPLACED)  # the old id filled while it was being replaced: the chain's rest shrinks
    | _stay(State.REPLACED, Kind.FILL_BUSTED, Kind.CANCELED, Kind.EXPIRED, Kind.REPLACED, *_LATE_WORDS),
    State.REJECTED: _fills(State.PARTIAL)  # the venue said no, and yet it trades: it lives (late appearance)
    | _stay(State.REJECTED, Kind.SUBMITTED, Kind.REJECTED, Kind.CANCELED, Kind.FILL_BUSTED)
    | _stay(State.REJECTED, Kind.OUTCOME_UNKNOWN, Kind.LOOKUP_MISSED, *_REFUSALS)
    | {
        Kind.ACCEPTED: _to(State.ACCEPTED),
        Kind.FOUND_WORKING: _to(State.ACCEPTED),
    },
    State.UNKNOWN: _fills(State.PARTIAL)
    | _ENDINGS
    | _stay(State.UNKNOWN, Kind.SUBMITTED, Kind.OUTCOME_UNKNOWN, Kind.FILL_BUSTED, *_REFUSALS)
    | {
        Kind.ACCEPTED: _to(State.ACCEPTED),
        Kind.FOUND_WORKING: _to(State.ACCEPTED),
        Kind.NOT_SENT: _to(State.NOT_SENT),  # outbox and log prove after a crash that it never left
        Kind.LOOKUP_MISSED: _to(State.UNKNOWN, State.ABSENT),  # a timeout is never a failure: it takes several
    },
    State.ABSENT: _fills(State.PARTIAL)  # late appearance: adopted
    | _stay(State.ABSENT, Kind.SUBMITTED, Kind.OUTCOME_UNKNOWN, Kind.LOOKUP_MISSED, Kind.FILL_BUSTED, *_REFUSALS)
    | {
        Kind.ACCEPTED: _to(State.ACCEPTED),
        Kind.FOUND_WORKING: _to(State.ACCEPTED),
        Kind.CANCELED: _to(State.CANCELED),  # it had reached the venue after all, and ended there
        Kind.REJECTED: _to(State.REJECTED),
        Kind.EXPIRED: _to(State.EXPIRED),
        Kind.NOT_SENT: _to(State.NOT_SENT),
    },
    State.NOT_SENT: _fills(State.PARTIAL)  # the proof was wrong: adopted, and a reason to halt
    | _stay(State.NOT_SENT, Kind.NOT_SENT, Kind.LOOKUP_MISSED, Kind.FILL_BUSTED, *_REFUSALS)
    | {
        Kind.ACCEPTED: _to(State.ACCEPTED),
        Kind.FOUND_WORKING: _to(State.ACCEPTED),
        Kind.CANCELED: _to(State.CANCELED),
        Kind.REJECTED: _to(State.REJECTED),
        Kind.OUTCOME_UNKNOWN: _to(State.UNKNOWN),  # our own edge takes its proof back: counts in full again
    },
}

TERMINAL: Final = frozenset(
    {
        State.FILLED,
        State.CANCELED,
        State.REJECTED,
        State.EXPIRED,
        State.REPLACED,
        State.ABSENT,
        State.NOT_SENT,
    }
)
NEVER_LIVED: Final = frozenset({State.ABSENT, State.NOT_SENT, State.REJECTED})  # to work after these is a late appearance


def next_state(state: State, kind: Kind, *, complete: bool) -> State | None:
    """Return the state after an event.

    None when no row allows it: nothing may move and somebody must be told.
    """
    cell = TRANSITIONS[state].get(kind)
    if cell is None:
        return None
    return cell[1] if complete else cell[0]
