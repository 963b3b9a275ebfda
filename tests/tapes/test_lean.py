"""The importer of recorded equity ticks: synthetic files for its rules, recorded days for its figures."""

import csv
import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from tidegate.events import records as layout
from tidegate.tapes.errors import BadSourceError, EmptyTapeError, NoSuchFileError
from tidegate.tapes.format import Tape
from tidegate.tapes.importers import ImportOptions, import_tape
from tidegate.tapes.lean import import_lean
from tidegate.tapes.lean_conditions import trade_flags
from tidegate.values.errors import ExitCode
from tidegate.values.time import iso_utc

pytestmark = pytest.mark.req("C1.1", "A1.4")

MAKE = Callable[[Sequence[str]], Path]


def ignore(_done: int, _all: int) -> None:
    """Take progress and do nothing."""


def make_zip(folder: Path, *, kind: str, lines: Sequence[str], symbol: str = "abc", day: str = "20131007") -> Path:
    path = folder / f"{day}_{kind}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{day}_{symbol}_{kind.title()}_Tick.csv", "".join(line + "\n" for line in lines))
    return path


def imported(tmp_path: Path, *, quotes: Sequence[str] = (), trades: Sequence[str] = ()) -> Tape:
    sources = [make_zip(tmp_path, kind="quote", lines=quotes)] if quotes else []
    sources += [make_zip(tmp_path, kind="trade", lines=trades)] if trades else []
    import_lean(sources, tmp_path / "out.tape", progress=ignore)
    return Tape.open(tmp_path / "out.tape")


