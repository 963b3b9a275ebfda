"""The account's books: cash, positions per strategy, net per symbol, working orders and reservations.

State changes only in the fold methods, by what was decided (decisions, commands) and what happened (orders,
fills); asking never changes it, so a recorded log rebuilds it. Exposure counts from the verdict on: an
approved intent is reserved before anything else is judged.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final, final

from tidegate.events.acts import OrderCommand, RiskDecision, TradeIntent
from tidegate.portfolio import books
from tidegate.portfolio.activity import Activity, signature_of
from tidegate.portfolio.exposure import UNTOUCHED, OrderFacts, SymbolBook, WorkingOrder, book_price
from tidegate.portfolio.positions import Fill, Holding
from tidegate.values.enums import CommandKind, OrderType, Purpose, Side, Verdict
from tidegate.values.errors import ExitCode, TidegateError
from tidegate.values.instruments import Instrument

_FLAT: Final = Holding()

# Members of an enum are looked up slowly before Python 3.12.
_BUY: Final = Side.BUY
_LOOKUP: Final = CommandKind.LOOKUP
_CANCEL: Final = CommandKind.CANCEL
_EXIT: Final = Purpose.EXIT
_STOP: Final = OrderType.STOP
_APPROVED: Final = Verdict.APPROVED


class NotReservedError(TidegateError):
    """An order command without an approved decision that still holds its reservation."""

    exit_code = ExitCode.REFUSED


@final
class Portfolio:
    """One account's books. `instruments` is the engine's own mapping and may grow.

    Fields to read: cash_attos, realized_attos, fees_attos, basis_attos (sums over all strategies), books (per
    symbol), active (the books with a position or working orders), holdings (per strategy and symbol),
    activity.
    """

    __slots__ = (
        "account",
        "active",
        "activity",
        "basis_attos",
        "books",
        "cash_attos",
        "fees_attos",
        "holdings",
        "instruments",
        "realized_attos",
        "reserved",
    )

    def __init__(self, account: str, cash_attos: int, instruments: Mapping[str, Instrument]) -> None:
        self.account = account
        self.instruments = instruments
        self.cash_attos = cash_attos
        self.realized_attos = 0
        self.fees_attos = 0
        self.basis_attos = 0
        self.books: defaultdict[str, SymbolBook] = defaultdict(SymbolBook)
        self.active: dict[str, SymbolBook] = {}
        self.holdings: defaultdict[tuple[str, str], Holding] = defaultdict(Holding)
        self.reserved: dict[str, tuple[TradeIntent, int]] = {}  # by decision id: intent and what it adds
        self.activity = Activity()

    # What is asked.

    def book(self, symbol: str) -> SymbolBook:
        """Return the account's net position and working sums of a symbol. Not to be changed by the caller."""
        return self.books.get(symbol, UNTOUCHED)

    def holding(self, strategy_id: str, symbol: str) -> Holding:
        """Return a strategy's own position and working exits in a symbol. Not to be changed by the caller."""
        return self.holdings.get((strategy_id, symbol), _FLAT)

    def working_remaining(self, symbol: str, client_order_id: str) -> int:
        """Return what may still fill of one working order, in nanos; 0 when it does not work."""
        order = self.book(symbol).orders.get(client_order_id)
        return 0 if order is None else order.remaining_nanos

    def reducible(self, intent: TradeIntent) -> int:
        """Return in nanos what an exit may reduce, on the account's net and the strategy's own.

        Working, UNKNOWN and reserved orders of that side are taken off both; what the exit replaces is given
        back.
        """
        holding = self.holding(intent.strategy_id, intent.symbol)
        own = -intent.side.sign * holding.quantity_nanos - holding.exits_nanos
        least = min(self.account_reducible(intent.symbol, intent.side), own)
        if intent.replaces:
            least += self.working_remaining(intent.symbol, intent.replaces)
        return max(0, least)

    def account_reducible(self, symbol: str, side: Side) -> int:
        """Return in nanos what one side may still reduce of the account's net position; below zero it is overdrawn."""
        book = self.book(symbol)
        working = book.buys_nanos if side is _BUY else book.sells_nanos
        return -side.sign * book.net_nanos - working

    def beyond_replaced(self, intent: TradeIntent) -> int:
        """Return what an intent adds to the working quantity in nanos.

        All of it, less what still works of the original.
        """
        left = intent.quantity_nanos - self.working_remaining(intent.symbol, intent.replaces)
        return max(0, left)

    # What changes it.

    def fold_decision(self, decision: RiskDecision, intent: TradeIntent) -> None:
        """Reserve an approved intent's quantity; any other verdict reserves nothing."""
        if decision.verdict is not _APPROVED:
            return
        assert decision.quantity_nanos == intent.quantity_nanos, "the gate approves an intent as it is or not at all"
        counted = intent.quantity_nanos if not intent.replaces else self.beyond_replaced(intent)
        self.reserved[decision.event_id] = (intent, counted)
        book = self.books[intent.symbol]
        self._count(book, intent, counted)
        self._mark_active(intent.symbol, book)

    def fold_lapse(self, decision_id: str) -> None:
        """Release the reservation of a decision that got no command, as after a crash between the two."""
        intent, counted = self.reserved.pop(decision_id)
        book = self.books[intent.symbol]
        self._count(book, intent, -counted)
        self._mark_active(intent.symbol, book)

    def fold_command(self, command: OrderCommand) -> None:
        """Turn the decision's reservation into a working order; cancels and lookups only count as messages.

        Raises:
            NotReservedError: no approved decision holds a reservation for this order.
        """
        kind = command.kind
        if kind is _LOOKUP:
            return
        self.activity.fold_message(command.symbol, command.timestamp)
        if kind is _CANCEL:
            return
        reserved = self.reserved.pop(command.decision_id, None)
        if reserved is None:
            raise NotReservedError(f"Order {command.client_order_id} has no approved decision waiting; judge its intent first.")
        intent, counted = reserved
        symbol, strategy_id, now_ns = intent.symbol, intent.strategy_id, command.timestamp
        book = self.books[symbol]
        book.orders[command.client_order_id] = working = WorkingOrder(
            client_order_id=command.client_order_id,
            strategy_id=strategy_id,
            symbol=symbol,
            side=intent.side,
            purpose=intent.purpose,
            book_price_nanos=book_price(intent.order_type, intent.limit_price_nanos),
            predecessor_id=intent.replaces,
            remaining_nanos=command.quantity_nanos,
            counted_nanos=counted,
            sent_ns=now_ns,
        )
        if intent.replaces:
            original = book.orders.get(intent.replaces)
            if original is not None:
                original.replaced = True
            self._recount(book, working)
            self._mark_active(symbol, book)
        self.activity.fold_order(signature_of(intent), now_ns)
        if intent.purpose is _EXIT and intent.order_type is not _STOP:
            holding = self.holdings[strategy_id, symbol]
            holding.exit_ns = now_ns
            holding.exit_correlation_id = command.correlation_id

    def fold_order(self, order: OrderFacts, fills: tuple[Fill, ...] = ()) -> None:
        """Take over what an order filled, and what still works of it after the OMS moved it.

        An order not seen before is taken in.
        """
        key, symbol = order.client_order_id, order.symbol
        book = self.books[symbol]
        for fill in fills:
            self._fill(book, fill)
        working = book.orders.get(key)
        if working is None and order.working:
            working = book.orders[key] = WorkingOrder(
                client_order_id=key,
                strategy_id=order.strategy_id,
                symbol=symbol,
                side=order.side,
                purpose=order.purpose,
                predecessor_id=order.predecessor_id,
                book_price_nanos=book_price(order.order_type, order.limit_price_nanos),
            )
        if working is not None:
            working.remaining_nanos, working.unknown = order.remaining_nanos, order.unknown
            if not order.working:
                working.remaining_nanos = 0
                del book.orders[key]
            self._recount(book, working)
        self._mark_active(symbol, book)

    def fold_fill(self, fill: Fill) -> int:
        """Move position and cash by a fill or restatement; return the realized P&L in attos, before fees."""
        book = self.books[fill.symbol]
        realized = self._fill(book, fill)
        self._mark_active(fill.symbol, book)
        return realized

    def fold_cash(self, change_attos: int) -> None:
        """Move cash by what no fill explains."""
        self.cash_attos += change_attos

    def fold_restated(self, strategy_id: str, symbol: str, numerator: int, denominator: int) -> None:
        """Restate a holding in new units; its cost basis stays, and what does not divide is dropped."""
        holding, book = self.holdings[strategy_id, symbol], self.books[symbol]
        before = holding.quantity_nanos
        size = abs(before) * numerator // denominator
        holding.quantity_nanos = size if before >= 0 else -size
        book.net_nanos += holding.quantity_nanos - before
        self._mark_active(symbol, book)

    def snapshot(self) -> bytes:
        """Return the whole state as bytes.

        Equal states give equal bytes, whatever order they were reached in.
        """
        return books.encode(self)

    def restore(self, data: bytes) -> None:
        """Become the state of a snapshot.

        Raises:
            msgspec.MsgspecError: the bytes are no snapshot of a portfolio.
        """
        books.decode_into(self, data)
        self.active = {symbol: book for symbol, book in self.books.items() if not book.idle}

    def _fill(self, book: SymbolBook, fill: Fill) -> int:
        holding, paid, fee = self.holdings[fill.strategy_id, fill.symbol], fill.cost_attos, fill.fee_attos
        basis = holding.basis_attos
        realized = holding.apply(fill)
        self.basis_attos += holding.basis_attos - basis
        self.realized_attos += realized
        self.fees_attos += fee
        self.cash_attos -= paid + fee
        book.net_nanos += fill.quantity_nanos
        return realized

    def _count(self, book: SymbolBook, counted: TradeIntent | WorkingOrder, change_nanos: int) -> None:
        """Change what works or is reserved for an order or intent."""
        if counted.side is _BUY:
            book.buys_nanos = total = book.buys_nanos + change_nanos
        else:
            book.sells_nanos = total = book.sells_nanos + change_nanos
        assert total >= 0, "more was released than ever worked"
        if counted.purpose is _EXIT:
            self.holdings[counted.strategy_id, counted.symbol].exits_nanos += change_nanos

    def _recount(self, book: SymbolBook, working: WorkingOrder) -> None:
        """Count an order at what is left beyond the original it replaces, then those that replace it."""
        counted = working.remaining_nanos
        if working.predecessor_id and counted:
            original = book.orders.get(working.predecessor_id)
            if original is not None:
                counted = max(0, counted - original.remaining_nanos)
        change = counted - working.counted_nanos
        if change:
            working.counted_nanos = counted
            self._count(book, working, change)
        if working.replaced:
            for other in book.orders.values():
                if other.predecessor_id == working.client_order_id:
                    self._recount(book, other)

    def _mark_active(self, symbol: str, book: SymbolBook) -> None:
        if book.net_nanos or book.buys_nanos or book.sells_nanos:
            self.active[symbol] = book
        else:
            self.active.pop(symbol, None)
