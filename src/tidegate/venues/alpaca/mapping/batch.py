"""Many quotes and prints at once: the same records as `market` makes one by one, several times faster.

Live data comes in bursts, and what has arrived is converted together. A batch in which any number cannot be is converted
one by one, so that the bad one is found and costs itself alone; tests hold both ways to the same bytes.
"""

from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias, final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tidegate.events import records as layout
from tidegate.values.money import INT64_MAX, NANOS
from tidegate.values.time import NEVER_NS, SECOND_NS
from tidegate.venues.alpaca.mapping import market
from tidegate.venues.alpaca.mapping.conditions import codes_of, quote_marks, trade_bits, trade_flags
from tidegate.venues.alpaca.wire import market as wire
from tidegate.venues.alpaca.wire.base import Text

TOGETHER_MIN: Final = 12  # fewer are cheaper one by one

Message: TypeAlias = wire.Quote | wire.Trade
I8: TypeAlias = NDArray[np.int64]

_STAMP: Final = np.dtype([("head", ">u2"), ("value", ">u8")])  # msgpack's timestamp of eight bytes
_STAMP_HEAD: Final = 0xD7FF
_LOW_34: Final = np.uint64((1 << 34) - 1)
_34: Final = np.uint64(34)
_PRICE_MAX: Final = INT64_MAX / NANOS


class Bad(NamedTuple):
    """A message that became no record, and why."""

    message: Message
    recv_ns: int
    why: str


@final
class Batch:
    """Collects messages and ready rows in their order; `take` gives them as records.

    Attributes:
        messages: what came; append here, and to the two others alike.
        instruments: each message's row in the senses.
        received: when each message came, ns UTC.
    """

    __slots__ = ("_options", "_quote_row", "_trade_row", "instruments", "messages", "received")

    def __init__(self, *, options: bool) -> None:
        self._options = options
        self._quote_row = market.option_quote_row if options else market.quote_row
        self._trade_row = market.option_trade_row if options else market.trade_row
        self.messages: list[Message | market.Row] = []
        self.instruments: list[int] = []
        self.received: list[int] = []

    def add_row(self, row: market.Row) -> None:
        """Append a row that is made already."""
        self.messages.append(row)
        self.instruments.append(0)
        self.received.append(0)

    def take(self) -> tuple[NDArray[np.void] | None, list[Bad]]:
        """Return the records collected since the last time, None for none, and what became no record."""
        if not self.messages:
            return None, []
        records, bad = None, list[Bad]()
        if len(self.messages) >= TOGETHER_MIN:
            with suppress(ValueError):  # conditions that are none; the one is found below
                records = self._together()
        if records is None:
            rows, bad = self._one_by_one()
            records = market.records_of(rows) if rows else None
        self.messages.clear()
        self.instruments.clear()
        self.received.clear()
        return records, bad

    def _one_by_one(self) -> tuple[list[market.Row], list[Bad]]:
        rows: list[market.Row] = []
        bad: list[Bad] = []
        for message, instrument, recv_ns in zip(self.messages, self.instruments, self.received, strict=True):
            try:
                if isinstance(message, wire.Quote):
                    rows.append(self._quote_row(message, instrument, recv_ns))
                elif isinstance(message, wire.Trade):
                    rows.append(self._trade_row(message, instrument, recv_ns))
                else:
                    rows.append(message)
            except ValueError as error:
                assert isinstance(message, wire.Quote | wire.Trade)
                bad.append(Bad(message, recv_ns, str(error)))
        return rows, bad

    def _together(self) -> NDArray[np.void] | None:
        """Return all as records, None where any of them cannot be one."""
        records = np.zeros(len(self.messages), layout.RECORD)
        records["ts_recv"], records["instrument"] = self.received, self.instruments
        kinds = [type(message) for message in self.messages]
        quotes = [place for place, kind in enumerate(kinds) if kind is wire.Quote]
        prints = [place for place, kind in enumerate(kinds) if kind is wire.Trade]
        if quotes and not self._quotes(records, quotes):
            return None
        if prints and not self._prints(records, prints):
            return None
        if len(quotes) + len(prints) < len(kinds):
            ready = [place for place, kind in enumerate(kinds) if kind is tuple]
            records[ready] = market.records_of([self.messages[place] for place in ready])  # type: ignore[misc] # rows alone are tuples
        return records

    def _quotes(self, records: NDArray[np.void], places: list[int]) -> bool:
        whole = len(places) == len(records)
        chosen = self.messages if whole else [self.messages[place] for place in places]
        messages: list[wire.Quote] = chosen  # type: ignore[assignment] # chosen by kind
        at: list[int] | slice = slice(None) if whole else places
        bid, ask = _nanos([quote.bp for quote in messages]), _nanos([quote.ap for quote in messages])
        bid_size, ask_size = _nanos([quote.bs for quote in messages]), _nanos([quote.ask_size for quote in messages])
        times = _times([quote.t for quote in messages])
        if bid is None or ask is None or bid_size is None or ask_size is None or times is None:
            return False
        one_sided = (bid == 0) | (ask == 0) | (bid_size == 0) | (ask_size == 0)
        flags = np.where(one_sided, layout.ONE_SIDED, np.where(bid == ask, layout.LOCKED, np.where(bid > ask, layout.CROSSED, 0)))
        if not self._options:
            flags |= np.array([_marks(bytes(quote.c), quote.z) for quote in messages], np.int64)
        for name, column in (("ts_event", times), ("a", bid), ("b", ask), ("c", bid_size), ("d", ask_size), ("flags", flags)):
            records[name][at] = column
        records["kind"][at] = layout.QUOTE
        return True

    def _prints(self, records: NDArray[np.void], places: list[int]) -> bool:
        messages: list[wire.Trade] = [self.messages[place] for place in places]  # type: ignore[misc] # chosen by kind
        price, size = _nanos([trade.p for trade in messages]), _nanos([trade.s for trade in messages])
        times = _times([trade.t for trade in messages])
        if price is None or size is None or times is None:
            return False
        for name, column in (("ts_event", times), ("a", price), ("b", size)):
            records[name][places] = column
        records["kind"][places] = layout.TRADE
        if self._options:
            records["flags"][places] = layout.REGULAR
            return True
        marks = [_print_marks(bytes(trade.c), trade.z, trade.x) for trade in messages]
        records["flags"][places] = [flags for flags, _ in marks]
        records["c"][places] = [market.trade_id(trade.i) for trade in messages]
        records["d"][places] = [bits for _, bits in marks]
        return True


