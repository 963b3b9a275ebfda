"""Whose position an execution that nobody here ordered moves: a liquidation closes what strategies hold, the rest is nobody's."""

from msgspec.structs import replace

from tidegate.portfolio.portfolio import Portfolio
from tidegate.portfolio.positions import Fill


def attributed(portfolio: Portfolio, fill: Fill) -> tuple[Fill, ...]:
    """Return the fill cut into parts: first what closes positions of strategies, by strategy id, then what is left as it came.

    The parts add up to the fill exactly.
    """
    quantity, cost, fee = fill.quantity_nanos, fill.cost_attos, fill.fee_attos
    parts = []
    for strategy_id, symbol in sorted(portfolio.holdings):
        held = portfolio.holdings[strategy_id, symbol].quantity_nanos
        if symbol != fill.symbol or not strategy_id or held * quantity >= 0:
            continue
        closed = min(abs(held), abs(quantity)) * (1 if quantity > 0 else -1)
        part = Fill(
            strategy_id=strategy_id,
            symbol=symbol,
            side=fill.side,
            quantity_nanos=closed,
            cost_attos=cost * closed // quantity,
            fee_attos=fee * closed // quantity,
        )
        parts.append(part)
        quantity, cost, fee = quantity - closed, cost - part.cost_attos, fee - part.fee_attos
        if not quantity:
            break
    if quantity or not parts:
        parts.append(replace(fill, quantity_nanos=quantity, cost_attos=cost, fee_attos=fee))
    return tuple(parts)
