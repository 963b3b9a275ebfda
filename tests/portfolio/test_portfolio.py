"""The account's books: reservations, working orders, cash, net positions."""

from types import SimpleNamespace

import pytest

from tests.portfolio.making import (
    CASH,
    INSTRUMENTS,
    NOW_NS,
    PRICE,
    books,
    command,
    decision,
    fill,
    intent,
    reserve,
    send,
    shares,
    usd,
)
from tidegate.portfolio.activity import MESSAGES_MAX, SIGNATURES_MAX, Activity, MinuteCount, signature_of
from tidegate.portfolio.exposure import ANY_PRICE, NO_PRICE, SymbolBook, book_price
from tidegate.portfolio.portfolio import NotReservedError, Portfolio
from tidegate.values.enums import CommandKind, OrderType, Purpose, Side, Verdict
from tidegate.values.errors import ExitCode
from tidegate.values.money import NANOS
from tidegate.values.time import MINUTE_NS, SECOND_NS

EXIT = Purpose.EXIT


def moved(
    order: str = "0-a",
    remaining: float = 0,
    *,
    working: bool = True,
    side: Side = Side.BUY,
    strategy: str = "mr",
    purpose: Purpose = Purpose.ENTRY,
    predecessor: str = "",
    unknown: bool = False,
    symbol: str = "AIG",
) -> SimpleNamespace:
    """An order as the portfolio sees it after the order layer moved it."""
    return SimpleNamespace(
        client_order_id=order,
        strategy_id=strategy,
        symbol=symbol,
        side=side,
        purpose=purpose,
        order_type=OrderType.LIMIT,
        limit_price_nanos=PRICE,
        remaining_nanos=shares(remaining),
        working=working,
        unknown=unknown,
        predecessor_id=predecessor,
    )


def sums(portfolio: Portfolio, symbol: str = "AIG") -> tuple[int, int, int]:
    book = portfolio.book(symbol)
    return book.net_nanos, book.buys_nanos, book.sells_nanos


@pytest.mark.req("A3.4")
def test_exposure_counts_from_the_verdict_on() -> None:
    portfolio = books()
    reserve(portfolio, intent())
    assert sums(portfolio) == (0, shares(100), 0)
    portfolio.fold_command(command(intent()))
    assert sums(portfolio) == (0, shares(100), 0)
    assert not portfolio.reserved
    assert portfolio.working_remaining("AIG", "0-a") == shares(100)


@pytest.mark.parametrize("verdict", [Verdict.REFUSED, Verdict.NEEDS_APPROVAL])
def test_any_other_verdict_reserves_nothing(verdict: Verdict) -> None:
    portfolio = books()
    portfolio.fold_decision(decision(intent(), verdict=verdict), intent())
    assert sums(portfolio) == (0, 0, 0)
    assert not portfolio.reserved
    assert not portfolio.active


def test_an_order_without_a_reservation_is_refused() -> None:
    portfolio = books()
    with pytest.raises(NotReservedError, match="0-a has no approved decision") as raised:
        portfolio.fold_command(command(intent()))
    assert raised.value.exit_code is ExitCode.REFUSED


def test_a_reservation_serves_one_order() -> None:
    portfolio = books()
    send(portfolio, intent())
    with pytest.raises(NotReservedError):
        portfolio.fold_command(command(intent(), decision_id="d-0-a"))


def test_a_lapsed_reservation_is_given_back() -> None:
    portfolio = books()
    reserve(portfolio, intent(Side.BUY, 20))
    assert sums(portfolio) == (0, shares(20), 0)
    portfolio.fold_lapse("s-1-2")
    assert sums(portfolio) == (0, 0, 0)
    reserve(portfolio, intent(Side.SELL, 30, purpose=EXIT))
    assert sums(portfolio) == (0, 0, shares(30))
    assert portfolio.holding("mr", "AIG").exits_nanos == shares(30)
    portfolio.fold_lapse("s-1-2")
    assert sums(portfolio) == (0, 0, 0)
    assert portfolio.holding("mr", "AIG").exits_nanos == 0
    assert not portfolio.active


def test_what_fills_moves_from_working_to_held() -> None:
    portfolio = books()
    send(portfolio, intent())
    assert portfolio.fold_fill(fill(40, fee=usd("0.1"))) == 0
    portfolio.fold_order(moved(remaining=60))
    assert sums(portfolio) == (shares(40), shares(60), 0)
    assert portfolio.cash_attos == CASH - usd(2_000) - usd("0.1")
    portfolio.fold_order(moved(working=False, remaining=60))
    assert sums(portfolio) == (shares(40), 0, 0)
    assert not portfolio.book("AIG").orders
    assert portfolio.fold_fill(fill(-40, 51 * NANOS)) == usd(40)
    assert portfolio.realized_attos == usd(40)
    assert portfolio.fees_attos == usd("0.1")
    assert portfolio.basis_attos == 0
    assert portfolio.cash_attos == CASH + usd("39.9")
    assert not portfolio.active


