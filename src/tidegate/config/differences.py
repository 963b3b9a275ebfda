"""What two configurations differ in, key by key, and whether each change lets less happen, more, or neither.

A change whose direction is not known counts as loosening. So does one of what an exit is checked against, either way: made smaller, it
could keep an exit from filling.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from tidegate.config.limits import limit_keys
from tidegate.config.model import Config
from tidegate.config.units import duration_ns
from tidegate.config.versions import StrategyPart
from tidegate.risk.limits import RiskLimits
from tidegate.values.errors import TidegateError
from tidegate.values.money import attos_text, nanos_text

ABSENT: Final = "-"
STRATEGIES: Final = "strategies["


class Effect(StrEnum):
    """What a change does to what may happen."""

    TIGHTER = "tighter"
    LOOSER = "looser"
    NEUTRAL = "neutral"


class Direction(StrEnum):
    """Which way of a key is the tighter one."""

    SMALLER = "smaller"
    LARGER = "larger"
    FEWER = "fewer"  # a list or a map: what is taken out may not happen any more; null is everything
    MORE = "more"  # a list of what is forbidden
    FALSE = "false"
    NONE = "none"  # neither: any change counts as loosening
    INDIFFERENT = "indifferent"  # it decides nothing of what a trader may do


class Change(NamedTuple):
    """One key that differs; `-` where it is not there."""

    key: str
    before: str
    after: str
    effect: Effect


class Compared(NamedTuple):
    """One side of a comparison."""

    config: Config
    limits: RiskLimits
    tidegate: str
    strategies: tuple[StrategyPart, ...]


_KEYS: Final[Mapping[str, Direction]] = {
    "limits.symbols_allowed": Direction.FEWER,
    "limits.symbols_blocked": Direction.MORE,
    "limits.buying_power_bps": Direction.SMALLER,
    "limits.duplicate_window": Direction.LARGER,
    "limits.amend_spacing": Direction.LARGER,
    "limits.exit_collar_bps_max": Direction.NONE,  # what exits are checked against: see above
    "limits.blind_collar_bps_max": Direction.NONE,
    "limits.exit_repeat": Direction.NONE,
    "limits.symbol_messages_per_minute_max": Direction.NONE,
    "limits.rate_orders_min": Direction.NONE,  # fewer trip sooner, and more often by chance
    "limits.breaker_cooldown": Direction.NONE,  # 0 is the longest
    "limits.approval_wait": Direction.NONE,
    "symbols_shared": Direction.FALSE,
    "symbol_cooldown": Direction.LARGER,
    "live.symbols_max": Direction.INDIFFERENT,
    "live.snapshot_inputs": Direction.INDIFFERENT,
    "live.status_page": Direction.INDIFFERENT,
    "live.log_keep": Direction.INDIFFERENT,
    "live.log_keep_mb": Direction.INDIFFERENT,
}
_TREES: Final[Mapping[str, Direction]] = {  # everything below
    "no_trade": Direction.LARGER,
    "events": Direction.MORE,
    "simulator": Direction.INDIFFERENT,
    "webhooks": Direction.INDIFFERENT,
    "other_strategies": Direction.INDIFFERENT,  # of replays: a trader runs what the file lists
}
_SUFFIXES: Final = {"_max": Direction.SMALLER, "_min": Direction.LARGER}
_SUFFIXED: Final = frozenset({"limits", "small_live", "promotion"})
_SPREAD: Final = "spread_bps_max"
_NAMED_BY: Final = {"instruments": "symbol", "venues": "name", "groups": "name"}
_LIMITS: Final = "limits."
_UNITS: Final = {f"{_LIMITS}{key}": field.unit for key, field in limit_keys()}
_NOT_COMPARED: Final = frozenset({"limits", "limits_file", "strategies", "events"})


def compare(before: Compared, after: Compared) -> tuple[Change, ...]:
    """Return every key that differs, sorted."""
    old, new = dict(_flat(before)), dict(_flat(after))
    changes = [*_precedence(before, after)]
    for key in sorted({*old, *new}):
        was, now = old.get(key, _Missing), new.get(key, _Missing)
        if was != now:
            changes.append(Change(key, _text(key, was), _text(key, now), _effect(key, was, now)))
    return tuple(changes)


def _precedence(before: Compared, after: Compared) -> Iterator[Change]:
    """Yield that the strategies of both sides come in another order."""
    was, now = ([part.strategy_id for part in side.strategies] for side in (before, after))
    was, now = [name for name in was if name in now], [name for name in now if name in was]
    if was != now:
        yield Change("strategies", ", ".join(was), ", ".join(now), Effect.LOOSER)


def direction_of(key: str) -> Direction:
    """Return which way of a key is the tighter one."""
    top = key.partition(".")[0].partition("[")[0]
    if key in _KEYS:
        return _KEYS[key]
    if top in _TREES:
        return _TREES[top]
    if top in _SUFFIXED:
        return next((direction for suffix, direction in _SUFFIXES.items() if key.endswith(suffix)), Direction.NONE)
    if key.startswith(STRATEGIES) and ".eligible[" in key:
        return Direction.FEWER
    return Direction.NONE


def effect_of(changes: Iterable[Change]) -> Effect:
    """Return what all of some changes do together: one loosening is enough."""
    effects = {change.effect for change in changes}
    return next((effect for effect in (Effect.LOOSER, Effect.TIGHTER) if effect in effects), Effect.NEUTRAL)


def of_strategy(changes: Iterable[Change], strategy_id: str) -> tuple[Change, ...]:
    """Return the changes of one strategy's own part."""
    return tuple(change for change in changes if change.key.startswith((f"{STRATEGIES}{strategy_id}].", f"{STRATEGIES}{strategy_id}]")))


