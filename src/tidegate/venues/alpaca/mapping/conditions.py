"""What the codes on prints and quotes mean: which prints may set last, high and low, which quotes are firm.

The pair (tape, code) is the key: `B` is an average price on tapes A and B and a bunched print on tape C. Of several codes on
one print the strictest wins. Extended-hours prints (T, U) are not regular here: in regular hours they are no last sale.
"""

from functools import lru_cache
from typing import Final

import msgspec

from tidegate.events import records as layout
from tidegate.venues.alpaca.wire.base import Text

# Bits of the `d` field of a TRADE record: a code's bit, and the tape's letter above them.
CODES: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@ "
TAPE_SHIFT: Final = 48
_BITS: Final = {code: 1 << place for place, code in enumerate(CODES)}

OFF_EXCHANGE: Final = "D"  # FINRA's reporting facilities
_JSON_STARTS: Final = frozenset({b"[", b'"', b"n"})  # none of them begins a list, a text or nothing in msgpack
_CTA: Final = frozenset("AB")
_REGULAR_CTA: Final = frozenset(" EFKXLO56")
_REGULAR_UTP: Final = frozenset("@ADYBFKXLO56")
_OPENING: Final = frozenset("O5Q")
_CLOSING: Final = frozenset("6M9")

# Sides that are slow or fast-moving: good for a mark, not for an assumed immediate fill.
_SLOW: Final = frozenset("ABHEFW")
_FIRM_CTA: Final = frozenset("RO")
_FIRM_UTP: Final = frozenset("RYO")


def codes_of(raw: msgspec.Raw) -> str:
    """Return all codes of a print or quote, one letter each; without any, none.

    Raises:
        ValueError: neither a list of texts nor a text.
    """
    return _codes(bytes(raw))


@lru_cache(maxsize=4096)
def _codes(data: bytes) -> str:
    if not data:
        return ""
    read = msgspec.json.decode if data[:1] in _JSON_STARTS else msgspec.msgpack.decode
    try:
        codes: list[str] | str | None = read(data, type=list[str] | str | None)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"conditions: {error}") from None
    if codes is None:
        return ""
    return codes if isinstance(codes, str) else "".join(codes)


def trade_bits(codes: str, tape: Text) -> int:
    """Return the codes as bits, with the tape's letter above them; a code of another alphabet sets none."""
    bits = ord(tape[0]) << TAPE_SHIFT if tape and tape.isascii() else 0
    for code in codes:
        bits |= _BITS.get(code, 0)
    return bits


def trade_flags(codes: str, tape: Text, exchange: Text) -> int:
    """Return our flags of a stock print. Without codes it is regular; a code we do not know makes it not so."""
    regular = _REGULAR_CTA if tape in _CTA else _REGULAR_UTP
    flags = 0
    if regular.issuperset(codes):
        flags = layout.REGULAR
    if exchange == OFF_EXCHANGE:
        flags |= layout.OFF_EXCHANGE
    for code in codes:
        if code in _OPENING:
            flags |= layout.OPENING
        elif code in _CLOSING:
            flags |= layout.CLOSING
    return flags


def quote_marks(codes: str, tape: Text) -> int:
    """Return SLOW_QUOTE for a side that is not firm, with SUSPICIOUS where nothing may fill or be priced at it."""
    cta = tape in _CTA
    firm = _FIRM_CTA if cta else _FIRM_UTP
    marks = 0
    for code in codes:
        if code in firm:
            continue
        if code in _SLOW or (code == "U" and cta):
            marks |= layout.SLOW_QUOTE
        else:
            return layout.SLOW_QUOTE | layout.SUSPICIOUS
    return marks
