"""What can be done to a trader, and in which stage it trades: the words of the table of permissions."""

from enum import StrEnum
from typing import Final

from tidegate.values.enums import RequestVerb


class TradingStage(StrEnum):
    """How far from real money a trader is; the words are those of `--mode`."""

    DRY_RUN = "dry-run"
    SHADOW = "shadow"
    PAPER = "paper"
    SMALL_LIVE = "small-live"
    LIVE = "live"


REAL_MONEY: Final = frozenset({TradingStage.SMALL_LIVE, TradingStage.LIVE})
REHEARSAL: Final = frozenset(TradingStage) - REAL_MONEY


class Action(StrEnum):
    """Everything that is asked about. What is not in this list cannot be permitted."""

    READ = "read"
    KILL = "kill"
    PAUSE = "pause"
    DISABLE = "disable"
    CANCEL = "cancel"
    FLATTEN = "flatten"
    RESUME = "resume"
    ENABLE = "enable"
    PROPOSE = "propose"  # ask for an order or a change that somebody else decides on
    APPROVE = "approve"  # decide on what somebody else has asked for
    STAGE_CONFIG = "stage_config"
    PROMOTE_CONFIG = "promote_config"
    TIGHTEN_LIMITS = "tighten_limits"
    LOOSEN_LIMITS = "loosen_limits"
    MANAGE_USERS = "manage_users"
    ROTATE_KEYS = "rotate_keys"


def action_of(verb: RequestVerb) -> Action:
    """Return the action that a request's verb is."""
    return Action(verb.value)
