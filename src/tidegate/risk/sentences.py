"""Verdicts in words, with numbers and units.

Built for refusals and on request, never on the way of an approved order.
"""

from typing import Final

from tidegate.events.acts import CheckResult
from tidegate.market.rows import QUALITY_NAMES
from tidegate.portfolio.valuation import MICRO
from tidegate.risk.checks import BY_NAME, Unit
from tidegate.risk.limits import BPS
from tidegate.risk.market_checks import CODE_BASE, SCOPES, STATES
from tidegate.risk.wording import WORDING
from tidegate.values.enums import Regime
from tidegate.values.money import attos_text, nanos_text
from tidegate.values.time import iso_utc

_DURATIONS: Final = (
    (3_600_000_000_000, "h"),
    (60_000_000_000, "min"),
    (1_000_000_000, "s"),
    (1_000_000, "ms"),
    (1_000, "us"),
)


def sentence_of(result: CheckResult) -> str:
    """Return one check's result in words: held, failed with its numbers, or not seen."""
    name, passed, limit, observed = result
    check = BY_NAME[name]
    words = WORDING[name]
    if not passed and observed is None:
        return f"it cannot be seen: {words.what}"
    template = words.holds if passed else words.fails
    return template.format(limit=number(limit, check.unit), observed=number(observed, check.unit))


def number(value: int | None, unit: Unit) -> str:
    """Return a limit or observed value with its unit; None reads as nothing known."""
    if value is None:
        return "nothing"
    match unit:
        case Unit.USD:
            words = "$" + attos_text(value * MICRO)
        case Unit.QUANTITY | Unit.PRICE:
            words = nanos_text(value)
        case Unit.BPS:
            words = f"{value} bps" if value < BPS else f"{value / BPS * 100:g}%"
        case Unit.DURATION:
            words = duration(value)
        case Unit.TIME:
            words = iso_utc(value)
        case _:
            words = _coded(value, unit)
    return words


def duration(ns: int) -> str:
    """Return a time span in its largest fitting unit, to three decimals."""
    for size, name in _DURATIONS:
        if abs(ns) >= size:
            return f"{ns / size:.3f}".rstrip("0").rstrip(".") + f" {name}"
    return f"{ns} ns"


def _coded(value: int, unit: Unit) -> str:
    if unit is Unit.GATE:
        strictness, scope = divmod(value, CODE_BASE)
        return f"{STATES[strictness].value} by {SCOPES[scope].value}"
    if unit is Unit.REGIME:
        symbol, market = divmod(value, CODE_BASE)
        return f"{Regime(symbol).name} / {Regime(market).name}"
    if unit is Unit.QUALITY:
        return ", ".join([word for bit, word in QUALITY_NAMES.items() if value & bit])
    return str(value)
