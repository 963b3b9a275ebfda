"""The page of the contract names the tests that hold it; a name that is no test would hold nothing."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.req("C1.1")

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "contract.md"
RULE = re.compile(r"^(\d+)\. .*?(?=^\d+\. |^## |\Z)", re.MULTILINE | re.DOTALL)


def test_each_rule_of_the_page_names_tests_that_exist() -> None:
    known = {
        name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    rules = [(int(found[1]), found[0]) for found in RULE.finditer(PAGE.read_text())]
    assert [number for number, _ in rules] == list(range(1, len(rules) + 1))
    for number, text in rules:
        named = re.findall(r"`(test_\w+)`", text)
        assert named, f"nothing holds rule {number}"
        assert [name for name in named if name not in known] == [], f"rule {number}"


def test_each_test_of_the_contract_holds_a_rule() -> None:
    page = PAGE.read_text()
    tests = [
        name
        for path in Path(__file__).parent.glob("test_*.py")
        if path.name not in ("test_document.py", "test_faults.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    ]
    unnamed = [name for name in tests if f"`{name}`" not in page]
    assert unnamed == ["test_a_snapshot_of_another_session_is_refused", "test_a_state_hash_depends_on_nothing_but_the_state"]
