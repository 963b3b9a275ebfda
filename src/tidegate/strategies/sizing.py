"""Quantity from risk: how much may be lost, over how far the stop is, scaled down by volatility and displayed size.

Rows A3.1-A3.3. Exact ints: a number of the rule is taken to nine decimals; volatility alone scales by a float.
"""

from typing import Final

from tidegate.strategies.plan import SizingMethod, SizingRule
from tidegate.values.instruments import Instrument
from tidegate.values.money import ATTOS, NANOS, nanos_text

_FIXED: Final = SizingMethod.FIXED  # a member of an enum is looked up slowly before Python 3.12


def entry_quantity(
    rule: SizingRule,
    instrument: Instrument,
    *,
    price_nanos: int,
    stop_distance_nanos: int,
    equity_attos: int | None,
    market: tuple[int, float],
) -> tuple[int, str]:
    """Return the quantity in nanos, whole lots, and one sentence that says how it came about; 0 when nothing fits.

    `market` is (displayed size in nanos at the price the order takes, short volatility per square root of a second).
    """
    displayed_nanos, volatility = market
    if rule.method is _FIXED:
        quantity, words = rule.fixed_quantity_nanos, "fixed size"
    else:
        if equity_attos is None or equity_attos <= 0:
            return 0, "equity cannot be valued, so nothing can be risked"
        if stop_distance_nanos <= 0:
            return 0, "the stop distance is not known, so the risk of a share is not known"
        risk_attos = equity_attos * round(rule.risk_bps * NANOS) // (10_000 * NANOS)
        quantity = risk_attos // (stop_distance_nanos * instrument.multiplier)
        cents = risk_attos * 100 // ATTOS
        risk = f"${cents // 100}.{cents % 100:02d}"
        words = f"{rule.risk_bps:g} bps of equity {risk} over a stop of ${nanos_text(stop_distance_nanos)}"
        if rule.volatility_target and volatility > rule.volatility_target:
            quantity = int(quantity * rule.volatility_target / volatility)
            words += f", scaled by volatility x{rule.volatility_target / volatility:.2f}"
    cap = round(rule.notional_usd_max * NANOS) * NANOS // max(price_nanos * instrument.multiplier, 1)
    if quantity > cap:
        quantity = cap
        words += f", capped at ${rule.notional_usd_max:g}"
    if rule.displayed_share:
        shown = int(displayed_nanos * rule.displayed_share)
        if quantity > shown:
            quantity = shown
            words += f", capped at {rule.displayed_share:g} of the displayed size"
    return instrument.floor_quantity(quantity), words
