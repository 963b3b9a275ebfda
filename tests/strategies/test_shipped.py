import functools
from collections.abc import Callable

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.config.finding import SHIPPED
from tidegate.config.loading import load_strategy
from tidegate.config.rehearsal import Rows
from tidegate.config.trying import entry_attention, quiet_rows, quiet_view
from tidegate.engine.layout import SYMBOL
from tidegate.kernel.address import compile_trigger
from tidegate.kernel.compile import Compiler
from tidegate.kernel.layout import row
from tidegate.kernel.rows import load_row
from tidegate.regime.rows import REGIME
from tidegate.strategies.plan import Plan, SizingMethod
from tidegate.strategies.rows import BUY, EXIT, NONE, OWN, SELL
from tidegate.strategies.strategy import Attention, Intent, Nothing, Strategy
from tidegate.values.enums import AttentionKind, Side
from tidegate.values.time import SECOND_NS

pytestmark = pytest.mark.req("A2.2")


@functools.cache
def shipped(name: str) -> Strategy:
    return load_strategy(name, {})


def said(strategy: Strategy, rows: Rows) -> int:
    assert strategy.trigger is not None
    return strategy.trigger(*rows)


@pytest.mark.req("A2.1")
@pytest.mark.parametrize("name", SHIPPED)
def test_every_rule_of_a_strategy_is_declared(name: str) -> None:
    plan = shipped(name).plan
    assert isinstance(plan, Plan)
    assert plan.signal
    assert plan.entry.slippage.value > 0
    assert all(rule is not None and rule.value > 0 for rule in (plan.exits.stop, plan.exits.take, plan.exits.trail))
    assert plan.exits.time_stop_ns > 0
    assert plan.exits.spread_kill_bps > 0
    assert plan.sizing.method is SizingMethod.RISK
    assert plan.sizing.risk_bps > 0
    assert plan.reentry.loss_cooldown_ns > plan.reentry.cooldown_ns > 0
    assert plan.do_nothing


@pytest.mark.req("A2.1")
@pytest.mark.parametrize("name", SHIPPED)
def test_the_rules_follow_from_the_parameters(name: str) -> None:
    given_params = {"stop_atr": 7.0, "hold_s": 5.0, "spread_kill_bps": 3.0, "risk_bps": 1.0, "pause_s": 2.0, "slippage_bps": 4.0}
    plan = load_strategy(name, given_params).plan
    assert plan.exits.stop.value == 7.0
    assert plan.exits.time_stop_ns == 5 * SECOND_NS
    assert plan.exits.spread_kill_bps == 3.0
    assert plan.sizing.risk_bps == 1.0
    assert plan.reentry.cooldown_ns == 2 * SECOND_NS
    assert plan.entry.slippage.value == 4.0


@pytest.mark.parametrize("name", SHIPPED)
def test_nothing_is_said_in_a_quiet_market_or_before_the_first_quote(name: str) -> None:
    rows = quiet_rows(shipped(name))
    assert said(shipped(name), rows) == NONE
    rows = quiet_rows(shipped(name))
    rows.symbol.quote_ns = 0
    assert said(shipped(name), rows) == NONE


@pytest.mark.parametrize("name", SHIPPED)
def test_nothing_is_entered_before_features_are_warm(name: str) -> None:
    rows = quiet_rows(shipped(name))
    rows.symbol.valid = 0
    rows.symbol.ema_fast = 60.0
    rows.symbol.range_high = 40.0
    rows.symbol.volume_anomaly = 5.0
    assert said(shipped(name), rows) == NONE


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("side", Side)
def test_an_intent_says_its_numbers(name: str, side: Side) -> None:
    strategy = shipped(name)
    state, answer = strategy.decide(quiet_view(strategy), strategy.state, entry_attention(side))
    assert state == strategy.state
    assert isinstance(answer, Intent)
    assert answer.side is side
    assert any(letter.isdigit() for letter in answer.reason)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_stop_within_the_spread_is_no_trade(name: str) -> None:
    strategy = shipped(name)
    view = quiet_view(strategy)
    view = msgspec.structs.replace(view, features=msgspec.structs.replace(view.features, atr=0.01))
    _, answer = strategy.decide(view, strategy.state, entry_attention(Side.BUY))
    assert isinstance(answer, Nothing)
    assert "0.0100" in answer.reason