def test_an_order_in_doubt_counts_in_full() -> None:
    portfolio = books()
    send(portfolio, intent())
    portfolio.fold_order(moved(remaining=100, unknown=True))
    assert sums(portfolio) == (0, shares(100), 0)
    assert portfolio.book("AIG").orders["0-a"].unknown


def test_an_order_seen_for_the_first_time_is_taken_in() -> None:
    portfolio = books()
    portfolio.fold_order(moved("x", 7, strategy="", side=Side.SELL))
    assert sums(portfolio) == (0, 0, shares(7))
    assert portfolio.book("AIG").orders["x"].sent_ns == 0
    portfolio.fold_order(moved("gone", 7, working=False))
    assert set(portfolio.book("AIG").orders) == {"x"}


def test_positions_of_strategies_add_up_to_the_account() -> None:
    portfolio = books()
    portfolio.fold_fill(fill(100, strategy="mr"))
    portfolio.fold_fill(fill(-30, strategy="trend"))
    assert portfolio.holding("mr", "AIG").quantity_nanos == shares(100)
    assert portfolio.holding("trend", "AIG").quantity_nanos == shares(-30)
    assert portfolio.book("AIG").net_nanos == shares(70)
    assert portfolio.basis_attos == usd(3_500)


def test_asking_for_what_was_never_touched_makes_nothing() -> None:
    portfolio = books()
    assert portfolio.book("AIG").idle
    assert portfolio.holding("mr", "AIG").quantity_nanos == 0
    assert portfolio.working_remaining("AIG", "x") == 0
    assert portfolio.snapshot() == books().snapshot()


# What an exit may reduce.


@pytest.mark.parametrize(
    ("mine", "others", "working", "side", "expected"),
    [
        (100, 0, 0, Side.SELL, 100),
        (100, 0, 30, Side.SELL, 70),
        (100, -60, 0, Side.SELL, 40),  # the account's net is smaller than my own
        (40, 60, 0, Side.SELL, 40),  # my own is smaller than the account's net
        (100, 0, 0, Side.BUY, 0),  # the wrong way round
        (-100, 0, 0, Side.BUY, 100),
        (-100, 0, 30, Side.BUY, 70),
        (-100, 0, 0, Side.SELL, 0),
        (0, 0, 0, Side.SELL, 0),
        (100, 0, 100, Side.SELL, 0),
    ],
)
@pytest.mark.req("A3.4")
def test_an_exit_may_reduce_what_is_held_less_what_works(mine: int, others: int, working: int, side: Side, expected: int) -> None:
    portfolio = books()
    if mine:
        portfolio.fold_fill(fill(mine))
    if others:
        portfolio.fold_fill(fill(others, strategy="trend"))
    if working:
        send(portfolio, intent(side, working, purpose=EXIT))
    assert portfolio.reducible(intent(side, 1, purpose=EXIT)) == shares(expected)


def test_orders_of_other_strategies_on_that_side_leave_less_to_reduce() -> None:
    portfolio = books()
    portfolio.fold_fill(fill(100))
    send(portfolio, intent(Side.SELL, 80, strategy="trend"), order="0-t")
    assert portfolio.reducible(intent(Side.SELL, 1, purpose=EXIT)) == shares(20)


def test_an_exit_that_replaces_one_may_reduce_what_it_takes_over() -> None:
    portfolio = books()
    portfolio.fold_fill(fill(100))
    send(portfolio, intent(Side.SELL, 100, purpose=EXIT))
    assert portfolio.reducible(intent(Side.SELL, 1, purpose=EXIT)) == 0
    assert portfolio.reducible(intent(Side.SELL, 1, purpose=EXIT, replaces="0-a")) == shares(100)


# Replacements in flight.


