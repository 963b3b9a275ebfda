"""The life of a command on its way out. This table is the machine; `outbox` moves commands by it alone.

    DECIDED ─ recorded ─► DURABLE ─ let go ─► SENT ─► ANSWERED | DECLINED | UNSURE
        └────── dropped: late, gated, no lease, no disk ──────► NOT_SENT ◄── the edge proved that no byte left

Nothing leads from SENT back to DURABLE: what was sent once is never sent again, whatever comes back. UNSURE is left by the
venue's word, or by enough complete lookups without it.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from tidegate.values.errors import ExitCode, TidegateError


class Stage(StrEnum):
    """Where a command stands."""

    DECIDED = "decided"  # given by the engine; nothing of it is durable yet
    DURABLE = "durable"  # log and ledger have it; for cancels and lookups nothing need be
    SENT = "sent"  # its bytes were let go
    ANSWERED = "answered"
    DECLINED = "declined"
    ABSENT = "absent"  # complete lookups past the venue's grace did not find it
    UNSURE = "unsure"  # sent, and no answer that says anything
    NOT_SENT = "not_sent"  # dropped, or proved that nothing left


class Happening(StrEnum):
    """What can happen to a command here."""

    RECORDED = "recorded"
    LET_GO = "let_go"
    DROPPED = "dropped"
    ANSWER = "answer"
    REFUSAL = "refusal"
    NO_ANSWER = "no_answer"
    NOT_LEFT = "not_left"
    NOT_FOUND = "not_found"


class WrongStageError(TidegateError):
    """A command was to be moved against the table: a bug of ours. Nothing was sent; stop and report it."""

    exit_code = ExitCode.REFUSED


STAGES: Final[Mapping[Stage, Mapping[Happening, Stage]]] = {
    Stage.DECIDED: {Happening.RECORDED: Stage.DURABLE, Happening.DROPPED: Stage.NOT_SENT},
    Stage.DURABLE: {Happening.LET_GO: Stage.SENT, Happening.DROPPED: Stage.NOT_SENT},
    Stage.SENT: {
        Happening.ANSWER: Stage.ANSWERED,
        Happening.REFUSAL: Stage.DECLINED,
        Happening.NO_ANSWER: Stage.UNSURE,
        Happening.NOT_LEFT: Stage.NOT_SENT,
    },
    Stage.UNSURE: {
        Happening.ANSWER: Stage.ANSWERED,  # the answer came after we had stopped waiting
        Happening.REFUSAL: Stage.DECLINED,
        Happening.NO_ANSWER: Stage.UNSURE,
        Happening.NOT_LEFT: Stage.NOT_SENT,
        Happening.NOT_FOUND: Stage.ABSENT,
    },
    Stage.ABSENT: {},
    Stage.ANSWERED: {},
    Stage.DECLINED: {},
    Stage.NOT_SENT: {},
}

FINISHED: Final = frozenset({Stage.ANSWERED, Stage.DECLINED, Stage.NOT_SENT, Stage.ABSENT})


def next_stage(stage: Stage, happening: Happening) -> Stage:
    """Return the stage after something happened.

    Raises:
        WrongStageError: no row allows it.
    """
    try:
        return STAGES[stage][happening]
    except KeyError:
        raise WrongStageError(f"A command that is {stage.value} cannot be {happening.value}; nothing was sent.") from None
