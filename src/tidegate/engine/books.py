"""What the live side may ask of an engine's books between two inputs. Asking changes nothing."""

from typing import Final, NamedTuple, final

import numpy as np

from tidegate.engine.core import Core
from tidegate.engine.impact import Impact, impact_of
from tidegate.engine.records import Job
from tidegate.engine.usage import LimitUse, limits_use
from tidegate.engine.viewing import Viewing
from tidegate.events.inputs import ApprovalAnswered, OrderEvent
from tidegate.market.rows import HALTED
from tidegate.oms.order import Order
from tidegate.portfolio.valuation import Valuation, valuation
from tidegate.risk.approvals import Approval, Outcome, outcome_of
from tidegate.risk.gates import GateVerdict
from tidegate.values.enums import GateScope, GateState, RequestVerb
from tidegate.values.money import notional_attos


class Held(NamedTuple):
    """What one strategy holds, or once held, of a symbol; empty strategy_id: nobody's, adopted. Nanos and attos, quantity signed.

    mark: price at which it could be closed now; None where nothing is held or no quote was accepted yet.
    """

    strategy_id: str
    symbol: str
    quantity_nanos: int
    exits_nanos: int
    basis_attos: int
    realized_attos: int
    fees_attos: int
    mark_nanos: int | None
    value_attos: int | None


class Net(NamedTuple):
    """The account's net of a symbol, and what works or is reserved on either side."""

    symbol: str
    net_nanos: int
    buys_nanos: int
    sells_nanos: int
    worst_nanos: int
    mark_nanos: int | None
    value_attos: int | None


class Money(NamedTuple):
    """The account's money in attos; value: None where something held has no price."""

    cash_attos: int
    realized_attos: int
    fees_attos: int
    value: Valuation | None