def test_a_replacement_in_flight_counts_with_its_original_as_the_larger() -> None:
    portfolio = books()
    send(portfolio, intent(quantity=100))
    bigger = intent(quantity=130, replaces="0-a")
    assert portfolio.beyond_replaced(bigger) == shares(30)
    reserve(portfolio, bigger, name="d-0-b")
    assert sums(portfolio) == (0, shares(130), 0)
    portfolio.fold_command(command(bigger, order="0-b", decision_id="d-0-b", kind=CommandKind.REPLACE))
    assert sums(portfolio) == (0, shares(130), 0)
    portfolio.fold_order(moved("0-a", 60))  # 40 filled meanwhile; the venue may still make it 130
    assert sums(portfolio) == (0, shares(130), 0)
    portfolio.fold_order(moved("0-a", working=False))
    assert sums(portfolio) == (0, shares(130), 0)
    portfolio.fold_order(moved("0-b", working=False, predecessor="0-a"))
    assert sums(portfolio) == (0, 0, 0)


def test_a_smaller_replacement_frees_nothing_before_it_is_confirmed() -> None:
    portfolio = books()
    send(portfolio, intent(quantity=100))
    send(portfolio, intent(quantity=20, replaces="0-a"), order="0-b")
    assert portfolio.beyond_replaced(intent(quantity=20, replaces="0-a")) == 0
    assert sums(portfolio) == (0, shares(100), 0)
    portfolio.fold_order(moved("0-a", working=False))
    assert sums(portfolio) == (0, shares(20), 0)


def test_a_refused_replacement_leaves_its_original() -> None:
    portfolio = books()
    send(portfolio, intent(quantity=100))
    send(portfolio, intent(quantity=130, replaces="0-a"), order="0-b")
    portfolio.fold_order(moved("0-b", working=False, predecessor="0-a"))
    assert sums(portfolio) == (0, shares(100), 0)
    portfolio.fold_order(moved("0-a", 50))
    assert sums(portfolio) == (0, shares(50), 0)


def test_an_order_that_continues_a_finished_one_counts_in_full() -> None:
    portfolio = books()
    send(portfolio, intent(quantity=25, replaces="long-gone"), order="0-b")
    assert sums(portfolio) == (0, shares(25), 0)


# What was sent lately.


def test_orders_and_cancels_are_messages_and_lookups_are_not() -> None:
    portfolio = books()
    send(portfolio, intent())
    for kind in (CommandKind.CANCEL, CommandKind.LOOKUP):
        portfolio.fold_command(command(intent(), kind=kind, decision_id="", target="0-a"))
    assert portfolio.activity.messages_of("AIG", NOW_NS) == 2
    assert portfolio.activity.messages_of("BAC", NOW_NS) == 0
    assert portfolio.activity.orders.within_minute(NOW_NS) == 1


def test_an_exit_remembers_when_and_in_which_story_it_was_sent() -> None:
    portfolio = books()
    send(portfolio, intent())
    assert portfolio.holding("mr", "AIG").exit_ns == 0
    send(portfolio, intent(Side.SELL, purpose=EXIT, correlation="story"), order="0-b", now_ns=NOW_NS + 5)
    holding = portfolio.holding("mr", "AIG")
    assert (holding.exit_ns, holding.exit_correlation_id) == (NOW_NS + 5, "story")


def test_a_minute_is_sixty_seconds_and_asking_forgets_nothing() -> None:
    count = MinuteCount()
    for second in (0, 1, 30):
        count.add(NOW_NS + second * SECOND_NS)
    assert count.within_minute(NOW_NS + 59 * SECOND_NS) == 3
    assert count.within_minute(NOW_NS + MINUTE_NS - 1) == 3
    assert count.within_minute(NOW_NS + MINUTE_NS) == 2
    assert count.within_minute(NOW_NS + 3 * MINUTE_NS) == 0
    assert len(count.times) == 3
    count.add(NOW_NS + MINUTE_NS + SECOND_NS)
    assert list(count.times) == [NOW_NS + 30 * SECOND_NS, NOW_NS + MINUTE_NS + SECOND_NS]


def test_counts_are_bounded() -> None:
    count = MinuteCount([NOW_NS] * (MESSAGES_MAX + 5))
    count.add(NOW_NS)
    assert count.within_minute(NOW_NS) == MESSAGES_MAX


def test_only_the_last_signatures_are_remembered() -> None:
    activity = Activity()
    for number in range(SIGNATURES_MAX):
        activity.fold_order(("mr", "AIG", Side.BUY, Purpose.ENTRY, number, 1), NOW_NS)
    activity.fold_order(("mr", "AIG", Side.BUY, Purpose.ENTRY, 0, 1), NOW_NS + 1)  # seen again: now the youngest
    activity.fold_order(("mr", "AIG", Side.BUY, Purpose.ENTRY, -1, 1), NOW_NS + 2)
    assert len(activity.signatures) == SIGNATURES_MAX
    assert ("mr", "AIG", Side.BUY, Purpose.ENTRY, 0, 1) in activity.signatures
    assert ("mr", "AIG", Side.BUY, Purpose.ENTRY, 1, 1) not in activity.signatures


