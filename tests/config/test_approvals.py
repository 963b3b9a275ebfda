"""Rules about what a person has to approve: read as declared data, refused where they name nothing or contradict themselves."""

from typing import Any

import pytest

from tests.contract.kit import LIMITS, PLAIN_MILL, configuration, session, strategy
from tests.contract.markets import Market
from tidegate.config.errors import ConfigError
from tidegate.risk.approval_rules import ApprovalRule
from tidegate.values.enums import Side
from tidegate.values.money import NANOS

pytestmark = pytest.mark.req("I1", "F4")

RULE: dict[str, Any] = {"name": "new", "sentence": "one is new"}


def rules(*given: dict[str, Any]) -> tuple[ApprovalRule, ...]:
    loaded = configuration([strategy(PLAIN_MILL, "one", symbols=["AAA"])], approvals=list(given))
    return session(loaded, Market(seed=1, records=1, symbols=1)).spec.approval_rules


def test_a_rule_is_exact_numbers_and_restricts_what_it_names_alone() -> None:
    named = {"strategy": "one", "symbol": "AAA", "side": "sell", "quantity_above": "2.5", "notional_usd_above": "1000.0000019"}
    assert rules(RULE, RULE | {"name": "other"} | named) == (
        ApprovalRule(name="new", sentence="one is new"),
        ApprovalRule(
            name="other",
            sentence="one is new",
            strategy_id="one",
            symbol="AAA",
            side=Side.SELL,
            quantity_nanos_above=5 * NANOS // 2,
            notional_micros_above=1_000_000_001,
        ),
    )


def test_without_the_section_there_is_no_rule() -> None:
    assert rules() == ()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"symbol": "ZZZ"}, "approvals new: unknown symbol 'ZZZ'"),
        ({"strategy": "two"}, "approvals new: unknown strategy 'two'"),
        ({"quantity_above": -1}, "rule 'new' has a number below 0"),
        ({"notional_usd_above": -1}, "rule 'new' has a number below 0"),
        ({"name": ""}, "name"),
        ({"sentence": ""}, "sentence"),
        ({"side": "long"}, "side"),
        ({"above": 1}, "unknown key 'above'"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        rules(RULE | change)


def test_two_rules_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="give each rule a name of its own"):
        rules(RULE, RULE)


@pytest.mark.parametrize("key", ["approval_notional_usd_max", "approval_loss_usd_max", "second_approval_notional_usd_max", "approval_wait"])
def test_a_limit_that_is_missing_refuses_to_start(key: str) -> None:
    with pytest.raises(ConfigError, match=f"limit '{key}' is missing"):
        configuration([], limits={name: value for name, value in LIMITS.items() if name != key})
