import re

import msgspec
import pytest

from tests.conftest import ROOT
from tidegate.config import model
from tidegate.config.finding import SHIPPED
from tidegate.config.keys import keys_of
from tidegate.config.limits import limit_keys
from tidegate.config.reference import REQUIRED, KeyRow, limit_rows, reference_markdown, reference_rows, strategy_card

pytestmark = pytest.mark.req("F4")

REGIMES = ("CHOP", "TREND", "VOL_EXPANSION")
PARTINGS = ("cancel_working", "leave_working")
WORDS = {
    "instruments[].kind": ("stock", "index"),
    "strategies[].eligible[].symbol[]": REGIMES,
    "strategies[].eligible[].market[]": REGIMES,
    "strategies[].parting": PARTINGS,
    "strategies[].replace": ("cancel_first", "venue"),
    "approvals[].side": ("buy", "sell"),
    "simulator.fees": ("alpaca", "none"),
    "simulator.acknowledge": ("always", "resting"),
    "simulator.outside_hours": ("queue", "reject"),
    "live.feed": ("iex", "sip", "delayed_sip"),
    "live.parting": PARTINGS,
    "webhooks[].events[]": ("fills", "trips", "unknown", "approvals", "venue"),
}


def sections() -> list[type[msgspec.Struct]]:
    kinds = [kind for kind in vars(model).values() if isinstance(kind, type) and issubclass(kind, model.Section)]
    return [kind for kind in kinds if kind is not model.Section]


@pytest.mark.parametrize("kind", sections(), ids=lambda kind: kind.__name__)
def test_every_key_has_a_meaning_and_a_unit(kind: type[msgspec.Struct]) -> None:
    assert list(keys_of(kind)) == list(kind.__struct_fields__)
    for key in keys_of(kind).values():
        assert key.meaning
        assert key.unit


def test_every_key_of_every_section_is_in_the_reference() -> None:
    names = {row.path.rpartition(".")[2].removesuffix("[]") for row in reference_rows()}
    assert names >= {name for kind in sections() for name in kind.__struct_fields__}


def test_the_reference_says_defaults_and_what_is_required() -> None:
    rows = {row.path: row for row in reference_rows()}
    assert rows["account.cash_usd"].default == REQUIRED
    assert rows["market.stale"].default == "15s"
    assert rows["simulator.short_selling"].default == "true"
    assert rows["strategies[].symbols[]"].default == "*"
    assert rows["instruments[].lot"].default == "1"
    assert rows["limits"].default == "none"
    assert rows["market"].default == "its keys' defaults"
    assert rows["simulator.feed_latency"].default == "empty"


@pytest.mark.parametrize("row", [row for row in reference_rows() if row.path in WORDS], ids=lambda row: row.path)
def test_a_key_that_takes_certain_words_only_names_all_of_them(row: KeyRow) -> None:
    assert [word for word in WORDS[row.path] if not re.search(rf"\b{word}\b", row.meaning)] == []


def test_the_page_says_how_values_are_written() -> None:
    page = reference_markdown()
    assert [unit for unit in ("duration", "latency", "time", "bps") if f"\n| {unit} | " not in page] == []


def test_every_limit_is_in_the_reference() -> None:
    assert [row.path for row in limit_rows()] == [key.key for key in limit_keys()]
    assert {row.default for row in limit_rows()} == {REQUIRED}


@pytest.mark.req("A2.2")
@pytest.mark.parametrize("name", SHIPPED)
def test_every_parameter_of_a_shipped_strategy_is_documented(name: str) -> None:
    card = strategy_card(name)
    assert card.signal
    assert card.do_nothing
    assert [part.name for part in card.parameters if not part.remark] == []


def test_the_page_is_made_of_all_of_it() -> None:
    page = reference_markdown()
    for row in (*reference_rows(), *limit_rows()):
        assert f"| `{row.path}` |" in page
    for name in SHIPPED:
        assert f"## Strategy {name}" in page


def test_the_manual_has_the_page_as_it_is_made() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    assert page == reference_markdown(), "the keys have changed; run `python -m scripts.manual_pages`"
