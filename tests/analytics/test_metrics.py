"""Every metric on a session small enough to compute by hand."""

from pathlib import Path

import pytest

from tests.analytics.day import Day
from tests.analytics.parts import CLOSE_NS, OPEN_NS
from tests.analytics.scripted import Scripted
from tidegate.analytics.collect import Collector, Run, Sources
from tidegate.analytics.entries import MaskedTrigger
from tidegate.analytics.metrics import (
    METRICS,
    STABILITY,
    UNITS,
    Metric,
    Values,
    groups,
    metrics_markdown,
    metrics_table,
    refusals_by_check,
)
from tidegate.events.acts import RiskDecision
from tidegate.values.enums import ExitReason, OrderEventKind, OrderState, Regime, Side
from tidegate.values.time import MINUTE_NS, SECOND_NS

ROOT = Path(__file__).resolve().parents[2]
QUOTE = ("10.00", "10.02")
Result = tuple[str, int, ExitReason]  # exit price, minute of entry, reason


def session(results: list[Result], strategy: str = "trend") -> Scripted:
    """100 shares of AIG bought at 10.02 a minute, left a minute later; fees $0.10 at entry, $0.20 at exit."""
    script = Scripted()
    script.at(OPEN_NS).hours()
    script.at(OPEN_NS).label("AIG", Regime.TREND)
    for price, minute, reason in results:
        start = OPEN_NS + minute * MINUTE_NS
        script.at(start)
        order = script.enter("AIG", strategy, Side.BUY, 100, QUOTE)
        script.at(start + SECOND_NS).fill(order, 100, "10.02", "0.10")
        script.at(start + MINUTE_NS)
        out = script.leave("AIG", strategy, Side.SELL, 100, (price, "99.00"), reason)
        script.at(start + MINUTE_NS + SECOND_NS).fill(out, 100, price, "0.20")
    return script


def run_of(script: Scripted, masked: tuple[MaskedTrigger, ...] | None = None) -> Run:
    collector = Collector()
    for n, k, message in script.entries:
        collector.act(n, k, message)
    return collector.run(None, Sources(until_ns=CLOSE_NS, masked=masked))


def total(script: Scripted) -> Values:
    return groups(run_of(script))[0].values


FOUR: list[Result] = [
    ("10.12", 0, ExitReason.TAKE_PROFIT),  # +10.00 - 0.30 = +9.70
    ("9.92", 10, ExitReason.STOP_LOSS),  # -10.30
    ("10.22", 20, ExitReason.TRIGGER),  # +19.70
    ("9.97", 30, ExitReason.STOP_LOSS),  # -5.30
]


@pytest.mark.req("C2.1")
def test_the_results_of_four_trades_are_what_a_pencil_gives() -> None:
    values = total(session(FOUR))
    assert values["trades"] == 4
    assert values["gross_usd"] == pytest.approx(15.0)
    assert values["fees_usd"] == pytest.approx(1.2)
    assert values["net_usd"] == pytest.approx(13.8)
    assert values["win_rate"] == 0.5
    assert values["average_win_usd"] == pytest.approx((9.7 + 19.7) / 2)
    assert values["average_loss_usd"] == pytest.approx(-(10.3 + 5.3) / 2)
    assert values["expectancy_usd"] == pytest.approx(13.8 / 4)
    assert values["profit_factor"] == pytest.approx(29.4 / 15.6)
    assert values["average_r"] == pytest.approx((9.7 - 10.3 + 19.7 - 5.3) / 4 / 10.0)
    assert values["max_drawdown_closed_usd"] == pytest.approx(-10.3)
    assert values["hold_median_seconds"] == pytest.approx(60.0)
    assert values["worst_trade_usd"] == pytest.approx(-10.3)


@pytest.mark.req("C2.1")
def test_the_sharpe_ratio_per_trade_uses_the_sample_deviation() -> None:
    mean = 13.8 / 4
    spread = (sum((net - mean) ** 2 for net in (9.7, -10.3, 19.7, -5.3)) / 3) ** 0.5
    assert total(session(FOUR))["sharpe_per_trade"] == pytest.approx(mean / spread)
    assert total(session(FOUR[:1]))["sharpe_per_trade"] is None
    assert total(session([FOUR[0], FOUR[0]]))["sharpe_per_trade"] is None


