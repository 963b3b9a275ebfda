"""A log as rows, lines, figures and files."""

import json

import msgspec
import polars as pl
import pytest

from tests.events.examples import example_of, session_opened
from tests.journal.making import blocks, flip, market_records
from tidegate.events.acts import RiskDecision, StrategyStateChanged, TradeIntent
from tidegate.events.codec import encode
from tidegate.events.inputs import InstrumentDefined, OrderEvent
from tidegate.events.records import QUOTE
from tidegate.journal import DamagedLogError, LogWriter, read
from tidegate.journal import export as export_module
from tidegate.journal.errors import UnknownExportError, UnwritableExportError
from tidegate.journal.export import export, stats
from tidegate.journal.files import segment_path
from tidegate.journal.rows import COLUMNS, rows
from tidegate.journal.text import Filter, lines
from tidegate.values.errors import ExitCode
from tidegate.values.instruments import Instrument

pytestmark = pytest.mark.req("B1.2")

T0 = 1_381_152_600_000_000_000
INSTRUMENTS = (
    Instrument(index=0, symbol="BAC", venue="test"),
    Instrument(index=1, symbol="AIG", venue="test"),
)


def message(kind, **changes):
    return encode(msgspec.structs.replace(example_of(kind), **changes))


@pytest.fixture
def log(tmp_path):
    opening = msgspec.structs.replace(
        session_opened(session_id="one"),
        config=b"limits: {}\n",
        instruments=msgspec.msgpack.encode(INSTRUMENTS),
        started_ns=T0,
    )
    writer = LogWriter(tmp_path / "log", opening)
    writer.span(0, 10)
    story = {"symbol": "BAC", "strategy_id": "trend", "correlation_id": "one-9-1"}
    writer.act(9, 1, message(TradeIntent, **story, timestamp=T0 + 1, reason="two words"))
    writer.act(9, 2, message(RiskDecision, **story, timestamp=T0 + 1, version=1))
    writer.act(9, 3, message(StrategyStateChanged, state=msgspec.msgpack.encode({"armed": True}), timestamp=T0 + 1))
    writer.act(9, 4, message(StrategyStateChanged, state=b"\xc1 no msgpack", timestamp=T0 + 1))
    writer.evidence(b'{"raw": 1} \xff')
    writer.input(10, message(OrderEvent, symbol="BAC", timestamp=T0 + 2))
    defined = Instrument(index=2, symbol="NEW", venue="test")
    writer.input(11, message(InstrumentDefined, instrument=defined, symbol="NEW", timestamp=T0 + 3))
    quotes = market_records(3)
    quotes["kind"], quotes["instrument"], quotes["ts_recv"] = QUOTE, [0, 2, 7], [T0 + 4, T0 + 5, T0 + 6]
    writer.records(12, quotes)
    writer.judged(14)
    writer.close()
    return tmp_path / "log"


def test_every_entry_and_market_record_is_a_row_with_the_same_columns(log):
    found = list(rows(read(log)))
    assert all(tuple(row) == COLUMNS for row in found)
    assert [row["entry"] for row in found] == list(range(len(found)))
    assert [(row["type"], row["n"], row["k"]) for row in found] == [
        ("opening", -1, 0),
        ("span", 0, 0),
        ("intent", 9, 1),
        ("decision", 9, 2),
        ("strategy_state", 9, 3),
        ("strategy_state", 9, 4),
        ("evidence", 9, 0),
        ("order_event", 10, 0),
        ("instrument_defined", 11, 0),
        ("market", 12, 0),
        ("market", 13, 0),
        ("market", 14, 0),
    ]


def test_a_mark_and_a_session_without_instruments_are_rows_too(tmp_path):
    bare = msgspec.structs.replace(session_opened(), instruments=b"")
    writer = LogWriter(tmp_path / "log", bare, block_bytes_max=1)
    writer.evidence(b"raw")
    writer.records(0, market_records(1)[:0])
    writer.input(0, message(OrderEvent))
    writer.judged(0)
    writer.close()
    found = list(rows(read(tmp_path / "log")))
    assert [row["type"] for row in found] == ["opening", "evidence", "order_event", "judged"]
    assert (found[0]["body"]["instruments"], found[3]["body"]) == ([], {})


