"""A desk for tests: orders and books moved together, as the engine moves them."""

from typing import Any

from tests.portfolio.making import CASH, INSTRUMENTS, NOW_NS, decision, intent, order_event
from tidegate.events.acts import TradeIntent
from tidegate.oms.order import Change, Finding, Order
from tidegate.oms.orders import Orders
from tidegate.oms.plans import KEEP_PLAN, OmsPolicy, OrderPlan
from tidegate.oms.timers import Due
from tidegate.portfolio.portfolio import Portfolio
from tidegate.values.enums import CommandKind, OrderEventKind
from tidegate.values.time import SECOND_NS

POLICY = OmsPolicy()


class Desk:
    """Orders of one account; `now_ns` is the time of the next message."""

    def __init__(self, plan: OrderPlan = KEEP_PLAN) -> None:
        self.orders = Orders("acct", dict(INSTRUMENTS), {"mr": plan}, POLICY)
        self.books = Portfolio("acct", CASH, dict(INSTRUMENTS))
        self.now_ns = NOW_NS
        self.number = 0

    def wait(self, seconds: float) -> None:
        self.now_ns += round(seconds * SECOND_NS)

    def approve(self, wanted: TradeIntent) -> str:
        """Fold an approval; return its id."""
        self.number += 1
        verdict = decision(wanted, name=f"d{self.number}")
        self.orders.fold_decision(verdict, wanted)
        self.books.fold_decision(verdict, wanted)
        return verdict.event_id

    def send(self, wanted: TradeIntent | None = None, order: str = "0-a") -> Order:
        """Approve an intent, command its order, and return it."""
        wanted = wanted or intent()
        name = self.approve(wanted)
        made = self.orders.open(decision(wanted, name=name), wanted, event_id="c", client_order_id=order, now_ns=self.now_ns)
        self.books.fold_command(made)
        return self.orders.fold_command(made)

    def hear(self, kind: OrderEventKind, order: str = "0-a", **what: Any) -> Change | Finding:
        """Fold an event as it comes, and book what it filled."""
        heard = self.orders.fold_event(order_event(kind, order, now_ns=self.now_ns, **what))
        if isinstance(heard, Change):
            for fill in heard.fills:
                self.books.fold_fill(fill)
            self.books.fold_order(heard.order)
            for other, _ in heard.others:
                self.books.fold_order(other)
        return heard

    def change(self, kind: OrderEventKind, order: str = "0-a", **what: Any) -> Change:
        """Fold an event of an order that is known."""
        heard = self.hear(kind, order, **what)
        assert isinstance(heard, Change), heard
        return heard

    def order(self, order: str = "0-a") -> Order:
        found = self.orders.find(order)
        assert found is not None
        return found

    def cancel(self, order: str = "0-a") -> Order:
        made = self.orders.cancel(self.order(order), event_id="c", now_ns=self.now_ns, reason="asked")
        self.books.fold_command(made)
        return self.orders.fold_command(made)

    def carry_out(self) -> list[Due]:
        """Do what is due now, except chases; return it."""
        found = self.orders.due(self.now_ns)
        for due in found:
            if due.kind is not CommandKind.SUBMIT:
                made = self.orders.command_for(due, event_id="c", now_ns=self.now_ns)
                self.books.fold_command(made)
                self.orders.fold_command(made)
        return found