@final
class Books:
    """Orders, gates and positions of one engine, to be read."""

    def __init__(self, core: Core, viewing: Viewing) -> None:
        self._core: Final = core
        self._viewing: Final = viewing

    def order(self, client_order_id: str) -> Order | None:
        """Return one of our orders that lives or finished lately."""
        return self._core.orders.find(client_order_id)

    def working_orders(self) -> list[Order]:
        """Return every order of which something may still fill, by id."""
        live = self._core.orders.live
        return [live[key] for key in sorted(live)]

    def knows_execution(self, event: OrderEvent) -> bool:
        """Tell whether an execution was booked, or belongs to an order that finished too long ago to be asked after."""
        orders = self._core.orders
        order = orders.told_of(event.client_order_id, event.venue_order_id)
        return order is None or event.execution_id in orders.executions.get(order.client_order_id, {})

    def gate(self, scope: GateScope, key: str) -> GateState:
        """Return the gate of one scope alone."""
        return self._core.gates.state(scope, key)

    def not_permitted(self) -> dict[str, str]:
        """Return each strategy whose permission to trade is void, with why."""
        return dict(self._core.not_permitted)

    def gate_of(self, symbol: str, strategy_id: str) -> GateVerdict:
        """Return the strictest gate over an order of a strategy in a symbol."""
        return self._core.gate_of(symbol, strategy_id)

    def net_nanos(self, symbol: str) -> int:
        """Return the account's net position in a symbol."""
        return self._core.portfolio.book(symbol).net_nanos

    def worst_nanos(self, symbol: str) -> int:
        """Return the largest absolute position that could come about in a symbol."""
        return self._core.portfolio.book(symbol).worst_nanos()

    def positions(self) -> dict[str, int]:
        """Return the account's net position of every symbol that is not flat, in nanos."""
        books = self._core.portfolio.books
        return {symbol: books[symbol].net_nanos for symbol in sorted(books) if books[symbol].net_nanos}

    def halted(self) -> list[int]:
        """Return the places of the symbols that are halted."""
        return [int(place) for place in np.flatnonzero(self._core.host.table("symbols")["quality"] & HALTED)]

    def finished_orders(self) -> list[Order]:
        """Return the orders that finished lately, in the order in which they did."""
        return list(self._core.orders.finished.values())

    def closed_gates(self) -> list[tuple[GateVerdict, str]]:
        """Return every gate that is not open, sorted, each with who closed it."""
        gates = self._core.gates
        return [(gate, gates.actor(gate.scope, gate.key)) for gate in gates.closed()]

    def names_in(self, scope: GateScope) -> tuple[str, ...]:
        """Return the keys that a scope may have here: venues, strategies or symbols; an empty one alone where it is the whole."""
        core = self._core
        names: dict[GateScope, tuple[str, ...]] = {
            GateScope.GLOBAL: ("",),
            GateScope.VENUE: tuple(core.venues),
            GateScope.ACCOUNT: (core.spec.account,),
            GateScope.STRATEGY: tuple(core.strategy_places),
            GateScope.SYMBOL: tuple(core.instruments),
        }
        return names[scope]

    def requests(self) -> list[Job]:
        """Return the requests of people that are not done, by id."""
        jobs = self._core.requests.jobs
        return [jobs[key] for key in sorted(jobs)]

    def knows_request(self, request_id: str) -> bool:
        """Tell whether a request of this id was taken in lately."""
        return request_id in self._core.requests.seen

    def approvals(self) -> tuple[list[Approval], list[Approval]]:
        """Return the requests for a person's approval: those that wait, the oldest first, and those closed lately, the newest first."""
        book = self._core.approvals
        return list(book.open.values()), [*reversed(book.closed.values())]

    def approval(self, approval_id: str) -> Approval | None:
        """Return a request for approval that waits or was closed lately."""
        return self._core.approvals.find(approval_id)

    def foreseen(self, answer: ApprovalAnswered, now_ns: int) -> Outcome | None:
        """Return what an answer is about to do; None: one of its id was taken before."""
        if answer.request_id in self._core.approvals.answers:
            return None
        found = self.approval(answer.approval_id)
        known = "" if found is None else self._core.order_sha256(found.intent)
        return outcome_of(found, answer, order_hash=known, now_ns=now_ns)

    def impact(self, approval: Approval) -> Impact | None:
        """Return what a request's entry would do if it were let out now; see `engine.impact`."""
        return impact_of(self._core, self._viewing, approval)

    def streams_down(self) -> dict[str, str]:
        """Return each stream that is not trusted, by venue/stream, with why."""
        return dict(self._core.streams_down)

    @property
    def lag_ns(self) -> int:
        """How far processing was behind receive time when it was last told."""
        return self._core.lag_ns

    def holdings(self) -> list[Held]:
        """Return what each strategy holds, and what it made of what it held, by strategy and symbol."""
        holdings = self._core.portfolio.holdings
        found = []
        for (strategy_id, symbol), own in sorted(holdings.items()):
            mark, value = self._priced(symbol, own.quantity_nanos)
            row = Held(
                strategy_id, symbol, own.quantity_nanos, own.exits_nanos, own.basis_attos, own.realized_attos, own.fees_attos, mark, value
            )
            found.append(row)
        return found

    def nets(self) -> list[Net]:
        """Return the account's net of every symbol with a position or working orders."""
        found = []
        for symbol, book in sorted(self._core.portfolio.active.items()):
            mark, value = self._priced(symbol, book.net_nanos)
            found.append(Net(symbol, book.net_nanos, book.buys_nanos, book.sells_nanos, book.worst_nanos(), mark, value))
        return found

    def money(self) -> Money:
        """Return what the account has, made and paid."""
        portfolio = self._core.portfolio
        value = valuation(portfolio, self._core.mark)
        return Money(portfolio.cash_attos, portfolio.realized_attos, portfolio.fees_attos, value)

    def limits_use(self, now_ns: int) -> list[LimitUse]:
        """Return every limit and how much of it is used; see `engine.usage`."""
        return limits_use(self._core, now_ns)

    def _priced(self, symbol: str, quantity_nanos: int) -> tuple[int | None, int | None]:
        """Return the mark and worth of a position; None where it has none."""
        mark = self._core.mark(symbol, 1 if quantity_nanos > 0 else -1) if quantity_nanos else None
        if mark is None:
            return None, None
        return mark, notional_attos(mark, quantity_nanos, self._core.instruments[symbol].multiplier)

    @property
    def unconfirmed(self) -> bool:
        """Tell whether a venue's report differed in a way that a second read must confirm."""
        return bool(self._core.pending)

    @property
    def liquidating(self) -> bool:
        """Tell whether a flatten is not done."""
        return any(job.verb is RequestVerb.FLATTEN for job in self._core.requests.jobs.values())

    @property
    def requests_open(self) -> int:
        """How many requests of people are not done."""
        return len(self._core.requests.jobs)
