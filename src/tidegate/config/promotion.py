"""What a version must have shown to move up, against what was measured. Pure: who measures is `analytics.promotion`.

What was not measured is not met: nothing seen is never as good as nothing wrong.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from tidegate.config.errors import ConfigError
from tidegate.config.model import Config, PromotionSection, QuietCriteria, TradingCriteria
from tidegate.config.stages import Stage

REFERENCE: Final = "what the simulated venue fills the same orders at, in the market that the log has"
UNKNOWN: Final = "not measured"
_WHOLE: Final = 10_000


class StrategyMeasured(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one strategy did in the sessions that count.

    orders_compared: of the filled ones, those that the simulator fills too; slippage_bps: decimal text, empty where too few are.
    """

    strategy_id: str
    days_decided: int = 0
    days_filled: int = 0
    decisions: int = 0
    orders: int = 0
    rejected: int = 0
    fills: int = 0
    orders_filled: int = 0
    orders_compared: int = 0
    slippage_bps: str = ""


class Measured(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What golden logs show of one version. drawdown_bps None: the account was never valued."""

    version_sha256: str
    sessions: tuple[str, ...]
    modes: tuple[str, ...]
    strategies: tuple[StrategyMeasured, ...]
    drift_findings: int
    trips: int
    drawdown_bps: int | None
    slippage_against: str = REFERENCE


class Criterion(NamedTuple):
    """One criterion: what is asked, what was measured, of which strategy (empty: of the account), and whether it holds."""

    name: str
    required: str
    measured: str
    strategy_id: str
    met: bool


def criteria_of(config: Config, stage: Stage) -> QuietCriteria | TradingCriteria:
    """Return what a configuration asks for a stage.

    Raises:
        ConfigError: it says nothing of promotion, so it cannot be promoted.
    """
    if not isinstance(config.promotion, PromotionSection):
        raise ConfigError("This version cannot be promoted: it says nothing under promotion; add what it has to show, as a new version.")
    sections: dict[Stage, QuietCriteria | TradingCriteria] = {
        Stage.PAPER: config.promotion.paper,
        Stage.SMALL_LIVE: config.promotion.small_live,
        Stage.LIVE: config.promotion.live,
    }
    return sections[stage]


def judged(criteria: QuietCriteria | TradingCriteria, measured: Measured, strategies: Sequence[str]) -> tuple[Criterion, ...]:
    """Return every criterion with what was measured. Of several strategies the one that is furthest from it counts.

    Args:
        criteria: what is asked.
        measured: what the logs show.
        strategies: the ids of those that are to move; one that the logs do not know has done nothing.
    """
    known = {part.strategy_id: part for part in measured.strategies}
    parts = [known.get(name, StrategyMeasured(strategy_id=name)) for name in strategies]
    found = _quiet(criteria, parts) if isinstance(criteria, QuietCriteria) else _trading(criteria, parts, measured)
    return (
        *found,
        _at_most("drift_findings_max", criteria.drift_findings_max, measured.drift_findings if measured.sessions else None),
        _at_most("trips_max", criteria.trips_max, measured.trips if measured.sessions else None),
    )


def unmet(criteria: Sequence[Criterion]) -> tuple[Criterion, ...]:
    """Return those that do not hold."""
    return tuple(one for one in criteria if not one.met)


def reject_rate_bps(rejected: int, orders: int) -> int | None:
    """Return rejected orders as a share of all, rounded up; None without any."""
    return -(-rejected * _WHOLE // orders) if orders else None


def _quiet(criteria: QuietCriteria, parts: Sequence[StrategyMeasured]) -> Iterator[Criterion]:
    yield _least("trading_days_min", criteria.trading_days_min, [(part.days_decided, part.strategy_id) for part in parts])
    yield _least("decisions_min", criteria.decisions_min, [(part.decisions, part.strategy_id) for part in parts])


def _trading(criteria: TradingCriteria, parts: Sequence[StrategyMeasured], measured: Measured) -> Iterator[Criterion]:
    yield _least("trading_days_min", criteria.trading_days_min, [(part.days_filled, part.strategy_id) for part in parts])
    yield _least("fills_min", criteria.fills_min, [(part.fills, part.strategy_id) for part in parts])
    yield _least("orders_min", criteria.orders_min, [(part.orders, part.strategy_id) for part in parts])
    rates = [(reject_rate_bps(part.rejected, part.orders), part.strategy_id) for part in parts]
    yield _worst("reject_rate_bps_max", criteria.reject_rate_bps_max, rates)
    slips = [(Decimal(part.slippage_bps) if part.slippage_bps else None, part.strategy_id) for part in parts]
    yield _worst("slippage_bps_max", criteria.slippage_bps_max, slips)
    yield _at_most("drawdown_bps_max", criteria.drawdown_bps_max, measured.drawdown_bps)


def _least(name: str, required: int, values: Sequence[tuple[int, str]]) -> Criterion:
    if not values:
        return Criterion(name, f"at least {required}", UNKNOWN, "", met=False)
    value, strategy_id = min(values)
    return Criterion(name, f"at least {required}", str(value), strategy_id, met=value >= required)


def _worst(name: str, required: int | Decimal, values: Sequence[tuple[int | Decimal | None, str]]) -> Criterion:
    """Return the criterion for the strategy with the largest value; one that was not measured is worse than any."""
    blind = [strategy_id for value, strategy_id in values if value is None]
    seen = [(value, strategy_id) for value, strategy_id in values if value is not None]
    if blind or not seen:
        return Criterion(name, f"at most {required}", UNKNOWN, blind[0] if blind else "", met=False)
    value, strategy_id = max(seen)
    return Criterion(name, f"at most {required}", str(value), strategy_id, met=value <= required)


def _at_most(name: str, required: int, value: int | None) -> Criterion:
    return Criterion(name, f"at most {required}", UNKNOWN if value is None else str(value), "", met=value is not None and value <= required)
