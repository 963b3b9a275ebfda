"""The metrics of a report: the figures one looks at first, and all by strategy, symbol and regime."""

from collections.abc import Sequence
from html import escape
from typing import Final

from tidegate.analytics.markup import Cell, details, note, table, tabs
from tidegate.analytics.metrics import FAMILIES, METRICS, Group, Metric
from tidegate.analytics.slices import REGIME, STRATEGY, SYMBOL, TOTAL
from tidegate.analytics.wording import metric_text

GROUPS_MAX: Final = 12  # columns of one table
_BY_NAME: Final = {metric.name: metric for metric in METRICS}
_SIGNED: Final = frozenset(("gross_usd", "net_usd", "expectancy_usd", "average_win_usd", "average_loss_usd", "worst_trade_usd"))


def cards(total: Group, sharpe_note: str) -> str:
    """Return the figures one looks at first."""
    shown = (
        ("Net result", "net_usd", f"after {_text(total, 'fees_usd')} of fees"),
        ("Closed trades", "trades", f"{_text(total, 'open_trades')} still open"),
        ("Win rate", "win_rate", f"expectancy {_text(total, 'expectancy_usd')} a trade"),
        ("Profit factor", "profit_factor", f"average R {_text(total, 'average_r')}"),
        ("Maximum drawdown", "max_drawdown_usd", f"{_text(total, 'max_drawdown_percent')} of the peak"),
        ("Sharpe ratio", "sharpe", sharpe_note),
        ("Fill rate", "fill_rate", f"{_text(total, 'orders')} orders sent"),
        (
            "Slippage to mid (bps)",
            "slippage_mid_bps",
            f"{_text(total, 'slippage_reference_bps')} to reference",
        ),
        ("Time in the market", "exposure_share", f"at most {_text(total, 'exposure_peak_usd')} at once"),
        ("Intents refused", "refused", f"of {_text(total, 'decisions')} judged"),
    )
    cells = []
    for title, name, remark in shown:
        value = f'<b class="{tone(name, total.values[name])}">{escape(_text(total, name))}</b>'
        meaning = escape(_BY_NAME[name].definition)
        cells.append(f'<div class="card" title="{meaning}"><span>{escape(title)}</span>{value}<small>{escape(remark)}</small></div>')
    return f'<div class="cards">{"".join(cells)}</div>'


def metrics_tables(groups: Sequence[Group]) -> str:
    """Return all metrics: the total beside each strategy, symbol and regime."""
    total = groups[0]
    assert total.by == TOTAL
    parts = []
    for by, label in ((STRATEGY, "By strategy"), (SYMBOL, "By symbol"), (REGIME, "By regime")):
        found = [group for group in groups if group.by == by]
        found.sort(key=lambda group: (-(group.values["orders"] or 0), group.name))
        more = len(found) - GROUPS_MAX
        remark = f"{more} more, with fewer orders, are in the JSON report." if more > 0 else ""
        parts.append((label, _metrics_table(total, found[:GROUPS_MAX]) + note(remark)))
    return tabs("metrics", parts) + details("What each figure means", _definitions())


def tone(name: str, value: float | None) -> str:
    """Return the CSS class of a value: good or bad for results, none where it is not known."""
    if value is None:
        return "none"
    if name in _SIGNED and value != 0:
        return "good" if value > 0 else "bad"
    return ""


def titled(metric: Metric) -> str:
    """Return a metric's title with the unit its text does not show."""
    return f"{metric.title} ({metric.unit})" if metric.unit in ("bps", "ms") else metric.title


def _text(group: Group, name: str) -> str:
    return metric_text(group.values[name], _BY_NAME[name].unit)


def _metrics_table(total: Group, groups: Sequence[Group]) -> str:
    shown = (total, *groups)
    rows: list[Sequence[Cell]] = []
    for family in FAMILIES:
        metrics = [metric for metric in METRICS if metric.family == family]
        if all(total.values[metric.name] is None for metric in metrics):
            continue  # nothing of it is known: a replay has neither streams nor requests
        rows.append([Cell(family)])
        for metric in metrics:
            values = [Cell(_text(group, metric.name), tone(metric.name, group.values[metric.name])) for group in shown]
            rows.append([Cell(titled(metric), title=metric.definition), *values])
    return table([Cell(name) for name in ("Metric", "Total", *(group.name for group in groups))], rows)


def _definitions() -> str:
    rows = [(Cell(metric.title, "text"), Cell(metric.name, "text mono"), Cell(metric.definition, "text wide")) for metric in METRICS]
    return table((Cell("Figure"), Cell("Name", "text"), Cell("Meaning", "text")), rows)
