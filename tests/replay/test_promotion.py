"""What a version showed is measured from its own sessions in a golden log, and agrees with what a report says of them."""

from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.replay.live import loaded_config, plan_of, run_live
from tidegate.analytics.collect import Run
from tidegate.analytics.promotion import Filled, Measuring, drawdown_bps, slippage_bps
from tidegate.analytics.slices import STRATEGY, TOTAL, slices
from tidegate.config.promotion import Measured, StrategyMeasured
from tidegate.engine.toolchain import Toolchain
from tidegate.events.acts import DifferenceFound, GateChanged
from tidegate.events.codec import AnyMessage
from tidegate.events.inputs import GateSet
from tidegate.replay.promotion import measure
from tidegate.replay.reading import read_log
from tidegate.replay.simulated import _Windows
from tidegate.values.enums import Difference, GateScope, GateState, Resolution

pytestmark = pytest.mark.req("D2.2")

OURS, OTHER = "a" * 64, "b" * 64
PAPER = frozenset({"paper"})


@pytest.fixture(scope="module")
def log(compiled: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four sessions of a trader: two of our version in paper, one of it in shadow, one of another version."""
    folder = tmp_path_factory.mktemp("day") / "log"
    loaded = loaded_config()
    for number, (version, mode) in enumerate([(OURS, "paper"), (OTHER, "paper"), (OURS, "shadow"), (OURS, "paper")]):
        run_live(folder, plan_of(loaded, number), compiled, seed=number, version=version, mode=mode)
    return folder


@pytest.fixture(scope="module")
def measured(log: Path) -> Measured:
    return measure([log], OURS, PAPER)


def test_sessions_of_this_version_and_mode_count_and_no_others(log: Path, measured: Measured) -> None:
    assert measured.sessions == ("live0", "live3")
    assert measured.modes == ("paper",)
    assert measure([log], OURS, frozenset({"shadow"})).sessions == ("live2",)
    assert measure([log], "c" * 64, PAPER).sessions == ()
    assert measure([log, log], OURS, PAPER).sessions == ("live0", "live3"), "a log named twice is measured once"


def test_figures_are_those_of_the_report(log: Path, measured: Measured) -> None:
    runs = [read_log(log, back=back) for back in (3, 0)]
    orders: Counter[str] = Counter()
    fills: Counter[str] = Counter()
    decisions: Counter[str] = Counter()
    filled: Counter[str] = Counter()
    for run in runs:
        for part in slices(run):
            if part.by == STRATEGY:
                orders[part.name] += len(part.orders)
                filled[part.name] += len(part.filled_orders)
                fills[part.name] += sum(len(row.fills) for row in part.orders)
                decisions[part.name] += len(part.decisions)
    assert sum(fills.values()) > 0, "a session without fills would show nothing"
    for one in measured.strategies:
        assert (one.orders, one.fills, one.decisions) == (orders[one.strategy_id], fills[one.strategy_id], decisions[one.strategy_id])
        assert one.orders_filled == filled[one.strategy_id]
    assert {one.strategy_id for one in measured.strategies} == {name for name in decisions if name}
    assert measured.drift_findings == 0


def test_the_drawdown_runs_on_from_session_to_session(log: Path, measured: Measured) -> None:
    worth = [value for back in (3, 0) for part in slices(read_log(log, back=back)) if part.by == TOTAL for _, value in part.equity or ()]
    peak, deepest = worth[0], 0.0
    for value in worth:
        peak = max(peak, value)
        deepest = max(deepest, (peak - value) / peak * 10_000)
    assert measured.drawdown_bps is not None
    assert deepest <= measured.drawdown_bps < deepest + 1


def test_a_fall_is_rounded_up_and_nothing_is_not_zero() -> None:
    assert drawdown_bps([]) is None
    assert drawdown_bps([-5, -6]) is None
    assert drawdown_bps([100_000, 100_001]) == 0
    assert drawdown_bps([100_000, 99_999]) == 1
    assert drawdown_bps([100_000, 99_000, 200_000]) == 100
    assert drawdown_bps([1_000, 500, 100_000, 90_000]) == 5_000, "half of little, not a tenth of much"
    assert drawdown_bps([-5, 100, 90]) == 1_000


def test_a_log_that_the_simulator_filled_has_no_slippage_against_it(measured: Measured) -> None:
    """Latencies, partial fills, chases and cancels are drawn and matched again, from the records in the log alone."""
    traded = [one for one in measured.strategies if one.fills]
    assert traded
    for one in traded:
        assert (one.orders_compared, one.slippage_bps) == (one.orders_filled, "0.00")


def filled_as(run: Run, *, better_nanos: int, every: int = 1) -> dict[str, Filled]:
    """Return what a simulator would fill that is so much better at each price, of every so-many-th order half the quantity."""
    found = {}
    for row in [row for row in run.order_rows if row.fills][::every]:
        half = row.filled_nanos // 2
        price = row.fills[0].price_nanos - row.command.side.sign * better_nanos
        found[row.client_order_id] = Filled(half, half * price)
    return found


def slipped(log: Path, **how: int) -> dict[str, StrategyMeasured]:
    run = read_log(log)
    assert run.opening is not None
    measuring = Measuring(OURS)
    measuring.session(run.opening, run.entries, lambda run: filled_as(run, **how))
    return {one.strategy_id: one for one in measuring.measured().strategies}


def test_slippage_is_what_was_paid_beyond_the_simulator_weighed_by_what_both_filled(log: Path) -> None:
    """By hand, in floats."""
    found = slipped(log, better_nanos=10_000_000)
    rows = [row for row in read_log(log).order_rows if row.fills]
    for name in {row.command.strategy_id for row in rows}:
        cost = base = 0.0
        for row in [row for row in rows if row.command.strategy_id == name]:
            sign, half = row.command.side.sign, row.filled_nanos // 2
            theirs = row.fills[0].price_nanos - sign * 10_000_000
            cost += sign * ((row.average_price_nanos or 0.0) - theirs) * half
            base += theirs * half
        assert float(found[name].slippage_bps) == pytest.approx(cost / base * 10_000, abs=0.011)
        assert float(found[name].slippage_bps) > 0


def test_slippage_is_not_known_where_the_simulator_fills_fewer_than_half(log: Path) -> None:
    every = {name: one for name, one in slipped(log, better_nanos=0, every=4).items() if one.fills}
    assert any(2 * one.orders_compared < one.orders_filled for one in every.values())
    for one in every.values():
        assert (one.slippage_bps == "") is (2 * one.orders_compared < one.orders_filled or not one.orders_compared)


@given(cost=st.integers(-(10**30), 10**30), base=st.integers(1, 10**30))
def test_slippage_is_exact_and_rounded_against_us(cost: int, base: int) -> None:
    hundredths = round(float(slippage_bps(Fraction(cost), Fraction(base))) * 100) if abs(cost) < base else None
    if hundredths is not None:
        assert (hundredths - 1) * base < cost * 1_000_000 <= hundredths * base
    assert slippage_bps(Fraction(cost), Fraction(0)) == ""


spans = st.lists(st.tuples(st.integers(0, 100), st.integers(0, 30)).map(lambda pair: (pair[0], sum(pair))), min_size=1, max_size=8)


@given(spans=spans)
def test_the_market_is_read_around_orders_and_nowhere_else(spans: list[tuple[int, int]]) -> None:
    times = np.arange(-5, 140)
    slow = [any(first <= time <= last for first, last in spans) for time in times.tolist()]
    assert _Windows(spans).hold(times).tolist() == slow


HEAD: dict[str, Any] = {"event_id": "", "timestamp": 1, "symbol": "", "strategy_id": "", "correlation_id": ""}


def difference(resolution: Resolution) -> DifferenceFound:
    return DifferenceFound(**HEAD, kind=Difference.ORDER_FILLED_MORE, resolution=resolution, ours="1", theirs="2")


def changed(after: GateState, actor: str) -> GateChanged:
    return GateChanged(
        **HEAD,
        scope=GateScope.GLOBAL,
        key="",
        before=GateState.ACTIVE,
        after=after,
        reason="",
        actor=actor,
    )


def told(state: GateState, actor: str) -> GateSet:
    return GateSet(**HEAD, scope=GateScope.GLOBAL, key="", state=state, reason="", actor=actor)


@pytest.mark.parametrize(
    ("message", "drift", "trips"),
    [
        (difference(Resolution.TAKEN_IN), 0, 0),
        *((difference(resolution), 1, 0) for resolution in Resolution if resolution is not Resolution.TAKEN_IN),
        (changed(GateState.HALTED, "ann"), 0, 1),
        (changed(GateState.HALTED, "rule:exits-failed"), 0, 1),
        (changed(GateState.REDUCE_ONLY, "rule:drift"), 0, 1),
        (changed(GateState.REDUCE_ONLY, "ann"), 0, 0),  # a person's pause is no finding against a strategy
        (told(GateState.REDUCE_ONLY, "rule:not-reconciled"), 0, 1),
        (told(GateState.ACTIVE, "ann"), 0, 0),
    ],
)
def test_drift_and_trips_are_counted_from_the_messages(log: Path, message: AnyMessage, drift: int, trips: int) -> None:
    opening = read_log(log).opening
    assert opening is not None
    measuring = Measuring(OURS)
    measuring.session(opening, [(1, 1, message)], lambda _run: {})
    found = measuring.measured()
    assert (found.drift_findings, found.trips) == (drift, trips)
