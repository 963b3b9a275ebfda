"""YAML as this project reads it: no key twice, no word that silently becomes something else.

Numbers with a point arrive as exact decimals; only true and false are truth values, so that a symbol called ON stays a symbol;
times stay text.
"""

import re
from decimal import Decimal
from typing import TypeAlias

import yaml

from tidegate.config.errors import ConfigError

Node: TypeAlias = "str | int | bool | Decimal | list[Node] | dict[str, Node] | None"

DOCUMENT_BYTES_MAX = 1_000_000


class _Loader(yaml.SafeLoader):
    """The safe loader with fewer surprises."""


def read_documents(data: bytes, name: str) -> list[Node]:
    """Return the documents of a YAML text.

    Raises:
        ConfigError: not YAML, a key twice in one place, or too long; the line is named.
    """
    if len(data) > DOCUMENT_BYTES_MAX:
        raise ConfigError(f"{name} has more than {DOCUMENT_BYTES_MAX} bytes; that is no configuration.")
    try:
        return list(yaml.load_all(data.decode(), Loader=_Loader))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name} is not UTF-8 text; save it as such.") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{name}:{line}: this is not YAML: {error.problem}.") from error
    except (yaml.YAMLError, RecursionError, ValueError, KeyError) as error:
        raise ConfigError(f"{name} is not YAML: {error}.") from error


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        if key in found:
            raise yaml.MarkedYAMLError(problem=f"{key} stands here twice", problem_mark=key_node.start_mark)
        found[key] = loader.construct_object(value_node, deep=True)
    return found


def _decimal(loader: _Loader, node: yaml.ScalarNode) -> Decimal:
    text = str(loader.construct_scalar(node)).replace("_", "")
    try:
        return Decimal(text)
    except ArithmeticError as error:
        raise yaml.MarkedYAMLError(problem=f"{text} is no number", problem_mark=node.start_mark) from error


_FLOAT = "tag:yaml.org,2002:float"
_WORDS = {"tag:yaml.org,2002:null": r"^(~|null|)$", "tag:yaml.org,2002:bool": r"^(true|false)$"}
_NUMBERS = {
    "tag:yaml.org,2002:int": r"^[-+]?(0|[1-9][0-9_]*)$",
    _FLOAT: r"^[-+]?([0-9][0-9_]*\.[0-9_]*([eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.[0-9]+)$",
}

_KINDS = (None, "tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:int", *_WORDS)

_Loader.yaml_constructors = {kind: yaml.SafeLoader.yaml_constructors[kind] for kind in _KINDS}
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor(_FLOAT, _decimal)
_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern in (_WORDS | _NUMBERS).items():
    _Loader.add_implicit_resolver(_tag, re.compile(_pattern), None)