def fields(tape: Tape) -> list[tuple[int, int, int, int]]:
    """Prices in dollars x 100 and sizes in shares."""
    return [(int(r["a"]) // 10**7, int(r["b"]) // 10**7, int(r["c"]) // 10**9, int(r["d"]) // 10**9) for r in tape.records]


def test_a_bid_row_and_the_ask_row_behind_it_are_one_quote(tmp_path: Path) -> None:
    tape = imported(tmp_path, quotes=["34200000,100000,300,0,0,P,1,0", "34200000,0,0,100100,200,Q,1,0"])
    assert fields(tape) == [(1000, 1001, 300, 200)]
    assert tape.records["flags"].tolist() == [layout.MADE_RECV]
    assert iso_utc(int(tape.records["ts_event"][0])) == "2013-10-07T13:30:00.000000000Z"
    assert tape.records["ts_recv"].tolist() == tape.records["ts_event"].tolist()
    assert "ts_recv = ts_event" in tape.meta.receive_time


def test_the_lone_opening_ask_is_a_one_sided_quote(tmp_path: Path) -> None:
    tape = imported(
        tmp_path,
        quotes=[
            "14400152,0,0,494100,300,Q,1,0",
            "14400547,491800,300,0,0,P,1,0",
            "14400547,0,0,492000,3000,P,1,0",
        ],
    )
    assert fields(tape) == [(0, 4941, 0, 300), (4918, 4920, 300, 3000)]
    assert tape.records["flags"].tolist() == [layout.MADE_RECV | layout.ONE_SIDED, layout.MADE_RECV]


def test_a_row_without_its_partner_keeps_the_other_side(tmp_path: Path) -> None:
    tape = imported(
        tmp_path,
        quotes=[
            "1000,100000,300,0,0,P,1,0",
            "1000,0,0,100100,200,P,1,0",
            "2000,100000,500,0,0,P,1,0",  # its ask comes a millisecond later
            "2001,0,0,100200,700,P,1,0",
            "2001,0,0,100300,100,P,1,0",
        ],
    )
    assert fields(tape) == [
        (1000, 1001, 300, 200),
        (1000, 1001, 500, 200),
        (1000, 1002, 500, 700),
        (1000, 1003, 500, 100),
    ]
    assert tape.meta.statistics["quote rows without partner"] == 3


def test_rows_with_both_sides_or_none_stand_alone(tmp_path: Path) -> None:
    tape = imported(tmp_path, quotes=["1000,100000,300,100100,200,P,1,0", "1000,0,0,0,0,P,2000,0"])
    assert fields(tape) == [(1000, 1001, 300, 200), (0, 0, 0, 0)]
    assert tape.records["flags"][1] == layout.MADE_RECV | layout.ONE_SIDED


def test_locked_and_crossed_quotes_are_flagged_and_kept(tmp_path: Path) -> None:
    tape = imported(
        tmp_path,
        quotes=[
            "1000,100100,300,0,0,P,1,0",
            "1000,0,0,100100,200,P,1,0",
            "1001,100200,300,0,0,P,1,0",
            "1001,0,0,100100,200,P,1,0",
        ],
    )
    assert tape.records["flags"].tolist() == [
        layout.MADE_RECV | layout.LOCKED,
        layout.MADE_RECV | layout.CROSSED,
    ]
    assert (tape.meta.statistics["locked quotes"], tape.meta.statistics["crossed quotes"]) == (1, 1)


def test_a_mark_on_either_half_marks_the_quote(tmp_path: Path) -> None:
    tape = imported(
        tmp_path,
        quotes=[
            "1000,100000,300,0,0,P,1,1",
            "1000,0,0,100100,200,P,1,0",
            "1001,100000,300,0,0,P,1,0",
            "1001,0,0,100100,200,P,4,0",
            "1002,100000,300,0,0,P,1,0",
            "1002,0,0,100100,200,P,1,0",
            "1003,100000,300,0,0,P,10,0",
            "1003,0,0,100100,200,P,800,0",
        ],
    )
    marks = tape.records["flags"] & (layout.SUSPICIOUS | layout.SLOW_QUOTE)
    assert marks.tolist() == [layout.SUSPICIOUS, layout.SLOW_QUOTE, 0, layout.SLOW_QUOTE]


def test_trades_come_after_the_quotes_of_their_millisecond(tmp_path: Path) -> None:
    tape = imported(
        tmp_path,
        quotes=[
            "1000,100000,300,0,0,P,1,0",
            "1000,0,0,100100,200,P,1,0",
            "1001,100000,300,0,0,P,1,0",
            "1001,0,0,100200,200,P,1,0",
        ],
        trades=["999,100000,1,P,1,0", "1000,100100,5,P,1,0", "1001,100200,7,P,1,0", "1001,100100,8,P,1,0"],
    )
    assert tape.records["kind"].tolist() == [2, 1, 2, 1, 2, 2]
    assert [int(size) // 10**9 for size in tape.records["b"][tape.records["kind"] == layout.TRADE]] == [
        1,
        5,
        7,
        8,
    ]


@pytest.mark.parametrize(
    ("exchange", "bits", "flags"),
    [
        ("N", 0x1, layout.REGULAR),
        ("N", 0x20000020, layout.REGULAR),
        ("D", 0x1, layout.REGULAR | layout.OFF_EXCHANGE),
        ("N", 0x40, layout.REGULAR | layout.OPENING),
        ("N", 0x80, layout.REGULAR | layout.CLOSING),
        ("N", 0x1000000, layout.CLOSING),  # the official close repeats the closing print
        ("N", 0x4000000, layout.OPENING),
        ("P", 0x20002020, 0),  # extended hours
        ("D", 0x20100200, layout.OFF_EXCHANGE),  # average and derived price
        ("Q", 0x80000000, 0),  # odd lot
        ("Q", 0x2, 0),
    ],
)
def test_sale_conditions_become_flags(exchange: str, bits: int, flags: int, tmp_path: Path) -> None:
    tape = imported(tmp_path, trades=[f"1000,100000,100,{exchange},{bits:x},0"])
    assert tape.records["flags"].tolist() == [flags | layout.MADE_RECV]
    assert tape.records["d"].tolist() == [bits], "the venue's own bits are kept"
    assert trade_flags(np.array([bits]), off_exchange=np.array([exchange == "D"])).tolist() == [flags]


def test_fractions_of_milliseconds_are_exact(tmp_path: Path) -> None:
    tape = imported(tmp_path, trades=["14400009.367,137450,100,D,1,0", "57599999.999999,137450,100,D,1,1"])
    assert [iso_utc(int(time))[-19:] for time in tape.records["ts_event"]] == [
        "T08:00:00.009367000Z"[-19:],
        "T19:59:59.999999999Z"[-19:],
    ]
    assert tape.records["flags"][1] & layout.SUSPICIOUS


def test_prices_are_exact_to_the_ten_thousandth(tmp_path: Path) -> None:
    tape = imported(tmp_path, trades=["1000,1000001,100,P,1,0"])
    assert tape.records["a"].tolist() == [100_000_100_000]
    assert tape.records["b"].tolist() == [100_000_000_000]


@pytest.mark.parametrize(("day", "expected"), [("20131007", "T13:30"), ("20131209", "T14:30")])
def test_new_york_midnight_follows_the_season(day: str, expected: str, tmp_path: Path) -> None:
    source = make_zip(tmp_path, kind="trade", lines=["34200000,100000,100,P,1,0"], day=day)
    import_lean([source], tmp_path / "out.tape", progress=ignore)
    assert expected in iso_utc(Tape.open(tmp_path / "out.tape").meta.first_ns)


@pytest.mark.parametrize(
    ("kind", "lines", "sentence"),
    [
        ("quote", ["1000,100000,300"], "does not have the columns time_ms, bid"),
        ("quote", ["1000,x,300,0,0,P,1,0"], "does not have the columns"),
        ("quote", ["1000,,300,0,0,P,1,0"], "row 1 lacks a column"),
        ("quote", ["1000,-5,300,0,0,P,1,0"], "row 1 has an impossible bid"),
        ("quote", ["1000,99999999999999999,300,0,0,P,1,0"], "row 1 has an impossible bid"),
        ("quote", ["1000,1,300,0,0,P,1,0", "999,0,0,1,300,P,1,0"], "row 2 goes back in time"),
        ("quote", ["86400000,1,300,0,0,P,1,0"], "row 1 lies outside the day"),
        ("quote", ["1e300,1,300,0,0,P,1,0"], "row 1 lies outside the day"),
        ("quote", ["NaN,1,300,0,0,P,1,0"], "row 1 lies outside the day"),
        ("trade", ["1000,0,300,P,1,0"], "row 1 is a trade at no price"),
        ("trade", ["1000,5,-300,P,1,0"], "row 1 has an impossible size"),
        ("trade", ["1000,5,300,P,zz,0"], "does not have the columns"),
    ],
)
def test_bad_rows_are_refused_with_their_number_and_leave_nothing(kind: str, lines: list[str], sentence: str, tmp_path: Path) -> None:
    source = make_zip(tmp_path, kind=kind, lines=lines)
    with pytest.raises(BadSourceError, match=sentence) as caught:
        import_lean([source], tmp_path / "out.tape", progress=ignore)
    assert caught.value.exit_code == ExitCode.USAGE
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == [source.name]


def test_files_that_are_not_lean_ticks_are_refused(tmp_path: Path) -> None:
    out = tmp_path / "out.tape"
    (tmp_path / "20131007_quote.zip").write_bytes(b"no zip at all")
    with pytest.raises(BadSourceError, match="is not a zip archive"):
        import_lean([tmp_path / "20131007_quote.zip"], out, progress=ignore)
    with pytest.raises(BadSourceError, match="is not named like a LEAN tick file"):
        import_lean([tmp_path / "ticks.zip"], out, progress=ignore)
    with pytest.raises(NoSuchFileError, match="correct the path"):
        import_lean([tmp_path / "20131009_quote.zip"], out, progress=ignore)
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadSourceError, match="holds no LEAN tick file"):
        import_lean([tmp_path / "empty"], out, progress=ignore)
    with zipfile.ZipFile(tmp_path / "20131008_trade.zip", "w") as archive:
        archive.writestr("20131009_abc_Trade_Tick.csv", "1000,5,300,P,1,0\n")
    with pytest.raises(BadSourceError, match="does not hold the one CSV that its name promises"):
        import_lean([tmp_path / "20131008_trade.zip"], out, progress=ignore)
    assert not out.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [(8, 1), (10, 99), (10, 12), (42, 1 << 16)],
    ids=["encrypted", "packed otherwise", "packed as bzip2", "out of the file"],
)
def test_an_archive_that_cannot_be_unpacked_is_one_sentence(field: int, value: int, tmp_path: Path) -> None:
    source = make_zip(tmp_path, kind="trade", lines=["1000,5,300,P,1,0"])
    content = bytearray(source.read_bytes())
    entry = content.rindex(b"PK\1\2")  # of the directory at the end
    content[entry + field : entry + field + 4] = (int.from_bytes(content[entry + field : entry + field + 4], "little") | value).to_bytes(
        4, "little"
    )
    source.write_bytes(content)
    with pytest.raises(BadSourceError, match=r"cannot be unpacked \(.+\); take another copy"):
        import_lean([source], tmp_path / "o.tape", progress=ignore)


