"""Corners of the books that ordinary days do not reach."""

import pytest
from msgspec.structs import replace

from tests.portfolio.making import CASH, INSTRUMENTS, PRICE, books, fill, intent, send, shares, usd
from tests.portfolio.test_portfolio import moved
from tests.portfolio.test_valuation import dollars, quotes, worth
from tidegate.portfolio.exposure import NO_PRICE
from tidegate.portfolio.portfolio import Portfolio
from tidegate.portfolio.valuation import valuation
from tidegate.values.enums import Purpose, Side
from tidegate.values.money import NANOS

EXIT = Purpose.EXIT


@pytest.mark.req("B3.1")
def test_an_own_order_behind_one_that_cannot_be_met_is_still_met() -> None:
    portfolio = books()
    send(portfolio, intent(Side.BUY), order="0-a")
    send(portfolio, intent(Side.SELL), order="0-b")
    send(portfolio, intent(Side.SELL), order="0-c")
    portfolio.book("AIG").orders["0-b"].book_price_nanos = NO_PRICE
    assert portfolio.book("AIG").crossing(Side.BUY, PRICE, besides="") == PRICE


@pytest.mark.req("B2.5")
def test_realized_profit_of_the_account_adds_up_over_fills() -> None:
    portfolio = books()
    portfolio.fold_fill(fill(100))
    portfolio.fold_fill(fill(-40, 51 * NANOS))
    portfolio.fold_fill(fill(-60, 52 * NANOS))
    assert portfolio.realized_attos == portfolio.holding("mr", "AIG").realized_attos == usd(160)


@pytest.mark.req("A3.4")
def test_own_exits_on_the_account_and_on_the_strategy_both_count() -> None:
    portfolio = books()
    portfolio.fold_fill(fill(100))
    portfolio.fold_fill(fill(200, strategy="trend"))
    send(portfolio, intent(Side.SELL, 30, purpose=EXIT))
    assert portfolio.reducible(intent(Side.SELL, 1, purpose=EXIT)) == shares(70)  # my own binds, the account has 270
    assert portfolio.reducible(intent(Side.SELL, 1, purpose=EXIT, replaces="0-a")) == shares(100)
    assert portfolio.reducible(intent(Side.SELL, 1, purpose=EXIT, strategy="trend")) == shares(200)


@pytest.mark.req("A3.4")
def test_only_orders_of_the_exits_own_side_leave_less_to_reduce() -> None:
    long, short = books(), books()
    long.fold_fill(fill(100))
    send(long, intent(Side.BUY, 60))
    assert long.reducible(intent(Side.SELL, 1, purpose=EXIT)) == shares(100)
    short.fold_fill(fill(-100))
    send(short, intent(Side.SELL, 60))
    assert short.reducible(intent(Side.BUY, 1, purpose=EXIT)) == shares(100)
    send(short, intent(Side.BUY, 30, strategy="trend"), order="0-b")
    assert short.reducible(intent(Side.BUY, 1, purpose=EXIT)) == shares(70)


def test_an_order_taken_in_is_known_with_all_it_needs() -> None:
    portfolio = books()
    portfolio.fold_order(moved("x", 7, strategy="s", side=Side.SELL, purpose=EXIT, predecessor="w"))
    row = portfolio.book("AIG").orders["x"]
    assert (row.client_order_id, row.strategy_id, row.symbol) == ("x", "s", "AIG")
    assert (row.side, row.purpose, row.predecessor_id) == (Side.SELL, EXIT, "w")
    assert (row.book_price_nanos, row.remaining_nanos) == (PRICE, shares(7))
    assert portfolio.holding("s", "AIG").exits_nanos == shares(7)


def test_a_flat_symbol_does_not_hide_those_behind_it() -> None:
    portfolio = books()
    send(portfolio, intent(symbol="AIG"))  # works, holds nothing
    portfolio.fold_fill(fill(10, 20 * NANOS, symbol="BAC"))
    value = valuation(portfolio, quotes(BAC=(21, 22)))
    assert value is not None
    assert value.unrealized_attos == usd(10)


@pytest.mark.req("A3.4")
def test_every_symbol_of_a_sector_or_cluster_counts() -> None:
    basket = {name: replace(one, sector="basket", event_cluster="fact") for name, one in INSTRUMENTS.items()}
    portfolio = Portfolio("acct", CASH, basket)
    for symbol in basket:
        portfolio.fold_fill(fill(10, symbol=symbol))
    found = worth(portfolio, quotes(AIG=(50, 51), BAC=(20, 21), RAIN=(10, 11)), "basket", "fact")
    assert found.sector_micros == found.cluster_micros == found.gross_micros == dollars(500 + 200 + 300)


@pytest.mark.parametrize("held", [1, -1])
def test_the_mark_is_asked_for_by_the_sign_of_the_position(held: int) -> None:
    asked = []

    def mark(symbol: str, sign: int) -> int | None:
        asked.append((symbol, sign))
        return PRICE

    portfolio = books()
    portfolio.fold_fill(fill(held))
    valuation(portfolio, mark)
    worth(portfolio, mark)
    assert asked == [("AIG", held)] * 2


def test_a_cost_restated_after_the_close_leaves_the_symbol_idle() -> None:
    portfolio = books()
    portfolio.fold_fill(fill(5))
    portfolio.fold_fill(fill(-5))
    restated = replace(fill(5), quantity_nanos=0, cost_attos=usd(1))
    assert portfolio.fold_fill(restated) == usd(-1)
    assert not portfolio.active
    assert portfolio.cash_attos == CASH - usd(1)
