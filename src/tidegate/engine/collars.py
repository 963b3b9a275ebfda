"""How far an exit may go: what the gate is about to measure it by, so that no exit asks for more than the gate lets out."""

from tidegate.engine.core import Core
from tidegate.market.rows import NO_QUOTE
from tidegate.risk.exits import sees_market, within_collar
from tidegate.values.enums import Side
from tidegate.values.instruments import Instrument


def collared(core: Core, side: Side, limit_nanos: int, strategy_id: str, instrument: Instrument) -> int:
    """Return an exit's limit within the collar that holds now: around the far touch, or blind around the last good price."""
    limits = core.limits_for(strategy_id, instrument.symbol)
    quote = core.reading.quote(instrument.index)
    bid, ask = quote.bid_nanos, quote.ask_nanos
    quality = quote.quality if quote.quote_ns else quote.quality | NO_QUOTE
    if sees_market(bid, ask, quality, core.now_ns - quote.quote_ns, limits.quote_age_ns_max):
        return within_collar(side, limit_nanos, bid if side is Side.SELL else ask, limits.exit_collar_bps_max, instrument)
    good = (bid + ask) // 2 if bid else quote.last_trade_nanos
    return within_collar(side, limit_nanos, good, limits.blind_collar_bps_max, instrument)
