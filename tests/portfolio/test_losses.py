"""Losses, peaks and spending beside slow twins that remember everything."""

from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.portfolio.making import CASH, NOW_NS, books, fill, usd
from tidegate.portfolio.conduct import Outcomes
from tidegate.portfolio.in_trade import InTrade
from tidegate.portfolio.losses import LossBook
from tidegate.portfolio.periods import Period
from tidegate.portfolio.spending import ENDED_KEPT, SpendBook
from tidegate.portfolio.valuation import unpriced, worst_worth
from tidegate.values.enums import OrderState, Purpose
from tidegate.values.money import NANOS
from tidegate.values.time import MILLISECOND_NS

pytestmark = pytest.mark.req("B3.2", "B3.3")

BEGUN = ((Period.DAY,), (Period.DAY, Period.WEEK), (Period.DAY, Period.MONTH), tuple(Period))
worths = st.integers(-(10**24), 10**24)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("valued"), worths),
        st.tuples(st.just("begun"), st.sampled_from(BEGUN)),
        st.tuples(st.just("transfer"), st.integers(-(10**22), 10**22)),
    ),
    max_size=30,
)


class Twin:
    """Keeps the whole history; money moved in or out is added to all of it."""

    def __init__(self) -> None:
        self.history = [CASH]
        self.began = dict.fromkeys(Period, 0)  # from which place of the history on each period counts

    def step(self, what: str, value: Any) -> None:
        if what == "valued":
            self.history.append(value)
        elif what == "transfer":
            self.history = [worth + value for worth in self.history]
        else:
            for period in value:
                self.began[period] = len(self.history) - 1


