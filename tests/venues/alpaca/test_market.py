"""Market messages as records: exact times and prices, conditions by tape, halts, bands, corrections."""

import contextlib
import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.venues.alpaca.payloads import body, sample
from tidegate.events import records as layout
from tidegate.values.money import NANOS, nanos
from tidegate.values.time import DAY_NS, MINUTE_NS, iso_utc, ns_of
from tidegate.venues.alpaca.mapping import market
from tidegate.venues.alpaca.mapping.conditions import CODES, quote_marks, trade_bits, trade_flags
from tidegate.venues.alpaca.mapping.times import new_york_ns, parse_ns, raw_ns
from tidegate.venues.alpaca.wire import market as wire
from tidegate.venues.alpaca.wire.base import read_json
from tidegate.venues.errors import UnknownWordError

pytestmark = pytest.mark.req("G5")

NS = st.integers(0, 4_000_000_000 * 10**9)


def messages() -> dict[str, Any]:
    return {type(message).__name__: message for message in msgspec.json.decode(body(sample("stream")), type=list[wire.Message])}


@given(NS)
def test_text_times_are_exact_to_the_nanosecond(ns: int) -> None:
    assert parse_ns(iso_utc(ns)) == ns
    assert raw_ns(f'"{iso_utc(ns)}"'.encode()) == ns


@given(NS, st.integers(0, 9))
def test_fewer_decimals_are_as_exact(ns: int, digits: int) -> None:
    text = iso_utc(ns)[:-1]
    cut = text[: 20 + digits] if digits else text[:19]
    assert parse_ns(cut + "Z") == ns - ns % 10 ** (9 - digits)


@given(NS)
def test_msgpack_timestamps_of_every_size_are_exact(ns: int) -> None:
    seconds, rest = divmod(ns, 10**9)
    assert raw_ns(b"\xd7\xff" + ((rest << 34) | (seconds & (2**34 - 1))).to_bytes(8)) == ns
    assert raw_ns(b"\xc7\x0c\xff" + rest.to_bytes(4) + seconds.to_bytes(8)) == ns
    if seconds < 2**32:
        assert raw_ns(b"\xd6\xff" + seconds.to_bytes(4)) == ns - rest
    assert raw_ns(msgspec.msgpack.encode(iso_utc(ns))) == ns


@given(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis wants them naive
def test_what_msgspec_writes_as_a_timestamp_is_read_back(moment: datetime) -> None:
    assert raw_ns(msgspec.msgpack.encode(moment)) == ns_of(moment)
    assert raw_ns(msgspec.json.encode(moment)) == ns_of(moment)


def test_offsets_are_taken_off() -> None:
    assert parse_ns("2026-11-18T10:02:11.5-05:00") == parse_ns("2026-11-18T15:02:11.5Z") == parse_ns("2026-11-18T20:32:11.500+05:30")


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-11-18", "2026-11-18T15:02:11", "2026-11-18T15:02:11.Z", "2026-13-18T15:02:11Z", "2026-11-18T25:02:11Z",
     "2026-11-18T15:02:11+0500", "2026-11-18T15:02:11+99:00", "2026-11-18Q15:02:11Z"],
)  # fmt: skip
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_ns(text)