def test_an_archive_whose_packed_bytes_are_damaged_is_one_sentence(tmp_path: Path) -> None:
    source = tmp_path / "20131007_trade.zip"
    with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("20131007_abc_Trade_Tick.csv", "1000,5,300,P,1,0\n" * 100)
    content = bytearray(source.read_bytes())
    content[30 + len("20131007_abc_Trade_Tick.csv")] ^= 0xFF
    source.write_bytes(content)
    with pytest.raises(BadSourceError, match="cannot be unpacked"):
        import_lean([source], tmp_path / "o.tape", progress=ignore)


def test_a_file_too_large_for_a_day_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.tapes.lean._CSV_BYTES_MAX", 10)
    source = make_zip(tmp_path, kind="trade", lines=["1000,5,300,P,1,0"])
    with pytest.raises(BadSourceError, match="unpacks to 17 bytes, more than one day of ticks"):
        import_lean([source], tmp_path / "o.tape", progress=ignore)


def test_the_importer_is_known_by_its_name(tmp_path: Path) -> None:
    source = make_zip(tmp_path, kind="trade", lines=["1000,5,300,P,1,0"])
    meta = import_tape("lean", [source], tmp_path / "o.tape", options=ImportOptions(), progress=ignore)
    assert (meta.importer, meta.records) == ("lean 1", 1)


