"""Orders and what is said about them: REST bodies and trade updates."""

import msgspec

from tidegate.venues.alpaca.wire.base import Flag, Number, Text


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order. A multi-leg parent has "" for symbol and side, its legs "" for type."""

    id: Text = None
    client_order_id: Text = None
    created_at: Text = None
    updated_at: Text = None
    submitted_at: Text = None
    filled_at: Text = None
    expired_at: Text = None
    expires_at: Text = None
    canceled_at: Text = None
    failed_at: Text = None
    replaced_at: Text = None
    replaced_by: Text = None
    replaces: Text = None
    asset_id: Text = None
    symbol: Text = None
    asset_class: Text = None
    notional: Number = None
    qty: Number = None
    filled_qty: Number = None
    filled_avg_price: Number = None
    order_class: Text = None
    order_type: Text = None
    type: Text = None
    side: Text = None
    position_intent: Text = None
    time_in_force: Text = None
    limit_price: Number = None
    stop_price: Number = None
    status: Text = None
    extended_hours: Flag = None
    legs: list["Order"] | None = None
    trail_percent: Number = None
    trail_price: Number = None
    hwm: Number = None
    ratio_qty: Number = None


class TradeUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """The data of one trade update; price and qty are those of one execution."""

    event: Text = None
    execution_id: Text = None
    previous_execution_id: Text = None  # of a bust or a correction
    timestamp: Text = None
    at: Text = None  # in the form with history
    event_id: Text = None
    price: Number = None
    qty: Number = None
    position_qty: Number = None
    reason: Text = None
    order: Order | None = None


class Authorization(msgspec.Struct, frozen=True, kw_only=True):
    """The data of the trading stream's control messages."""

    status: Text = None
    action: Text = None
    message: Text = None
    streams: list[str] | None = None


class StreamHead(msgspec.Struct, frozen=True, kw_only=True):
    """A message of the trading stream, its data unread: what it is depends on `stream`."""

    stream: Text = None
    data: msgspec.Raw = msgspec.Raw(b"null")


class ItemResult(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a 207 answer: of cancel-all (by id) or of close-all (by symbol)."""

    id: Text = None
    symbol: Text = None
    status: int = 0
    body: msgspec.Raw = msgspec.Raw(b"null")


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """An error body. The code is a number of Alpaca's or, for locates, a word."""

    code: int | str | None = None
    message: Text = None
    reject_reason: Text = None
    existing_order_id: Text = None
