"""How far an exit may go: what the gate is about to measure it by, so that no exit asks for more than the gate lets out."""

from typing import Final

from tidegate.engine.reading import Quote
from tidegate.market.rows import NO_QUOTE
from tidegate.risk.exits import sees_market, within_collar
from tidegate.risk.limits import RiskLimits
from tidegate.values.enums import Side
from tidegate.values.instruments import Instrument

_SELL: Final = Side.SELL  # a member of an enum is looked up slowly before Python 3.12


def collared(side: Side, limit_nanos: int, quote: Quote, now_ns: int, limits: RiskLimits, instrument: Instrument) -> int:
    """Return an exit's limit within the collar that holds now: around the far touch, or blind around the last good price."""
    bid, ask, _, _, quote_ns, last_trade, _, quality = quote
    if sees_market(bid, ask, quality if quote_ns else quality | NO_QUOTE, now_ns - quote_ns, limits.quote_age_ns_max):
        return within_collar(side, limit_nanos, bid if side is _SELL else ask, limits.exit_collar_bps_max, instrument)
    good = (bid + ask) // 2 if bid else last_trade
    return within_collar(side, limit_nanos, good, limits.blind_collar_bps_max, instrument)