@pytest.mark.req("C2.1")
def test_drawdown_and_sharpe_ratio_of_the_account_come_from_valuations_and_skip_what_was_not_priced() -> None:
    script = Scripted()
    for minute, equity in enumerate(["1000", "1010", None, "990", "1005"]):
        script.at(OPEN_NS + 5 * minute * MINUTE_NS).value(equity)
    values = total(script)
    assert values["max_drawdown_usd"] == pytest.approx(-20.0)
    assert values["max_drawdown_percent"] == pytest.approx(-20.0 / 1010 * 100)
    assert values["sharpe"] is not None


@pytest.mark.req("C2.1")
def test_the_sharpe_ratio_looks_at_trading_time_alone() -> None:
    def day(before: int, after: int) -> Scripted:
        script = Scripted()
        script.at(OPEN_NS - 300 * MINUTE_NS).hours()
        quiet = [(OPEN_NS - 5 * MINUTE_NS * step, "1000") for step in range(before, 0, -1)]
        busy = [(OPEN_NS + 5 * MINUTE_NS * step, text) for step, text in enumerate(["1000", "1010", "990", "1005"])]
        for ns, equity in [
            *quiet,
            *busy,
            *[(CLOSE_NS + 5 * MINUTE_NS * step, "1005") for step in range(1, after)],
        ]:
            script.at(ns).value(equity)
        return script

    assert total(day(0, 0))["sharpe"] == pytest.approx(total(day(40, 30))["sharpe"])


@pytest.mark.req("C2.1")
def test_only_winners_have_no_profit_factor_and_no_average_loss() -> None:
    values = total(session([FOUR[0]]))
    assert (values["win_rate"], values["profit_factor"], values["average_loss_usd"]) == (1.0, None, None)
    assert values["tail_loss_rate"] == 0.0


@pytest.mark.req("C2.1", "C2.2", "C2.3")
def test_of_nothing_counts_are_zero_and_everything_else_is_unknown() -> None:
    values = total(Scripted())
    for metric in METRICS:
        counted = (
            metric.unit == "count"
            and metric.family != STABILITY
            and metric.name
            not in (
                "masked_triggers",
                "stop_out_cluster_largest",
            )
        )
        assert values[metric.name] == (0 if counted else None), metric.name


@pytest.mark.req("C2.2")
def test_execution_figures_of_filled_partial_canceled_rejected_expired_and_unsent_orders() -> None:
    script = Scripted()
    script.at(OPEN_NS)
    first = script.enter("AIG", "trend", Side.BUY, 100, QUOTE)
    script.at(OPEN_NS + 4_000_000).fill(first, 60, "10.02", "0.06")
    script.at(OPEN_NS + 6_000_000).fill(first, 40, "10.03", "0.04")
    endings = (
        (OrderEventKind.CANCELED, OrderState.CANCELED, 50),
        (OrderEventKind.CANCELED, OrderState.CANCELED, 0),
        (OrderEventKind.REJECTED, OrderState.REJECTED, 0),
        (OrderEventKind.EXPIRED, OrderState.EXPIRED, 0),
        (OrderEventKind.NOT_SENT, OrderState.NOT_SENT, 0),
    )
    for index, (kind, state, filled) in enumerate(endings, start=1):
        script.at(OPEN_NS + index * MINUTE_NS)
        order = script.enter("AIG", "trend", Side.BUY, 100, QUOTE)
        script.at(OPEN_NS + index * MINUTE_NS + 8_000_000)
        if filled:
            script.fill(order, filled, "10.02", "0.05")
        script.at(OPEN_NS + index * MINUTE_NS + 9_000_000).end(order, kind, state)
    values = total(script)
    assert (values["orders"], values["fills"]) == (5, 3)
    assert values["fill_rate"] == pytest.approx(150 / 500)
    assert values["order_fill_rate"] == pytest.approx(2 / 5)
    assert values["partial_rate"] == pytest.approx(1 / 2)
    assert values["cancel_rate"] == pytest.approx(2 / 5)
    assert values["reject_rate"] == values["expire_rate"] == pytest.approx(1 / 5)
    assert values["time_to_fill_median_ms"] == pytest.approx(6.0)
    assert values["time_to_complete_median_ms"] == pytest.approx(6.0)
    assert values["maker_share"] == 0.0
    assert values["turnover_usd"] == pytest.approx(60 * 10.02 + 40 * 10.03 + 50 * 10.02)
    assert values["fees_paid_usd"] == pytest.approx(0.15)
    first_bps, mid_bps = 0.004 / 10.02 * 1e4, 0.014 / 10.01 * 1e4
    assert values["slippage_reference_bps"] == pytest.approx(first_bps * 100 / 150)
    assert values["slippage_mid_bps"] == pytest.approx((mid_bps * 100 + 0.01 / 10.01 * 1e4 * 50) / 150)
    assert values["slippage_reference_usd"] == pytest.approx(0.40)


