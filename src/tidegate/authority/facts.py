"""What happened at the door, for the audit: small, frozen, and without any secret. One callback is told of each."""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from tidegate.authority.actions import Action, TradingStage
from tidegate.values.enums import GateScope, Role


class Fact(msgspec.Struct, frozen=True, kw_only=True, tag_field="fact"):
    """Root of facts. at_ns: wall time, ns UTC; peer: the system user at the other end of the socket."""

    at_ns: int
    peer: str


class LoggedIn(Fact, frozen=True, kw_only=True, tag="logged_in"):
    """A user has proved who he is."""

    name: str
    role: Role


class LoginFailed(Fact, frozen=True, kw_only=True, tag="login_failed"):
    """A login failed, or came too soon after others. name: empty where no user has it, for it may be a password typed in its place."""

    name: str
    too_soon: bool


class LoggedOut(Fact, frozen=True, kw_only=True, tag="logged_out"):
    """A user has ended one of his logins."""

    name: str


class UserChanged(Fact, frozen=True, kw_only=True, tag="user_changed"):
    """A user was made, or something of him was changed. what: role, disabled, password, second_factor; `made` for a new one."""

    by: str
    name: str
    role: Role
    disabled: bool
    what: tuple[str, ...]


class Denied(Fact, frozen=True, kw_only=True, tag="denied"):
    """Somebody asked for what he may not. by: empty without a valid proof."""

    by: str
    action: Action
    scope: GateScope
    key: str
    stage: TradingStage
    why: str


class SecondAwaited(Fact, frozen=True, kw_only=True, tag="second_awaited"):
    """A request waits for another person."""

    by: str
    action: Action
    scope: GateScope
    key: str
    words: str


class SecondConfirmed(Fact, frozen=True, kw_only=True, tag="second_confirmed"):
    """A second person has confirmed it."""

    by: str
    first: str
    action: Action
    scope: GateScope
    key: str
    words: str


AnyFact: TypeAlias = LoggedIn | LoginFailed | LoggedOut | UserChanged | Denied | SecondAwaited | SecondConfirmed
OnFact: TypeAlias = Callable[[AnyFact], None]
