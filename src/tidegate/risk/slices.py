"""How an entry above the caps on one order is cut, where its plan says so. Each slice is judged by itself, with the whole in view."""

from typing import Final

from tidegate.events.acts import TradeIntent
from tidegate.risk.exits import exit_slices
from tidegate.risk.limits import RiskLimits
from tidegate.values.instruments import Instrument

ENTRY_SLICES_MAX: Final = 16  # a larger entry is not cut: the gate refuses it and says why


def entry_slices(whole: TradeIntent, price_nanos: int, limits: RiskLimits, instrument: Instrument) -> list[int]:
    """Return the quantities of the orders that a whole entry is sent as; the whole alone where it fits or would take too many.

    price_nanos: what the gate values a unit at. They sum up to the whole: an entry is a number of lots already.
    """
    slices = exit_slices(whole.quantity_nanos, price_nanos, limits, instrument)
    if len(slices) > ENTRY_SLICES_MAX or sum(slices) != whole.quantity_nanos:
        return [whole.quantity_nanos]
    return slices
