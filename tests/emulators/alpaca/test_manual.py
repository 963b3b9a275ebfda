"""The manual's page on the emulator lists every fault, every field and every endpoint, and its examples are real."""

import re

import msgspec
import pytest

from tests.conftest import ROOT
from tidegate.emulators.alpaca import rest_trading
from tidegate.emulators.alpaca.assets import Reference
from tidegate.emulators.alpaca.faults import Fault, FaultKind, checked
from tidegate.emulators.alpaca.market_stream import OPTION_FEEDS, STOCK_FEEDS
from tidegate.emulators.alpaca.settings import KEY, SECRET

pytestmark = pytest.mark.req("X3")

PAGE = (ROOT / "docs" / "emulator.md").read_text()


def block(kind: str) -> str:
    found = re.search(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_each_fault_and_each_field_is_listed() -> None:
    assert [kind.value for kind in FaultKind if f"\n| `{kind}` | " not in PAGE] == []
    assert [field.name for field in msgspec.structs.fields(Fault) if f"`{field.name}`" not in PAGE] == []


def test_each_endpoint_is_listed() -> None:
    assert [route.path for route in rest_trading.ROUTES if f"`{route.path}`" not in PAGE] == []
    assert [name for name in STOCK_FEEDS | OPTION_FEEDS if f"/{name}`" not in PAGE] == []


def test_its_examples_are_real() -> None:
    assert len(checked(msgspec.yaml.decode(block("yaml"), type=list[Fault]))) == 4
    assert msgspec.json.decode(block("json"), type=Reference).assets["BAC"]["exchange"] == "NYSE"
    assert f"key {KEY}, secret {SECRET}" in PAGE


def test_its_corporate_action_is_found_by_its_day() -> None:
    reference = msgspec.json.decode(block("json"), type=Reference)
    assert all(row["process_date"] for rows in reference.corporate_actions.values() for row in rows), "found by its id alone"
