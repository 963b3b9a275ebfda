"""Round trips: by hand, and against a twin that walks share by share."""

from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.analytics.parts import OPEN_NS
from tests.analytics.scripted import Scripted
from tidegate.analytics.collect import Collector, Run, Sources
from tidegate.analytics.orders import FillRow
from tidegate.analytics.trades import match_trades
from tidegate.events.inputs import PositionRestated
from tidegate.values.enums import ExitReason, Regime, Side
from tidegate.values.money import NANOS, attos
from tidegate.values.time import SECOND_NS

pytestmark = pytest.mark.req("C2.1")
QUOTE = ("49.00", "49.02")


def run_of(script: Scripted, sources: Sources | None = None) -> Run:
    collector = Collector()
    for n, k, message in script.entries:
        collector.act(n, k, message)
    return collector.run(None, sources)


def long_trade() -> Scripted:
    """Buy 300 in two parts at 49.02 and 49.03, sell 300 at 49.20 by take profit, fees 0.30 and 0.60."""
    script = Scripted()
    script.at(OPEN_NS).label("AIG", Regime.TREND)
    order = script.enter("AIG", "trend", Side.BUY, 300, QUOTE)
    script.at(OPEN_NS + SECOND_NS).fill(order, 200, "49.02", "0.20")
    script.at(OPEN_NS + 2 * SECOND_NS).fill(order, 100, "49.03", "0.10")
    script.at(OPEN_NS + 60 * SECOND_NS)
    out = script.leave("AIG", "trend", Side.SELL, 300, ("49.20", "49.21"), ExitReason.TAKE_PROFIT)
    script.at(OPEN_NS + 61 * SECOND_NS).fill(out, 300, "49.20", "0.60")
    return script


def test_a_long_trade_filled_in_parts_has_exact_prices_result_and_reason() -> None:
    (trade,) = run_of(long_trade()).trade_rows
    assert trade.entry_value_attos == attos("200") * 49 + attos("4") + attos("4903")
    assert trade.entry_price_nanos == pytest.approx((200 * 49.02 + 100 * 49.03) / 300 * NANOS)
    assert trade.gross_attos == attos(str(300 * 49.20 - 200 * 49.02 - 100 * 49.03)[:8])
    assert trade.fees_attos == attos("0.9")
    assert trade.net_attos == attos("52.1")
    assert trade.hold_ns == 60 * SECOND_NS
    assert trade.exit_reason is ExitReason.TAKE_PROFIT
    assert trade.regime is Regime.TREND
    assert trade.r_multiple == pytest.approx(52.1 / (0.10 * 300))


def test_slippage_is_measured_from_each_intents_reference_and_is_positive_when_worse() -> None:
    (trade,) = run_of(long_trade()).trade_rows
    assert trade.entry_slippage_bps == pytest.approx((0.01 / 3) / 49.02 * 10_000)
    assert trade.exit_slippage_bps == 0.0


def test_a_short_trade_gains_when_the_price_falls() -> None:
    script = Scripted()
    script.at(OPEN_NS)
    order = script.enter("AIG", "trend", Side.SELL, 100, QUOTE)
    script.at(OPEN_NS + 1).fill(order, 100, "49.00")
    script.at(OPEN_NS + 2)
    out = script.leave("AIG", "trend", Side.BUY, 100, ("48.50", "48.52"), ExitReason.TRIGGER)
    script.at(OPEN_NS + 3).fill(out, 100, "48.52")
    (trade,) = run_of(script, Sources(marks=lambda *_: (48_400_000_000, 49_100_000_000, 48_420_000_000, 49_120_000_000))).trade_rows
    assert (trade.direction, trade.net_attos) == (-1, attos("48"))
    assert trade.excursions_bps is not None
    assert trade.excursions_bps[0] == pytest.approx(-0.12 / 49.00 * 10_000)  # the ask at its highest
    assert trade.excursions_bps[1] == pytest.approx(0.58 / 49.00 * 10_000)  # the ask at its lowest