def of_all(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return the changes that touch every strategy."""
    return tuple(change for change in changes if not change.key.startswith(STRATEGIES))


class _Missing:
    """Stands for a key that one side does not have."""


def _flat(side: Compared) -> Iterator[tuple[str, object]]:
    yield "tidegate", side.tidegate
    for key, field in limit_keys():
        yield f"{_LIMITS}{key}", getattr(side.limits, field.name)
    for event in side.config.events:
        yield f"events[{event.starts} {event.symbol}].{event.ends}", True
    yield from _strategies(side)
    for name in side.config.__struct_fields__:
        if name not in _NOT_COMPARED:
            yield from _leaves(name, getattr(side.config, name))


def _strategies(side: Compared) -> Iterator[tuple[str, object]]:
    for section, part in zip(side.config.strategies, side.strategies, strict=False):
        at = f"{STRATEGIES}{part.strategy_id}]"
        yield f"{at}.file", part.sha256
        yield f"{at}.imports", ", ".join(part.imports)
        yield f"{at}.symbols", tuple(section.symbols)
        if section.parting:
            yield f"{at}.parting", section.parting
        yield f"{at}.replace", section.replace
        for name, value in section.params.items():
            yield f"{at}.params.{name}", value
        for row in section.eligible:
            for symbol in row.symbol:
                for market in row.market:
                    yield f"{at}.eligible[{symbol} in {market}].{_SPREAD}", row.spread_bps_max


def _leaves(path: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _leaves(f"{path}.{name}", getattr(value, name))
    elif isinstance(value, tuple) and value and isinstance(value[0], msgspec.Struct):
        name_key = _NAMED_BY.get(path, "")
        for place, part in enumerate(value, start=1):
            yield from _leaves(f"{path}[{getattr(part, name_key, place)}]", part)
    elif value is not msgspec.UNSET and value is not None:
        yield path, value


def _effect(key: str, was: object, now: object) -> Effect:
    direction = direction_of(key)
    if direction is Direction.INDIFFERENT:
        return Effect.NEUTRAL
    if direction is Direction.NONE:
        return Effect.LOOSER
    if was is _Missing or now is _Missing:
        return _of_presence(direction, appears=was is _Missing, key=key)
    return Effect.TIGHTER if _is_tighter(direction, was, now) else Effect.LOOSER


def _of_presence(direction: Direction, *, appears: bool, key: str) -> Effect:
    """Return what a key does that comes or goes. A cap that comes binds; one that goes does not any more."""
    if direction is Direction.FEWER:
        return Effect.LOOSER if appears else Effect.TIGHTER
    binds = direction is Direction.MORE or key.startswith("small_live.")
    return Effect.TIGHTER if appears and binds else Effect.LOOSER


def _is_tighter(direction: Direction, was: object, now: object) -> bool:
    match direction:
        case Direction.FALSE:
            return was is True and now is False
        case Direction.FEWER if isinstance(now, frozenset):
            return was is None or (isinstance(was, frozenset) and now <= was)
        case Direction.FEWER:
            return _number(now) < _number(was) if isinstance(now, int | float | Decimal) else False
        case Direction.MORE:
            return isinstance(was, frozenset) and isinstance(now, frozenset) and was <= now
        case Direction.SMALLER:
            return _number(now) < _number(was)
        case _:
            return _number(now) > _number(was)


def _number(value: object) -> int | float | Decimal:
    """Return a number, or a duration in ns."""
    if isinstance(value, str):
        try:
            return duration_ns(value)
        except TidegateError:
            return Decimal(value)
    assert isinstance(value, int | float | Decimal), f"{value!r} has no direction"
    return value


def _text(key: str, value: object) -> str:
    """Return a value as a file writes it."""
    if value is _Missing:
        return ABSENT
    if isinstance(value, frozenset | tuple):
        return ", ".join(sorted(map(str, value))) or "none"
    if isinstance(value, int) and _UNITS.get(key) == "usd":
        return attos_text(value)
    if isinstance(value, int) and _UNITS.get(key) == "quantity":
        return nanos_text(value)
    if isinstance(value, int) and _UNITS.get(key) == "ns":
        return f"{nanos_text(value)}s"
    return str(value)
