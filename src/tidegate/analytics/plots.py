"""The report's figures as plain plotly JSON: traces and layout.

Colors of text and grid are the page's, so that light and dark work.

Each function returns None when there is nothing to draw; each figure is bounded in points, whatever the run's
size.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tidegate.analytics.bands import Band
from tidegate.analytics.collect import Run
from tidegate.analytics.downsample import extremes, histogram, milliseconds
from tidegate.analytics.metrics import refusals_by_check
from tidegate.analytics.slices import trading_windows, valuations
from tidegate.analytics.wording import duration_text
from tidegate.values.enums import ExitReason, Regime
from tidegate.values.money import ATTOS
from tidegate.values.time import SECOND_NS

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]
Figure = dict[str, Json]

BLUE, GREEN, RED, AMBER, VIOLET, TEAL, GRAY = (
    "#3b82f6",
    "#16a34a",
    "#dc2626",
    "#d97706",
    "#8b5cf6",
    "#0d9488",
    "#94a3b8",
)
PALETTE: Final = (BLUE, AMBER, VIOLET, TEAL, "#db2777", "#65a30d", "#0891b2", "#ea580c")
REGIME_COLORS: Final = {
    Regime.UNTRADEABLE: GRAY,
    Regime.CHOP: "#60a5fa",
    Regime.TREND: "#34d399",
    Regime.VOL_EXPANSION: "#fb923c",
}
ROWS_MAX: Final = 24  # names in a figure with one row each
SCATTER_MAX: Final = 2_000
_BINS: Final = 48
_MS_NS: Final = 1e6  # plots take times in milliseconds since 1970


def equity_figure(run: Run) -> Figure | None:
    """Return account equity with its drawdown below, over all valuations that could be priced."""
    points = valuations(run)
    if not points:
        return None
    times = np.array([ns for ns, _ in points], dtype=np.int64)
    equity = np.array([value / ATTOS for _, value in points])
    drawdown = (equity / np.maximum.accumulate(equity) - 1.0) * 100.0
    at, shown = extremes(times, equity)
    under_at, under = extremes(times, drawdown)
    data: list[Json] = [
        _line(milliseconds(at), _floats(shown), "Equity", BLUE, "%{y:$,.2f}"),
        _line(milliseconds(under_at), _floats(under), "Drawdown", RED, "%{y:.3f} %")
        | {"yaxis": "y2", "fill": "tozeroy", "fillcolor": "rgba(220,38,38,0.15)"},
    ]
    layout: Figure = time_layout(run, 420) | {
        "yaxis": {"domain": [0.34, 1], "title": {"text": "Equity ($)"}, "tickformat": ",.2~f"},
        "yaxis2": {"domain": [0, 0.26], "title": {"text": "Drawdown (%)"}, "ticksuffix": " "},
        "xaxis": time_axis(run) | {"anchor": "y2"},
        "hovermode": "x unified",
        "showlegend": False,
    }
    return {"data": data, "layout": layout}


def results_figure(run: Run) -> Figure | None:
    """Return the summed net result of closed trades by strategy, stepping at each exit."""
    by_strategy: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for trade in run.trade_rows:
        if trade.exit_ns is not None and trade.net_usd is not None:
            by_strategy[trade.strategy_id].append((trade.exit_ns, trade.net_usd))
    if not by_strategy:
        return None
    data: list[Json] = []
    for index, (name, steps) in enumerate(sorted(by_strategy.items())):
        steps.sort()
        times = np.array([run.from_ns or steps[0][0], *(at for at, _ in steps)], dtype=np.int64)
        sums = np.array(list(accumulate((net for _, net in steps), initial=0.0)))
        at, shown = extremes(times, sums)
        line = _line(milliseconds(at), _floats(shown), name, PALETTE[index % len(PALETTE)], "%{y:$,.2f}")
        data.append(line | {"line": {"color": PALETTE[index % len(PALETTE)], "width": 1.6, "shape": "hv"}})
    axis: Figure = {
        "title": {"text": "Net result of closed trades ($)"},
        "tickformat": ",.2~f",
        "zeroline": True,
    }
    return {"data": data, "layout": time_layout(run, 320) | {"yaxis": axis, "hovermode": "x unified"}}


def regimes_figure(run: Run, bands: Mapping[str, Sequence[Band]]) -> Figure | None:
    """Return the regime of each symbol and market group over time."""
    names = list(bands)[:ROWS_MAX]
    if not names:
        return None
    rows = {name: bands[name] for name in names}
    layout: Figure = time_layout(run, 110 + 34 * len(names)) | {
        "barmode": "overlay",
        "bargap": 0.25,
        "yaxis": {"autorange": "reversed", "type": "category", "categoryarray": names},
    }
    return {"data": band_traces(rows), "layout": layout}


def band_traces(rows: Mapping[str, Sequence[Band]], yaxis: str = "y") -> list[Json]:
    """Return one bar trace a regime, rows by name."""
    traces: list[Json] = []
    for regime, color in REGIME_COLORS.items():
        found = [(name, band) for name, bands in rows.items() for band in bands if band.regime is regime]
        if found:
            traces.append(
                {
                    "type": "bar",
                    "orientation": "h",
                    "name": regime.name.replace("_", " ").lower(),
                    "legendgroup": regime.name,
                    "y": [name for name, _ in found],
                    "base": [round(band.from_ns / _MS_NS, 3) for _, band in found],
                    "x": [round((band.until_ns - band.from_ns) / _MS_NS, 3) for _, band in found],
                    "customdata": [[band.why, duration_text(band.until_ns - band.from_ns)] for _, band in found],
                    "hovertemplate": f"<b>{regime.name}</b> for %{{customdata[1]}}<br>%{{customdata[0]}}<extra>%{{y}}</extra>",
                    "marker": {"color": color, "line": {"width": 0}},
                    "yaxis": yaxis,
                }
            )
    return traces


def slippage_figure(run: Run) -> Figure | None:
    """Return how orders filled against the mid and against their reference price."""
    rows = [row for row in run.order_rows if row.fills]
    series = (
        ("to reference", BLUE, [row.slippage_bps(row.reference_price_nanos) for row in rows]),
        ("to mid", AMBER, [row.slippage_bps(row.mid_nanos) for row in rows]),
    )
    data: list[Json] = []
    for name, color, values in series:
        bars = histogram([value for value in values if value is not None], _BINS)
        if bars is not None:
            data.append(_bars(name, color, bars, "%{x:.2f} bps: %{y} orders"))
    axis: Figure = {"title": {"text": "Slippage (bps, positive is worse)"}, "zeroline": True}
    return _histogram_figure(data, axis) if data else None


def hold_figure(run: Run) -> Figure | None:
    """Return hold times of closed trades on a logarithmic scale, by exit reason."""
    by_reason: defaultdict[str, list[float]] = defaultdict(list)
    for trade in run.trade_rows:
        if trade.hold_ns is not None:
            by_reason[exit_name(trade.exit_reason)].append(max(trade.hold_ns / SECOND_NS, 1e-3))
    if not by_reason:
        return None
    every = [seconds for values in by_reason.values() for seconds in values]
    edges = np.geomspace(min(every) * 0.999, max(*every, min(every) * 10) * 1.001, _BINS // 2 + 1)
    labels = [duration_text(float(edge) * SECOND_NS) for edge in np.sqrt(edges[:-1] * edges[1:])]
    data: list[Json] = [
        {
            "type": "bar",
            "name": name,
            "x": list(range(len(labels))),
            "y": [int(count) for count in np.histogram(values, bins=edges)[0]],
            "customdata": labels,
            "hovertemplate": "about %{customdata}: %{y}",
            "marker": {"color": PALETTE[index % len(PALETTE)]},
        }
        for index, (name, values) in enumerate(sorted(by_reason.items()))
    ]
    ticks = list(range(0, len(labels), 4))
    axis: Figure = {
        "title": {"text": "Hold time"},
        "tickvals": ticks,
        "ticktext": [labels[tick] for tick in ticks],
    }
    return _histogram_figure(data, axis, count_of="Trades", barmode="stack")


def exits_figure(run: Run) -> Figure | None:
    """Return the net result by exit reason, with the number of trades in brackets."""
    counts: Counter[str] = Counter()
    sums: defaultdict[str, float] = defaultdict(float)
    for trade in run.trade_rows:
        if trade.net_usd is not None:
            counts[exit_name(trade.exit_reason)] += 1
            sums[exit_name(trade.exit_reason)] += trade.net_usd
    names = sorted(sums, key=lambda name: sums[name])
    if not names:
        return None
    trace: dict[str, Json] = {
        "type": "bar",
        "orientation": "h",
        "y": [f"{name} ({counts[name]})" for name in names],
        "x": [round(sums[name], 4) for name in names],
        "width": min(0.8, 0.2 * len(names)),
        "hovertemplate": "%{y}: %{x:$,.2f}<extra></extra>",
        "marker": {"color": [GREEN if sums[name] >= 0 else RED for name in names]},
    }
    axis: Figure = {"title": {"text": "Net result ($)"}, "zeroline": True}
    return {"data": [trace], "layout": plain_layout(320) | {"xaxis": axis, "showlegend": False}}


def excursions_figure(run: Run) -> Figure | None:
    """Return the worst and best excursion of each closed trade; None without a tape to read them from."""
    rows = [trade for trade in run.trade_rows if trade.excursions_bps is not None and trade.net_usd is not None]
    rows = sorted(rows, key=lambda trade: -abs(trade.net_usd or 0.0))[:SCATTER_MAX]
    data: list[Json] = []
    for name, color, won in (("winners", GREEN, True), ("losers", RED, False)):
        part = [trade for trade in rows if ((trade.net_usd or 0.0) > 0) is won]
        if part:
            data.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": name,
                    "cliponaxis": False,
                    "x": [round(-trade.excursions_bps[0], 3) for trade in part if trade.excursions_bps],
                    "y": [round(trade.excursions_bps[1], 3) for trade in part if trade.excursions_bps],
                    "customdata": [[trade.number, trade.symbol, round(trade.net_usd or 0.0, 2)] for trade in part],
                    "hovertemplate": "trade %{customdata[0]} %{customdata[1]}: %{customdata[2]:$,.2f}<br>"
                    "MAE %{x:.1f} bps, MFE %{y:.1f} bps<extra></extra>",
                    "marker": {"color": color, "size": 7, "opacity": 0.75},
                }
            )
    axes: Figure = {
        "xaxis": {"title": {"text": "MAE: worst against it (bps)"}, "rangemode": "tozero"},
        "yaxis": {"title": {"text": "MFE: best for it (bps)"}, "rangemode": "tozero"},
    }
    return {"data": data, "layout": plain_layout(320) | axes} if data else None


def refusals_figure(run: Run) -> Figure | None:
    """Return how often each check failed, and how often it was the first to."""
    table = refusals_by_check(run).filter(pl.col("failed") > 0).head(ROWS_MAX).reverse()
    if table.is_empty():
        return None
    names = table["check"].to_list()
    data: list[Json] = [
        _check_bars("decided the refusal", RED, names, table["deciding"].to_list()),
        _check_bars("failed as well", AMBER, names, (table["failed"] - table["deciding"]).to_list()),
    ]
    layout: Figure = plain_layout(max(320, 90 + 26 * len(names))) | {
        "barmode": "stack",
        "xaxis": {"title": {"text": "Intents"}},
    }
    return {"data": data, "layout": layout}


def exit_name(reason: ExitReason | None) -> str:
    """Return an exit reason as a label."""
    return "unknown" if reason is None else reason.value.replace("_", " ")


def plain_layout(height: int) -> Figure:
    """Return the layout all figures share."""
    return {
        "height": height,
        "margin": {"l": 64, "r": 16, "t": 12, "b": 44},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "yaxis": {},
    }


def height_of(figure: Figure) -> int:
    """Return a figure's height in pixels."""
    layout = figure["layout"]
    assert isinstance(layout, Mapping)
    height = layout["height"]
    assert isinstance(height, int)
    return height


