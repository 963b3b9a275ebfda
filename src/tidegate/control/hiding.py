"""Which parts of requests and replies no print may show: a traceback, a log line or a debugger sees a mark in their place."""

from typing import Final

import msgspec

SECRET_FIELDS: Final = frozenset({"proof", "password", "code", "token", "secret", "otpauth"})
HIDDEN: Final = "[secret]"


class Hiding(msgspec.Struct, frozen=True, kw_only=True):
    """Root of what goes over the socket: it prints itself without its secrets."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        parts: list[tuple[str, object]] = [(name, getattr(self, name)) for name in self.__struct_fields__]
        return [(name, HIDDEN if value and name in SECRET_FIELDS else value) for name, value in parts]