def _times(raws: Sequence[msgspec.Raw]) -> I8 | None:
    data = b"".join([bytes(raw) for raw in raws])
    if len(data) != len(raws) * _STAMP.itemsize:
        return None
    stamps = np.frombuffer(data, _STAMP)
    if (stamps["head"] != _STAMP_HEAD).any():
        return None
    value = stamps["value"].astype(np.uint64)
    seconds = (value & _LOW_34).astype(np.int64)
    if (seconds > NEVER_NS // SECOND_NS - 1).any():
        return None
    times: I8 = seconds * SECOND_NS + (value >> _34).astype(np.int64)
    return times if (times > 0).all() else None


def _nanos(amounts: Sequence[float | None]) -> I8 | None:
    """Return prices or sizes in nanos as `market` rounds them, 0 for none; None where one is no price or size."""
    values = np.array(amounts, np.float64)
    missing = np.array([amount is None for amount in amounts]) if None in amounts else None
    if missing is not None:
        values[missing] = 0.0
    if not ((values >= 0) & (values < _PRICE_MAX)).all():
        return None
    return np.rint(values * NANOS).astype(np.int64)


@lru_cache(maxsize=4096)
def _marks(codes: bytes, tape: Text) -> int:
    return quote_marks(codes_of(msgspec.Raw(codes)), tape)


@lru_cache(maxsize=4096)
def _print_marks(raw: bytes, tape: Text, exchange: Text) -> tuple[int, int]:
    codes = codes_of(msgspec.Raw(raw))
    return trade_flags(codes, tape, exchange), trade_bits(codes, tape)
