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
FOLLOW_NS_MIN = SECOND_NS  # more often, an entry would spend the venue's limits on its own price


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
_RESTING: Final = frozenset({TimeInForce.DAY, TimeInForce.GTC})


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
    MARKET = "market"  # without a limit


class EntryRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an entry is sent."""

    style: EntryStyle = EntryStyle.MARKETABLE_LIMIT  # how it meets the market
    slippage: Distance = Distance(unit=DistanceUnit.BPS, value=5.0)  # how far beyond the far touch a marketable limit may pay
    time_in_force: TimeInForce = TimeInForce.IOC  # how long it lives at the venue
    live_for_ns: int = 0  # what still rests after so long is canceled, replaced meanwhile or not; 0: never
    follow_ns: int = 0  # a resting entry without a fill is laid at the near side anew after so long; 0: it stays where it is; 1 s at least
    follow_bps_max: int = 0  # how far past its first limit it may follow the market
    follows_max: int = 0  # an entry that was replaced or chased so often already is not replaced again
    sliced: bool = False  # cut what is above the caps on one order into orders within them, instead of having it refused


class ExitAt(StrEnum):
    """Where a position's stop waits for its price."""

    ENGINE = "engine"  # here: it costs no order, and nobody watches it while nothing of ours is alive
    VENUE = "venue"  # a stop order rests at the venue for each position; the engine's own levels go on beside it


class ExitRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a position ends. Distances are frozen when the entry is decided and counted from its fill price."""

    exit_at: ExitAt = ExitAt.ENGINE  # where the stop waits for its price
    stop: Distance | None = None  # stop loss, from the fill price
    take: Distance | None = None  # take profit, likewise
    trail: Distance | None = None  # trailing stop, from the best price since the opening
    time_stop_ns: int = 0  # the longest that a position is held; 0: any time
    spread_kill_bps: float = 0.0  # a wider spread ends the position; 0: none does
    slippage: Distance = Distance(unit=DistanceUnit.BPS, value=20.0)  # how far beyond the far touch an exit may go
    retry_ns: int = SECOND_NS  # pause after an exit that did not fill, doubled with each failure; 1 ms at least
    failures_max: int = 5  # failed exits in a row after which the symbol is halted, for a person to look


class SizingMethod(StrEnum):
    """Where the quantity comes from."""

    RISK = "risk"  # equity x risk_bps, divided by the stop distance
    FIXED = "fixed"  # fixed_quantity_nanos


class SizingRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How large an entry is. `decide` may name its own quantity instead; the gate judges it all the same."""

    method: SizingMethod = SizingMethod.RISK  # where the quantity comes from
    risk_bps: float = 10.0  # of equity, lost if the stop is hit
    fixed_quantity_nanos: int = 0  # the quantity of a fixed size
    volatility_target: float = 0.0  # short volatility (per root second) above which the size is scaled down; 0: never
    displayed_share: float = 1.0  # of the size shown at the price that the order takes, at most; 0: no cap
    notional_usd_max: float = 10_000.0  # price x quantity, at most


class ReentryRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the pair may enter again."""

    cooldown_ns: int = 0  # pause after a closed position
    loss_cooldown_ns: int = 0  # after a losing one, if that is longer
    refusal_cooldown_ns: int = SECOND_NS  # after a refusal, an entry that did not fill, or a Nothing


class PartialFillRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes of the rest of a partly filled entry."""

    policy: PartialFillPolicy = PartialFillPolicy.KEEP  # what becomes of the rest
    after_ns: int = SECOND_NS  # how long after the first fill
    chase_bps_max: int = 0  # how far past the first order's limit a chase may pay
    chases_max: int = 0  # an entry that was replaced or chased so often already is not chased again


class Subscription(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What wakes `decide` besides the trigger."""

    quotes: bool = False  # every accepted quote
    second_bars: bool = False  # every closed bar of a second
    minute_bars: bool = False  # every closed bar of a minute
    timer_ns: int = 0  # again and again after so long; 0: never; 1 ms at least


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All declared rules of one strategy for one set of parameters. `signal` and `do_nothing` say in words what the code does."""

    signal: str  # what makes it enter, in words
    exits: ExitRule  # how a position ends
    entry: EntryRule = EntryRule()  # how an entry is sent
    sizing: SizingRule = SizingRule()  # how large it is
    reentry: ReentryRule = ReentryRule()  # when the pair of strategy and symbol may enter again
    partial_fill: PartialFillRule = PartialFillRule()  # what becomes of the rest of a partly filled entry
    subscribe: Subscription = Subscription()  # what wakes `decide` besides the trigger
    do_nothing: tuple[str, ...] = ()  # when it does nothing, in words

    def check(self) -> None:
        """Refuse a plan that cannot work.

        Raises:
            BadPlanError: sized by risk without a stop, a fixed size of nothing, a number that is negative or not finite, exits that
                are retried without a pause, a timer that never rests, a stop at the venue that is none, or an entry that follows the
                market and does not rest.
        """
        if self.exits.exit_at is ExitAt.VENUE and self.exits.stop is None:
            raise BadPlanError("A plan whose exits.exit_at is venue needs exits.stop: that is what rests there.")
        if self.sizing.method is SizingMethod.RISK and self.exits.stop is None:
            raise BadPlanError("A plan sized by risk needs exits.stop: the risk is the distance to it.")
        if self.sizing.method is SizingMethod.FIXED and self.sizing.fixed_quantity_nanos <= 0:
            raise BadPlanError("A plan of fixed size needs sizing.fixed_quantity_nanos above 0.")
        self._check_numbers()
        if self.entry.follow_ns:
            self._check_follow()

    def _check_follow(self) -> None:
        entry = self.entry
        if entry.style is not EntryStyle.PASSIVE_LIMIT or entry.time_in_force not in _RESTING:
            raise BadPlanError(
                "entry.follow_ns needs a passive_limit entry that rests (day or gtc): nothing else stays to follow the market."
            )
        if entry.follow_ns < FOLLOW_NS_MIN:
            raise BadPlanError(f"entry.follow_ns is {entry.follow_ns}; an entry may follow the market every second at the most.")
        if not entry.follow_bps_max or not entry.follows_max:
            raise BadPlanError(
                "entry.follow_ns needs entry.follow_bps_max and entry.follows_max above 0: how far and how often it may follow."
            )

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
