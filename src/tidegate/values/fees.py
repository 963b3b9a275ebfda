"""Fees of fills as dated schedules: what is charged on whom, from which day, exactly.

A fee is worked out for each fill in attos and not rounded to cents; only the last atto is rounded, up. Brokers
that post fees at the day's end round each kind up to the cent once a day, so their bill is at most a cent a kind
and day above the sum of these.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple, Self

import msgspec

from tidegate.values.enums import InstrumentKind, Side
from tidegate.values.errors import TidegateError
from tidegate.values.money import ATTOS, NANOS, attos, notional_attos
from tidegate.values.time import HOUR_NS, utc_date

_ROUNDING: Final = (
    "Fees are exact for each fill and not rounded to cents; a broker that rounds each kind up to the cent once a "
    "day charges at most one cent a kind and day more."
)
NEW_YORK_DAY_NS: Final = 5 * HOUR_NS  # 05:00 UTC is 00:00 or 01:00 in New York, when nothing trades


class BadFeeError(TidegateError):
    """A fee rate cannot be used as it is written."""


class FeeRate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of fee from one day until its next rate. Decimals are text, so that no float touches money.

    per_dollar is charged on price x quantity x multiplier, per_unit on each share or contract; cap is per fill.
    """

    name: str
    from_day: str  # ISO day of the schedule's zone
    kinds: tuple[InstrumentKind, ...]
    sides: tuple[Side, ...] = (Side.BUY, Side.SELL)
    per_dollar: str = "0"
    per_unit_usd: str = "0"
    cap_usd: str = ""  # empty: none


class Charge(NamedTuple):
    """A rate in exact integers."""

    name: str
    per_dollar_attos: int  # attos of a dollar for each dollar
    per_unit_attos: int
    cap_attos: int  # -1: none


class FeeSchedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rates of a broker. Before the first listed day of a fee its oldest rate stands, which is an assumption.

    day_offset_ns is taken off a UTC time to find the day whose rates apply.
    """

    name: str
    rates: tuple[FeeRate, ...] = ()
    day_offset_ns: int = 0
    source: str = ""

    @classmethod
    def none(cls) -> Self:
        """Return the schedule that charges nothing."""
        return cls(name="none")

    def day_of(self, ts_ns: int) -> date:
        """Return the day whose rates apply at a time."""
        return utc_date(ts_ns - self.day_offset_ns)

    def charges(self, *, day: date, kind: InstrumentKind, side: Side) -> tuple[Charge, ...]:
        """Return what a fill of this day, kind and side is charged.

        Raises:
            BadFeeError: a rate is negative, finer than 1e-18 or has no ISO day.
        """
        current: dict[str, FeeRate] = {}
        for rate in sorted(self.rates, key=lambda rate: rate.from_day):
            if kind in rate.kinds and (rate.name not in current or _iso(rate) <= day):
                current[rate.name] = rate
        return tuple(_charge(rate) for rate in current.values() if side in rate.sides)

    def assumptions(self, first: date) -> tuple[str, ...]:
        """Return what is taken for granted about fees by a run that begins on a day, one sentence each."""
        if not self.rates:
            return ("No fees are charged.",)
        lines = [
            f"Fees are those of {self.name}{f' ({self.source})' if self.source else ''}.",
            _ROUNDING,
        ]
        oldest: dict[tuple[str, tuple[InstrumentKind, ...]], FeeRate] = {}
        for rate in sorted(self.rates, key=lambda rate: rate.from_day):
            oldest.setdefault((rate.name, rate.kinds), rate)
        lines += [
            f"{rate.name}: the oldest listed rate, of {rate.from_day}, is also used for the days before it."
            for rate in oldest.values()
            if _iso(rate) > first
        ]
        return tuple(lines)


class Fill(NamedTuple):
    """What of a fill its fees depend on."""

    kind: InstrumentKind
    side: Side
    price_nanos: int
    quantity_nanos: int
    multiplier: int
    ts_ns: int


class FeeTable:
    """Looks fees up for one fill after another; remembers the charges of a day."""

    def __init__(self, schedule: FeeSchedule) -> None:
        self._schedule = schedule
        self._free = not schedule.rates
        self._charges: dict[tuple[int, InstrumentKind, Side], tuple[Charge, ...]] = {}

    def parts(self, fill: Fill) -> tuple[tuple[str, int], ...]:
        """Return each fee of a fill by name, in attos.

        Raises:
            BadFeeError: a rate of the schedule cannot be used.
        """
        if self._free:
            return ()
        return tuple((charge.name, fee_attos(charge, fill)) for charge in self._charges_of(fill))

    def total(self, fill: Fill) -> int:
        """Return all fees of a fill in attos.

        Raises:
            BadFeeError: a rate of the schedule cannot be used.
        """
        if self._free:
            return 0
        return sum(fee_attos(charge, fill) for charge in self._charges_of(fill))

    def _charges_of(self, fill: Fill) -> Sequence[Charge]:
        day = (fill.ts_ns - self._schedule.day_offset_ns) // (24 * HOUR_NS)
        key = (day, fill.kind, fill.side)
        found = self._charges.get(key)
        if found is None:
            found = self._charges[key] = self._schedule.charges(day=self._schedule.day_of(fill.ts_ns), kind=fill.kind, side=fill.side)
        return found


def fee_attos(charge: Charge, fill: Fill) -> int:
    """Return one fee of a fill in attos, the last atto rounded up."""
    notional = notional_attos(fill.price_nanos, fill.quantity_nanos, fill.multiplier)
    fee = -(-notional * charge.per_dollar_attos // ATTOS) - (-fill.quantity_nanos * charge.per_unit_attos // NANOS)
    return fee if charge.cap_attos < 0 else min(fee, charge.cap_attos)


def _iso(rate: FeeRate) -> date:
    try:
        return date.fromisoformat(rate.from_day)
    except ValueError:
        raise BadFeeError(f"{rate.name}: from_day {rate.from_day!r} is not a day; write it as 2025-01-31.") from None


def _charge(rate: FeeRate) -> Charge:
    charge = Charge(
        rate.name,
        attos(rate.per_dollar),
        attos(rate.per_unit_usd),
        attos(rate.cap_usd) if rate.cap_usd else -1,
    )
    if min(charge.per_dollar_attos, charge.per_unit_attos) < 0 or charge.cap_attos < -1:
        raise BadFeeError(f"{rate.name} from {rate.from_day}: a fee and its cap cannot be negative.")
    return charge


_STOCK: Final = (InstrumentKind.STOCK,)
_OPTION: Final = (InstrumentKind.OPTION,)
_BOTH: Final = (InstrumentKind.STOCK, InstrumentKind.OPTION)
_SELL: Final = (Side.SELL,)

ALPACA_FEES: Final = FeeSchedule(
    name="Alpaca",
    source="Alpaca's fee page and FINRA's and the SEC's rates as known in 2026; no commission",
    day_offset_ns=NEW_YORK_DAY_NS,
    rates=(
        FeeRate(name="SEC", from_day="2025-01-01", kinds=_BOTH, sides=_SELL, per_dollar="0.0000278"),
        FeeRate(name="SEC", from_day="2025-05-14", kinds=_BOTH, sides=_SELL, per_dollar="0"),
        FeeRate(name="SEC", from_day="2026-04-04", kinds=_BOTH, sides=_SELL, per_dollar="0.0000206"),
        FeeRate(
            name="TAF",
            from_day="2025-01-01",
            kinds=_STOCK,
            sides=_SELL,
            per_unit_usd="0.000166",
            cap_usd="8.30",
        ),
        # The cap of 2026 is not known to us, so none is applied: never less than what is really charged.
        FeeRate(name="TAF", from_day="2026-01-01", kinds=_STOCK, sides=_SELL, per_unit_usd="0.000195"),
        FeeRate(name="TAF", from_day="2025-01-01", kinds=_OPTION, sides=_SELL, per_unit_usd="0.00279"),
        FeeRate(name="ORF", from_day="2025-01-01", kinds=_OPTION, per_unit_usd="0.02685"),
        FeeRate(name="OCC", from_day="2025-01-01", kinds=_OPTION, per_unit_usd="0.02", cap_usd="55"),
        FeeRate(name="CAT", from_day="2025-01-01", kinds=_STOCK, per_unit_usd="0.0000265"),
        FeeRate(name="CAT", from_day="2025-01-01", kinds=_OPTION, per_unit_usd="0.00265"),  # a contract is 100 shares
    ),
)
