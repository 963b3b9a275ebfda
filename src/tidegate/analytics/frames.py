"""Rows to polars DataFrames: one function a table, one column list a table.

A null is "not known", never zero. Floats are for reading; the exact figures are the rows of `Run.order_rows`,
`fill_rows` and `trade_rows`. Units: see `columns`.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import polars as pl

from tidegate.analytics.columns import (
    ATTENTION_COLUMNS,
    CHECK_COLUMNS,
    DECISION_COLUMNS,
    EQUITY_COLUMNS,
    FILL_COLUMNS,
    INTENT_COLUMNS,
    MASKED_COLUMNS,
    NOTHING_COLUMNS,
    ORDER_COLUMNS,
    POSITION_COLUMNS,
    REGIME_COLUMNS,
    TRADE_COLUMNS,
)
from tidegate.analytics.entries import MaskedTrigger
from tidegate.analytics.links import Links
from tidegate.analytics.orders import FillRow, OrderRow
from tidegate.analytics.trades import Trade
from tidegate.events.acts import (
    AttentionRaised,
    FeatureSnapshot,
    NothingDone,
    PositionSnapshot,
    RegimeChanged,
    RiskDecision,
    TradeIntent,
)
from tidegate.events.base import Act
from tidegate.values.enums import Regime
from tidegate.values.money import ATTOS, NANOS
from tidegate.values.time import SECOND_NS

Cell = str | int | float | list[str] | None
Row = dict[str, Cell]

_BPS = 10_000


def orders(rows: Iterable[OrderRow]) -> pl.DataFrame:
    """Return the table of orders."""
    return table(map(_order, rows), ORDER_COLUMNS)


def fills(rows: Iterable[FillRow]) -> pl.DataFrame:
    """Return the table of executions."""
    return table(map(_fill, rows), FILL_COLUMNS)


def trades(rows: Iterable[Trade]) -> pl.DataFrame:
    """Return the table of round trips."""
    return table(map(_trade, rows), TRADE_COLUMNS)


def positions(snapshots: Sequence[tuple[int, int, PositionSnapshot]]) -> pl.DataFrame:
    """Return the table of a strategy's positions by symbol."""
    rows = (
        _head(n, k, shot)
        | _holding(shot)
        | {
            "cost_basis_usd": dollars(shot.cost_basis_usd),
            "realized_usd": dollars(shot.realized_usd),
            "fees_usd": dollars(shot.fees_usd),
            "cash_usd": dollars(shot.cash_usd),
        }
        for n, k, shot in snapshots
        if shot.symbol
    )
    return table(rows, POSITION_COLUMNS)


def equity(snapshots: Sequence[tuple[int, int, PositionSnapshot]]) -> pl.DataFrame:
    """Return the account at each valuation; drawdown is the fall from the highest equity so far."""
    rows: Iterable[Row] = (
        {
            "n": n,
            "k": k,
            "at_ns": shot.timestamp,
            "account": shot.account,
            "equity_usd": dollars(shot.equity_usd),
            "cash_usd": dollars(shot.cash_usd),
            "realized_usd": dollars(shot.realized_usd),
            "unrealized_usd": dollars(shot.unrealized_usd),
            "fees_usd": dollars(shot.fees_usd),
            "gross_usd": dollars(shot.gross_usd),
            "net_usd": dollars(shot.net_usd),
        }
        for n, k, shot in snapshots
        if not shot.symbol
    )
    peak = pl.col("equity_usd").cum_max().forward_fill()
    return table(rows, EQUITY_COLUMNS).with_columns(
        (pl.col("equity_usd") - peak).alias("drawdown_usd"),
        ((pl.col("equity_usd") / peak - 1.0) * 100.0).alias("drawdown_percent"),
    )


def intents(messages: Sequence[tuple[int, int, TradeIntent]]) -> pl.DataFrame:
    """Return the table of intents."""
    return table((_intent(n, k, message) for n, k, message in messages), INTENT_COLUMNS)


def decisions(messages: Sequence[tuple[int, int, RiskDecision]], links: Links) -> pl.DataFrame:
    """Return the table of verdicts."""
    return table((_decision(n, k, message, links) for n, k, message in messages), DECISION_COLUMNS)


def checks(messages: Sequence[tuple[int, int, RiskDecision]]) -> pl.DataFrame:
    """Return the table of single checks."""
    rows = (
        _head(n, k, message)
        | {
            "decision_id": message.event_id,
            "check": name,
            "passed": passed,
            "limit": limit,
            "observed": observed,
        }
        for n, k, message in messages
        for name, passed, limit, observed in message.checks
    )
    return table(rows, CHECK_COLUMNS)


