"""The life of a command in the outbox. This table is the machine; every form of the ledger moves rows by it alone.

Rules behind the rows:

- SENT is marked before the first byte leaves, and once: the mark is the permission to send, so a second one would be a second
  order.
- PENDING and ABANDONED say that nothing left. SENT without an answer says nothing about the venue: it becomes UNSURE, never a
  failure.
- UNSURE is left by evidence: the venue's word (ANSWERED), or enough complete lookups without it (ABSENT).
- A proof can turn out wrong (an older copy of the ledger was put back, a late appearance): then the venue's word is taken in
  from ABSENT and ABANDONED as well.
- A mark that repeats the state of a finished row changes nothing, so that a restart may repeat what the last one did.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class OutboxState(StrEnum):
    """Where a recorded command stands."""

    PENDING = "pending"  # durable, not released: nothing left
    SENT = "sent"  # released to the wire, no answer yet
    ANSWERED = "answered"  # the venue said something about it
    UNSURE = "unsure"  # released, and no answer will come by itself: ask the venue
    ABSENT = "absent"  # complete lookups past the venue's grace did not find it
    ABANDONED = "abandoned"  # proved that nothing left


BORN: Final = frozenset({OutboxState.PENDING, OutboxState.SENT})  # SENT at birth: released by the same transaction
LET_GO: Final = (OutboxState.ANSWERED, OutboxState.UNSURE, OutboxState.ABSENT)  # left for sure: the log had it before
OPEN: Final = (OutboxState.PENDING, OutboxState.SENT, OutboxState.UNSURE)  # what a start must account for

TRANSITIONS: Final[Mapping[OutboxState, frozenset[OutboxState]]] = {
    OutboxState.PENDING: frozenset(
        {
            OutboxState.SENT,
            OutboxState.ABANDONED,
            OutboxState.UNSURE,  # a start that does not trust the ledger's own proof asks the venue
        }
    ),
    OutboxState.SENT: frozenset(
        {
            OutboxState.ANSWERED,
            OutboxState.UNSURE,
            OutboxState.ABANDONED,  # the edge proved that no byte left: connection refused, too late at the last hop
        }
    ),
    OutboxState.ANSWERED: frozenset({OutboxState.ANSWERED}),
    OutboxState.UNSURE: frozenset({OutboxState.UNSURE, OutboxState.ANSWERED, OutboxState.ABSENT, OutboxState.ABANDONED}),
    OutboxState.ABSENT: frozenset({OutboxState.ABSENT, OutboxState.ANSWERED}),  # late appearance
    OutboxState.ABANDONED: frozenset({OutboxState.ABANDONED, OutboxState.ANSWERED, OutboxState.UNSURE}),  # the proof was wrong
}


def may_follow(before: OutboxState, after: OutboxState) -> bool:
    """Say whether a row may move from one state to the other."""
    return after in TRANSITIONS[before]


def before_states(after: OutboxState) -> tuple[OutboxState, ...]:
    """Return the states from which a row may be marked so, in the order of the enum."""
    return tuple(state for state in OutboxState if after in TRANSITIONS[state])
