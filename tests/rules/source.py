"""The project's own files as the rules see them: path, text and syntax tree, read once."""

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "tidegate"

# From values to engine: deterministic functions that are told everything and ask for nothing.
STAGES = (
    "values",
    "events",
    "kernel",
    "market",
    "features",
    "regime",
    "portfolio",
    "strategies",
    "risk",
    "oms",
    "engine",
)


class Source(NamedTuple):
    """One Python file. `name` is its path from the root, `layer` its folder in the package ("" elsewhere)."""

    name: str
    layer: str
    text: str
    tree: ast.Module

    def at(self, node: ast.stmt | ast.expr | ast.excepthandler | ast.arg) -> str:
        return f"{self.name}:{node.lineno}"


def made(text: str, name: str = "src/tidegate/engine/made_up.py") -> Source:
    """Return a source that a rule should catch, as if it were a file of the project."""
    return Source(name=name, layer=_layer(name), text=text, tree=ast.parse(text))


@cache
def package() -> tuple[Source, ...]:
    """Return every file of the package."""
    return tuple(_read(PACKAGE))


@cache
def tools() -> tuple[Source, ...]:
    """Return what is run beside the package: scripts, examples, benchmarks."""
    return tuple(source for folder in ("scripts", "examples", "benchmarks") for source in _read(ROOT / folder))


@cache
def everything() -> tuple[Source, ...]:
    """Return every Python file of the project, tests and tools included."""
    return (*package(), *tools(), *_read(ROOT / "tests"))


@cache
def settings() -> dict[str, Any]:
    """Return pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function, nested ones included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imports(source: Source) -> Iterator[tuple[ast.stmt, str]]:
    """Yield every imported module, dotted; `from a import b` gives a and a.b, since b may be a module."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node, node.module
            for alias in node.names:
                yield node, f"{node.module}.{alias.name}"


def _read(folder: Path) -> Iterator[Source]:
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        text = path.read_text()
        yield Source(name=name, layer=_layer(name), text=text, tree=ast.parse(text, filename=name))


def _layer(name: str) -> str:
    parts = name.split("/")
    return parts[2] if parts[:2] == ["src", "tidegate"] and len(parts) > 3 else ""
