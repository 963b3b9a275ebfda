"""Human units into the engine's: half-lives into weights, durations into nanoseconds, decimals into exact integers."""

import math

from tidegate.config.model import ApprovalSection, Config, FeatureSection, MarketSection, OrdersSection, RegimeSection
from tidegate.config.units import HALF_LIVES, duration_ns
from tidegate.engine.spec import FeatureSettings, MarketSettings, RegimeSettings
from tidegate.oms.plans import OmsPolicy
from tidegate.portfolio.valuation import MICRO
from tidegate.risk.approval_rules import MICROS_MAX, ApprovalRule
from tidegate.values.enums import Side
from tidegate.values.fees import ALPACA_FEES, FeeSchedule
from tidegate.values.money import attos, nanos
from tidegate.values.time import SECOND_NS

_FEES = {"alpaca": ALPACA_FEES, "none": FeeSchedule.none()}


def half_life_weight(samples: float) -> float:
    """Return the weight of a new sample with which an old one has half its weight after so many."""
    return -math.expm1(-math.log(2.0) / samples)


def market_settings(section: MarketSection) -> MarketSettings:
    """Return the data-quality thresholds."""
    return MarketSettings(
        wide_bps=section.wide_bps,
        spike_bps=section.spike_bps,
        spikes_max=section.spikes_max,
        gap_ns=duration_ns(section.gap),
        future_ns=duration_ns(section.future),
        stale_ns=duration_ns(section.stale),
    )


def feature_settings(section: FeatureSection) -> FeatureSettings:
    """Return the weights of the rolling numbers; those of second bars take their half-life in seconds."""
    weights = {name: half_life_weight(duration_ns(str(getattr(section, name))) / SECOND_NS) for name in HALF_LIVES}
    return FeatureSettings(
        ema_fast_weight=weights["ema_fast"],
        ema_slow_weight=weights["ema_slow"],
        variance_short_weight=weights["volatility_short"],
        variance_long_weight=weights["volatility_long"],
        trend_weight=weights["trend"],
        atr_weight=1.0 / section.atr_minutes,  # Wilder's smoothing
        spread_weight=half_life_weight(section.spread_quotes),
        volume_short_weight=weights["volume_short"],
        volume_long_weight=weights["volume_long"],
        range_minutes=section.range_minutes,
        warm_seconds_min=section.warm_seconds,
        warm_minutes_min=section.warm_minutes,
        shock_volume=section.shock_volume,
        shock_ns=duration_ns(section.shock),
    )


def regime_settings(section: RegimeSection) -> RegimeSettings:
    """Return the thresholds of the labels."""
    return RegimeSettings(
        expansion_enter=section.expansion_enter,
        expansion_leave=section.expansion_leave,
        trend_enter=section.trend_enter,
        trend_leave=section.trend_leave,
        spread_enter=section.spread_enter,
        spread_leave=section.spread_leave,
        confirmations_min=section.confirmations_min,
        breadth_enter=section.breadth_enter,
        breadth_leave=section.breadth_leave,
        readable_min=section.readable_min,
        evaluate_ns=duration_ns(section.evaluate),
    )


def oms_policy(section: OrdersSection) -> OmsPolicy:
    """Return the rules about orders in doubt.

    Raises:
        ValueError: under them a timeout would pass for a failure.
    """
    return OmsPolicy(
        answer_ns=duration_ns(section.answer),
        lookup_grace_ns=duration_ns(section.lookup_grace),
        lookup_spacing_ns=duration_ns(section.lookup_spacing),
        lookups_missed_min=section.lookups_missed_min,
        cancel_retry_ns=duration_ns(section.cancel_retry),
        cancels_refused_max=section.cancels_refused_max,
    )


def fee_schedule(config: Config) -> FeeSchedule:
    """Return the schedule that the configuration names."""
    return _FEES[config.simulator.fees]


def approval_rules(sections: tuple[ApprovalSection, ...]) -> tuple[ApprovalRule, ...]:
    """Return the rules about what a person has to approve; worth is rounded down, so that a rule asks rather too often.

    Raises:
        ValueError: a number below 0, or larger than a message can carry.
    """
    return tuple(_approval_rule(section) for section in sections)


def _approval_rule(section: ApprovalSection) -> ApprovalRule:
    quantity = None if section.quantity_above is None else nanos(section.quantity_above)
    worth = None if section.notional_usd_above is None else attos(section.notional_usd_above) // MICRO
    if min(quantity or 0, worth or 0) < 0 or max(quantity or 0, worth or 0) > MICROS_MAX:
        raise ValueError(f"rule {section.name!r} has a number below 0 or above what is counted")
    return ApprovalRule(
        name=section.name,
        sentence=section.sentence,
        strategy_id=section.strategy,
        symbol=section.symbol,
        side=Side(section.side) if section.side else None,
        quantity_nanos_above=quantity,
        notional_micros_above=worth,
    )