@given(steps, worths)
def test_losses_and_drawdowns_are_those_of_the_whole_history(taken: list[tuple[str, Any]], worth: int) -> None:
    book, twin = LossBook(CASH), Twin()
    for what, value in taken:
        if what == "valued":
            book.fold_valued(NOW_NS, value)
        elif what == "transfer":
            book.fold_transfer(value)
        else:
            book.fold_begun(value)
        twin.step(what, value)
    for period in Period:
        lost = twin.history[twin.began[period]] - worth
        assert book.lost_micros(period, worth) == (-(-lost // 10**12) if lost > 0 else 0)
    for peak, seen in (
        (max(twin.history[twin.began[Period.DAY] :]), book.day_drawdown_bps(worth)),
        (max(twin.history), book.drawdown_bps(worth)),
    ):
        gone = max(0, peak - worth)
        assert seen == (0 if not gone else 10_000 if peak <= 0 else -(-gone * 10_000 // peak))


def test_what_has_no_price_keeps_the_last_worth_and_since_when() -> None:
    book = LossBook(CASH)
    assert book.unpriced_ns == 0
    book.fold_valued(NOW_NS, CASH - 5)
    book.fold_valued(NOW_NS + 1, None)
    book.fold_valued(NOW_NS + 2, None)
    assert (book.worth, book.unpriced_ns) == (CASH - 5, NOW_NS + 1)
    book.fold_worst(CASH - 100)
    assert (book.worth, book.unpriced_ns) == (CASH - 100, NOW_NS + 1)
    book.fold_valued(NOW_NS + 3, CASH - 4)
    assert (book.worth, book.unpriced_ns) == (CASH - 4, 0)


def test_at_its_worst_a_long_is_lost_and_a_short_costs_twice_what_it_brought() -> None:
    portfolio = books()
    portfolio.fold_fill(fill(10))
    portfolio.fold_fill(fill(-4, 20 * NANOS, symbol="BAC"))
    assert worst_worth(portfolio, lambda _symbol, _sign: 50 * NANOS) == CASH - usd(500) + usd(500) + usd(80) - usd(200)
    assert worst_worth(portfolio, lambda _symbol, _sign: None) == CASH - usd(500) + usd(80) - usd(160)
    assert unpriced(portfolio, lambda symbol, _sign: None if symbol == "BAC" else NANOS) == ("BAC",)


def test_a_day_that_begins_while_something_has_no_price_begins_at_the_last_worth_that_was_seen() -> None:
    """Begun at the worst case, a day would have the whole position to lose before its limit is met."""
    book = LossBook(CASH)
    book.fold_valued(NOW_NS, CASH - 10)
    book.fold_valued(NOW_NS + 1, None)
    book.fold_worst(CASH - usd(900))
    book.fold_begun((Period.DAY,))
    assert book.opened[Period.DAY] == book.day_peak == CASH - 10
    assert book.lost_micros(Period.DAY, book.worth) > 0, "what has no price still counts at its worst"
    book.fold_transfer(3)
    again = LossBook(0)
    again.restore(book.rows())
    again.fold_begun(tuple(Period))
    assert again.opened == dict.fromkeys(Period, CASH - 7)


class _Order(NamedTuple):
    """What the books read of an order."""

    client_order_id: str
    remaining_nanos: int
    filled_cost_attos: int
    working: bool
    filled_nanos: int = 0
    purpose: Purpose = Purpose.ENTRY
    price_nanos: int = 7 * NANOS
    external: bool = False
    strategy_id: str = "mr"
    symbol: str = "AIG"
    state: OrderState = OrderState.ACCEPTED
    cancel_ns: int = 0
    submitted_ns: int = NOW_NS
    reference_price_nanos: int = 0
    is_protective: bool = False


moves = st.lists(
    st.one_of(
        st.tuples(st.sampled_from("abcd"), st.integers(0, 5), st.integers(-3, 5), st.booleans()),
        st.sampled_from(BEGUN),
    ),
    max_size=40,
)


@settings(max_examples=300)
@given(moves)
def test_spending_is_what_entries_filled_in_the_period_and_may_still_fill(taken: list[Any]) -> None:
    """The twin notes, for each order and period, what it cost when the period began, and adds up what came since.

    What is taken back of a fill of an earlier period makes no room in this one.
    """
    book = SpendBook()
    costs: dict[str, int] = {}
    rest: dict[str, int] = {}
    before: dict[Period, dict[str, int]] = {period: {} for period in Period}
    for move in taken:
        if isinstance(move[0], Period):
            book.fold_begun(move)
            for period in move:
                before[period] = dict(costs)
        else:
            name, remaining, more, working = move
            costs[name] = max(0, costs.get(name, 0) + more * NANOS)  # a bust takes back
            rest[name] = remaining if working else 0
            book.fold_order(_Order(name, rest[name], costs[name], working), 1)
        for period in Period:
            filled = sum(max(0, cost - before[period].get(name, 0)) for name, cost in costs.items())
            assert book.spent[period] == filled + sum(rest.values()) * 7 * NANOS
    again = SpendBook()
    again.restore(book.rows())
    assert again.rows() == book.rows()


def test_exits_and_orders_of_others_spend_nothing() -> None:
    book = SpendBook()
    book.fold_order(_Order("a", 10, 10, working=True, purpose=Purpose.EXIT), 1)
    book.fold_order(_Order("b", 10, 10, working=True, external=True), 1)
    assert set(book.spent.values()) == {0}


def test_the_books_survive_as_bytes() -> None:
    one = InTrade(CASH)
    one.periods.fold_session("2026-11-27", NOW_NS)
    one.roll(NOW_NS)
    one.periods.fold_session("2026-11-30", NOW_NS + 10)
    one.losses.fold_valued(NOW_NS, CASH + 10**30)
    one.losses.fold_valued(NOW_NS, None)
    one.fold_entry(_Order("a", 10, 0, working=True), NOW_NS, 1, again=False)
    one.fold_change(_Order("a", 5, 5 * 7 * NANOS, working=True), OrderState.SUBMITTED, (), NOW_NS + 5, 1)
    other = InTrade(0)
    other.restore(one.snapshot())
    assert other.snapshot() == one.snapshot()
    for books_of in (one, other):
        books_of.roll(NOW_NS + 10)
        books_of.losses.fold_valued(NOW_NS + 11, CASH)
    assert other.snapshot() == one.snapshot() != InTrade(CASH).snapshot()
    assert other.spending.spent == dict.fromkeys(Period, 5 * 7 * NANOS) | {
        Period.MONTH: 10 * 7 * NANOS,
        Period.WEEK: 5 * 7 * NANOS,
    }


def test_the_losses_of_a_strategy_roll_with_the_day_and_survive_as_bytes() -> None:
    one = InTrade(CASH)
    one.periods.fold_session("2026-11-27", NOW_NS)
    one.roll(NOW_NS)
    one.watch(["mr", "tf"])
    one.fold_strategy("mr", NOW_NS, usd(-40))
    one.fold_strategy("tf", NOW_NS, None)
    assert one.strategies["tf"].unpriced_ns == NOW_NS
    one.periods.fold_session("2026-11-30", NOW_NS + 10)
    other = InTrade(0)
    other.restore(one.snapshot())
    for books_of in (one, other):
        assert books_of.strategies["mr"].lost_micros(Period.DAY, usd(-50)) == 50_000_000
        books_of.roll(NOW_NS + 10)
        books_of.fold_strategy("mr", NOW_NS + 11, usd(-50))
        assert books_of.strategies["mr"].lost_micros(Period.DAY, usd(-50)) == 10_000_000, "the new day begins where the old one ended"
    assert other.snapshot() == one.snapshot()


def test_losses_that_were_not_watched_so_far_are_watched_from_where_the_strategy_stands() -> None:
    """What it made before is no cushion for a limit that is new, and what it lost no loss of today."""
    for worth in (usd(3_000), usd(-3_000)):
        one = InTrade(CASH)
        one.fold_strategy("mr", NOW_NS, None)
        assert one.strategies == {}, "it cannot be seen where it stands"
        one.fold_strategy("mr", NOW_NS, worth)
        one.fold_strategy("mr", NOW_NS + 1, worth - usd(40))
        own = one.strategies["mr"]
        assert own.lost_micros(Period.DAY, own.worth) == 40 * 10**6
        one.watch(["new"])
        assert one.strategies["new"].opened == dict.fromkeys(Period, 0)


def test_what_happens_to_an_order_reaches_every_book() -> None:
    books_of = InTrade(CASH)
    told = _Order("a", 0, 510 * NANOS * NANOS, working=False, state=OrderState.FILLED, reference_price_nanos=50 * NANOS)
    books_of.fold_change(told, OrderState.SUBMITTED, (fill(10, 51 * NANOS),), NOW_NS + 25 * MILLISECOND_NS, 1)
    conduct = books_of.conduct.of("mr")
    assert (conduct.answered, conduct.delay.recent, conduct.slippage.recent) == (Outcomes(1), [250], [200_000])
    books_of.fold_change(told, OrderState.ACCEPTED, (fill(10, 51 * NANOS),), NOW_NS, 1)
    assert conduct.answered == Outcomes(1), "an answer is counted once"


def test_orders_that_ended_long_ago_are_forgotten_oldest_first() -> None:
    book = SpendBook()
    for number in range(ENDED_KEPT + 1):
        book.fold_order(_Order(f"o{number}", 0, NANOS, working=False), 1)
    rows = book.rows()
    assert [name for name, _ in rows.ended] == [f"o{number}" for number in range(1, ENDED_KEPT + 1)]
