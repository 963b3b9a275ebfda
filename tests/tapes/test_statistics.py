"""Figures of a tape on data small enough to count by hand."""

import numpy as np
import pytest

from tests.tapes.making import START_NS, quotes, symbols
from tidegate.events import records as layout
from tidegate.tapes.format import Tape
from tidegate.tapes.statistics import statistics
from tidegate.values.time import MILLISECOND_NS, SECOND_NS

pytestmark = pytest.mark.req("C1.1")


def test_figures_are_those_counted_by_hand() -> None:
    records = quotes([0, MILLISECOND_NS, 3 * MILLISECOND_NS, SECOND_NS, 3 * SECOND_NS, 3 * SECOND_NS + 1, 9 * SECOND_NS])
    records["b"][1] += 10_000_000  # a spread of two ticks
    records["b"][2] = records["a"][2]
    records["flags"][2] = layout.LOCKED
    records["kind"][3:5] = layout.TRADE
    records["flags"][3] = layout.REGULAR | layout.OFF_EXCHANGE
    records["b"][3:5] = [100 * 10**9, 300 * 10**9]
    found = statistics(Tape.of(records, symbols=symbols("A")), 0, from_ns=START_NS, until_ns=START_NS + 8 * SECOND_NS)
    assert (found.quotes, found.trades) == (4, 2), "the last quote is outside"
    assert found.quotes_per_second == 0.5
    assert found.busiest_second == 3
    assert found.quiet_seconds_share == 6 / 8
    assert found.gap_ms_median == 2.0
    assert found.price_changes_share == 1.0
    assert found.spread_ticks_median == 1.0
    assert found.spread_ticks_mean == 1.0
    assert found.size_shares_median == 100.0
    assert (found.locked_share, found.crossed_share) == (0.25, 0.0)
    assert found.trade_size_shares_median == 200.0
    assert (found.off_exchange_share, found.irregular_share) == (0.5, 0.5)
    assert found.second_return_correlation is not None


def test_a_price_that_never_moves_has_no_correlation() -> None:
    times = np.arange(0, 400) * SECOND_NS
    tape = Tape.of(quotes(times.tolist()), symbols=symbols("A"))
    found = statistics(tape, 0, from_ns=START_NS, until_ns=START_NS + 400 * SECOND_NS)
    assert found.second_return_correlation is None
    assert found.volatility_bps_per_minute == 0.0


def test_other_symbols_do_not_count() -> None:
    tape = Tape.of(quotes([1, 2, 3], instruments=[0, 1, 1]), symbols=symbols("A", "B"))
    found = [statistics(tape, index, from_ns=START_NS, until_ns=START_NS + SECOND_NS).quotes for index in (0, 1)]
    assert found == [1, 2]
