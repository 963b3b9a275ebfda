"""Importer of CSV and Parquet files by a column map: quotes, trades, or both told apart by a column.

Rows are counted from 1 without the header. A file must be sorted by receive time; several files are merged by
it, at equal times in the order in which they were named. Trades are taken as regular on-exchange prints,
since no column says otherwise.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tidegate.events import records as layout
from tidegate.tapes.check import Records
from tidegate.tapes.columns import ColumnMap, is_symbol
from tidegate.tapes.errors import BadSourceError, NoSuchFileError, UnsortedTapeError
from tidegate.tapes.exact import to_nanos, to_ns
from tidegate.tapes.format import TapeMeta
from tidegate.tapes.join import quote_flags
from tidegate.tapes.parts import Progress, add_count, add_counts, in_order, new_records
from tidegate.tapes.writer import write_tape
from tidegate.values.instruments import Instrument, TickBand
from tidegate.values.money import nanos_text
from tidegate.values.time import iso_utc

VENUE: Final = "file"
RECEIVE_GIVEN: Final = "given by the source"
RECEIVE_MADE: Final = "made: no column says it, so ts_recv = ts_event (flag MADE_RECV)"
KIND_WORDS: Final = {"quote": layout.QUOTE, "q": layout.QUOTE, "trade": layout.TRADE, "t": layout.TRADE}


def read_csv(path: Path, columns: ColumnMap) -> pl.DataFrame:
    """Return the mapped columns of a CSV file as text.

    Raises:
        NoSuchFileError, ColumnMapError, BadSourceError: not there, lacks a column, not a CSV file.
    """
    with _reading(path):
        present = pl.read_csv(path, n_rows=0, infer_schema=False).columns
        columns.check_present(present, path=str(path))
        return pl.read_csv(path, columns=_needed(columns), infer_schema=False)


def read_parquet(path: Path, columns: ColumnMap) -> pl.DataFrame:
    """Return the mapped columns of a Parquet file.

    Raises:
        NoSuchFileError, ColumnMapError, BadSourceError: not there, lacks a column, not a Parquet file.
    """
    with _reading(path):
        columns.check_present(list(pl.read_parquet_schema(path)), path=str(path))
        return pl.read_parquet(path, columns=_needed(columns))


READERS: Final[dict[str, Callable[[Path, ColumnMap], pl.DataFrame]]] = {
    "csv": read_csv,
    "parquet": read_parquet,
}

_COUNTS: Final = {
    "one-sided quotes": layout.ONE_SIDED,
    "locked quotes": layout.LOCKED,
    "crossed quotes": layout.CROSSED,
    "regular trades": layout.REGULAR,
}


def import_table(kind: str, sources: Sequence[Path], out: Path, *, columns: ColumnMap, progress: Progress) -> TapeMeta:
    """Make one tape of CSV or Parquet files.

    Args:
        kind: a key of `READERS`.
        sources: the files; all have the mapped columns.
        out: the tape to write.
        columns: what the columns mean.
        progress: told after each file.

    Returns:
        The meta of the tape.

    Raises:
        NoSuchFileError, ColumnMapError, BadSourceError, UnsortedTapeError: naming file and row.
        EmptyTapeError, TapeNotWrittenError: nothing to write, or nowhere.
    """
    tables = [READERS[kind](path, columns) for path in sources]
    names = sorted({name for table, path in zip(tables, sources, strict=True) for name in _names(table, columns, path)})
    symbols = tuple(Instrument(index=index, symbol=name, venue=VENUE, tick_bands=columns.tick_bands) for index, name in enumerate(names))
    parts: list[Records] = []
    for done, (table, path) in enumerate(zip(tables, sources, strict=True)):
        parts.append(records_of(table, columns, names=names, path=str(path)))
        progress(done + 1, len(sources))
    records = in_order(parts)
    counts: dict[str, int] = {}
    for name, code in (("quotes", layout.QUOTE), ("trades", layout.TRADE)):
        add_count(counts, name, int(np.count_nonzero(records["kind"] == code)))
    add_counts(counts, records, _COUNTS)
    add_count(counts, "records", len(records))
    meta = TapeMeta(
        symbols=symbols,
        source=f"{kind}: {', '.join(path.name for path in sources)}",
        receive_time=RECEIVE_GIVEN if "recv" in columns.columns else RECEIVE_MADE,
        importer=f"{kind} 1",
        statistics=counts,
    )
    return write_tape(out, chunks=(records,), meta=meta)


def records_of(table: pl.DataFrame, columns: ColumnMap, *, names: Sequence[str], path: str) -> Records:
    """Return the records of one table, in its order; names[i] is symbol i.

    Raises:
        BadSourceError, UnsortedTapeError: naming the row.
    """
    event = _times(table, columns, "time", path)
    recv = _times(table, columns, "recv", path) if "recv" in columns.columns else event
    backward = np.diff(recv, prepend=recv[:1]) < 0
    if backward.any():
        row = int(backward.argmax())
        raise UnsortedTapeError(
            f"{path} row {row + 1} is received at {iso_utc(int(recv[row]))}, before the row ahead of it "
            f"({iso_utc(int(recv[row - 1]))}); sort the file by receive time."
        )
    records = new_records(event, recv)
    records["kind"] = _kinds(table, columns, path)
    if "symbol" in columns.columns:
        records["instrument"] = np.searchsorted(np.array(names), table[columns.columns["symbol"]].to_numpy().astype(str))
    if "seq" in columns.columns:
        records["venue_seq"] = to_nanos(table[columns.columns["seq"]], scale_power=-9, path=path)
    if columns.has_quotes:
        _fill_quotes(records, table, columns, path)
    if columns.has_trades:
        _fill_trades(records, table, columns, path)
    if "recv" not in columns.columns:
        records["flags"] |= layout.MADE_RECV
    return records


def _times(table: pl.DataFrame, columns: ColumnMap, name: str, path: str) -> NDArray[np.int64]:
    return to_ns(table[columns.columns[name]], unit=columns.unit, zone=columns.zone, path=path)


def _kinds(table: pl.DataFrame, columns: ColumnMap, path: str) -> NDArray[np.int16]:
    if "kind" not in columns.columns:
        return np.full(len(table), layout.QUOTE if columns.has_quotes else layout.TRADE, np.int16)
    words = _words(table, columns.columns["kind"], path)
    codes = words.str.to_lowercase().replace_strict(KIND_WORDS, default=0, return_dtype=pl.Int16).to_numpy()
    allowed = [code for code, has in ((layout.QUOTE, columns.has_quotes), (layout.TRADE, columns.has_trades)) if has]
    _refuse_row(~np.isin(codes, allowed), path, f"has no kind that is mapped; write one of {', '.join(KIND_WORDS)}")
    return np.asarray(codes, np.int16)


def _fill_quotes(records: Records, table: pl.DataFrame, columns: ColumnMap, path: str) -> None:
    is_quote = records["kind"] == layout.QUOTE
    for field, name in (("a", "bid"), ("b", "ask")):
        prices = to_nanos(table[columns.columns[name]], scale_power=columns.scale_power, path=path)
        records[field] = np.where(is_quote, prices, records[field])
        _check_grid(np.where(is_quote, prices, 0), columns.tick_bands, f"{path} row {{row}}: {name} {{price}}")
    for field, name in (("c", "bid_size"), ("d", "ask_size")):
        sizes = to_nanos(table[columns.columns[name]], scale_power=columns.size_scale_power, path=path)
        records[field] = np.where(is_quote, sizes, records[field])
    records["flags"] |= np.where(is_quote, quote_flags(records), 0).astype(np.int16)


def _fill_trades(records: Records, table: pl.DataFrame, columns: ColumnMap, path: str) -> None:
    is_trade = records["kind"] == layout.TRADE
    prices = to_nanos(table[columns.columns["price"]], scale_power=columns.scale_power, path=path)
    sizes = table[columns.columns["size"]]
    _refuse_row(is_trade & (prices == 0), path, "is a trade at no price; correct the source")
    _refuse_row(is_trade & sizes.is_null().to_numpy(), path, "is a trade of no size; correct the source")
    records["a"] = np.where(is_trade, prices, records["a"])
    records["b"] = np.where(is_trade, to_nanos(sizes, scale_power=columns.size_scale_power, path=path), records["b"])
    records["flags"] |= np.where(is_trade, layout.REGULAR, 0).astype(np.int16)


def _check_grid(prices: NDArray[np.int64], bands: Sequence[TickBand], where: str) -> None:
    tick = np.full(len(prices), bands[0].tick_nanos)
    for band in bands:
        tick[prices >= band.from_nanos] = band.tick_nanos
    off = prices % tick != 0
    if off.any():
        row = int(off.argmax())
        place = where.format(row=row + 1, price=nanos_text(int(prices[row])))
        raise BadSourceError(
            f"{place} lies between two ticks of {nanos_text(int(tick[row]))}; correct scale= in the map, "
            "or say tick= if this market has another one."
        )


def _refuse_row(bad: NDArray[np.bool_], path: str, what: str) -> None:
    if bad.any():
        raise BadSourceError(f"{path} row {int(bad.argmax()) + 1} {what}.")


def _names(table: pl.DataFrame, columns: ColumnMap, path: Path) -> list[str]:
    if columns.ticker:
        return [columns.ticker]
    column = _words(table, columns.columns["symbol"], str(path))
    _refuse_row((column.is_null() | (column == "")).to_numpy(), str(path), "has no symbol; correct the source")
    names: list[str] = column.unique(maintain_order=True).to_list()
    wrong = next((name for name in names if not is_symbol(name)), None)
    if wrong is not None:
        raise BadSourceError(f"{path}: {wrong!r} is no symbol, which is a short line of text; correct the source or the map.")
    return names


def _words(table: pl.DataFrame, name: str, path: str) -> pl.Series:
    try:
        return table[name].cast(pl.String)
    except pl.exceptions.PolarsError as error:
        raise BadSourceError(f"{path}: {name} holds {table[name].dtype}, not words; map another column.") from error


def _needed(columns: ColumnMap) -> list[str]:
    return list(dict.fromkeys(columns.columns.values()))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NoSuchFileError(f"{path} cannot be read ({error.strerror or error}); correct the path.") from error
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:  # it panics on a time zone that it does not know
        what = str(error).splitlines()[0]
        raise BadSourceError(f"{path} cannot be read as a table ({what}); choose the right kind or correct the file.") from error
