"""Kernel code gives the same bits compiled and plain, and nothing in it overflows."""

import ast
import re
from collections.abc import Iterator

from tests.rules.source import Source, functions, made, package

# Whole files; elsewhere only functions tagged @kernel.
KERNEL_FILES = re.compile(r"src/tidegate/(kernel|market|features|regime|strategies)/")
COMPILER_SWITCHES = {"fastmath", "parallel"}


def kernel_code(source: Source) -> list[ast.AST]:
    if KERNEL_FILES.match(source.name):
        return [source.tree]
    tagged = (node for node in functions(source.tree) if any("kernel" in ast.unparse(d) for d in node.decorator_list))
    return list(tagged)


def not_the_same_twice(source: Source) -> list[str]:
    return [f"{source.at(node)} {why}" for tree in kernel_code(source) for node, why in _differences(tree)]


def _differences(tree: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Pow):
            yield node, "has `**`, which differs from compiled code in the last bit: multiply"
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"pow", "math.pow", "np.power"}:
            yield node, "has a power, which differs from compiled code in the last bit: multiply"
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and _is_nanos(node.left, node.right):
            yield node, "multiplies nanos with nanos, which overflows 64 bits above $9.22: go through floats"


def _is_nanos(*operands: ast.expr) -> bool:
    return all(re.search(r"_nanos(\[.*\])?$", ast.unparse(operand)) for operand in operands)


def compiler_switches(source: Source) -> list[str]:
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.keyword) and node.arg in COMPILER_SWITCHES and ast.unparse(node.value) != "False":
            found.append(f"{source.at(node.value)} {node.arg}")
        elif isinstance(node, ast.Dict):
            keys = [key for key in node.keys if isinstance(key, ast.Constant) and key.value in COMPILER_SWITCHES]
            found += [f"{source.at(key)} {key.value!s}" for key in keys]
    return found


def test_kernels_compute_the_same_bits_in_every_mode() -> None:
    assert [line for source in package() for line in not_the_same_twice(source)] == []


def test_the_compiler_is_never_told_to_reorder_floats() -> None:
    assert [line for source in package() for line in compiler_switches(source)] == []


def test_the_rules_catch_powers_products_of_nanos_and_switches() -> None:
    place = "src/tidegate/features/made_up.py"
    for text in ("x = y**2", "x **= 2", "x = math.pow(y, 2)", "x = row.bid_nanos * row.size_nanos"):
        assert not_the_same_twice(made(text, place)) != [], text
        assert not_the_same_twice(made(text)) == [], "the engine's plain code may"
        assert not_the_same_twice(made(f"@kernel\ndef f(row):\n    {text}")) != [], text
    assert not_the_same_twice(made("x = f(**y)\nz = row.bid_nanos * 2\nw = row.bid * row.size", place)) == []
    assert compiler_switches(made("njit(fastmath=True)")) != []
    assert compiler_switches(made("OPTIONS = {'fastmath': {'nnan'}}")) != []
