"""The manual's tables of words and reasons are those of the code."""

import pytest

from tests.conftest import ROOT
from tidegate.venues.alpaca.mapping import words
from tidegate.venues.errors import DeclineReason

pytestmark = pytest.mark.req("I3", "G1")

PAGE = (ROOT / "docs" / "alpaca.md").read_text()


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_each_reason_for_a_refusal_says_what_to_do() -> None:
    assert [reason for reason in DeclineReason if f"| `{reason.value}` |" not in section("What each failure means")] == []


def test_each_status_and_each_event_is_in_the_tables() -> None:
    text = section("Words").replace(",", " ").split()
    assert [word for word in (*words.STATES, *words.EVENTS) if word not in text] == []
