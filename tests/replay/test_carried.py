"""Reports of a session that begins with positions: what it took over is left, not opened anew the other way round."""

from pathlib import Path

import pytest

from tests.replay.live import loaded_config, plan_of, run_live, start_of
from tidegate.analytics.document import report_html
from tidegate.analytics.metrics import metrics_table
from tidegate.engine.engine import Engine
from tidegate.engine.toolchain import Toolchain
from tidegate.replay.reading import read_log

pytestmark = pytest.mark.req("C2.1", "C2.5")


def held(engine: Engine) -> dict[tuple[str, str], int]:
    holdings = engine._core.portfolio.holdings
    return {key: holding.quantity_nanos for key, holding in holdings.items() if holding.quantity_nanos}


@pytest.mark.parametrize("seed", [3, 4, 5, 6])
def test_trades_of_a_later_session_add_up_to_its_cash_and_to_what_it_holds(compiled: Toolchain, tmp_path: Path, seed: int) -> None:
    loaded = loaded_config()
    first = run_live(tmp_path, plan_of(loaded, 0, seed=seed), compiled)
    before = held(first)
    basis = sum(holding.basis_attos for holding in first._core.portfolio.holdings.values())
    start = start_of(tmp_path, plan_of(loaded, 1, seed=seed), compiled)
    second = run_live(tmp_path, plan_of(loaded, 1, seed=seed), compiled, start=start)
    run = read_log(tmp_path)
    left: dict[tuple[str, str], int] = {}
    for trade in run.trade_rows:
        key = (trade.strategy_id, trade.symbol)
        left[key] = left.get(key, 0) + trade.direction * (trade.entry_quantity_nanos - trade.exit_quantity_nanos)
    assert {key: quantity for key, quantity in left.items() if quantity} == held(second)
    change = second._core.portfolio.cash_attos - first._core.portfolio.cash_attos
    assert sum(trade.cash_attos for trade in run.trade_rows) == change - basis
    carried = [trade for trade in run.trade_rows if trade.is_carried]
    assert {(trade.strategy_id, trade.symbol): trade.direction for trade in carried} == {
        key: 1 if q > 0 else -1 for key, q in before.items()
    }
    assert all(trade.hold_ns is None for trade in carried), "when they were opened stands in another session"
    assert "earlier session" in report_html(run) or not carried
    assert metrics_table(run).height


def test_some_of_these_sessions_do_begin_with_positions(compiled: Toolchain, tmp_path: Path) -> None:
    assert any(held(run_live(tmp_path / str(seed), plan_of(loaded_config(), 0, seed=seed), compiled)) for seed in (3, 4, 5, 6))
