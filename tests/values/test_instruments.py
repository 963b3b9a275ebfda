"""Tick bands and lots: prices are put on the grid in the direction that never favors us."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.values.enums import InstrumentKind, Regime, Side
from tidegate.values.errors import ExitCode, TidegateError
from tidegate.values.instruments import Instrument, TickBand
from tidegate.values.money import NANOS, nanos

pytestmark = pytest.mark.req("B1.1", "A4.1")

STOCK = Instrument(index=0, symbol="AAA", venue="v")
KALSHI = Instrument(
    index=1,
    symbol="K",
    venue="k",
    kind=InstrumentKind.EVENT_CONTRACT,
    tick_bands=(
        TickBand(from_nanos=0, tick_nanos=nanos("0.001")),
        TickBand(from_nanos=nanos("0.1"), tick_nanos=nanos("0.01")),
        TickBand(from_nanos=nanos("0.9"), tick_nanos=nanos("0.001")),
    ),
    lot_nanos=NANOS // 100,
)


@pytest.mark.parametrize(("price", "tick"), [("0.5", "0.0001"), ("0.9999", "0.0001"), ("1", "0.01"), ("500", "0.01")])
def test_a_stock_s_tick_is_finer_below_one_dollar(price: str, tick: str) -> None:
    assert STOCK.tick_at(nanos(price)) == nanos(tick)


@given(st.sampled_from((STOCK, KALSHI)), st.integers(1, nanos("400")))
def test_floor_and_ceiling_enclose_a_price_on_the_grid(instrument: Instrument, price: int) -> None:
    floor, ceiling = instrument.floor_price(price), instrument.ceil_price(price)
    assert floor <= price <= ceiling
    assert ceiling - floor <= instrument.tick_at(price)
    assert ceiling % instrument.tick_at(ceiling) == floor % instrument.tick_at(floor) == 0
    on_grid = price % instrument.tick_at(price) == 0
    assert on_grid == (floor == price) == (ceiling == price)


@given(st.sampled_from((STOCK, KALSHI)), st.integers(0, 10**15))
def test_a_floored_quantity_is_the_most_whole_lots_within(instrument: Instrument, quantity: int) -> None:
    floored = instrument.floor_quantity(quantity)
    assert 0 <= quantity - floored < instrument.lot_nanos
    assert floored % instrument.lot_nanos == 0


def test_sides_have_signs_and_opposites() -> None:
    assert [side.sign for side in Side] == [1, -1]
    assert [side.opposite for side in Side] == [Side.SELL, Side.BUY]


def test_what_was_never_classified_may_not_be_traded() -> None:
    assert Regime(0) is Regime.UNTRADEABLE


def test_an_error_without_a_code_of_its_own_is_one_of_usage() -> None:
    assert TidegateError("x").exit_code is ExitCode.USAGE
    assert [int(code) for code in ExitCode] == [0, 1, 2, 3, 4]
