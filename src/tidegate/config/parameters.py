"""A strategy's parameters: numbers given by name, as a configuration or a command line writes them, into a frozen value."""

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from tidegate.config.errors import BadParameterError, StrategyFileError, known
from tidegate.strategies.rows import PARAMETERS_MAX

Number: TypeAlias = int | float | bool
Given: TypeAlias = Mapping[str, str | int | float]

_KINDS = {int: "a whole number", float: "a number", bool: "true or false"}
_WORDS = {"true": True, "false": False}


def check_params_class(kind: object, path: str) -> type[msgspec.Struct]:
    """Return a file's Params class if it is what every user of it expects.

    Raises:
        StrategyFileError: no frozen struct of at most 64 numbers, each with a default.
    """
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind.__struct_config__.frozen):
        raise StrategyFileError(
            f"{path}: Params is missing: write `class Params(msgspec.Struct, frozen=True, kw_only=True)` with numbers and their defaults."
        )
    fields = msgspec.structs.fields(kind)
    for field in fields:
        if field.type not in _KINDS:
            raise StrategyFileError(f"{path}: Params.{field.name} must be an int, a float or a bool: triggers know numbers.")
        if field.required:
            raise StrategyFileError(f"{path}: Params.{field.name} needs a default, so that the strategy runs as it is.")
    if len(fields) > PARAMETERS_MAX:
        raise StrategyFileError(f"{path}: Params has {len(fields)} fields; {PARAMETERS_MAX} is the most a trigger can read.")
    return kind


def read_params(kind: type[msgspec.Struct], given: Given, name: str) -> msgspec.Struct:
    """Return the parameters: the defaults with the given values put in.

    Raises:
        BadParameterError: no such parameter, a value of another kind, or one that the strategy itself refuses.
    """
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    values: dict[str, Number] = {}
    for key, value in given.items():
        if key not in fields:
            raise BadParameterError(f"Strategy {name} has no parameter {key!r}; {known(key, fields)}.")
        values[key] = _number(fields[key].type, value, f"Parameter {key} of strategy {name}")
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise BadParameterError(f"Strategy {name} refuses its parameters: {error}.") from error


def _number(kind: object, value: str | float, whose: str) -> Number:
    read: Number | None
    if kind is bool:
        read = value if isinstance(value, bool) else _WORDS.get(str(value))
    elif isinstance(value, bool):
        read = None
    elif kind is int:
        read = value if isinstance(value, int) else _text_int(value)
    else:
        read = _text_float(value)
    if read is None:
        raise BadParameterError(f"{whose} is {value!r}, but must be {_KINDS[kind] if isinstance(kind, type) else kind}.")
    return read


def _text_int(value: str | float) -> int | None:
    try:
        read = int(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return read


def _text_float(value: str | float) -> float | None:
    try:
        read = float(value)
    except (ValueError, OverflowError):
        return None
    return read if abs(read) < float("inf") else None
