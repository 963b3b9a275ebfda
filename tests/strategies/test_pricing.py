"""Order prices by hand and by property: on the grid, and never worse than the rule allows."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.strategies.plan import Distance, DistanceUnit, EntryRule, EntryStyle, atr, bps, dollars
from tidegate.strategies.pricing import entry_price, through
from tidegate.values.enums import OrderType, Side
from tidegate.values.instruments import Instrument
from tidegate.values.money import NANOS, nanos

pytestmark = pytest.mark.req("A2.1", "A4.2")

STOCK = Instrument(index=0, symbol="AIG", venue="sim")


def limit(side: Side, slippage: Distance, *, bid: str = "49.99", ask: str = "50.00", atr_usd: float = 0.1) -> int:
    rule = EntryRule(slippage=slippage)
    order_type, price = entry_price(rule, STOCK, side, bid_nanos=nanos(bid), ask_nanos=nanos(ask), atr=atr_usd)
    assert order_type is OrderType.LIMIT
    return price


@pytest.mark.parametrize(
    ("slippage", "buy", "sell"),
    [
        (bps(0.0), "50.00", "49.99"),
        (bps(5.0), "50.02", "49.97"),  # 2.5 cents, rounded to our side
        (bps(8.2), "50.04", "49.95"),  # 4.1 cents
        (dollars(0.03), "50.03", "49.96"),
        (dollars(2.01), "52.01", "47.98"),  # no binary fraction, and no tick lost
        (atr(0.5), "50.05", "49.94"),
    ],
)
def test_a_marketable_limit_goes_so_far_through_the_touch(slippage: Distance, buy: str, sell: str) -> None:
    assert limit(Side.BUY, slippage) == nanos(buy)
    assert limit(Side.SELL, slippage) == nanos(sell)


def test_a_limit_below_a_dollar_keeps_the_finer_grid() -> None:
    assert limit(Side.BUY, bps(5.0), bid="0.9998", ask="0.9999") == nanos("1.00")
    assert limit(Side.SELL, bps(5.0), bid="0.5000", ask="0.5001") == nanos("0.4998")


def test_a_seller_never_asks_for_nothing() -> None:
    assert limit(Side.SELL, dollars(5.0), bid="0.01", ask="0.02") == STOCK.tick_at(0)


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, "50.12"), (Side.SELL, "50.14")])
def test_a_passive_limit_joins_the_near_side_on_the_grid(side: Side, price: str) -> None:
    rule = EntryRule(style=EntryStyle.PASSIVE_LIMIT)
    bid, ask = nanos("50.1250"), nanos("50.1350")
    assert entry_price(rule, STOCK, side, bid_nanos=bid, ask_nanos=ask, atr=0.1) == (OrderType.LIMIT, nanos(price))


def test_a_market_order_has_no_limit() -> None:
    rule = EntryRule(style=EntryStyle.MARKET)
    assert entry_price(rule, STOCK, Side.BUY, bid_nanos=1, ask_nanos=2, atr=0.0) == (OrderType.MARKET, 0)


def allowed(slippage: Distance, price_nanos: int, atr_usd: float) -> Fraction:
    value = Fraction(slippage.value)
    if slippage.unit is DistanceUnit.BPS:
        return price_nanos * value / 10_000
    return value * NANOS * (Fraction(atr_usd) if slippage.unit is DistanceUnit.ATR else 1)


@given(
    price=st.integers(10**5, 10**15),
    slippage=st.builds(Distance, unit=st.sampled_from(DistanceUnit), value=st.floats(0.0, 500.0)),
    atr_usd=st.floats(0.0, 100.0),
)
def test_every_limit_is_on_the_grid_and_within_touch_and_slippage(price: int, slippage: Distance, atr_usd: float) -> None:
    buy = through(price, Side.BUY, slippage, STOCK, atr=atr_usd)
    sell = through(price, Side.SELL, slippage, STOCK, atr=atr_usd)
    assert min(buy, sell) > 0
    assert buy % STOCK.tick_at(buy) == sell % STOCK.tick_at(sell) == 0
    most = allowed(slippage, price, atr_usd)
    hair = 1 + Fraction(price, 10**9) + most / 2**52  # a nano, and what nine decimals of the rule are worth
    assert buy <= price + most + hair
    assert sell >= price - most - hair
    assert price + most - buy < STOCK.tick_at(price + int(most)) + hair
