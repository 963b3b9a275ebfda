"""What a strategy file may say, judged on its syntax tree before any of it runs.

A strategy is a deterministic function: what it remembers is its declared State and the trigger's scratch cells, which are in
every snapshot and log. So nothing else in the file may change, nothing may ask the world, nothing may wait. The file is its
author's trusted code: these rules catch mistakes, not malice.
"""

import ast
from collections.abc import Iterator
from typing import Final

from tidegate.config.errors import StrategyFileError

MODULES: Final = frozenset({"math", "typing", "enum", "msgspec", "numpy", "collections.abc"})
_LAYERS: Final = ("values", "events", "kernel", "market", "features", "regime", "strategies")
PUBLIC: Final = frozenset(  # what a strategy may take from `tidegate` itself: the words of strategy files
    [
        "BUY",
        "SELL",
        "EXIT",
        "NONE",
        "Attention",
        "Bar",
        "Intent",
        "NoState",
        "Nothing",
        "View",
        "EntryRule",
        "EntryStyle",
        "ExitAt",
        "ExitRule",
        "PartialFillRule",
        "Plan",
        "ReentryRule",
        "SizingMethod",
        "SizingRule",
        "Subscription",
        "atr",
        "bps",
        "dollars",
        "Purpose",
        "Side",
    ]
)
_TIME: Final = "a strategy is told the time: use view.now_ns"
_CHANCE: Final = "a replay could not repeat it: derive the number from what the view shows"
_WORLD: Final = "a strategy asks the world for nothing: make it a parameter"
_HINTS: Final = (
    {"time": _TIME, "datetime": _TIME, "calendar": _TIME}
    | dict.fromkeys(("random", "secrets", "uuid"), _CHANCE)
    | dict.fromkeys(("os", "io", "sys", "pathlib", "socket", "subprocess", "threading", "asyncio", "logging"), _WORLD)
)
_BUILTINS: Final = {
    "print": "say it in the reason of an Intent or Nothing: the log keeps it",
    "open": _WORLD,
    "input": _WORLD,
    "exec": "code is read before it runs",
    "eval": "code is read before it runs",
    "compile": "code is read before it runs",
    "__import__": "imports stand at the top of the file",
    "globals": "what a strategy remembers is its State",
    "locals": "what a strategy remembers is its State",
    "vars": "what a strategy remembers is its State",
    "setattr": "what a strategy remembers is its State",
    "delattr": "what a strategy remembers is its State",
    "iter": "such a loop may never end: loop over a range or a tuple",
    "id": "it differs between two runs",
    "hash": "it differs between two runs",
    "set": "its order differs between two runs: use a tuple",
    "frozenset": "its order differs between two runs: use a tuple",
    "breakpoint": "nobody is there to answer",
}
_NUMPY: Final = {"random": _CHANCE} | dict.fromkeys(
    ("load", "save", "savez", "memmap", "fromfile", "loadtxt", "savetxt", "genfromtxt"), _WORLD
)
_OWN_CLASS: Final = "class"
_CALLS_OF: Final = ("tidegate", "math", "typing", "enum", "msgspec", _OWN_CLASS)  # whose calls give values that cannot change
_CHANGING: Final = frozenset({"list", "dict", "set", "bytearray"})  # as default_factory they would hide in a frozen struct
_PLAIN_CALLS: Final = frozenset({"int", "float", "bool", "str", "tuple", "min", "max", "abs", "round", "range", "len", "sum"})
_BASES: Final = frozenset({"Struct", "Enum", "IntEnum", "StrEnum", "NamedTuple"})
_DECORATORS: Final = frozenset({"property", "staticmethod"})