@pytest.mark.parametrize("name", SHIPPED)
def test_only_the_triggers_entries_are_followed(name: str) -> None:
    strategy = shipped(name)
    _, answer = strategy.decide(quiet_view(strategy), strategy.state, Attention(kind=AttentionKind.TIMER, side=None))
    assert isinstance(answer, Nothing)


def walked(strategy: Strategy, mids: list[float]) -> tuple[Rows, int]:
    """Run a trigger over mids two seconds apart; the last answer counts."""
    rows = quiet_rows(strategy)
    answer = NONE
    for mid in mids:
        rows.symbol.seen_ns = int(rows.symbol.seen_ns) + 2 * SECOND_NS
        rows.symbol.mid, rows.symbol.bid, rows.symbol.ask = mid, mid - 0.01, mid + 0.01
        answer = said(strategy, rows)
    return rows, answer


SWINGING = [50.0 + 0.02 * (step % 3 - 1) for step in range(300)]


@pytest.mark.parametrize(("mid", "answer"), [(49.7, BUY), (50.3, SELL), (50.0, NONE)])
def test_mean_reversion_buys_far_below_its_mean_and_sells_far_above(mid: float, answer: int) -> None:
    rows, last = walked(shipped("mean_reversion"), [*SWINGING, mid])
    assert last == answer
    assert rows.own.scratch[0] == pytest.approx(50.0, abs=0.02)


def test_mean_reversion_waits_until_its_mean_is_old_enough() -> None:
    assert walked(shipped("mean_reversion"), [*SWINGING[:60], 49.7])[1] == NONE


def test_mean_reversion_asks_for_a_way_back_that_pays() -> None:
    strategy = shipped("mean_reversion")
    rows, _ = walked(strategy, SWINGING)
    rows.symbol.mid, rows.symbol.bid, rows.symbol.ask = 49.7, 49.5, 49.9
    assert said(strategy, rows) == NONE


def test_mean_reversion_starts_again_after_a_gap() -> None:
    strategy = shipped("mean_reversion")
    rows, _ = walked(strategy, SWINGING)
    rows.symbol.warm_seconds = 0
    rows.symbol.mid = 40.0
    assert said(strategy, rows) == NONE
    assert rows.own.scratch[0] == 40.0


@pytest.mark.parametrize(
    ("position", "mid", "answer"), [(100.0, 50.0, EXIT), (100.0, 49.7, NONE), (-100.0, 50.0, EXIT), (-100.0, 50.3, NONE)]
)
def test_mean_reversion_leaves_when_the_price_is_back(position: float, mid: float, answer: int) -> None:
    strategy = shipped("mean_reversion")
    rows, _ = walked(strategy, SWINGING)
    rows.own.position = position
    rows.symbol.mid = mid
    assert said(strategy, rows) == answer


@pytest.mark.parametrize(
    ("lead", "mid", "direction", "breadth", "answer"),
    [
        (0.03, 50.1, 1.0, 0.0, BUY),
        (-0.03, 49.9, -1.0, 0.0, SELL),
        (0.03, 49.9, 1.0, 0.0, NONE),
        (0.03, 50.1, -1.0, 0.0, NONE),
        (0.03, 50.1, 1.0, -0.5, NONE),
        (-0.03, 49.9, -1.0, 0.5, NONE),
        (0.02, 50.1, 1.0, 0.0, NONE),
    ],
)
def test_trend_following_goes_where_everything_points(lead: float, mid: float, direction: float, breadth: float, answer: int) -> None:
    rows = quiet_rows(shipped("trend_following"))
    rows.symbol.ema_slow = 50.0 - lead
    rows.symbol.mid, rows.symbol.trend_direction, rows.regime.breadth = mid, direction, breadth
    assert said(shipped("trend_following"), rows) == answer


@pytest.mark.parametrize(
    ("position", "lead", "answer"), [(100.0, -0.01, EXIT), (100.0, 0.01, NONE), (-100.0, 0.01, EXIT), (-100.0, -0.01, NONE)]
)
def test_trend_following_leaves_when_the_averages_cross(position: float, lead: float, answer: int) -> None:
    rows = quiet_rows(shipped("trend_following"))
    rows.own.position = position
    rows.symbol.ema_slow = 50.0 - lead
    assert said(shipped("trend_following"), rows) == answer


