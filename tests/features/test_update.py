"""Features by hand, against published averages, and their warm-up."""

import csv
import math
from pathlib import Path
from typing import Any

import pytest

from tests.senses import making
from tests.senses.making import SETTINGS, quote, trade
from tidegate.features.update import on_minute, weight
from tidegate.kernel.mode import Mode
from tidegate.values.time import SECOND_NS

pytestmark = pytest.mark.req("A1.1")


def mid(at_s: float, price: float, half: float = 0.01) -> Any:
    return quote(at_s, price - half, price + half)


def after(*parts: Any, **settings: float) -> Any:
    senses = making.host(Mode.STRICT, settings={"spike_bps": 1e5, "gap_ns": 600 * SECOND_NS, **settings})
    making.play(senses, parts)
    return making.symbol(senses)


def seconds(*closes: float) -> list[Any]:
    """One quote a second, and one more so that the last bar is closed."""
    return [mid(n, close) for n, close in enumerate([*closes, closes[-1]])]


def close_to(value: float) -> Any:
    return pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize(("settled", "samples", "share"), [(0.1, 1, 1.0), (0.1, 4, 0.25), (0.1, 10, 0.1), (0.1, 99, 0.1)])
def test_the_first_samples_weigh_as_in_a_plain_mean(settled: float, samples: int, share: float) -> None:
    assert weight(settled, samples) == close_to(share)


def test_averages_of_second_closes() -> None:
    seen = after(*seconds(10.0, 10.3, 10.6, 10.0), ema_fast_weight=0.5, ema_slow_weight=0.01)
    assert float(seen["ema_fast"]) == close_to(((10.0 + 10.3) / 2 + 10.6) / 4 + 10.0 / 2)
    assert float(seen["ema_slow"]) == close_to((10.0 + 10.3 + 10.6 + 10.0) / 4)


def test_volatility_is_per_square_root_of_a_second_over_quiet_ones_too() -> None:
    moves = [mid(0, 10.0), mid(1, 10.1), mid(5, 10.0), mid(6, 10.0)]
    one, two = math.log(10.1 / 10.0) ** 2, math.log(10.0 / 10.1) ** 2 / 4
    assert float(after(*moves, variance_long_weight=0.01)["volatility_long"]) == close_to(math.sqrt((one + two) / 2))
    seen = after(*moves, variance_short_weight=0.75)
    assert float(seen["volatility_short"]) == close_to(math.sqrt(0.25 * one + 0.75 * two))


def test_a_wild_first_second_does_not_decide_what_is_usual() -> None:
    """The long half-life is several warm-ups: were the first return its start, it would be most of the answer."""
    closes = [10.0, 10.5, *[10.0 + 0.01 * (n % 2) for n in range(300)]]
    seen = after(*seconds(*closes), variance_long_weight=0.00077, variance_short_weight=0.0228)
    first, usual = math.log(1.05), math.log(10.01 / 10.0)
    assert float(seen["volatility_long"]) < 0.1 * first
    assert float(seen["volatility_short"]) == pytest.approx(usual, rel=0.2)


@pytest.mark.parametrize(
    ("closes", "strength", "direction"),
    [
        ((10.0, 10.1, 10.2, 10.3), 1.0, 1.0),
        ((10.0, 9.9, 9.8, 9.7), 1.0, -1.0),
        ((10.0, 10.0, 10.0), 0.0, 0.0),
        ((10.0, 10.1, 10.0), 0.0, 0.0),
    ],
)
def test_trend_strength_is_net_movement_over_all_movement(closes: tuple[float, ...], strength: float, direction: float) -> None:
    seen = after(*seconds(*closes), trend_weight=0.01)
    assert float(seen["trend_strength"]) == pytest.approx(strength, abs=1e-12)
    if strength:
        assert float(seen["trend_direction"]) == direction


def test_wilders_average_true_range_starts_with_the_plain_mean() -> None:
    """Minutes of highs, lows and closes; n = 3, so the fourth is (2 x mean + its true range) / 3."""
    minutes = [(10.2, 10.0, 10.1), (10.6, 10.3, 10.5), (10.5, 10.1, 10.2), (10.1, 9.7, 9.8)]
    ranges = [0.2, 10.6 - 10.1, 10.5 - 10.1, 10.2 - 9.7]
    parts = []
    for place, (high, low, close) in enumerate(minutes):
        parts += [mid(60 * place + 1, high), mid(60 * place + 2, low), mid(60 * place + 3, close)]
    mean = sum(ranges[:3]) / 3
    assert float(after(*parts[:9], mid(180, 10.2), atr_weight=1 / 3)["atr"]) == close_to(mean)
    seen = after(*parts, mid(240, 9.8), atr_weight=1 / 3)
    assert float(seen["atr"]) == close_to((2 * mean + ranges[3]) / 3)


def test_the_range_is_of_the_last_closed_minutes_alone() -> None:
    highs = [10.9, 10.2, 10.3, 10.1, 10.25]
    parts = [one for place, high in enumerate(highs) for one in (mid(60 * place, high), mid(60 * place + 1, high - 0.05))]
    seen = after(*parts, mid(300, 12.0), range_minutes=3)
    assert (float(seen["range_high"]), float(seen["range_low"])) == (close_to(10.3), close_to(10.05))


