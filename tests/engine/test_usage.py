"""How much of each limit is used is what the gate itself would observe, less the order that is judged."""

import pytest

from tests.service.living import Living, setting
from tidegate.portfolio.valuation import MICRO, exposure
from tidegate.risk.limits import limit_fields
from tidegate.simulation.campaign.setting import Setting
from tidegate.values.money import NANOS
from tidegate.values.time import MINUTE_NS

pytestmark = pytest.mark.req("B3.6", "D2.1")


@pytest.fixture(scope="module")
def shared() -> Setting:
    return setting()


def test_every_limit_is_told_in_the_order_of_the_manual(shared: Setting, tmp_path) -> None:
    living = Living(shared, tmp_path / "home")
    uses = living.desk.engine.books.limits_use(living.desk.sequencer.now_ns())
    assert [use.field.name for use in uses] == [field.name for field in limit_fields()]
    limits = living.desk.engine._core.spec.limits
    assert all(use.limit == getattr(limits, use.field.name) for use in uses)


def test_nothing_held_uses_nothing(shared: Setting, tmp_path) -> None:
    living = Living(shared, tmp_path / "home")
    used = {use.field.name: use.used for use in living.desk.engine.books.limits_use(living.desk.sequencer.now_ns())}
    assert {used[name] for name in used if "notional" in name or "exposure" in name} <= {0, None}
    assert used["order_notional_attos_max"] is None
    assert used["gross_exposure_attos_max"] == 0


def test_what_is_used_is_the_gates_own_sum(shared: Setting, tmp_path) -> None:
    living = Living(shared, tmp_path / "home")
    for _ in range(3):
        living.until_busy()
        core, now_ns = living.desk.engine._core, living.desk.sequencer.now_ns()
        uses = {use.field.name: use for use in living.desk.engine.books.limits_use(now_ns)}
        sums = exposure(core.portfolio, core.mark, "unclassified", "")
        assert sums is not None
        assert uses["gross_exposure_attos_max"].used == sums.gross_micros * MICRO
        assert uses["net_exposure_attos_max"].used == max(sums.long_micros, sums.short_micros) * MICRO
        assert uses["total_notional_attos_max"].used == sums.held_micros * MICRO
        assert uses["sector_exposure_attos_max"].used == sums.sector_micros * MICRO
        assert uses["sector_exposure_attos_max"].of == "unclassified"
        worst = max(book.worst_nanos() for book in core.portfolio.active.values())
        assert uses["position_quantity_nanos_max"].used == worst <= 20 * NANOS
        equity = living.desk.engine.equity_attos()
        assert equity is not None
        assert uses["buying_power_bps"].used == -(-sums.gross_micros * 10_000 // (equity // MICRO))
        assert uses["orders_per_minute_max"].used == core.portfolio.activity.orders.within_minute(now_ns)
        later = {use.field.name: use.used for use in living.desk.engine.books.limits_use(now_ns + 2 * MINUTE_NS)}
        assert later["orders_per_minute_max"] == 0
        living.pass_s(2)


def test_what_cannot_be_priced_is_not_zero(shared: Setting, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    living = Living(shared, tmp_path / "home")
    living.until_busy()
    core = living.desk.engine._core
    monkeypatch.setattr(type(core), "mark", lambda _self, _symbol, _sign: None)
    used = {use.field.name: use.used for use in living.desk.engine.books.limits_use(living.desk.sequencer.now_ns())}
    for name in ("gross_exposure_attos_max", "position_notional_attos_max", "concentration_bps_max", "sector_exposure_attos_max"):
        assert used[name] is None
    assert used["position_quantity_nanos_max"]
