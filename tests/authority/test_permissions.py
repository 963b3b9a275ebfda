"""Who may do what, stated a second time by hand and compared with the table over the whole grid."""

from itertools import product

import pytest

from tidegate.authority.actions import REAL_MONEY, Action, TradingStage, action_of
from tidegate.authority.permissions import TABLE, WITHOUT_LOGIN, may, owner_may, rule_for
from tidegate.values.enums import GateScope, RequestVerb, Role

pytestmark = pytest.mark.req("E2", "D2.1")

# One line for each action: what each role may do, in the order viewer, operator, approver, risk officer, admin, agent; then where.
STATED = {
    "read": ("V O A R D G", "global venue account strategy symbol"),
    "kill": ("V O A R D G", "global venue account strategy symbol"),
    "pause": ("- O - R D -", "global venue account strategy symbol"),
    "cancel": ("- O - R D -", "global venue account strategy symbol"),
    "disable": ("- O - R D -", "symbol"),
    "flatten": ("- O - R D -", "global venue account strategy symbol"),
    "resume": ("- - - R - -", "global venue account strategy symbol"),
    "enable": ("- - - R - -", "symbol"),
    "propose": ("- O - R - G", "global venue account strategy symbol"),
    "approve": ("- - A - - -", "global venue account strategy symbol"),
    "stage_config": ("- O - R - -", "global strategy"),
    "promote_config": ("- - - R - -", "global strategy"),
    "tighten_limits": ("- O - R D -", "global venue account strategy symbol"),
    "loosen_limits": ("- - - R - -", "global venue account strategy symbol"),
    "manage_users": ("- - - - D -", "global"),
    "rotate_keys": ("- - - - D -", "global venue account"),
}
ORDER = ("viewer", "operator", "approver", "risk_officer", "admin", "agent")
WITH_REAL_MONEY = ("small-live", "live")
SECOND = {"resume", "enable", "promote_config", "loosen_limits"}  # with real money
FRESH = SECOND | {"flatten", "approve", "manage_users", "rotate_keys"}  # with real money
# Of one person without users.
ALONE = "read kill pause cancel disable flatten resume enable propose approve stage_config promote_config tighten_limits"
ALONE_WITH_REAL_MONEY = "read kill pause cancel"

GRID = [*product(Role, Action, GateScope, TradingStage)]


def stated(role: str, action: str, scope: str) -> bool:
    letters, scopes = STATED[action]
    return letters.split()[ORDER.index(role)] != "-" and scope in scopes.split()


def test_the_statement_speaks_of_every_role_and_action() -> None:
    assert set(ORDER) == set(Role)
    assert set(STATED) == set(Action)
    assert len(GRID) == 6 * 16 * 5 * 5


def test_the_table_is_what_is_stated_at_every_place_of_the_grid() -> None:
    wrong = [place for place in GRID if may(*place) is not stated(place[0].value, place[1].value, place[2].value)]
    assert wrong == []


def test_a_second_person_and_a_new_login_are_asked_for_where_it_is_stated() -> None:
    for _, action, scope, stage in GRID:
        rule = rule_for(action, scope, stage)
        if rule is None:
            assert not any(may(role, action, scope, stage) for role in Role)
            continue
        real = stage.value in WITH_REAL_MONEY
        assert rule.second == ({Role.RISK_OFFICER, Role.APPROVER} if real and action.value in SECOND else set())
        assert rule.fresh is (real and action.value in FRESH)


def test_one_person_without_users_may_what_is_stated_and_never_what_nobody_may() -> None:
    for _, action, scope, stage in GRID:
        allowed = ALONE_WITH_REAL_MONEY if stage.value in WITH_REAL_MONEY else ALONE
        expected = action.value in allowed.split() and scope.value in STATED[action.value][1].split()
        assert owner_may(action, scope, stage) is expected
    assert {stage.value for stage in REAL_MONEY} == set(WITH_REAL_MONEY)


def test_an_agent_proposes_reads_and_kills_and_nothing_else() -> None:
    assert {action for role, action, scope, stage in GRID if role is Role.AGENT and may(role, action, scope, stage)} == {
        Action.READ,
        Action.KILL,
        Action.PROPOSE,
    }
    assert all(Role.AGENT not in rule.second for rule in TABLE)


def test_no_role_both_proposes_and_approves() -> None:
    for scope, stage in product(GateScope, TradingStage):
        assert not [role for role in Role if may(role, Action.PROPOSE, scope, stage) and may(role, Action.APPROVE, scope, stage)]


def test_what_stops_is_never_harder_than_what_opens() -> None:
    for scope, stage in product(GateScope, TradingStage):
        for opens, stops in ((Action.RESUME, Action.PAUSE), (Action.RESUME, Action.KILL), (Action.ENABLE, Action.DISABLE)):
            opening, stopping = rule_for(opens, scope, stage), rule_for(stops, scope, stage)
            if opening is not None:
                assert stopping is not None
                assert opening.roles <= stopping.roles
                assert not stopping.second
                assert not stopping.fresh


def test_every_verb_of_a_request_is_an_action() -> None:
    assert {action_of(verb).value for verb in RequestVerb} == {verb.value for verb in RequestVerb}
    assert {Action.READ, Action.KILL} == WITHOUT_LOGIN
