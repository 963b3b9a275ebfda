"""What the account is worth, and what it could come to hold."""

import pytest

from tests.portfolio.making import CASH, PRICE, books, fill, intent, send, shares, usd
from tidegate.portfolio.portfolio import Portfolio
from tidegate.portfolio.valuation import (
    MICRO,
    NOTHING,
    Exposure,
    Marks,
    Valuation,
    exposure,
    micros,
    strategy_worth,
    unpriced,
    valuation,
    worst_worth,
)
from tidegate.values.enums import Side
from tidegate.values.money import NANOS


def quotes(**sides: tuple[float, float]) -> Marks:
    """Bid for a long position, ask for a short one; a symbol that is not named cannot be priced."""

    def mark(symbol: str, sign: int) -> int | None:
        assert sign in {1, -1}
        if symbol not in sides:
            return None
        return round(sides[symbol][0 if sign > 0 else 1] * NANOS)

    return mark


def dollars(amount: float) -> int:
    return round(amount * 1_000_000)


def worth(portfolio: Portfolio, mark: Marks, sector: str = "insurance", cluster: str = "") -> Exposure:
    found = exposure(portfolio, mark, sector, cluster)
    assert found is not None
    return found


@pytest.mark.req("B2.5")
def test_positions_are_valued_at_the_side_they_would_be_closed_against() -> None:
    portfolio = books()
    portfolio.fold_fill(fill(100, PRICE, fee=usd(1)))
    portfolio.fold_fill(fill(-10, 20 * NANOS, symbol="BAC"))
    value = valuation(portfolio, quotes(AIG=(51, 52), BAC=(18, 19)))
    assert value == Valuation(
        equity_attos=CASH + usd(100) + usd(10) - usd(1),
        unrealized_attos=usd(110),
        gross_attos=usd(5_290),
        net_attos=usd(4_910),
    )


@pytest.mark.req("B2.5")
def test_contracts_are_valued_with_their_multiplier() -> None:
    portfolio = books()
    portfolio.fold_fill(fill(2, 10 * NANOS, symbol="RAIN", multiplier=3))
    value = valuation(portfolio, quotes(RAIN=(11, 12)))
    assert value is not None
    assert (value.unrealized_attos, value.gross_attos) == (usd(6), usd(66))


def test_a_flat_account_is_worth_its_cash() -> None:
    assert valuation(books(), quotes()) == Valuation(CASH, 0, 0, 0)


@pytest.mark.req("B2.5")
def test_what_is_held_and_cannot_be_priced_makes_the_value_unknown() -> None:
    portfolio = books()
    portfolio.fold_fill(fill(1))
    portfolio.fold_fill(fill(1, symbol="BAC"))
    assert valuation(portfolio, quotes(AIG=(50, 51))) is None
    assert exposure(portfolio, quotes(AIG=(50, 51)), "", "") is None


def test_a_symbol_nobody_defined_cannot_be_priced() -> None:
    portfolio = books()
    portfolio.fold_fill(fill(1, symbol="XYZ"))
    assert valuation(portfolio, quotes(XYZ=(50, 51))) is None
    assert exposure(portfolio, quotes(XYZ=(50, 51)), "", "") is None


def test_working_orders_are_not_worth_anything_yet() -> None:
    portfolio = books()
    send(portfolio, intent())
    assert valuation(portfolio, quotes()) == Valuation(CASH, 0, 0, 0)


@pytest.mark.req("A3.4")
def test_nothing_held_or_working_exposes_to_nothing() -> None:
    assert exposure(books(), quotes(), "insurance", "") is NOTHING
    assert Exposure() == NOTHING


@pytest.mark.req("A3.4")
def test_exposure_counts_the_worse_of_all_buys_and_all_sells() -> None:
    portfolio = books()
    portfolio.fold_fill(fill(100))
    send(portfolio, intent(Side.BUY, 20))
    send(portfolio, intent(Side.SELL, 250), order="0-b")
    found = worth(portfolio, quotes(AIG=(50, 51)))
    assert found.gross_micros == dollars(150 * 51)  # short 150 if every sell fills
    assert found.long_micros == dollars(120 * 51)
    assert found.short_micros == dollars(150 * 51)
    assert found.held_micros == dollars(100 * 51)
    assert found.held_nanos == shares(100)


@pytest.mark.req("A3.4")
def test_exposure_of_long_positions_uses_the_bid() -> None:
    portfolio = books()
    portfolio.fold_fill(fill(100))
    send(portfolio, intent(Side.SELL, 200), order="0-b")
    assert worth(portfolio, quotes(AIG=(50, 51))).gross_micros == dollars(100 * 50)  # a tie is a long


@pytest.mark.req("A3.4")
def test_long_and_short_symbols_add_in_gross_and_offset_in_net() -> None:
    portfolio = books()
    portfolio.fold_fill(fill(100))
    portfolio.fold_fill(fill(-40, symbol="BAC"))
    found = worth(portfolio, quotes(AIG=(50, 51), BAC=(19, 20)))
    assert found.gross_micros == dollars(5_000 + 800)
    assert found.long_micros == dollars(5_000 - 800)
    assert found.short_micros == dollars(800 - 5_000)
    assert found.held_nanos == shares(140)
    assert found.held_micros == dollars(5_800)


