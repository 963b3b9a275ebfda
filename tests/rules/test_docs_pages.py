"""The manual cannot lie: what follows from the code is written from it, and what exists has a place in it."""

import re
from pathlib import Path

import pytest
import yaml

from scripts import manual_pages, readme_parts
from scripts.cli_page import verbs
from scripts.manual_advice import ADVICE
from scripts.report_pictures import BYTES_MAX, PICTURES
from tests.conftest import ROOT
from tidegate.analytics.metrics import METRICS
from tidegate.config.limits import limit_keys
from tidegate.config.reference import reference_rows
from tidegate.oms.transitions import TRANSITIONS
from tidegate.risk.checks import APPROVAL_CHECKS, BY_NAME, refusal_catalogue
from tidegate.risk.wording import WORDING
from tidegate.values.enums import OrderState
from tidegate.values.errors import ExitCode
from tidegate.venues.sim.assumptions import assumptions

DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text()


def page(name: str) -> str:
    return (DOCS / name).read_text()


def test_pages_made_from_code_say_what_the_code_says() -> None:
    assert manual_pages.stale() == [], "run `python -m scripts.manual_pages` and commit its pages"


def test_readme_and_tutorial_quote_their_sources() -> None:
    assert readme_parts.stale() == [], "run `python -m scripts.readme_parts` and commit the pages"


@pytest.mark.parametrize("name", [row[0] for row in refusal_catalogue()])
def test_each_refusal_is_explained_with_what_to_do(name: str) -> None:
    section = page("refusals.md").partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    assert "what to do" in section
    assert ADVICE[name] in section


@pytest.mark.req("I1")
@pytest.mark.parametrize("name", [check.name for check in APPROVAL_CHECKS])
def test_each_reason_to_ask_a_person_is_explained(name: str) -> None:
    section = page("approvals.md").partition(f"\n### {name}\n")[2].partition("\n##")[0]
    assert WORDING[name].what in section
    assert f"`{manual_pages.limits_of(name)[0]}`" in section if manual_pages.limits_of(name) else "`approvals`" in section


def test_no_advice_is_left_of_a_check_that_is_gone() -> None:
    assert set(ADVICE) == {row[0] for row in refusal_catalogue()}


def test_each_limit_is_read_by_a_check_or_a_rule_and_listed() -> None:
    read = {key for name in BY_NAME for key in manual_pages.limits_of(name)} | manual_pages.in_trade_limits()
    read.add("approval_wait")  # no check reads it: the engine gives each request so long
    for limit in limit_keys():
        assert limit.key in read
        assert f"| `{limit.key}` |" in page("limits.md")


@pytest.mark.req("F4")
def test_each_configuration_key_is_listed() -> None:
    assert [row.path for row in reference_rows() if f"| `{row.path}` |" not in page("configuration.md")] == []


def test_each_verb_has_a_section() -> None:
    assert [verb for verb in verbs() if f"\n## tidegate {verb}\n" not in page("cli.md")] == []


def test_each_metric_is_defined() -> None:
    assert [metric.name for metric in METRICS if f"| `{metric.name}` |" not in page("metrics.md")] == []


def test_each_exit_code_is_told_on_both_pages() -> None:
    for code in (*map(int, ExitCode), 70, 130, 141):
        assert f"\n| {code} | " in page("errors.md")
        assert f"\n| {code} | " in page("cli.md")


def test_each_error_says_what_it_means() -> None:
    assert [error.__name__ for error in manual_pages.errors() if not (error.__doc__ or "").strip().endswith(".")] == []


def test_each_order_state_has_its_rows() -> None:
    text = page("order-states.md")
    for state, row in TRANSITIONS.items():
        section = text.partition(f"\n### {state.name}\n")[2].partition("\n### ")[0]
        assert [kind.value for kind in row if f"| {kind.value} |" not in section] == []


@pytest.mark.parametrize("picture", ["order-states.svg", "order-states-late.svg"])
def test_the_picture_of_the_states_names_only_states(picture: str) -> None:
    strong = re.findall(r'<text class="strong"[^>]*>(\w+)<', page(f"assets/{picture}"))
    assert set(strong) <= set(OrderState.__members__)


def test_both_pictures_together_show_every_state() -> None:
    both = page("assets/order-states.svg") + page("assets/order-states-late.svg")
    assert [state.name for state in OrderState if f">{state.name}<" not in both] == []


def test_each_assumption_of_the_simulator_is_told() -> None:
    assert [line for line in assumptions() if line not in page("simulator.md")] == []


def test_every_page_is_in_the_nav_and_decisions_are_in_their_index() -> None:
    nav = str(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])
    pages = [path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")]
    assert [name for name in pages if f"'{name}'" not in nav] == [], "add them to the nav of mkdocs.yml"
    decisions = [path.name for path in (DOCS / "decisions").glob("0*.md")]
    assert [name for name in decisions if f"({name})" not in page("decisions/index.md")] == []


def test_decisions_are_numbered_without_gaps_and_have_their_parts() -> None:
    paths = sorted((DOCS / "decisions").glob("0*.md"))
    assert [int(path.name[:4]) for path in paths] == list(range(1, len(paths) + 1))
    for path in paths:
        text = path.read_text()
        assert text.startswith(f"# {path.name[:4]}: ")
        assert all(f"**{part}" in text for part in ("Context", "Choice", "Consequences"))


def test_what_the_readme_links_to_is_there() -> None:
    targets = re.findall(r'(?:\]\(|src="|srcset=")([^)"#]+)', README)
    local = {target for target in targets if "://" not in target}
    assert len(local) > 20
    assert [target for target in local if not (ROOT / target).exists()] == []


def test_pictures_are_small_and_there_in_both_themes() -> None:
    names = [f"{picture.name}{theme}.png" for picture in PICTURES for theme in ("", "-dark")]
    sizes = {name: (DOCS / "assets" / name).stat().st_size for name in names}
    assert {path.name for path in (DOCS / "assets").glob("*.png")} == set(names)
    assert [name for name, size in sizes.items() if not 0 < size <= BYTES_MAX] == []


def test_pages_load_nothing_from_elsewhere() -> None:
    assert "mermaid" not in (ROOT / "mkdocs.yml").read_text()
    sources = [*DOCS.rglob("*.md"), ROOT / "README.md"]
    found = [path.name for path in sources if re.search(r'(?:!\[[^\]]*\]\(|src=")https?:', path.read_text())]
    assert found == []


def test_the_readme_stays_honest_about_what_is_missing() -> None:
    status = README.partition("## Status")[2].partition("\n## ")[0]
    for folder, words in (("service", "live"), ("gateway", "control room"), ("agents", "agents")):
        if not (ROOT / "src" / "tidegate" / folder).is_dir():
            missing = [line for line in status.splitlines() if line.startswith("| **not yet**")]
            assert any(words in line for line in missing)


def test_the_changelog_has_its_headings() -> None:
    lines = Path(ROOT / "CHANGELOG.md").read_text().splitlines()
    assert "## Unreleased" in lines
    kinds = {line.removeprefix("### ") for line in lines if line.startswith("### ")}
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
