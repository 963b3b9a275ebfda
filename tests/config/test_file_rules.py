import ast
from pathlib import Path

import pytest

import tidegate
from tests.config.making import SOUND, line_of, strategy_file
from tidegate.config.errors import StrategyFileError
from tidegate.config.file_rules import PUBLIC, check_file
from tidegate.config.loading import load_strategy
from tidegate.values.errors import ExitCode

pytestmark = pytest.mark.req("A2.3")

IN_DECIDE = {
    "global": ("    global SEEN\n    SEEN = 1", "has `global`"),
    "nonlocal": ("    n = 0\n    def f():\n        nonlocal n\n        n = 1", "has `nonlocal`"),
    "attribute of the function": ("    decide.count = 1", "changes decide.count"),
    "attribute counted up": ("    decide.count += 1", "changes decide.count"),
    "attribute of the state": ("    state.n = 1", "changes state.n"),
    "attribute deleted": ("    del state.n", "changes state.n"),
    "attribute in a loop": ("    for state.n in (1, 2):\n        pass", "changes state.n"),
    "setattr": ("    setattr(state, 'n', 1)", "uses setattr"),
    "globals": ("    globals()['n'] = 1", "uses globals"),
    "dunder": ("    state.__dict__['n'] = 1", "reaches for __dict__"),
    "while": ("    while True:\n        pass", "may never end"),
    "iter": ("    for x in iter(int, 1):\n        pass", "uses iter"),
    "try": ("    try:\n        pass\n    except ValueError:\n        pass", "has `try`"),
    "with": ("    with view:\n        pass", "opens nothing"),
    "yield": ("    yield 1", "is a generator"),
    "yield from": ("    yield from ()", "is a generator"),
    "nested async": ("    async def f():\n        await view", "is async"),
    "print": ("    print(view)", "say it in the reason"),
    "open": ("    open('x')", "uses open"),
    "input": ("    input()", "uses input"),
    "eval": ("    eval('1')", "uses eval"),
    "exec": ("    exec('1')", "uses exec"),
    "__import__": ("    __import__('os')", "uses __import__"),
    "hash": ("    hash('x')", "differs between two runs"),
    "id": ("    id(view)", "differs between two runs"),
    "set call": ("    x = set((1, 2))", "order differs"),
    "set display": ("    for x in {'a', 'b'}:\n        pass", "order differs"),
    "set comprehension": ("    x = {y for y in (1, 2)}", "order differs"),
    "import of time": ("    import time", "view.now_ns"),
    "numpy random": ("    np.random.rand()", "a replay could not repeat it"),
    "mutable default": ("    def f(seen=[]):\n        return seen", "default that may change"),
    "mutable default of a lambda": ("    f = lambda seen={}: seen", "default that may change"),
}

AT_TOP = {
    "import of os": ("import os", "asks the world for nothing"),
    "import of random": ("from random import random", "a replay could not repeat it"),
    "import of datetime": ("import datetime", "view.now_ns"),
    "import of socket": ("import socket", "asks the world for nothing"),
    "import of a stranger": ("import pandas", "a strategy may import"),
    "import beside": ("from . import other", "one strategy is one file"),
    "import of everything": ("from math import *", "name what is used"),
    "import of a service": ("from tidegate.replay import loop", "a strategy may import"),
    "import of numpy.random": ("from numpy import random", "a replay could not repeat it"),
    "import of numpy.random as a module": ("import numpy.random", "a replay could not repeat it"),
    "import of a tool": ("from tidegate import run_replay", "a strategy may import"),
    "import of the package": ("import tidegate", "a strategy may import"),
    "list": ("SEEN = []", "something that may change"),
    "dict": ("SEEN = {}", "something that may change"),
    "annotated list": ("SEEN: list[int] = [1]", "something that may change"),
    "list in a tuple": ("SEEN = (1, [2])", "something that may change"),
    "dict call": ("SEEN = dict()", "something that may change"),
    "bytearray": ("SEEN = bytearray(3)", "something that may change"),
    "comprehension": ("SEEN = [x for x in (1, 2)]", "something that may change"),
    "generator": ("SEEN = (x for x in (1, 2))", "something that may change"),
    "own function's answer": ("def box():\n    return 1\n\nSEEN = box()", "something that may change"),
    "numpy array": ("import numpy as np\nSEEN = np.zeros(3)", "something that may change"),
    "statement": ("if True:\n    x = 1", "runs code while the file is loaded"),
    "call": ("max(1, 2)", "runs code while the file is loaded"),
    "loop": ("for x in (1, 2):\n    pass", "runs code while the file is loaded"),
    "counted": ("VERSION += 1", "runs code while the file is loaded"),
    "defined twice": ("VERSION = 4", "defines VERSION again"),
    "function twice": ("def decide(view, state, attention):\n    return state", "defines decide again"),
    "unpacked twice": ("OTHER, NAME = 1, 2", "defines NAME again"),
    "class that changes": ("class Box:\n    pass", "its values could change"),
    "struct that changes": ("class Box(msgspec.Struct):\n    n: int = 0", "without frozen=True"),
    "class with a list": ("class Box(msgspec.Struct, frozen=True):\n    seen: list = []", "something that may change"),
    "hidden list": (
        "class Box(msgspec.Struct, frozen=True):\n    seen: object = msgspec.field(default_factory=list)",
        "may change",
    ),
    "class with code": ("class Box(msgspec.Struct, frozen=True):\n    max(1, 2)", "runs code"),
    "decorator": ("@property.fget\n@math.sqrt\ndef f():\n    return 1", "only @kernel is known"),
    "async function": ("async def f():\n    return 1", "is async"),
}


