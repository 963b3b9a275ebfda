"""Match executions into round trips, exactly: every dollar of every fill is in one trade, closed or open.

A trade runs from flat to flat, per strategy and symbol: from the fill that opens a position to the one that
brings it back to zero. Fills in between that add to the position are entries, those that reduce it exits; a
fill that crosses zero is split, its fee in proportion (the rest of the division goes to the new trade). Entry
and exit price are quantity-weighted averages. So the gross result is exit value less entry value, with no
matching rule to argue about and no rounding.

What a session has taken over from the one before is a trade that begins with it, at its cost basis: when it was opened
and what that cost in fees is the earlier session's. A split restates what is held, at the same value.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple, final

from tidegate.analytics.orders import FillRow, OrderRow
from tidegate.values.enums import ExitReason, Regime
from tidegate.values.money import ATTOS

Marks = Callable[[str, int, int], tuple[int, int, int, int] | None]
"""(symbol, from_ns, to_ns in venue time) -> least, most bid; least, most ask, in nanos; None: no quote."""

_BPS = 10_000
_ONE = Fraction(1)


class Carried(NamedTuple):
    """What a strategy held when the session began; quantity and cost basis are signed."""

    strategy_id: str
    symbol: str
    quantity_nanos: int
    basis_attos: int
    since_ns: int


class Restated(NamedTuple):
    """What was held of a symbol became numerator / denominator times as much, at input n."""

    n: int
    symbol: str
    numerator: int
    denominator: int


@final
@dataclass(slots=True, kw_only=True)
class Trade:
    """One round trip. Nanos, attos, venue-time ns; direction +1 long, -1 short."""

    number: int
    strategy_id: str
    symbol: str
    direction: int
    multiplier: int
    entry_ns: int
    exit_ns: int | None = None  # None: still open
    entry_quantity_nanos: int = 0
    exit_quantity_nanos: int = 0
    peak_quantity_nanos: int = 0
    entry_value_attos: int = 0
    exit_value_attos: int = 0
    fees_attos: int = 0
    entry_orders: list[str] = field(default_factory=list)
    exit_orders: list[str] = field(default_factory=list)
    exit_reason: ExitReason | None = None
    regime: Regime | None = None
    market_regime: Regime | None = None
    planned_risk_attos: int | None = None
    marks: tuple[int, int, int, int] | None = None
    is_carried: bool = False  # held when the session began
    scale: Fraction = _ONE  # units now for one at the entry
    entry_slippage_bps: float | None = None
    exit_slippage_bps: float | None = None

    @property
    def is_open(self) -> bool:
        """Return whether the position had not come back to zero."""
        return self.exit_ns is None

    @property
    def cash_attos(self) -> int:
        """Return the cash all its fills brought in (negative: cost), fees paid."""
        return self.direction * (self.exit_value_attos - self.entry_value_attos) - self.fees_attos

    @property
    def gross_attos(self) -> int | None:
        """Return the result before fees; None while open."""
        return None if self.is_open else self.cash_attos + self.fees_attos

    @property
    def net_attos(self) -> int | None:
        """Return the result after fees; None while open."""
        return None if self.is_open else self.cash_attos

    @property
    def net_usd(self) -> float | None:
        """Return the result after fees in dollars, for statistics; None while open."""
        return None if self.is_open else self.cash_attos / ATTOS

    @property
    def entry_price_nanos(self) -> float:
        """Return the average price of what opened and added."""
        return self.entry_value_attos / (self.entry_quantity_nanos * self.multiplier)

    @property
    def exit_price_nanos(self) -> float | None:
        """Return the average price of what reduced and closed; None before the first exit."""
        return self.exit_value_attos / (self.exit_quantity_nanos * self.multiplier) if self.exit_quantity_nanos else None

    @property
    def hold_ns(self) -> int | None:
        """Return the time from the first entry to the last exit; None while open, or where the entry was not seen."""
        return None if self.exit_ns is None or self.is_carried else self.exit_ns - self.entry_ns

    @property
    def excursions_bps(self) -> tuple[float, float] | None:
        """Return (MAE ≤ 0, MFE ≥ 0) in bps of the entry price, at the side of the book one would leave by."""
        if self.marks is None:
            return None
        bid_low, bid_high, ask_low, ask_high = self.marks
        entry = self.entry_price_nanos
        worst, best = (bid_low - entry, bid_high - entry) if self.direction > 0 else (entry - ask_high, entry - ask_low)
        return min(0.0, worst / entry * _BPS), max(0.0, best / entry * _BPS)

    @property
    def r_multiple(self) -> float | None:
        """Return net result over planned risk; None without a planned stop or while open."""
        return self.cash_attos / self.planned_risk_attos if self.planned_risk_attos and not self.is_open else None


def match_trades(
    fills: Iterable[FillRow],
    orders: Mapping[str, OrderRow],
    multipliers: Mapping[str, int],
    marks: Marks | None,
    carried: Iterable[Carried] = (),
    restated: Iterable[Restated] = (),
) -> tuple[Trade, ...]:
    """Return every round trip in order of entry; those still open are among them."""
    trades = [_carried(number, held, multipliers.get(held.symbol, 1)) for number, held in enumerate(carried, 1)]
    standing = {(trade.strategy_id, trade.symbol): trade for trade in trades}
    changes: list[FillRow | Restated] = [*fills, *restated]
    for change in sorted(changes, key=lambda change: change.n):  # stable: fills of one input keep their order
        if isinstance(change, Restated):
            _restate(change, standing)
        else:
            _take(change, (change.strategy_id, change.symbol), standing, trades, multipliers.get(change.symbol, 1))
    for trade in trades:
        _describe(trade, orders)
        if marks is not None and trade.exit_ns is not None and trade.scale == 1:
            trade.marks = marks(trade.symbol, trade.entry_ns, trade.exit_ns)
    return tuple(trades)


def _carried(number: int, held: Carried, multiplier: int) -> Trade:
    size = abs(held.quantity_nanos)
    return Trade(
        number=number,
        strategy_id=held.strategy_id,
        symbol=held.symbol,
        direction=1 if held.quantity_nanos > 0 else -1,
        multiplier=multiplier,
        entry_ns=held.since_ns,
        entry_quantity_nanos=size,
        peak_quantity_nanos=size,
        entry_value_attos=abs(held.basis_attos),
        is_carried=True,
    )


def _restate(change: Restated, standing: dict[tuple[str, str], Trade]) -> None:
    """Count what is held in new units; a rest that does not divide is gone.

    Where nothing is left the venue pays it out, at a price that is not known here: the trade has no end.
    """
    above, below = change.numerator, change.denominator
    for key, trade in list(standing.items()):
        if trade.symbol != change.symbol:
            continue
        held = (trade.entry_quantity_nanos - trade.exit_quantity_nanos) * above // below
        if not held:
            del standing[key]
            continue
        trade.exit_quantity_nanos = trade.exit_quantity_nanos * above // below
        trade.entry_quantity_nanos = trade.exit_quantity_nanos + held
        trade.peak_quantity_nanos = trade.peak_quantity_nanos * above // below
        trade.scale *= Fraction(above, below)


def _take(
    fill: FillRow,
    key: tuple[str, str],
    standing: dict[tuple[str, str], Trade],
    trades: list[Trade],
    multiplier: int,
) -> None:
    """Give a fill to the standing trade, and what crosses zero to a new one."""
    trade = standing.get(key)
    left, fee = fill.quantity_nanos, fill.fee_attos
    if trade is not None and trade.direction != fill.side.sign:
        closing = min(left, trade.entry_quantity_nanos - trade.exit_quantity_nanos)
        share = fee * closing // left
        _reduce(trade, fill, closing, share)
        left, fee = left - closing, fee - share
        if trade.entry_quantity_nanos == trade.exit_quantity_nanos:
            trade.exit_ns = fill.venue_ns
            del standing[key]
            trade = None
    if left == 0:
        return
    if trade is None:
        trade = Trade(
            number=len(trades) + 1,
            strategy_id=fill.strategy_id,
            symbol=fill.symbol,
            direction=fill.side.sign,
            multiplier=multiplier,
            entry_ns=fill.venue_ns,
        )
        standing[key] = trade
        trades.append(trade)
    _add(trade, fill, left, fee)


def _add(trade: Trade, fill: FillRow, quantity_nanos: int, fee_attos: int) -> None:
    trade.entry_quantity_nanos += quantity_nanos
    trade.entry_value_attos += quantity_nanos * fill.price_nanos * trade.multiplier
    trade.fees_attos += fee_attos
    trade.peak_quantity_nanos = max(trade.peak_quantity_nanos, trade.entry_quantity_nanos - trade.exit_quantity_nanos)
    if fill.client_order_id not in trade.entry_orders:
        trade.entry_orders.append(fill.client_order_id)


def _reduce(trade: Trade, fill: FillRow, quantity_nanos: int, fee_attos: int) -> None:
    trade.exit_quantity_nanos += quantity_nanos
    trade.exit_value_attos += quantity_nanos * fill.price_nanos * trade.multiplier
    trade.fees_attos += fee_attos
    if fill.client_order_id not in trade.exit_orders:
        trade.exit_orders.append(fill.client_order_id)


def _describe(trade: Trade, orders: Mapping[str, OrderRow]) -> None:
    """Add what the orders knew: regime and plan at the first entry, the first exit's reason, slippage."""
    entries = [orders[name] for name in trade.entry_orders if name in orders]
    exits = [orders[name] for name in trade.exit_orders if name in orders]
    trade.entry_slippage_bps = _mean_slippage_bps(entries)
    trade.exit_slippage_bps = _mean_slippage_bps(exits)
    if entries:
        features, intent = entries[0].features, entries[0].intent
        trade.regime = features.symbol_regime if features else None
        trade.market_regime = features.market_regime if features else None
        if intent and intent.stop_distance_nanos:
            trade.planned_risk_attos = int(intent.stop_distance_nanos * trade.peak_quantity_nanos / trade.scale) * trade.multiplier
    if exits and exits[0].intent:
        trade.exit_reason = exits[0].intent.exit_reason


def _mean_slippage_bps(rows: list[OrderRow]) -> float | None:
    """Against each intent's reference price, weighted by filled quantity."""
    known = [(bps, row.filled_nanos) for row in rows if (bps := row.slippage_bps(row.reference_price_nanos)) is not None]
    return sum(bps * weight for bps, weight in known) / sum(weight for _, weight in known) if known else None
