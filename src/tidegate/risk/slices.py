"""How an entry above the caps on one order is cut, where its plan says so. Each slice is judged by itself, with the whole in view."""

from typing import Final

from msgspec.structs import replace

from tidegate.events.acts import TradeIntent
from tidegate.risk.exits import exit_slices
from tidegate.risk.limits import RiskLimits
from tidegate.values.instruments import Instrument

ENTRY_SLICES_MAX: Final = 16  # a larger entry is not cut: the gate refuses it and says why


def parts_of(whole: TradeIntent, limits: RiskLimits, instrument: Instrument) -> list[TradeIntent]:
    """Return the orders that a whole entry is sent as; the whole alone where it fits or would take too many.

    They sum up to the whole: an entry is a number of lots already. Each but the whole needs an event id of its own.
    """
    price = max(whole.reference_price_nanos, whole.limit_price_nanos, whole.stop_price_nanos)
    slices = exit_slices(whole.quantity_nanos, price, limits, instrument)
    if len(slices) == 1 or len(slices) > ENTRY_SLICES_MAX or sum(slices) != whole.quantity_nanos:
        return [whole]
    total = whole.quantity_nanos
    return [
        replace(whole, quantity_nanos=quantity, whole_quantity_nanos=total, slice_number=number) for number, quantity in enumerate(slices)
    ]