@pytest.mark.parametrize(
    ("mid", "volume", "low", "answer"),
    [
        (50.21, 2.0, 49.8, BUY),
        (49.79, 2.0, 49.8, SELL),
        (50.21, 1.0, 49.8, NONE),
        (50.204, 2.0, 49.8, NONE),
        (50.21, 2.0, 50.15, NONE),
    ],
)
def test_breakout_goes_with_a_price_that_leaves_its_range_on_volume(mid: float, volume: float, low: float, answer: int) -> None:
    rows = quiet_rows(shipped("breakout"))
    rows.symbol.mid, rows.symbol.volume_anomaly, rows.symbol.range_low = mid, volume, low
    assert said(shipped("breakout"), rows) == answer
    assert rows.own.scratch[0] == {BUY: 50.2, SELL: 49.8, NONE: 0.0}[answer]


@pytest.mark.parametrize(
    ("position", "mid", "answer"), [(100.0, 50.14, EXIT), (100.0, 50.16, NONE), (-100.0, 50.26, EXIT), (-100.0, 50.24, NONE)]
)
def test_breakout_leaves_when_the_price_is_back_inside(position: float, mid: float, answer: int) -> None:
    rows = quiet_rows(shipped("breakout"))
    rows.own.position, rows.own.scratch[0], rows.symbol.mid = position, 50.2, mid
    assert said(shipped("breakout"), rows) == answer


@pytest.mark.parametrize("name", SHIPPED)
def test_without_shorts_nothing_is_sold_that_is_not_held(name: str) -> None:
    strategy = load_strategy(name, {"short": "false"})
    rows, answer = walked(strategy, [*SWINGING, 50.3])
    assert answer == NONE
    rows.symbol.ema_slow, rows.symbol.mid, rows.symbol.trend_direction, rows.symbol.volume_anomaly = 51.0, 49.5, -1.0, 3.0
    rows.own.scratch[0] = 49.0
    assert said(strategy, rows) in {NONE, BUY}


def params_row(strategy: Strategy) -> np.dtype[np.void]:
    return row([(field.name, "<f8" if field.type is float else "<i8") for field in msgspec.structs.fields(strategy.params)])


@functools.cache
def compiled(name: str) -> Callable[..., int]:
    plain = shipped(name).trigger
    assert plain is not None
    trigger, _ = compile_trigger(Compiler(""), plain, (SYMBOL, REGIME, OWN, params_row(shipped(name))), keep=False)
    return trigger


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False)


MOMENTS = st.lists(
    st.tuples(numbers(40.0, 60.0), numbers(0.0, 0.5), st.integers(0, 10**12), numbers(-200.0, 200.0), st.booleans(), numbers(0.0, 3.0)),
    min_size=1,
    max_size=12,
)


@settings(max_examples=50)
@pytest.mark.parametrize("name", SHIPPED)
@given(moments=MOMENTS)
def test_compiled_and_plain_triggers_agree_to_the_bit(name: str, moments: list[tuple[float, float, int, float, bool, float]]) -> None:
    strategy = shipped(name)
    arrays = [np.zeros(1, dtype) for dtype in (SYMBOL, REGIME, OWN, params_row(strategy))]
    symbol, regime, own, params = arrays
    params[0] = tuple(msgspec.structs.asdict(strategy.params).values())
    now_ns = 1_400_000_000 * SECOND_NS
    for mid, half_spread, passed_ns, position, valid, volume in moments:
        now_ns += passed_ns
        values = {
            "mid": mid,
            "bid": mid - half_spread,
            "ask": mid + half_spread,
            "quote_ns": now_ns,
            "seen_ns": now_ns,
            "valid": int(valid),
            "warm_seconds": int(valid),
            "ema_fast": mid - position / 1_000,
            "ema_slow": 50.0,
            "atr": half_spread,
            "range_high": 50.5,
            "range_low": 49.5,
            "volume_anomaly": volume,
            "trend_direction": float(np.sign(position)),
        }
        for field, value in values.items():
            symbol[field] = value
        regime["breadth"] = volume - 1.5
        own["position"] = position if abs(position) > 100.0 else 0.0
        plain = Rows(*(load_row(array.dtype, array[0].tolist(), strict=True) for array in arrays))
        assert compiled(name)(symbol[0], regime[0], own[0], params[0]) == said(strategy, plain)
        assert own["scratch"][0].tolist() == plain.own.scratch
