"""The ladder a version of a configuration climbs, and which rung a mode asks for. Only people move one up; anything may move one down."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Stage(StrEnum):
    """How far a version, or one strategy's permission to trade, has come."""

    SHADOW = "shadow"  # where everything begins: nothing is sent
    PAPER = "paper"
    SMALL_LIVE = "small_live"
    LIVE = "live"


class Step(StrEnum):
    """What moved, or would move, something on the ladder."""

    ADDED = "added"  # a version became known, at shadow
    INHERITED = "inherited"  # it lets nothing happen that its parent does not
    REQUESTED = "requested"  # somebody asks for a promotion that a second person has to approve; nothing moves
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"  # an old version was put in force again
    DEMOTED = "demoted"  # by a rule
    RAN = "ran"  # a trader started with it; nothing moves


LADDER: Final = tuple(Stage)
REAL_MONEY: Final = frozenset({Stage.SMALL_LIVE, Stage.LIVE})
SMALL_LIVE_MODE: Final = "small-live"
# Modes that are not here ask for no stage: they are how one is earned.
STAGE_OF_MODE: Final[Mapping[str, Stage]] = {SMALL_LIVE_MODE: Stage.SMALL_LIVE, "live": Stage.LIVE}
# In which modes the sessions ran that count for a move to a stage.
EVIDENCE_MODES: Final[Mapping[Stage, frozenset[str]]] = {
    Stage.PAPER: frozenset({"dry-run", "shadow", "paper"}),
    Stage.SMALL_LIVE: frozenset({"paper"}),
    Stage.LIVE: frozenset({SMALL_LIVE_MODE}),
}


def rung(stage: Stage) -> int:
    """Return how high a stage is; shadow is 0."""
    return LADDER.index(stage)


def below(stage: Stage) -> Stage:
    """Return the stage one down; of the lowest, itself."""
    return LADDER[max(0, rung(stage) - 1)]


def lower(one: Stage, other: Stage) -> Stage:
    """Return the lower of two stages."""
    return min(one, other, key=rung)
