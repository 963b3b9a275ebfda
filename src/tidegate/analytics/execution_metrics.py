"""How well orders were carried out (C2.2), one function a metric; the docstring is its definition.

None is "not known or not defined", never zero.
"""

from collections.abc import Iterable

from tidegate.analytics.curves import middle, share
from tidegate.analytics.orders import DONE, OrderRow
from tidegate.analytics.slices import Slice
from tidegate.values.enums import Liquidity, OrderState
from tidegate.values.money import ATTOS
from tidegate.values.time import MILLISECOND_NS


def orders(part: Slice) -> int:
    """Submits and replaces that may have left the process (all but NOT_SENT)."""
    return len(part.orders)


def fills(part: Slice) -> int:
    """Executions, each counted once by its id."""
    return sum(len(row.fills) for row in part.orders)


def turnover_usd(part: Slice) -> float | None:
    """Price times quantity of all fills, both sides, before any contract multiplier."""
    values = [fill.price_nanos * fill.quantity_nanos for row in part.filled_orders for fill in row.fills]
    return sum(values) / ATTOS if values else None


def fees_paid_usd(part: Slice) -> float | None:
    """Fees and rebates of all fills, of open trades too."""
    return sum(row.fees_attos for row in part.filled_orders) / ATTOS if part.filled_orders else None


def slippage_reference_bps(part: Slice) -> float | None:
    """Average fill price against the intent's reference price, positive is worse.

    The reference is the side of the book the intent was priced at; orders weigh by filled quantity.
    """
    return _weighted((row.slippage_bps(row.reference_price_nanos), row) for row in part.filled_orders)


def slippage_mid_bps(part: Slice) -> float | None:
    """Average fill price against the middle of bid and ask when it was decided, positive is worse.

    Orders weigh by filled quantity.
    """
    return _weighted((row.slippage_bps(row.mid_nanos), row) for row in part.filled_orders)


def slippage_reference_usd(part: Slice) -> float | None:
    """Slippage to reference in dollars, before any contract multiplier; negative is price improvement."""
    costs = [
        row.command.side.sign * (row.average_price_nanos - row.reference_price_nanos) * row.filled_nanos / ATTOS
        for row in part.filled_orders
        if row.average_price_nanos is not None and row.reference_price_nanos is not None
    ]
    return sum(costs) if costs else None


def fill_rate(part: Slice) -> float | None:
    """Filled over ordered quantity.

    Of an order whose rest another one asked for (chased or replaced) only what it filled counts as ordered.
    """
    ordered = sum(row.filled_nanos if row.client_order_id in part.continued else row.command.quantity_nanos for row in part.orders)
    return share(sum(row.filled_nanos for row in part.orders), ordered)


def order_fill_rate(part: Slice) -> float | None:
    """Orders with at least one fill over orders sent."""
    return share(len(part.filled_orders), len(part.orders))


def partial_rate(part: Slice) -> float | None:
    """Orders that ended with some but not all of their quantity, over ended orders with a fill.

    Orders whose rest another one asked for (chased or replaced) are left out.
    """
    ended = [row for row in part.filled_orders if row.state in DONE and row.client_order_id not in part.continued]
    return share(sum(row.filled_nanos < row.command.quantity_nanos for row in ended), len(ended))


def cancel_rate(part: Slice) -> float | None:
    """Orders that ended canceled (chased ones and unfilled rests of IOC orders included) over orders sent."""
    return _ended_as(part, OrderState.CANCELED)


def expire_rate(part: Slice) -> float | None:
    """Orders that ended expired over orders sent."""
    return _ended_as(part, OrderState.EXPIRED)


def reject_rate(part: Slice) -> float | None:
    """Orders the venue rejected over orders sent."""
    return _ended_as(part, OrderState.REJECTED)


def time_to_fill_median_ms(part: Slice) -> float | None:
    """From the command to the receipt of its first fill: order latency, wait and response latency."""
    return middle(
        (row.first_fill_ns - row.command.timestamp) / MILLISECOND_NS for row in part.filled_orders if row.first_fill_ns is not None
    )


def time_to_complete_median_ms(part: Slice) -> float | None:
    """From the command to the receipt of its last fill, completely filled orders only."""
    return middle(
        (row.last_fill_ns - row.command.timestamp) / MILLISECOND_NS
        for row in part.filled_orders
        if row.last_fill_ns is not None and row.state is OrderState.FILLED
    )


def maker_share(part: Slice) -> float | None:
    """Quantity filled as maker over quantity whose liquidity is known."""
    known = [fill for row in part.filled_orders for fill in row.fills if fill.liquidity is not None]
    return share(
        sum(fill.quantity_nanos for fill in known if fill.liquidity is Liquidity.MAKER),
        sum(fill.quantity_nanos for fill in known),
    )


def _weighted(pairs: Iterable[tuple[float | None, OrderRow]]) -> float | None:
    known = [(bps, row.filled_nanos) for bps, row in pairs if bps is not None]
    return sum(bps * weight for bps, weight in known) / sum(weight for _, weight in known) if known else None


def _ended_as(part: Slice, state: OrderState) -> float | None:
    return share(sum(row.state is state for row in part.orders), len(part.orders))
