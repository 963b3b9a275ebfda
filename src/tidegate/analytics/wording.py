"""Numbers as people read them: prices, quantities, money, times, durations. Formats, never computes."""

from datetime import UTC, datetime

from tidegate.values.money import NANOS, nanos_text
from tidegate.values.time import HOUR_NS, MICROSECOND_NS, MILLISECOND_NS, MINUTE_NS, SECOND_NS

NOT_KNOWN = "—"
_DURATIONS = ((SECOND_NS, "s"), (MILLISECOND_NS, "ms"), (MICROSECOND_NS, "µs"))
_PRICE_DECIMALS = 2
_FORMS = {
    "share": "{:.1f} %",
    "percent": "{:.3f} %",
    "bps": "{:.2f}",
    "ratio": "{:.2f}",
    "count": "{:,.0f}",
    "ms": "{:.3g}",
}
_WHOLE_MS = 999.5  # from here on three digits would be told as a power of ten


def price_text(nanos: float) -> str:
    """Return a price in dollars: exact for whole nanos, at least two decimals; averages to four at most."""
    if isinstance(nanos, float) and not nanos.is_integer():
        whole, _, decimals = f"{nanos / NANOS:.4f}".partition(".")
        return f"{whole}.{decimals.rstrip('0'):0<{_PRICE_DECIMALS}}"
    text = nanos_text(int(nanos))
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals:0<{_PRICE_DECIMALS}}"


def quantity_text(nanos: int) -> str:
    """Return a quantity without trailing zeros, thousands apart."""
    whole, dot, decimals = nanos_text(nanos).partition(".")
    return f"{int(whole):,}{dot}{decimals}" if whole != "-0" else f"-0{dot}{decimals}"


def usd_text(amount: float | None) -> str:
    """Return dollars with cents, sign before the dollar sign."""
    if amount is None:
        return NOT_KNOWN
    return f"{'−' if round(amount, 2) < 0 else ''}${abs(amount):,.2f}"


def money_text(exact: str) -> str:
    """Return an exact decimal string of dollars with its sign first and at least two decimals."""
    whole, _, decimals = exact.lstrip("-").partition(".")
    return f"{'−' if exact.startswith('-') else ''}${int(whole):,}.{decimals:0<{_PRICE_DECIMALS}}"


def duration_text(ns: float) -> str:
    """Return a duration in its two most telling parts."""
    if ns >= HOUR_NS:
        return f"{int(ns // HOUR_NS)} h {int(ns % HOUR_NS // MINUTE_NS)} m"
    if ns >= MINUTE_NS:
        return f"{int(ns // MINUTE_NS)} m {int(ns % MINUTE_NS // SECOND_NS)} s"
    for unit_ns, unit in _DURATIONS:
        if ns >= unit_ns:
            return f"{ns / unit_ns:.3g} {unit}"
    return f"{ns:g} ns"


def time_text(ns: int) -> str:
    """Return the UTC time of day to the microsecond."""
    return f"{datetime.fromtimestamp(ns // SECOND_NS, UTC):%H:%M:%S}.{ns % SECOND_NS // MICROSECOND_NS:06d}"


def date_text(ns: int) -> str:
    """Return the UTC day."""
    return f"{datetime.fromtimestamp(ns // SECOND_NS, UTC):%Y-%m-%d}"


def moment_text(ns: int) -> str:
    """Return UTC day and time to the second."""
    return f"{datetime.fromtimestamp(ns // SECOND_NS, UTC):%Y-%m-%d %H:%M:%S} UTC"


def metric_text(value: float | None, unit: str) -> str:
    """Return a metric in its unit; a dash for None."""
    if value is None:
        return NOT_KNOWN
    match unit:
        case "usd":
            return usd_text(value)
        case "s":
            return duration_text(value * SECOND_NS)
        case "ms" if value >= _WHOLE_MS:
            return f"{value:,.0f}"
        case "share":
            value *= 100.0
        case _:
            pass
    return _FORMS[unit].format(value).replace("-", "−")
