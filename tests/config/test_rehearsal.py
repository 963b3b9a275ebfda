import sys
from pathlib import Path

import pytest

from tests.config.making import DECIDE, HEAD, PLAN, SOUND, line_of, strategy_file
from tidegate.config.errors import StrategyFileError
from tidegate.config.loading import load_strategy
from tidegate.config.rehearsal import ROWS, Rows, made_up_rows
from tidegate.regime.rows import LABELS

pytestmark = pytest.mark.req("A2.3")

FIRST = "def trigger(symbol, regime, own, params):\n"
FAILS = {
    "misspelt field": ("    return BUY if symbol.midd > 0.0 else NONE", "symbol has no field 'midd'; did you mean mid"),
    "misspelt field of own": (
        "    return BUY if own.positoin > 0.0 else NONE",
        "own has no field 'positoin'; did you mean position",
    ),
    "unknown parameter": ("    return BUY if params.above > 0.0 else NONE", "params has no field 'above'"),
    "cell outside": ("    own.scratch[16] = 1.0\n    return NONE", "scratch[16] is outside its 16 cells"),
    "cell before the first": ("    own.scratch[-1] = 1.0\n    return NONE", "scratch[-1] is outside"),
    "not finite": ("    own.scratch[0] = symbol.mid * math.inf\n    return NONE", "finite numbers only"),
    "root of less than 0": ("    own.scratch[0] = math.sqrt(symbol.ema_fast - symbol.ema_slow)\n    return NONE", "ValueError"),
    "logarithm of 0": ("    own.scratch[0] = math.log(symbol.volatility_short)\n    return NONE", "ValueError"),
    "too large": ("    own.scratch[0] = math.exp(symbol.bid_nanos)\n    return NONE", "OverflowError"),
    "other kinds": ("    return NONE if own.scratch > 0.0 else BUY", "TypeError"),
    "never assigned": ("    if symbol.valid == 1:\n        x = 1\n    return x", "UnboundLocalError"),
    "a hundred million turns": (
        "    for i in range(100_000_000):\n        own.scratch[0] = 1.0\n    return NONE",
        "loop over less",
    ),
    "answer too large": ("    return 4", "returned 4"),
    "answer below 0": ("    return -1", "returned -1"),
    "answer is a float": ("    return 1.0", "returned 1.0"),
    "answer is a truth": ("    return symbol.mid > 1.0", "returned False"),
}


@pytest.mark.parametrize("case", FAILS)
def test_the_rehearsal_finds(case: str, tmp_path: Path) -> None:
    body, why = FAILS[case]
    with pytest.raises(StrategyFileError) as refused:
        load_strategy(strategy_file(tmp_path, f"{HEAD}{PLAN}\n{FIRST}{body}\n{DECIDE}"), {})
    assert why in str(refused.value)
    assert "made_up.py:" in str(refused.value)


def test_a_fault_has_the_line_in_which_it_happened(tmp_path: Path) -> None:
    text = SOUND.replace("symbol.mid < symbol.ema_slow", "symbol.mid < symbol.ema_slwo")
    where = rf"made_up\.py:{line_of(text, 'ema_slwo')}: trigger fails in the rehearsal: symbol has no field"
    with pytest.raises(StrategyFileError, match=where):
        load_strategy(strategy_file(tmp_path, text), {})


def test_a_fault_in_a_called_function_has_that_line(tmp_path: Path) -> None:
    text = f"{HEAD}{PLAN}\n@kernel\ndef f(row):\n    return row.nothing_here\n\n\n{FIRST}    return f(regime)\n{DECIDE}"
    with pytest.raises(StrategyFileError, match=rf"made_up\.py:{line_of(text, 'return row.nothing')}: "):
        load_strategy(strategy_file(tmp_path, text), {})


def test_tracing_by_others_goes_on_after_the_rehearsal(tmp_path: Path) -> None:
    before = sys.gettrace()
    calls: list[str] = []

    def watch(_frame: object, event: str, _argument: object) -> None:
        calls.append(event)

    sys.settrace(watch)
    try:
        load_strategy(strategy_file(tmp_path), {})
        assert sys.gettrace() is watch
    finally:
        sys.settrace(before)


def test_the_made_up_market_shows_every_situation() -> None:
    params = load_strategy("breakout", {}).params
    seen: set[tuple[int, int, int]] = set()
    warm: set[int] = set()
    counted = 0
    for rows in made_up_rows(params):
        assert isinstance(rows, Rows)
        sign = (rows.own.position > 0) - (rows.own.position < 0)
        seen.add((int(rows.regime.label), int(rows.regime.market_label), sign))
        warm.add(int(rows.symbol.valid))
        counted += 1
        if counted > 1:
            assert rows.symbol.bid < rows.symbol.ask
            assert rows.symbol.bid_nanos < rows.symbol.ask_nanos
    assert counted == ROWS + 1
    assert warm == {0, 1}
    assert len(seen) == LABELS * LABELS * 3
