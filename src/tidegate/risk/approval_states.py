"""The life of a request for approval as one table. What is closed stays closed: an approval is used once or not at all."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from tidegate.values.enums import ApprovalState


class Step(StrEnum):
    """What can happen to a request."""

    FIRST_GRANT = "first_grant"  # one of two persons approves
    LAST_GRANT = "last_grant"
    REJECTION = "rejection"
    TIME = "time"  # nobody has answered in time
    USE = "use"  # judged as new and approved: its order goes out in the same step
    LAPSE = "lapse"  # the gate refuses it as new, the configuration has changed, or the session broke off


_S: Final = ApprovalState
TRANSITIONS: Final[Mapping[ApprovalState, Mapping[Step, ApprovalState]]] = {
    _S.WAITING: {
        Step.FIRST_GRANT: _S.HALF_GRANTED,
        Step.LAST_GRANT: _S.GRANTED,
        Step.REJECTION: _S.REFUSED,
        Step.TIME: _S.EXPIRED,
        Step.LAPSE: _S.LAPSED,
    },
    _S.HALF_GRANTED: {
        Step.LAST_GRANT: _S.GRANTED,
        Step.REJECTION: _S.REFUSED,
        Step.TIME: _S.EXPIRED,
        Step.LAPSE: _S.LAPSED,
    },
    _S.GRANTED: {Step.USE: _S.USED, Step.LAPSE: _S.LAPSED},
    _S.USED: {},
    _S.REFUSED: {},
    _S.EXPIRED: {},
    _S.LAPSED: {},
}
OPEN: Final = frozenset(state for state, row in TRANSITIONS.items() if row)
ANSWERABLE: Final = frozenset({_S.WAITING, _S.HALF_GRANTED})


def next_state(state: ApprovalState, step: Step) -> ApprovalState | None:
    """Return where a step leads; None: it cannot happen there."""
    return TRANSITIONS[state].get(step)