def attentions(messages: Sequence[tuple[int, int, AttentionRaised]]) -> pl.DataFrame:
    """Return the table of attentions."""
    rows = (
        _head(n, k, message)
        | {
            "kind": message.kind.value,
            "side": message.side.value if message.side else None,
            "exit_reason": message.exit_reason.value,
            "bar_length_seconds": message.bar_length_ns / NANOS if message.bar_length_ns else None,
            "level_price": price(message.level_nanos),
        }
        | _ids(message)
        for n, k, message in messages
    )
    return table(rows, ATTENTION_COLUMNS)


def regimes(messages: Sequence[tuple[int, int, RegimeChanged]]) -> pl.DataFrame:
    """Return the table of regime changes."""
    rows: Iterable[Row] = (
        {
            "n": n,
            "k": k,
            "at_ns": message.timestamp,
            "symbol": message.symbol,
            "group": message.group,
            "before": message.before.name,
            "after": message.after.name,
            "why": message.why,
        }
        for n, k, message in messages
    )
    return table(rows, REGIME_COLUMNS)


def nothings(messages: Sequence[tuple[int, int, NothingDone]]) -> pl.DataFrame:
    """Return the table of declined moments."""
    return table(
        (_head(n, k, message) | {"reason": message.reason} | _ids(message) for n, k, message in messages),
        NOTHING_COLUMNS,
    )


def masked(rows: Iterable[MaskedTrigger]) -> pl.DataFrame:
    """Return the table of masked triggers."""
    cells: Iterable[Row] = ({"strategy_id": row.strategy_id, "symbol": row.symbol, "mask": row.mask, "times": row.times} for row in rows)
    return table(cells, MASKED_COLUMNS)


def table(rows: Iterable[Row], columns: dict[str, pl.DataType]) -> pl.DataFrame:
    """Return rows as a frame of these columns, each `…_ns` moment with its readable `…_at` before it."""
    frame = pl.DataFrame(list(rows), schema=columns, orient="row")
    shown: list[pl.Expr] = []
    for name in columns:
        if name.endswith("_ns"):
            shown.append(
                pl.col(name).cast(pl.Datetime("ns")).dt.replace_time_zone("UTC").alias(f"{name[:-3]}_at" if name != "at_ns" else "at")
            )
        shown.append(pl.col(name))
    return frame.select(shown)


def dollars(text: str | None) -> float | None:
    """Return an exact decimal string as a float for tables; None stays None."""
    return None if text is None else float(Decimal(text))


def price(nanos: int) -> float | None:
    """Return a price in dollars; 0 means none."""
    return nanos / NANOS if nanos else None


def _head(n: int, k: int, message: Act) -> Row:
    return {
        "n": n,
        "k": k,
        "at_ns": message.timestamp,
        "strategy_id": message.strategy_id,
        "symbol": message.symbol,
    }


def _holding(shot: PositionSnapshot) -> Row:
    return {
        "account": shot.account,
        "quantity": shot.quantity_nanos / NANOS,
        "quantity_nanos": shot.quantity_nanos,
    }


def _ids(message: Act) -> Row:
    return {"event_id": message.event_id, "correlation_id": message.correlation_id}


def _name(regime: Regime | None) -> str | None:
    return None if regime is None else regime.name


def _order(row: OrderRow) -> Row:
    command, intent, seen = row.command, row.intent, row.features_then
    average = row.average_price_nanos
    cells: Row = {
        "n": row.n,
        "k": row.k,
        "client_order_id": row.client_order_id,
        "created_ns": command.timestamp,
        "strategy_id": command.strategy_id,
        "symbol": command.symbol,
        "venue": command.venue,
        "account": command.account,
        "purpose": intent.purpose.value if intent else None,
        "side": command.side.value,
        "order_type": command.order_type.value,
        "time_in_force": command.time_in_force.value,
        "quantity": command.quantity_nanos / NANOS,
        "limit_price": price(command.limit_price_nanos),
        "stop_price": price(command.stop_price_nanos),
        "trail": price(command.trail_nanos),
        "reference_price": price(row.reference_price_nanos or 0),
        "mid_at_decision": None if row.mid_nanos is None else row.mid_nanos / NANOS,
        "spread_bps_at_decision": seen.spread_bps if seen else None,
        "state": row.state.value,
        "filled_quantity": row.filled_nanos / NANOS,
        "average_price": None if average is None else average / NANOS,
        "fees_usd": row.fees_attos / ATTOS if row.fills else None,
        "fills": len(row.fills),
        "accepted_ns": row.accepted_ns,
        "first_fill_ns": row.first_fill_ns,
        "last_fill_ns": row.last_fill_ns,
        "done_ns": row.done_ns,
        "slippage_reference_bps": row.slippage_bps(row.reference_price_nanos),
        "slippage_mid_bps": row.slippage_bps(row.mid_nanos),
        "exit_reason": intent.exit_reason.value if intent else None,
        "sizing": intent.sizing if intent else None,
        "reason": intent.reason if intent else command.reason,
        "note": row.note or None,
        "replaces": row.continues or None,
        "quantity_nanos": command.quantity_nanos,
        "filled_nanos": row.filled_nanos,
        "limit_price_nanos": command.limit_price_nanos,
        "intent_id": intent.event_id if intent else None,
        "decision_id": command.decision_id or None,
        "correlation_id": command.correlation_id,
    }
    return cells | _regimes(row.features)


