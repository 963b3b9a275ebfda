"""Each data-quality flag has its case: raised, on the row, and gone again with the next clean quote."""

from typing import Any

import pytest

from tests.senses import making
from tests.senses.making import SETTINGS, quote, status, trade
from tidegate.events import records
from tidegate.kernel.mode import Mode
from tidegate.market import rows

pytestmark = pytest.mark.req("A1.4")

NO_FLAGS = ("NOT_ACCEPTED", "PRINT_")
CLEAN = (quote(0, 100.0, 100.01), quote(1, 100.0, 100.02))
MS = 1_000_000


def after(*parts: Any, **settings: float) -> Any:
    senses = making.host(Mode.STRICT, settings=settings)
    making.play(senses, [*CLEAN, *parts])
    return making.symbol(senses)


@pytest.mark.parametrize(
    ("bad", "flag", "accepted"),
    [
        (quote(2, 100.02, 100.01), rows.CROSSED, False),
        (quote(2, 100.01, 100.01), rows.LOCKED, True),
        (quote(2, 0.0, 100.01), rows.ONE_SIDED, False),
        (quote(2, 100.0, 0.0), rows.ONE_SIDED, False),
        (quote(2, 0.0, 0.0), rows.ONE_SIDED, False),
        (quote(2, -1.0, 100.01), rows.ONE_SIDED, False),
        (quote(2, 100.0, 100.01, size=0), rows.ONE_SIDED, False),
        (quote(2, 100.0, 100.51), rows.WIDE, True),
        (quote(2, 101.02, 101.03), rows.SPIKE, False),
        (quote(2, 98.98, 98.99), rows.SPIKE, False),
        (quote(2, 100.0, 100.01, event_ns=making.START_NS + 3_000 * MS + 1), rows.FUTURE, False),
        (quote(2, 100.0, 100.01, flags=records.SUSPICIOUS), rows.SUSPICIOUS, False),
        (quote(2, 100.0, 100.01, flags=records.SLOW_QUOTE), rows.SLOW_QUOTE, True),
        (quote(101.1, 100.0, 100.01), rows.GAP, True),
    ],
)
def test_a_bad_quote_is_flagged_until_a_clean_one_comes(bad: Any, flag: int, *, accepted: bool) -> None:
    seen = after(bad)
    assert int(seen["quality"]) == flag
    assert int(seen["rejected"]) == int(not accepted)
    assert (int(seen["quote_ns"]) == int(bad["ts_recv"][0])) == accepted
    assert int(after(bad, quote(101.2 if flag == rows.GAP else 3, 100.0, 100.01))["quality"]) == 0


@pytest.mark.parametrize(
    "edge",
    [
        quote(2, 100.0, 100.5),  # 49.9 bps
        quote(2, 101.0, 101.01),  # 99.5 bps off
        quote(2, 100.0, 100.01, event_ns=making.START_NS + 3_000 * MS),
        quote(101, 100.0, 100.01),
    ],
)
def test_a_quote_at_the_edge_of_a_threshold_is_clean(edge: Any) -> None:
    assert int(after(edge)["quality"]) == 0


def test_a_suspicious_quote_is_not_believed_even_when_the_venue_also_calls_it_slow() -> None:
    both = records.SUSPICIOUS | records.SLOW_QUOTE
    assert int(after(quote(2, 100.0, 100.01, flags=both))["quality"]) == rows.SUSPICIOUS


def test_several_spikes_in_a_row_are_a_new_level_and_count_as_a_gap() -> None:
    spikes = [quote(2 + n / 10, 110.0, 110.01) for n in range(3)]
    assert int(after(*spikes[:2])["quality"]) == rows.SPIKE
    seen = after(*spikes)
    assert int(seen["quality"]) == rows.GAP
    assert (float(seen["bid"]), int(seen["gaps"]), int(seen["rejected"]), int(seen["spikes"])) == (110.0, 1, 2, 0)


def test_a_clean_quote_between_spikes_starts_their_count_again() -> None:
    spike, clean = quote(2, 110.0, 110.01), quote(2, 100.0, 100.01)
    seen = after(spike, spike, clean, spike, spike)
    assert (int(seen["quality"]), int(seen["gaps"]), int(seen["rejected"])) == (rows.SPIKE, 0, 4)


def test_a_far_price_after_a_silence_is_a_gap_at_once() -> None:
    seen = after(quote(200, 130.0, 130.01))
    assert (int(seen["quality"]), int(seen["rejected"])) == (rows.GAP, 0)


def test_the_first_quote_has_nothing_to_jump_from() -> None:
    senses = making.host(Mode.STRICT)
    making.play(senses, [quote(500, 3.0, 3.01)])
    assert int(making.symbol(senses)["quality"]) == 0


@pytest.mark.req("B4.3")
@pytest.mark.parametrize(
    ("down", "up", "flag"),
    [
        (records.STATUS_HALT, records.STATUS_RESUME, rows.HALTED),
        (records.STATUS_FEED_DOWN, records.STATUS_FEED_UP, rows.FEED_DOWN),
    ],
)
def test_a_halt_and_a_feed_outage_outlast_clean_quotes(down: int, up: int, flag: int) -> None:
    assert int(after(status(2, down), quote(3, 100.0, 100.01))["quality"]) == flag
    assert int(after(status(2, down), quote(3, 100.0, 100.51))["quality"]) == flag | rows.WIDE
    assert int(after(status(2, down), quote(3, 100.0, 100.01), status(4, up))["quality"]) == 0


