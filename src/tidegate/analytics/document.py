"""The HTML report put together in reading order: header, figures, tables, manifest."""

from collections import Counter
from html import escape
from typing import Final, final

import msgspec

from tidegate.analytics import curves, markup, plots, scorecard, sections
from tidegate.analytics.bands import regime_bands
from tidegate.analytics.collect import Run
from tidegate.analytics.metrics import groups
from tidegate.analytics.page import page
from tidegate.analytics.price_plot import SYMBOLS_MAX, TRADES_MAX, price_figure, price_symbols
from tidegate.analytics.slices import traded_valuations
from tidegate.analytics.summary import run_title, summary
from tidegate.analytics.wording import date_text, time_text

SECTIONS: Final = {
    "equity": "Equity and drawdown",
    "trades": "Trades on price",
    "regimes": "Regimes",
    "execution": "Execution and exits",
    "refusals": "Refusals by check",
    "metrics": "Metrics",
    "manifest": "What made this run",
    "assumptions": "Assumptions",
}
_FOOTER = "Times are UTC. A dash means not known or not defined, never zero. This file loads nothing from anywhere."
_NO_TRADE = "No trade was closed."


def report_html(run: Run, title: str = "") -> str:
    """Return the whole report as one HTML text that needs nothing else; `title` defaults to mode and day."""
    document = _Document(run)
    body = "\n".join((_header(run, title or run_title(run)), *document.body()))
    links = "".join(f'<a href="#{name}">{name.capitalize()}</a>' for name in SECTIONS)
    return page(
        title=escape(title or run_title(run)),
        links=links,
        body=body,
        footer=_FOOTER,
        figures=msgspec.json.encode(document.figures),
    )


@final
class _Document:
    """The body's parts, and the figures they place."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.bands = regime_bands(run)
        self.figures: dict[str, plots.Figure] = {}

    def body(self) -> tuple[str, ...]:
        run = self.run
        found = groups(run)
        sharpe = curves.sharpe(traded_valuations(run))
        remark = f"annualized, {sharpe.samples} {sharpe.sampling} returns" if sharpe else "too few samples"
        return (
            scorecard.cards(found[0], remark),
            _heading("equity"),
            markup.panel(self.place("equity", plots.equity_figure(run), "The account was never valued.")),
            self.framed("Net result by strategy", "results", plots.results_figure(run), _NO_TRADE),
            _heading("trades"),
            self.prices(),
            markup.panel(sections.trades_table(run), "Round trips"),
            _heading("regimes"),
            markup.panel(self.place("regimes", plots.regimes_figure(run, self.bands), "No regime was ever set.")),
            _heading("execution"),
            self.execution(),
            _heading("refusals"),
            self.framed("Failed checks", "refusals", plots.refusals_figure(run), "No check failed."),
            markup.panel(sections.refusals_table(run)),
            sections.masked_table(run),
            sections.incidents_table(run),
            _heading("metrics"),
            markup.panel(scorecard.metrics_tables(found)),
            _heading("manifest"),
            sections.manifest(run),
            _heading("assumptions"),
            markup.panel(sections.assumptions(run)),
        )

    def prices(self) -> str:
        symbols = price_symbols(self.run)
        if not symbols:
            return markup.panel(markup.empty("Nothing was traded."))
        parts = []
        for symbol in symbols:
            figure = price_figure(self.run, symbol, self.bands)
            parts.append((symbol, self.place(f"price-{symbol}", figure, "Neither prices nor trades are known.")))
        return markup.panel(markup.tabs("price", parts) + markup.note(_price_note(self.run)))

    def execution(self) -> str:
        run = self.run
        parts = (
            self.framed("Slippage", "slippage", plots.slippage_figure(run), "No order was filled."),
            self.framed("Hold times by exit reason", "hold", plots.hold_figure(run), _NO_TRADE),
            self.framed("Net result by exit reason", "exits", plots.exits_figure(run), _NO_TRADE),
            self.framed(
                "Excursions while held",
                "excursions",
                plots.excursions_figure(run),
                _NO_TRADE if self.run.sources.marks is not None else "No tape was at hand to read them from.",
            ),
        )
        return f'<div class="grid">{"".join(parts)}</div>'

    def framed(self, heading: str, name: str, figure: plots.Figure | None, otherwise: str) -> str:
        return markup.panel(self.place(name, figure, otherwise), heading)

    def place(self, name: str, figure: plots.Figure | None, otherwise: str) -> str:
        """Keep a figure and return its place, or say why there is none."""
        if figure is None:
            return markup.empty(otherwise)
        self.figures[name] = figure
        return markup.figure(name, plots.height_of(figure))


def _heading(name: str) -> str:
    return markup.section(name, SECTIONS[name])


def _header(run: Run, title: str) -> str:
    chips = [("session", run.opening.session_id)] if run.opening else []
    if run.from_ns is not None and run.until_ns is not None:
        first, last = (f"{date_text(ns)} {time_text(ns)[: len('hh:mm:ss')]}" for ns in (run.from_ns, run.until_ns))
        chips.append(("data", f"{first} to {last} UTC"))
    if run.sources.records is not None:
        chips.append(("market records", f"{run.sources.records:,}"))
    if run.sources.seconds:
        chips.append(("run time", f"{run.sources.seconds:.1f} s"))
    spans = "".join(f'<span class="chip">{escape(name)} <b>{escape(value)}</b></span>' for name, value in chips)
    return f'<h1>{escape(title)}</h1><p class="lead">{escape(summary(run))}</p><div class="chips">{spans}</div>'


def _price_note(run: Run) -> str:
    notes = []
    traded = Counter(trade.symbol for trade in run.trade_rows)
    if len(traded) > SYMBOLS_MAX:
        notes.append(f"{len(traded) - SYMBOLS_MAX} symbols with fewer trades are not drawn.")
    if any(count > TRADES_MAX for count in traded.values()):
        notes.append(f"Of each symbol the {TRADES_MAX} trades with the largest result are drawn.")
    if run.sources.prices is None:
        notes.append("No tape was at hand, so the price line is missing.")
    return " ".join(notes)
