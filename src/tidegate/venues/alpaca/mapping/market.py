"""Market data to 64-byte records. One call a message, plain tuples in between: this is the hot path of live data.

A row holds the fields of `events.records.RECORD` in order. A price or size that is missing is 0, which means none.
"""

import struct
from typing import Final, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from tidegate.events import records as layout
from tidegate.values.money import INT64_MAX, NANOS
from tidegate.values.time import DAY_NS, MINUTE_NS, NEVER_NS
from tidegate.venues.alpaca.mapping.conditions import codes_of, quote_marks, trade_bits, trade_flags
from tidegate.venues.alpaca.mapping.times import raw_ns
from tidegate.venues.alpaca.wire import market as wire
from tidegate.venues.alpaca.wire.base import Text
from tidegate.venues.errors import UnknownWordError

Row: TypeAlias = tuple[int, int, int, int, int, int, int, int, int, int]

_ROW: Final = struct.Struct("<qqqihhqqqq")
assert _ROW.size == layout.RECORD_BYTES

# A resumption of quoting alone (Q) is not yet trading. None: known, and the trading state stays.
_STATUS_CTA: Final[dict[str, int | None]] = {
    "2": layout.STATUS_HALT,
    "3": layout.STATUS_RESUME,
    **dict.fromkeys("56789ACDEF"),
}
_STATUS_UTP: Final[dict[str, int | None]] = {
    "H": layout.STATUS_HALT,
    "P": layout.STATUS_HALT,
    "Q": layout.STATUS_HALT,
    "T": layout.STATUS_RESUME,
}
_CTA: Final = frozenset("AB")
_LIMIT_STATES_CTA: Final = frozenset("CDEFGHIJ")  # entering and leaving a limit state: no bands in these
_BAD_PRINTS: Final = frozenset({"canceled", "incorrect", "corrected"})
_REASON_BYTES: Final = 7
_PRICE_MAX: Final = INT64_MAX / NANOS


def records_of(rows: list[Row]) -> NDArray[np.void]:
    """Return rows as records."""
    pack = _ROW.pack
    return np.frombuffer(b"".join([pack(*row) for row in rows]), layout.RECORD)


def quote_row(quote: wire.Quote | wire.OldQuote, instrument: int, recv_ns: int) -> Row:
    """Return a quote.

    Raises:
        ValueError: its time is none, or a number does not fit.
    """
    bid, ask = _nanos(quote.bp), _nanos(quote.ap)
    bid_size, ask_size = _nanos(quote.bs), _nanos(quote.ask_size)
    flags = quote_marks(codes_of(quote.c), quote.z)
    if not (bid and ask and bid_size and ask_size):
        flags |= layout.ONE_SIDED
    elif bid >= ask:
        flags |= layout.LOCKED if bid == ask else layout.CROSSED
    return _event_ns(quote.t), recv_ns, 0, instrument, layout.QUOTE, flags, bid, ask, bid_size, ask_size


def trade_row(trade: wire.Trade | wire.OldTrade, instrument: int, recv_ns: int) -> Row:
    """Return a print; raises as `quote_row`."""
    codes = codes_of(trade.c)
    flags = trade_flags(codes, trade.z, trade.x)
    if isinstance(trade, wire.OldTrade) and trade.u in _BAD_PRINTS:
        flags = flags & ~layout.REGULAR | layout.SUSPICIOUS
    bits = trade_bits(codes, trade.z)
    return _event_ns(trade.t), recv_ns, 0, instrument, layout.TRADE, flags, _nanos(trade.p), _nanos(trade.s), trade_id(trade.i), bits


def option_trade_row(trade: wire.Trade | wire.OldTrade, instrument: int, recv_ns: int) -> Row:
    """Return an option's print: option codes are of another table, so none of them makes it irregular here; raises as above."""
    return _event_ns(trade.t), recv_ns, 0, instrument, layout.TRADE, layout.REGULAR, _nanos(trade.p), _nanos(trade.s), 0, 0


def option_quote_row(quote: wire.Quote | wire.OldQuote, instrument: int, recv_ns: int) -> Row:
    """Return an option's quote by its numbers alone; raises as above."""
    bid, ask = _nanos(quote.bp), _nanos(quote.ap)
    bid_size, ask_size = _nanos(quote.bs), _nanos(quote.ask_size)
    flags = 0
    if not (bid and ask and bid_size and ask_size):
        flags = layout.ONE_SIDED
    elif bid >= ask:
        flags = layout.LOCKED if bid == ask else layout.CROSSED
    return _event_ns(quote.t), recv_ns, 0, instrument, layout.QUOTE, flags, bid, ask, bid_size, ask_size