def test_flags_add_up() -> None:
    assert int(after(quote(2, 100.0, 90.0, flags=records.SUSPICIOUS))["quality"]) == rows.CROSSED | rows.SUSPICIOUS


def test_each_flag_has_words_and_a_bit_of_its_own() -> None:
    flags = [value for name, value in vars(rows).items() if isinstance(value, int) and name.isupper() and not name.startswith(NO_FLAGS)]
    assert sorted(flags) == sorted(rows.QUALITY_NAMES) == [1 << bit for bit in range(len(flags))]


@pytest.mark.parametrize(
    ("flags", "price", "size", "counts"),
    [
        (records.REGULAR, 100.0, 5.0, True),
        (records.REGULAR | records.OFF_EXCHANGE, 100.0, 5.0, True),
        (0, 100.0, 5.0, False),
        (records.REGULAR | records.SUSPICIOUS, 100.0, 5.0, False),
        (records.REGULAR | records.CORRECTION, 100.0, 5.0, False),
        (records.REGULAR, 0.0, 5.0, False),
        (records.REGULAR, 100.0, 0.0, False),
    ],
)
def test_only_regular_prints_that_nobody_doubts_count(flags: int, price: float, size: float, *, counts: bool) -> None:
    seen = after(trade(1.5, price, size, flags=flags))
    assert (float(seen["vwap_volume"]), float(seen["second"]["volume"])) == ((5.0, 5.0) if counts else (0.0, 0.0))
    assert int(seen["trades"]) == 1


def test_a_session_opens_with_no_quote_and_therefore_no_entries() -> None:
    """`write_spec` sets the flag; here the kernel lets it go with the first quote."""
    senses = making.host(Mode.STRICT, settings=SETTINGS)
    making.symbol(senses)["quality"] = rows.NO_QUOTE
    making.play(senses, [trade(0, 100.0), status(0, records.STATUS_HALT)])
    assert int(making.symbol(senses)["quality"]) == rows.NO_QUOTE | rows.HALTED
    making.play(senses, [status(1, records.STATUS_RESUME), quote(2, 100.0, 100.01)])
    assert int(making.symbol(senses)["quality"]) == 0


def spikes_of(*parts: Any) -> tuple[float, int, bool]:
    """The last print that counted, how many prints counted, and whether the flag stands."""
    seen = after(*parts)
    return float(seen["last_trade"]), round(float(seen["vwap_volume"])), bool(seen["quality"] & rows.SPIKE)


def test_a_print_too_far_from_the_mid_is_a_spike_until_the_next_quote() -> None:
    assert spikes_of(trade(1.1, 100.5), trade(1.2, 101.1)) == (100.5, 1, True)
    assert spikes_of(trade(1.1, 100.5), trade(1.2, 101.1), trade(1.3, 100.2)) == (100.2, 2, True)
    assert spikes_of(trade(1.1, 100.5), trade(1.2, 98.9), quote(2, 100.0, 100.01)) == (100.5, 1, False)
    assert spikes_of(trade(1.1, 101.01)) == (101.01, 1, False), "a percent is not further than a percent"


def test_so_many_prints_in_a_row_are_a_new_price_until_they_are_back() -> None:
    far = [trade(1.1 + n / 10, 102.0 + n / 100) for n in range(4)]
    assert spikes_of(*far[:2]) == (0.0, 0, True)
    assert spikes_of(*far) == (102.03, 2, True), "the mid has not followed: only a quote can say that all is well"
    assert spikes_of(*far, trade(1.6, 100.0), trade(1.7, 102.0)) == (100.0, 3, True)
    assert spikes_of(far[0], trade(1.2, 100.0), far[2], trade(1.4, 100.0)) == (100.0, 2, True)


def test_a_print_is_not_measured_by_a_mid_older_than_a_gap() -> None:
    assert spikes_of(trade(101, 102.0)) == (0.0, 0, True)
    assert spikes_of(trade(101.1, 102.0)) == (102.0, 1, False)


def index_after(*parts: Any) -> Any:
    senses = making.host(Mode.STRICT)
    making.symbol(senses)["bars_from_trades"] = 1
    making.play(senses, parts)
    return making.symbol(senses)


def test_where_bars_are_made_of_prints_a_print_is_measured_by_the_one_before() -> None:
    first = [trade(0, 100.0), trade(1, 100.5)]
    seen = index_after(*first, trade(1.5, 102.0))
    assert (float(seen["last_trade"]), int(seen["quality"]), float(seen["second"]["high"])) == (100.5, rows.SPIKE, 100.5)
    assert int(index_after(*first, trade(1.5, 102.0), trade(1.6, 100.6))["quality"]) == 0
    level = [trade(1.5 + n / 10, 102.0) for n in range(3)]
    moved = index_after(*first, *level, trade(1.9, 102.1), trade(1.95, 100.0))
    assert (float(moved["last_trade"]), int(moved["gaps"]), int(moved["quality"])) == (102.1, 1, rows.SPIKE)
    assert (float(moved["second"]["open"]), float(moved["second"]["high"])) == (102.0, 102.1)


def test_before_any_quote_a_print_is_measured_by_the_one_before() -> None:
    senses = making.host(Mode.STRICT)
    making.play(senses, [trade(0, 100.0), trade(1, 102.0)])
    assert (float(making.symbol(senses)["last_trade"]), int(making.symbol(senses)["quality"])) == (100.0, rows.SPIKE)
    making.play(senses, [trade(2, 100.1)])
    assert int(making.symbol(senses)["quality"]) == 0
