"""The manual's tables of differences, evidence and faults are those of the code."""

import pytest

from scripts.live_pages import DOCS, TABLES, page
from tidegate.engine.differences import TABLE
from tidegate.service.ledger.states import OutboxState
from tidegate.service.recovery import MEANING, Evidence
from tidegate.values.enums import Difference, GateState, OrderEventKind, Resolution

pytestmark = pytest.mark.req("B2.3")


@pytest.mark.parametrize("name", TABLES)
def test_a_page_shows_the_code_as_it_is(name: str) -> None:
    assert (DOCS / name).read_text() == page(name), "run python -m scripts.live_pages"


def test_every_difference_has_one_rule_and_words() -> None:
    assert set(TABLE) == set(Difference)
    for rule in TABLE.values():
        assert rule.what.endswith(".")
        assert rule.words.endswith(".")
        assert (rule.resolution is Resolution.STOPPED) <= (rule.scope is not None), "what is stopped closes something"
        assert rule.state is not GateState.ACTIVE


def test_every_state_of_a_row_means_something_and_none_means_resend() -> None:
    assert set(MEANING) == set(Evidence)
    assert {state.value for state in OutboxState} < {evidence.value for evidence in Evidence}
    assert set(MEANING.values()) == {OrderEventKind.NOT_SENT, OrderEventKind.OUTCOME_UNKNOWN}