def bar_rows(bar: wire.Bar | wire.OldBar, instrument: int, recv_ns: int, length_ns: int) -> tuple[Row, Row]:
    """Return the two records of a bar; its event time is its right edge. Raises as above."""
    start_ns = _event_ns(bar.t)
    end_ns = start_ns + length_ns
    prices = _nanos(bar.o), _nanos(bar.h), _nanos(bar.l), _nanos(bar.c)
    opening = (end_ns, recv_ns, 0, instrument, layout.BAR_OPEN, 0, *prices)
    return opening, (end_ns, recv_ns, 0, instrument, layout.BAR_CLOSE, 0, _nanos(bar.v), start_ns, length_ns, _trades(bar.n))


def bar_length_ns(bar: wire.Bar) -> int:
    """Return how long a bar of the stream is."""
    return DAY_NS if isinstance(bar, wire.DailyBar) else MINUTE_NS


def status_row(status: wire.Status, instrument: int, recv_ns: int) -> Row | None:
    """Return a halt or a resumption; None for a change that leaves the trading state as it is. The code alone decides.

    Raises:
        UnknownWordError: a code that the symbol's tape does not have.
        ValueError: as above.
    """
    table = _STATUS_CTA if status.z in _CTA else _STATUS_UTP
    word = status.sc or ""
    if word not in table:
        raise UnknownWordError(f"status on tape {status.z}", word)
    code = table[word]
    if code is None:
        return None
    return _event_ns(status.t), recv_ns, 0, instrument, layout.STATUS, 0, code, 0, 0, reason_code(status.rc)


def bands_row(bands: wire.Bands, instrument: int, recv_ns: int) -> Row | None:
    """Return limit-up limit-down bands; None where the message brings none. Raises as above."""
    if bands.z in _CTA and bands.i in _LIMIT_STATES_CTA:
        return None
    lower, upper = _nanos(bands.d), _nanos(bands.u)
    if not lower and not upper:
        return None
    reason = reason_code(bands.i)
    return _event_ns(bands.t), recv_ns, 0, instrument, layout.STATUS, 0, layout.STATUS_LIMIT_BANDS, lower, upper, reason


def correction_row(correction: wire.Correction, instrument: int, recv_ns: int) -> Row:
    """Return a corrected print: the right price and size under the id of the wrong one. Raises as above."""
    bits = trade_bits(codes_of(correction.cc), correction.z)
    price, size, original = _nanos(correction.cp), _nanos(correction.cs), trade_id(correction.oi)
    return _event_ns(correction.t), recv_ns, 0, instrument, layout.TRADE, layout.CORRECTION, price, size, original, bits


def cancel_row(cancel: wire.CancelError, instrument: int, recv_ns: int) -> Row:
    """Return a withdrawn print: its price and id, and no size any more. Raises as above."""
    flags, price, original = layout.CORRECTION, _nanos(cancel.p), trade_id(cancel.i)
    return _event_ns(cancel.t), recv_ns, 0, instrument, layout.TRADE, flags, price, 0, original, trade_bits("", cancel.z)


def reason_code(word: Text) -> int:
    """Return a reason such as LUDP as a number: its first seven letters, first letter lowest. 0: none."""
    return int.from_bytes((word or "").encode()[:_REASON_BYTES], "little")


def _event_ns(raw: msgspec.Raw) -> int:
    """Return an event's time.

    Raises:
        ValueError: no time, or none of this world.
    """
    event_ns = raw_ns(raw)
    if not 0 < event_ns < NEVER_NS:
        raise ValueError(f"{event_ns} ns is no time of this world")
    return event_ns


def _nanos(amount: float | None) -> int:
    """Return a price or size in nanos: the decimal that the venue wrote, since doubles hold 15 digits.

    Raises:
        ValueError: not a number, negative, or beyond 64 bits.
    """
    if not amount:
        return 0
    if not 0 < amount < _PRICE_MAX:
        raise ValueError(f"{amount} is no price or size")
    return round(amount * NANOS)


def _trades(number: float | None) -> int:
    """Return how many trades a bar counts.

    Raises:
        ValueError: not a number, negative, or beyond 64 bits.
    """
    if not number:
        return 0
    if not 0 < number < INT64_MAX:
        raise ValueError(f"{number} is no number of trades")
    return int(number)


def trade_id(word: wire.TradeId) -> int:
    """Return a trade's id as a number; 0 for none and for one that is no number of 64 bits."""
    if isinstance(word, str):
        word = int(word) if word.isascii() and word.isdigit() else 0
    return word if word is not None and 0 <= word <= INT64_MAX else 0