def test_an_impossible_date_and_a_change_of_clocks_are_refused(tmp_path: Path) -> None:
    line = ["1000,5,300,P,1,0"]
    with pytest.raises(BadSourceError, match="begins with no date"):
        import_lean(
            [make_zip(tmp_path, kind="trade", lines=line, day="20131399")],
            tmp_path / "o.tape",
            progress=ignore,
        )
    with pytest.raises(BadSourceError, match="clocks change on 2013-11-03"):
        import_lean(
            [make_zip(tmp_path, kind="trade", lines=line, day="20131103")],
            tmp_path / "o.tape",
            progress=ignore,
        )


def test_a_file_without_rows_is_an_empty_tape(tmp_path: Path) -> None:
    with pytest.raises(EmptyTapeError, match="no record"):
        import_lean([make_zip(tmp_path, kind="trade", lines=[])], tmp_path / "o.tape", progress=ignore)


def test_the_same_day_twice_is_refused(tmp_path: Path) -> None:
    source = make_zip(tmp_path, kind="trade", lines=["1000,5,300,P,1,0"])
    with pytest.raises(BadSourceError, match="are the same day of ABC"):
        import_lean([source, tmp_path], tmp_path / "o.tape", progress=ignore)


# What the set's own description counts.
ROWS = {
    ("aig", "20131007"): (1_079_935, 25_351),
    ("aig", "20131008"): (1_118_140, 43_342),
    ("bac", "20131007"): (476_855, 88_172),
    ("ibm", "20131007"): (109_067, 24_293),
    ("ibm", "20131008"): (125_750, 33_381),
}


