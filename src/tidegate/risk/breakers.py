"""When is what goes on while trading too much: losses that close the account to entries, and a strategy's conduct that closes it.

Each trip names its rule, what it closes, and says why in one sentence with the numbers. What a breaker closes opens again after the
declared cooldown; everything else waits for a person. Nothing here ever blocks an exit or a cancel.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from tidegate.portfolio.conduct import MILLI_BPS, RECENT, TENTH_MS_NS, Conduct, Series
from tidegate.portfolio.losses import LossBook
from tidegate.portfolio.periods import Period
from tidegate.portfolio.valuation import MICRO
from tidegate.risk.checks import Unit
from tidegate.risk.gates import BREAKER_ACTOR, RULE_ACTOR
from tidegate.risk.limits import BPS, RiskLimits
from tidegate.risk.sentences import duration, number

SLIPPAGE_FLOOR: Final = 2_000  # thousandths of a basis point: less than this above the usual is no anomaly, however steady it was
DELAY_FLOOR: Final = 500  # tenths of a millisecond, likewise
_MILLI: Final = MILLI_BPS // BPS


class Trip(NamedTuple):
    """A rule that closes entries: its actor, and why."""

    actor: str
    reason: str


def account_trips(losses: LossBook, limits: RiskLimits, worth_attos: int) -> list[Trip]:
    """Return the loss limits that the account is beyond at a worth; all of them wait for a person."""
    return [*_losses(losses, limits, worth_attos, "the account"), *_drawdowns(losses, limits, worth_attos)]


def loss_trips(losses: LossBook, limits: RiskLimits) -> list[Trip]:
    """Return the loss limits of its own that a strategy is beyond; all of them wait for a person."""
    return [*_losses(losses, limits, losses.worth, "the strategy")]


def strategy_trips(conduct: Conduct, limits: RiskLimits) -> list[Trip]:
    """Return what a strategy's conduct is beyond: asked after every order, and nearly always nothing."""
    trips: list[Trip] = []
    repeated = [symbol for symbol, times in conduct.entries_ns.items() if len(times) >= limits.entries_per_hour_max]
    if repeated:
        trips += _repeats(conduct, sorted(repeated), limits)
    if conduct.answered.yes or conduct.ended.yes or conduct.rejects_in_row:
        trips += _rates(conduct, limits)
    if not conduct.slippage.is_calm(limits.slippage_bps_max * _MILLI, SLIPPAGE_FLOOR):
        trips += _slippage(conduct.slippage, limits)
    if not conduct.delay.is_calm(limits.delay_ns_max // TENTH_MS_NS, DELAY_FLOOR):
        trips += _delay(conduct.delay, limits)
    return trips


def _losses(losses: LossBook, limits: RiskLimits, worth_attos: int, who: str) -> Iterator[Trip]:
    for name, period, when, limit in (
        ("daily_loss", Period.DAY, "today", limits.daily_loss_attos_max),
        ("weekly_loss", Period.WEEK, "this week", limits.weekly_loss_attos_max),
        ("monthly_loss", Period.MONTH, "this month", limits.monthly_loss_attos_max),
    ):
        lost = losses.lost_micros(period, worth_attos)
        if lost > limit // MICRO:
            words = f"{who} has lost {number(lost, Unit.USD)} {when}, above {number(limit // MICRO, Unit.USD)}"
            yield Trip(f"{RULE_ACTOR}{name}", words)


def _drawdowns(losses: LossBook, limits: RiskLimits, worth_attos: int) -> Iterator[Trip]:
    for name, below, which, limit in (
        ("intraday_drawdown", losses.day_drawdown_bps(worth_attos), "the day's peak", limits.intraday_drawdown_bps_max),
        ("drawdown", losses.drawdown_bps(worth_attos), "its peak", limits.drawdown_bps_max),
    ):
        if below > limit:
            words = f"the account stands {number(below, Unit.BPS)} below {which}, above {number(limit, Unit.BPS)}"
            yield Trip(f"{RULE_ACTOR}{name}", words)


def _repeats(conduct: Conduct, symbols: list[str], limits: RiskLimits) -> Iterator[Trip]:
    for symbol in symbols:
        words = f"{len(conduct.entries_ns[symbol])} entries in {symbol} within an hour, the limit is {limits.entries_per_hour_max}"
        yield Trip(f"{RULE_ACTOR}entries_per_hour", words)


def _rates(conduct: Conduct, limits: RiskLimits) -> Iterator[Trip]:
    row = conduct.rejects_in_row
    if row and row >= limits.rejects_in_row_max:
        yield Trip(
            f"{BREAKER_ACTOR}rejects_in_row",
            f"the venue refused {row} orders one after the other, the limit is {limits.rejects_in_row_max}",
        )
    orders = limits.rate_orders_min
    for name, outcomes, limit, what in (
        ("reject_rate", conduct.answered, limits.reject_rate_bps_max, "refused by the venue"),
        ("cancel_rate", conduct.ended, limits.cancel_rate_bps_max, "canceled before anything filled"),
    ):
        many = outcomes.among_last(orders)
        if not many:
            continue
        rate = -(-many * BPS // orders)
        if rate > limit:
            words = f"{many} of the last {orders} orders were {what}, {number(rate, Unit.BPS)}, above {number(limit, Unit.BPS)}"
            yield Trip(f"{BREAKER_ACTOR}{name}", words)


def _slippage(series: Series, limits: RiskLimits) -> Iterator[Trip]:
    seen = series.seen()
    assert seen is not None, "too few samples are calm"
    if seen.mean > limits.slippage_bps_max * _MILLI:
        words = f"the last {RECENT} fills slipped by {_bps(seen.mean)} on average, above {limits.slippage_bps_max} bps"
        yield Trip(f"{BREAKER_ACTOR}slippage", words)
    elif seen.usual is not None and _unusual(seen.mean - seen.usual, seen.variance, limits.slippage_deviations_max, SLIPPAGE_FLOOR):
        words = (
            f"the last {RECENT} fills slipped by {_bps(seen.mean)} on average, more than {limits.slippage_deviations_max} usual "
            f"deviations above the usual {_bps(seen.usual)}"
        )
        yield Trip(f"{BREAKER_ACTOR}slippage", words)


def _delay(series: Series, limits: RiskLimits) -> Iterator[Trip]:
    seen = series.seen()
    assert seen is not None, "too few samples are calm"
    mean_ns = seen.mean * TENTH_MS_NS
    if mean_ns > limits.delay_ns_max:
        what = f"the venue's first words to the last {RECENT} orders took {duration(mean_ns)} on average"
        words = f"{what}, above {duration(limits.delay_ns_max)}"
        yield Trip(f"{BREAKER_ACTOR}delay", words)
    elif seen.usual is not None and _unusual(seen.mean - seen.usual, seen.variance, limits.delay_deviations_max, DELAY_FLOOR):
        words = (
            f"the venue's first words to the last {RECENT} orders took {duration(mean_ns)} on average, more than "
            f"{limits.delay_deviations_max} usual deviations above the usual {duration(seen.usual * TENTH_MS_NS)}"
        )
        yield Trip(f"{BREAKER_ACTOR}delay", words)


def _unusual(above: int, variance: int, deviations: int, floor: int) -> bool:
    """Tell whether a mean lies so far above the usual: in squares, so that no root is taken."""
    return above > floor and above * above > deviations * deviations * variance


def _bps(milli: int) -> str:
    return f"{milli / _MILLI:.1f} bps"
