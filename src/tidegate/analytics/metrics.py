"""Every metric a report shows; `docs/metrics.md` is written from this list and checked against it."""

from collections.abc import Callable
from typing import NamedTuple, final

import polars as pl

from tidegate.analytics import execution_metrics, risk_metrics, stability_metrics, strategy_metrics
from tidegate.analytics.collect import Run
from tidegate.analytics.slices import Slice, slices
from tidegate.risk.checks import INPUT_MISSING

STRATEGY, EXECUTION, RISK, STABILITY = FAMILIES = ("Strategy", "Execution", "Risk", "Stability")
UNITS = {
    "usd": "dollars",
    "share": "0 to 1, shown in percent",
    "percent": "percent",
    "bps": "basis points (1/100 of a percent)",
    "ratio": "a plain number",
    "count": "a count",
    "s": "seconds",
    "ms": "milliseconds",
}


@final
class Metric(NamedTuple):
    """One figure: its title, its unit (a key of UNITS) and the function whose docstring defines it."""

    title: str
    unit: str
    family: str
    of: Callable[[Slice], float | None]

    @property
    def name(self) -> str:
        """Return the name it has in tables and JSON."""
        return self.of.__name__

    @property
    def definition(self) -> str:
        """Return what it means, in words."""
        return " ".join((self.of.__doc__ or "").split())


METRICS: tuple[Metric, ...] = (
    Metric("Closed trades", "count", STRATEGY, strategy_metrics.trades),
    Metric("Open trades", "count", STRATEGY, strategy_metrics.open_trades),
    Metric("Gross result", "usd", STRATEGY, strategy_metrics.gross_usd),
    Metric("Fees of closed trades", "usd", STRATEGY, strategy_metrics.fees_usd),
    Metric("Net result", "usd", STRATEGY, strategy_metrics.net_usd),
    Metric("Win rate", "share", STRATEGY, strategy_metrics.win_rate),
    Metric("Average win", "usd", STRATEGY, strategy_metrics.average_win_usd),
    Metric("Average loss", "usd", STRATEGY, strategy_metrics.average_loss_usd),
    Metric("Expectancy per trade", "usd", STRATEGY, strategy_metrics.expectancy_usd),
    Metric("Profit factor", "ratio", STRATEGY, strategy_metrics.profit_factor),
    Metric("Average R", "ratio", STRATEGY, strategy_metrics.average_r),
    Metric("Sharpe ratio (annualized)", "ratio", STRATEGY, strategy_metrics.sharpe),
    Metric("Sharpe per trade", "ratio", STRATEGY, strategy_metrics.sharpe_per_trade),
    Metric("Maximum drawdown", "usd", STRATEGY, strategy_metrics.max_drawdown_usd),
    Metric("Maximum drawdown, share of peak", "percent", STRATEGY, strategy_metrics.max_drawdown_percent),
    Metric("Maximum drawdown, closed trades", "usd", STRATEGY, strategy_metrics.max_drawdown_closed_usd),
    Metric("Mean MAE", "bps", STRATEGY, strategy_metrics.mae_mean_bps),
    Metric("Mean MFE", "bps", STRATEGY, strategy_metrics.mfe_mean_bps),
    Metric("Worst MAE", "bps", STRATEGY, strategy_metrics.mae_worst_bps),
    Metric("Median hold time", "s", STRATEGY, strategy_metrics.hold_median_seconds),
    Metric("Orders sent", "count", EXECUTION, execution_metrics.orders),
    Metric("Fills", "count", EXECUTION, execution_metrics.fills),
    Metric("Turnover", "usd", EXECUTION, execution_metrics.turnover_usd),
    Metric("Fees paid", "usd", EXECUTION, execution_metrics.fees_paid_usd),
    Metric("Slippage to reference", "bps", EXECUTION, execution_metrics.slippage_reference_bps),
    Metric("Slippage to mid", "bps", EXECUTION, execution_metrics.slippage_mid_bps),
    Metric("Cost of slippage", "usd", EXECUTION, execution_metrics.slippage_reference_usd),
    Metric("Fill rate (quantity)", "share", EXECUTION, execution_metrics.fill_rate),
    Metric("Orders with a fill", "share", EXECUTION, execution_metrics.order_fill_rate),
    Metric("Partial rate", "share", EXECUTION, execution_metrics.partial_rate),
    Metric("Cancel rate", "share", EXECUTION, execution_metrics.cancel_rate),
    Metric("Expire rate", "share", EXECUTION, execution_metrics.expire_rate),
    Metric("Reject rate", "share", EXECUTION, execution_metrics.reject_rate),
    Metric("Median time to first fill", "ms", EXECUTION, execution_metrics.time_to_fill_median_ms),
    Metric("Median time to full fill", "ms", EXECUTION, execution_metrics.time_to_complete_median_ms),
    Metric("Maker share", "share", EXECUTION, execution_metrics.maker_share),
    Metric("Time in the market", "share", RISK, risk_metrics.exposure_share),
    Metric("Peak entry exposure", "usd", RISK, risk_metrics.exposure_peak_usd),
    Metric("Tail-loss frequency", "share", RISK, risk_metrics.tail_loss_rate),
    Metric("Worst trade", "usd", RISK, risk_metrics.worst_trade_usd),
    Metric("Stop-outs", "count", RISK, risk_metrics.stop_outs),
    Metric("Stop-out clusters", "count", RISK, risk_metrics.stop_out_clusters),
    Metric("Largest stop-out cluster", "count", RISK, risk_metrics.stop_out_cluster_largest),
    Metric("Intents judged", "count", RISK, risk_metrics.decisions),
    Metric("Intents refused", "count", RISK, risk_metrics.refused),
    Metric("Refusal rate", "share", RISK, risk_metrics.refusal_rate),
    Metric("Masked triggers", "count", RISK, risk_metrics.masked_triggers),
    Metric("Stream uptime", "share", STABILITY, stability_metrics.stream_uptime),
    Metric("Streams lost", "count", STABILITY, stability_metrics.stream_losses),
    Metric("Streams back", "count", STABILITY, stability_metrics.stream_returns),
    Metric("Longest outage of a stream", "s", STABILITY, stability_metrics.stream_outage_longest_seconds),
    Metric("Requests to the venue", "count", STABILITY, stability_metrics.venue_calls),
    Metric("Refused as too many (429)", "count", STABILITY, stability_metrics.venue_throttled),
    Metric("Refused otherwise (4xx)", "count", STABILITY, stability_metrics.venue_refused),
    Metric("Requests without an answer", "count", STABILITY, stability_metrics.venue_unanswered),
    Metric("Error rate of requests", "share", STABILITY, stability_metrics.venue_error_rate),
    Metric("Mean time to an answer", "ms", STABILITY, stability_metrics.venue_answer_mean_ms),
    Metric("Slowest answer", "ms", STABILITY, stability_metrics.venue_answer_worst_ms),
)

