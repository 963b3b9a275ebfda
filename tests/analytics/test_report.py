"""The report: one file that needs nothing else, as JSON, in the terminal, and honest when little happened."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import plotly.graph_objects as go
import pytest
from numpy.typing import NDArray
from rich.console import Console

from tests.analytics.day import opening
from tests.analytics.parts import OPEN_NS
from tests.analytics.scripted import Scripted
from tidegate.analytics import bands as band_rows
from tidegate.analytics import page
from tidegate.analytics.bands import Band, regime_bands
from tidegate.analytics.collect import Collector, Run, Sources, run_from_entries
from tidegate.analytics.document import SECTIONS, report_html
from tidegate.analytics.metrics import METRICS
from tidegate.analytics.report import (
    TERMINAL_METRICS,
    ReportNotWrittenError,
    report_json,
    summary_table,
    write_report,
)
from tidegate.analytics.summary import listed, run_title, summary
from tidegate.values.enums import Regime, Side
from tidegate.values.errors import ExitCode
from tidegate.values.time import SECOND_NS

pytestmark = pytest.mark.req("C2.5")

FIGURES = re.compile(r'<script type="application/json" id="figures">(.*?)</script>', re.DOTALL)
LOADS = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "object": "data"}


@pytest.fixture(scope="module")
def html(run: Run) -> str:
    return report_html(run)


def figures_of(html: str) -> dict[str, dict[str, object]]:
    found = FIGURES.search(html)
    assert found is not None
    figures: dict[str, dict[str, object]] = msgspec.json.decode(found[1])
    return figures


class Loads(HTMLParser):
    """Collect what a browser would fetch, and which elements stay open."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in LOADS and given.get(LOADS[tag]):
            self.loaded.append(given[LOADS[tag]] or "")
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [given["href"] or ""] if tag == "a" else []


def test_the_page_loads_nothing_and_its_policy_forbids_it(html: str) -> None:
    parser = Loads()
    parser.feed(html)
    assert [place for place in parser.loaded if not place.startswith("data:")] == []
    assert "Content-Security-Policy" in html
    assert "default-src 'none'" in html
    style = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style


def test_every_section_is_there_and_every_link_points_to_one(html: str) -> None:
    parser = Loads()
    parser.feed(html)
    assert len(parser.ids) == len(set(parser.ids))
    assert parser.links == [f"#{name}" for name in SECTIONS]
    assert set(SECTIONS) <= set(parser.ids)


def test_all_plots_are_there_and_are_valid_for_the_plotting_library(html: str) -> None:
    figures = figures_of(html)
    single = {"equity", "results", "regimes", "slippage", "hold", "exits", "excursions", "refusals"}
    assert set(figures) == single | {"price-AIG", "price-BAC", "price-IBM"}
    for name, figure in figures.items():
        assert f'data-figure="{name}"' in html
        go.Figure(figure)


def test_markers_on_the_price_tell_the_story_of_their_order(html: str, run: Run) -> None:
    figure = go.Figure(figures_of(html)["price-AIG"])
    entries = next(trace for trace in figure.data if trace.name == "long entry")
    assert "APPROVED: all 3 checks held." in entries.text[0].replace("<br>", " ")
    assert any(f"tidegate explain {run.order_rows[0].client_order_id}" in text for text in entries.text)
    exits = next(trace for trace in figure.data if trace.name == "exit")
    assert "net" in exits.text[0]


def test_the_price_line_is_bounded_however_long_the_tape(html: str) -> None:
    line = go.Figure(figures_of(html)["price-IBM"]).data[0]
    assert (line.name, 4_000 < len(line.x) <= 5_000) == ("price", True)


