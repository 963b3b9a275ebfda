"""What is watched while trading goes on: the trading day, losses, spending, and how each strategy's orders fare.

Facts alone, moved by folding inputs and acts; limits are laid beside them by `risk`.
"""

from collections.abc import Iterable
from typing import Final, Protocol, final

import msgspec

from tidegate.portfolio.conduct import Conduct, ConductBook, ConductOrder
from tidegate.portfolio.losses import LossBook, LossRows
from tidegate.portfolio.periods import Periods
from tidegate.portfolio.positions import Fill
from tidegate.portfolio.spending import SpendBook, SpendingOrder, SpendRows
from tidegate.values.enums import OrderState


class WatchedOrder(SpendingOrder, ConductOrder, Protocol):
    """What is read of an order: `oms.order.Order` is one."""


class _State(msgspec.Struct, frozen=True, array_like=True):
    periods: Periods
    losses: LossRows
    spending: SpendRows
    conduct: dict[str, Conduct]
    strategies: dict[str, LossRows]


_decoder: Final = msgspec.msgpack.Decoder(_State)
_encoder: Final = msgspec.msgpack.Encoder(order="deterministic")


@final
class InTrade:
    """The books of one account beside its portfolio. `worth_attos`: what the account is worth before anything happens."""

    __slots__ = ("conduct", "losses", "periods", "spending", "strategies")

    def __init__(self, worth_attos: int) -> None:
        self.periods = Periods()
        self.losses = LossBook(worth_attos)
        self.spending = SpendBook()
        self.conduct = ConductBook()
        self.strategies: dict[str, LossBook] = {}  # own losses, of those that have a limit of their own; their worth begins at nothing

    def roll(self, now_ns: int) -> None:
        """Begin the next trading day if it is time."""
        begun = self.periods.roll(now_ns)
        if begun:
            self.losses.fold_begun(begun)
            self.spending.fold_begun(begun)
            for losses in self.strategies.values():
                losses.fold_begun(begun)

    def fold_strategy(self, strategy_id: str, now_ns: int, worth_attos: int | None) -> None:
        """Take in what a strategy has made since it began, realized and unrealized; None: something it holds has no price.

        Losses that were not watched so far are watched from there on: what it made before is no cushion, and no loss of today.
        """
        losses = self.strategies.get(strategy_id)
        if losses is None:
            if worth_attos is None:
                return
            losses = self.strategies[strategy_id] = LossBook(worth_attos)
        losses.fold_valued(now_ns, worth_attos)

    def watch(self, strategy_ids: Iterable[str]) -> None:
        """Watch the losses of strategies that have made nothing yet."""
        for strategy_id in strategy_ids:
            self.strategies[strategy_id] = LossBook(0)

    def fold_entry(self, order: WatchedOrder, now_ns: int, multiplier: int, *, again: bool) -> None:
        """Take in that an entry was commanded; again: at another price, in place of one that works."""
        self.spending.fold_order(order, multiplier)
        if not again:
            self.conduct.fold_entry(order.strategy_id, order.symbol, now_ns)

    def fold_change(self, order: WatchedOrder, before: OrderState, fills: tuple[Fill, ...], now_ns: int, multiplier: int) -> None:
        """Take in what an event did to an order."""
        self.spending.fold_order(order, multiplier)
        self.conduct.fold_change(order, before, fills, now_ns, multiplier)

    def snapshot(self) -> bytes:
        """Return the whole state as bytes; equal states give equal bytes."""
        own = {strategy_id: losses.rows() for strategy_id, losses in self.strategies.items()}
        return _encoder.encode(_State(self.periods, self.losses.rows(), self.spending.rows(), self.conduct.strategies, own))

    def restore(self, data: bytes) -> None:
        """Become the state of a snapshot.

        Raises:
            msgspec.MsgspecError: the bytes are no snapshot of these books.
        """
        state = _decoder.decode(data)
        self.periods = state.periods
        self.losses.restore(state.losses)
        self.spending.restore(state.spending)
        self.conduct.strategies.clear()
        self.conduct.strategies.update(state.conduct)
        self.strategies = {}
        for strategy_id in sorted(state.strategies):
            self.strategies[strategy_id] = losses = LossBook(0)
            losses.restore(state.strategies[strategy_id])