_STATEMENTS: Final[dict[type[ast.AST], str]] = {
    ast.Global: "has `global`: what a strategy remembers is its State, which is in every snapshot",
    ast.Nonlocal: "has `nonlocal`: what a strategy remembers is its State, which is in every snapshot",
    ast.While: "has `while`, which may never end: use `for` over a range or a tuple",
    ast.Try: "has `try`: an error must reach the engine, which halts the strategy; test the condition instead",
    ast.TryStar: "has `try`: an error must reach the engine, which halts the strategy; test the condition instead",
    ast.With: "has `with`: a strategy opens nothing",
    ast.AsyncFunctionDef: "is async: a strategy answers at once and waits for nothing",
    ast.AsyncFor: "is async: a strategy answers at once and waits for nothing",
    ast.AsyncWith: "is async: a strategy answers at once and waits for nothing",
    ast.Await: "is async: a strategy answers at once and waits for nothing",
    ast.Yield: "is a generator, which remembers where it stopped: return a value instead",
    ast.YieldFrom: "is a generator, which remembers where it stopped: return a value instead",
    ast.SetComp: "makes a set, whose order differs between two runs: use a tuple",
}


def check_file(tree: ast.Module, path: str) -> None:
    """Refuse a strategy file whose code could remember, ask, wait or differ between two runs.

    Raises:
        StrategyFileError: the first line that does, in the order of the file.
    """
    found = sorted([*_everywhere(tree), *_top_level(tree)])
    if found:
        line, why = found[0]
        raise StrategyFileError(f"{path}:{line}: this line {why}.")


def _everywhere(tree: ast.Module) -> Iterator[tuple[int, str]]:
    members = {id(part) for node in ast.walk(tree) if isinstance(node, ast.Compare) for part in node.comparators}
    for node in ast.walk(tree):
        why = _STATEMENTS.get(type(node), "") or _expression_why(node, is_member_list=id(node) in members)
        if why:
            yield getattr(node, "lineno", 1), why


def _expression_why(node: ast.AST, *, is_member_list: bool) -> str:
    match node:
        case ast.Import() | ast.ImportFrom():
            return _import_why(node)
        case ast.Attribute():
            return _attribute_why(node)
        case ast.Name(id=name, ctx=ast.Load()) if name in _BUILTINS:
            return f"uses {name}: {_BUILTINS[name]}"
        case ast.Set() if not is_member_list:
            return "makes a set, whose order differs between two runs: use a tuple"
        case ast.FunctionDef(args=given) | ast.Lambda(args=given):
            if not all(_is_fixed(part, {}) for part in (*given.defaults, *given.kw_defaults) if part is not None):
                return "has a default that may change between calls: use a number, a text or a tuple"
        case _:
            pass
    return ""


def _import_why(node: ast.Import | ast.ImportFrom) -> str:
    if isinstance(node, ast.Import):
        return next((why for alias in node.names if (why := _module_why(alias.name))), "")
    names = {alias.name for alias in node.names}
    if node.level:
        return "imports a file beside it: one strategy is one file, so that its hash covers all of it"
    if "*" in names:
        return "imports *: name what is used"
    if node.module == "tidegate" and names <= PUBLIC:
        return ""
    if node.module == "numpy":
        return next((why for name in sorted(names) if (why := _module_why(f"numpy.{name}"))), "")
    return _module_why(str(node.module))


def _module_why(module: str) -> str:
    top, _, rest = module.partition(".")
    part = rest.partition(".")[0]
    if top == "numpy":
        return f"imports {module}: {_NUMPY[part]}" if part in _NUMPY else ""
    if module in MODULES or (top == "tidegate" and part in _LAYERS):
        return ""
    may = f"a strategy may import {', '.join(sorted(MODULES))} and tidegate.{{{', '.join(_LAYERS)}}}"
    return f"imports {module}: {_HINTS.get(top, may)}"


def _attribute_why(node: ast.Attribute) -> str:
    if not isinstance(node.ctx, ast.Load):
        return f"changes {ast.unparse(node)}: what a strategy remembers is the State it returns, or a trigger's own.scratch"
    if node.attr.startswith("__"):
        return f"reaches for {node.attr}, which belongs to the interpreter"
    if isinstance(node.value, ast.Name) and node.value.id in {"np", "numpy"} and node.attr in _NUMPY:
        return f"uses {ast.unparse(node)}: {_NUMPY[node.attr]}"
    return ""


