"""How an exit is cut and priced so that the gate need not refuse it.

Slices below the caps, prices without a quote.
"""

from typing import Final

from tidegate.risk.limits import BPS, RiskLimits
from tidegate.risk.view import BLOCKING_QUALITY
from tidegate.values.enums import Side
from tidegate.values.instruments import Instrument

SLICES_MAX: Final = 64  # at once; what is left is asked for again, since exits are level-triggered
BLIND_STEPS: Final = 4  # tries until the blind collar is at its widest

_SELL: Final = Side.SELL  # a member of an enum is looked up slowly before Python 3.12


def exit_slices(quantity_nanos: int, price_nanos: int, limits: RiskLimits, instrument: Instrument) -> list[int]:
    """Cut an exit into quantities within the caps on one order: never refused for its size.

    price_nanos is what a unit is valued at. Whole lots, at least one lot a slice; a remainder below one lot
    is left out.
    """
    cap, lot = limits.order_quantity_nanos_max, instrument.lot_nanos
    if price_nanos > 0:
        cap = min(cap, limits.order_notional_attos_max // (price_nanos * instrument.multiplier))
    cap = max(cap - cap % lot, lot)
    whole, rest = divmod(quantity_nanos - quantity_nanos % lot, cap)
    if whole >= SLICES_MAX:
        return [cap] * SLICES_MAX
    return [cap] * whole + [rest] * (rest > 0)


def sees_market(bid_nanos: int, ask_nanos: int, quality: int, age_ns: int, age_ns_max: int) -> bool:
    """Tell whether there is a fresh, clean quote to price an exit by; without one it goes blind."""
    if bid_nanos <= 0 or ask_nanos <= 0 or quality & BLOCKING_QUALITY:
        return False
    return age_ns <= age_ns_max


def within_collar(side: Side, limit_nanos: int, anchor_nanos: int, collar_bps: int, instrument: Instrument) -> int:
    """Return an exit's limit no further from the price that the gate measures it by than the gate lets any exit go."""
    if limit_nanos <= 0 or anchor_nanos <= 0:
        return limit_nanos
    slack = anchor_nanos * collar_bps // BPS
    if side is _SELL:
        return max(limit_nanos, instrument.ceil_price(anchor_nanos - slack))
    return min(limit_nanos, instrument.floor_price(anchor_nanos + slack))


def blind_exit_price(side: Side, last_good_nanos: int, limits: RiskLimits, instrument: Instrument, *, failures: int) -> int:
    """Return an exit's limit when there is no fresh quote: the last good price less a collar, on the grid.

    The collar starts at a quarter of `blind_collar_bps_max` and widens by as much with every failed try. 0
    when there is no good price either: then only a person can price it.
    """
    if last_good_nanos <= 0:
        return 0
    step = min(failures + 1, BLIND_STEPS)
    slack = last_good_nanos * limits.blind_collar_bps_max * step // (BLIND_STEPS * BPS)
    if side is _SELL:
        return max(instrument.ceil_price(last_good_nanos - slack), instrument.tick_at(0))
    return instrument.floor_price(last_good_nanos + slack)
