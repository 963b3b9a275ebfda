"""The door: a YAML file becomes one frozen value, complete and consistent, or one sentence says why not.

What was read is kept as bytes that read the same again: the configuration, and behind it the limits file as a second document.
"""

import re
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from tidegate.config.checks import check_config
from tidegate.config.errors import ConfigError, known
from tidegate.config.keys import check_keys
from tidegate.config.limits import read_limits, read_scoped
from tidegate.config.model import Config
from tidegate.config.paths import expanded
from tidegate.config.yaml_text import Node, read_documents
from tidegate.risk.limits import RiskLimits
from tidegate.risk.scopes import ScopedLimits

PRESETS: Final = Path(__file__).parent / "presets"
LIMITS: Final = Path(__file__).parent / "limits"
_PLACE: Final = re.compile(r"^(?P<what>.*?)(?: - at `(?:key in )?\$\.?(?P<place>.*)`)?$", re.DOTALL)
_DOCUMENTS_MAX: Final = 2


class LoadedConfig(NamedTuple):
    """A configuration with its limits, and the bytes that both were read from."""

    config: Config
    limits: RiskLimits
    source: bytes
    folder: Path  # what paths of strategy files are relative to
    scoped: tuple[ScopedLimits, ...] = ()  # narrower limits of single strategies, symbols and sectors


def read_config(name_or_path: str | Path) -> LoadedConfig:
    """Return a configuration by shipped name or by path.

    Raises:
        ConfigError: not there, or any key of it or of its limits unknown, missing or of another kind.
    """
    path = _locate(str(name_or_path), PRESETS, "configuration")
    return parse_config(_bytes(path), name=str(path), folder=path.parent)


def parse_config(source: bytes, *, name: str, folder: Path) -> LoadedConfig:
    """Return a configuration from its text; a second document in it is its limits file, as `source` of a loaded one has it.

    Raises:
        ConfigError: see `read_config`.
    """
    documents = read_documents(source, name)
    if not 1 <= len(documents) <= _DOCUMENTS_MAX:
        raise ConfigError(f"{name} holds {len(documents)} documents; a configuration is one, with its limits file as a second.")
    config = _config(documents[0], name)
    if config.limits is not None:
        if config.limits_file or len(documents) > 1:
            raise ConfigError(f"{name} has limits and a limits_file; keep one.")
        assert isinstance(documents[0], dict)
        limits = read_limits(documents[0]["limits"], name)
    elif len(documents) > 1:
        limits = read_limits(documents[1], f"{name} (limits)")
    else:
        limits_source, limits = _limits_file(config, name, folder)
        source = source.rstrip() + b"\n---\n" + limits_source
    check_config(config, name)
    return LoadedConfig(config, limits, source, folder, read_scoped(config.scoped_limits, limits, name))


def limits_names() -> tuple[str, ...]:
    """Return the names of the shipped limits."""
    return tuple(sorted(path.stem for path in LIMITS.glob("*.yaml")))


def _limits_file(config: Config, name: str, folder: Path) -> tuple[bytes, RiskLimits]:
    if not config.limits_file:
        raise ConfigError(f"{name} has no limits: set limits_file to {' or '.join(limits_names())} or to a file, or write limits.")
    path = _locate(config.limits_file, LIMITS, "limits file", folder)
    source = _bytes(path)
    documents = read_documents(source, str(path))
    if len(documents) != 1:
        raise ConfigError(f"{path} holds {len(documents)} documents; a limits file is one.")
    return source, read_limits(documents[0], str(path))


def _locate(name_or_path: str, shipped: Path, what: str, folder: Path = Path()) -> Path:
    if not name_or_path.endswith((".yaml", ".yml")) and "/" not in name_or_path:
        names = sorted(path.stem for path in shipped.glob("*.yaml"))
        if name_or_path not in names:
            raise ConfigError(f"There is no {what} {name_or_path!r}; {known(name_or_path, names)}; or give the path of a .yaml file.")
        return shipped / f"{name_or_path}.yaml"
    path = folder / expanded(name_or_path)
    if not path.is_file():
        raise ConfigError(f"There is no {what} {path}; check the path, or name a shipped one.")
    return path


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}); check its permissions.") from error


def _config(document: Node, name: str) -> Config:
    check_keys(document, Config, name)
    try:
        return msgspec.convert(_with_texts(document), Config)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{name}: {_in_words(str(error))}.") from error


def _with_texts(node: Node, *, inside: bool = False) -> Node:
    """Turn decimals under `params` and `limits` into text: their kinds are known only by the strategy and by the limits."""
    if isinstance(node, dict):
        return {key: _with_texts(value, inside=inside or key in {"params", "limits"}) for key, value in node.items()}
    if isinstance(node, list):
        return [_with_texts(part, inside=inside) for part in node]
    return str(node) if inside and isinstance(node, Decimal) else node


def _in_words(error: str) -> str:
    """`$.market.gap` is our `market.gap`, and a pattern is what it stands for; list places count from 1."""
    found = _PLACE.match(error)
    assert found is not None
    what, place = found["what"], found["place"] or "the file"
    place = re.sub(r"\[(\d+)\]", lambda number: f"[{int(number[1]) + 1}]", place)
    if "matching regex" in what:  # only durations have a pattern
        return f"{place} must be a duration such as 500ms, 5s or 2m"
    words = what.replace("`", "").replace("Expected ", "must be ").replace("Invalid enum value", "cannot be")
    return f"{place}: {words[:1].lower()}{words[1:]}"
