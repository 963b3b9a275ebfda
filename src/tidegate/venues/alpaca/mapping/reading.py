"""Reading single fields: exact, and with a list of doubts instead of a crash or a guess."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from tidegate.values.money import INT64_MAX, NANOS, NotExactError, nanos
from tidegate.venues.alpaca.mapping.times import parse_ns
from tidegate.venues.alpaca.wire.base import Number, Text

E = TypeVar("E")

_SHOWN = 80
_DIGITS_MAX = 40  # no price, size or amount of this world is longer, and some texts would unpack to gigabytes


class Reader:
    """Reads the fields of one message; `doubts` lists what was not understood, each as `field=word`."""

    __slots__ = ("doubts",)

    def __init__(self) -> None:
        self.doubts: list[str] = []

    def doubt(self, field: str, word: object) -> None:
        """Note that a field was not understood."""
        self.doubts.append(f"{field}={str(word)[:_SHOWN]}")

    def word(self, table: Mapping[str, E], word: Text, field: str) -> E | None:
        """Return what a word means; None for no word, and with a doubt for one that is in no table."""
        if not word:
            return None
        meaning = table.get(word)
        if meaning is None:
            self.doubt(field, word)
        return meaning

    def nanos(self, number: Number, field: str) -> int:
        """Return a number as exact nanos; 0 for none, and with a doubt for one that is not exact in nanos."""
        value = self._decimal(number, field)
        if value is None:
            return 0
        try:
            return nanos(value)
        except NotExactError:
            self.doubt(field, number)
            return 0

    def rounded_nanos(self, number: Number, field: str) -> int:
        """Return an average as nanos, half to even; 0 for none, and with a doubt for what is no number."""
        value = self._decimal(number, field)
        if value is None:
            return 0
        scaled = int((value * NANOS).to_integral_value())
        if abs(scaled) > INT64_MAX:
            self.doubt(field, number)
            return 0
        return scaled

    def money(self, number: Number, field: str) -> str:
        """Return an amount as plain decimal text; "" for none, and with a doubt for what is no number."""
        value = self._decimal(number, field)
        return "" if value is None else format(value, "f")

    def count(self, number: Number, field: str) -> int:
        """Return a whole number; 0 for none, and with a doubt for what is none."""
        value = self._decimal(number, field)
        if value is None:
            return 0
        if value != int(value):
            self.doubt(field, number)
        return int(value)

    def time(self, text: Text, field: str) -> int:
        """Return a time as ns UTC; 0 for none, and with a doubt for what is no time."""
        if not text:
            return 0
        try:
            return parse_ns(text)
        except ValueError:
            self.doubt(field, text)
            return 0

    def _decimal(self, number: Number, field: str) -> Decimal | None:
        if number is None or number == "":
            return None
        try:
            value = Decimal(_text(number))
        except InvalidOperation:
            value = Decimal("NaN")
        if not value.is_finite() or abs(value.adjusted()) > _DIGITS_MAX:
            self.doubt(field, number)
            return None
        return value


def _text(number: str | float) -> str:
    """Return a number's shortest text: for a float that is what the venue wrote, up to 15 digits."""
    return number if isinstance(number, str) else repr(number)
