import re

import pytest

from tests.conftest import ROOT
from tidegate.config import file_rules
from tidegate.config.finding import SHIPPED
from tidegate.engine.layout import SYMBOL
from tidegate.regime.rows import REGIME
from tidegate.strategies.rows import OWN

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