def time_layout(run: Run, height: int) -> Figure:
    """Return the layout of figures over time."""
    return plain_layout(height) | {"xaxis": time_axis(run)}


def time_axis(run: Run) -> Figure:
    """Return the time axis: trading time, the same in every figure, so that they can be read together."""
    axis: Figure = {"type": "date", "hoverformat": "%H:%M:%S.%3f"}
    span = shown_span(run)
    return axis | {"range": [round(ns / _MS_NS, 3) for ns in span]} if span else axis


def shown_span(run: Run) -> tuple[int, int] | None:
    """Return the time from the first opening to the last close within the run; None if it has no length."""
    windows = trading_windows(run)
    return (windows[0][0], windows[-1][1]) if windows and windows[0][0] < windows[-1][1] else None


def _line(x: list[float], y: list[float], name: str, color: str, hover: str) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": x,
        "y": y,
        "line": {"color": color, "width": 1.4},
        "hovertemplate": hover,
    }


def _bars(name: str, color: str, bars: tuple[list[float], list[int], float], hover: str) -> Figure:
    centers, counts, width = bars
    return {
        "type": "bar",
        "name": name,
        "x": [round(center, 6) for center in centers],
        "y": counts,
        "width": width,
        "marker": {"color": color, "opacity": 0.7, "line": {"width": 0}},
        "hovertemplate": hover,
    }


def _histogram_figure(data: list[Json], axis: Figure, *, count_of: str = "Orders", barmode: str = "overlay") -> Figure:
    layout: Figure = plain_layout(320)
    layout |= {"barmode": barmode, "xaxis": axis, "yaxis": {"title": {"text": count_of}}}
    return {"data": data, "layout": layout}


def _check_bars(name: str, color: str, names: list[str], counts: list[int]) -> Figure:
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "y": names,
        "x": counts,
        "marker": {"color": color, "opacity": 0.85},
        "hovertemplate": "%{x}",
    }


def _floats(values: NDArray[np.float64]) -> list[float]:
    return [float(value) for value in np.round(values, 6)]
