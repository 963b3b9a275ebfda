"""How long to wait for what, and what to do with the rest of a partly filled order.

Declared data, no code of a strategy.
"""

from typing import Final

import msgspec

from tidegate.values.enums import PartialFillPolicy
from tidegate.values.time import SECOND_NS

LOOKUPS_MISSED_LEAST: Final = 2
LOOKUP_SPACING_LEAST_NS: Final = 5 * SECOND_NS


class OrderPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One strategy's rules for its working orders. 0 as a time: never."""

    entry_life_ns: int = 0  # an entry that has not filled by then is canceled; replacements begin no new life
    follow_ns: int = 0  # a resting entry without a fill is laid beside the market after so long
    follow_bps_max: int = 0  # how far past the first order's limit it may follow
    follows_max: int = 0
    partial_fill: PartialFillPolicy = PartialFillPolicy.KEEP
    partial_after_ns: int = 0  # counted from the first partial fill
    chase_bps_max: int = 0  # how far past the first order's limit a chase may pay
    chases_max: int = 0
    valid_ns: int = 5 * SECOND_NS  # the sender drops a command that is older


class OmsPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The account's rules about orders whose outcome is in doubt.

    Times in ns; fault FT1 asks for 2 lookups 5 s apart.
    """

    answer_ns: int = 10 * SECOND_NS  # without an answer for so long an order is looked up
    lookup_grace_ns: int = 10 * SECOND_NS  # the venue may need so long to show an order
    lookup_spacing_ns: int = 5 * SECOND_NS
    lookups_missed_min: int = 2
    cancel_retry_ns: int = 5 * SECOND_NS
    cancels_refused_max: int = 3  # then the symbol is halted

    def __post_init__(self) -> None:
        """Refuse rules under which a timeout would pass for a failure.

        Raises:
            ValueError: fewer than two lookups, lookups less than 5 s apart, or a wait that is not positive.
        """
        if self.lookups_missed_min < LOOKUPS_MISSED_LEAST or self.lookup_spacing_ns < LOOKUP_SPACING_LEAST_NS:
            raise ValueError("An order is proved absent by 2 or more lookups at least 5 s apart; raise the values.")
        if min(self.answer_ns, self.lookup_grace_ns, self.cancel_retry_ns, self.cancels_refused_max) <= 0:
            raise ValueError("answer_ns, lookup_grace_ns, cancel_retry_ns and cancels_refused_max must be above 0.")


KEEP_PLAN = OrderPlan()
