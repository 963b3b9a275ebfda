"""Errors are caught by name. Only a user's `decide` and the service meet code that may raise anything."""

import ast

from tests.rules.source import Source, made, package

WIDE = {"Exception", "BaseException"}
ENGINE_PLACES_MAX = 1  # around a strategy's decide


def wide_excepts(source: Source) -> list[str]:
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            if any(kind is None or ast.unparse(kind) in WIDE for kind in caught):
                found.append(source.at(node))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
            found += [source.at(kind) for kind in node.args if ast.unparse(kind) in WIDE]
    return found


def test_nothing_catches_everything() -> None:
    sources = [source for source in package() if source.layer not in {"engine", "service"}]
    assert [line for source in sources for line in wide_excepts(source)] == []


def test_the_engine_guards_one_call() -> None:
    guards = [line for source in package() if source.layer == "engine" for line in wide_excepts(source)]
    assert guards[ENGINE_PLACES_MAX:] == []


def test_the_rule_catches_each_wide_form() -> None:
    for clause in ("except Exception:", "except:", "except (OSError, BaseException):"):
        assert wide_excepts(made(f"try:\n    f()\n{clause}\n    pass")) != [], clause
    assert wide_excepts(made("with contextlib.suppress(Exception):\n    f()")) != []
    assert wide_excepts(made("try:\n    f()\nexcept (KeyError, OSError):\n    pass")) == []
