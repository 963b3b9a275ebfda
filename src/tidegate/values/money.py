"""Exact numbers: prices and quantities in nanos (1e-9), money in attos (1e-18), text only at the edges.

A price times a quantity overflows 64 bits above $9.22 a share, so money is an unbounded Python int and
never enters a kernel. Nothing here rounds: a number that does not fit is an error.
"""

from decimal import Decimal, InvalidOperation

from tidegate.values.errors import TidegateError

NANOS = 1_000_000_000
ATTOS = 1_000_000_000_000_000_000
INT64_MAX = 2**63 - 1

_NANO_DIGITS = 9
_ATTO_DIGITS = 18


class NotExactError(TidegateError):
    """A number has more decimals, or more digits, than its unit can hold."""


def nanos(text: str | int | Decimal) -> int:
    """Return a decimal number as int64 nanos.

    Raises:
        NotExactError: not a finite number, finer than 1e-9, or outside int64.
    """
    value = _scaled(text, digits=_NANO_DIGITS)
    if not -INT64_MAX <= value <= INT64_MAX:
        raise NotExactError(f"{text} does not fit 64 bits in units of 1e-9; use a smaller number.")
    return value


def attos(text: str | int | Decimal) -> int:
    """Return a decimal number of dollars as attos (1e-18), unbounded.

    Raises:
        NotExactError: not a finite number, or finer than 1e-18.
    """
    return _scaled(text, digits=_ATTO_DIGITS)


def notional_attos(price_nanos: int, quantity_nanos: int, multiplier: int = 1) -> int:
    """Return price x quantity x contract multiplier as exact attos; the sign is the quantity's."""
    return price_nanos * quantity_nanos * multiplier


def nanos_text(value: int) -> str:
    """Return nanos as the shortest exact decimal string, as messages and screens show it."""
    return _text(value, digits=_NANO_DIGITS)


def attos_text(value: int) -> str:
    """Return attos as the shortest exact decimal string."""
    return _text(value, digits=_ATTO_DIGITS)


def _scaled(text: str | int | Decimal, *, digits: int) -> int:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise NotExactError(f"{text!r} is not a decimal number.") from None
    if not value.is_finite():
        raise NotExactError(f"{text!r} is not a finite number.")
    sign, figures, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    whole = int("".join(map(str, figures)))
    shift = exponent + digits
    scale: int = 10 ** abs(shift)
    if shift < 0:
        whole, rest = divmod(whole, scale)
        if rest:
            raise NotExactError(f"{text} is finer than 1e-{digits}; round it before it gets here.")
    else:
        whole *= scale
    return -whole if sign else whole


def _text(value: int, *, digits: int) -> str:
    if value == 0:
        return "0"
    figures = str(abs(value)).rjust(digits + 1, "0")
    rest = figures[-digits:].rstrip("0")
    text = f"{figures[:-digits]}.{rest}" if rest else figures[:-digits]
    return f"-{text}" if value < 0 else text
