"""A version of a configuration: its exact bytes, what it runs, and the hashes that name both. Immutable; any edit makes another one.

A version is all of the file. A permission to trade is one strategy's part of it: its file with the declared imports, its own section,
the limits and the instruments it chooses from.
"""

import ast
import sys
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions, version
from pathlib import Path
from typing import Final

import msgspec

from tidegate.config.model import Config, StrategySection
from tidegate.config.reading import LoadedConfig, parse_config
from tidegate.engine.spec import StrategySlot

SHOWN: Final = 12  # letters of a hash that people see and type
_SEPARATOR: Final = b"\n---\n"
_PACKAGE: Final = "tidegate"
_encoder: Final = msgspec.msgpack.Encoder(order="deterministic", decimal_format="string")


class StrategyPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a version runs under one id: the file's hash, what it declares to import, and its permission's hash."""

    strategy_id: str
    sha256: str
    imports: tuple[str, ...]
    permission_sha256: str


class ConfigVersion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version. limits empty: they stand in the configuration itself. tidegate: the minor version that reads it, as `1.4`."""

    sha256: str
    config: bytes
    limits: bytes
    tidegate: str
    strategies: tuple[StrategyPart, ...]

    @property
    def source(self) -> bytes:
        """Return the bytes that `config.reading.parse_config` reads."""
        return self.config + _SEPARATOR + self.limits if self.limits else self.config

    @property
    def permissions(self) -> Mapping[str, str]:
        """Return each strategy's permission hash by its id."""
        return {part.strategy_id: part.permission_sha256 for part in self.strategies}


def version_of(loaded: LoadedConfig, slots: tuple[StrategySlot, ...]) -> ConfigVersion:
    """Return the version that a configuration is, as it was read, with its strategies as they were loaded."""
    config, _, limits = loaded.source.rpartition(_SEPARATOR) if loaded.config.limits_file else (loaded.source, b"", b"")
    minor = tidegate_minor()
    parts = tuple(_part(loaded, section, slot, minor) for section, slot in zip(loaded.config.strategies, slots, strict=True))
    unnamed = ConfigVersion(sha256="", config=config, limits=limits, tidegate=minor, strategies=parts)
    return msgspec.structs.replace(unnamed, sha256=name_of(unnamed))


def name_of(version: ConfigVersion) -> str:
    """Return the hash that names what a version holds, whatever it says itself."""
    parts = [(part.strategy_id, part.sha256, part.imports) for part in version.strategies]
    return sha256(_encoder.encode([version.config, version.limits, version.tidegate, parts])).hexdigest()


def permissions_of(version: ConfigVersion) -> tuple[str, ...]:
    """Return the permission hashes that a version's strategies have, in their order, whatever it says itself.

    Raises:
        ConfigError: this version of tidegate cannot read it.
    """
    loaded = read_version(version)
    return tuple(
        _permission(loaded, section, part.sha256, part.imports, version.tidegate)
        for section, part in zip(loaded.config.strategies, version.strategies, strict=False)
    )


def read_version(version: ConfigVersion) -> LoadedConfig:
    """Return a version's configuration, read again from its bytes.

    Raises:
        ConfigError: this version of tidegate cannot read it any more.
    """
    return parse_config(version.source, name=f"version {short(version.sha256)}", folder=Path())


def declared_imports(source: bytes) -> tuple[str, ...]:
    """Return the modules that a strategy file imports, sorted; one of another package with that package's minor version.

    tidegate's own have its minor version, which a version states once.
    """
    modules: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module)
    return tuple(sorted(_with_version(name) for name in modules))


def tidegate_minor() -> str:
    """Return tidegate's own version without what a repair changes."""
    return _minor(version(_PACKAGE))


def short(digest: str) -> str:
    """Return a hash as people see it."""
    return digest[:SHOWN]


def _part(loaded: LoadedConfig, section: StrategySection, slot: StrategySlot, minor: str) -> StrategyPart:
    strategy = slot.strategy
    imports = declared_imports(strategy.source)
    permission = _permission(loaded, section, strategy.sha256, imports, minor)
    return StrategyPart(strategy_id=strategy.strategy_id, sha256=strategy.sha256, imports=imports, permission_sha256=permission)


def _permission(loaded: LoadedConfig, section: StrategySection, file_sha256: str, imports: tuple[str, ...], minor: str) -> str:
    """Return the hash that a strategy's permission is bound to."""
    bound = [
        file_sha256,
        imports,
        minor,
        msgspec.structs.replace(section, strategy=""),  # by its bytes, not by where it lies
        loaded.limits.canonical(),
        _selector(loaded.config),
    ]
    return sha256(_encoder.encode(bound)).hexdigest()


def _selector(config: Config) -> list[object]:
    """Return what says which instruments there are to choose from; never the result, which changes by the day."""
    return [config.instruments, config.other_instruments, config.groups, config.venues]


def _with_version(module: str) -> str:
    top = module.partition(".")[0]
    if top == _PACKAGE:
        return module
    try:
        package = _package_of(top)
        return f"{module}=={_minor(version(package))}" if package else module
    except PackageNotFoundError:  # half installed: then it has no version
        return module


@cache
def _package_of(module: str) -> str:
    """Return which installed package a module is of; empty: none. What is imported once stays so while the process runs.

    The package of the module's own name is asked first: to ask all that are installed takes most of a second.
    """
    if module in sys.stdlib_module_names:
        return ""
    try:
        if any(file.parts[0] == module for file in distribution(module).files or ()):
            return module
    except PackageNotFoundError:  # a package of another name, or none
        pass
    return next(iter(packages_distributions().get(module, ())), "")


def _minor(text: str) -> str:
    return ".".join(text.split(".")[:2])
