"""A user as the ledger keeps him, and what must hold of all of them. His secrets show in no print."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from tidegate.authority.errors import BadUserError
from tidegate.values.enums import Role

USERS_MAX: Final = 256
_NAME: Final = re.compile(r"[a-z][a-z0-9._-]{0,31}")


class User(msgspec.Struct, frozen=True, kw_only=True):
    """One user of one account's trader. Times are ns UTC; `last_step` is the last used step of the second factor, 0: never used."""

    account: str
    name: str
    role: Role
    password_hash: str
    totp_secret: str
    disabled: bool
    created_ns: int
    changed_ns: int
    last_step: int

    def __repr__(self) -> str:
        return f"User({self.name!r}, {self.role.value}{', disabled' if self.disabled else ''})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("name", self.name), ("role", self.role.value)]


def check_name(name: str) -> None:
    """Refuse a name that could be mistaken for something else in a record.

    Raises:
        BadUserError: it is none.
    """
    if not _NAME.fullmatch(name):
        raise BadUserError("A user's name has 1 to 32 small letters, digits, dots, dashes or underlines, and begins with a letter.")


def has_admin(users: Mapping[str, User]) -> bool:
    """Tell whether somebody can manage users: an admin who has logged in once; before, his second factor may be lost on its way to him."""
    return any(user.role is Role.ADMIN and not user.disabled and user.last_step > 0 for user in users.values())


def check_admin_left(users: Mapping[str, User], changed: User) -> None:
    """Refuse a change after which nobody could manage users.

    Raises:
        BadUserError: it would take the last admin away.
    """
    if has_admin(users) and not has_admin({**users, changed.name: changed}):
        raise BadUserError(f"{changed.name} is the last admin; add another one who has logged in first.")
