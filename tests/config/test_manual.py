import re

import pytest

from tests.conftest import ROOT
from tidegate.config import file_rules
from tidegate.config.finding import SHIPPED
from tidegate.engine.layout import SYMBOL
from tidegate.regime.rows import REGIME
from tidegate.strategies.plan import EntryRule, ExitRule, PartialFillRule, Plan, ReentryRule, SizingRule, Subscription
from tidegate.strategies.rows import OWN
from tidegate.strategies.strategy import Intent, View

pytestmark = pytest.mark.req("A2.3")

PAGE = (ROOT / "docs" / "strategies.md").read_text()


def test_the_code_of_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(block, "docs/strategies.md", "exec"), {"__name__": "page"})
    assert "left the range" in capsys.readouterr().out


def test_every_field_that_the_page_promises_is_there() -> None:
    section = PAGE[PAGE.index("## What a trigger sees") : PAGE.index("## What is refused")]
    known = {*(SYMBOL.names or ()), *(REGIME.names or ()), *(OWN.names or ())}
    words = set(re.findall(r"`(\w+)`", section)) - {"symbol", "regime", "own", "params", "Params", "bool", "_nanos", "_ns"}
    assert words - known == set()


def test_the_page_names_what_may_be_imported_and_what_ships() -> None:
    assert all(f"`{name}`" in PAGE for name in file_rules.MODULES)
    assert all(f"**{name}**" in PAGE for name in SHIPPED)


def test_every_field_of_a_plan_a_view_and_an_intent_has_a_row_with_a_meaning() -> None:
    page = (ROOT / "docs" / "plan.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert [line for line in rows if not line.split("|")[-2].strip()] == []
    for kind in (Plan, EntryRule, ExitRule, SizingRule, ReentryRule, PartialFillRule, Subscription, View, Intent):
        section = page.partition(f"\n### {kind.__name__}\n")[2].partition("\n### ")[0]
        assert [name for name in kind.__struct_fields__ if f"| `{name}` |" not in section] == []


def test_every_word_that_a_file_declares_or_answers_is_on_a_page() -> None:
    said = (ROOT / "docs" / "plan.md").read_text() + PAGE
    assert [name for name in file_rules.PUBLIC if f"`{name}" not in said and f"### {name}\n" not in said] == []
