"""Generated markets: the same bytes for the same wish, and each planted anomaly where the meta says."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.events import records as layout
from tidegate.simulation.errors import BadMarketError
from tidegate.simulation.generate import BLOCK_EVENTS, Wish, generate
from tidegate.simulation.plan import GAP_MESSAGES, INDEX_SYMBOL
from tidegate.tapes.check import Records
from tidegate.tapes.errors import TapeNotWrittenError
from tidegate.tapes.format import Planted, Tape
from tidegate.tapes.statistics import statistics
from tidegate.values.enums import InstrumentKind
from tidegate.values.errors import ExitCode
from tidegate.values.time import HOUR_NS, SECOND_NS, iso_utc

pytestmark = pytest.mark.req("C1.1", "A1.4", "F4")


def ignore(_done: int, _all: int) -> None:
    """Take progress and do nothing."""


def made(folder: Path, wish: Wish) -> Tape:
    generate(folder / "g.tape", wish, progress=ignore)
    return Tape.open(folder / "g.tape")


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    return made(tmp_path_factory.mktemp("market"), Wish(seed=11, events=400_000, symbols=4))


def planted(tape: Tape, kind: str) -> Planted:
    (found,) = (item for item in tape.meta.planted if item.kind == kind)
    return found


def of_symbol(tape: Tape, symbol: str) -> Records:
    index = next(item.index for item in tape.symbols if item.symbol == symbol)
    mine: Records = tape.records[tape.records["instrument"] == index]
    return mine


@settings(max_examples=12)
@given(seed=st.integers(0, 2**40), symbols=st.integers(1, 6), events=st.integers(300, 3_000))
def test_any_wish_gives_exactly_the_events_asked_for_and_the_same_bytes_again(
    tmp_path_factory: pytest.TempPathFactory, seed: int, symbols: int, events: int
) -> None:
    folder = tmp_path_factory.mktemp("wish")
    wish = Wish(seed=seed, events=events, symbols=symbols)
    tape = made(folder, wish)
    first = tape.path.read_bytes()
    tape.verify()
    assert len(tape) == events
    assert len(tape.symbols) == symbols + 1
    assert [item.kind for item in tape.meta.planted] == [
        "halt",
        "gap",
        "bad_print",
        "feed_outage",
        "wide_spread",
        "zero_quote",
        "crossed_quote",
        "locked_quote",
        "future_time",
    ]
    for item in tape.meta.planted:
        for number, time_ns in ((item.first_record, item.from_ns), (item.last_record, item.until_ns)):
            assert tape.records["ts_recv"][number] == time_ns
    made(folder, wish)
    assert (folder / "g.tape").read_bytes() == first


def test_another_seed_is_another_market(tmp_path: Path) -> None:
    one = made(tmp_path, Wish(seed=1, events=1_000))
    other = made(tmp_path, Wish(seed=2, events=1_000))
    assert one.sha256 != other.sha256


def test_the_market_has_a_group_and_an_index_that_prints_trades_alone(market: Tape) -> None:
    *group, index = market.symbols
    assert [symbol.symbol for symbol in group] == ["G01", "G02", "G03", "G04"]
    assert (index.symbol, index.kind, index.bars_from_trades) == (INDEX_SYMBOL, InstrumentKind.INDEX, True)
    assert {symbol.market_group for symbol in market.symbols} == {"generated"}
    kinds = set(of_symbol(market, INDEX_SYMBOL)["kind"].tolist())
    assert kinds == {layout.TRADE, layout.STATUS}


def test_it_is_one_regular_session_in_new_york(market: Tape, tmp_path: Path) -> None:
    assert iso_utc(market.meta.first_ns).startswith("2024-03-04T14:30:00.")
    assert iso_utc(market.meta.last_ns).startswith("2024-03-04T21:00:00.")
    summer = made(tmp_path, Wish(events=1_000, day=date(2013, 10, 7)))
    assert iso_utc(summer.meta.first_ns).startswith("2013-10-07T13:30:00.")


def test_each_symbol_opens_and_closes_with_an_auction_print(market: Tape) -> None:
    for symbol in market.symbols:
        trades = of_symbol(market, symbol.symbol)
        trades = trades[trades["kind"] == layout.TRADE]
        assert trades["flags"][0] & layout.OPENING
        assert trades["flags"][-1] & layout.CLOSING


def test_a_halt_is_silence_between_two_statuses_and_a_reopening_print(market: Tape) -> None:
    halt = planted(market, "halt")
    first, last = market.records[halt.first_record], market.records[halt.last_record]
    assert (first["kind"], first["a"]) == (layout.STATUS, layout.STATUS_HALT)
    assert (last["kind"], last["a"]) == (layout.STATUS, layout.STATUS_RESUME)
    mine = of_symbol(market, halt.symbol)
    at = int(np.flatnonzero(mine["venue_seq"] == first["venue_seq"])[0])
    assert mine[at + 1] == last
    assert mine["flags"][at + 2] & layout.OPENING
    assert halt.until_ns - halt.from_ns > 299 * SECOND_NS
    others = market.records[halt.first_record : halt.last_record]
    assert len(others) > 1_000, "the rest of the market goes on"


def test_a_gap_is_silence_and_missing_numbers(market: Tape) -> None:
    gap = planted(market, "gap")
    mine = of_symbol(market, gap.symbol)
    steps = np.diff(mine["venue_seq"])
    (at,) = np.flatnonzero(steps != 1)
    assert steps[at] == GAP_MESSAGES + 1
    assert mine[at + 1] == market.records[gap.first_record]
    assert mine["ts_recv"][at + 1] - mine["ts_recv"][at] > 44 * SECOND_NS
    for symbol in market.symbols:
        if symbol.symbol != gap.symbol:
            numbers = of_symbol(market, symbol.symbol)["venue_seq"]
            assert numbers.tolist() == list(range(1, len(numbers) + 1))


def test_a_feed_outage_silences_every_symbol(market: Tape) -> None:
    outage = planted(market, "feed_outage")
    inside = market.records[outage.first_record : outage.last_record + 1]
    count = len(market.symbols)
    assert inside["kind"].tolist() == [layout.STATUS] * 2 * count
    assert inside["a"].tolist() == [layout.STATUS_FEED_DOWN] * count + [layout.STATUS_FEED_UP] * count
    assert sorted(inside["instrument"].tolist()) == sorted([*range(count), *range(count)])
    assert outage.until_ns - outage.from_ns > 59 * SECOND_NS


def test_a_bad_print_is_a_regular_trade_a_tenth_off_the_market(market: Tape) -> None:
    item = planted(market, "bad_print")
    bad = market.records[item.first_record]
    assert (bad["kind"], bad["flags"]) == (layout.TRADE, layout.REGULAR)
    mine = of_symbol(market, item.symbol)
    book = mine[(mine["kind"] == layout.QUOTE) & (mine["ts_recv"] < item.from_ns)][-1]
    assert 1.05 < bad["a"] / book["b"] < 1.15


def test_planted_quotes_are_what_they_are_called(market: Tape) -> None:
    wide, zero, crossed, locked, future = (
        market.records[planted(market, kind).first_record]
        for kind in ("wide_spread", "zero_quote", "crossed_quote", "locked_quote", "future_time")
    )
    assert wide["b"] - wide["a"] > 10**9
    assert (zero["a"], zero["c"], zero["flags"]) == (0, 0, layout.ONE_SIDED)
    assert crossed["a"] > crossed["b"]
    assert crossed["flags"] == layout.CROSSED
    assert locked["a"] == locked["b"]
    assert locked["flags"] == layout.LOCKED
    assert future["ts_event"] > future["ts_recv"] + SECOND_NS
    ahead = market.records["ts_event"] > market.records["ts_recv"]
    assert np.count_nonzero(ahead) == 1


def test_ordinary_prices_lie_on_the_grid_and_trades_at_or_inside_the_book(market: Tape) -> None:
    quotes = market.records[market.records["kind"] == layout.QUOTE]
    assert (quotes["a"] % 10_000_000 == 0).all()
    assert (quotes["b"] % 10_000_000 == 0).all()
    assert (quotes["c"] % 100_000_000_000 == 0).all()
    mine = of_symbol(market, "G01")
    row = np.arange(len(mine))
    sane = (mine["kind"] == layout.QUOTE) & (mine["flags"] == 0)
    before = np.maximum.accumulate(np.where(sane, row, 0))
    auction = (mine["flags"] & (layout.OPENING | layout.CLOSING)) != 0
    trades = (mine["kind"] == layout.TRADE) & ~auction & (row > before) & (before == row - 1)
    inside = (mine["a"][trades] >= mine["a"][before[trades]]) & (mine["a"][trades] <= mine["b"][before[trades]])
    assert inside.mean() > 0.999, "all but a planted bad print"


def test_blocks_join_without_a_seam(market: Tape) -> None:
    assert len(market) > BLOCK_EVENTS, "or this market has no seam"
    market.check()
    ids = of_symbol(market, "G02")
    ids = ids[ids["kind"] == layout.TRADE]["c"]
    assert ids.tolist() == list(range(1, len(ids) + 1))


def test_it_looks_like_a_market(market: Tape) -> None:
    figures = statistics(
        market,
        0,
        from_ns=market.meta.first_ns,
        until_ns=market.meta.last_ns - market.meta.last_ns % SECOND_NS,
    )
    assert (figures.edges_share or 0) > 1.2 * 2 / 13, "busier at the edges of the day"
    assert (figures.gap_ms_median or 0) < 0.2 * 1_000 / figures.quotes_per_second, "events come in bursts"
    assert 0 < (figures.locked_share or 0) < 0.05
    assert (figures.crossed_share or 0) < 0.001
    assert 0.2 < (figures.off_exchange_share or 0) < 0.4
    assert 1 < (figures.volatility_bps_per_minute or 0) < 40


def test_statistics_of_an_empty_stretch_are_none(market: Tape) -> None:
    later = market.meta.last_ns + SECOND_NS
    figures = statistics(market, 0, from_ns=later, until_ns=later + HOUR_NS)
    assert (figures.quotes, figures.trades, figures.quotes_per_second) == (0, 0, 0.0)
    assert figures.spread_ticks_median is None
    assert figures.volatility_bps_per_minute is None
    assert figures.second_return_correlation is None
    assert figures.quiet_seconds_share == 1.0


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        (Wish(symbols=0), "has 1 to 2000 symbols, not 0"),
        (Wish(symbols=2_001), "has 1 to 2000 symbols, not 2001"),
        (Wish(events=20), "20 events are too few for 5 symbols"),
        (Wish(events=10**26), "has 10000000000 events at most"),
        (Wish(seed=-1), "A seed is 0 or more"),
        (Wish(day=date(2024, 3, 2)), "is at a weekend"),
    ],
)
def test_a_market_that_cannot_be_is_refused_in_one_sentence(wish: Wish, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(BadMarketError, match=sentence) as caught:
        generate(tmp_path / "g.tape", wish, progress=ignore)
    assert caught.value.exit_code == ExitCode.USAGE
    assert list(tmp_path.iterdir()) == []


def test_nowhere_to_write_is_said(tmp_path: Path) -> None:
    with pytest.raises(TapeNotWrittenError, match="choose another folder"):
        generate(tmp_path / "absent" / "g.tape", Wish(events=1_000), progress=ignore)