@pytest.mark.req("C2.2")
def test_an_order_that_was_chased_counts_as_ordered_only_what_it_filled() -> None:
    values = total(chased()[0])
    assert values["orders"] == 2
    assert values["fill_rate"] == pytest.approx((30 + 20) / (30 + 70))
    assert values["partial_rate"] == 1.0  # of the second order alone


@pytest.mark.req("C2.2")
def test_the_mid_of_a_chase_is_not_known_but_its_regime_is_that_of_its_story() -> None:
    script, first = chased()
    rows = run_of(script).orders.to_dicts()
    assert rows[0]["mid_at_decision"] == pytest.approx(10.01)
    assert (rows[1]["mid_at_decision"], rows[1]["slippage_mid_bps"]) == (None, None)
    assert (rows[1]["symbol_regime"], rows[1]["replaces"]) == ("CHOP", first)


def chased() -> tuple[Scripted, str]:
    """100 wanted: 30 filled, canceled, the other 70 asked for a second later and 20 of them filled."""
    script = Scripted()
    script.at(OPEN_NS)
    order = script.enter("AIG", "trend", Side.BUY, 100, QUOTE)
    script.at(OPEN_NS + 1).fill(order, 30, "10.02")
    script.at(OPEN_NS + SECOND_NS).end(order, OrderEventKind.CANCELED, OrderState.CANCELED)
    intent = script.intend("AIG", "trend", order.story, Side.BUY, 70, "10.04", replaces=order.client_id)
    rest = script.submit("AIG", "trend", order.story, script.judge("AIG", "trend", order.story, intent))
    script.at(OPEN_NS + 2 * SECOND_NS).fill(rest, 20, "10.04")
    script.at(OPEN_NS + 3 * SECOND_NS).end(rest, OrderEventKind.CANCELED, OrderState.CANCELED)
    return script, order.client_id


@pytest.mark.req("C2.3")
def test_time_in_the_market_counts_overlaps_once_within_trading_hours() -> None:
    values = total(session(FOUR))
    assert values["exposure_share"] == pytest.approx(4 * 60 / (390 * 60))
    assert values["exposure_peak_usd"] == pytest.approx(1002.0)
    script = session(FOUR[:1])
    script.at(OPEN_NS + 389 * MINUTE_NS)
    order = script.enter("AIG", "trend", Side.BUY, 100, QUOTE)
    script.at(OPEN_NS + 389 * MINUTE_NS + 1_000_000).fill(order, 100, "10.02")
    assert total(script)["exposure_share"] == pytest.approx(2 * 60 / (390 * 60))


@pytest.mark.req("C2.3")
def test_without_told_hours_the_whole_run_is_trading_time() -> None:
    script = session(FOUR)
    script.entries = [entry for entry in script.entries if type(entry.message).__name__ != "SessionChanged"]
    assert total(script)["exposure_share"] == pytest.approx(4 / 390)


@pytest.mark.req("C2.3")
def test_a_tail_loss_is_worse_than_twice_the_average_loss() -> None:
    losses: list[Result] = [("10.01", minute, ExitReason.TRIGGER) for minute in range(0, 40, 5)]
    crash: Result = ("9.02", 50, ExitReason.STOP_LOSS)
    assert total(session([*losses, crash]))["tail_loss_rate"] == pytest.approx(1 / 9)
    assert total(session(losses))["tail_loss_rate"] == 0.0


