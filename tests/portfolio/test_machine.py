"""The books under any history.

Sums are what their rows say, money is conserved, bytes carry everything (INV4, INV5, INV8).
"""

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from tests.portfolio.making import CASH, INSTRUMENTS, NOW_NS, books, command, decision, fill, intent
from tests.portfolio.test_portfolio import moved
from tidegate.events.acts import TradeIntent
from tidegate.portfolio.portfolio import Portfolio
from tidegate.values.enums import CommandKind, Purpose, Side
from tidegate.values.money import NANOS

STRATEGIES = st.sampled_from(("mr", "trend"))
SYMBOLS = st.sampled_from(("AIG", "BAC"))
SIDES = st.sampled_from(Side)
LOTS = st.integers(1, 300)
PRICES = st.integers(1, 90_000).map(lambda cents: cents * NANOS // 100)


class Books(RuleBasedStateMachine):
    """Approves, sends, fills, replaces, doubts and ends orders, for two strategies and two symbols."""

    waiting = Bundle("waiting")  # (decision id, intent)
    working = Bundle("working")  # order ids

    def __init__(self) -> None:
        super().__init__()
        self.portfolio = books()
        self.number = 0
        self.paid = 0
        self.orders: dict[str, tuple[TradeIntent, int]] = {}  # what still works, by our own simple account

    def _next(self) -> int:
        self.number += 1
        return self.number

    @rule(
        target=waiting,
        strategy=STRATEGIES,
        symbol=SYMBOLS,
        side=SIDES,
        lots=LOTS,
        purpose=st.sampled_from(Purpose),
    )
    def approve(self, strategy: str, symbol: str, side: Side, lots: int, purpose: Purpose) -> tuple[str, TradeIntent]:
        wanted = intent(side, lots, strategy=strategy, symbol=symbol, purpose=purpose)
        name = f"d{self._next()}"
        self.portfolio.fold_decision(decision(wanted, name=name), wanted)
        return name, wanted

    @rule(target=waiting, order=working, lots=LOTS)
    def approve_a_replacement(self, order: str, lots: int) -> Any:
        known = self.orders.get(order)
        if known is None:
            return multiple()
        old = known[0]
        wanted = intent(old.side, lots, strategy=old.strategy_id, symbol=old.symbol, purpose=old.purpose, replaces=order)
        name = f"d{self._next()}"
        self.portfolio.fold_decision(decision(wanted, name=name), wanted)
        return name, wanted

    @rule(target=working, approved=consumes(waiting))
    def send(self, approved: tuple[str, TradeIntent]) -> str:
        name, wanted = approved
        order = f"0-{self._next()}"
        kind = CommandKind.REPLACE if wanted.replaces else CommandKind.SUBMIT
        self.portfolio.fold_command(command(wanted, order=order, decision_id=name, kind=kind, now_ns=NOW_NS + self.number))
        self.orders[order] = (wanted, wanted.quantity_nanos)
        return order

    @rule(approved=consumes(waiting))
    def lapse(self, approved: tuple[str, TradeIntent]) -> None:
        self.portfolio.fold_lapse(approved[0])

    @rule(
        order=working,
        part=st.integers(1, 100),
        price=PRICES,
        fee=st.integers(0, 10**18),
        unknown=st.booleans(),
    )
    def fill_some(self, order: str, part: int, price: int, fee: int, *, unknown: bool) -> None:
        known = self.orders.get(order)
        if known is None:
            return
        wanted, left = known
        quantity = min(left, part * NANOS)
        lots = quantity // NANOS * wanted.side.sign
        one = fill(lots, price, fee=fee, strategy=wanted.strategy_id, symbol=wanted.symbol)
        self.portfolio.fold_fill(one)
        self.paid += one.cost_attos + fee
        self.orders[order] = (wanted, left - quantity)
        self._tell(order, working=left > quantity, unknown=unknown)

    @rule(order=working)
    def end(self, order: str) -> None:
        if order in self.orders:
            self._tell(order, working=False, unknown=False)

    @rule()
    def restart(self) -> None:
        other = Portfolio("", 0, INSTRUMENTS)
        other.restore(self.portfolio.snapshot())
        assert other.snapshot() == self.portfolio.snapshot()
        self.portfolio = other

    def _tell(self, order: str, *, working: bool, unknown: bool) -> None:
        wanted, left = self.orders[order]
        if not working:
            del self.orders[order]
        self.portfolio.fold_order(
            moved(
                order,
                left // NANOS,
                working=working,
                side=wanted.side,
                strategy=wanted.strategy_id,
                purpose=wanted.purpose,
                predecessor=wanted.replaces,
                unknown=unknown,
                symbol=wanted.symbol,
            )
        )

    @invariant()
    def money_is_conserved(self) -> None:
        portfolio = self.portfolio
        assert portfolio.cash_attos == CASH - self.paid
        opened = portfolio.cash_attos + portfolio.basis_attos - portfolio.realized_attos + portfolio.fees_attos
        assert opened == CASH
        for name in ("basis_attos", "realized_attos", "fees_attos"):
            assert getattr(portfolio, name) == sum(getattr(one, name) for one in portfolio.holdings.values())

    @invariant()
    def sums_are_what_the_rows_say(self) -> None:
        portfolio = self.portfolio
        exits: dict[tuple[str, str], int] = {}
        for symbol, book in portfolio.books.items():
            counted = {Side.BUY: 0, Side.SELL: 0}
            rows = [(one.strategy_id, one.side, one.purpose, one.counted_nanos) for one in book.orders.values()]
            rows += [
                (wanted.strategy_id, wanted.side, wanted.purpose, adds)
                for wanted, adds in portfolio.reserved.values()
                if wanted.symbol == symbol
            ]
            for strategy, side, purpose, quantity in rows:
                counted[side] += quantity
                if purpose is Purpose.EXIT:
                    exits[strategy, symbol] = exits.get((strategy, symbol), 0) + quantity
            assert (book.buys_nanos, book.sells_nanos) == (counted[Side.BUY], counted[Side.SELL])
            held = sum(one.quantity_nanos for (_, where), one in portfolio.holdings.items() if where == symbol)
            assert book.net_nanos == held
            assert (symbol in portfolio.active) is not book.idle
        for key, holding in portfolio.holdings.items():
            assert holding.exits_nanos == exits.get(key, 0)

    @invariant()
    def no_order_counts_less_than_it_could_fill_alone(self) -> None:
        for order, (wanted, left) in self.orders.items():
            row = self.portfolio.book(wanted.symbol).orders[order]
            assert row.remaining_nanos == left
            original = self.orders.get(wanted.replaces)
            assert row.counted_nanos == max(0, left - (original[1] if original else 0))


TestBooks = pytest.mark.req("B2.5", "A3.4")(Books.TestCase)