def test_excursions_of_a_long_trade_are_at_the_bid_and_unknown_without_a_tape() -> None:
    asked: list[tuple[str, int, int]] = []

    def marks(symbol: str, from_ns: int, to_ns: int) -> tuple[int, int, int, int]:
        asked.append((symbol, from_ns, to_ns))
        return 48_900_000_000, 49_300_000_000, 48_920_000_000, 49_320_000_000

    (trade,) = run_of(long_trade(), Sources(marks=marks)).trade_rows
    assert asked == [("AIG", trade.entry_ns, trade.exit_ns)]
    assert trade.excursions_bps is not None
    entry = trade.entry_price_nanos
    assert trade.excursions_bps[0] == pytest.approx((48_900_000_000 - entry) / entry * 10_000)
    assert trade.excursions_bps[1] == pytest.approx((49_300_000_000 - entry) / entry * 10_000)
    run = run_of(long_trade())
    assert run.trade_rows[0].excursions_bps is None
    assert run.trades["mae_bps"].to_list() == [None]


def test_excursions_never_change_sign() -> None:
    above = (49_500_000_000, 49_600_000_000, 49_520_000_000, 49_620_000_000)
    (trade,) = run_of(long_trade(), Sources(marks=lambda *_: above)).trade_rows
    assert trade.excursions_bps is not None
    assert trade.excursions_bps[0] == 0.0


def test_a_position_still_held_is_an_open_trade_without_a_result() -> None:
    script = Scripted()
    script.at(OPEN_NS)
    order = script.enter("AIG", "trend", Side.BUY, 100, QUOTE)
    script.at(OPEN_NS + 1).fill(order, 100, "49.02", "0.05")
    run = run_of(script)
    (trade,) = run.trade_rows
    assert trade.is_open
    assert (trade.net_attos, trade.net_usd, trade.hold_ns, trade.exit_price_nanos) == (None, None, None, None)
    assert run.trades.is_empty()
    assert run.open_trades["net_usd"].to_list() == [None]
    assert run.open_trades["fees_usd"].to_list() == [0.05]


def test_a_fill_that_crosses_zero_closes_one_trade_and_opens_the_next_with_its_fee_split() -> None:
    first = made(side=Side.BUY, quantity=100, price="10", fee=3)
    second = made(side=Side.SELL, quantity=300, price="11", fee=10)
    closed, opened = match_trades([first, second], {}, {}, None)
    assert (closed.net_attos, closed.fees_attos) == (attos("100") - 6, 6)
    assert (opened.direction, opened.entry_quantity_nanos, opened.fees_attos) == (-1, 200 * NANOS, 7)
    assert opened.is_open


def test_strategies_and_symbols_are_matched_apart() -> None:
    rows = [
        made(side=Side.BUY),
        replace(made(side=Side.SELL), strategy_id="other"),
        replace(made(side=Side.SELL), symbol="IBM"),
    ]
    assert [trade.is_open for trade in match_trades(rows, {}, {}, None)] == [True, True, True]


def test_a_contract_multiplier_scales_value_but_not_price() -> None:
    rows = [made(side=Side.BUY, quantity=2, price="1.50"), made(side=Side.SELL, quantity=2, price="1.75")]
    (trade,) = match_trades(rows, {}, {"AIG": 100}, None)
    assert (trade.net_attos, trade.entry_price_nanos) == (attos("50"), 1.5 * NANOS)


_numbers = count(1)