Values = dict[str, float | None]


@final
class Group(NamedTuple):
    """The metrics of one group: `by` is total, strategy, symbol or regime."""

    by: str
    name: str
    values: Values


def groups(run: Run) -> list[Group]:
    """Return all metrics of the total and of each strategy, symbol and regime."""
    return [Group(part.by, part.name, {metric.name: metric.of(part) for metric in METRICS}) for part in slices(run)]


def metrics_table(run: Run) -> pl.DataFrame:
    """Return the metrics as a frame: one row per group, one column per metric."""
    schema: dict[str, pl.DataType] = {"by": pl.String(), "name": pl.String()} | {metric.name: pl.Float64() for metric in METRICS}
    return pl.DataFrame(
        [{"by": group.by, "name": group.name} | group.values for group in groups(run)],
        schema=schema,
        orient="row",
    )


def refusals_by_check(run: Run) -> pl.DataFrame:
    """Return, per check, how often it ran, failed, and was the first to fail; most failures first."""
    seen = pl.col("first_refusal").str.strip_prefix(f"{INPUT_MISSING}:")
    first = run.decisions.select(seen).group_by("first_refusal").agg(pl.len().alias("deciding"))
    return (
        run.checks.group_by("check")
        .agg(pl.len().alias("ran"), (~pl.col("passed")).sum().alias("failed"))
        .join(first, left_on="check", right_on="first_refusal", how="left")
        .with_columns(pl.col("deciding").fill_null(0))
        .sort(["failed", "check"], descending=[True, False])
    )


def metrics_markdown() -> str:
    """Return the text of `docs/metrics.md`."""
    lines = [
        "# Metrics",
        "",
        "Every figure of a report, in total and per strategy, symbol and regime. A dash (`null` in JSON and",
        "tables) means not known or not defined, never zero. Regime rows file a trade under the symbol's",
        "regime at its first entry, orders and intents under the regime when they were decided.",
        "",
        "This page is generated from `tidegate.analytics.metrics.METRICS`.",
    ]
    for family in FAMILIES:
        lines += ["", f"## {family}", "", "| name | title | unit | definition |", "|---|---|---|---|"]
        lines += [
            f"| `{metric.name}` | {metric.title} | {metric.unit} | {metric.definition} |" for metric in METRICS if metric.family == family
        ]
    return "\n".join(lines) + "\n"
