"""What the account is worth and what it could come to hold, at given marks.

Reads the portfolio, changes nothing. A mark is the price at which a position of that sign could be closed
now: the bid for a long one, the ask for a short one. What is held and cannot be priced makes the whole value
None: missing is not zero.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

if TYPE_CHECKING:
    from tidegate.portfolio.portfolio import Portfolio

Marks = Callable[[str, int], int | None]  # (symbol, +1 long or -1 short) -> price in nanos, or None


class Valuation(NamedTuple):
    """The account at marks, in attos. gross and net count what is held; working orders are `Exposure`'s."""

    equity_attos: int
    unrealized_attos: int
    gross_attos: int
    net_attos: int


class Exposure(msgspec.Struct, frozen=True, gc=False):
    """What the account could come to hold if the worst of its working orders fill, in millionths of a dollar.

    Per symbol the worse of position + buys and position - sells counts; long and short are the sums each side
    could reach.
    """

    gross_micros: int = 0
    long_micros: int = 0  # signed net if every buy fills and no sell
    short_micros: int = 0  # the opposite of the signed net if every sell fills and no buy
    held_micros: int = 0  # positions alone, absolute
    held_nanos: int = 0
    sector_micros: int = 0  # gross of the symbols of the asked sector
    cluster_micros: int = 0


MICRO: Final = 10**12  # attos in a millionth of a dollar
NOTHING: Final = Exposure()


def valuation(portfolio: "Portfolio", mark: Marks) -> Valuation | None:
    """Return equity, unrealized P&L, gross and net exposure; None when something held cannot be priced."""
    gross = net = 0
    instruments = portfolio.instruments
    for symbol, book in portfolio.active.items():
        held = book.net_nanos
        if held == 0:
            continue
        price = mark(symbol, 1 if held > 0 else -1)
        if price is None or symbol not in instruments:
            return None
        value = held * price * instruments[symbol].multiplier
        net += value
        gross += abs(value)
    return Valuation(portfolio.cash_attos + net, net - portfolio.basis_attos, gross, net)


def worst_worth(portfolio: "Portfolio", mark: Marks) -> int:
    """Return what the account is worth, in attos, if what cannot be priced comes out at its worst.

    A long position is then worth nothing. A short one has no worst case: twice what it was sold for stands for it.
    """
    worth = portfolio.cash_attos
    instruments = portfolio.instruments
    for (_strategy, symbol), holding in portfolio.holdings.items():
        held = holding.quantity_nanos
        if held == 0:
            continue
        price = mark(symbol, 1 if held > 0 else -1) if symbol in instruments else None
        if price is not None:
            worth += held * price * instruments[symbol].multiplier
        elif held < 0:
            worth += 2 * holding.basis_attos
    return worth


def strategy_worth(portfolio: "Portfolio", strategy_id: str, mark: Marks) -> int | None:
    """Return what a strategy has made since it began, in attos: realized and unrealized, less fees; None: something has no price."""
    made = 0
    instruments = portfolio.instruments
    for (owner, symbol), holding in portfolio.holdings.items():
        if owner != strategy_id:
            continue
        made += holding.realized_attos - holding.fees_attos
        held = holding.quantity_nanos
        if held:
            price = mark(symbol, 1 if held > 0 else -1) if symbol in instruments else None
            if price is None:
                return None
            made += held * price * instruments[symbol].multiplier - holding.basis_attos
    return made


def unpriced(portfolio: "Portfolio", mark: Marks) -> tuple[str, ...]:
    """Return the symbols that are held and cannot be priced, sorted."""
    return tuple(
        symbol
        for symbol, book in sorted(portfolio.active.items())
        if book.net_nanos and (symbol not in portfolio.instruments or mark(symbol, 1 if book.net_nanos > 0 else -1) is None)
    )


def micros(value_attos: int) -> int:
    """Return money in millionths of a dollar, rounded up: what a verdict's 64-bit numbers can carry."""
    return -(-value_attos // MICRO)


def exposure(portfolio: "Portfolio", mark: Marks, sector: str, cluster: str) -> Exposure | None:
    """Return what the account could come to hold; None when something in it cannot be priced.

    `sector` and `cluster` choose whose sums are returned; an empty cluster is none. Event clusters hold
    markets settled by one fact.
    """
    if not portfolio.active:
        return NOTHING
    gross = long = short = held_value = held_total = in_sector = in_cluster = 0
    instruments = portfolio.instruments
    for symbol, book in portfolio.active.items():
        held = book.net_nanos
        most, least = held + book.buys_nanos, held - book.sells_nanos
        worst = most if most >= -least else least
        price = mark(symbol, 1 if worst > 0 else -1)
        if price is None or symbol not in instruments:
            return None
        instrument = instruments[symbol]
        price *= instrument.multiplier
        value = abs(worst) * price
        gross += value
        long += most * price
        short -= least * price
        held_value += abs(held) * price
        held_total += abs(held)
        if instrument.sector == sector:
            in_sector += value
        if cluster and instrument.event_cluster == cluster:
            in_cluster += value
    return Exposure(
        micros(gross),
        micros(long),
        micros(short),
        micros(held_value),
        held_total,
        micros(in_sector),
        micros(in_cluster),
    )
