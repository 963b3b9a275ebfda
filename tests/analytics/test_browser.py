"""The report in a real browser, where there is one: every plot is drawn and nothing is refused or raised."""

import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import msgspec
import pytest

from tidegate.analytics.collect import Run
from tidegate.analytics.document import report_html

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WATCH = """<script>
window.faults = [];
window.addEventListener("error", (event) => faults.push(event.message));
document.addEventListener("securitypolicyviolation", (event) => faults.push(event.blockedURI));
</script><title>"""
CLICK = """<script>
document.querySelectorAll("[role=tab]").forEach((tab) => tab.click());
document.getElementById("theme").click();
const drawn = {};
for (const box of document.querySelectorAll("[data-figure]")) {
  drawn[box.dataset.figure] = box.querySelectorAll("svg.main-svg .trace, svg.main-svg .point").length;
}
document.documentElement.dataset.result = JSON.stringify({ drawn, faults });
</script></body>"""


@pytest.fixture(scope="module")
def browser() -> str:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no browser ({', '.join(NAMES)}) on this machine; the report is checked as text alone")
    return found


@pytest.mark.req("C2.5")
def test_all_plots_are_drawn_in_all_tabs_and_both_themes(browser: str, run: Run, tmp_path: Path) -> None:
    text = report_html(run).replace("<title>", WATCH, 1)
    head, _, tail = text.rpartition("</body>")
    (tmp_path / "report.html").write_text(head + CLICK + tail, "utf-8")
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=10000", "--dump-dom"]
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    command = [browser, *options, profile, (tmp_path / "report.html").as_uri()]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r'data-result="([^"]*)"', answer.stdout)
    assert found is not None, answer.stderr[-2_000:]
    result = msgspec.json.decode(unescape(found[1]))
    assert result["faults"] == []
    assert len(result["drawn"]) == 11
    assert [name for name, traces in result["drawn"].items() if traces == 0] == []