def test_orders_that_differ_in_anything_have_different_signatures() -> None:
    variants = [
        intent(),
        intent(Side.SELL),
        intent(quantity=101),
        intent(price=PRICE + 1),
        intent(strategy="trend"),
        intent(symbol="BAC"),
        intent(purpose=EXIT),
    ]
    assert len({signature_of(one) for one in variants}) == len(variants)


# Meeting own orders.


@pytest.mark.req("B3.1")
@pytest.mark.parametrize(
    ("order_type", "expected"),
    [
        (OrderType.LIMIT, PRICE),
        (OrderType.STOP_LIMIT, PRICE),
        (OrderType.MARKET, ANY_PRICE),
        (OrderType.STOP, ANY_PRICE),
        (OrderType.TRAILING_STOP, NO_PRICE),
    ],
)
def test_each_order_type_rests_where_it_could_meet_others(order_type: OrderType, expected: int) -> None:
    assert book_price(order_type, PRICE) == expected


@pytest.mark.req("B3.1")
@pytest.mark.parametrize(
    ("own_side", "own_price", "side", "price", "met"),
    [
        (Side.SELL, 100, Side.BUY, 99, None),
        (Side.SELL, 100, Side.BUY, 100, 100),
        (Side.SELL, 100, Side.BUY, 101, 100),
        (Side.BUY, 100, Side.SELL, 101, None),
        (Side.BUY, 100, Side.SELL, 100, 100),
        (Side.BUY, 100, Side.SELL, 99, 100),
        (Side.BUY, 100, Side.BUY, 200, None),
        (Side.SELL, ANY_PRICE, Side.BUY, 1, ANY_PRICE),
        (Side.SELL, 100, Side.BUY, ANY_PRICE, 100),
        (Side.SELL, NO_PRICE, Side.BUY, 1_000, None),
    ],
)
def test_an_order_meets_own_orders_at_or_through_its_price(own_side: Side, own_price: int, side: Side, price: int, met: int | None) -> None:
    portfolio = books()
    send(portfolio, intent(own_side))
    portfolio.book("AIG").orders["0-a"].book_price_nanos = own_price
    assert portfolio.book("AIG").crossing(side, price, besides="") == met
    assert portfolio.book("AIG").crossing(side, price, besides="0-a") is None


def test_of_several_own_orders_the_lowest_price_is_told() -> None:
    portfolio = books()
    for number, price in enumerate((102, 100, 101)):
        send(portfolio, intent(Side.SELL, price=price * NANOS), order=f"0-{number}")
    assert portfolio.book("AIG").crossing(Side.BUY, 101 * NANOS, besides="") == 100 * NANOS


def test_the_worst_position_is_the_worse_of_both_ways() -> None:
    book = SymbolBook()
    book.net_nanos, book.buys_nanos, book.sells_nanos = 10, 5, 40
    assert book.worst_nanos() == 30
    assert book.worst_nanos(buys=14) == 30
    assert book.worst_nanos(buys=16) == 31
    assert book.worst_nanos(sells=3) == 33


def test_releasing_more_than_ever_worked_is_our_bug() -> None:
    book = Portfolio("demo", CASH, INSTRUMENTS)
    approved = decision(intent(side=Side.SELL))
    book.fold_decision(approved, intent(side=Side.SELL))
    book.book(approved.symbol).sells_nanos = 0
    with pytest.raises(AssertionError, match="released"):
        book.fold_lapse(approved.event_id)


# Bytes.


def busy() -> Portfolio:
    portfolio = books()
    portfolio.fold_fill(fill(100, fee=usd("0.35")))
    portfolio.fold_fill(fill(-7, symbol="BAC", strategy="trend"))
    send(portfolio, intent(Side.SELL, 40, purpose=EXIT, correlation="story"))
    send(portfolio, intent(Side.SELL, 45, purpose=EXIT, replaces="0-a"), order="0-b")
    reserve(portfolio, intent(symbol="RAIN", quantity=3), name="waiting")
    portfolio.fold_command(command(intent(), kind=CommandKind.CANCEL, decision_id="", target="0-a"))
    return portfolio