@pytest.mark.parametrize("case", IN_DECIDE)
def test_a_function_may_not(case: str, tmp_path: Path) -> None:
    part, why = IN_DECIDE[case]
    text = SOUND.replace("def decide(view, state, attention):\n", f"def decide(view, state, attention):\n{part}\n")
    with pytest.raises(StrategyFileError) as refused:
        load_strategy(strategy_file(tmp_path, text), {})
    assert why in str(refused.value)
    first, last = line_of(text, part), line_of(text, part) + part.count("\n")
    assert any(f"made_up.py:{line}: " in str(refused.value) for line in range(first, last + 1))
    assert refused.value.exit_code is ExitCode.REFUSED


@pytest.mark.parametrize("case", AT_TOP)
def test_a_file_may_not_hold(case: str, tmp_path: Path) -> None:
    part, why = AT_TOP[case]
    with pytest.raises(StrategyFileError) as refused:
        load_strategy(strategy_file(tmp_path, f"{SOUND}\n\n{part}\n"), {})
    assert why in str(refused.value)


@pytest.mark.parametrize(
    "part",
    [
        "LEVELS = (1, 2.5, -3)",
        "NOTE = f'{NAME} has {VERSION}'",
        "BOUND = 3 if VERSION > 2 else max(1, 2)",
        "ROOT = math.sqrt(2.0)",
        "RULE = bps(3.0)",
        "PAIR = tuple[int, int]",
        "class Kept(msgspec.Struct, frozen=True):\n    n: int = 0\n\n    @property\n    def twice(self):\n        return self.n",
        "def inside(x):\n    return x in {'a', 'b'}",
        "def local(x):\n    seen = {}\n    seen[x] = [1]\n    return sorted(seen)",
        "def bound(x, least=0, *, most=(1, 2)):\n    return min(max(x, least), *most)",
        "from collections.abc import Mapping\nfrom enum import Enum\n\n\nclass Word(Enum):\n    YES = 1",
        "from tidegate import Subscription, dollars",
        "import numpy as np\n\n\ndef mean(x):\n    return np.mean(np.array(x))",
    ],
)
def test_a_file_may_hold(part: str, tmp_path: Path) -> None:
    assert load_strategy(strategy_file(tmp_path, f"{SOUND}\n\n{part}\n"), {}).name == "made_up"


def test_the_first_bad_line_is_named() -> None:
    with pytest.raises(StrategyFileError, match=r"^f\.py:2: this line imports os"):
        check_file(ast.parse("x = 1\nimport os\nimport time\n"), "f.py")


def test_the_public_words_of_a_strategy_come_from_the_layers_it_may_import() -> None:
    assert set(tidegate.__all__) >= PUBLIC
    assert {name for name, home in tidegate._HOMES.items() if home in {"strategies.plan", "strategies.rows"}} <= PUBLIC
    for name in PUBLIC:
        kind = getattr(tidegate, name)
        home = getattr(kind, "__module__", "tidegate.strategies.rows")
        assert home.split(".")[1] in {"strategies", "values"}, name