@pytest.mark.parametrize(("symbol", "day"), ROWS)
def test_recorded_days_give_one_quote_for_each_pair_and_the_lone_opening_ask(symbol: str, day: str, ticks: Path, tmp_path: Path) -> None:
    quote_rows, trade_rows = ROWS[symbol, day]
    steps: list[tuple[int, int]] = []
    sources = [ticks / symbol / f"{day}_{kind}.zip" for kind in ("quote", "trade")]
    meta = import_lean(sources, tmp_path / "out.tape", progress=lambda done, total: steps.append((done, total)))
    tape = Tape.open(tmp_path / "out.tape")
    found = meta.statistics
    assert (found["quote rows"], found["trade rows"]) == (quote_rows, trade_rows)
    assert found["quotes"] == quote_rows // 2 + quote_rows % 2, "pairs, and the opening ask alone"
    assert found["one-sided quotes"] == quote_rows % 2
    assert len(tape) == found["quotes"] + trade_rows == found["records"]
    assert found["crossed quotes"] < 0.001 * found["quotes"]
    assert 0.004 * found["quotes"] < found["locked quotes"] < 0.045 * found["quotes"]
    assert steps == [(1, 2), (2, 2)]
    both = tape.records[(tape.records["kind"] == layout.QUOTE) & (tape.records["flags"] & layout.ONE_SIDED == 0)]
    assert (both["a"] > 0).all()
    assert (both["b"] > 0).all()
    tape.verify()


def test_a_recorded_day_joins_as_a_slow_reader_would(ticks: Path, tmp_path: Path) -> None:
    source = ticks / "ibm" / "20131007_quote.zip"
    import_lean([source], tmp_path / "out.tape", progress=ignore)
    expected = []
    side: dict[str, tuple[int, int]] = {"bid": (0, 0), "ask": (0, 0)}
    with zipfile.ZipFile(source) as archive:
        rows = list(csv.reader(io.StringIO(archive.read(archive.namelist()[0]).decode())))
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        name, price, size = ("bid", row[1], row[2]) if row[1] != "0" else ("ask", row[3], row[4])
        side[name] = int(price) * 100_000, int(size) * 10**9
        if name == "bid" and following is not None and following[1] == "0" and following[0] == row[0]:
            continue
        midnight_ns = 1_381_118_400 * 10**9
        expected.append(
            (
                midnight_ns + int(row[0]) * 10**6,
                side["bid"][0],
                side["ask"][0],
                side["bid"][1],
                side["ask"][1],
            )
        )
    records = Tape.open(tmp_path / "out.tape").records
    found = zip(*(records[field].tolist() for field in ("ts_event", "a", "b", "c", "d")), strict=True)
    assert list(found) == expected


# Daily high, low and close as published for the day (dollars x 10,000).
PUBLISHED = {
    "aig": (491_200, 487_200, 487_300),
    "bac": (139_500, 138_000, 138_100),
    "spy": (1_684_500, 1_672_500, 1_674_200),
}


@pytest.mark.parametrize("symbol", PUBLISHED)
def test_regular_prints_alone_give_the_published_high_low_and_close(symbol: str, ticks: Path, tmp_path: Path) -> None:
    import_lean([ticks / symbol / "20131007_trade.zip"], tmp_path / "out.tape", progress=ignore)
    tape = Tape.open(tmp_path / "out.tape")
    regular = tape.records["a"][(tape.records["flags"] & layout.REGULAR) != 0] // 100_000
    assert (regular.max(), regular.min(), regular[-1]) == PUBLISHED[symbol]
    everything = tape.records["a"] // 100_000
    assert (everything.max(), everything.min(), everything[-1]) != PUBLISHED[symbol]


def test_a_folder_becomes_one_tape(ticks: Path, tmp_path: Path) -> None:
    sources = [ticks / "ibm" / "20131007_trade.zip", ticks / "bac" / "20131007_trade.zip"]
    one = import_lean(sources, tmp_path / "all.tape", progress=ignore)
    assert [symbol.symbol for symbol in one.symbols] == ["BAC", "IBM"]
    assert all(symbol.bars_from_trades for symbol in one.symbols), "there were no quotes of them"
    assert import_lean([ticks / "ibm"], tmp_path / "ibm2.tape", progress=ignore).records > 115_000