@pytest.mark.req("B1.3")
def test_a_restored_portfolio_is_the_same_and_goes_on_the_same() -> None:
    portfolio, other = busy(), Portfolio("", 0, INSTRUMENTS)
    other.restore(portfolio.snapshot())
    assert other.snapshot() == portfolio.snapshot()
    assert set(other.active) == set(portfolio.active) == {"AIG", "BAC", "RAIN"}
    assert other.account == "acct"
    for one in (portfolio, other):
        one.fold_order(moved("0-a", working=False, side=Side.SELL, purpose=EXIT))
        one.fold_fill(fill(-45, 51 * NANOS))
        one.fold_order(moved("0-b", working=False, side=Side.SELL, purpose=EXIT, predecessor="0-a"))
        one.fold_command(command(intent(symbol="RAIN", quantity=3), order="0-c", decision_id="waiting"))
    assert other.snapshot() == portfolio.snapshot()
    assert other.cash_attos == portfolio.cash_attos
    assert other.realized_attos == usd(45)


def test_the_order_in_which_rows_came_leaves_no_trace() -> None:
    one, other = books(), books()
    symbols = ("AIG", "BAC", "RAIN")
    for portfolio, order in ((one, symbols), (other, symbols[::-1])):
        for symbol in order:
            portfolio.fold_fill(fill(1, symbol=symbol))
            reserve(portfolio, intent(symbol=symbol), name=f"d-{symbol}")
    assert one.snapshot() == other.snapshot()


def test_any_difference_shows_in_the_bytes() -> None:
    def changed(name: str) -> Portfolio:
        portfolio = busy()
        if name.startswith("holding."):
            holding = portfolio.holdings["mr", "AIG"]
            field = name.removeprefix("holding.")
            old = getattr(holding, field)
            setattr(holding, field, old + (1 if isinstance(old, int) else "x"))
        elif name.startswith("book."):
            field = name.removeprefix("book.")
            setattr(portfolio.books["AIG"], field, getattr(portfolio.books["AIG"], field) + 1)
        elif name == "account":
            portfolio.account = "other"
        else:
            setattr(portfolio, name, getattr(portfolio, name) + 1)
        return portfolio

    names = ["account", "cash_attos", "realized_attos", "fees_attos", "basis_attos"]
    names += [f"book.{field}" for field in ("net_nanos", "buys_nanos", "sells_nanos")]
    names += [
        f"holding.{field}"
        for field in (
            "quantity_nanos",
            "basis_attos",
            "realized_attos",
            "fees_attos",
            "exits_nanos",
            "exit_ns",
            "exit_correlation_id",
        )
    ]
    seen = {busy().snapshot()} | {changed(name).snapshot() for name in names}
    assert len(seen) == len(names) + 1
    for name in names:
        other = books()
        other.restore(changed(name).snapshot())
        assert other.snapshot() == changed(name).snapshot()


@pytest.mark.req("B2.3")
def test_cash_moved_by_no_fill_is_cash_alone() -> None:
    portfolio = books()
    portfolio.fold_cash(usd(-12))
    portfolio.fold_cash(usd("2.5"))
    assert portfolio.cash_attos == CASH + usd("-9.5")
    assert (portfolio.realized_attos, portfolio.fees_attos, portfolio.basis_attos) == (0, 0, 0)


@pytest.mark.req("B4.2")
@pytest.mark.parametrize(
    ("held", "numerator", "denominator", "after"),
    [(10, 2, 1, 20), (-10, 2, 1, -20), (10, 1, 5, 2), (-10, 1, 5, -2), (7, 3, 2, 10.5), (0, 2, 1, 0)],
)
def test_a_restated_holding_keeps_its_cost(held: float, numerator: int, denominator: int, after: float) -> None:
    portfolio = books()
    if held:
        portfolio.fold_fill(fill(held))
    portfolio.fold_fill(fill(3, strategy="other"))
    basis = portfolio.holding("mr", "AIG").basis_attos
    portfolio.fold_restated("mr", "AIG", numerator, denominator)
    assert portfolio.holding("mr", "AIG").quantity_nanos == shares(after)
    assert portfolio.holding("mr", "AIG").basis_attos == basis
    assert portfolio.holding("other", "AIG").quantity_nanos == shares(3)
    assert portfolio.book("AIG").net_nanos == shares(after + 3)


@pytest.mark.req("B4.2")
def test_what_does_not_divide_is_dropped_and_what_is_gone_makes_the_symbol_idle() -> None:
    portfolio = books()
    portfolio.fold_fill(fill(-1))
    portfolio.fold_restated("mr", "AIG", 1, 3)
    assert portfolio.holding("mr", "AIG").quantity_nanos == -333_333_333
    portfolio.fold_restated("mr", "AIG", 1, 10**9)
    assert portfolio.book("AIG").net_nanos == 0
    assert "AIG" not in portfolio.active
    portfolio.fold_restated("new", "BAC", 2, 1)
    assert portfolio.holding("new", "BAC").quantity_nanos == 0
