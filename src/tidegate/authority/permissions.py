"""Who may do what: one table of (action, scope, stage), deny by default. The manual's page is made from it.

- A place in the table belongs to one rule at most; a place in none is nobody's.
- `second`: the roles of which another person confirms, before anything happens. Empty: one person is enough.
- `fresh`: the login must not be older than five minutes.
- Nobody approves or confirms what he asked for himself, whatever his role.
- A kill needs no role at all: whoever may enter the trader's home can put the kill file down. Fast is safer than certain there.
"""

from collections.abc import Mapping
from itertools import product
from typing import Final, NamedTuple

from tidegate.authority.actions import REAL_MONEY, REHEARSAL, Action, TradingStage
from tidegate.values.enums import GateScope, Role

_EVERY_ROLE: Final = frozenset(Role)
_EVERY_SCOPE: Final = frozenset(GateScope)
_EVERY_STAGE: Final = frozenset(TradingStage)
_ONE_SYMBOL: Final = frozenset({GateScope.SYMBOL})
_WHOLE: Final = frozenset({GateScope.GLOBAL})
_CONFIGURED: Final = frozenset({GateScope.GLOBAL, GateScope.STRATEGY})
_KEYED: Final = frozenset({GateScope.GLOBAL, GateScope.VENUE, GateScope.ACCOUNT})
_DESK: Final = frozenset({Role.OPERATOR, Role.RISK_OFFICER, Role.ADMIN})
_RISK: Final = frozenset({Role.RISK_OFFICER})
_SECOND: Final = frozenset({Role.RISK_OFFICER, Role.APPROVER})


class Rule(NamedTuple):
    """One line of the table: who may do one of these things, in each of these scopes and stages."""

    actions: tuple[Action, ...]
    scopes: frozenset[GateScope]
    stages: frozenset[TradingStage]
    roles: frozenset[Role]
    second: frozenset[Role] = frozenset()
    fresh: bool = False


TABLE: Final = (
    Rule((Action.READ, Action.KILL), _EVERY_SCOPE, _EVERY_STAGE, _EVERY_ROLE),
    Rule((Action.PAUSE, Action.CANCEL), _EVERY_SCOPE, _EVERY_STAGE, _DESK),
    Rule((Action.DISABLE,), _ONE_SYMBOL, _EVERY_STAGE, _DESK),
    Rule((Action.FLATTEN,), _EVERY_SCOPE, REHEARSAL, _DESK),
    Rule((Action.FLATTEN,), _EVERY_SCOPE, REAL_MONEY, _DESK, fresh=True),
    Rule((Action.RESUME,), _EVERY_SCOPE, REHEARSAL, _RISK),
    Rule((Action.RESUME,), _EVERY_SCOPE, REAL_MONEY, _RISK, second=_SECOND, fresh=True),
    Rule((Action.ENABLE,), _ONE_SYMBOL, REHEARSAL, _RISK),
    Rule((Action.ENABLE,), _ONE_SYMBOL, REAL_MONEY, _RISK, second=_SECOND, fresh=True),
    Rule((Action.PROPOSE,), _EVERY_SCOPE, _EVERY_STAGE, frozenset({Role.AGENT, Role.OPERATOR, Role.RISK_OFFICER})),
    Rule((Action.APPROVE,), _EVERY_SCOPE, REHEARSAL, frozenset({Role.APPROVER})),
    Rule((Action.APPROVE,), _EVERY_SCOPE, REAL_MONEY, frozenset({Role.APPROVER}), fresh=True),
    Rule((Action.STAGE_CONFIG,), _CONFIGURED, _EVERY_STAGE, frozenset({Role.OPERATOR, Role.RISK_OFFICER})),
    Rule((Action.PROMOTE_CONFIG,), _CONFIGURED, REHEARSAL, _RISK),
    Rule((Action.PROMOTE_CONFIG,), _CONFIGURED, REAL_MONEY, _RISK, second=_SECOND, fresh=True),
    Rule((Action.TIGHTEN_LIMITS,), _EVERY_SCOPE, _EVERY_STAGE, _DESK),
    Rule((Action.LOOSEN_LIMITS,), _EVERY_SCOPE, REHEARSAL, _RISK),
    Rule((Action.LOOSEN_LIMITS,), _EVERY_SCOPE, REAL_MONEY, _RISK, second=_SECOND, fresh=True),
    Rule((Action.MANAGE_USERS,), _WHOLE, REHEARSAL, frozenset({Role.ADMIN})),
    Rule((Action.MANAGE_USERS,), _WHOLE, REAL_MONEY, frozenset({Role.ADMIN}), fresh=True),
    Rule((Action.ROTATE_KEYS,), _KEYED, REHEARSAL, frozenset({Role.ADMIN})),
    Rule((Action.ROTATE_KEYS,), _KEYED, REAL_MONEY, frozenset({Role.ADMIN}), fresh=True),
)

# While the ledger has no user: what the system user whose trader it is may do without a login. Anything else is denied.
_SAFE: Final = frozenset({Action.READ, Action.KILL, Action.PAUSE, Action.CANCEL})
_ONE_PERSON: Final = _SAFE | {
    Action.DISABLE,
    Action.FLATTEN,
    Action.RESUME,
    Action.ENABLE,
    Action.PROPOSE,
    Action.APPROVE,
    Action.STAGE_CONFIG,
    Action.PROMOTE_CONFIG,  # to stages without real money: those take users, whatever the trader's own mode (`version_verbs`)
    Action.TIGHTEN_LIMITS,
}
WITHOUT_USERS: Final[Mapping[TradingStage, frozenset[Action]]] = {
    stage: _SAFE if stage in REAL_MONEY else _ONE_PERSON for stage in TradingStage
}
WITHOUT_LOGIN: Final = frozenset({Action.READ, Action.KILL})  # once there are users: what the socket's own wall is enough for


def _places() -> dict[tuple[Action, GateScope, TradingStage], Rule]:
    found: dict[tuple[Action, GateScope, TradingStage], Rule] = {}
    for rule in TABLE:
        for place in product(rule.actions, rule.scopes, rule.stages):
            assert place not in found, "a place in the table belongs to one rule"
            found[place] = rule
    return found


_RULES: Final = _places()


def rule_for(action: Action, scope: GateScope, stage: TradingStage) -> Rule | None:
    """Return the rule of a place in the table; None: nobody may."""
    return _RULES.get((action, scope, stage))


def may(role: Role, action: Action, scope: GateScope, stage: TradingStage) -> bool:
    """Tell whether a role may do something; whether a second person has to confirm it stands in the rule."""
    rule = rule_for(action, scope, stage)
    return rule is not None and role in rule.roles


def owner_may(action: Action, scope: GateScope, stage: TradingStage) -> bool:
    """Tell what the trader's own system user may do while there is no user: never what the table gives to nobody."""
    return action in WITHOUT_USERS[stage] and rule_for(action, scope, stage) is not None
