"""How a strategy's orders fare, counted beside what a reader would count by hand."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.portfolio.making import NOW_NS, fill
from tests.portfolio.test_losses import _Order
from tidegate.portfolio import conduct as conduct_module
from tidegate.portfolio.conduct import HISTORY_MAX, HISTORY_MIN, ORDERS_MAX, RECENT, REPEATS_MAX, ConductBook, Outcomes, Recent, Series
from tidegate.values.enums import OrderState
from tidegate.values.money import NANOS
from tidegate.values.time import HOUR_NS, MILLISECOND_NS

pytestmark = pytest.mark.req("B3.2")

NEW, SUBMITTED, UNKNOWN = OrderState.NEW, OrderState.SUBMITTED, OrderState.UNKNOWN
ACCEPTED, REJECTED, FILLED, CANCELED = OrderState.ACCEPTED, OrderState.REJECTED, OrderState.FILLED, OrderState.CANCELED


def order(state: OrderState, **changes: Any) -> _Order:
    working = state in {NEW, SUBMITTED, UNKNOWN, ACCEPTED, OrderState.PARTIAL}
    return _Order("a", 0, 0, working=working, state=state, **changes)


SAMPLES = st.integers(-1_000_000, 1_000_000)


@given(
    st.lists(SAMPLES, max_size=HISTORY_MIN + RECENT) | st.lists(SAMPLES, min_size=HISTORY_MIN + RECENT, max_size=HISTORY_MIN + 3 * RECENT)
)
def test_recent_samples_are_laid_beside_those_before_them(samples: list[int]) -> None:
    series = Series()
    for sample in samples:
        series.add(sample)
    recent, before = samples[-RECENT:], samples[:-RECENT]
    seen = series.seen()
    if len(recent) < RECENT:
        assert seen is None
    elif len(before) < HISTORY_MIN:
        assert seen == Recent(sum(recent) // RECENT, None, 0)
    else:
        usual = sum(before) // len(before)
        variance = sum(sample**2 for sample in before) // len(before) - usual**2
        assert seen == Recent(sum(recent) // RECENT, usual, max(0, variance))
        assert all(isinstance(figure, int) for figure in seen)


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 20), st.integers(3, 30))
def test_a_share_is_counted_as_by_walking_the_last_orders(told: list[bool], orders: int, kept: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(conduct_module, "ORDERS_MAX", kept)
        outcomes = Outcomes()
        for one in told:
            outcomes.add(told=one)
    assert outcomes.count == len(told)
    assert len(outcomes.yes) <= kept
    if orders <= kept:
        assert outcomes.among_last(orders) == (sum(told[-orders:]) if len(told) >= orders else 0)


@given(st.lists(st.integers(-50, 50), max_size=HISTORY_MIN + 3 * RECENT), st.integers(-50, 50), st.integers(0, 50))
def test_a_series_is_calm_unless_its_recent_mean_lies_above_the_limit_or_far_above_the_usual(
    samples: list[int], limit: int, floor: int
) -> None:
    series = Series()
    for sample in samples:
        series.add(sample)
    seen = series.seen()
    above = seen is not None and (seen.mean > limit or (seen.usual is not None and seen.mean - seen.usual > floor))
    assert series.is_calm(limit, floor) is not above


def test_what_was_usual_long_ago_fades_and_nothing_grows() -> None:
    series = Series()
    for _ in range(3 * HISTORY_MAX):
        series.add(100)
    for _ in range(3 * HISTORY_MAX):
        series.add(500)
    assert series.count < HISTORY_MAX
    seen = series.seen()
    assert seen is not None
    assert seen.usual is not None
    assert 480 < seen.usual <= 500


@pytest.mark.parametrize("before", [NEW, SUBMITTED, UNKNOWN])
def test_the_venues_first_word_is_counted_once(before: OrderState) -> None:
    book = ConductBook()
    book.fold_change(order(REJECTED, submitted_ns=NOW_NS), before, (), NOW_NS + 25 * MILLISECOND_NS, 1)
    conduct = book.of("mr")
    assert (conduct.answered, conduct.rejects_in_row, conduct.delay.recent) == (Outcomes(1, [1]), 1, [250])
    book.fold_change(order(ACCEPTED), before, (), NOW_NS + MILLISECOND_NS, 1)
    book.fold_change(order(FILLED), ACCEPTED, (), NOW_NS + 9 * MILLISECOND_NS, 1)
    assert (conduct.answered, conduct.rejects_in_row, conduct.delay.recent) == (Outcomes(2, [1]), 0, [250, 10])


@pytest.mark.parametrize("after", [SUBMITTED, UNKNOWN, OrderState.NOT_SENT, OrderState.ABSENT])
def test_what_is_no_answer_is_not_counted(after: OrderState) -> None:
    book = ConductBook()
    book.fold_change(order(after), SUBMITTED if after is not SUBMITTED else NEW, (), NOW_NS, 1)
    assert book.of("mr").answered == Outcomes()


def test_only_what_we_canceled_before_it_filled_counts_as_canceled() -> None:
    book = ConductBook()
    for ended in (
        order(CANCELED, cancel_ns=5),
        order(CANCELED),  # an order that ends by its own time in force
        order(CANCELED, cancel_ns=5, filled_nanos=1),
        order(FILLED, cancel_ns=5),
    ):
        book.fold_change(ended, ACCEPTED, (), NOW_NS, 1)
    book.fold_change(order(CANCELED, cancel_ns=5), CANCELED, (), NOW_NS, 1)  # told again
    assert book.of("mr").ended == Outcomes(4, [1])


def test_slippage_is_what_a_fill_was_worse_than_the_price_decided_on() -> None:
    book = ConductBook()

    def filled(quantity: int, cents: int, **changes: Any) -> list[int]:
        price = 50 * NANOS + cents * NANOS // 100
        told = order(FILLED, reference_price_nanos=50 * NANOS, **changes)
        book.fold_change(told, ACCEPTED, (fill(quantity, price),), NOW_NS, 1)
        return book.of("mr").slippage.recent[-1:]

    assert filled(10, 1) == [2_000]  # a cent of fifty dollars is two basis points
    assert filled(-10, 1) == [-2_000]
    assert filled(-10, -1) == [2_000]
    assert filled(10, 4_000) == [1_000_000]
    before = list(book.of("mr").slippage.recent)
    filled(10, 5, is_protective=True)
    book.fold_change(order(FILLED), ACCEPTED, (fill(10),), NOW_NS, 1)  # no price was seen
    assert book.of("mr").slippage.recent == before


def test_an_orders_entries_are_counted_for_an_hour() -> None:
    book = ConductBook()
    for ago_ns in (HOUR_NS, HOUR_NS - 1, 5):
        book.fold_entry("mr", "AIG", NOW_NS - ago_ns)
    assert book.entries_of("mr", "AIG", NOW_NS) == 2
    assert book.entries_of("mr", "AIG", NOW_NS + HOUR_NS) == 0
    assert book.entries_of("mr", "BAC", NOW_NS) == book.entries_of("other", "AIG", NOW_NS) == 0
    assert "other" not in book.strategies  # asking makes nothing


def test_a_record_is_bounded_and_what_tripped_counts_anew() -> None:
    book = ConductBook()
    for _ in range(ORDERS_MAX + 5):
        book.fold_change(order(REJECTED), SUBMITTED, (), NOW_NS, 1)
    conduct = book.of("mr")
    assert conduct.answered == Outcomes(ORDERS_MAX + 5, list(range(6, ORDERS_MAX + 6)))
    usual = conduct.delay.count
    book.fold_tripped("mr", by_person=False)
    assert (conduct.answered, conduct.ended, conduct.rejects_in_row, conduct.delay.recent) == (Outcomes(), Outcomes(), 0, [])
    assert conduct.delay.count == usual


def test_orders_of_others_have_no_record() -> None:
    book = ConductBook()
    book.fold_change(order(REJECTED, strategy_id=""), SUBMITTED, (), NOW_NS, 1)
    assert book.strategies == {}


def test_old_history_fades_by_halves_exactly() -> None:
    series = Series()
    for sample in range(HISTORY_MAX + RECENT - 1):
        series.add(sample)
    before = list(range(HISTORY_MAX - 1))
    assert (series.count, series.total, series.squares) == (len(before), sum(before), sum(one * one for one in before))
    series.add(7)
    before.append(HISTORY_MAX - 1)
    halves = (len(before) // 2, sum(before) // 2, sum(one * one for one in before) // 2)
    assert (series.count, series.total, series.squares) == halves
    assert all(isinstance(figure, int) for figure in (series.count, series.total, series.squares))


def test_an_hour_of_entries_is_forgotten_oldest_first_and_bounded() -> None:
    book = ConductBook()
    for at_ns in (0, 1, 2, HOUR_NS):
        book.fold_entry("mr", "AIG", NOW_NS + at_ns)
    assert book.of("mr").entries_ns["AIG"] == [NOW_NS + 1, NOW_NS + 2, NOW_NS + HOUR_NS]
    for _ in range(REPEATS_MAX + 2):
        book.fold_entry("mr", "BAC", NOW_NS)
    assert len(book.of("mr").entries_ns["BAC"]) == REPEATS_MAX


def test_a_full_record_forgets_its_oldest_order() -> None:
    book = ConductBook()
    book.fold_change(order(ACCEPTED), SUBMITTED, (), NOW_NS, 1)
    for _ in range(ORDERS_MAX):
        book.fold_change(order(REJECTED), SUBMITTED, (), NOW_NS, 1)
    assert book.of("mr").answered == Outcomes(ORDERS_MAX + 1, list(range(2, ORDERS_MAX + 2)))


def test_a_reversed_fill_slips_nothing_and_a_multiplier_changes_no_share() -> None:
    book = ConductBook()
    told = order(FILLED, reference_price_nanos=50 * NANOS)
    back = fill(10, 51 * NANOS)
    book.fold_change(told, ACCEPTED, (replace(back, quantity_nanos=-back.quantity_nanos),), NOW_NS, 1)
    assert book.of("mr").slippage.recent == []
    contract = fill(10, 51 * NANOS)
    book.fold_change(told, ACCEPTED, (replace(contract, cost_attos=contract.cost_attos * 100),), NOW_NS, 100)
    assert book.of("mr").slippage.recent == [200_000]
    assert all(isinstance(sample, int) for sample in book.of("mr").slippage.recent)
