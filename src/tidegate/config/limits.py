"""Limits as people write them: decimal dollars and shares, durations as `5s`; complete, or not accepted.

A limits file has exactly the keys of `risk.limits.RiskLimits`, named by their human unit: `_usd` for attos, none for nanos, ns.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from tidegate.config.errors import ConfigError, ended, known
from tidegate.config.model import LimitValue, ScopedLimitsSection
from tidegate.config.yaml_text import Node
from tidegate.risk.limits import LimitField, RiskLimits, limit_fields
from tidegate.risk.scopes import MAY_NARROW, LimitScope, ScopedLimits, tighter
from tidegate.values.errors import TidegateError
from tidegate.values.money import attos, nanos
from tidegate.values.time import parse_duration


class LimitKey(NamedTuple):
    """One limit as a file names it."""

    key: str
    field: LimitField


def limit_keys() -> tuple[LimitKey, ...]:
    """Return every key of a limits file, in the order of the struct."""
    return tuple(LimitKey(_key_of(field), field) for field in limit_fields())


def read_limits(document: Node, name: str) -> RiskLimits:
    """Return the limits that a document states.

    Raises:
        ConfigError: a key is unknown, missing or of another kind; nothing has a default here.
    """
    keys = {key.key: key.field for key in limit_keys()}
    if not isinstance(document, dict):
        raise ConfigError(f"{name}: limits must be keys and values: {', '.join(keys)}.")
    for key in document:
        if key not in keys:
            raise ConfigError(ended(f"{name}: unknown limit {key!r}; {known(key, keys)}"))
    for key, field in keys.items():
        if key not in document:
            raise ConfigError(f"{name}: limit {key!r} is missing: {field.text}; a limit has no default.")
    try:
        return _limits(document, keys, name)
    except ValueError as error:
        raise ConfigError(f"{name}: {str(error).rstrip('.')}.") from error


def read_scoped(sections: Iterable[ScopedLimitsSection], account: RiskLimits, name: str) -> tuple[ScopedLimits, ...]:
    """Return the narrower limits that a configuration states.

    Raises:
        ConfigError: a scope names none or several, or a limit is unknown, has no meaning for it, or is looser than the account's.
    """
    return tuple(_scoped(section, account, f"{name}: scoped_limits[{place}]") for place, section in enumerate(sections, start=1))


def _scoped(section: ScopedLimitsSection, account: RiskLimits, whose: str) -> ScopedLimits:
    named = [(scope, getattr(section, scope.value)) for scope in LimitScope if getattr(section, scope.value)]
    if len(named) != 1:
        raise ConfigError(f"{whose} must name one strategy, symbol or sector.")
    ((scope, key),) = named
    keys = {limit.key: limit.field for limit in limit_keys() if limit.field.name in MAY_NARROW[scope]}
    values: dict[str, int] = {}
    for limit, value in section.limits.items():
        if limit not in keys:
            raise ConfigError(ended(f"{whose}: {limit!r} is no limit of a {scope.value}; {known(limit, keys)}"))
        field = keys[limit]
        values[field.name] = number = _number(_node(value), field.unit, f"{whose}: limit {limit}")
        if number < 0 or tighter(field.name, number, getattr(account, field.name)) != number:
            raise ConfigError(f"{whose}: limit {limit} is {value}, looser than the account's; a scope may only narrow.")
    return ScopedLimits(scope=scope, key=key, limits=values)


def _node(value: LimitValue) -> Node:
    return list(value) if isinstance(value, tuple) else value


def _limits(document: Mapping[str, Node], keys: Mapping[str, LimitField], name: str) -> RiskLimits:
    numbers: dict[str, int] = {}
    lists: dict[str, frozenset[str] | None] = {}
    for key, field in keys.items():
        if field.unit == SYMBOLS:
            lists[field.name] = _symbols(document[key], f"{name}: limit {key}")
        else:
            numbers[field.name] = _number(document[key], field.unit, f"{name}: limit {key}")
            if numbers[field.name] < 0:
                raise ConfigError(f"{name}: limit {key} is {document[key]}; a limit is 0 or more.")
    blocked = lists.pop("symbols_blocked")
    if blocked is None:
        raise ConfigError(f"{name}: limit symbols_blocked must be a list; write [] to block none.")
    return RiskLimits(symbols_blocked=blocked, symbols_allowed=lists.pop("symbols_allowed"), **numbers)


SYMBOLS: Final = "symbols"
_WHOLE: Final = frozenset({"bps", "count"})
_SHOULD: Final = {
    "usd": "a decimal number of dollars",
    "quantity": "a decimal number of shares",
    "ns": "a duration such as 5s",
    "bps": "a whole number of basis points",
    "count": "a whole number",
}


def _number(value: Node, unit: str, whose: str) -> int:
    try:
        if unit in _WHOLE and isinstance(value, int) and not isinstance(value, bool):
            return value
        if unit == "ns" and isinstance(value, str):
            return parse_duration(value)
        if unit in {"usd", "quantity"} and not isinstance(value, bool | list | dict | None):
            return attos(value) if unit == "usd" else nanos(value)
    except TidegateError as error:
        raise ConfigError(f"{whose}: {error}") from error
    raise ConfigError(f"{whose} is {value!r}; it must be {_SHOULD[unit]}.")


def _symbols(value: Node, whose: str) -> frozenset[str] | None:
    if value is None:
        return None
    symbols = [symbol for symbol in value if isinstance(symbol, str)] if isinstance(value, list) else None
    if symbols is None or not isinstance(value, list) or len(symbols) != len(value):
        raise ConfigError(f"{whose} must be a list of symbols.")
    return frozenset(symbols)


def _key_of(field: LimitField) -> str:
    """`_attos` becomes `_usd`; `_nanos` and `_ns` go."""
    parts = ["usd" if part == "attos" else part for part in field.name.split("_") if part not in {"nanos", "ns"}]
    return "_".join(parts)
