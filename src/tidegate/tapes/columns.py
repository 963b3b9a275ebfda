"""The column map of a CSV or Parquet source: which column means what, as text such as `time=ts,bid=bp,…`."""

from typing import Final, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from tidegate.tapes.errors import ColumnMapError
from tidegate.values.instruments import US_STOCK_TICKS, TickBand
from tidegate.values.money import NotExactError, nanos
from tidegate.values.time import MICROSECOND_NS, MILLISECOND_NS, SECOND_NS

QUOTE_COLUMNS: Final = ("bid", "ask", "bid_size", "ask_size")
TRADE_COLUMNS: Final = ("price", "size")
COLUMNS: Final = ("time", "recv", "symbol", "kind", "seq", *QUOTE_COLUMNS, *TRADE_COLUMNS)
SETTINGS: Final = ("ticker", "unit", "zone", "scale", "size_scale", "tick")
UNITS_NS: Final = {"ns": 1, "us": MICROSECOND_NS, "ms": MILLISECOND_NS, "s": SECOND_NS, "iso": 0}

_SYMBOL_LENGTH_MAX: Final = 64
_SCALE_DIGITS_MAX: Final = 9
_SCALES: Final = {
    ("1" + "0" * power if power >= 0 else "0." + "0" * (-power - 1) + "1"): power
    for power in range(-_SCALE_DIGITS_MAX, _SCALE_DIGITS_MAX + 1)
}


class ColumnMap(msgspec.Struct, frozen=True, kw_only=True):
    """What each column means and how its numbers are to be read."""

    columns: dict[str, str]  # our name to the file's column
    ticker: str = ""  # the symbol of every row, where no column says it
    unit: str = "iso"  # of time columns
    zone: str = "UTC"  # of ISO times that name none
    scale_power: int = 0  # prices are in units of 10**scale_power dollars
    size_scale_power: int = 0
    tick_bands: tuple[TickBand, ...] = US_STOCK_TICKS  # quotes between two ticks are refused

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `name=value` pairs joined by commas.

        Raises:
            ColumnMapError: not such pairs, an unknown name or setting, or too little to make quotes or trades
            of.
        """
        given = [_pair(part) for part in text.split(",") if part]
        pairs = dict(given)
        for name in pairs:
            if sum(name == other for other, _ in given) > 1:
                raise ColumnMapError(f"The column map names {name} twice; leave one of the two out.")
            if name not in COLUMNS and name not in SETTINGS:
                raise ColumnMapError(f"The column map names {name!r}; known are {', '.join((*COLUMNS, *SETTINGS))}.")
        columns = {name: column for name, column in pairs.items() if name in COLUMNS}
        _check_complete(columns, ticker=pairs.get("ticker", ""))
        return cls(
            columns=columns,
            ticker=pairs.get("ticker", ""),
            unit=_choice(pairs, "unit", UNITS_NS, "iso"),
            zone=_zone(pairs.get("zone", "UTC")),
            scale_power=_SCALES[_choice(pairs, "scale", _SCALES, "1")],
            size_scale_power=_SCALES[_choice(pairs, "size_scale", _SCALES, "1")],
            tick_bands=_tick_bands(pairs.get("tick")),
        )

    @property
    def has_quotes(self) -> bool:
        """Return whether rows can be quotes."""
        return "bid" in self.columns

    @property
    def has_trades(self) -> bool:
        """Return whether rows can be trades."""
        return "price" in self.columns

    def check_present(self, present: list[str], *, path: str) -> None:
        """Refuse a file that lacks a mapped column.

        Raises:
            ColumnMapError: naming the missing column and those that are there.
        """
        for name, column in self.columns.items():
            if column not in present:
                raise ColumnMapError(f"{path} has no column {column!r} (mapped to {name}); it has {', '.join(present)}: correct --map.")


def is_symbol(name: str) -> bool:
    """Return whether a name can be a symbol: one short line of text."""
    return 0 < len(name) <= _SYMBOL_LENGTH_MAX and name.isprintable() and not name.isspace()


def _pair(part: str) -> tuple[str, str]:
    name, equals, value = part.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise ColumnMapError(f"{part!r} is no part of a column map; write name=column, such as time=ts.")
    return name.strip(), value.strip()


def _check_complete(columns: dict[str, str], *, ticker: str) -> None:
    missing = [] if "time" in columns else ["time"]
    for group in (QUOTE_COLUMNS, TRADE_COLUMNS):
        if any(name in columns for name in group):
            missing += [name for name in group if name not in columns]
    if not any(name in columns for name in (*QUOTE_COLUMNS, *TRADE_COLUMNS)):
        missing.append("bid, ask, bid_size and ask_size, or price and size")
    if "bid" in columns and "price" in columns and "kind" not in columns:
        missing.append("kind (quotes and trades in one file need a column that says which is which)")
    if missing:
        raise ColumnMapError(f"The column map lacks {', '.join(missing)}; add name=column for each.")
    if ("symbol" in columns) == bool(ticker):
        raise ColumnMapError("The column map needs either symbol=<column> or ticker=<symbol>, one of the two; add or drop one.")
    if ticker and not is_symbol(ticker):
        raise ColumnMapError(f"ticker={ticker} is no symbol; write a short line of text, such as AAPL.")


def _choice(pairs: dict[str, str], name: str, choices: dict[str, int], default: str) -> str:
    value = pairs.get(name, default)
    if value not in choices:
        raise ColumnMapError(f"{name}={value} is unknown; choose one of {', '.join(choices)}.")
    return value


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ColumnMapError(f"zone={name} is no time zone; write one such as America/New_York.") from None
    return name


def _tick_bands(text: str | None) -> tuple[TickBand, ...]:
    if text is None:
        return US_STOCK_TICKS
    try:
        tick = nanos(text)
    except NotExactError:
        tick = 0
    if tick <= 0:
        raise ColumnMapError(f"tick={text} is no price step; write one such as 0.01.")
    return (TickBand(from_nanos=0, tick_nanos=tick),)
