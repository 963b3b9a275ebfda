"""Somebody else's execution: it closes what strategies hold, in order, to the last atto, and the rest is nobody's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.portfolio.making import PRICE, books, fill, shares
from tidegate.portfolio.attribution import attributed
from tidegate.portfolio.portfolio import Portfolio
from tidegate.portfolio.positions import Fill
from tidegate.values.enums import Side

pytestmark = pytest.mark.req("B2.3", "B3.7")


def holding(**held: int) -> Portfolio:
    portfolio = books()
    for strategy, quantity in held.items():
        portfolio.fold_fill(fill(quantity, strategy=strategy))
    return portfolio


def told(portfolio: Portfolio, foreign: Fill) -> list[tuple[str, int]]:
    return [(part.strategy_id, part.quantity_nanos) for part in attributed(portfolio, foreign)]


def test_what_closes_a_position_is_its_strategys() -> None:
    assert told(holding(mr=5), fill(-5, strategy="")) == [("mr", shares(-5))]
    assert told(holding(mr=-5), fill(3, strategy="")) == [("mr", shares(3))]


def test_strategies_are_closed_in_the_order_of_their_ids_and_no_further_than_flat() -> None:
    assert told(holding(bo=2, tf=4, mr=3), fill(-6, strategy="")) == [("bo", shares(-2)), ("mr", shares(-3)), ("tf", shares(-1))]


def test_what_is_left_is_nobodys() -> None:
    assert told(holding(mr=5), fill(-8, strategy="")) == [("mr", shares(-5)), ("", shares(-3))]
    assert told(holding(), fill(-8, strategy="")) == [("", shares(-8))]


def test_a_fill_of_the_positions_own_side_closes_nothing() -> None:
    assert told(holding(mr=5), fill(2, strategy="")) == [("", shares(2))]
    assert told(holding(mr=-5, tf=3), fill(-2, strategy="")) == [("tf", shares(-2))]


def test_another_symbol_and_what_nobody_holds_is_passed_over() -> None:
    portfolio = holding(mr=5)
    portfolio.fold_fill(fill(4, strategy="aa", symbol="BAC"))
    portfolio.fold_fill(fill(4, strategy=""))
    assert told(portfolio, fill(-6, strategy="")) == [("mr", shares(-5)), ("", shares(-1))]


def test_a_change_of_cost_alone_stays_what_it_is() -> None:
    restated = Fill(strategy_id="", symbol="AIG", side=Side.SELL, quantity_nanos=0, cost_attos=7, fee_attos=1)
    assert attributed(holding(mr=5), restated) == (restated,)


@given(
    held=st.dictionaries(st.sampled_from("abcd"), st.integers(-9, 9).filter(bool), max_size=4),
    quantity=st.integers(-20, 20).filter(bool),
    price=st.integers(1, 3 * PRICE),
    fee=st.integers(-(10**15), 10**15),
)
def test_the_parts_add_up_to_the_fill_and_none_turns_a_position(held: dict[str, int], quantity: int, price: int, fee: int) -> None:
    portfolio = holding(**held)
    foreign = fill(quantity, price, fee=fee, strategy="")
    parts = attributed(portfolio, foreign)
    for field in ("quantity_nanos", "cost_attos", "fee_attos"):
        assert sum(getattr(part, field) for part in parts) == getattr(foreign, field)
    left = dict(held)
    for part in parts:
        assert (part.symbol, part.side) == (foreign.symbol, foreign.side)
        assert part.quantity_nanos * foreign.quantity_nanos > 0
        assert abs(part.cost_attos - part.quantity_nanos * price) <= len(parts), "each pays the fill's own price"
        assert abs(part.fee_attos * foreign.quantity_nanos - fee * part.quantity_nanos) <= len(parts) * abs(foreign.quantity_nanos)
        if part.strategy_id:
            now = left[part.strategy_id] + part.quantity_nanos // shares(1)
            assert now * held[part.strategy_id] >= 0
            left[part.strategy_id] = now
    if any(part.strategy_id == "" for part in parts):
        assert all(count * quantity >= 0 for count in left.values()), "nobody is left who could be closed"
