"""What a metric looks at: the trades, orders, decisions and valuations of one group."""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import final

from tidegate.analytics.collect import Run
from tidegate.analytics.curves import Interval
from tidegate.analytics.orders import OrderRow
from tidegate.analytics.stability import Stability, stability
from tidegate.analytics.trades import Trade
from tidegate.events.acts import PositionSnapshot, RiskDecision
from tidegate.events.inputs import SessionChanged
from tidegate.values.enums import Regime
from tidegate.values.money import attos

TOTAL, STRATEGY, SYMBOL, REGIME = "total", "strategy", "symbol", "regime"


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Slice:
    """One group's share of a run: all, a strategy, a symbol or a regime.

    `equity` is the account's and stands in the total only; `masked` is None when nobody counted.
    """

    by: str
    name: str
    trades: tuple[Trade, ...]  # closed, by exit time
    open_trades: tuple[Trade, ...]
    orders: tuple[OrderRow, ...]  # all but those that provably never left the process
    decisions: tuple[RiskDecision, ...]
    equity: tuple[tuple[int, int], ...] | None  # (ns, attos)
    traded_equity: tuple[tuple[int, int], ...] | None  # the same within trading time
    windows: tuple[Interval, ...]
    masked: int | None
    stability: Stability | None  # of the whole session: stands in the total only

    @cached_property
    def nets(self) -> tuple[float, ...]:
        """Return the net result of each closed trade in dollars, by exit time."""
        return tuple(trade.net_usd for trade in self.trades if trade.net_usd is not None)

    @cached_property
    def continued(self) -> frozenset[str]:
        """Return the ids of orders whose rest another order asked for: chased or replaced."""
        return frozenset(row.continues for row in self.orders if row.continues)

    @cached_property
    def filled_orders(self) -> tuple[OrderRow, ...]:
        """Return the orders with at least one fill."""
        return tuple(row for row in self.orders if row.fills)


def slices(run: Run) -> list[Slice]:
    """Return the total, then each strategy, symbol and regime with a decision, order or trade, by name."""
    windows, equity, traded = trading_windows(run), valuations(run), traded_valuations(run)
    found: list[Slice] = []
    for by in (TOTAL, STRATEGY, SYMBOL, REGIME):
        parts = _filed(run, by)
        for name in sorted(parts):
            if name or by == TOTAL:
                part = parts[name]
                found.append(
                    Slice(
                        by=by,
                        name=name,
                        trades=tuple(sorted(part.closed, key=lambda trade: trade.exit_ns or 0)),
                        open_trades=tuple(part.open),
                        orders=tuple(part.orders),
                        decisions=tuple(part.decisions),
                        equity=equity if by == TOTAL else None,
                        traded_equity=traded if by == TOTAL else None,
                        windows=windows,
                        masked=_masked(run, by, name),
                        stability=stability(run) if by == TOTAL else None,
                    )
                )
    return found


def valuations(run: Run) -> tuple[tuple[int, int], ...]:
    """Return (ns, equity in attos) of each valuation in which everything could be priced."""
    return tuple(
        (message.timestamp, attos(message.equity_usd))
        for _, _, message in run.entries
        if isinstance(message, PositionSnapshot) and not message.symbol and message.equity_usd is not None
    )


def traded_valuations(run: Run) -> tuple[tuple[int, int], ...]:
    """Return the valuations within trading time; the last one before a window stands at its start."""
    points, windows = valuations(run), trading_windows(run)
    kept: list[tuple[int, int]] = []
    for start, end in windows:
        before = [point for point in points if point[0] < start][-1:]
        kept += [(start, value) for _, value in before]
        kept += [point for point in points if start <= point[0] <= end]
    return tuple(kept)


def trading_windows(run: Run) -> tuple[Interval, ...]:
    """Return when the run could trade: told trading hours within it, or all of it if none were told."""
    if run.from_ns is None or run.until_ns is None:
        return ()
    told = [message for _, _, message in run.entries if isinstance(message, SessionChanged)]
    if not told:
        return ((run.from_ns, run.until_ns),)
    clipped = ((max(run.from_ns, hours.open_ns), min(run.until_ns, hours.close_ns)) for hours in told)
    return tuple((start, end) for start, end in clipped if start < end)


@dataclass
class _Part:
    closed: list[Trade] = field(default_factory=list)
    open: list[Trade] = field(default_factory=list)
    orders: list[OrderRow] = field(default_factory=list)
    decisions: list[RiskDecision] = field(default_factory=list)


def _filed(run: Run, by: str) -> dict[str, _Part]:
    """File every row once under its group's name; the empty name is the total, or rows that have none."""
    parts: defaultdict[str, _Part] = defaultdict(_Part, {"": _Part()})
    for trade in run.trade_rows:
        part = parts[_key(by, trade.strategy_id, trade.symbol, trade.regime)]
        (part.open if trade.is_open else part.closed).append(trade)
    for row in run.order_rows:
        if row.was_sent:
            parts[_key(by, row.command.strategy_id, row.command.symbol, row.regime)].orders.append(row)
    for _, _, message in run.entries:
        if isinstance(message, RiskDecision):
            seen = run.links.features.get(message.intent_id)
            parts[_key(by, message.strategy_id, message.symbol, seen.symbol_regime if seen else None)].decisions.append(message)
    return parts


def _key(by: str, strategy: str, symbol: str, regime: Regime | None) -> str:
    return {TOTAL: "", STRATEGY: strategy, SYMBOL: symbol, REGIME: "" if regime is None else regime.name}[by]


def _masked(run: Run, by: str, name: str) -> int | None:
    if run.sources.masked is None or by == REGIME:
        return None
    return sum(row.times for row in run.sources.masked if _key(by, row.strategy_id, row.symbol, None) == name)
