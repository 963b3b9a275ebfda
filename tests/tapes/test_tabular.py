"""CSV and Parquet by a column map: exact numbers, and one sentence for whatever does not fit."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.events import records as layout
from tidegate.tapes.columns import ColumnMap
from tidegate.tapes.errors import (
    BadSourceError,
    ColumnMapError,
    NoSuchFileError,
    TapeError,
    UnknownImporterError,
    UnsortedTapeError,
)
from tidegate.tapes.exact import to_nanos
from tidegate.tapes.format import Tape
from tidegate.tapes.importers import ImportOptions, import_tape
from tidegate.values.errors import ExitCode
from tidegate.values.money import nanos, nanos_text
from tidegate.values.time import iso_utc

pytestmark = pytest.mark.req("C1.1", "A1.4")

QUOTES = "time=ts,bid=bp,ask=ap,bid_size=bs,ask_size=as,ticker=ABC"
TRADES = "time=ts,unit=ms,price=p,size=q,symbol=sym"
BOTH = "time=ts,kind=k,bid=bp,ask=ap,bid_size=bs,ask_size=as,price=p,size=q,ticker=ABC"
HEAD = "ts,bp,ap,bs,as"
T = "2013-10-07T13:30:00Z"


def ignore(_done: int, _all: int) -> None:
    """Take progress and do nothing."""


def run(tmp_path: Path, column_map: str, *tables: str) -> Tape:
    sources = []
    for number, text in enumerate(tables):
        sources.append(tmp_path / f"{number}.csv")
        sources[-1].write_text(text)
    out = tmp_path / "out.tape"
    import_tape("csv", sources, out, options=ImportOptions(column_map=column_map), progress=ignore)
    tape = Tape.open(out)
    tape.verify()
    return tape


def test_quotes_of_a_csv_file_are_exact(tmp_path: Path) -> None:
    tape = run(
        tmp_path,
        QUOTES,
        f"{HEAD}\n2013-10-07T13:30:00.000000001Z,10.01,10.02,100,250.5\n2013-10-07T13:30:01Z,,10.02,,7\n",
    )
    assert [tape.records[field].tolist() for field in "abcd"] == [
        [10_010_000_000, 0],
        [10_020_000_000, 10_020_000_000],
        [100_000_000_000, 0],
        [250_500_000_000, 7_000_000_000],
    ]
    assert tape.records["flags"].tolist() == [layout.MADE_RECV, layout.MADE_RECV | layout.ONE_SIDED]
    assert iso_utc(tape.meta.first_ns) == "2013-10-07T13:30:00.000000001Z"
    assert tape.meta.receive_time.startswith("made")
    assert [symbol.symbol for symbol in tape.symbols] == ["ABC"]


def test_trades_of_several_symbols_and_files_are_merged_by_time(tmp_path: Path) -> None:
    tape = run(
        tmp_path,
        TRADES,
        "ts,sym,p,q\n1381152600000,B,10.005,1\n1381152600002,A,3,2\n",
        "ts,sym,p,q,more\n1381152600000,C,4,3,x\n1381152600001,A,3,4,x\n",
    )
    assert tape.records["instrument"].tolist() == [1, 2, 0, 0]
    assert [symbol.symbol for symbol in tape.symbols] == ["A", "B", "C"]
    assert tape.records["flags"].tolist() == [layout.REGULAR | layout.MADE_RECV] * 4
    assert tape.records["a"][0] == 10_005_000_000, "a print may lie between two ticks"


def test_quotes_and_trades_in_one_file_are_told_apart(tmp_path: Path) -> None:
    lines = f"ts,k,bp,ap,bs,as,p,q\n{T},Q,10.01,10.02,1,2,,\n{T},trade,,,,,10.02,5\n"
    tape = run(tmp_path, BOTH, lines)
    assert tape.records["kind"].tolist() == [layout.QUOTE, layout.TRADE]
    assert tape.records["a"].tolist() == [10_010_000_000, 10_020_000_000]
    assert tape.records["b"].tolist() == [10_020_000_000, 5_000_000_000]
    assert tape.records["flags"].tolist() == [layout.MADE_RECV, layout.MADE_RECV | layout.REGULAR]


def test_a_receive_time_and_a_number_of_the_source_are_kept(tmp_path: Path) -> None:
    column_map = QUOTES + ",recv=r,seq=n,unit=ns"
    tape = run(tmp_path, column_map, "ts,r,n,bp,ap,bs,as\n1381152600000000000,1381152600000000005,77,10,10.01,1,1\n")
    assert int(tape.records["ts_recv"][0] - tape.records["ts_event"][0]) == 5
    assert tape.records["venue_seq"].tolist() == [77]
    assert tape.records["flags"].tolist() == [0]
    assert tape.meta.receive_time == "given by the source"


def test_scaled_prices_sizes_in_lots_and_another_tick(tmp_path: Path) -> None:
    tape = run(
        tmp_path,
        QUOTES + ",scale=0.0001,size_scale=100,tick=0.0001",
        f"{HEAD}\n2013-10-07T13:30:00Z,100001,100002,3,4\n",
    )
    assert tape.records["a"].tolist() == [10_000_100_000]
    assert tape.records["c"].tolist() == [300_000_000_000]
    assert tape.symbols[0].tick_at(10**9) == 100_000


def test_local_times_go_to_utc(tmp_path: Path) -> None:
    tape = run(
        tmp_path,
        QUOTES + ",zone=America/New_York",
        f"{HEAD}\n2013-10-07 09:30:00.250,10,10.01,1,1\n2013-12-09 09:30:00.250,10,10.01,1,1\n",
    )
    assert [iso_utc(int(time)) for time in tape.records["ts_recv"]] == [
        "2013-10-07T13:30:00.250000000Z",
        "2013-12-09T14:30:00.250000000Z",
    ]


def test_parquet_takes_typed_columns(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "ts": [datetime(2013, 10, 7, 13, 30, tzinfo=UTC)] * 2,
            "bp": [10.01, 1e-4],
            "ap": [10.02, None],
            "bs": [100, 200],
            "as": [1.5, 2.0],
        }
    )
    frame.write_parquet(tmp_path / "a.parquet")
    import_tape(
        "parquet",
        [tmp_path / "a.parquet"],
        tmp_path / "o.tape",
        options=ImportOptions(column_map=QUOTES),
        progress=ignore,
    )
    tape = Tape.open(tmp_path / "o.tape")
    assert tape.records["a"].tolist() == [10_010_000_000, 100_000]
    assert tape.records["b"].tolist() == [10_020_000_000, 0]
    assert tape.records["d"].tolist() == [1_500_000_000, 2_000_000_000]


@given(st.lists(st.integers(0, 2**53), min_size=1, max_size=20))
def test_decimal_text_becomes_nanos_without_loss(values: list[int]) -> None:
    text = [nanos_text(value) for value in values]
    found = to_nanos(pl.Series("x", text), scale_power=0, path="f").tolist()
    assert found == values == [nanos(word) for word in text]


@given(st.lists(st.floats(0, 1e9).map(lambda value: round(value, 9)), min_size=1, max_size=20))
def test_numbers_as_programs_write_them_become_nanos(values: list[float]) -> None:
    text = [repr(value) for value in values]  # 1e-05, as Python and pandas write what is small
    assert to_nanos(pl.Series("x", text), scale_power=0, path="f").tolist() == [nanos(f"{Decimal(word):f}") for word in text]
    endless = [f"{Decimal(word):f}".partition(".")[0] + "." + "0" * 25 for word in text]
    assert to_nanos(pl.Series("x", endless), scale_power=0, path="f").tolist() == [nanos(word.partition(".")[0]) for word in endless]


@pytest.mark.parametrize("order", ["03/08/2013 13:30:00", "2013/10/07 13:30:00", "07-10-2013 13:30:00", "20131007 13:30:00"])
def test_the_order_of_day_and_month_is_never_guessed(order: str, tmp_path: Path) -> None:
    assert "is no ISO time" in str(refused(tmp_path, QUOTES, f"{HEAD}\n{order},10.00,10.01,1,1\n"))


def test_a_parquet_file_of_a_time_zone_without_a_name_gets_one_sentence(tmp_path: Path) -> None:
    times = pa.array([datetime(2013, 10, 7, 13, 30, tzinfo=UTC)], pa.timestamp("us", tz="+05:30"))
    pq.write_table(pa.table({"ts": times, "p": [10.0], "q": [1]}), tmp_path / "a.parquet")
    options = ImportOptions(column_map="time=ts,price=p,size=q,ticker=A")
    with pytest.raises(BadSourceError, match=r"cannot be read as a table .*time zone"):
        import_tape("parquet", [tmp_path / "a.parquet"], tmp_path / "o.tape", options=options, progress=ignore)


@given(st.lists(st.floats(0, 1e6).map(lambda value: round(value, 4)), min_size=1, max_size=20))
def test_binary_floats_are_taken_at_their_shortest_decimal(values: list[float]) -> None:
    found = to_nanos(pl.Series("x", values), scale_power=0, path="f").tolist()
    assert found == [nanos(f"{value:.4f}") for value in values]


@pytest.mark.parametrize(
    ("column_map", "sentence"),
    [
        (QUOTES + ",bid=b", "names bid twice"),
        ("", "lacks time, bid, ask, bid_size and ask_size, or price and size"),
        ("time", "'time' is no part of a column map"),
        ("time=", "is no part of a column map"),
        ("time=ts,bid=b,ticker=A", "lacks ask, bid_size, ask_size"),
        ("time=ts,price=p,ticker=A", "lacks size"),
        ("time=ts,when=x,ticker=A", "names 'when'; known are time, recv"),
        ("time=ts,price=p,size=q", "either symbol=<column> or ticker=<symbol>"),
        ("time=ts,price=p,size=q,symbol=s,ticker=A", "either symbol=<column> or ticker=<symbol>"),
        (BOTH.replace("kind=k,", ""), "lacks kind"),
        (TRADES + ",scale=3", "scale=3 is unknown; choose one of"),
        (TRADES.replace("unit=ms", "unit=days"), "unit=days is unknown; choose one of ns, us, ms, s, iso"),
        (QUOTES + ",zone=Mars/Olympus", "is no time zone"),
        (QUOTES + ",tick=x", "tick=x is no price step"),
        (QUOTES + ",tick=-1", "tick=-1 is no price step"),
        ("time=ts,price=p,size=q,ticker=\x1b[31m", "is no symbol"),
    ],
)
def test_a_wrong_column_map_is_explained(column_map: str, sentence: str) -> None:
    with pytest.raises(ColumnMapError, match=sentence) as caught:
        ColumnMap.parse(column_map)
    assert caught.value.exit_code == ExitCode.USAGE


def refused(tmp_path: Path, column_map: str, text: str) -> TapeError:
    with pytest.raises(TapeError) as caught:
        run(tmp_path, column_map, text)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.csv"], "nothing is left behind"
    assert len(str(caught.value).splitlines()) == 1
    return caught.value


def test_a_missing_column_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    error = refused(tmp_path, QUOTES, "time,bp,ap,bs,as\n2013-10-07T13:30:00Z,10,11,1,1\n")
    assert isinstance(error, ColumnMapError)
    assert "has no column 'ts' (mapped to time); it has time, bp, ap, bs, as" in str(error)


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        (f"{T},10.005,10.02,1,1", "row 2: bid 10.005 lies between two ticks of 0.01"),
        (f"{T},10.01,10.02001,1,1", "row 2: ask 10.02001 lies between two ticks of 0.01"),
        (f"{T},0.00005,10.02,1,1", "row 2: bid 0.00005 lies between two ticks of 0.0001"),
        (f"{T},-10.01,10.02,1,1", "row 2: bp -10.01 is negative"),
        (f"{T},nan,10.02,1,1", "row 2: bp nan is not a number"),
        (f"{T},abc,10.02,1,1", "row 2: bp abc is not a number"),
        (f"{T},10.01,inf,1,1", "row 2: ap inf is not a number"),
        (f"{T},10.01,10.0200000001,1,1", "row 2: ap 10.0200000001 is finer than 1e-9"),
        (f"{T},10.01,10.02,1.5e-10,1", "row 2: bs 1.5e-10 is finer than 1e-9"),
        (f"{T},10.01,1e20,1,1", "row 2: ap 1e20 is too large"),
        (f"{T},10.01,1e999999999,1,1", "row 2: ap 1e999999999 is not a number"),
        ("03/08/2013 13:30:00,10.01,10.02,1,1", "row 2: ts 03/08/2013 13:30:00 is no ISO time"),
        ("2013-10-07T13:30:00.1234567891Z,10.01,10.02,1,1", "row 2: ts 2013-10-07T13:30:00.1234567891Z is finer than a nanosecond"),
        (f"{T},10.01,10.02,1e-25,1", "row 2: bs 1e-25 is finer than 1e-9"),
        (f"{T},10.01,10.02,0.00000000000000000001,1", "row 2: bs 0.00000000000000000001 is finer than 1e-9"),
        (f"{T},10.01,99999999999,1,1", "row 2: ap 99999999999 is too large"),
        (f"{T},10.01,10.02,-1,1", "row 2: bs -1 is negative"),
        ("2013-13-07T13:30:00Z,10.01,10.02,1,1", "row 2: ts 2013-13-07T13:30:00Z is no time"),
        (",10.01,10.02,1,1", "row 2: ts None is no time"),
        (
            "1971-10-07T13:30:00Z,10.01,10.02,1,1",
            "row 2: ts 1971-10-07T13:30:00Z read in iso lies before 1980",
        ),
        ("2600-01-01T00:00:00Z,10.01,10.02,1,1", "row 2: ts 2600-01-01T00:00:00Z read in iso lies after 2115"),
        ("1431-01-01T00:00:00Z,10.01,10.02,1,1", "row 2: ts 1431-01-01T00:00:00Z read in iso lies before 1980"),
    ],
)
def test_a_bad_cell_is_refused_with_its_row(cells: str, sentence: str, tmp_path: Path) -> None:
    error = refused(tmp_path, QUOTES, f"{HEAD}\n{T},10.01,10.02,1,1\n{cells}\n")
    assert sentence in str(error)
    assert error.exit_code == ExitCode.USAGE


def test_an_unsorted_file_is_never_sorted_in_silence(tmp_path: Path) -> None:
    error = refused(tmp_path, TRADES, "ts,sym,p,q\n1381152600002,B,10,1\n1381152600005,B,10,1\n1381152600004,A,3,2\n")
    assert isinstance(error, UnsortedTapeError)
    assert "row 3 is received at 2013-10-07T13:30:00.004000000Z, before the row ahead of it" in str(error)


@pytest.mark.parametrize(
    ("column_map", "text", "sentence"),
    [
        (TRADES, "ts,sym,p,q\n1381152600,B,10,1\n", "lies before 1980; say the unit"),
        (TRADES.replace("ms", "ns"), "ts,sym,p,q\n9223372036854775807,B,10,1\n", "lies after 2115; say the unit"),
        (TRADES, 'ts,sym,p,q\n1381152600000,"A\nB",10,1\n', "is no symbol, which is a short line of text"),
        (TRADES, f"ts,sym,p,q\n1381152600000,{'A' * 65},10,1\n", "is no symbol, which is a short line of text"),
        (TRADES.replace("ms", "ns"), "ts,sym,p,q\n1381152600000000000.5,B,10,1\n", "is finer than"),
        (TRADES, "ts,sym,p,q\n1381152600000,B,,1\n", "row 1 is a trade at no price"),
        (TRADES, "ts,sym,p,q\n1381152600000,B,5,\n", "row 1 is a trade of no size"),
        (TRADES, "ts,sym,p,q\n1381152600000,,5,1\n", "row 1 has no symbol"),
        (BOTH, f"ts,k,bp,ap,bs,as,p,q\n{T},bar,1,1,1,1,1,1\n", "row 1 has no kind that is mapped"),
        (
            QUOTES + ",zone=America/New_York",
            f"{HEAD}\n2013-11-03 01:30:00,10,11,1,1\n",
            "is no time in America/New_York",
        ),
        (QUOTES, f"{HEAD}\nyesterday,10,11,1,1\n", "ts"),
        (QUOTES, f"{HEAD}\n{T},10,11,1,1,5,6\n", "cannot be read as a table"),
        (QUOTES, "", "cannot be read as a table"),
        (QUOTES, f"{HEAD}\n", "no record"),
    ],
)
def test_other_bad_files_get_one_sentence(column_map: str, text: str, sentence: str, tmp_path: Path) -> None:
    assert sentence in str(refused(tmp_path, column_map, text))


def test_parquet_refuses_what_is_no_number_and_no_time(tmp_path: Path) -> None:
    frame = pl.DataFrame({"ts": [5], "bp": [True], "ap": [float("nan")], "bs": [1], "as": [1]})
    frame.write_parquet(tmp_path / "a.parquet")

    def attempt(column_map: str) -> None:
        options = ImportOptions(column_map=column_map)
        import_tape("parquet", [tmp_path / "a.parquet"], tmp_path / "o.tape", options=options, progress=ignore)

    with pytest.raises(BadSourceError, match="ts holds Int64, not times"):
        attempt(QUOTES)
    frame = frame.with_columns(ts=pl.lit(1_381_152_600))
    frame.write_parquet(tmp_path / "a.parquet")
    with pytest.raises(BadSourceError, match="bp holds Boolean, not numbers"):
        attempt(QUOTES + ",unit=s")
    frame.with_columns(bp=pl.lit(10)).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(BadSourceError, match="row 1: ap NaN is not a number"):
        attempt(QUOTES + ",unit=s")


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        (pl.Series("sym", [["A"]]), r"sym holds List\(String\), not words"),
        (pl.Series("sym", [b"\xff"]), "sym holds Binary, not words"),
        (pl.Series("ts", [10**18], pl.Datetime("ms")), "row 1: ts 1000000000000000000 ms lies outside 1980 to 2115"),
        (pl.Series("ts", [-1], pl.Datetime("us", "UTC")), "row 1: ts -1 us lies outside 1980 to 2115"),
    ],
)
def test_parquet_refuses_what_is_no_word_and_no_year(column: pl.Series, sentence: str, tmp_path: Path) -> None:
    frame = pl.DataFrame({"ts": [datetime(2013, 10, 7, tzinfo=UTC)], "sym": ["A"], "p": [1], "q": [1]})
    frame.with_columns(column).write_parquet(tmp_path / "a.parquet")
    options = ImportOptions(column_map="time=ts,price=p,size=q,symbol=sym")
    with pytest.raises(BadSourceError, match=sentence):
        import_tape("parquet", [tmp_path / "a.parquet"], tmp_path / "o.tape", options=options, progress=ignore)


def test_importers_are_known_by_name(tmp_path: Path) -> None:
    options = ImportOptions(column_map=QUOTES)
    with pytest.raises(UnknownImporterError, match="no importer named 'xml'; choose one of lean, csv, parquet"):
        import_tape("xml", [tmp_path / "a"], tmp_path / "o.tape", options=options, progress=ignore)
    with pytest.raises(ColumnMapError, match="leave --map out"):
        import_tape("lean", [tmp_path / "a"], tmp_path / "o.tape", options=options, progress=ignore)
    for kind in ("csv", "parquet"):
        with pytest.raises(NoSuchFileError, match="correct the path"):
            import_tape(kind, [tmp_path / "absent"], tmp_path / "o.tape", options=options, progress=ignore)
    (tmp_path / "a").write_text("no parquet")
    with pytest.raises(BadSourceError, match="cannot be read as a table"):
        import_tape("parquet", [tmp_path / "a"], tmp_path / "o.tape", options=options, progress=ignore)
