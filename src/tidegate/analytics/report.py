"""A run as one HTML file, one JSON object, or a table in the terminal. Files appear whole or not at all."""

from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

import msgspec
from rich.table import Table
from rich.text import Text

from tidegate.analytics import curves
from tidegate.analytics.collect import Run
from tidegate.analytics.metrics import METRICS, Values, groups, refusals_by_check
from tidegate.analytics.scorecard import titled
from tidegate.analytics.slices import REGIME, STRATEGY, SYMBOL, traded_valuations
from tidegate.analytics.summary import run_title, summary
from tidegate.analytics.wording import metric_text
from tidegate.values.errors import ExitCode, TidegateError
from tidegate.values.money import attos_text
from tidegate.values.time import iso_utc

JSON_VERSION: Final = 1
TERMINAL_METRICS: Final = (
    "trades",
    "net_usd",
    "fees_usd",
    "win_rate",
    "expectancy_usd",
    "profit_factor",
    "sharpe",
    "max_drawdown_usd",
    "mae_mean_bps",
    "mfe_mean_bps",
    "orders",
    "fills",
    "fill_rate",
    "cancel_rate",
    "time_to_fill_median_ms",
    "slippage_mid_bps",
    "exposure_share",
    "stop_out_clusters",
    "refused",
)
_TERMINAL_GROUPS_MAX: Final = 6


class ReportNotWrittenError(TidegateError):
    """The report's file could not be written; nothing is left behind."""

    exit_code = ExitCode.ENVIRONMENT


def write_report(run: Run, path: str | Path, title: str = "") -> Path:
    """Write the HTML report and return its path; an old file stays untouched until the new one is whole.

    Raises:
        ReportNotWrittenError: the folder is missing or not writable, or the disk is full.
    """
    from tidegate.analytics.document import report_html  # noqa: PLC0415 - plots are loaded for reports, not for the table of a terminal

    text, path = report_html(run, title), Path(path)
    try:
        _write_whole(path, text)
    except OSError as error:
        why = error.strerror or str(error)
        raise ReportNotWrittenError(f"The report cannot be written to {path} ({why}); choose another place or make room.") from error
    return path


def _write_whole(path: Path, text: str) -> None:
    """Write beside the file, then rename over it."""
    with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        part = Path(file.name)
        try:
            file.write(text)
            file.close()
            part.chmod(0o644)
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise


def report_json(run: Run) -> dict[str, object]:
    """Return the run as one JSON-ready object; sums of money stand as exact decimal strings under `exact`."""
    opening = run.opening
    return {
        "version": JSON_VERSION,
        "session": opening.session_id if opening else None,
        "summary": summary(run),
        "from": None if run.from_ns is None else iso_utc(run.from_ns),
        "until": None if run.until_ns is None else iso_utc(run.until_ns),
        "records": run.sources.records,
        "exact": _exact(run),
        "metrics": _metrics(run),
        "sharpe_sampling": _sampling(run),
        "refusals": refusals_by_check(run).to_dicts(),
        "masked": None if run.sources.masked is None else run.masked.to_dicts(),
        "trades": run.trades.drop("entry_at", "exit_at").to_dicts(),
        "open_trades": run.open_trades.drop("entry_at", "exit_at").to_dicts(),
        "manifest": _manifest(run),
        "assumptions": list(opening.assumptions) if opening else [],
    }


def summary_table(run: Run) -> Table:
    """Return the chief metrics as a terminal table: the total, then the busiest strategies."""
    found = groups(run)
    strategies = [group for group in found if group.by == STRATEGY]
    strategies.sort(key=lambda group: (-(group.values["orders"] or 0), group.name))
    shown = [found[0], *strategies[:_TERMINAL_GROUPS_MAX]] if len(strategies) > 1 else [found[0]]
    table = Table(title=run_title(run), caption=summary(run), title_justify="left", caption_justify="left")
    table.add_column("", no_wrap=True)
    for group in shown:
        table.add_column(group.name or "total", justify="right")
    by_name = {metric.name: metric for metric in METRICS}
    for name in TERMINAL_METRICS:
        metric = by_name[name]
        table.add_row(titled(metric), *(_terminal_cell(group.values[name], metric.unit) for group in shown))
    return table


def _terminal_cell(value: float | None, unit: str) -> Text:
    style = "dim" if value is None else ("red" if unit == "usd" and value < 0 else "")
    return Text(metric_text(value, unit), style=style)


def _exact(run: Run) -> dict[str, str]:
    closed = [trade for trade in run.trade_rows if not trade.is_open]
    return {
        "net_usd": attos_text(sum(trade.cash_attos for trade in closed)),
        "fees_usd": attos_text(sum(trade.fees_attos for trade in closed)),
        "fees_paid_usd": attos_text(sum(fill.fee_attos for fill in run.fill_rows)),
    }


def _metrics(run: Run) -> dict[str, Values | dict[str, Values]]:
    found = groups(run)
    tables: dict[str, Values | dict[str, Values]] = {"total": found[0].values}
    for by in (STRATEGY, SYMBOL, REGIME):
        tables[f"by_{by}"] = {group.name: group.values for group in found if group.by == by}
    return tables


def _sampling(run: Run) -> dict[str, object] | None:
    found = curves.sharpe(traded_valuations(run))
    return {"sampling": found.sampling, "samples": found.samples} if found else None


def _manifest(run: Run) -> dict[str, object] | None:
    """Return the opening entry without its bulk: config and instrument bytes, snapshot, raw parameters."""
    if run.opening is None:
        return None
    plain: dict[str, object] = msgspec.to_builtins(run.opening)
    for name in ("config", "instruments", "snapshot", "assumptions"):
        del plain[name]
    plain["strategies"] = [
        {name: value for name, value in msgspec.structs.asdict(source).items() if name != "params"} for source in run.opening.strategies
    ]
    return plain