@given(st.binary(max_size=30))
def test_no_bytes_of_a_time_break_more_than_themselves(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(raw_ns(data), int)


def test_new_york_hours_follow_its_clocks() -> None:
    assert new_york_ns("2026-07-01", "09:30") == parse_ns("2026-07-01T13:30:00Z")
    assert new_york_ns("2026-12-01", "0930") == parse_ns("2026-12-01T14:30:00Z")


def test_the_samples_become_records() -> None:
    seen = messages()
    trade = market.trade_row(seen["Trade"], 3, 7)
    assert trade == (1_795_014_131_726_104_552, 7, 0, 3, layout.TRADE, layout.REGULAR, nanos("251.37"), 100 * NANOS, 52983525034, trade[9])
    assert trade[9] == trade_bits("@", "C")
    quote = market.quote_row(seen["Quote"], 3, 7)
    assert quote[4:] == (layout.QUOTE, 0, nanos("251.36"), nanos("251.38"), 300 * NANOS, 200 * NANOS)
    opening, closing = market.bar_rows(seen["Bar"], 3, 7, market.bar_length_ns(seen["Bar"]))
    assert opening[6:] == (nanos("251.3"), nanos("251.44"), nanos("251.28"), nanos("251.37"))
    assert closing[6:] == (48211 * NANOS, parse_ns("2026-11-18T15:02:00Z"), MINUTE_NS, 611)
    assert opening[0] == closing[0] == parse_ns("2026-11-18T15:03:00Z")
    correction = market.correction_row(seen["Correction"], 3, 7)
    assert correction[5:9] == (layout.CORRECTION, nanos("251.1"), 500 * NANOS, 4411)
    cancel = market.cancel_row(seen["CancelError"], 3, 7)
    assert cancel[5:9] == (layout.CORRECTION, nanos("259.9"), 0, 4498)
    bands = market.bands_row(seen["Bands"], 3, 7)
    assert bands is not None
    assert bands[4:9] == (layout.STATUS, 0, layout.STATUS_LIMIT_BANDS, nanos("238.86"), nanos("264"))
    halts = msgspec.json.decode(body(sample("stream")[3:5]), type=list[wire.Status])
    rows = [market.status_row(halt, 3, 7) for halt in halts]
    assert [row[6] for row in rows if row is not None] == [layout.STATUS_HALT, layout.STATUS_RESUME]
    assert rows[0] is not None
    assert rows[0][9].to_bytes(7, "little").rstrip(b"\0") == b"LUDP"
    records = market.records_of([trade, quote, opening, closing])
    assert records.dtype == layout.RECORD
    assert list(records["kind"]) == [layout.TRADE, layout.QUOTE, layout.BAR_OPEN, layout.BAR_CLOSE]
    assert records["a"][0] == nanos("251.37")


def a_quote(**fields: Any) -> wire.Quote:
    base = {"T": "q", "S": "A", "t": "2026-11-18T15:02:11Z", "bp": 10, "bs": 100, "ap": 10.01, "as": 100, "c": ["R"], "z": "C"}
    return msgspec.json.decode(body({**base, **fields}), type=wire.Quote)


@pytest.mark.parametrize(
    ("fields", "flags"),
    [
        ({}, 0),
        ({"bp": 0}, layout.ONE_SIDED),
        ({"ap": None}, layout.ONE_SIDED),
        ({"as": 0}, layout.ONE_SIDED),
        ({"ap": 10}, layout.LOCKED),
        ({"ap": 9.99}, layout.CROSSED),
        ({"c": ["Y"]}, 0),
        ({"c": ["A"]}, layout.SLOW_QUOTE),
        ({"c": ["R", "B"]}, layout.SLOW_QUOTE),
        ({"c": ["L"]}, layout.SLOW_QUOTE | layout.SUSPICIOUS),
        ({"c": ["U"]}, layout.SLOW_QUOTE | layout.SUSPICIOUS),
        ({"c": ["U"], "z": "A"}, layout.SLOW_QUOTE),
        ({"c": ["Y"], "z": "A"}, layout.SLOW_QUOTE | layout.SUSPICIOUS),
        ({"c": ["?"]}, layout.SLOW_QUOTE | layout.SUSPICIOUS),
        ({"c": None}, 0),
    ],
)
def test_a_quote_earns_its_flags_by_numbers_and_codes(fields: dict[str, Any], flags: int) -> None:
    assert market.quote_row(a_quote(**fields), 0, 0)[5] == flags


@pytest.mark.parametrize("bad", [-1, float("1e30")])
def test_a_price_that_cannot_be_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="no price"):
        market.quote_row(a_quote(bp=bad), 0, 0)


@pytest.mark.parametrize("bad", [2.0**63, 2**63, -1, float("inf"), float("nan")])
def test_a_number_of_trades_that_cannot_be_is_refused(bad: float) -> None:
    bar = messages()["Bar"]
    with pytest.raises(ValueError, match="is no number of trades"):
        market.bar_rows(msgspec.structs.replace(bar, n=bad), 3, 7, MINUTE_NS)


@given(st.decimals(min_value="0.0001", max_value="900000", places=4))
def test_prices_of_four_decimals_survive_the_doubles_of_the_wire(price: Any) -> None:
    assert market.quote_row(a_quote(bp=float(price)), 0, 0)[6] == nanos(price)


@pytest.mark.parametrize(
    ("codes", "tape", "regular"),
    [
        ("@", "C", True), (" ", "A", True), ("", "C", True), ("F", "B", True), ("@F", "C", True), ("O", "A", True), ("5", "C", True),
        ("B", "C", True), ("B", "A", False), ("@I", "C", False), ("@4I", "C", False), ("T", "C", False), ("U", "A", False),
        ("M", "C", False), ("Q", "A", False), ("9", "C", False), ("Z", "C", False), ("W", "C", False), ("!", "C", False), ("E", "C", False),
    ],
)  # fmt: skip
def test_a_print_is_regular_only_when_every_code_of_its_tape_allows(codes: str, tape: str, regular: bool) -> None:  # noqa: FBT001 - a table
    assert bool(trade_flags(codes, tape, "Q") & layout.REGULAR) == regular


def test_openings_closings_and_reporting_facilities_are_marked() -> None:
    assert trade_flags("O", "C", "Q") == layout.REGULAR | layout.OPENING
    assert trade_flags("6", "C", "Q") == layout.REGULAR | layout.CLOSING
    assert trade_flags("M", "C", "Q") == layout.CLOSING
    assert trade_flags("@", "C", "D") == layout.REGULAR | layout.OFF_EXCHANGE


