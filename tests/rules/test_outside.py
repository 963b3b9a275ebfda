"""Stages are functions of their inputs: no clock, disk, network, environment, randomness, interpreter's luck.

Twin of the linter's banned names and of the import contract; it also sees builtins, which those do not.
"""

import ast

from tests.rules.source import STAGES, Source, imports, made, package, settings

LINTED = settings()["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"]
CONTRACT = next(
    contract["forbidden_modules"]
    for contract in settings()["tool"]["importlinter"]["contracts"]
    if contract["name"] == "Stages touch nothing outside"
)
BUILTINS = {
    "open": "a disk",
    "print": "a screen",
    "input": "a keyboard",
    "eval": "code from text",
    "exec": "code from text",
    "hash": "differs between processes for text",
    "id": "differs between processes",
    "breakpoint": "a debugger",
}


def reaches_out(source: Source) -> list[str]:
    banned = set(CONTRACT) | set(LINTED)
    found = [
        f"{source.at(node)} imports {module}" for node, module in imports(source) if module in banned or module.split(".")[0] in banned
    ]
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in BUILTINS:
                found.append(f"{source.at(node)} calls {node.func.id}: {BUILTINS[node.func.id]}")
            if isinstance(node.func, ast.Attribute) and node.func.attr in {"now", "utcnow", "today"}:
                found.append(f"{source.at(node)} asks for {ast.unparse(node.func)}")
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in {"np.random", "numpy.random"}:
            found.append(f"{source.at(node)} draws from {ast.unparse(node)}")
    return found


def test_stages_ask_for_nothing() -> None:
    assert [line for source in package() if source.layer in STAGES for line in reaches_out(source)] == []


def test_the_rule_catches_each_way_out() -> None:
    for text in (
        "import os.path",
        "from time import monotonic_ns",
        "from concurrent import futures",
        "from numpy import random",
        "x = np.random.default_rng(1)",
        "x = datetime.now(UTC)",
        "x = date.today()",
        "open('x')",
        "hash('x')",
    ):
        assert reaches_out(made(text)) != [], text
    assert reaches_out(made("from datetime import UTC\nx = now_ns\ny = sorted(z)")) == []