def _top_level(tree: ast.Module) -> Iterator[tuple[int, str]]:
    imported = _imported(tree)
    defined: dict[str, int] = {}
    for node in tree.body:
        for name in _names_of(node):
            if name in defined:
                yield node.lineno, f"defines {name} again (first in line {defined[name]}): give it another name"
            defined[name] = node.lineno
        yield from _definition_faults(node, imported)


def _definition_faults(node: ast.stmt, imported: dict[str, str]) -> Iterator[tuple[int, str]]:
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()) | ast.AsyncFunctionDef():
            return
        case ast.Assign(value=value) | ast.AnnAssign(value=value):
            if value is not None and not _is_fixed(value, imported):
                yield (
                    node.lineno,
                    (
                        f"sets {' and '.join(_names_of(node))} to something that may change: "
                        "use a number, a text, a tuple of those, or a rule of the plan"
                    ),
                )
        case ast.FunctionDef():
            yield from _decorator_faults(node, imported)
        case ast.ClassDef():
            yield from _class_faults(node, imported)
        case _:
            yield node.lineno, "runs code while the file is loaded: a strategy file only defines names"


def _class_faults(node: ast.ClassDef, imported: dict[str, str]) -> Iterator[tuple[int, str]]:
    bases = [ast.unparse(base).rpartition(".")[2] for base in node.bases]
    if len(bases) != 1 or bases[0] not in _BASES or node.decorator_list:
        yield node.lineno, f"defines {node.name}, which is no frozen msgspec.Struct, Enum or NamedTuple: its values could change"
    if bases == ["Struct"] and not any(k.arg == "frozen" and ast.unparse(k.value) == "True" for k in node.keywords):
        yield node.lineno, f"defines {node.name} without frozen=True: its values could change"
    for part in node.body:
        if isinstance(part, ast.Pass):
            continue
        yield from _definition_faults(part, imported)


def _decorator_faults(node: ast.FunctionDef, imported: dict[str, str]) -> Iterator[tuple[int, str]]:
    for decorator in node.decorator_list:
        root = ast.unparse(decorator).partition("(")[0].partition(".")[0]
        if root not in _DECORATORS and imported.get(root) != "tidegate":
            yield decorator.lineno, f"decorates {node.name} with {ast.unparse(decorator)}: only @kernel is known here"


def _imported(tree: ast.Module) -> dict[str, str]:
    """Return each imported name with the top of the package that it comes from, and the file's own classes."""
    found: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                found[alias.asname or alias.name.partition(".")[0]] = alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                found[alias.asname or alias.name] = str(node.module).partition(".")[0]
        elif isinstance(node, ast.ClassDef):
            found[node.name] = _OWN_CLASS
    return found


def _names_of(node: ast.stmt) -> list[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            return [alias.asname or alias.name.partition(".")[0] for alias in aliases]
        case ast.Assign() | ast.AnnAssign():
            return [part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)]
        case _:
            return []


_PARTS_DECIDE: Final = (
    ast.Constant,
    ast.Attribute,
    ast.Starred,
    ast.Tuple,
    ast.BoolOp,
    ast.UnaryOp,
    ast.BinOp,
    ast.Compare,
    ast.IfExp,
    ast.JoinedStr,
    ast.FormattedValue,
    ast.Subscript,
)


def _is_fixed(node: ast.expr, imported: dict[str, str]) -> bool:
    """Tell whether an expression gives a value that nobody can change later."""
    if isinstance(node, ast.Name):
        return node.id not in _CHANGING
    if isinstance(node, ast.Call):
        root = ast.unparse(node.func).partition(".")[0]
        if root not in _PLAIN_CALLS and imported.get(root) not in _CALLS_OF:
            return False
        return all(_is_fixed(part, imported) for part in (*node.args, *(given.value for given in node.keywords)))
    parts = [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)]
    return isinstance(node, _PARTS_DECIDE) and all(_is_fixed(part, imported) for part in parts)
