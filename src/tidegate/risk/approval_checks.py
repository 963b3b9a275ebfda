"""Does this entry need a person: asked once all other checks have passed, and of entries alone.

Size looks at the whole entry, however it is cut, since small orders must not slip below a threshold together. A failed check here
asks for a person; a failed one of the last two refuses, since nobody can be asked.
"""

from typing import Final

from tidegate.events.acts import CheckResult, TradeIntent
from tidegate.risk.view import RiskView

WAITING_MAX: Final = 64  # requests for approval at a time: more than persons can look at

_NO_RULE: Final = ("approval_rule", True, 0, 0)
_WHOLE: Final = ("approval_part", True, 1, 1)
_PART: Final = ("approval_part", False, 1, 0)


def approval_notional(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """Price x quantity of the whole entry is within what nobody has to look at."""
    limit, observed = view.bounds.approval_notional, view.whole_micros
    return ("approval_notional", observed is not None and observed <= limit, limit, observed)


def second_approval_notional(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """Price x quantity of the whole entry is within what one person may approve alone."""
    limit, observed = view.bounds.second_approval_notional, view.whole_micros
    return ("second_approval_notional", observed is not None and observed <= limit, limit, observed)


def approval_loss(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """The account is not down by more today. Observed is the loss, 0 for a gain."""
    limit, loss = view.bounds.approval_loss, view.day_loss_micros
    return ("approval_loss", loss is not None and loss <= limit, limit, loss)


def approval_rule(intent: TradeIntent, view: RiskView) -> CheckResult:
    """No rule of the configuration asks for a person. Observed is the place of the first one that does, from 1."""
    for place, rule in enumerate(view.approval_rules, start=1):
        if rule.covers(intent, view.whole_micros):
            return ("approval_rule", False, 0, place)
    return _NO_RULE


def approval_part(intent: TradeIntent, _view: RiskView) -> CheckResult:
    """The entry begins by itself: what continues an order on its way does not wait for a person."""
    return _PART if intent.replaces or intent.slice_number else _WHOLE


def approval_queue(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """There is room in the queue of requests, this one included."""
    count = view.approvals_waiting + 1
    return ("approval_queue", count <= WAITING_MAX, WAITING_MAX, count)
