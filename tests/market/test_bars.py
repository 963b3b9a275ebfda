"""Bars by hand: edges, empty intervals, what moves prices and what counts as volume."""

from typing import Any

import pytest

from tests.senses import making
from tests.senses.making import START_NS, quote, trade
from tidegate.engine import layout
from tidegate.kernel.mode import Mode
from tidegate.values.time import MINUTE_NS, NEVER_NS, SECOND_NS

pytestmark = pytest.mark.req("A1.1")


def mid(at_s: float, price: float) -> Any:
    return quote(at_s, price - 0.01, price + 0.01)


def played(*parts: Any, from_trades: bool = False) -> Any:
    senses = making.host(Mode.STRICT)
    making.symbol(senses)["bars_from_trades"] = int(from_trades)
    making.play(senses, parts)
    return making.symbol(senses)


def ohlc(bar: Any) -> tuple[float, ...]:
    return tuple(round(float(bar[name]), 6) for name in ("open", "high", "low", "close"))


def test_a_bar_has_its_first_highest_lowest_and_last_mid() -> None:
    seen = played(mid(0, 10.0), mid(0.2, 10.05), mid(0.5, 9.97), mid(0.999999999, 9.99), mid(1, 10.04))
    assert ohlc(seen["last_second"]) == (10.0, 10.05, 9.97, 9.99)
    assert int(seen["last_second"]["start_ns"]) == START_NS
    assert ohlc(seen["second"]) == (10.04,) * 4
    assert int(seen["second"]["start_ns"]) == START_NS + SECOND_NS


def test_bars_start_on_whole_seconds_and_minutes() -> None:
    seen = played(mid(59.7, 10.0), mid(60.2, 10.01))
    assert int(seen["last_second"]["start_ns"]) == START_NS + 59 * SECOND_NS
    assert int(seen["last_minute"]["start_ns"]) == START_NS
    assert int(seen["minute"]["start_ns"]) == START_NS + MINUTE_NS


def test_an_interval_without_activity_has_no_bar() -> None:
    seen = played(mid(0, 10.0), mid(30, 10.01), mid(31, 10.02))
    assert int(seen["last_second"]["start_ns"]) == START_NS + 30 * SECOND_NS
    assert int(seen["warm_seconds"]) == 2


def test_volume_counts_regular_trades_and_prints_move_no_bar_of_mids() -> None:
    seen = played(mid(0, 10.0), trade(0.1, 9.91, 7), trade(0.2, 9.91, 5, flags=0), trade(0.3, 10.09, 3), mid(1, 10.0))
    assert ohlc(seen["last_second"]) == (10.0,) * 4
    assert (float(seen["last_second"]["volume"]), int(seen["last_second"]["trades"])) == (10.0, 2)


def test_a_print_in_an_interval_without_a_quote_opens_its_bar_at_the_last_mid() -> None:
    seen = played(mid(0, 10.0), trade(1.1, 9.95, 7), mid(2, 10.01))
    assert ohlc(seen["last_second"]) == (10.0,) * 4
    assert float(seen["last_second"]["volume"]) == 7.0


def test_prints_before_the_first_quote_have_no_bar() -> None:
    seen = played(trade(0, 9.0, 7), trade(1.5, 9.0, 7))
    assert (int(seen["second"]["start_ns"]), int(seen["warm_seconds"])) == (0, 0)
    assert float(seen["vwap"]) == 9.0


def test_an_index_builds_its_bars_from_trades_alone() -> None:
    seen = played(trade(0, 10.0, 2), trade(0.5, 10.09, 3), trade(0.7, 11.0, 9, flags=0), trade(1, 10.05, 1), from_trades=True)
    assert ohlc(seen["last_second"]) == (10.0, 10.09, 10.0, 10.09)
    assert (float(seen["last_second"]["volume"]), int(seen["last_second"]["trades"])) == (5.0, 2)


@pytest.mark.req("A1.4")
def test_an_index_on_trades_starts_again_after_a_silence() -> None:
    seen = played(trade(0, 10.0, 2), trade(1, 10.0, 1), trade(101, 10.0, 1), trade(201.1, 10.0, 1), from_trades=True)
    assert (int(seen["gaps"]), int(seen["warm_seconds"]), int(seen["second"]["trades"])) == (1, 0, 1)


def test_a_bar_cut_off_by_a_gap_leaves_nothing_behind() -> None:
    far = [mid(0.3, 11.0), mid(0.4, 11.0), mid(0.5, 11.0)]
    seen = played(mid(0, 10.0), trade(0.1, 10.0, 7), *far)
    assert int(seen["gaps"]) == 1
    assert (int(seen["second"]["trades"]), float(seen["second"]["volume"])) == (0, 0.0)
    assert ohlc(seen["minute"]) == (11.0,) * 4


@pytest.mark.parametrize(("length_ns", "field"), [(SECOND_NS, "second"), (MINUTE_NS, "minute")])
def test_subscribed_bars_close_with_a_tick_when_no_record_comes(length_ns: int, field: str) -> None:
    senses = making.host(Mode.STRICT, strategies=[making.strategy(None)])
    senses.table("strategies")[0][f"wants_{field}s"] = 1
    header = senses.table("header")[0]
    header["regime_attention"] = 0
    making.play(senses, [mid(0.5, 10.0)])
    header[f"next_{field}_ns"] = START_NS + length_ns
    assert senses.next_due() == START_NS + length_ns
    senses.tick(START_NS + length_ns)
    assert [(row[0], row[6]) for row in senses.attentions()] == [(layout.ATTEND_BAR, length_ns)]
    assert int(making.symbol(senses)[f"last_{field}"]["start_ns"]) == START_NS
    senses.tick(START_NS + 2 * length_ns)
    assert senses.attentions() == [], "an interval without activity has no bar"
    assert senses.next_due() == START_NS + 3 * length_ns
    header[f"next_{field}_ns"] = NEVER_NS