def test_vwap_is_of_all_regular_trades_and_outlives_a_gap() -> None:
    seen = after(mid(0, 10.0), trade(0.1, 10.0, 300), trade(0.2, 11.0, 100), mid(900, 10.0))
    assert int(seen["gaps"]) == 1
    assert float(seen["vwap"]) == close_to(10.25)


def test_volume_anomaly_is_recent_over_usual_volume() -> None:
    parts = [one for n in range(6) for one in (mid(n, 10.0), trade(n + 0.5, 10.0, 100 if n < 5 else 600))]
    seen = after(*parts, mid(6, 10.0), volume_short_weight=0.5, volume_long_weight=0.01)
    assert float(seen["volume_anomaly"]) == close_to((0.5 * 100 + 0.5 * 600) / ((5 * 100 + 600) / 6))


def test_without_any_trade_volume_is_normal() -> None:
    assert float(after(*seconds(10.0, 10.0, 10.0))["volume_anomaly"]) == 1.0


def test_spread_anomaly_is_in_usual_deviations() -> None:
    halves = [0.01, 0.02, 0.01, 0.04]
    bps = [20_000 * half / 10.0 for half in halves]
    mean3 = sum(bps[:3]) / 3
    offs = [0.0, bps[1] - bps[0], bps[2] - (bps[0] + bps[1]) / 2]
    deviation3 = sum(abs(off) for off in offs) / 3
    seen = after(*[mid(n / 10, 10.0, half) for n, half in enumerate(halves)], spread_weight=0.001)
    assert float(seen["spread_anomaly"]) == close_to((bps[3] - mean3) / deviation3)


@pytest.mark.req("A1.4")
def test_features_are_valid_once_seconds_and_minutes_are_warm_and_start_again_after_a_gap() -> None:
    senses = making.host(Mode.STRICT, settings={"warm_seconds_min": 5, "warm_minutes_min": 2})
    valid = []
    for n in range(130):
        making.play(senses, [mid(n, 10.0 + 0.01 * (n % 3))])
        valid.append(int(making.symbol(senses)["valid"]))
    assert valid.index(1) == 120
    making.play(senses, [mid(500, 10.0)])
    seen = making.symbol(senses)
    assert (int(seen["valid"]), int(seen["warm_seconds"]), int(seen["warm_minutes"]), int(seen["gaps"])) == (0, 0, 0, 1)
    making.play(senses, [mid(501 + n, 12.0) for n in range(3)])
    making.play(senses, [mid(504 + n, 12.0) for n in range(3)])
    assert float(making.symbol(senses)["ema_slow"]) == close_to(12.0), "nothing from before the gap is left"


@pytest.mark.req("A1.1")
def test_a_volume_shock_makes_a_symbol_newsy_for_a_while() -> None:
    senses = making.host(Mode.STRICT, settings={"warm_minutes_min": 0, "warm_seconds_min": 2, "shock_volume": 4.0})
    making.play(senses, [one for n in range(30) for one in (mid(n, 10.0), trade(n + 0.5, 10.0, 10))])
    assert int(making.symbol(senses)["shock_until_ns"]) == 0
    making.play(senses, [mid(30, 10.0), trade(30.5, 10.0, 5_000), mid(31, 10.0)])
    until = making.START_NS + 31 * SECOND_NS + int(SETTINGS["shock_ns"])
    assert int(making.symbol(senses)["shock_until_ns"]) == until


def test_the_exponential_average_is_the_published_one(shared_data: Path) -> None:
    """An index's closes with an EMA of 14 computed by others (weight 2/15, started with the plain mean of 14)."""
    with (shared_data / "lean-indicator-reference" / "spy_with_indicators.txt").open() as file:
        rows = list(csv.DictReader(file))
    closes = [float(row["Close"]) for row in rows]
    senses = making.host(Mode.COMPILED, settings={"spike_bps": 1e5, "ema_fast_weight": 2 / 15})
    compared = 0
    for place, close in enumerate(closes):
        making.play(senses, [quote(place, close - 0.01, close + 0.01)])
        row = rows[place - 1] if place else {"EMA14": ""}
        if place > 150 and row["EMA14"]:  # by then the two ways to start agree to a cent in a million dollars
            assert float(making.symbol(senses)["ema_fast"]) == pytest.approx(float(row["EMA14"]), rel=1e-5)
            compared += 1
    assert compared > 300


class Settings:
    atr_weight = 1 / 14
    range_minutes = 15
    warm_seconds_min = 1
    warm_minutes_min = 14


def test_the_range_of_a_minute_that_gapped_counts_from_the_close_before_it() -> None:
    from tidegate.engine.layout import SYMBOL
    from tidegate.kernel.rows import load_row

    symbol = load_row(SYMBOL, tuple(making.host().table("symbols")[0].tolist()), strict=True)
    bar = symbol.last_minute
    bar.open = bar.high = bar.low = bar.close = 10.0
    on_minute(symbol, Settings())
    assert symbol.atr == 0.0
    bar.open = bar.high = bar.low = bar.close = 10.7
    on_minute(symbol, Settings())
    assert symbol.atr == close_to(0.35)
