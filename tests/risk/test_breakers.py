"""What trips, below, at and above each limit, and what it says."""

from typing import Any

import msgspec
import pytest

from tests.portfolio.making import CASH, NOW_NS, usd
from tests.risk.making import limits
from tidegate.portfolio.conduct import HISTORY_MIN, RECENT, Conduct, Outcomes, Series
from tidegate.portfolio.in_trade import InTrade
from tidegate.portfolio.losses import LossBook
from tidegate.risk.breakers import DELAY_FLOOR, SLIPPAGE_FLOOR, Trip, account_trips, loss_trips, strategy_trips

pytestmark = pytest.mark.req("B3.2", "B3.6")

WIDE = limits(
    daily_loss_attos_max=usd(10**9),
    weekly_loss_attos_max=usd(10**9),
    monthly_loss_attos_max=usd(10**9),
    intraday_drawdown_bps_max=10_000,
    drawdown_bps_max=10_000,
)


def series(recent: int, usual: tuple[int, ...] = ()) -> Series:
    found = Series()
    for sample in (*usual, *[recent] * RECENT):
        found.add(sample)
    return found


def actors(trips: list[Trip]) -> list[str]:
    return [trip.actor for trip in trips]


@pytest.mark.parametrize(
    ("name", "words"),
    [("daily", "$5000.01 today, above $5000"), ("weekly", "$5000.01 this week, above"), ("monthly", "$5000.01 this month, above")],
)
def test_a_loss_beyond_its_limit_closes_the_account(name: str, words: str) -> None:
    bounds = msgspec.structs.replace(WIDE, **{f"{name}_loss_attos_max": usd(5_000)})
    book = LossBook(CASH)
    assert account_trips(book, bounds, CASH - usd("4999.99")) == account_trips(book, bounds, CASH - usd(5_000)) == []
    (trip,) = account_trips(book, bounds, CASH - usd("5000.01"))
    assert trip.actor == f"rule:{name}_loss"
    assert trip.reason.startswith("the account has lost ")
    assert words in trip.reason


def test_a_strategy_beyond_a_loss_limit_of_its_own_is_named() -> None:
    bounds = msgspec.structs.replace(WIDE, daily_loss_attos_max=usd(50))
    books_of = InTrade(CASH)
    books_of.watch(["mr"])
    for worth in (usd(-20), usd(-50)):
        books_of.fold_strategy("mr", NOW_NS, worth)
        assert loss_trips(books_of.strategies["mr"], bounds) == []
    books_of.fold_strategy("mr", NOW_NS, usd("-50.01"))
    assert loss_trips(books_of.strategies["mr"], bounds) == [
        Trip("rule:daily_loss", "the strategy has lost $50.01 today, above $50"),
    ]


@pytest.mark.parametrize(("name", "words"), [("intraday_drawdown", "the day's peak"), ("drawdown", "its peak")])
def test_a_drawdown_beyond_its_limit_closes_the_account(name: str, words: str) -> None:
    bounds = msgspec.structs.replace(WIDE, **{f"{name}_bps_max": 1_000})
    book = LossBook(CASH)
    book.fold_valued(NOW_NS, CASH + usd(10_000))
    at = (CASH + usd(10_000)) * 9 // 10
    assert account_trips(book, bounds, at) == []
    (trip,) = account_trips(book, bounds, at - 1)
    assert trip.actor == f"rule:{name}"
    assert trip.reason == f"the account stands 1001 bps below {words}, above 1000 bps"


def conduct(**facts: Any) -> Conduct:
    return Conduct(**facts)


def test_refusals_in_a_row_trip_at_their_limit() -> None:
    assert strategy_trips(conduct(rejects_in_row=4), limits()) == []
    assert strategy_trips(conduct(rejects_in_row=0), limits(rejects_in_row_max=0)) == []
    (trip,) = strategy_trips(conduct(rejects_in_row=5), limits())
    assert trip == Trip("rule:breaker:rejects_in_row", "the venue refused 5 orders one after the other, the limit is 5")


@pytest.mark.parametrize(
    ("field", "name", "most", "what"),
    [
        ("answered", "reject_rate", 6, "7 of the last 20 orders were refused by the venue, 3500 bps, above 3000 bps"),
        ("ended", "cancel_rate", 18, "19 of the last 20 orders were canceled before anything filled, 9500 bps, above 9000 bps"),
    ],
)
def test_a_rate_trips_above_its_limit_over_enough_orders(field: str, name: str, most: int, what: str) -> None:
    def flags(bad: int, count: int = 20) -> Conduct:
        return conduct(**{field: Outcomes(count, list(range(1, bad + 1)))})

    assert strategy_trips(flags(most), limits()) == []
    assert strategy_trips(flags(most + 1), limits()) == [Trip(f"rule:breaker:{name}", what)]
    assert strategy_trips(flags(19, 19), limits()) == []  # too few to tell
    old = conduct(**{field: Outcomes(520, list(range(1, 501)))})
    assert strategy_trips(old, limits()) == []  # long ago