def test_codes_are_kept_as_bits_under_the_letter_of_their_tape() -> None:
    bits = {code: trade_bits(code, "C") for code in CODES}
    assert len(set(bits.values())) == len(CODES)
    assert all(value >> 48 == ord("C") for value in bits.values())
    assert trade_bits("€", None) == 0
    assert quote_marks("", "C") == 0


@pytest.mark.parametrize(
    ("tape", "code", "state"),
    [("A", "2", layout.STATUS_HALT), ("A", "3", layout.STATUS_RESUME), ("A", "E", None), ("C", "P", layout.STATUS_HALT),
     ("C", "Q", layout.STATUS_HALT), ("C", "T", layout.STATUS_RESUME), ("O", "H", layout.STATUS_HALT)],
)  # fmt: skip
def test_halts_follow_the_code_of_the_tape(tape: str, code: str, state: int | None) -> None:
    status = wire.Status(S="A", t=msgspec.Raw(b'"2026-11-18T15:02:11Z"'), sc=code, z=tape)
    row = market.status_row(status, 0, 0)
    assert (row[6] if row else None) == state


@pytest.mark.req("I3")
@pytest.mark.parametrize(("tape", "code"), [("A", "H"), ("C", "2"), ("C", None)])
def test_a_status_that_the_tape_does_not_have_is_quarantined(tape: str, code: str | None) -> None:
    status = wire.Status(S="A", t=msgspec.Raw(b'"2026-11-18T15:02:11Z"'), sc=code, z=tape)
    with pytest.raises(UnknownWordError):
        market.status_row(status, 0, 0)


def test_a_limit_state_of_tapes_a_and_b_is_never_stored_as_bands() -> None:
    raw = msgspec.Raw(b'"2026-11-18T15:02:11Z"')
    assert market.bands_row(wire.Bands(S="A", t=raw, u=0, d=0, i="C", z="A"), 0, 0) is None
    assert market.bands_row(wire.Bands(S="A", t=raw, u=0, d=0, i="B", z="C"), 0, 0) is None
    assert market.bands_row(wire.Bands(S="A", t=raw, u=2, d=1, i="C", z="C"), 0, 0) is not None


def test_the_recorded_page_of_the_venues_own_tests_reads(shared_data: Path) -> None:
    page = read_json(gzip.decompress((shared_data / "alpaca-rest-sample" / "trades.json.gz").read_bytes()), wire.Page)
    assert page.trades is not None
    trades = page.trades["AAPL"]
    assert trades is not None
    rows = [market.trade_row(trade, 0, 0) for trade in trades]
    assert [row[6] for row in rows] == [nanos(text) for text in ("140.2", "140.1", "140.1", "140", "140")]
    assert [iso_utc(row[0]) for row in rows][:2] == ["2021-10-13T08:00:00.089607680Z", "2021-10-13T08:00:01.024327168Z"]
    assert all(row[5] & layout.REGULAR == 0 for row in rows), "before the open nothing is a last sale"
    assert page.next_page_token


def test_a_print_that_was_taken_back_is_kept_and_not_regular() -> None:
    for word in ("canceled", "incorrect", "corrected"):
        trade = wire.OldTrade(t=msgspec.Raw(b'"2026-11-18T15:02:11Z"'), p=1.0, s=1, c=msgspec.Raw(b'["@"]'), z="C", u=word)
        assert market.trade_row(trade, 0, 0)[5] == layout.SUSPICIOUS


@pytest.mark.req("G4")
def test_option_snapshots_read_with_and_without_greeks() -> None:
    value = sample("option_snapshots")
    snapshot = read_json(body(value), wire.OptionSnapshots).snapshots
    assert snapshot is not None
    one = snapshot["AAPL261218P00240000"]
    assert one is not None
    assert one.latestQuote is not None
    assert one.greeks is not None
    assert one.greeks.delta == -0.2204
    assert market.option_quote_row(one.latestQuote, 0, 0)[5] == 0
    assert one.latestTrade is not None
    assert market.option_trade_row(one.latestTrade, 0, 0)[6] == nanos("2.06")
    value["snapshots"]["AAPL261218P00240000"] = {"latestQuote": None}
    assert read_json(body(value), wire.OptionSnapshots).snapshots is not None


def test_the_bar_of_a_day_is_a_day_long() -> None:
    (daily,) = msgspec.json.decode(body([{**sample("stream")[2], "T": "d"}]), type=list[wire.Message])
    assert isinstance(daily, wire.DailyBar)
    assert market.bar_length_ns(daily) == DAY_NS


def test_ids_that_are_no_numbers_become_none() -> None:
    raw = msgspec.Raw(b'"2026-11-18T15:02:11Z"')
    for word, expected in (("17", 17), ("abc", 0), (None, 0), (2**70, 0), (-1, 0)):
        assert market.trade_row(wire.OldTrade(t=raw, i=word), 0, 0)[8] == expected
    assert np.all(market.records_of([])["kind"] == 0)