def _fill(row: FillRow) -> Row:
    return {
        "n": row.n,
        "filled_ns": row.timestamp_ns,
        "venue_ns": row.venue_ns,
        "client_order_id": row.client_order_id,
        "execution_id": row.execution_id or None,
        "strategy_id": row.strategy_id,
        "symbol": row.symbol,
        "side": row.side.value,
        "quantity": row.quantity_nanos / NANOS,
        "price": row.price_nanos / NANOS,
        "fee_usd": row.fee_attos / ATTOS,
        "liquidity": row.liquidity.value if row.liquidity else None,
        "quantity_nanos": row.quantity_nanos,
        "price_nanos": row.price_nanos,
        "correlation_id": row.correlation_id,
    }


def _trade(row: Trade) -> Row:
    excursions = row.excursions_bps
    value_usd = row.entry_price_nanos / NANOS * row.peak_quantity_nanos / NANOS * row.multiplier
    net_usd = row.net_usd
    return {
        "number": row.number,
        "strategy_id": row.strategy_id,
        "symbol": row.symbol,
        "direction": "long" if row.direction > 0 else "short",
        "entry_ns": row.entry_ns,
        "exit_ns": row.exit_ns,
        "hold_seconds": None if row.hold_ns is None else row.hold_ns / SECOND_NS,
        "quantity": row.peak_quantity_nanos / NANOS,
        "entry_price": row.entry_price_nanos / NANOS,
        "exit_price": None if row.exit_price_nanos is None else row.exit_price_nanos / NANOS,
        "gross_usd": None if row.gross_attos is None else row.gross_attos / ATTOS,
        "fees_usd": row.fees_attos / ATTOS,
        "net_usd": net_usd,
        "net_bps": None if net_usd is None else net_usd / value_usd * _BPS,
        "r_multiple": row.r_multiple,
        "mae_bps": excursions[0] if excursions else None,
        "mfe_bps": excursions[1] if excursions else None,
        "mae_usd": excursions[0] * value_usd / _BPS if excursions else None,
        "mfe_usd": excursions[1] * value_usd / _BPS if excursions else None,
        "exit_reason": row.exit_reason.value if row.exit_reason else None,
        "entry_slippage_bps": row.entry_slippage_bps,
        "exit_slippage_bps": row.exit_slippage_bps,
        "symbol_regime": _name(row.regime),
        "market_regime": _name(row.market_regime),
        "entry_orders": row.entry_orders,
        "exit_orders": row.exit_orders,
    }


def _intent(n: int, k: int, intent: TradeIntent) -> Row:
    return (
        _head(n, k, intent)
        | {
            "purpose": intent.purpose.value,
            "side": intent.side.value,
            "order_type": intent.order_type.value,
            "time_in_force": intent.time_in_force.value,
            "quantity": intent.quantity_nanos / NANOS,
            "limit_price": price(intent.limit_price_nanos),
            "stop_price": price(intent.stop_price_nanos),
            "trail": price(intent.trail_nanos),
            "reference_price": price(intent.reference_price_nanos),
            "stop_distance": price(intent.stop_distance_nanos),
            "take_distance": price(intent.take_distance_nanos),
            "trail_distance": price(intent.trail_distance_nanos),
            "time_stop_seconds": intent.time_stop_ns / SECOND_NS if intent.time_stop_ns else None,
            "spread_kill_bps": intent.spread_kill_bps or None,
            "exit_reason": intent.exit_reason.value,
            "sizing": intent.sizing,
            "reason": intent.reason,
            "replaces": intent.replaces or None,
        }
        | _ids(intent)
    )


def _decision(n: int, k: int, decision: RiskDecision, links: Links) -> Row:
    return (
        _head(n, k, decision)
        | {
            "verdict": decision.verdict.value,
            "purpose": decision.purpose.value,
            "side": decision.side.value,
            "quantity": decision.quantity_nanos / NANOS,
            "limit_price": price(decision.limit_price_nanos),
            "checks": len(decision.checks),
            "first_refusal": decision.refusals[0] if decision.refusals else None,
            "refusals": list(decision.refusals),
            "sentence": decision.sentence,
            "intent_id": decision.intent_id,
        }
        | _regimes(links.features.get(decision.intent_id))
        | _ids(decision)
    )


def _regimes(seen: FeatureSnapshot | None) -> Row:
    return {
        "symbol_regime": _name(seen.symbol_regime if seen else None),
        "market_regime": _name(seen.market_regime if seen else None),
    }
