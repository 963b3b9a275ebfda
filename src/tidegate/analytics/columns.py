"""The columns of every table of a `Run`, with their types; the names are promised to users.

Conventions: `…_ns` Int64 moments in UTC (each gets a readable `…_at` Datetime beside it), `…_usd` and prices
Float64 dollars, `quantity` Float64 units, `…_nanos` exact Int64 at 1e-9, `…_bps` basis points.
"""

import polars as pl

_TEXT, _FLOAT, _INT = pl.String(), pl.Float64(), pl.Int64()
_PLACE: dict[str, pl.DataType] = {"n": _INT, "k": _INT}

ORDER_COLUMNS: dict[str, pl.DataType] = _PLACE | {
    "client_order_id": _TEXT,
    "created_ns": _INT,
    "strategy_id": _TEXT,
    "symbol": _TEXT,
    "venue": _TEXT,
    "account": _TEXT,
    "purpose": _TEXT,
    "side": _TEXT,
    "order_type": _TEXT,
    "time_in_force": _TEXT,
    "quantity": _FLOAT,
    "limit_price": _FLOAT,
    "stop_price": _FLOAT,
    "trail": _FLOAT,
    "reference_price": _FLOAT,
    "mid_at_decision": _FLOAT,
    "spread_bps_at_decision": _FLOAT,
    "symbol_regime": _TEXT,
    "market_regime": _TEXT,
    "state": _TEXT,
    "filled_quantity": _FLOAT,
    "average_price": _FLOAT,
    "fees_usd": _FLOAT,
    "fills": _INT,
    "accepted_ns": _INT,
    "first_fill_ns": _INT,
    "last_fill_ns": _INT,
    "done_ns": _INT,
    "slippage_reference_bps": _FLOAT,
    "slippage_mid_bps": _FLOAT,
    "exit_reason": _TEXT,
    "sizing": _TEXT,
    "reason": _TEXT,
    "note": _TEXT,
    "replaces": _TEXT,
    "quantity_nanos": _INT,
    "filled_nanos": _INT,
    "limit_price_nanos": _INT,
    "intent_id": _TEXT,
    "decision_id": _TEXT,
    "correlation_id": _TEXT,
}
FILL_COLUMNS: dict[str, pl.DataType] = {
    "n": _INT,
    "filled_ns": _INT,
    "venue_ns": _INT,
    "client_order_id": _TEXT,
    "execution_id": _TEXT,
    "strategy_id": _TEXT,
    "symbol": _TEXT,
    "side": _TEXT,
    "quantity": _FLOAT,
    "price": _FLOAT,
    "fee_usd": _FLOAT,
    "liquidity": _TEXT,
    "quantity_nanos": _INT,
    "price_nanos": _INT,
    "correlation_id": _TEXT,
}
TRADE_COLUMNS: dict[str, pl.DataType] = {
    "number": _INT,
    "strategy_id": _TEXT,
    "symbol": _TEXT,
    "direction": _TEXT,
    "entry_ns": _INT,
    "exit_ns": _INT,
    "hold_seconds": _FLOAT,
    "quantity": _FLOAT,
    "entry_price": _FLOAT,
    "exit_price": _FLOAT,
    "gross_usd": _FLOAT,
    "fees_usd": _FLOAT,
    "net_usd": _FLOAT,
    "net_bps": _FLOAT,
    "r_multiple": _FLOAT,
    "mae_bps": _FLOAT,
    "mfe_bps": _FLOAT,
    "mae_usd": _FLOAT,
    "mfe_usd": _FLOAT,
    "exit_reason": _TEXT,
    "entry_slippage_bps": _FLOAT,
    "exit_slippage_bps": _FLOAT,
    "symbol_regime": _TEXT,
    "market_regime": _TEXT,
    "entry_orders": pl.List(pl.String()),
    "exit_orders": pl.List(pl.String()),
}
_HEAD: dict[str, pl.DataType] = _PLACE | {"at_ns": _INT, "strategy_id": _TEXT, "symbol": _TEXT}
_IDS: dict[str, pl.DataType] = {"event_id": _TEXT, "correlation_id": _TEXT}
POSITION_COLUMNS: dict[str, pl.DataType] = (
    _HEAD
    | {"account": _TEXT, "quantity": _FLOAT, "quantity_nanos": _INT}
    | dict.fromkeys(("cost_basis_usd", "realized_usd", "fees_usd", "cash_usd"), _FLOAT)
)
EQUITY_COLUMNS: dict[str, pl.DataType] = (
    _PLACE
    | {"at_ns": _INT, "account": _TEXT}
    | dict.fromkeys(
        ("equity_usd", "cash_usd", "realized_usd", "unrealized_usd", "fees_usd", "gross_usd", "net_usd"),
        _FLOAT,
    )
)
INTENT_COLUMNS: dict[str, pl.DataType] = (
    _HEAD
    | dict.fromkeys(("purpose", "side", "order_type", "time_in_force"), _TEXT)
    | dict.fromkeys(("quantity", "limit_price", "stop_price", "trail", "reference_price"), _FLOAT)
    | dict.fromkeys(("stop_distance", "take_distance", "trail_distance", "time_stop_seconds", "spread_kill_bps"), _FLOAT)
    | dict.fromkeys(("exit_reason", "sizing", "reason", "replaces"), _TEXT)
    | _IDS
)
DECISION_COLUMNS: dict[str, pl.DataType] = (
    _HEAD
    | dict.fromkeys(("verdict", "purpose", "side"), _TEXT)
    | {
        "quantity": _FLOAT,
        "limit_price": _FLOAT,
        "checks": _INT,
        "first_refusal": _TEXT,
        "refusals": pl.List(pl.String()),
    }
    | dict.fromkeys(("symbol_regime", "market_regime", "sentence", "intent_id"), _TEXT)
    | _IDS
)
CHECK_COLUMNS: dict[str, pl.DataType] = _HEAD | {
    "decision_id": _TEXT,
    "check": _TEXT,
    "passed": pl.Boolean(),
    "limit": _INT,
    "observed": _INT,
}
ATTENTION_COLUMNS: dict[str, pl.DataType] = (
    _HEAD
    | {
        "kind": _TEXT,
        "side": _TEXT,
        "exit_reason": _TEXT,
        "bar_length_seconds": _FLOAT,
        "level_price": _FLOAT,
    }
    | _IDS
)
REGIME_COLUMNS: dict[str, pl.DataType] = _PLACE | {"at_ns": _INT} | dict.fromkeys(("symbol", "group", "before", "after", "why"), _TEXT)
NOTHING_COLUMNS: dict[str, pl.DataType] = _HEAD | {"reason": _TEXT} | _IDS
MASKED_COLUMNS: dict[str, pl.DataType] = {"strategy_id": _TEXT, "symbol": _TEXT, "mask": _TEXT, "times": _INT}
