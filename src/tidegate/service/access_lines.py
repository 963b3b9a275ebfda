"""What happens at the door: lines of the service's own log, and entries of the audit chain."""

import structlog

from tidegate.authority.facts import AnyFact, Denied, LoggedIn, LoggedOut, LoginFailed, OnFact, SecondAwaited, SecondConfirmed, UserChanged
from tidegate.service.audit_words import fact_entry
from tidegate.service.desk import Desk

_log = structlog.get_logger("access")


def facts_to(desk: Desk) -> OnFact:
    """Return what is to be told of each fact: it goes to both."""

    def tell(fact: AnyFact) -> None:
        write_line(fact)
        desk.auditing.note(fact_entry(fact), hurries=True)

    return tell


def write_line(fact: AnyFact) -> None:
    """Write one line. Facts hold no secret."""
    match fact:
        case LoggedIn() | LoggedOut():
            _log.info(_tag(fact), actor=fact.peer, name=fact.name)
        case LoginFailed():
            _log.warning(_tag(fact), actor=fact.peer, name=fact.name, reason="too soon" if fact.too_soon else "wrong")
        case UserChanged():
            _log.info(_tag(fact), actor=fact.by, name=fact.name, reason=", ".join(fact.what), state=fact.role.value)
        case Denied():
            _log.warning(_tag(fact), actor=fact.by or fact.peer, scope=fact.scope.value, key=fact.key, reason=fact.why)
        case SecondAwaited() | SecondConfirmed():
            _log.info(_tag(fact), actor=fact.by, scope=fact.scope.value, key=fact.key, reason=fact.words)


def _tag(fact: AnyFact) -> str:
    tag = type(fact).__struct_config__.tag
    assert isinstance(tag, str), "each fact has its word"
    return tag
