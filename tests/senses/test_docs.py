"""The page about the senses names everything that there is."""

import re
from pathlib import Path

import pytest

from tidegate.features import rows as features
from tidegate.market import rows as market
from tidegate.regime import rows as regime
from tidegate.strategies import rows as strategies
from tidegate.values.enums import Regime

pytestmark = pytest.mark.req("A1.1")

PAGE = re.sub(r"\s+", " ", (Path(__file__).resolve().parent.parent.parent / "docs" / "senses.md").read_text())
INNER = {"previous_second_close", "previous_second_ns", "previous_minute_close", "variance_short", "variance_long", "spread_quotes"}
INNER |= {"vwap_notional", "vwap_volume", "highs", "lows", "warm_seconds", "warm_minutes"}


@pytest.mark.parametrize("name", [str(field[0]) for field in features.SYMBOL_FIELDS if field[0] not in INNER])
def test_each_feature_is_explained(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("words", [*market.QUALITY_NAMES.values(), *strategies.MASK_NAMES])
def test_each_flag_and_mask_is_explained(words: str) -> None:
    assert words in PAGE


@pytest.mark.parametrize("words", [regime.WHY_NAMES[code].partition(":")[0] for code in regime.WHY_NAMES if code])
def test_each_reason_of_a_label_is_explained(words: str) -> None:
    assert words in PAGE


@pytest.mark.parametrize("label", Regime)
def test_each_label_is_explained(label: Regime) -> None:
    assert label.name in PAGE


@pytest.mark.parametrize("level", ["time stop", "stop loss", "trailing stop", "take profit", "spread kill"])
def test_each_exit_level_is_explained(level: str) -> None:
    assert f"| {level} |" in PAGE
