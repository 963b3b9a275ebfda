"""Builders of messages and books for the tests of portfolio, orders and risk."""

from tidegate.events.acts import OrderCommand, RiskDecision, TradeIntent
from tidegate.events.inputs import OrderEvent
from tidegate.portfolio.portfolio import Portfolio
from tidegate.portfolio.positions import Fill
from tidegate.values.enums import (
    CommandKind,
    ExitReason,
    OrderEventKind,
    OrderType,
    Purpose,
    Side,
    TimeInForce,
    Verdict,
)
from tidegate.values.instruments import Instrument
from tidegate.values.money import ATTOS, NANOS, attos, nanos
from tidegate.values.time import SECOND_NS

NOW_NS = 1_380_000_000 * SECOND_NS
CASH = 100_000 * ATTOS
PRICE = 50 * NANOS
INSTRUMENTS = {
    "AIG": Instrument(index=0, symbol="AIG", venue="sim", sector="insurance"),
    "BAC": Instrument(index=1, symbol="BAC", venue="sim", sector="banks"),
    "RAIN": Instrument(index=2, symbol="RAIN", venue="kalshi", multiplier=3, event_cluster="weather"),
}


def shares(count: float | str) -> int:
    return nanos(str(count))


def usd(amount: float | str) -> int:
    return attos(str(amount))


def books(cash: int = CASH) -> Portfolio:
    return Portfolio("acct", cash, dict(INSTRUMENTS))


def intent(
    side: Side = Side.BUY,
    quantity: float = 100,
    price: int = PRICE,
    *,
    purpose: Purpose = Purpose.ENTRY,
    strategy: str = "mr",
    symbol: str = "AIG",
    name: str = "s-1-1",
    order_type: OrderType = OrderType.LIMIT,
    replaces: str = "",
    correlation: str = "s-1-0",
    stop: int = 0,
    trail: int = 0,
    reference: int = 0,
    now_ns: int = NOW_NS,
    whole_quantity_nanos: int = 0,
    slice_number: int = 0,
) -> TradeIntent:
    return TradeIntent(
        event_id=name,
        timestamp=now_ns,
        symbol=symbol,
        strategy_id=strategy,
        correlation_id=correlation,
        purpose=purpose,
        side=side,
        order_type=order_type,
        time_in_force=TimeInForce.DAY,
        quantity_nanos=shares(quantity),
        limit_price_nanos=price,
        stop_price_nanos=stop,
        trail_nanos=trail,
        whole_quantity_nanos=whole_quantity_nanos,
        slice_number=slice_number,
        reference_price_nanos=reference,
        exit_reason=ExitReason.STOP_LOSS if purpose is Purpose.EXIT else ExitReason.NONE,
        replaces=replaces,
    )


def decision(of: TradeIntent, *, name: str = "s-1-2", verdict: Verdict = Verdict.APPROVED) -> RiskDecision:
    return RiskDecision(
        event_id=name,
        timestamp=of.timestamp,
        symbol=of.symbol,
        strategy_id=of.strategy_id,
        correlation_id=of.correlation_id,
        intent_id=of.event_id,
        verdict=verdict,
        purpose=of.purpose,
        side=of.side,
        quantity_nanos=of.quantity_nanos,
        limit_price_nanos=of.limit_price_nanos,
        checks=(),
    )


def command(
    of: TradeIntent,
    *,
    order: str = "0-a",
    decision_id: str = "s-1-2",
    kind: CommandKind = CommandKind.SUBMIT,
    now_ns: int = NOW_NS,
    target: str = "",
) -> OrderCommand:
    return OrderCommand(
        event_id="s-1-3",
        timestamp=now_ns,
        symbol=of.symbol,
        strategy_id=of.strategy_id,
        correlation_id=of.correlation_id,
        kind=kind,
        client_order_id=order,
        venue="sim",
        account="acct",
        side=of.side,
        order_type=of.order_type,
        time_in_force=of.time_in_force,
        quantity_nanos=of.quantity_nanos,
        limit_price_nanos=of.limit_price_nanos,
        stop_price_nanos=of.stop_price_nanos,
        trail_nanos=of.trail_nanos,
        valid_until_ns=now_ns + SECOND_NS,
        decision_id=decision_id,
        target_id=target,
    )


def order_event(
    kind: OrderEventKind,
    order: str = "0-a",
    *,
    now_ns: int = NOW_NS,
    execution: str = "",
    last: float = 0,
    price: int = 0,
    cum: float = 0,
    fee: str = "0",
    side: Side = Side.BUY,
    symbol: str = "AIG",
    successor: str = "",
    venue_id: str = "v-1",
    reason: str = "",
) -> OrderEvent:
    return OrderEvent(
        event_id="s-9-0",
        timestamp=now_ns,
        symbol=symbol,
        strategy_id="",
        correlation_id="s-9-0",
        client_order_id=order,
        venue_order_id=venue_id,
        kind=kind,
        side=side,
        ts_venue=now_ns,
        execution_id=execution,
        last_quantity_nanos=shares(last),
        last_price_nanos=price,
        cum_quantity_nanos=shares(cum),
        fee_usd=fee,
        reason=reason,
        successor_id=successor,
    )


def fill(
    quantity: float,
    price: int = PRICE,
    *,
    fee: int = 0,
    strategy: str = "mr",
    symbol: str = "AIG",
    multiplier: int = 1,
) -> Fill:
    """Signed: a negative quantity was sold."""
    return Fill(
        strategy_id=strategy,
        symbol=symbol,
        side=Side.BUY if quantity > 0 else Side.SELL,
        quantity_nanos=shares(quantity),
        cost_attos=shares(quantity) * price * multiplier,
        fee_attos=fee,
    )


def reserve(portfolio: Portfolio, of: TradeIntent, *, name: str = "s-1-2") -> None:
    portfolio.fold_decision(decision(of, name=name), of)


def send(portfolio: Portfolio, of: TradeIntent, *, order: str = "0-a", now_ns: int = NOW_NS) -> None:
    """Reserve an intent and turn it into a working order."""
    name = f"d-{order}"
    reserve(portfolio, of, name=name)
    kind = CommandKind.REPLACE if of.replaces else CommandKind.SUBMIT
    portfolio.fold_command(command(of, order=order, decision_id=name, kind=kind, now_ns=now_ns))
