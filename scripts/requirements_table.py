"""Write docs/requirements.md (row, code, tests) from the `req` marks of the tests, or check it.

The table is read from syntax trees, so it needs neither imports nor a test run. Code is what the files of
the marked tests import.

    scripts/requirements_table.py           write the table
    scripts/requirements_table.py --check   exit 1 when it is out of date or a row claimed done has no test
"""

import argparse
import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "requirements.md"
DONE = ROOT / "docs" / "rows_done.txt"
HEAD = """# Requirements

Which code and which tests stand for which requirement row. Written by `make requirements` from the marks of
the tests; do not edit. A row is done when it is listed in `docs/rows_done.txt`, and then it must have a test.

| row | done | code | tests |
|---|---|---|---|
"""


class Proof(NamedTuple):
    """One test that carries a row's mark, and the packages its file imports."""

    row: str
    test: str
    code: frozenset[str]


def main() -> int:
    """Write or check the table."""
    parser = argparse.ArgumentParser(description="Write docs/requirements.md from the marks of the tests.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when something is amiss")
    check = parser.parse_args().check
    proofs = [proof for path in sorted((ROOT / "tests").rglob("test_*.py")) for proof in proofs_in(path)]
    done = rows_done(DONE.read_text())
    unproved = sorted(done - {proof.row for proof in proofs}, key=sort_key)
    for row in unproved:
        print(f"{row} is listed in docs/rows_done.txt but no test is marked with it.", file=sys.stderr)
    text = HEAD + "".join(lines(proofs, done))
    stale = not TABLE.exists() or TABLE.read_text() != text
    if check and stale:
        print("docs/requirements.md is out of date; run `make requirements` and commit it.", file=sys.stderr)
    elif not check:
        TABLE.write_text(text)
    return 1 if unproved or (check and stale) else 0


def rows_done(text: str) -> set[str]:
    """Return the row ids of the list; a line is an id or a remark that begins with #."""
    return {line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")}


def proofs_in(path: Path) -> Iterator[Proof]:
    """Yield each marked test of a file once per row; a mark on the module counts for all its tests."""
    tree = ast.parse(path.read_text(), filename=str(path))
    code = frozenset(packages(tree))
    everywhere = rows_in(node for node in tree.body if is_module_mark(node))
    for test in tests_in(tree):
        for row in sorted(everywhere | rows_in(test.decorator_list), key=sort_key):
            yield Proof(row=row, test=f"{path.relative_to(ROOT).as_posix()}::{test.name}", code=code)


def tests_in(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Yield test functions, and classes: a machine of hypothesis carries its mark itself."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and (
            node.name.startswith("test_") or isinstance(node, ast.ClassDef)
        ):
            yield node


def is_module_mark(node: ast.stmt) -> bool:
    """Tell whether a statement is `pytestmark = ...`."""
    return isinstance(node, ast.Assign) and any(ast.unparse(target) == "pytestmark" for target in node.targets)


def rows_in(nodes: Iterator[ast.stmt] | list[ast.expr]) -> set[str]:
    """Return the rows of every `pytest.mark.req(...)` inside the nodes, parameter marks included."""
    calls = (
        call for node in nodes for call in ast.walk(node) if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("mark.req")
    )
    return {str(part.value) for call in calls for part in call.args if isinstance(part, ast.Constant)}


def packages(tree: ast.Module) -> Iterator[str]:
    """Yield the modules of ours that a test file imports, as `layer/file` would be found."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("tidegate."):
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("tidegate."))


def lines(proofs: list[Proof], done: set[str]) -> Iterator[str]:
    """Yield the table's lines, in the order of the rows."""
    for row in sorted(done | {proof.row for proof in proofs}, key=sort_key):
        own = [proof for proof in proofs if proof.row == row]
        code = "<br>".join(f"`{name}`" for name in sorted({name for proof in own for name in proof.code}))
        tests = "<br>".join(f"`{name}`" for name in sorted({proof.test for proof in own}))
        yield f"| {row} | {'yes' if row in done else ''} | {code} | {tests} |\n"


def sort_key(row: str) -> tuple[str, tuple[int, ...]]:
    """Order A2.10 after A2.9."""
    return row[:1], tuple(int(number) for number in re.findall(r"\d+", row))


if __name__ == "__main__":
    sys.exit(main())
