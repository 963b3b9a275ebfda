"""What can be traded: identity, tick bands, lots. A tick or lot violation in our own order is a bug, never rounded away."""

import msgspec

from tidegate.values.enums import InstrumentKind
from tidegate.values.money import NANOS


class TickBand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From this price upward (until the next band) prices move in this tick. Nanos."""

    from_nanos: int
    tick_nanos: int


US_STOCK_TICKS = (
    TickBand(from_nanos=0, tick_nanos=NANOS // 10_000),  # below $1: $0.0001 (Reg NMS rule 612)
    TickBand(from_nanos=NANOS, tick_nanos=NANOS // 100),
)


class Instrument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tradable thing at one venue. `index` is its row in the senses; `generation` grows when a symbol is reused."""

    index: int
    symbol: str
    venue: str
    kind: InstrumentKind = InstrumentKind.STOCK
    generation: int = 0
    tick_bands: tuple[TickBand, ...] = US_STOCK_TICKS
    lot_nanos: int = NANOS  # smallest quantity step; whole shares
    multiplier: int = 1
    sector: str = "unclassified"
    event_cluster: str = ""
    market_group: str = ""  # whose regime covers it; empty: none
    underlying: str = ""
    expiry: str = ""  # ISO date; empty: does not expire
    strike_nanos: int = 0
    right: str = ""
    bars_from_trades: bool = False  # an index with no quotes of its own

    def tick_at(self, price_nanos: int) -> int:
        """Return the tick in nanos that applies at a price."""
        for band in reversed(self.tick_bands):
            if price_nanos >= band.from_nanos:
                return band.tick_nanos
        return self.tick_bands[0].tick_nanos

    def floor_price(self, price_nanos: int) -> int:
        """Return the highest price on the grid at or below this one: what a seller may ask at least."""
        return price_nanos - price_nanos % self.tick_at(price_nanos)

    def ceil_price(self, price_nanos: int) -> int:
        """Return the lowest price on the grid at or above this one."""
        tick = self.tick_at(price_nanos)
        return price_nanos + -price_nanos % tick

    def floor_quantity(self, quantity_nanos: int) -> int:
        """Return the largest whole number of lots within this quantity (0 if less than one lot)."""
        return quantity_nanos - quantity_nanos % self.lot_nanos
