"""Columns of decimal text to int64 without a float in between: prices and sizes to nanos, times to ns UTC.

Text is read as a decimal of 18 places and must be a whole number of our units; binary floats of Parquet files
are taken at their shortest decimal, which is what was meant when they were written. A table library that guesses
the order of day and month is never asked to: times as text are ISO 8601 or refused.
"""

from decimal import Decimal
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tidegate.tapes.columns import UNITS_NS
from tidegate.tapes.errors import BadSourceError
from tidegate.values.time import MICROSECOND_NS, MILLISECOND_NS

_DIGITS: Final = 18
_NANO_DIGITS: Final = 9
_NUMBER: Final = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$"
_UNUSUAL: Final = r"[eE]|\.\d{19,}"  # not read as they stand, or not to their end: numbers with a power of ten, very long ones
_TOO_FINE: Final = r"\.\d{19,}"
_ISO: Final = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)? ?(Z|[+-]\d{2}(:?\d{2})?)?)?$"
_FINER_THAN_NS: Final = r"[.,]\d{9}\d*[1-9]"
_FIRST_NS: Final = 315_532_800_000_000_000  # 1980: anything before is a wrong unit
_END_NS: Final = 4_607_280_000_000_000_000  # 2116: so is anything from then on
_EARLY: Final = "lies before 1980"
_LATE: Final = "lies after 2115"
_TYPED_NS: Final = {"ns": 1, "us": MICROSECOND_NS, "ms": MILLISECOND_NS}


def to_nanos(column: pl.Series, *, scale_power: int, path: str) -> NDArray[np.int64]:
    """Return prices or sizes in nanos; an empty cell is 0, which means none.

    Raises:
        BadSourceError: not a number, negative, finer than 1e-9 or too large; the row is named.
    """
    power = _DIGITS - _NANO_DIGITS - scale_power  # of 18 places, this many must be zero
    return _whole(column, divisor=10**power, path=path).fill_null(0).to_numpy()


def to_ns(column: pl.Series, *, unit: str, zone: str, path: str) -> NDArray[np.int64]:
    """Return times in nanoseconds UTC.

    Raises:
        BadSourceError: not a time, finer than a nanosecond, ambiguous in its zone, before 1980 or after 2115; the row
        is named.
    """
    times = _of_iso(column, zone=zone, path=path) if unit == "iso" else _whole(column, divisor=10**_DIGITS // UNITS_NS[unit], path=path)
    if times.null_count():
        row = int(times.is_null().arg_max() or 0)
        raise BadSourceError(f"{path} row {row + 1}: {column.name} {column[row]} is no time in {zone}; correct it or the map.")
    result: NDArray[np.int64] = times.to_numpy()
    for bad, lies in ((result < _FIRST_NS, _EARLY), (result >= _END_NS, _LATE)):
        if bad.any():
            row = int(bad.argmax())
            raise BadSourceError(f"{path} row {row + 1}: {column.name} {column[row]} read in {unit} {lies}; say the unit in the map.")
    return result


def _of_iso(column: pl.Series, *, zone: str, path: str) -> pl.Series:
    try:
        if column.dtype == pl.String:
            column = _of_iso_text(column, path=path)
        if not isinstance(column.dtype, pl.Datetime):
            raise BadSourceError(
                f"{path}: {column.name} holds {column.dtype}, not times; map another column, or add unit=ns, us, ms or s to the map."
            )
        _check_years(column, path=path)
        if column.dtype.time_zone is None:
            column = column.dt.replace_time_zone(zone, ambiguous="null", non_existent="null")
        return column.dt.convert_time_zone("UTC").dt.cast_time_unit("ns").to_physical()
    except pl.exceptions.PolarsError as error:
        what = str(error).splitlines()[0]
        raise BadSourceError(f"{path}: {column.name} does not hold ISO times ({what}); correct it or say unit= in the map.") from error


def _of_iso_text(column: pl.Series, *, path: str) -> pl.Series:
    text = column.str.strip_chars()
    frame = pl.DataFrame({"text": text})
    _refuse(frame, ~pl.col("text").str.contains(_ISO), column.name, "is no ISO time such as 2024-03-08T14:30:00.5Z", path)
    _refuse(frame, pl.col("text").str.contains(_FINER_THAN_NS), column.name, "is finer than a nanosecond", path)
    year = pl.col("text").str.slice(0, 4)  # of any other year, nanoseconds would become a time within these
    _refuse(frame, year < "1979", column.name, f"read in iso {_EARLY}", path)
    _refuse(frame, year > "2115", column.name, f"read in iso {_LATE}", path)
    return text.str.to_datetime(time_unit="ns", strict=False)


def _check_years(column: pl.Series, *, path: str) -> None:
    """Refuse typed times that nanoseconds cannot hold: the conversion panics at some of them."""
    assert isinstance(column.dtype, pl.Datetime)
    number = column.to_physical()
    far = (number < 0) | (number >= _END_NS // _TYPED_NS[column.dtype.time_unit])
    if far.any():
        row = int(far.arg_max() or 0)
        raise BadSourceError(
            f"{path} row {row + 1}: {column.name} {number[row]} {column.dtype.time_unit} lies outside 1980 to 2115; correct the source."
        )


def _whole(column: pl.Series, *, divisor: int, path: str) -> pl.Series:
    """Return the column times 10**18 / divisor as whole numbers, null where the cell is empty."""
    text = _as_text(column, path=path)
    frame = pl.DataFrame({"text": text, "plain": _plain(text)}).with_columns(
        scaled=pl.col("plain").cast(pl.Decimal(38, _DIGITS), strict=False).to_physical(),
        fine=pl.col("plain").str.contains(_TOO_FINE),
    )
    frame = frame.with_columns(
        whole=(pl.col("scaled") // divisor).cast(pl.Int64, strict=False),
        fine=pl.col("fine") | (pl.col("scaled") % divisor != 0),
    )
    given = pl.col("text").is_not_null()
    _refuse(frame, given & pl.col("scaled").is_null() & ~pl.col("text").str.contains(_NUMBER), column.name, "is not a number", path)
    _refuse(frame, pl.col("scaled") < 0, column.name, "is negative", path)
    _refuse(frame, pl.col("fine"), column.name, "is finer than 1e-9", path)
    _refuse(frame, given & pl.col("whole").is_null(), column.name, "is too large", path)
    return frame["whole"]


def _plain(text: pl.Series) -> pl.Series:
    """Return numbers such as 1e-05, and those with zeros without end, written out; other text as it stands."""
    unusual = text.str.contains(_UNUSUAL) & text.str.contains(_NUMBER)
    if not unusual.any():
        return text
    written = text.filter(unusual).map_elements(_written_out, return_dtype=pl.String)
    return text.clone().scatter(unusual.arg_true(), written)


def _written_out(number: str) -> str:
    plain = format(Decimal(number), "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _as_text(column: pl.Series, *, path: str) -> pl.Series:
    if column.dtype == pl.String:
        stripped = column.str.strip_chars()
        return stripped.set(stripped == "", None)
    if not column.dtype.is_numeric():
        raise BadSourceError(f"{path}: {column.name} holds {column.dtype}, not numbers; map another column.")
    return column.cast(pl.String)


def _refuse(frame: pl.DataFrame, bad: pl.Expr, name: str, what: str, path: str) -> None:
    rows = frame.select(bad.fill_null(value=False).alias("bad"))["bad"]
    if rows.any():
        row = int(rows.arg_max() or 0)
        raise BadSourceError(f"{path} row {row + 1}: {name} {frame['text'][row]} {what}; correct the source or the map.")