def made(*, side: Side, quantity: int = 100, price: str = "10", fee: int = 0, strategy: str = "one") -> FillRow:
    """One execution; the fee in attos."""
    number = next(_numbers)
    return FillRow(
        n=number,
        timestamp_ns=number,
        venue_ns=number,
        client_order_id=f"order-{number}",
        execution_id=f"x{number}",
        strategy_id=strategy,
        symbol="AIG",
        side=side,
        quantity_nanos=quantity * NANOS,
        price_nanos=int(attos(price) // NANOS),
        fee_attos=fee,
        liquidity=None,
        correlation_id="",
    )


fills = st.lists(
    st.builds(
        made,
        side=st.sampled_from(Side),
        quantity=st.integers(1, 12),
        price=st.integers(1, 400).map(lambda cents: f"{cents / 100:.2f}"),
        fee=st.integers(-50, 500),
        strategy=st.sampled_from(["one", "two"]),
    ),
    max_size=25,
)


@given(fills)
def test_all_cash_of_all_fills_is_in_exactly_one_trade(rows: list[FillRow]) -> None:
    trades = match_trades(rows, {}, {}, None)
    cash = sum(-row.side.sign * row.quantity_nanos * row.price_nanos - row.fee_attos for row in rows)
    assert sum(trade.cash_attos for trade in trades) == cash
    assert sum(trade.fees_attos for trade in trades) == sum(row.fee_attos for row in rows)


@given(fills)
def test_trades_agree_with_a_walk_share_by_share(rows: list[FillRow]) -> None:
    found = [
        (trade.strategy_id, trade.direction, trade.gross_attos, trade.peak_quantity_nanos // NANOS)
        for trade in match_trades(rows, {}, {}, None)
        if not trade.is_open
    ]
    assert sorted(found) == sorted(walked(rows))


def walked(rows: list[FillRow]) -> list[tuple[str, int, int, int]]:
    """One share at a time: a trade ends whenever the position is zero after a share."""
    done: list[tuple[str, int, int, int]] = []
    for strategy in ("one", "two"):
        position = cash = peak = direction = 0
        for row in rows:
            if row.strategy_id != strategy:
                continue
            for _ in range(row.quantity_nanos // NANOS):
                if position == 0:
                    cash, peak, direction = 0, 0, row.side.sign
                position += row.side.sign
                cash -= row.side.sign * row.price_nanos * NANOS
                peak = max(peak, abs(position))
                if position == 0:
                    done.append((strategy, direction, cash, peak))
    return done


@pytest.mark.parametrize(("numerator", "denominator", "shares"), [(2, 1, 600), (1, 3, 100)])
def test_a_split_restates_what_is_held_and_makes_neither_a_loss_nor_another_trade(numerator: int, denominator: int, shares: int) -> None:
    script = Scripted()
    order = script.at(OPEN_NS).enter("AIG", "trend", Side.BUY, 300, QUOTE)
    script.at(OPEN_NS + SECOND_NS).fill(order, 300, "49.02", "0.30")
    script.at(OPEN_NS + 2 * SECOND_NS)
    head = script.head("AIG", "")
    script.k = 0
    script.say(PositionRestated(**head, numerator=numerator, denominator=denominator, reason="a split"))
    price = f"{49.32 * denominator / numerator:.2f}"
    script.at(OPEN_NS + 3 * SECOND_NS)
    out = script.leave("AIG", "trend", Side.SELL, shares, (price, "200.00"), ExitReason.TAKE_PROFIT)
    script.at(OPEN_NS + 4 * SECOND_NS).fill(out, shares, price, "0.60")
    nothing = Sources(marks=lambda _symbol, _from, _to: (1, 1, 1, 1))
    (trade,) = run_of(script, nothing).trade_rows
    assert not trade.is_open
    assert trade.net_attos == attos("89.1")
    assert (trade.entry_quantity_nanos, trade.exit_quantity_nanos, trade.peak_quantity_nanos) == (shares * NANOS,) * 3
    assert trade.r_multiple == pytest.approx(89.1 / (0.10 * 300)), "the risk was planned in the units of the entry"
    assert trade.excursions_bps is None, "a tape's prices before and after a split cannot be compared"


def test_what_does_not_survive_a_split_has_no_end() -> None:
    script = Scripted()
    order = script.at(OPEN_NS).enter("AIG", "trend", Side.BUY, 3, QUOTE)
    script.at(OPEN_NS + SECOND_NS).fill(order, 3, "49.02", "0.30")
    script.at(OPEN_NS + 2 * SECOND_NS)
    head = script.head("AIG", "")
    script.say(PositionRestated(**head, numerator=1, denominator=10**10, reason="a reverse split"))
    (trade,) = run_of(script).trade_rows
    assert (trade.is_open, trade.net_attos) == (True, None)
