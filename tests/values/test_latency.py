"""Latencies are functions of (seed, stream, place): in any order, in any portion, the same numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.values.latency import FEED_STREAM, ORDER_STREAM, RESPONSE_STREAM, BadLatencyError, Latency
from tidegate.values.time import DAY_NS, BadDurationError

pytestmark = pytest.mark.req("C1.3")

DRAWN = Latency(median_ns=500_000, sigma=0.3)


@pytest.mark.parametrize(
    ("text", "latency"),
    [
        ("0", Latency()),
        ("0.5ms", Latency(median_ns=500_000)),
        ("lognormal:0.5ms,0.3", DRAWN),
        ("lognormal:2us,1", Latency(median_ns=2_000, sigma=1.0)),
    ],
)
def test_latencies_are_read(text: str, latency: Latency) -> None:
    assert Latency.parse(text) == latency


@pytest.mark.parametrize("text", ["normal:0.5ms,0.3", "lognormal:0.5ms", "lognormal:0.5ms,", "lognormal:0.5ms,-1"])
def test_an_unknown_form_is_refused(text: str) -> None:
    with pytest.raises(BadLatencyError, match=r"write 0\.5ms or lognormal"):
        Latency.parse(text)


def test_a_wrong_duration_in_it_is_refused() -> None:
    for text in ("5", "lognormal:5,0.3"):
        with pytest.raises(BadDurationError):
            Latency.parse(text)


@pytest.mark.parametrize(
    "text", ["2d", "99999999999d", "9" * 5_000 + "s", "lognormal:2d,0.3", "lognormal:1ms,11", "lognormal:1ms,\u00b2", "0.\u00b2s"]
)
def test_what_no_number_can_hold_is_refused_not_met_later(text: str) -> None:
    with pytest.raises((BadLatencyError, BadDurationError)):
        Latency.parse(text)


def test_no_draw_is_longer_than_a_day_or_before_its_cause() -> None:
    drawn = Latency(median_ns=DAY_NS, sigma=10.0).draws(seed=1, stream=ORDER_STREAM, first=0, count=1_000)
    assert 0 <= drawn.min() < drawn.max() == DAY_NS


@given(st.integers(0, 2**64), st.integers(0, 10**6), st.integers(1, 300))
def test_a_draw_alone_is_the_draw_in_company(seed: int, first: int, count: int) -> None:
    together = DRAWN.draws(seed=seed, stream=ORDER_STREAM, first=first, count=count).tolist()
    alone = DRAWN.draw(seed=seed, stream=ORDER_STREAM, index=first + count - 1)
    assert together[-1] == alone
    assert min(together) >= 0


def test_seeds_streams_and_places_give_draws_of_their_own() -> None:
    streams = (FEED_STREAM, FEED_STREAM + 1, ORDER_STREAM, RESPONSE_STREAM)
    drawn = {DRAWN.draw(seed=seed, stream=stream, index=index) for seed in range(5) for stream in streams for index in range(20)}
    assert len(drawn) == 5 * len(streams) * 20


def test_draws_have_the_median_and_the_spread_they_are_asked_for() -> None:
    logs = np.log(DRAWN.draws(seed=1, stream=ORDER_STREAM, first=0, count=20_000))
    assert np.exp(np.median(logs)) == pytest.approx(500_000, rel=0.01)
    assert np.std(logs) == pytest.approx(0.3, rel=0.02)


def test_a_constant_latency_draws_nothing() -> None:
    constant = Latency(median_ns=7)
    assert constant.draws(seed=1, stream=0, first=5, count=3).tolist() == [7, 7, 7]
    assert constant.draw(seed=1, stream=0, index=9) == 7