def test_repetition_closes_the_strategy_until_a_person_looks() -> None:
    assert strategy_trips(conduct(entries_ns={"AIG": [NOW_NS] * 59}), limits()) == []
    (trip,) = strategy_trips(conduct(entries_ns={"AIG": [NOW_NS] * 60, "BAC": [NOW_NS]}), limits())
    assert trip == Trip("rule:entries_per_hour", "60 entries in AIG within an hour, the limit is 60")


STEADY = (1_000,) * HISTORY_MIN
MOVING = (0, 2_000) * HISTORY_MIN  # around 1,000, deviation 1,000


@pytest.mark.parametrize(
    ("samples", "trips"),
    [
        (series(25_000), False),  # at the limit
        (series(25_001), True),
        (series(1_000 + SLIPPAGE_FLOOR, STEADY), False),  # so little is no anomaly, however steady it was
        (series(1_001 + SLIPPAGE_FLOOR, STEADY), True),
        (series(7_000, MOVING), False),  # six deviations
        (series(7_001, MOVING), True),
        (series(20_000, STEADY[1:]), False),  # nothing is usual yet
        (series(-20_000, STEADY), False),  # better than usual
    ],
)
def test_slippage_trips_above_its_limit_or_far_above_the_usual(samples: Series, *, trips: bool) -> None:
    found = strategy_trips(conduct(slippage=samples), limits())
    assert actors(found) == ["rule:breaker:slippage"] * trips
    assert all("the last 10 fills slipped by" in trip.reason and "bps" in trip.reason for trip in found)


@pytest.mark.parametrize(
    ("samples", "trips"),
    [
        (series(50_000), False),  # five seconds
        (series(50_001), True),
        (series(1_000 + DELAY_FLOOR, STEADY), False),
        (series(1_001 + DELAY_FLOOR, STEADY), True),
        (series(7_000, MOVING), False),
        (series(7_001, MOVING), True),
    ],
)
def test_a_slow_venue_trips_likewise(samples: Series, *, trips: bool) -> None:
    found = strategy_trips(conduct(delay=samples), limits())
    assert actors(found) == ["rule:breaker:delay"] * trips
    assert all("first words to the last 10 orders took" in trip.reason for trip in found)


def test_what_is_unusual_is_told_with_its_numbers() -> None:
    (slipped,) = strategy_trips(conduct(slippage=series(1_001 + SLIPPAGE_FLOOR, STEADY)), limits())
    usual = f"{limits().slippage_deviations_max} usual deviations above the usual 1.0 bps"
    assert slipped.reason == f"the last 10 fills slipped by {(1_001 + SLIPPAGE_FLOOR) / 1_000:.1f} bps on average, more than {usual}"
    (slow,) = strategy_trips(conduct(delay=series(1_001 + DELAY_FLOOR, STEADY)), limits())
    assert slow.reason.endswith(f"{limits().delay_deviations_max} usual deviations above the usual 100 ms")


def test_at_its_limit_and_far_above_the_usual_the_usual_is_told() -> None:
    (slipped,) = strategy_trips(conduct(slippage=series(25_000, STEADY)), limits())
    assert "usual deviations above the usual" in slipped.reason
    (slow,) = strategy_trips(conduct(delay=series(50_000, STEADY)), limits())
    assert "usual deviations above the usual" in slow.reason


ALL_BAD = Outcomes(20, list(range(1, 21)))


def test_rates_over_no_orders_are_switched_off() -> None:
    assert strategy_trips(conduct(answered=ALL_BAD, ended=ALL_BAD), limits(rate_orders_min=0)) == []


def test_all_that_trips_is_told() -> None:
    bad = conduct(
        rejects_in_row=9,
        answered=ALL_BAD,
        entries_ns={"AIG": [NOW_NS] * 60},
        slippage=series(25_001),
        delay=series(50_001),
    )
    rules = ["rule:entries_per_hour", "rule:breaker:rejects_in_row", "rule:breaker:reject_rate"]
    assert actors(strategy_trips(bad, limits())) == [*rules, "rule:breaker:slippage", "rule:breaker:delay"]
