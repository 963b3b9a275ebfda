"""The portfolio as bytes and back.

Rows are sorted, so that the bytes say what the state is and not how it came about.
"""

from typing import TYPE_CHECKING, Final

import msgspec

from tidegate.events.acts import TradeIntent
from tidegate.portfolio.activity import Activity, MinuteCount, Signature
from tidegate.portfolio.exposure import SymbolBook, WorkingOrder
from tidegate.portfolio.positions import Holding

if TYPE_CHECKING:
    from tidegate.portfolio.portfolio import Portfolio


class _BookRow(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    symbol: str
    net_nanos: int
    buys_nanos: int
    sells_nanos: int
    orders: list[WorkingOrder]


class _HoldingRow(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Money as text: attos do not fit 64 bits."""

    strategy_id: str
    symbol: str
    quantity_nanos: int
    basis_attos: str
    realized_attos: str
    fees_attos: str
    exits_nanos: int
    exit_ns: int
    exit_correlation_id: str


class _State(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    account: str
    cash_attos: str
    realized_attos: str
    fees_attos: str
    basis_attos: str
    books: list[_BookRow]
    holdings: list[_HoldingRow]
    reserved: list[tuple[str, TradeIntent, int]]
    orders_sent_ns: list[int]
    messages: list[tuple[str, list[int]]]
    signatures: list[tuple[Signature, int]]  # oldest first: the order in which they are forgotten


_decoder: Final = msgspec.msgpack.Decoder(_State)


def encode(portfolio: "Portfolio") -> bytes:
    """Return the state as bytes."""
    activity = portfolio.activity
    return msgspec.msgpack.encode(
        _State(
            account=portfolio.account,
            cash_attos=str(portfolio.cash_attos),
            realized_attos=str(portfolio.realized_attos),
            fees_attos=str(portfolio.fees_attos),
            basis_attos=str(portfolio.basis_attos),
            books=[_book_row(symbol, book) for symbol, book in sorted(portfolio.books.items())],
            holdings=[_holding_row(key, portfolio.holdings[key]) for key in sorted(portfolio.holdings)],
            reserved=[(key, *portfolio.reserved[key]) for key in sorted(portfolio.reserved)],
            orders_sent_ns=list(activity.orders.times),
            messages=[(symbol, list(activity.by_symbol[symbol].times)) for symbol in sorted(activity.by_symbol)],
            signatures=list(activity.signatures.items()),
        )
    )


def decode_into(portfolio: "Portfolio", data: bytes) -> None:
    """Give a portfolio the state of these bytes; its instruments stay."""
    state = _decoder.decode(data)
    portfolio.account = state.account
    portfolio.cash_attos = int(state.cash_attos)
    portfolio.realized_attos = int(state.realized_attos)
    portfolio.fees_attos = int(state.fees_attos)
    portfolio.basis_attos = int(state.basis_attos)
    portfolio.books.clear()
    portfolio.books.update((row.symbol, _book(row)) for row in state.books)
    portfolio.holdings.clear()
    portfolio.holdings.update(((row.strategy_id, row.symbol), _holding(row)) for row in state.holdings)
    portfolio.reserved = {key: (intent, counted) for key, intent, counted in state.reserved}
    portfolio.activity = activity = Activity()
    activity.orders = MinuteCount(state.orders_sent_ns)
    activity.by_symbol.update((symbol, MinuteCount(times)) for symbol, times in state.messages)
    activity.signatures.update(state.signatures)


def holdings_in(data: bytes) -> tuple[tuple[str, str, int, int], ...]:
    """Return (strategy, symbol, quantity in nanos, cost basis in attos) of everything held in these bytes, both signed."""
    rows = _decoder.decode(data).holdings
    return tuple((row.strategy_id, row.symbol, row.quantity_nanos, int(row.basis_attos)) for row in rows if row.quantity_nanos)


def _book_row(symbol: str, book: SymbolBook) -> _BookRow:
    return _BookRow(
        symbol=symbol,
        net_nanos=book.net_nanos,
        buys_nanos=book.buys_nanos,
        sells_nanos=book.sells_nanos,
        orders=[book.orders[key] for key in sorted(book.orders)],
    )


def _book(row: _BookRow) -> SymbolBook:
    book = SymbolBook()
    book.net_nanos, book.buys_nanos, book.sells_nanos = row.net_nanos, row.buys_nanos, row.sells_nanos
    book.orders = {order.client_order_id: order for order in row.orders}
    return book


def _holding_row(key: tuple[str, str], holding: Holding) -> _HoldingRow:
    return _HoldingRow(
        strategy_id=key[0],
        symbol=key[1],
        quantity_nanos=holding.quantity_nanos,
        basis_attos=str(holding.basis_attos),
        realized_attos=str(holding.realized_attos),
        fees_attos=str(holding.fees_attos),
        exits_nanos=holding.exits_nanos,
        exit_ns=holding.exit_ns,
        exit_correlation_id=holding.exit_correlation_id,
    )


def _holding(row: _HoldingRow) -> Holding:
    holding = Holding()
    holding.quantity_nanos = row.quantity_nanos
    holding.basis_attos = int(row.basis_attos)
    holding.realized_attos = int(row.realized_attos)
    holding.fees_attos = int(row.fees_attos)
    holding.exits_nanos = row.exits_nanos
    holding.exit_ns = row.exit_ns
    holding.exit_correlation_id = row.exit_correlation_id
    return holding
