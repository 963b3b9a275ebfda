"""Order prices from a plan: how far an entry or exit may go through the market, on the grid.

A buyer's limit is rounded down and a seller's up, so that rounding never pays more than the rule allows.
"""

from typing import Final

from tidegate.strategies.plan import Distance, EntryRule, EntryStyle
from tidegate.values.enums import OrderType, Side
from tidegate.values.instruments import Instrument

# Members of an enum are looked up slowly before Python 3.12.
_BUY: Final = Side.BUY
_LIMIT: Final = OrderType.LIMIT
_AT_MARKET: Final = EntryStyle.MARKET
_PASSIVE: Final = EntryStyle.PASSIVE_LIMIT


def entry_price(
    rule: EntryRule, instrument: Instrument, side: Side, *, bid_nanos: int, ask_nanos: int, atr: float
) -> tuple[OrderType, int]:
    """Return the order type and limit in nanos (0 for a market order)."""
    if rule.style is _AT_MARKET:
        return OrderType.MARKET, 0
    if rule.style is _PASSIVE:
        near = instrument.floor_price(bid_nanos) if side is _BUY else instrument.ceil_price(ask_nanos)
        return _LIMIT, near
    far_nanos = ask_nanos if side is _BUY else bid_nanos
    return _LIMIT, through(far_nanos, side, rule.slippage, instrument, atr=atr)


def through(price_nanos: int, side: Side, slippage: Distance, instrument: Instrument, *, atr: float) -> int:
    """Return the worst price an order may take: this price plus or minus the slippage, on the grid."""
    away = slippage.nanos(price_nanos=price_nanos, atr=atr)
    if side is _BUY:
        return instrument.floor_price(price_nanos + away)
    limit = instrument.ceil_price(price_nanos - away)
    return limit if limit > 0 else instrument.tick_at(0)
