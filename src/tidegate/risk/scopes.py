"""Limits that hold for one strategy, symbol or sector beside the account's.

They only narrow: the tightest of all that cover an order binds.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import msgspec

from tidegate.risk.limits import RiskLimits
from tidegate.values.instruments import Instrument


class LimitScope(StrEnum):
    """What a scoped limit holds for."""

    STRATEGY = "strategy"
    SYMBOL = "symbol"
    SECTOR = "sector"


OF_AN_ORDER: Final = frozenset(
    {
        "order_notional_attos_max",
        "order_quantity_nanos_max",
        "position_notional_attos_max",
        "position_quantity_nanos_max",
        "concentration_bps_max",
        "spread_bps_max",
        "displayed_size_nanos_min",
        "liquidity_bps_max",
        "collar_bps_max",
        "quote_age_ns_max",
        "symbol_messages_per_minute_max",
        "duplicate_window_ns",
        "entries_per_hour_max",
    }
)  # may be narrowed for anything
OF_A_STRATEGY: Final = frozenset(
    {
        "daily_loss_attos_max",
        "weekly_loss_attos_max",
        "monthly_loss_attos_max",
        "rejects_in_row_max",
        "reject_rate_bps_max",
        "cancel_rate_bps_max",
        "slippage_bps_max",
        "slippage_deviations_max",
        "delay_ns_max",
        "delay_deviations_max",
    }
)
LOSSES: Final = frozenset({"daily_loss_attos_max", "weekly_loss_attos_max", "monthly_loss_attos_max"})
_OF_A_SECTOR: Final = frozenset({"sector_exposure_attos_max"})
MAY_NARROW: Final = {
    LimitScope.STRATEGY: OF_AN_ORDER | OF_A_STRATEGY,
    LimitScope.SYMBOL: OF_AN_ORDER,
    LimitScope.SECTOR: OF_AN_ORDER | _OF_A_SECTOR,
}
LARGER_IS_TIGHTER: Final = frozenset({"displayed_size_nanos_min", "duplicate_window_ns"})


class ScopedLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of one scope, by the names of `RiskLimits`, in its units."""

    scope: LimitScope
    key: str
    limits: dict[str, int]

    def covers(self, strategy_id: str, instrument: Instrument) -> bool:
        """Tell whether an order falls under it."""
        match self.scope:
            case LimitScope.STRATEGY:
                return self.key == strategy_id
            case LimitScope.SYMBOL:
                return self.key == instrument.symbol
            case LimitScope.SECTOR:
                return self.key == instrument.sector


def tighter(name: str, one: int, other: int) -> int:
    """Return the tighter of two values of a limit."""
    return max(one, other) if name in LARGER_IS_TIGHTER else min(one, other)


def narrowed(limits: RiskLimits, scoped: Iterable[ScopedLimits], *, losses: bool = True) -> RiskLimits:
    """Return limits with each value as tight as the tightest scope has it.

    losses False: those of a strategy stay out, since the account's own loss is measured by the account's own.
    """
    changes: dict[str, int] = {}
    for one in scoped:
        for name, value in one.limits.items():
            if losses or name not in LOSSES:
                changes[name] = tighter(name, value, changes.get(name, getattr(limits, name)))
    return msgspec.structs.replace(limits, **changes) if changes else limits
