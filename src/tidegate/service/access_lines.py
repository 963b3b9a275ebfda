"""What happens at the door as lines of the service's own log, until somebody keeps it better."""

import structlog

from tidegate.authority.facts import AnyFact, Denied, LoggedIn, LoggedOut, LoginFailed, SecondAwaited, SecondConfirmed, UserChanged

_log = structlog.get_logger("access")


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
