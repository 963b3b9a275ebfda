"""Rows of the regime layer: one label per symbol, one per market group, and the thresholds."""

from typing import Final

from tidegate.kernel.layout import row
from tidegate.values.enums import Regime

UNTRADEABLE: Final = int(Regime.UNTRADEABLE)
CHOP: Final = int(Regime.CHOP)
TREND: Final = int(Regime.TREND)
VOL_EXPANSION: Final = int(Regime.VOL_EXPANSION)
LABELS: Final = 4

# Why a label is what it is.
WHY_BLIND: Final = 1  # features are not warm, or nothing was seen
WHY_HALTED: Final = 2
WHY_STALE: Final = 3
WHY_NEWSY: Final = 4  # news, a listed event, or a gap or volume shock not long ago
WHY_FEED: Final = 5
WHY_VOLATILITY: Final = 6  # short over long volatility
WHY_DIRECTION: Final = 7
WHY_QUIET: Final = 8
WHY_BREADTH: Final = 9
WHY_SPREAD: Final = 10  # the spread is abnormal for this symbol

WHY_NAMES: Final = {
    0: "not classified yet",
    WHY_BLIND: "features are not warm",
    WHY_HALTED: "halted",
    WHY_STALE: "stale",
    WHY_NEWSY: "newsy: news, a listed event, a gap or a volume shock not long ago",
    WHY_FEED: "feed down",
    WHY_VOLATILITY: "short volatility far above long",
    WHY_DIRECTION: "returns point one way",
    WHY_QUIET: "neither volatile nor directed",
    WHY_BREADTH: "too few members of the group can be read",
    WHY_SPREAD: "spread far above its mean",
}

REGIME = row(
    [
        ("label", "<i8"),
        ("market_label", "<i8"),  # of the symbol's group at its last evaluation; CHOP where it has no group
        ("candidate", "<i8"),  # label waiting for its confirmations
        ("confirmations", "<i8"),
        ("since_ns", "<i8"),
        ("why", "<i8"),
        ("direction", "<f8"),  # of the symbol's trend: -1, 0, +1
        ("breadth", "<f8"),  # share of readable group members in a trend, signed by direction
    ]
)

GROUP = row(
    [
        ("index_symbol", "<i8"),  # -1: breadth alone
        ("label", "<i8"),
        ("candidate", "<i8"),
        ("confirmations", "<i8"),
        ("since_ns", "<i8"),
        ("why", "<i8"),
        ("readable", "<i8"),  # members whose label could be read at the last evaluation
        ("members", "<i8"),
        ("trending", "<f8"),  # shares of readable members
        ("expanding", "<f8"),
        ("breadth", "<f8"),  # signed share of trending members
    ]
)

SETTINGS_FIELDS: Final[list[tuple[object, ...]]] = [
    ("expansion_enter", "<f8"),  # short / long volatility
    ("expansion_leave", "<f8"),
    ("trend_enter", "<f8"),  # trend strength
    ("trend_leave", "<f8"),
    ("spread_enter", "<f8"),  # spread anomaly, in deviations
    ("spread_leave", "<f8"),
    ("confirmations_min", "<i8"),  # evaluations in a row that a new label must hold
    ("breadth_enter", "<f8"),  # share of members
    ("breadth_leave", "<f8"),
    ("readable_min", "<f8"),  # share of members that must be readable
    ("evaluate_ns", "<i8"),  # how often groups are evaluated
]
