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
    valuation,
)
from tidegate.values.enums import Side
from tidegate.values.money import NANOS


def quotes(**sides: tuple[float, float]) -> Marks:
    """Bid for a long position, ask for a short one; a symbol that is not named cannot be priced."""

    def mark(symbol: str, sign: int) -> int | None:
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
