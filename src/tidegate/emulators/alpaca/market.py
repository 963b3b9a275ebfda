"""The market as far as the tape has been played: last quote and sale of each symbol, and what came before."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from tidegate.events import records
from tidegate.tapes.format import Tape
from tidegate.tapes.merge import Merged
from tidegate.tapes.stream import remap
from tidegate.values.enums import InstrumentKind, Side
from tidegate.values.instruments import Instrument

Rows = NDArray[np.void]

PRINTS: Final = records.REGULAR | records.OPENING | records.CLOSING  # any of them: a sale that sets prices
DOUBTED: Final = records.CORRECTION | records.SUSPICIOUS


class Row(NamedTuple):
    """One market record, in the order of `events.records.RECORD`."""

    ts_event: int
    ts_recv: int
    venue_seq: int
    instrument: int
    kind: int
    flags: int
    a: int
    b: int
    c: int
    d: int


@final
class Top:
    """What is known of one symbol now. Prices in nanos, 0: none."""

    __slots__ = ("quote", "sale_nanos", "trade")

    def __init__(self) -> None:
        self.quote: Row | None = None
        self.trade: Row | None = None
        self.sale_nanos = 0  # the last price that may elect a stop

    def take(self, row: Row) -> None:
        """Take a record in."""
        if row.kind == records.QUOTE:
            self.quote = row
        elif row.kind == records.TRADE and is_sale(row.flags):
            self.trade, self.sale_nanos = row, row.a

    def side_nanos(self, side: Side) -> int:
        """Return the displayed price that an order of this side would take."""
        if self.quote is None:
            return 0
        price, size = (self.quote.b, self.quote.d) if side is Side.BUY else (self.quote.a, self.quote.c)
        return price if size > 0 else 0

    def price_for(self, side: Side, *, is_open: bool) -> int:
        """Return what an order is valued with: the far side while the market is open, else the last sale; 0: unknown."""
        far = self.side_nanos(side)
        return (far or self.sale_nanos) if is_open else (self.sale_nanos or far)

    @property
    def mark_nanos(self) -> int:
        """The current price of a position: the last sale, before any the middle of the quote."""
        if self.sale_nanos or self.quote is None:
            return self.sale_nanos
        sides = [price for price in (self.quote.a, self.quote.b) if price > 0]
        return sum(sides) // len(sides) if sides else 0


def is_sale(flags: int) -> bool:
    """Tell whether a print sets the last price."""
    return bool(flags & PRINTS) and not flags & DOUBTED


@final
class Market:
    """All symbols of the session: by place in `instruments`, which is also their number in merged records."""

    def __init__(self, tapes: Sequence[Tape], instruments: Sequence[Instrument]) -> None:
        self.instruments: Final = tuple(instruments)
        self.places: Final = {instrument.symbol: place for place, instrument in enumerate(instruments)}
        self.tops: Final = [Top() for _ in instruments]
        self._tapes: Final = tuple(tapes)
        self._remaps: Final = [remap(tape, instruments) for tape in tapes]
        self._rows: dict[tuple[int, int], Rows] = {}

    def merged(self) -> Merged:
        """Return all records in the order in which they are played."""
        return Merged(self._tapes, remaps=self._remaps)

    def streams(self) -> list[tuple[Rows, NDArray[np.int64]]]:
        """Return each tape's records with the place of each of its instruments, for the simulated venue."""
        return [(tape.records, table.astype(np.int64)) for tape, table in zip(self._tapes, self._remaps, strict=True)]

    def top(self, symbol: str) -> Top:
        """Return what is known of a symbol."""
        return self.tops[self.places[symbol]]

    def is_option(self, place: int) -> bool:
        """Tell whether a symbol is an option contract."""
        return self.instruments[place].kind is InstrumentKind.OPTION

    def rows(self, place: int, kind: int) -> Rows:
        """Return all records of a symbol and kind, by receive time, those not played yet among them."""
        found = self._rows.get((place, kind))
        if found is None:
            parts = [_select(tape.records, table, place, kind) for tape, table in zip(self._tapes, self._remaps, strict=True)]
            joined = np.concatenate(parts)
            found = self._rows[place, kind] = joined[np.argsort(joined["ts_recv"], kind="stable")] if len(parts) > 1 else joined
        return found

    def played(self, place: int, kind: int, tape_ns: int) -> Rows:
        """Return the records of a symbol and kind that have been received by a time."""
        rows = self.rows(place, kind)
        return rows[: int(np.searchsorted(rows["ts_recv"], tape_ns, side="right"))]


def _select(rows: Rows, table: NDArray[Any], place: int, kind: int) -> Rows:
    own = np.flatnonzero(table == place)
    return rows[np.isin(rows["instrument"], own) & (rows["kind"] == kind)] if len(own) else rows[:0]