def test_moments_without_a_price_are_left_out_of_the_line(run: Run) -> None:
    def prices(symbol: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        gaps = [np.nan, 10.0, np.nan, 11.0] if symbol == "AIG" else [np.nan] * 4
        return np.arange(4, dtype=np.int64) + OPEN_NS, np.array(gaps)

    figures = figures_of(report_html(replace(run, sources=Sources(prices=prices))))
    assert list(go.Figure(figures["price-AIG"]).data[0].y) == [10.0, 11.0]
    assert go.Figure(figures["price-IBM"]).data[0].name != "price"


def test_the_manifest_and_the_assumptions_stand_in_the_page_line_by_line(html: str) -> None:
    first = opening()
    for text in (
        first.session_id,
        first.code_sha256,
        first.config_sha256,
        first.order_latency,
        "numpy 2.2.1",
    ):
        assert text in html
    assert all(f"<li>{line}</li>" in html for line in first.assumptions)
    assert "lookback_seconds" in html


def test_text_from_a_session_cannot_become_markup() -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    script = Scripted()
    script.at(OPEN_NS).refuse("AIG", evil, ("10.00", "10.01"), (("spread", False, 5, 11),), evil)
    order = script.enter(evil, evil, Side.BUY, 100, ("10.00", "10.01"))
    script.at(OPEN_NS + 1).fill(order, 100, "10.01")
    script.at(OPEN_NS + 2).label(evil, Regime.TREND, why=evil)
    script.at(OPEN_NS + 3).label(evil, Regime.CHOP, why=evil)
    html = report_html(run_from_entries(("act", n, k, message) for n, k, message in script.entries), title=evil)
    assert "<img" not in html[: html.index('id="figures"')]
    assert "<script>alert" not in html
    assert html.count("<script") == len(re.findall(r"</script>", html))


def test_a_run_in_which_nothing_happened_says_so_instead_of_drawing() -> None:
    html = report_html(Collector().run())
    assert figures_of(html) == {}
    for text in (
        "The account was never valued.",
        "Nothing was traded.",
        "No check failed.",
        "No order was sent.",
    ):
        assert text in html
    assert "NaN" not in html[: html.index('id="figures"')]


def test_without_a_closed_trade_the_tape_is_not_said_to_be_missing() -> None:
    tape = Sources(marks=lambda _symbol, _from, _to: None)
    missing = "No tape was at hand to read them from."
    assert (missing in report_html(Collector().run()), missing in report_html(Collector().run(None, tape))) == (True, False)


def test_a_run_without_a_tape_draws_trades_without_a_price_line(run: Run) -> None:
    bare = replace(run, sources=Sources())
    figures = figures_of(report_html(bare))
    assert "excursions" not in figures
    assert "price" not in [trace.name for trace in go.Figure(figures["price-AIG"]).data]
    assert "the price line is missing" in report_html(bare)


def test_the_file_appears_whole_under_its_name_and_nothing_else_stays(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("old", "utf-8")
    assert write_report(run, target, "A title") == target
    assert target.read_text("utf-8").endswith("</html>\n")
    assert "<title>A title</title>" in target.read_text("utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_report_that_cannot_be_written_is_one_sentence_and_leaves_the_old_file(run: Run, tmp_path: Path) -> None:
    with pytest.raises(ReportNotWrittenError, match="choose another place") as caught:
        write_report(run, tmp_path / "missing" / "report.html")
    assert caught.value.exit_code is ExitCode.ENVIRONMENT
    (tmp_path / "report.html").mkdir()
    with pytest.raises(ReportNotWrittenError):
        write_report(run, tmp_path / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_the_json_report_is_one_plain_object_with_all_metrics(run: Run) -> None:
    plain = msgspec.json.decode(msgspec.json.encode(report_json(run)))
    assert set(plain["metrics"]) == {"total", "by_strategy", "by_symbol", "by_regime"}
    assert set(plain["metrics"]["total"]) == {metric.name for metric in METRICS}
    assert float(plain["exact"]["net_usd"]) == pytest.approx(plain["metrics"]["total"]["net_usd"])
    assert len(plain["trades"]) == run.trades.height
    assert plain["manifest"]["code_sha256"] == opening().code_sha256
    assert plain["sharpe_sampling"]["sampling"] == "5-minute"
    assert plain["assumptions"] == list(opening().assumptions)


def test_the_json_of_an_empty_run_has_nulls() -> None:
    plain = report_json(Collector().run())
    assert (plain["session"], plain["from"], plain["manifest"], plain["masked"]) == (None, None, None, None)
    assert plain["sharpe_sampling"] is None


def test_the_terminal_table_shows_the_total_and_each_strategy(run: Run) -> None:
    out = StringIO()
    Console(file=out, width=140).print(summary_table(run))
    text = out.getvalue()
    for name in (
        "total",
        "breakout",
        "mean_reversion",
        "trend_following",
        "Net result",
        "Slippage to mid (bps)",
    ):
        assert name in text
    assert set(TERMINAL_METRICS) <= {metric.name for metric in METRICS}
    assert len(summary_table(Collector().run()).columns) == 2


def test_a_run_is_summed_up_in_a_sentence_or_two(run: Run) -> None:
    assert run_title(run) == "Replay of 2013-10-07"
    assert re.fullmatch(
        r"breakout, mean_reversion and trend_following closed \d+ round trips in AIG, BAC and IBM "
        r"with \d+ orders: −?\$[\d,.]+ net after \$[\d,.]+ of fees\. "
        r"The gate refused \d+ of \d+ intents, most often for \w+\.",
        summary(run),
    )
    assert run_title(Collector().run()) == "Session report"
    assert summary(Collector().run()) == "No order was sent. No intent reached the gate."


def test_a_run_with_orders_and_no_trade_says_that() -> None:
    script = Scripted()
    script.at(OPEN_NS).enter("AIG", "trend", Side.BUY, 100, ("10.00", "10.01"))
    run = run_from_entries(("act", n, k, message) for n, k, message in script.entries)
    assert summary(run) == "trend sent 1 order in AIG and closed no trade. The gate refused none of 1 intent."


def test_long_lists_of_names_are_shortened() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a and b"
    assert listed(list("abcdefgh")) == "a, b, c, d, e and 3 more"


def test_faults_and_gates_have_a_table_when_there_are_any(html: str) -> None:
    assert "Faults, gates and streams" not in html
    script = Scripted()
    story = script.at(OPEN_NS).attend("AIG", "mine", ("10.00", "10.01"))
    script.fault("AIG", "mine", story, "KeyError: 7")
    made = report_html(run_from_entries(("act", n, k, message) for n, k, message in script.entries))
    assert "mine failed on AIG at mine.py:12 in decide: KeyError: 7" in made
    assert "strategy mine went from active to reduce_only" in made


def labelled(changes: list[tuple[int, Regime]]) -> Run:
    script = Scripted()
    script.at(OPEN_NS)
    script.value("100")
    for second, regime in changes:
        script.at(OPEN_NS + second * SECOND_NS).label("AIG", regime)
    return run_from_entries(
        (("act", n, k, message) for n, k, message in script.entries),
        sources=Sources(until_ns=OPEN_NS + 10_000 * SECOND_NS),
    )


def test_regime_bands_cover_the_run_without_gaps() -> None:
    found = regime_bands(labelled([(10, Regime.CHOP), (40, Regime.TREND)]))["AIG"]
    assert [band.regime for band in found] == [Regime.UNTRADEABLE, Regime.CHOP, Regime.TREND]
    assert [(band.from_ns - OPEN_NS) // SECOND_NS for band in found] == [0, 10, 40]
    assert found[-1].until_ns == OPEN_NS + 10_000 * SECOND_NS


def test_too_many_regime_bands_are_thinned_to_what_stood_at_equal_steps() -> None:
    flapping = [(second, Regime.CHOP if second % 2 else Regime.TREND) for second in range(1, 5_000)]
    found: list[Band] = regime_bands(labelled(flapping))["AIG"]
    assert len(found) <= band_rows.BANDS_MAX
    assert all(before.until_ns == after.from_ns for before, after in pairwise(found))
    assert (found[0].from_ns, found[-1].until_ns) == (OPEN_NS, OPEN_NS + 10_000 * SECOND_NS)


def test_a_dollar_sign_in_a_text_is_only_a_dollar_sign() -> None:
    made = page.page(title="$body", links="", body="costs $5 or ${x}", footer="", figures=b"{}")
    assert "<title>$body</title>" in made
    assert "costs $5 or ${x}" in made
