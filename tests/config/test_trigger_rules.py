from pathlib import Path

import pytest

from tests.config.making import DECIDE, HEAD, PLAN, SOUND, line_of, strategy_file
from tidegate.config.errors import StrategyFileError
from tidegate.config.loading import load_strategy
from tidegate.strategies.strategy import Strategy

pytestmark = pytest.mark.req("A2.3")

FIRST = "def trigger(symbol, regime, own, params):\n"


def loaded(folder: Path, trigger: str) -> Strategy:
    return load_strategy(strategy_file(folder, f"{HEAD}\nLIMIT = 2\nTABLE = (1.0, 2.0)\nWORD = 'x'\n{PLAN}\n{trigger}\n{DECIDE}"), {})


BODIES = {
    "power": ("    x = symbol.mid ** 2\n    return NONE", "multiply"),
    "power in place": ("    x = 2.0\n    x **= 2\n    return NONE", "multiply"),
    "unguarded division": ("    x = symbol.ask / symbol.bid\n    return NONE", "ratio(above, below, when_none)"),
    "unguarded floor division": ("    x = 7 // own.position_nanos\n    return NONE", "which may be 0"),
    "unguarded remainder": ("    x = 7 % params.count\n    return NONE", "which may be 0"),
    "division by 0": ("    x = 7.0 / 0.0\n    return NONE", "which may be 0"),
    "division by a whole number": ("    x = symbol.seen_ns / 1000\n    return NONE", "write a float"),
    "division by a whole constant": ("    x = symbol.seen_ns / LIMIT\n    return NONE", "write a float"),
    "nanos times nanos": ("    x = symbol.bid_nanos * symbol.bid_size_nanos\n    return NONE", "overflows"),
    "matrix product": ("    x = symbol @ own\n    return NONE", "numbers only"),
    "text": ("    x = 'long'\n    return NONE", "numbers only"),
    "formatted text": ("    x = f'{symbol.mid}'\n    return NONE", "makes a text"),
    "none": ("    x = None\n    return NONE", "numbers only"),
    "list": ("    x = [1, 2]\n    return NONE", "makes a list"),
    "dict": ("    x = {}\n    return NONE", "makes a dict"),
    "comprehension": ("    x = [i for i in range(3)]\n    return NONE", "makes a list"),
    "generator": ("    x = sum(i for i in range(3))\n    return NONE", "calls sum"),
    "lambda": ("    x = lambda: 1\n    return NONE", "makes a function"),
    "nested function": ("    def f():\n        return 1\n    return NONE", "defines f inside"),
    "slice": ("    x = symbol.highs[0:3]\n    return NONE", "one cell at a time"),
    "match": ("    match 1:\n        case 1:\n            return BUY\n    return NONE", "use `if`"),
    "raise": ("    raise ValueError\n    return NONE", "raises"),
    "assert": ("    assert symbol.mid > 0.0\n    return NONE", "asserts"),
    "import": ("    import math\n    return NONE", "imports inside"),
    "deletion": ("    x = 1\n    del x\n    return NONE", "deletes"),
    "store in the symbol": ("    symbol.highs[0] = 1.0\n    return NONE", "only the cells of own.scratch"),
    "store in a local": ("    x = own.scratch\n    x[0] = 1.0\n    return NONE", "only the cells of own.scratch"),
    "loop over a row": ("    for x in symbol.highs:\n        pass\n    return NONE", "for i in range(n)"),
    "range without for": ("    x = max(range(1_000_000_000_000))\n    return NONE", "uses range outside"),
    "unknown math": ("    x = math.gamma(2.0)\n    return NONE", "uses math.gamma"),
    "keyword": ("    x = ratio(1.0, below=2.0, when_none=0.0)\n    return NONE", "by place"),
    "unknown call": ("    x = round(symbol.mid)\n    return NONE", "may call abs"),
    "method": ("    x = symbol.mid.is_integer()\n    return NONE", "may call abs"),
    "text constant": ("    x = WORD\n    return NONE", "which is a str"),
    "undefined": ("    x = MISSING\n    return NONE", "which is not defined"),
    "no return": ("    if symbol.valid == 1:\n        return BUY", "may end without `return`"),
    "no return in else": ("    if symbol.valid == 1:\n        return BUY\n    else:\n        x = 1", "may end without `return`"),
    "bare return": ("    if symbol.valid == 1:\n        return\n    return BUY", "has no value to return"),
    "itself": ("    return trigger(symbol, regime, own, params)", "calls itself"),
}


