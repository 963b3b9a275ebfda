"""What a version showed is measured from its own sessions in a golden log, and agrees with what a report says of them."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.replay.live import loaded_config, plan_of, run_live
from tidegate.analytics.promotion import Measuring, drawdown_bps, slippage_bps
from tidegate.analytics.slices import STRATEGY, TOTAL, slices
from tidegate.config.promotion import Measured
from tidegate.engine.toolchain import Toolchain
from tidegate.events.acts import DifferenceFound, GateChanged
from tidegate.events.codec import AnyMessage
from tidegate.events.inputs import GateSet
from tidegate.replay.promotion import measure
from tidegate.replay.reading import read_log
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
    costs: dict[str, list[tuple[float, float]]] = {}
    for run in runs:
        for part in slices(run):
            if part.by == STRATEGY:
                orders[part.name] += len(part.orders)
                fills[part.name] += sum(len(row.fills) for row in part.orders)
                decisions[part.name] += len(part.decisions)
                costs.setdefault(part.name, []).extend(
                    ((row.slippage_bps(row.reference_price_nanos) or 0.0), row.filled_nanos * (row.reference_price_nanos or 0))
                    for row in part.filled_orders
                )
    assert sum(fills.values()) > 0, "a session without fills would show nothing"
    for one in measured.strategies:
        assert (one.orders, one.fills, one.decisions) == (orders[one.strategy_id], fills[one.strategy_id], decisions[one.strategy_id])
        weights = costs.get(one.strategy_id, [])
        base = sum(weight for _, weight in weights)
        assert bool(one.slippage_bps) is (base > 0)
        if base:
            assert float(one.slippage_bps) == pytest.approx(sum(bps * weight for bps, weight in weights) / base, abs=0.011)
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


@given(cost=st.integers(-(10**30), 10**30), base=st.integers(1, 10**30))
def test_slippage_is_exact_and_rounded_against_us(cost: int, base: int) -> None:
    hundredths = round(float(slippage_bps(cost, base)) * 100) if abs(cost) < base else None
    if hundredths is not None:
        assert (hundredths - 1) * base < cost * 1_000_000 <= hundredths * base
    assert slippage_bps(cost, 0) == ""


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
    measuring.session(opening, [(1, 1, message)])
    found = measuring.measured()
    assert (found.drift_findings, found.trips) == (drift, trips)