@pytest.mark.req("A3.4")
def test_sector_and_cluster_sums_are_those_asked_for() -> None:
    portfolio = books()
    portfolio.fold_fill(fill(100))
    portfolio.fold_fill(fill(10, symbol="BAC"))
    portfolio.fold_fill(fill(2, symbol="RAIN", multiplier=3))
    mark = quotes(AIG=(50, 51), BAC=(20, 21), RAIN=(10, 11))
    assert worth(portfolio, mark, "banks", "weather").sector_micros == dollars(200)
    assert worth(portfolio, mark, "banks", "weather").cluster_micros == dollars(60)
    assert worth(portfolio, mark, "insurance", "").sector_micros == dollars(5_000)
    assert worth(portfolio, mark, "insurance", "").cluster_micros == 0  # no cluster is no cluster, not a common one
    assert worth(portfolio, mark, "farming", "votes").sector_micros == 0


def test_money_for_verdicts_is_rounded_up() -> None:
    assert micros(0) == 0
    assert micros(1) == 1
    assert micros(MICRO) == 1
    assert micros(MICRO + 1) == 2
    assert micros(-MICRO - 1) == -1


def test_many_symbols_cost_what_is_active_only() -> None:
    portfolio = books()
    for symbol in ("AIG", "BAC"):
        portfolio.fold_fill(fill(1, symbol=symbol))
    portfolio.fold_fill(fill(-1, symbol="BAC"))
    assert set(portfolio.active) == {"AIG"}
    assert set(portfolio.books) == {"AIG", "BAC"}


def two_strategies() -> Portfolio:
    """mr: 10 AIG at 50, 2 RAIN at 10 (times 3), no BAC any more; tf: -4 BAC at 20, -1 RAIN at 10. A fee of a dollar each."""
    portfolio = books()
    for one in (
        fill(1, 20 * NANOS, symbol="BAC"),
        fill(-1, 21 * NANOS, symbol="BAC"),
        fill(-4, 20 * NANOS, symbol="BAC", strategy="tf", fee=usd(1)),
        fill(10, 50 * NANOS, fee=usd(1)),
        fill(2, 10 * NANOS, symbol="RAIN", multiplier=3),
        fill(-1, 10 * NANOS, symbol="RAIN", multiplier=3, strategy="tf"),
    ):
        portfolio.fold_fill(one)
    return portfolio


TWO_CASH = CASH - usd(500) + usd(80) - usd(60) + usd(30) + usd(1) - usd(2)


@pytest.mark.req("B3.2")
def test_at_its_worst_each_strategys_position_counts_by_itself() -> None:
    portfolio = two_strategies()
    all_priced = quotes(AIG=(51, 52), BAC=(18, 19), RAIN=(11, 12))
    held = usd(510) + usd(66) - usd(36)
    assert worst_worth(portfolio, all_priced) == TWO_CASH + held - usd(76)
    assert worst_worth(portfolio, quotes(AIG=(51, 52), RAIN=(11, 12))) == TWO_CASH + held - usd(160)
    assert worst_worth(portfolio, quotes(AIG=(51, 52), BAC=(18, 19))) == TWO_CASH + usd(510) - usd(76) - usd(60)
    assert worst_worth(portfolio, quotes()) == TWO_CASH - usd(160) - usd(60)
    del portfolio.instruments["AIG"]  # type: ignore[attr-defined]  # the tests' own dict
    assert worst_worth(portfolio, all_priced) == TWO_CASH + held - usd(510) - usd(76)


@pytest.mark.req("B3.2")
def test_what_has_no_price_is_named_by_the_side_it_would_be_closed_at() -> None:
    portfolio = two_strategies()
    assert unpriced(portfolio, quotes()) == ("AIG", "BAC", "RAIN")
    assert unpriced(portfolio, quotes(AIG=(1, 1), BAC=(1, 1), RAIN=(1, 1))) == ()
    assert unpriced(portfolio, lambda _symbol, sign: None if sign > 0 else NANOS) == ("AIG", "RAIN")
    assert unpriced(portfolio, lambda _symbol, sign: NANOS if sign > 0 else None) == ("BAC",)
    portfolio.fold_fill(fill(-10, 50 * NANOS))
    send(portfolio, intent(Side.BUY, 10))
    assert unpriced(portfolio, quotes()) == ("BAC", "RAIN"), "what only works is not held"
    del portfolio.instruments["BAC"]  # type: ignore[attr-defined]  # likewise
    assert unpriced(portfolio, quotes(AIG=(1, 1), BAC=(1, 1), RAIN=(1, 1))) == ("BAC",)


@pytest.mark.req("B3.2")
def test_what_a_strategy_has_made_is_its_own_and_not_known_while_something_of_its_own_has_no_price() -> None:
    portfolio = two_strategies()
    mark = quotes(AIG=(51, 52), BAC=(18, 19), RAIN=(11, 12))
    assert strategy_worth(portfolio, "mr", mark) == usd(10) + usd(6) + usd(1) - usd(1)
    assert strategy_worth(portfolio, "tf", mark) == usd(4) - usd(6) - usd(1)
    assert strategy_worth(portfolio, "nobody", mark) == 0
    assert strategy_worth(portfolio, "mr", quotes(AIG=(51, 52), RAIN=(11, 12))) == usd(16), "it holds no BAC any more"
    assert strategy_worth(portfolio, "tf", quotes(AIG=(51, 52), RAIN=(11, 12))) is None
    del portfolio.instruments["RAIN"]  # type: ignore[attr-defined]  # likewise
    assert strategy_worth(portfolio, "mr", mark) is None
