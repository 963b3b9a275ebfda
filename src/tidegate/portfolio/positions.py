"""One strategy's position in one symbol: quantity, cost basis, realized P&L, fees.

Exact integers by the average-cost method. There is no average price: the cost basis is the signed money the
open quantity cost, so that nothing is ever rounded. A partial close releases basis x closed / open, rounded
toward zero; the remainder stays in the basis. Then cash + basis - realized + fees does not move with any
fill, which is what the account's books are checked by.
"""

from typing import final

import msgspec

from tidegate.values.enums import Side


class Fill(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Money and quantity that one execution, or its restatement, moved.

    A reversal has the opposite sign of the execution. quantity_nanos is signed (+ adds, - takes away) and
    cost_attos is what was paid (+) or received (-) for it, without the fee. A quantity of 0 restates only
    what an earlier fill of this side cost.
    """

    strategy_id: str
    symbol: str
    side: Side
    quantity_nanos: int
    cost_attos: int
    fee_attos: int


@final
class Holding:
    """A strategy's own position in a symbol and its working exits. Only `Portfolio` changes it."""

    __slots__ = (
        "basis_attos",
        "exit_correlation_id",
        "exit_ns",
        "exits_nanos",
        "fees_attos",
        "quantity_nanos",
        "realized_attos",
    )

    def __init__(self) -> None:
        self.quantity_nanos = 0  # signed: short is negative
        self.basis_attos = 0  # signed like the quantity
        self.realized_attos = 0
        self.fees_attos = 0
        self.exits_nanos = 0  # working, UNKNOWN and reserved exits
        self.exit_ns = 0  # when the last exit was commanded; 0: never
        self.exit_correlation_id = ""  # the story it belonged to

    def apply(self, fill: Fill) -> int:
        """Take a fill in and return the realized P&L it made, in attos and before fees."""
        self.fees_attos += fill.fee_attos
        held = self.quantity_nanos
        quantity = fill.quantity_nanos
        if quantity == 0:
            return self._restate(fill)
        if held == 0 or (held > 0) is (quantity > 0):
            self.quantity_nanos = held + quantity
            self.basis_attos += fill.cost_attos
            return 0
        closed = min(abs(quantity), abs(held))
        released = _share(self.basis_attos, closed, abs(held))
        closing_cost = _share(fill.cost_attos, closed, abs(quantity))
        self.quantity_nanos = held + quantity
        self.basis_attos += fill.cost_attos - closing_cost - released
        realized = -closing_cost - released
        self.realized_attos += realized
        return realized

    def _restate(self, fill: Fill) -> int:
        """Put a change of cost into the basis while its quantity is held, else into what was realized."""
        if self.quantity_nanos * fill.side.sign > 0:
            self.basis_attos += fill.cost_attos
            return 0
        self.realized_attos -= fill.cost_attos
        return -fill.cost_attos


def _share(total: int, part: int, whole: int) -> int:
    """Return total x part / whole, rounded toward zero, so that long and short are mirror images."""
    if part == whole:
        return total
    return total * part // whole if total >= 0 else -(-total * part // whole)
