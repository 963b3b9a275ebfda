"""Curve arithmetic by hand-computed examples, and against slow obvious twins."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.analytics import curves
from tidegate.analytics.downsample import extremes, histogram, milliseconds
from tidegate.values.time import DAY_NS, MINUTE_NS

pytestmark = pytest.mark.req("C2.1")

intervals = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 20)).map(lambda pair: (pair[0], pair[0] + pair[1])),
    max_size=8,
)


def test_the_drawdown_of_a_known_curve_is_its_deepest_fall_from_a_running_peak() -> None:
    found = curves.max_drawdown([100, 120, 90, 110, 130, 70, 125])
    assert found == curves.Drawdown(amount=-60, share=-60 / 130, peak_index=4, trough_index=5)


def test_a_curve_that_never_falls_has_a_drawdown_of_zero_and_no_curve_has_none() -> None:
    assert curves.max_drawdown([1, 2, 2, 3]) == curves.Drawdown(0, 0.0, 0, 0)
    assert curves.max_drawdown([]) is None


def test_a_fall_from_a_peak_that_is_not_positive_has_no_share() -> None:
    found = curves.max_drawdown([0, -5])
    assert found is not None
    assert (found.amount, found.share) == (-5, None)


@given(st.lists(st.integers(-(10**20), 10**20), min_size=1, max_size=40))
def test_the_drawdown_is_the_worst_of_all_pairs_of_a_peak_and_what_follows(values: list[int]) -> None:
    found = curves.max_drawdown(values)
    assert found is not None
    assert found.amount == min(values[j] - values[i] for i in range(len(values)) for j in range(i, len(values)))
    assert values[found.trough_index] - values[found.peak_index] == found.amount


def test_the_sharpe_ratio_of_five_minute_equity_is_annualized_by_its_stated_sampling() -> None:
    step = curves.SHARPE_STEP_NS
    equity = [100.0, 101.0, 100.0, 102.0]
    returns = [1 / 100, -1 / 101, 2 / 100]
    mean = sum(returns) / 3
    spread = sqrt(sum((value - mean) ** 2 for value in returns) / 2)
    found = curves.sharpe([(index * step, int(value * 10**18)) for index, value in enumerate(equity)])
    assert found is not None
    assert found.ratio == pytest.approx(mean / spread * sqrt(252 * 78))
    assert (found.samples, found.sampling) == (3, "5-minute")


def test_within_a_step_the_last_valuation_counts() -> None:
    step = curves.SHARPE_STEP_NS
    sparse = [(0, 100), (step, 103), (2 * step, 101)]
    dense = [(0, 100), (step - MINUTE_NS, 100), (step, 999), (step + MINUTE_NS, 103), (2 * step, 101)]
    assert curves.sharpe(sparse) == curves.sharpe(dense)


def test_a_run_of_twenty_days_is_sampled_by_day() -> None:
    found = curves.sharpe([(day * DAY_NS, 100 + day % 3) for day in range(21)])
    assert found is not None
    assert (found.samples, found.sampling) == (20, "daily")


@pytest.mark.parametrize("equity", [[], [100], [100, 101], [100, 100, 100], [100, 0, 100], [100, -1, 50]])
def test_there_is_no_sharpe_ratio_of_too_few_equal_or_worthless_samples(equity: list[int]) -> None:
    assert curves.sharpe([(index * curves.SHARPE_STEP_NS, value) for index, value in enumerate(equity)]) is None


@given(intervals, intervals)
def test_overlap_and_length_agree_with_counting_single_moments(first: list[tuple[int, int]], second: list[tuple[int, int]]) -> None:
    def moments(spans: list[tuple[int, int]]) -> set[int]:
        return {moment for start, end in spans for moment in range(start, end)}

    assert curves.length_ns(first) == len(moments(first))
    assert curves.overlap_ns(first, second) == len(moments(first) & moments(second))


@given(st.lists(st.integers(0, 200), max_size=20), st.integers(0, 20), st.integers(1, 4))
def test_clusters_are_the_maximal_chains_of_near_moments(moments: list[int], gap: int, size_min: int) -> None:
    chains: list[list[int]] = []
    for moment in sorted(moments):
        if chains and moment - chains[-1][-1] <= gap:
            chains[-1].append(moment)
        else:
            chains.append([moment])
    expected = [len(chain) for chain in chains if len(chain) >= size_min]
    assert curves.clusters(moments, gap_ns=gap, size_min=size_min) == expected


def test_means_and_shares_of_nothing_are_unknown_not_zero() -> None:
    assert curves.mean([]) is None
    assert curves.middle([]) is None
    assert curves.share(0, 0) is None
    assert curves.share(0, 4) == 0.0


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400), st.integers(4, 60))
def test_a_thinned_series_keeps_its_extremes_its_ends_and_its_bound(values: list[float], points_max: int) -> None:
    data = np.array(values)
    times = np.arange(len(data), dtype=np.int64)
    at, kept = extremes(times, data, points_max)
    assert len(kept) <= max(points_max, 2)
    assert (kept.min(), kept.max()) == (data.min(), data.max())
    assert (at[0], at[-1]) == (0, len(data) - 1)
    assert list(at) == sorted(set(at))
    assert all(data[place] == value for place, value in zip(at, kept, strict=True))


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=100))
def test_a_histogram_counts_every_value_once(values: list[float]) -> None:
    found = histogram(values, 10)
    assert found is not None
    centers, counts, width = found
    assert sum(counts) == len(values)
    assert len(centers) == 10
    assert width > 0


def test_plots_get_times_in_milliseconds_and_nothing_has_no_histogram() -> None:
    assert milliseconds(np.array([1_500_000_000_123_456_789], dtype=np.int64)) == [1_500_000_000_123.457]
    assert histogram([], 10) is None
