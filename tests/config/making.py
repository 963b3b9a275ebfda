"""Strategy files and configurations for tests: a sound one, and sound ones with one part changed."""

from pathlib import Path

from tidegate.config.reading import PRESETS

SHIPPED = tuple(sorted(path.stem for path in PRESETS.glob("*.yaml")))  # configurations by name

HEAD = '''"""A strategy of a test."""

import math

import msgspec

from tidegate.features.update import ratio
from tidegate.kernel.mode import kernel
from tidegate.strategies.plan import ExitRule, Plan, bps
from tidegate.strategies.rows import BUY, EXIT, NONE, SELL
from tidegate.strategies.strategy import Intent, NoState, Nothing

NAME = "made_up"
VERSION = 3


class Params(msgspec.Struct, frozen=True, kw_only=True):
    """What can be set."""

    # How far below
    # the average
    below_bps: float = 5.0  # it buys
    count: int = 2  # times
    short: bool = False
    silent: float = 1.0
'''

PLAN = """
def plan(params):
    return Plan(signal="made up", exits=ExitRule(stop=bps(10.0)))
"""

TRIGGER = """
def trigger(symbol, regime, own, params):
    own.scratch[0] += 1.0
    if symbol.valid == 1 and symbol.mid < symbol.ema_slow:
        return BUY
    return NONE
"""

DECIDE = """
def decide(view, state, attention):
    return state, Nothing(reason="made up")
"""

SOUND = HEAD + PLAN + TRIGGER + DECIDE


def strategy_file(folder: Path, text: str = SOUND, name: str = "made_up") -> str:
    """Write a strategy file and return its path."""
    path = folder / f"{name}.py"
    path.write_text(text)
    return str(path)


def line_of(text: str, part: str) -> int:
    """Return the line in which a part of a text stands first."""
    return text[: text.index(part)].count("\n") + 1


CONFIG = """
account: {name: test, cash_usd: "100000.50"}
venues:
  - {name: sim, calendar: XNYS}
groups:
  - {name: stocks, index_symbol: SPY}
instruments:
  - {symbol: IBM, venue: sim, sector: technology, market_group: stocks}
  - {symbol: SPY, venue: sim, kind: index, market_group: stocks, bars_from_trades: true}
strategies:
  - strategy: mean_reversion
    params: {entry_z: 2.25, short: false}
    eligible:
      - {symbol: [CHOP], market: [CHOP, TREND], spread_bps_max: 8}
limits_file: 2026-02
"""
