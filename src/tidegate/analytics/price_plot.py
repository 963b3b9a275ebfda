"""Trades on the price of one symbol: price, entries and exits with their story on hover, regimes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from textwrap import wrap
from typing import Final

import numpy as np

from tidegate.analytics.bands import Band
from tidegate.analytics.collect import Run
from tidegate.analytics.downsample import extremes, milliseconds
from tidegate.analytics.explain import order_sentence
from tidegate.analytics.orders import OrderRow
from tidegate.analytics.plots import (
    GREEN,
    RED,
    Figure,
    Json,
    band_traces,
    exit_name,
    shown_span,
    time_axis,
    time_layout,
)
from tidegate.analytics.trades import Trade
from tidegate.analytics.wording import duration_text, usd_text
from tidegate.values.money import NANOS

SYMBOLS_MAX: Final = 12
Point = tuple[int, float, str]  # ns, price in nanos, hover text
TRADES_MAX: Final = 400  # in one figure, the largest results first
_HOVER_WIDTH = 72
_LONG_COLOR, _SHORT_COLOR, _PRICE_COLOR = "#2563eb", "#9333ea", "#64748b"


def price_symbols(run: Run) -> list[str]:
    """Return the symbols to draw: most trades first, then any that has prices, at most SYMBOLS_MAX."""
    counts = Counter(trade.symbol for trade in run.trade_rows)
    traded = [name for name, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    quiet = [name for name in run.instruments if name not in counts] if run.sources.prices else []
    return (traded + quiet)[:SYMBOLS_MAX]


def price_figure(run: Run, symbol: str, bands: Mapping[str, Sequence[Band]]) -> Figure | None:
    """Return one symbol's figure; None with neither prices nor trades."""
    trades = sorted((trade for trade in run.trade_rows if trade.symbol == symbol), key=_size)[:TRADES_MAX]
    line = _price_line(run, symbol)
    if line is None and not trades:
        return None
    rows = {row.client_order_id: row for row in run.order_rows if row.command.symbol == symbol}
    data: list[Json] = [line] if line else []
    data += _paths(trades)
    data += _markers(run, trades, rows)
    layout = time_layout(run, 460) | {
        "yaxis": {"domain": [0.12, 1], "title": {"text": f"{symbol} ($)"}, "tickformat": ",.2f"},
        "xaxis": time_axis(run) | {"anchor": "y2"},
        "hovermode": "closest",
    }
    if bands.get(symbol):
        data += band_traces({symbol: bands[symbol]}, yaxis="y2")
        layout |= {
            "yaxis2": {
                "domain": [0, 0.06],
                "type": "category",
                "showticklabels": False,
                "showgrid": False,
                "fixedrange": True,
            },
            "barmode": "overlay",
            "bargap": 0,
        }
    else:
        layout |= {
            "xaxis": time_axis(run),
            "yaxis": {"title": {"text": f"{symbol} ($)"}, "tickformat": ",.2f"},
        }
    return {"data": data, "layout": layout}


def _size(trade: Trade) -> float:
    return -abs(trade.net_usd or 0.0)


def _price_line(run: Run, symbol: str) -> Figure | None:
    if run.sources.prices is None:
        return None
    times, prices = run.sources.prices(symbol)
    first, last = shown_span(run) or (times[0], times[-1]) if len(times) else (0, 0)
    known = np.isfinite(prices) & (times >= first) & (times <= last)
    if not known.any():
        return None
    at, shown = extremes(times[known], prices[known])
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "price",
        "x": milliseconds(at),
        "y": [float(value) for value in np.round(shown, 6)],
        "line": {"color": _PRICE_COLOR, "width": 1},
        "hovertemplate": "%{x|%H:%M:%S} %{y:.4f}<extra></extra>",
    }


def _paths(trades: Sequence[Trade]) -> list[Json]:
    """Draw a line from entry to exit of each closed trade: one trace for gains, one for losses."""
    traces: list[Json] = []
    for name, color, won in (("gain", GREEN, True), ("loss", RED, False)):
        x: list[Json] = []
        y: list[Json] = []
        for trade in trades:
            if trade.exit_ns is not None and trade.exit_price_nanos is not None and (trade.cash_attos > 0) is won:
                x += [_ms(trade.entry_ns), _ms(trade.exit_ns), None]
                y += [trade.entry_price_nanos / NANOS, trade.exit_price_nanos / NANOS, None]
        if x:
            line: Figure = {"color": color, "width": 1.6}
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "name": name,
                    "x": x,
                    "y": y,
                    "line": line,
                    "hoverinfo": "skip",
                }
            )
    return traces


def _markers(run: Run, trades: Sequence[Trade], rows: Mapping[str, OrderRow]) -> list[Json]:
    long: list[Point] = []
    short: list[Point] = []
    out: list[Point] = []
    for trade in trades:
        entry = rows.get(trade.entry_orders[0]) if trade.entry_orders else None
        (long if trade.direction > 0 else short).append(
            (
                trade.entry_ns,
                trade.entry_price_nanos,
                _hover(run, entry, f"Trade {trade.number}: {'held before' if trade.is_carried else 'entry'}"),
            )
        )
        if trade.exit_ns is not None and trade.exit_price_nanos is not None:
            after = "" if trade.hold_ns is None else f" after {duration_text(trade.hold_ns)}"
            head = f"Trade {trade.number}: exit by {exit_name(trade.exit_reason)}{after}, net {usd_text(trade.net_usd)}"
            leave = rows.get(trade.exit_orders[0]) if trade.exit_orders else None
            out.append((trade.exit_ns, trade.exit_price_nanos, _hover(run, leave, head)))
    styles: tuple[tuple[str, list[Point], Figure], ...] = (
        ("long entry", long, {"symbol": "triangle-up", "size": 11, "color": _LONG_COLOR}),
        ("short entry", short, {"symbol": "triangle-down", "size": 11, "color": _SHORT_COLOR}),
        ("exit", out, {"symbol": "x-thin-open", "size": 8, "color": _PRICE_COLOR, "line": {"width": 2}}),
    )
    return [_marker_trace(name, points, marker) for name, points, marker in styles if points]


def _marker_trace(name: str, points: Sequence[Point], marker: Figure) -> Figure:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [_ms(ns) for ns, _, _ in points],
        "y": [price / NANOS for _, price, _ in points],
        "text": [text for _, _, text in points],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": marker,
    }


def _hover(run: Run, row: OrderRow | None, head: str) -> str:
    lines = [f"<b>{escape(head)}</b>"]
    if row is not None:
        lines += [escape(line) for line in wrap(order_sentence(run, row), _HOVER_WIDTH)]
        lines.append(f"<i>tidegate explain {escape(row.client_order_id)}</i>")
    return "<br>".join(lines)


def _ms(ns: int) -> float:
    return round(ns / 1e6, 3)