@pytest.mark.parametrize("case", BODIES)
def test_a_trigger_may_not(case: str, tmp_path: Path) -> None:
    body, why = BODIES[case]
    with pytest.raises(StrategyFileError) as refused:
        loaded(tmp_path, FIRST + body)
    assert why in str(refused.value)
    assert "made_up.py:" in str(refused.value)


@pytest.mark.parametrize("head", ["def trigger(symbol, regime, own):", "def trigger(symbol, regime, own, params, more):"])
def test_a_trigger_has_four_arguments(head: str, tmp_path: Path) -> None:
    with pytest.raises(StrategyFileError, match="trigger"):
        loaded(tmp_path, f"{head}\n    return NONE")


@pytest.mark.parametrize("part", ["trigger = 3", "trigger = bps(3.0)"])
def test_a_trigger_is_a_function(part: str, tmp_path: Path) -> None:
    with pytest.raises(StrategyFileError, match="must be defined with `def trigger"):
        loaded(tmp_path, part)


@pytest.mark.parametrize(
    ("functions", "why"),
    [
        (
            f"@kernel\ndef f(x):\n    return g(x)\n\n\n@kernel\ndef g(x):\n    return f(x)\n\n\n{FIRST}    return f(1)",
            "calls itself",
        ),
        (f"def f(x):\n    return 1\n\n\n{FIRST}    return f(1)", "put @kernel"),
        (f"@kernel\ndef f(x):\n    return x ** 2\n\n\n{FIRST}    return f(1)", "f has `**`"),
        (f"@kernel\ndef f(x):\n    if x > 0:\n        return 1\n\n\n{FIRST}    return f(1)", "may end without `return`"),
    ],
)
def test_the_rules_hold_in_what_a_trigger_calls(functions: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(StrategyFileError) as refused:
        loaded(tmp_path, functions)
    assert why in str(refused.value)


@pytest.mark.parametrize(
    "trigger",
    [
        f"{FIRST}    return BUY if ratio(symbol.ask, symbol.bid, 0.0) > 2.0 else NONE",
        f"{FIRST}    x = symbol.seen_ns / 1e9\n    y = own.age_ns // 1000 + TABLE[1]\n    return NONE",
        f"{FIRST}    for i in range(LIMIT):\n        own.scratch[i] = math.sqrt(float(i))\n    return NONE",
        (
            f"{FIRST}    'Say nothing.'\n    if params.short:\n        return SELL\n"
            "    elif regime.label == 1:\n        return BUY\n"
            "    else:\n        return NONE"
        ),
        f"@kernel\ndef remember(own, x):\n    own.scratch[1] = x\n\n\n{FIRST}    remember(own, symbol.mid)\n    return NONE",
    ],
)
def test_a_trigger_may(trigger: str, tmp_path: Path) -> None:
    assert loaded(tmp_path, trigger).trigger is not None


def test_the_line_of_the_fault_is_named(tmp_path: Path) -> None:
    text = SOUND.replace("    return NONE\n", "    x = symbol.mid ** 2\n    return NONE\n")
    with pytest.raises(StrategyFileError, match=rf"made_up\.py:{line_of(text, '** 2')}: trigger has `\*\*`"):
        load_strategy(strategy_file(tmp_path, text), {})
