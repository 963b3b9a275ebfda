"""What a trigger may say: numbers only, bounded, and the same to the bit compiled and plain. Judged on its syntax tree.

The rules hold for the trigger and for every @kernel function of its file that it calls. What they let pass is then run on strict
rows (`config.rehearsal`), so that an author reads about a line of the file and never about the compiler.
"""

import ast
from collections.abc import Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Final

from tidegate.config.errors import StrategyFileError
from tidegate.kernel.mode import is_kernel

TRIGGER: Final = "trigger"
ARGUMENTS: Final = 4  # symbol, regime, own, params
_CALLS: Final = frozenset({"abs", "min", "max", "int", "float", "bool", "range"})
_MATH: Final = frozenset({"sqrt", "log", "exp", "fabs", "floor", "ceil", "pi", "inf"})
_NUMBERS: Final = "a trigger is compiled and knows numbers only; decide may use everything"
_SAY_NO: Final = "has no value to return: return NONE, BUY, SELL or EXIT"

_REFUSED: Final[dict[type[ast.AST], str]] = {
    ast.JoinedStr: f"makes a text: {_NUMBERS}",
    ast.List: f"makes a list: {_NUMBERS}",
    ast.Dict: f"makes a dict: {_NUMBERS}",
    ast.Set: f"makes a set: {_NUMBERS}",
    ast.ListComp: f"makes a list: {_NUMBERS}",
    ast.DictComp: f"makes a dict: {_NUMBERS}",
    ast.GeneratorExp: f"makes a generator: {_NUMBERS}",
    ast.Lambda: f"makes a function: {_NUMBERS}",
    ast.Slice: "takes a slice: index one cell at a time",
    ast.Starred: f"unpacks with *: {_NUMBERS}",
    ast.Match: "has `match`, which is not compiled: use `if`",
    ast.Raise: "raises: a trigger says NONE where it cannot tell",
    ast.Assert: "asserts: a trigger says NONE where it cannot tell",
    ast.Import: "imports inside a trigger: imports stand at the top of the file",
    ast.ImportFrom: "imports inside a trigger: imports stand at the top of the file",
    ast.Delete: "deletes: assign another value instead",
    ast.ClassDef: f"defines a class: {_NUMBERS}",
}


def check_trigger(tree: ast.Module, names: Mapping[str, object], path: str) -> None:
    """Refuse a trigger that could not be compiled, could loop for ever, or would differ between its two modes.

    names is the loaded file's namespace.

    Raises:
        StrategyFileError: the first line that breaks a rule.
    """
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    if TRIGGER not in functions:
        raise StrategyFileError(f"{path}: trigger must be defined with `def trigger(symbol, regime, own, params)`.")
    _check_arguments(functions[TRIGGER], path)
    for function in _reached(functions, path):
        found = sorted(_faults(function, functions, names))
        if found:
            raise StrategyFileError(f"{path}:{found[0][0]}: {function.name} {found[0][1]}.")


def _check_arguments(trigger: ast.FunctionDef, path: str) -> None:
    given = trigger.args
    if len(given.args) != ARGUMENTS or given.vararg or given.kwarg or given.kwonlyargs or given.posonlyargs or given.defaults:
        raise StrategyFileError(f"{path}:{trigger.lineno}: write `def trigger(symbol, regime, own, params)`: it is called so.")


def _reached(functions: Mapping[str, ast.FunctionDef], path: str) -> list[ast.FunctionDef]:
    """Return the trigger and what it calls, directly or not; refuse a circle, which could go round for ever."""
    done: dict[str, ast.FunctionDef] = {}

    def visit(name: str, callers: tuple[str, ...]) -> None:
        if name in callers:
            where = f"{path}:{functions[name].lineno}"
            raise StrategyFileError(f"{where}: {name} calls itself, which may never end: use `for` over a range.")
        if name in done:
            return
        for called in _called(functions[name]):
            if called in functions:
                visit(called, (*callers, name))
        done[name] = functions[name]

    visit(TRIGGER, ())
    return list(done.values())


def _called(function: ast.FunctionDef) -> list[str]:
    return [n.func.id for n in ast.walk(function) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]


def _faults(function: ast.FunctionDef, functions: Mapping[str, ast.FunctionDef], names: Mapping[str, object]) -> Iterator[tuple[int, str]]:
    is_trigger = function.name == TRIGGER
    if not _always_returns(function.body) and (is_trigger or _returns_something(function)):
        yield function.lineno, f"may end without `return`, and then {_SAY_NO}"
    local = _local_names(function)
    ranges = {id(node.iter) for node in ast.walk(function) if isinstance(node, ast.For)}
    for node in _code(function):
        why = _REFUSED.get(type(node), "") or _structure_why(node, function)
        match node:
            case ast.BinOp() | ast.AugAssign():
                why = why or _arithmetic_why(node, names)
            case ast.Call(func=ast.Name(id="range")) if id(node) not in ranges:
                why = why or "uses range outside of `for i in range(n)`"
            case ast.Call():
                why = why or _call_why(node, functions, names)
            case ast.Name(id=name, ctx=ast.Load()) if name not in local:
                why = why or _global_why(name, names)
            case _:
                pass
        if why:
            yield getattr(node, "lineno", function.lineno), why