@pytest.mark.req("C2.3")
def test_three_stop_outs_each_within_fifteen_minutes_are_a_cluster() -> None:
    stop = ExitReason.STOP_LOSS
    trail_gain: Result = ("10.50", 12, ExitReason.TRAILING_STOP)
    trail_loss: Result = ("9.99", 24, ExitReason.TRAILING_STOP)
    near: list[Result] = [("9.92", 0, stop), ("9.92", 10, stop), trail_gain, trail_loss]
    values = total(session([*near, ("9.92", 45, stop), ("9.92", 50, stop)]))
    assert values["stop_outs"] == 5
    assert (values["stop_out_clusters"], values["stop_out_cluster_largest"]) == (1, 3)
    assert total(session(near[:2]))["stop_out_clusters"] == 0


@pytest.mark.req("C2.3")
def test_refusals_are_counted_by_check_and_by_which_decided() -> None:
    script = Scripted()
    spread = ("spread", False, 5, 11)
    unseen = ("buying_power", False, None, None)
    script.at(OPEN_NS).refuse("AIG", "trend", QUOTE, (spread, unseen), "The entry was refused because …")
    script.at(OPEN_NS + 1).refuse("AIG", "trend", QUOTE, (unseen,), "The entry was refused because …")
    script.at(OPEN_NS + 2).enter("AIG", "trend", Side.BUY, 100, QUOTE)
    run = run_of(script)
    rows = {row["check"]: (row["ran"], row["failed"], row["deciding"]) for row in refusals_by_check(run).to_dicts()}
    assert rows["spread"] == (4, 1, 1)
    assert rows["buying_power"] == (2, 2, 1)
    assert rows["quote_age"] == (3, 0, 0)
    assert refusals_by_check(run)["check"].to_list()[:2] == ["buying_power", "spread"]
    values = groups(run)[0].values
    assert (values["decisions"], values["refused"]) == (3, 2)
    assert values["refusal_rate"] == pytest.approx(2 / 3)


@pytest.mark.req("C2.3")
def test_masked_triggers_are_counted_by_strategy_and_symbol_and_unknown_when_nobody_counted() -> None:
    masked = (MaskedTrigger("trend", "AIG", "regime", 7), MaskedTrigger("other", "AIG", "cooldown", 5))
    found = {(g.by, g.name): g.values["masked_triggers"] for g in groups(run_of(session(FOUR), masked))}
    assert found["total", ""] == 12
    assert found["strategy", "trend"] == 7
    assert found["symbol", "AIG"] == 12
    assert found["regime", "TREND"] is None
    assert total(session(FOUR))["masked_triggers"] is None


@pytest.mark.req("C2.1", "C2.2", "C2.3")
@pytest.mark.parametrize("name", ["trades", "net_usd", "orders", "fills", "decisions", "refused", "stop_outs"])
@pytest.mark.parametrize("by", ["strategy", "symbol", "regime"])
def test_the_parts_of_each_grouping_add_up_to_the_total(run: Run, name: str, by: str) -> None:
    found = groups(run)
    parts = [group.values[name] or 0.0 for group in found if group.by == by]
    assert len(parts) >= 3
    assert sum(parts) == pytest.approx(found[0].values[name])


@pytest.mark.req("C2.1")
def test_figures_of_the_account_stand_in_the_total_only(run: Run) -> None:
    found = groups(run)
    for name in ("sharpe", "max_drawdown_usd", "max_drawdown_percent"):
        assert found[0].values[name] is not None
        assert {group.values[name] for group in found[1:]} == {None}


@pytest.mark.req("C2.1")
def test_the_metrics_table_has_a_row_a_group_and_a_column_a_metric(day_run: tuple[Run, Day]) -> None:
    table = metrics_table(day_run[0])
    assert table.columns == ["by", "name", *(metric.name for metric in METRICS)]
    assert table.height == len(groups(day_run[0]))
    assert table.row(0)[:2] == ("total", "")


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_each_metric_has_a_known_unit_and_a_definition_of_its_own(metric: Metric) -> None:
    assert metric.unit in UNITS
    assert metric.definition.endswith(".")
    assert [other.name for other in METRICS].count(metric.name) == 1


def test_the_manual_says_what_the_code_computes() -> None:
    page = ROOT / "docs" / "metrics.md"
    assert page.read_text("utf-8") == metrics_markdown(), "run `python -m scripts.manual_pages`"


def test_a_refusal_names_its_decision(run: Run) -> None:
    refused = [e.message for e in run.entries if isinstance(e.message, RiskDecision) and e.message.refusals]
    assert run.decisions["first_refusal"].drop_nulls().len() == len(refused)