def test_bodies_are_readable_and_leave_no_default_out(log):
    found = list(rows(read(log)))
    assert found[0]["body"]["config"] == "limits: {}\n"
    assert found[0]["body"]["instruments"][1]["symbol"] == "AIG"
    assert found[1]["body"] == {"count": 10}
    assert found[2]["body"]["reason"] == "two words"
    assert found[3]["body"]["version"] == 1
    assert found[4]["body"]["state"] == {"armed": True}
    assert found[5]["body"]["state"] == "wSBubyBtc2dwYWNr"
    assert found[6]["body"] == {"bytes": '{"raw": 1} \\xff'}
    assert [row["symbol"] for row in found[-3:]] == ["BAC", "NEW", ""]
    assert found[-1]["event_id"] == "one-14-0"
    assert found[-1]["time"] == T0 + 6


@pytest.mark.parametrize("batch_rows", [1, 5, 10_000])
def test_a_log_exports_to_lines_and_parquet_alike(log, tmp_path, monkeypatch, batch_rows):
    monkeypatch.setattr(export_module, "BATCH_ROWS", batch_rows)
    assert export(read(log), tmp_path / "out.jsonl") == 12
    assert export(read(log), tmp_path / "out.parquet") == 12
    from_lines = [json.loads(text) for text in (tmp_path / "out.jsonl").read_text().splitlines()]
    from_parquet = pl.read_parquet(tmp_path / "out.parquet").to_dicts()
    for row in from_parquet:
        row["body"] = json.loads(row["body"])
    assert from_lines == from_parquet == json.loads(json.dumps(list(rows(read(log)))))
    assert pl.read_parquet(tmp_path / "out.parquet").filter(pl.col("type") == "intent")["n"].to_list() == [9]


def test_an_export_in_an_unknown_format_is_refused(log, tmp_path):
    with pytest.raises(UnknownExportError, match=r"out\.csv ends in neither \.jsonl nor \.parquet") as caught:
        export(read(log), tmp_path / "out.csv")
    assert caught.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet"])
def test_an_export_that_fails_leaves_no_file_and_an_older_one_as_it_was(log, tmp_path, name):
    out = tmp_path / name
    out.write_text("an older export")
    newest = blocks(log)[-2]
    undo = flip(segment_path(log, newest.segment), newest.begin + 70, 1)
    with pytest.raises(DamagedLogError):
        export(read(log), out)
    undo()
    assert out.read_text() == "an older export"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", name]
    with pytest.raises(UnwritableExportError, match="cannot be written") as caught:
        export(read(log), tmp_path / "missing" / name)
    assert caught.value.exit_code is ExitCode.ENVIRONMENT


def test_stats_count_what_the_log_holds(log):
    found = stats(read(log))
    assert (found.sessions, found.segments, found.blocks, found.entries) == (1, 1, 4, 12)
    assert found.bytes == segment_path(log, 0).stat().st_size
    assert found.entries_by_kind == {
        "act": 4,
        "evidence": 1,
        "input": 2,
        "opening": 1,
        "records": 3,
        "span": 1,
    }
    assert found.messages_by_type["strategy_state"] == 2
    assert (found.inputs, found.records) == (15, 3)
    assert (found.first_time, found.last_time) == (T0, T0 + 6)
    assert (found.sealed, found.judged_to, found.torn) == (True, 14, "")


def test_stats_tell_of_a_torn_end(log):
    path = segment_path(log, 0)
    path.write_bytes(path.read_bytes()[:-1])
    found = stats(read(log))
    assert (found.sealed, found.torn) == (False, "it is cut off")


def test_a_line_shows_one_entry(log):
    shown = list(lines(read(log)))
    assert len(shown) == 12
    assert all("\n" not in text and len(text) <= 400 for text in shown)
    intent = shown[2]
    assert intent.split()[:6] == ["2", "9.1", "2013-10-07T13:30:00.000000001Z", "intent", "BAC", "trend"]
    assert 'reason="two words"' in intent or intent.endswith("...")
    assert shown[1].split() == ["1", "0.0", "-", "span", "-", "-", "count=10"]
    assert shown[0].split()[1] == "-"


@pytest.mark.parametrize(
    ("wanted", "entries"),
    [
        (Filter(), list(range(12))),
        (Filter(symbol="BAC"), [2, 3, 7, 9]),
        (Filter(strategy_id="trend"), [2, 3]),
        (Filter(type="order_event"), [7]),
        (Filter(correlation_id="one-9-1"), [2, 3]),
        (Filter(from_ns=T0 + 5), [10, 11]),
        (Filter(until_ns=T0 + 1), [0]),
        (Filter(from_ns=T0 + 2, until_ns=T0 + 4), [7, 8]),
        (Filter(symbol="BAC", type="market"), [9]),
    ],
)
def test_lines_are_chosen_by_what_an_entry_is_about(log, wanted, entries):
    assert [int(text.split()[0]) for text in lines(read(log), wanted)] == entries
