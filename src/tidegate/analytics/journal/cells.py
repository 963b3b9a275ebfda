"""Cells that rows of several kinds share: places, times, terms of orders and intents, regimes."""

from tidegate.analytics.journal.columns import Row
from tidegate.analytics.journal.source import Told
from tidegate.events.acts import FeatureSnapshot, OrderCommand, TradeIntent
from tidegate.events.codec import AnyMessage
from tidegate.values.money import nanos_text
from tidegate.values.time import iso_utc


def place(told: Told, message: AnyMessage) -> Row:
    """Return where and when a message stands, and whom it concerns."""
    return {
        "session": told.session,
        "n": told.n,
        "k": told.k,
        "at": iso_utc(message.timestamp),
        "at_ns": message.timestamp,
        "strategy_id": message.strategy_id,
        "symbol": message.symbol,
        "event_id": message.event_id,
        "correlation_id": message.correlation_id,
    }


def exact(nanos: int) -> str | None:
    """Return a price as exact text; 0 means that there is none."""
    return nanos_text(nanos) if nanos else None


def terms(asked: OrderCommand | TradeIntent) -> Row:
    """Return what is asked for, and at which price."""
    return {
        "side": asked.side.value,
        "quantity": nanos_text(asked.quantity_nanos),
        "order_type": asked.order_type.value,
        "time_in_force": asked.time_in_force.value,
        "limit_price": exact(asked.limit_price_nanos),
        "stop_price": exact(asked.stop_price_nanos),
        "trail": exact(asked.trail_nanos),
    }


def why(intent: TradeIntent | None, seen: FeatureSnapshot | None) -> Row:
    """Return why it was asked for, as far as it was an intent, and the regimes then."""
    regimes: Row = {} if seen is None else {"symbol_regime": seen.symbol_regime.name, "market_regime": seen.market_regime.name}
    if intent is None:
        return regimes
    return regimes | {
        "purpose": intent.purpose.value,
        "reference_price": exact(intent.reference_price_nanos),
        "exit_reason": intent.exit_reason.value,
        "reason": intent.reason,
        "sizing": intent.sizing,
    }
