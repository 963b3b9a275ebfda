"""What the live side may ask of an engine's books between two inputs. Asking changes nothing."""

from typing import Final, final

from tidegate.engine.core import Core
from tidegate.oms.order import Order
from tidegate.risk.gates import GateVerdict
from tidegate.values.enums import GateScope, GateState, RequestVerb


@final
class Books:
    """Orders, gates and positions of one engine, to be read."""

    def __init__(self, core: Core) -> None:
        self._core: Final = core

    def order(self, client_order_id: str) -> Order | None:
        """Return one of our orders that lives or finished lately."""
        return self._core.orders.find(client_order_id)

    def working_orders(self) -> list[Order]:
        """Return every order of which something may still fill, by id."""
        live = self._core.orders.live
        return [live[key] for key in sorted(live)]

    def knows_execution(self, client_order_id: str, execution_id: str) -> bool:
        """Tell whether an execution was booked, or belongs to an order that finished too long ago to be asked after."""
        orders = self._core.orders
        return orders.find(client_order_id) is None or execution_id in orders.executions.get(client_order_id, {})

    def gate(self, scope: GateScope, key: str) -> GateState:
        """Return the gate of one scope alone."""
        return self._core.gates.state(scope, key)

    def gate_of(self, symbol: str, strategy_id: str) -> GateVerdict:
        """Return the strictest gate over an order of a strategy in a symbol."""
        core = self._core
        venue = core.instruments[symbol].venue
        return core.gates.strictest(venue=venue, account=core.spec.account, strategy_id=strategy_id, symbol=symbol)

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