def _structure_why(node: ast.AST, function: ast.FunctionDef) -> str:
    why = ""
    match node:
        case ast.FunctionDef():
            why = f"defines {node.name} inside: define it at the top of the file with @kernel"
        case ast.Constant(value=str() | bytes() | complex() | None):
            why = f"uses {ast.unparse(node)}: {_NUMBERS}"
        case ast.Return(value=None) if function.name == TRIGGER:
            why = _SAY_NO
        case ast.Subscript(ctx=ast.Store() | ast.Del()):
            why = _store_why(node)
        case ast.For(iter=over) if not _is_range(over):
            why = "loops over something that is no range: write `for i in range(n)`"
        case ast.Attribute(value=ast.Name(id="math"), attr=attr) if attr not in _MATH:
            why = f"uses math.{attr}: here are {', '.join(sorted(_MATH))}"
        case _:
            pass
    return why


def _code(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Yield every node of the body, its docstring and annotations left out."""
    for statement in function.body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue
        yield from ast.walk(statement)


def _local_names(function: ast.FunctionDef) -> set[str]:
    stored = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return stored | {argument.arg for argument in function.args.args}


def _arithmetic_why(node: ast.BinOp | ast.AugAssign, names: Mapping[str, object]) -> str:
    left, right = (node.left, node.right) if isinstance(node, ast.BinOp) else (node.target, node.value)
    match node.op:
        case ast.Pow():
            return "has `**`, which differs from compiled code in the last bit: multiply"
        case ast.Div() if type(_constant(right, names)) is int:
            text = ast.unparse(right)
            return f"divides by the whole number {text}, which rounds differently compiled: write a float, such as 2.0"
        case ast.Div() | ast.FloorDiv() | ast.Mod() if not _constant(right, names):
            return f"divides by {ast.unparse(right)}, which may be 0: use ratio(above, below, when_none) of tidegate.features.update"
        case ast.Mult() if _is_nanos(left) and _is_nanos(right):
            return "multiplies nanos with nanos, which overflows 64 bits above $9.22: use the fields in dollars and shares"
        case ast.MatMult():
            return f"has `@`: {_NUMBERS}"
        case _:
            return ""


def _constant(node: ast.expr, names: Mapping[str, object]) -> int | float:
    """Return the number that a divisor always is; 0 when it may be anything."""
    value = node.value if isinstance(node, ast.Constant) else names.get(node.id) if isinstance(node, ast.Name) else None
    return value if isinstance(value, int | float) and value != 0 else 0.0


def _is_nanos(node: ast.expr) -> bool:
    return ast.unparse(node).endswith("_nanos")


def _is_range(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range"


def _store_why(node: ast.Subscript) -> str:
    match node:
        case ast.Subscript(value=ast.Attribute(value=ast.Name(), attr="scratch"), ctx=ast.Store()):
            return ""
        case _:
            pass
    return f"changes {ast.unparse(node)}: only the cells of own.scratch are the trigger's"


def _call_why(node: ast.Call, functions: Mapping[str, ast.FunctionDef], names: Mapping[str, object]) -> str:
    text = ast.unparse(node.func)
    if node.keywords:
        return f"calls {text} with names: give its arguments by place"
    match node.func:
        case ast.Attribute(value=ast.Name(id="math")):
            return ""
        case ast.Name(id=name) if name in _CALLS or is_kernel(names.get(name)):
            return ""
        case ast.Name(id=name) if name in functions:
            return f"calls {name}, which is not compiled: put @kernel (tidegate.kernel.mode) above it"
    return f"calls {text}: a trigger may call {', '.join(sorted(_CALLS))}, functions of math, and functions tagged @kernel"


def _global_why(name: str, names: Mapping[str, object]) -> str:
    if name in _CALLS:
        return ""
    if name not in names:
        return f"uses {name}, which is not defined"
    value = names[name]
    numbers = isinstance(value, tuple) and all(isinstance(part, int | float) for part in value)
    if numbers or isinstance(value, int | float | ModuleType | FunctionType):
        return ""
    return f"uses {name}, which is a {type(value).__name__}: {_NUMBERS}"


def _returns_something(function: ast.FunctionDef) -> bool:
    return any(isinstance(node, ast.Return) and node.value is not None for node in ast.walk(function))


def _always_returns(body: list[ast.stmt]) -> bool:
    last = body[-1]
    if isinstance(last, ast.Return):
        return True
    return isinstance(last, ast.If) and bool(last.orelse) and _always_returns(last.body) and _always_returns(last.orelse)
