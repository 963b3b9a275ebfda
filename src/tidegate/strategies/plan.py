"""A strategy's rules as declared data: entry, exits, sizing, re-entry, partial fills, subscriptions, when it does nothing.

Rules that a machine can enforce are here rather than in code, so that they can be shown, hashed and checked before a strategy trades.
"""

from collections.abc import Iterator
from enum import StrEnum
from math import inf
from typing import Final

import msgspec

from tidegate.values.enums import PartialFillPolicy, TimeInForce
from tidegate.values.errors import TidegateError
from tidegate.values.money import NANOS
from tidegate.values.time import MILLISECOND_NS, SECOND_NS

RETRY_NS_MIN = MILLISECOND_NS  # sooner, a failing exit would fill the time with ticks
TIMER_NS_MIN = MILLISECOND_NS  # likewise a timer


class BadPlanError(TidegateError):
    """A plan contradicts itself or leaves a position without an end."""


class DistanceUnit(StrEnum):
    """What a distance is measured in."""

    ATR = "atr"  # average true ranges of minute bars
    BPS = "bps"  # of the reference price
    PRICE = "price"  # dollars


# Members of an enum are looked up slowly before Python 3.12.
_BPS: Final = DistanceUnit.BPS
_PRICE: Final = DistanceUnit.PRICE


class Distance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A distance from a price, as a rule."""

    unit: DistanceUnit
    value: float

    def nanos(self, *, price_nanos: int, atr: float) -> int:
        """Return the distance in nanos at a price; 0 when the ATR it rests on is not known yet."""
        if self.unit is _PRICE:
            return round(self.value * NANOS)
        if self.unit is _BPS:
            return price_nanos * round(self.value * NANOS) // (10_000 * NANOS)
        return round(self.value * atr * NANOS)


def atr(value: float) -> Distance:
    """Return a distance in average true ranges."""
    return Distance(unit=DistanceUnit.ATR, value=value)


def bps(value: float) -> Distance:
    """Return a distance in basis points of the reference price."""
    return Distance(unit=DistanceUnit.BPS, value=value)


def dollars(value: float) -> Distance:
    """Return a distance in dollars."""
    return Distance(unit=DistanceUnit.PRICE, value=value)


class EntryStyle(StrEnum):
    """How an entry meets the market."""

    MARKETABLE_LIMIT = "marketable_limit"  # crosses the spread, at most `slippage` beyond it
    PASSIVE_LIMIT = "passive_limit"  # joins the near side and waits
    MARKET = "market"


class EntryRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an entry is sent. `live_for_ns` cancels what still rests then; 0: as long as its time in force.

    sliced: an entry above the caps on one order is cut into orders within them; otherwise it is refused.
    """

    style: EntryStyle = EntryStyle.MARKETABLE_LIMIT
    slippage: Distance = Distance(unit=DistanceUnit.BPS, value=5.0)
    time_in_force: TimeInForce = TimeInForce.IOC
    live_for_ns: int = 0
    sliced: bool = False


class ExitAt(StrEnum):
    """Where a position's stop waits for its price."""

    ENGINE = "engine"  # here: it costs no order, and nobody watches it while nothing of ours is alive
    VENUE = "venue"  # a stop order rests at the venue for each position; the engine's own levels go on beside it


class ExitRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a position ends. Distances are frozen when the entry is decided and counted from its fill price.

    An exit that does not fill is tried again after `retry_ns`; after `failures_max` in a row the symbol is halted.
    """

    exit_at: ExitAt = ExitAt.ENGINE
    stop: Distance | None = None
    take: Distance | None = None
    trail: Distance | None = None
    time_stop_ns: int = 0
    spread_kill_bps: float = 0.0
    slippage: Distance = Distance(unit=DistanceUnit.BPS, value=20.0)
    retry_ns: int = SECOND_NS
    failures_max: int = 5


class SizingMethod(StrEnum):
    """Where the quantity comes from."""

    RISK = "risk"  # equity x risk_bps, divided by the stop distance
    FIXED = "fixed"


class SizingRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How large an entry is. `decide` may name its own quantity instead; the gate judges it all the same.

    volatility_target scales down (never up) where short volatility, per square root of a second, is above it; 0: no scaling.
    displayed_share caps by the size shown at the price the order would take; 0: no cap.
    """

    method: SizingMethod = SizingMethod.RISK
    risk_bps: float = 10.0
    fixed_quantity_nanos: int = 0
    volatility_target: float = 0.0
    displayed_share: float = 1.0
    notional_usd_max: float = 10_000.0


class ReentryRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the pair may enter again: after a closed position, after a losing one, after a refusal or an unfilled entry."""

    cooldown_ns: int = 0
    loss_cooldown_ns: int = 0
    refusal_cooldown_ns: int = SECOND_NS


class PartialFillRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The policy, and how long after the first fill it acts."""

    policy: PartialFillPolicy = PartialFillPolicy.KEEP
    after_ns: int = SECOND_NS
    chase_bps_max: int = 0  # how far past the first order's limit a chase may pay
    chases_max: int = 0


class Subscription(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What wakes `decide` besides the trigger."""

    quotes: bool = False
    second_bars: bool = False
    minute_bars: bool = False
    timer_ns: int = 0


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All declared rules of one strategy for one set of parameters. `signal` and `do_nothing` say in words what the code does."""

    signal: str
    exits: ExitRule
    entry: EntryRule = EntryRule()
    sizing: SizingRule = SizingRule()
    reentry: ReentryRule = ReentryRule()
    partial_fill: PartialFillRule = PartialFillRule()
    subscribe: Subscription = Subscription()
    do_nothing: tuple[str, ...] = ()

    def check(self) -> None:
        """Refuse a plan that cannot work.

        Raises:
            BadPlanError: sized by risk without a stop, a fixed size of nothing, a number that is negative or not finite, exits that
                are retried without a pause, a timer that never rests, or a stop at the venue that is none.
        """
        if self.exits.exit_at is ExitAt.VENUE and self.exits.stop is None:
            raise BadPlanError("A plan whose exits.exit_at is venue needs exits.stop: that is what rests there.")
        if self.sizing.method is SizingMethod.RISK and self.exits.stop is None:
            raise BadPlanError("A plan sized by risk needs exits.stop: the risk is the distance to it.")
        if self.sizing.method is SizingMethod.FIXED and self.sizing.fixed_quantity_nanos <= 0:
            raise BadPlanError("A plan of fixed size needs sizing.fixed_quantity_nanos above 0.")
        self._check_numbers()

    def _check_numbers(self) -> None:
        for path, value in _numbers(self, ""):
            if not 0 <= value < inf:
                raise BadPlanError(f"{path} is {value}; numbers of a plan are finite, and not negative.")
        if self.exits.retry_ns < RETRY_NS_MIN:
            raise BadPlanError(f"exits.retry_ns is {self.exits.retry_ns}; a failing exit may be tried again after 1 ms at the soonest.")
        if self.exits.failures_max < 1:
            raise BadPlanError("exits.failures_max is 0; so many failures in a row halt the symbol, so it must be 1 at least.")
        if 0 < self.subscribe.timer_ns < TIMER_NS_MIN:
            raise BadPlanError(f"subscribe.timer_ns is {self.subscribe.timer_ns}; a timer may ring every 1 ms at the most, 0: never.")


def _numbers(part: msgspec.Struct, before: str) -> Iterator[tuple[str, float]]:
    """Yield every number of a plan with its path."""
    for name in part.__struct_fields__:
        value = getattr(part, name)
        if isinstance(value, msgspec.Struct):
            yield from _numbers(value, f"{before}{name}.")
        elif isinstance(value, int | float):
            yield f"{before}{name}", value
