"""Names every unknown or missing key of a document with its place, before anything is made of it."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import NamedTuple, cast, get_type_hints

import msgspec
from msgspec import inspect

from tidegate.config.errors import ConfigError, ended, known
from tidegate.config.yaml_text import Node


class Key(NamedTuple):
    """One key of a section as its class declares it."""

    name: str
    kind: inspect.Type
    unit: str
    meaning: str
    required: bool
    default: object  # None where it is required


def check_keys(document: Node, kind: type[msgspec.Struct], name: str) -> None:
    """Refuse a document whose keys are not those of a struct.

    Raises:
        ConfigError: the first key that is unknown or missing, with its place and the closest known ones.
    """
    for sentence in _faults(document, inspect.type_info(kind), ""):
        raise ConfigError(ended(f"{name}: {sentence}"))


@cache
def keys_of(cls: type) -> Mapping[str, Key]:
    """Return the keys of a section in the order of its class; each is annotated with what it means."""
    info = cast("inspect.StructType", inspect.type_info(cls))
    found: dict[str, Key] = {}
    for typed, field in zip(info.fields, msgspec.structs.fields(cls), strict=True):
        meta: msgspec.Meta = get_type_hints(cls, include_extras=True)[field.name].__metadata__[0]
        unit = (meta.extra or {}).get("unit", "")
        default = None if field.required else field.default
        if default is msgspec.NODEFAULT:
            default = cast("Callable[[], object]", field.default_factory)()
        found[field.name] = Key(field.name, typed.type, str(unit), str(meta.description), field.required, default)
    return found


def _faults(node: Node, kind: inspect.Type, place: str) -> Iterator[str]:
    match kind:
        case inspect.Metadata(type=inner):
            yield from _faults(node, inner, place)
        case inspect.UnionType(types=types):
            parts = [part for part in types if isinstance(part, inspect.StructType | inspect.VarTupleType)]
            if parts and node is not None:
                yield from _faults(node, parts[0], place)
        case inspect.VarTupleType(item_type=item) if isinstance(node, list):
            for number, part in enumerate(node, start=1):
                yield from _faults(part, item, f"{place}[{number}]")
        case inspect.StructType(cls=cls):
            yield from _section_faults(node, keys_of(cls), place)
        case _:
            pass


def _section_faults(node: Node, keys: Mapping[str, Key], place: str) -> Iterator[str]:
    where = f"in {place}" if place else "at the top"
    if not isinstance(node, dict):
        yield f"{place or 'the file'} must have keys and values: {', '.join(keys)}"
        return
    for name in node:
        if name not in keys:
            yield f"unknown key {name!r} {where}; {known(name, keys)}"
    for name, key in keys.items():
        if name in node:
            yield from _faults(node[name], key.kind, f"{place}.{name}" if place else name)
        elif key.required:
            yield f"key {name!r} is missing {where}: {key.meaning}"
