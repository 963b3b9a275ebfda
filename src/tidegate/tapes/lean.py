"""Importer of LEAN equity ticks: zip files of one-sided NBBO rows and of trades, by symbol and New York day.

What is made of them, and why:
- A quote row carries one side, and a bid row with an ask row of the same time right behind it is one NBBO:
  they become one QUOTE. A row without its partner keeps the other side's last value (the file lists every
  change); with none yet it is ONE_SIDED.
- Prices are whole 1/10,000 dollars, times whole or fractional milliseconds since New York midnight of the
  file's date.
- Locked and crossed quotes, off-exchange and irregular prints are flagged, never dropped.
- Quotes and trades come from two files without a common order. Within one time stamp all quotes go before all
  trades, and each file keeps its own order: a trade may be judged by a quote of its own millisecond, never by
  a later one.
- The source has no receive time. ts_recv is ts_event, marked MADE_RECV: a feed latency of zero unless the
  replay adds one.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from lzma import LZMAError
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from tidegate.events import records as layout
from tidegate.tapes import lean_conditions
from tidegate.tapes.check import Records
from tidegate.tapes.errors import BadSourceError, NoSuchFileError
from tidegate.tapes.format import TapeMeta
from tidegate.tapes.join import join_sides, quote_flags
from tidegate.tapes.parts import Progress, add_count, add_counts, in_order, new_records
from tidegate.tapes.writer import write_tape
from tidegate.values.enums import InstrumentKind
from tidegate.values.instruments import Instrument
from tidegate.values.money import INT64_MAX, NANOS
from tidegate.values.time import DAY_NS, MILLISECOND_NS, ns_of

RECEIVE_TIME: Final = "made: the source has none, so ts_recv = ts_event (flag MADE_RECV)"
PRICE_NANOS: Final = NANOS // 10_000
VENUE: Final = "us-equities"  # the consolidated tape; the configuration says where a symbol is traded

_NEW_YORK: Final = ZoneInfo("America/New_York")
_OUTER: Final = re.compile(r"(\d{8})_(quote|trade)\.zip")
_INNER: Final = re.compile(r"(\d{8})_([A-Za-z0-9.\-]+)_(Quote|Trade)_Tick\.csv", re.IGNORECASE)
_CSV_BYTES_MAX: Final = 1 << 32
_DAY_MS: Final = DAY_NS // MILLISECOND_NS
_OFF_EXCHANGE: Final = "D"
_NOT_UNPACKED: Final = (
    zipfile.BadZipFile,
    zlib.error,
    LZMAError,
    EOFError,
    OSError,
    RuntimeError,
)  # damaged, cut, encrypted, packed otherwise

_QUOTE_COLUMNS: Final = {
    "time_ms": pl.Float64,
    "bid": pl.Int64,
    "bid_size": pl.Int64,
    "ask": pl.Int64,
    "ask_size": pl.Int64,
    "exchange": pl.String,
    "conditions": pl.String,
    "suspicious": pl.Int8,
}
_TRADE_COLUMNS: Final = {
    "time_ms": pl.Float64,
    "price": pl.Int64,
    "size": pl.Int64,
    "exchange": pl.String,
    "conditions": pl.String,
    "suspicious": pl.Int8,
}


class LeanFile(msgspec.Struct, frozen=True, kw_only=True):
    """One zip file, named by its parts. Sorts by kind (quotes first), then symbol, then day."""

    is_trade: bool
    symbol: str
    day: date
    path: Path
    member: str

    @property
    def order(self) -> tuple[bool, str, date]:
        """Return the sort key that makes quotes precede trades."""
        return self.is_trade, self.symbol, self.day


def import_lean(sources: Sequence[Path], out: Path, *, progress: Progress) -> TapeMeta:
    """Make one tape of LEAN tick files; a folder stands for all tick files below it.

    Args:
        sources: zip files named <date>_quote.zip or <date>_trade.zip, or folders of such files.
        out: the tape to write.
        progress: told after each file.

    Returns:
        The meta of the tape, with what was found under `statistics`.

    Raises:
        NoSuchFileError, BadSourceError: a source is missing or not such a file.
        EmptyTapeError, TapeNotWrittenError: nothing to write, or nowhere.
    """
    return _import(find_files(sources), out, progress)


def _import(files: Sequence[LeanFile], out: Path, progress: Progress) -> TapeMeta:
    symbols = _symbols(files)
    index_of = {symbol.symbol: symbol.index for symbol in symbols}
    parts: list[Records] = []
    counts: dict[str, int] = {}
    for done, file in enumerate(files):
        parts.append(read_file(file, instrument=index_of[file.symbol], counts=counts))
        progress(done + 1, len(files))
    records = in_order(parts)
    counts["records"] = len(records)
    meta = TapeMeta(
        symbols=symbols,
        source="LEAN equity ticks: " + ", ".join(f"{file.symbol} {file.path.name}" for file in files),
        receive_time=RECEIVE_TIME,
        importer="lean 1",
        statistics=counts,
    )
    return write_tape(out, chunks=(records,), meta=meta)


def find_files(sources: Sequence[Path]) -> list[LeanFile]:
    """Return the tick files that the sources name, quotes before trades.

    Raises:
        NoSuchFileError: a source is not there.
        BadSourceError: a name or an archive is not that of a tick file, or one is named twice.
    """
    paths: list[Path] = []
    for source in sources:
        found = [p for p in sorted(source.rglob("*.zip")) if _OUTER.fullmatch(p.name)] if source.is_dir() else [source]
        if not found:
            raise BadSourceError(f"{source} holds no LEAN tick file (such as 20131007_quote.zip); name another folder.")
        paths.extend(found)
    files = sorted((_describe(path) for path in paths), key=lambda file: file.order)
    for one, other in pairwise(files):
        if one.order == other.order:
            raise BadSourceError(f"{one.path} and {other.path} are the same day of {one.symbol}; name one of them.")
    return files


def read_file(file: LeanFile, *, instrument: int, counts: dict[str, int]) -> Records:
    """Return the records of one file and add to the counts.

    Raises:
        BadSourceError: a row that is not as the format says; the row is named.
    """
    if file.is_trade:
        return _trades(_table(file, _TRADE_COLUMNS), file, instrument, counts)
    return _quotes(_table(file, _QUOTE_COLUMNS), file, instrument, counts)


def _describe(path: Path) -> LeanFile:
    outer = _OUTER.fullmatch(path.name)
    if outer is None:
        raise BadSourceError(f"{path} is not named like a LEAN tick file (20131007_quote.zip); rename it or choose another kind.")
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
        raise BadSourceError(f"{path} is not a zip archive or is damaged; take another copy.") from error
    except OSError as error:
        raise NoSuchFileError(f"{path} cannot be read ({error.strerror}); correct the path.") from error
    inner = _INNER.fullmatch(members[0].filename) if len(members) == 1 else None
    if inner is None or inner[1] != outer[1] or inner[3].lower() != outer[2]:
        raise BadSourceError(f"{path} does not hold the one CSV that its name promises; take another copy.")
    if members[0].file_size > _CSV_BYTES_MAX:
        raise BadSourceError(f"{path} unpacks to {members[0].file_size} bytes, more than one day of ticks; take another copy.")
    try:
        day = datetime.strptime(outer[1], "%Y%m%d").replace(tzinfo=_NEW_YORK).date()
    except ValueError as error:
        raise BadSourceError(f"{path} begins with no date; rename it to <date>_{outer[2]}.zip.") from error
    return LeanFile(is_trade=outer[2] == "trade", symbol=inner[2].upper(), day=day, path=path, member=members[0].filename)


def _symbols(files: Sequence[LeanFile]) -> tuple[Instrument, ...]:
    names = sorted({file.symbol for file in files})
    quoted = {file.symbol for file in files if not file.is_trade}
    return tuple(
        Instrument(
            index=index,
            symbol=name,
            venue=VENUE,
            kind=InstrumentKind.STOCK,
            bars_from_trades=name not in quoted,
        )
        for index, name in enumerate(names)
    )


def _table(file: LeanFile, columns: dict[str, type[pl.DataType]]) -> pl.DataFrame:
    text = _unpacked(file)
    if not text:
        return pl.DataFrame(schema=columns)
    try:
        table = pl.read_csv(io.BytesIO(text), has_header=False, schema=columns, raise_if_empty=False)
        return table.with_columns(pl.col("conditions").str.to_integer(base=16, dtype=pl.Int64))
    except pl.exceptions.PolarsError as error:
        what = str(error).splitlines()[0]
        raise BadSourceError(f"{file.path} does not have the columns {', '.join(columns)} ({what}); take another copy.") from error


def _unpacked(file: LeanFile) -> bytes:
    try:
        with zipfile.ZipFile(file.path) as archive:
            return archive.read(file.member)
    except _NOT_UNPACKED as error:
        raise BadSourceError(f"{file.path} cannot be unpacked ({str(error) or 'it is cut off'}); take another copy.") from error


def _times(table: pl.DataFrame, file: LeanFile) -> NDArray[np.int64]:
    if any(table.null_count().row(0)):
        empty = table.with_row_index().filter(pl.any_horizontal(pl.all().is_null()))["index"][0]
        raise BadSourceError(f"{file.path} row {empty + 1} lacks a column; take another copy.")
    milliseconds = table["time_ms"].to_numpy()
    _refuse(~((milliseconds >= 0) & (milliseconds < _DAY_MS)), file, "lies outside the day")  # nor is NaN in it
    offsets = np.rint(milliseconds * MILLISECOND_NS).astype(np.int64)  # exact: 2**53 ns are a hundred days
    _refuse(offsets >= DAY_NS, file, "lies outside the day")
    _refuse(np.diff(offsets, prepend=offsets[:1]) < 0, file, "goes back in time")
    return np.asarray(offsets + _midnight_ns(file), np.int64)


def _midnight_ns(file: LeanFile) -> int:
    """Return New York midnight in UTC; a day (a Sunday) on which clocks change has no single offset."""
    midnight = datetime.combine(file.day, datetime.min.time(), _NEW_YORK)
    next_midnight = datetime.combine(file.day + timedelta(days=1), datetime.min.time(), _NEW_YORK)
    if ns_of(next_midnight) - ns_of(midnight) != DAY_NS:
        raise BadSourceError(f"{file.path}: New York's clocks change on {file.day}, so its times are ambiguous; leave it out.")
    return ns_of(midnight)


def _nanos(table: pl.DataFrame, name: str, file: LeanFile, unit: int) -> NDArray[np.int64]:
    values: NDArray[np.int64] = table[name].to_numpy()
    _refuse((values < 0) | (values > INT64_MAX // unit), file, f"has an impossible {name.replace('_', ' ')}")
    return values * unit


def _refuse(bad: NDArray[np.bool_], file: LeanFile, what: str) -> None:
    if bad.any():
        raise BadSourceError(f"{file.path} row {int(bad.argmax()) + 1} {what}; correct the source or leave it out.")


def _quotes(table: pl.DataFrame, file: LeanFile, instrument: int, counts: dict[str, int]) -> Records:
    times = _times(table, file)
    bid, ask = (_nanos(table, name, file, PRICE_NANOS) for name in ("bid", "ask"))
    bid_size, ask_size = (_nanos(table, name, file, NANOS) for name in ("bid_size", "ask_size"))
    joined = join_sides(times=times, bid=(bid, bid_size), ask=(ask, ask_size))
    conditions = table["conditions"].to_numpy()
    marks = np.where(table["suspicious"].to_numpy() != 0, layout.SUSPICIOUS, 0)
    marks |= np.where(conditions & lean_conditions.SLOW_QUOTE, layout.SLOW_QUOTE, 0)
    marks[1:] |= np.where(joined.is_second[1:], marks[:-1], 0)  # what marks one half marks the pair
    records = new_records(times[joined.rows], times[joined.rows])
    records["instrument"], records["kind"] = instrument, layout.QUOTE
    records["a"], records["b"] = joined.bid, joined.ask
    records["c"], records["d"] = joined.bid_size, joined.ask_size
    records["flags"] = marks[joined.rows].astype(np.int16) | layout.MADE_RECV | quote_flags(records)
    add_count(counts, "quote rows", len(table))
    add_count(counts, "quotes", len(records))
    add_count(counts, "quote rows without partner", len(records) - int(joined.is_second.sum()))
    add_counts(counts, records, _QUOTE_COUNTS)
    return records


def _trades(table: pl.DataFrame, file: LeanFile, instrument: int, counts: dict[str, int]) -> Records:
    times = _times(table, file)
    price = _nanos(table, "price", file, PRICE_NANOS)
    _refuse(price == 0, file, "is a trade at no price")
    conditions = table["conditions"].to_numpy()
    off_exchange = (table["exchange"] == _OFF_EXCHANGE).to_numpy()
    records = new_records(times, times)
    records["instrument"], records["kind"] = instrument, layout.TRADE
    records["a"], records["b"] = price, _nanos(table, "size", file, NANOS)
    records["d"] = conditions
    records["flags"] = lean_conditions.trade_flags(conditions, off_exchange=off_exchange) | layout.MADE_RECV
    records["flags"] |= np.where(table["suspicious"].to_numpy() != 0, layout.SUSPICIOUS, 0).astype(np.int16)
    add_count(counts, "trade rows", len(table))
    add_count(counts, "trades", len(records))
    add_counts(counts, records, _TRADE_COUNTS)
    return records


_QUOTE_COUNTS: Final = {
    "one-sided quotes": layout.ONE_SIDED,
    "locked quotes": layout.LOCKED,
    "crossed quotes": layout.CROSSED,
    "quotes not firm": layout.SLOW_QUOTE,
    "suspicious": layout.SUSPICIOUS,
}
_TRADE_COUNTS: Final = {
    "regular trades": layout.REGULAR,
    "off-exchange trades": layout.OFF_EXCHANGE,
    "opening prints": layout.OPENING,
    "closing prints": layout.CLOSING,
    "suspicious": layout.SUSPICIOUS,
}
