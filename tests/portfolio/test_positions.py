"""One strategy's position: exact integers by the average-cost method."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.portfolio.making import fill, shares, usd
from tidegate.portfolio.positions import Fill, Holding
from tidegate.values.enums import Side
from tidegate.values.money import NANOS

FILLS = st.tuples(
    st.integers(-500, 500).filter(bool), st.integers(1, 10_000), st.integers(-5, 50)
)  # lots of 1/7 share, price in cents, fee


def holding_after(*fills: Fill) -> Holding:
    holding = Holding()
    for one in fills:
        holding.apply(one)
    return holding


def odd_fill(lots: int, cents: int, fee: int) -> Fill:
    """A quantity and price whose product leaves remainders when it is divided."""
    quantity = lots * 142_857_143
    return Fill(
        strategy_id="mr",
        symbol="AIG",
        side=Side.BUY if lots > 0 else Side.SELL,
        quantity_nanos=quantity,
        cost_attos=quantity * cents * NANOS // 100,
        fee_attos=fee,
    )


@pytest.mark.req("B2.5")
def test_adding_to_a_position_adds_quantity_and_cost() -> None:
    holding = holding_after(fill(100, 50 * NANOS), fill(50, 56 * NANOS))
    assert holding.quantity_nanos == shares(150)
    assert holding.basis_attos == usd(7_800)
    assert holding.realized_attos == 0


@pytest.mark.req("B2.5")
def test_closing_part_releases_its_share_of_the_cost() -> None:
    holding = holding_after(fill(100, 50 * NANOS), fill(50, 56 * NANOS))
    assert holding.apply(fill(-60, 55 * NANOS)) == usd(180)
    assert holding.quantity_nanos == shares(90)
    assert holding.basis_attos == usd(4_680)
    assert holding.realized_attos == usd(180)


@pytest.mark.req("B2.5")
def test_closing_all_leaves_no_cost_behind() -> None:
    holding = holding_after(fill(3, 10 * NANOS), fill(4, 11 * NANOS), fill(-2, 12 * NANOS), fill(-5, 9 * NANOS))
    assert holding.quantity_nanos == 0
    assert holding.basis_attos == 0
    assert holding.realized_attos == usd(24 + 45 - 74)


@pytest.mark.req("B2.5")
def test_a_fill_past_zero_closes_and_then_opens_at_its_own_price() -> None:
    holding = holding_after(fill(100, 50 * NANOS))
    assert holding.apply(fill(-150, 52 * NANOS)) == usd(200)
    assert holding.quantity_nanos == shares(-50)
    assert holding.basis_attos == usd(-2_600)


@pytest.mark.req("B2.5")
def test_a_short_position_earns_when_the_price_falls() -> None:
    holding = holding_after(fill(-100, 50 * NANOS))
    assert holding.basis_attos == usd(-5_000)
    assert holding.apply(fill(40, 45 * NANOS)) == usd(200)
    assert holding.basis_attos == usd(-3_000)
    assert holding.apply(fill(100, 51 * NANOS)) == usd(-60)
    assert (holding.quantity_nanos, holding.basis_attos) == (shares(40), usd(2_040))


@pytest.mark.req("B2.5")
def test_fees_are_kept_apart_from_realized_profit() -> None:
    holding = holding_after(fill(10, fee=usd("0.35")), fill(-10, fee=usd("0.45")))
    assert holding.fees_attos == usd("0.8")
    assert holding.realized_attos == 0


@pytest.mark.req("B2.5")
def test_what_does_not_divide_stays_in_the_basis() -> None:
    long = Fill(strategy_id="", symbol="", side=Side.BUY, quantity_nanos=3, cost_attos=10, fee_attos=0)
    sold = Fill(strategy_id="", symbol="", side=Side.SELL, quantity_nanos=-1, cost_attos=-5, fee_attos=0)
    holding = holding_after(long)
    assert holding.apply(sold) == 5 - 3
    assert holding.basis_attos == 7
    short = Holding()
    short.quantity_nanos, short.basis_attos = -3, -10
    bought = Fill(strategy_id="", symbol="", side=Side.BUY, quantity_nanos=1, cost_attos=5, fee_attos=0)
    assert short.apply(bought) == 3 - 5
    assert short.basis_attos == -7


@pytest.mark.parametrize(("held", "side", "in_basis"), [(5, Side.BUY, True), (-5, Side.SELL, True), (5, Side.SELL, False)])
def test_a_restated_cost_goes_where_its_quantity_is(held: int, side: Side, *, in_basis: bool) -> None:
    holding = holding_after(fill(held))
    before = holding.basis_attos
    restated = Fill(strategy_id="", symbol="", side=side, quantity_nanos=0, cost_attos=700, fee_attos=3)
    assert holding.apply(restated) == (0 if in_basis else -700)
    assert holding.basis_attos - before == (700 if in_basis else 0)
    assert holding.realized_attos == (0 if in_basis else -700)
    assert holding.fees_attos == 3


def test_a_cost_restated_after_the_close_is_realized() -> None:
    restated = Fill(strategy_id="", symbol="", side=Side.BUY, quantity_nanos=0, cost_attos=700, fee_attos=0)
    assert holding_after(fill(5), fill(-5), restated).realized_attos == -700


@pytest.mark.req("B2.5")
@given(st.lists(FILLS, max_size=30))
def test_no_money_appears_or_vanishes(history: list[tuple[int, int, int]]) -> None:
    fills = [odd_fill(*one) for one in history]
    holding = holding_after(*fills)
    assert holding.basis_attos - holding.realized_attos == sum(one.cost_attos for one in fills)
    assert holding.fees_attos == sum(one.fee_attos for one in fills)
    assert holding.quantity_nanos == sum(one.quantity_nanos for one in fills)
    assert (holding.quantity_nanos == 0) <= (holding.basis_attos == 0)
    assert holding.quantity_nanos * holding.basis_attos >= 0


@given(st.lists(FILLS, max_size=20))
def test_long_and_short_are_mirror_images(history: list[tuple[int, int, int]]) -> None:
    one = holding_after(*[odd_fill(*each) for each in history])
    other = holding_after(*[odd_fill(-lots, cents, fee) for lots, cents, fee in history])
    assert (one.quantity_nanos, one.basis_attos) == (-other.quantity_nanos, -other.basis_attos)
    paid = sum(odd_fill(*each).cost_attos for each in history)
    assert one.realized_attos + other.realized_attos == one.basis_attos - paid + other.basis_attos + paid
