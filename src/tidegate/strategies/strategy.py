"""The strategy as the engine holds it, and the messages between the two: view in, intent or nothing out.

Here is all that a strategy file needs to import; see `docs/strategies.md` for the contract of such a file.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from tidegate.events.acts import FeatureSnapshot
from tidegate.values.enums import AttentionKind, Purpose, Side
from tidegate.values.instruments import Instrument


class Bar(msgspec.Struct, frozen=True, gc=False):
    """A closed bar; prices in dollars, volume in shares of regular trades."""

    start_ns: int
    length_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    trades: int


class View(msgspec.Struct, frozen=True, gc=False):
    """A copy of what a strategy may see at its turn, earlier reservations of the same input included.

    Prices in dollars as floats for convenience; `features` holds the exact ones. Equity is None where it cannot be valued.
    """

    now_ns: int
    symbol: str
    instrument: Instrument
    params: Any
    features: FeatureSnapshot
    bid: float
    ask: float
    position: float  # shares of this strategy, signed
    entry_price: float
    age_ns: int
    equity_usd: float | None
    bar: Bar | None  # the bar that was subscribed to and has closed
    scratch: tuple[float, ...]  # the trigger's numbers


class Attention(msgspec.Struct, frozen=True, gc=False):
    """Why `decide` is called: side is the trigger's, None for bars, quotes and timers."""

    kind: AttentionKind
    side: Side | None


class Intent(msgspec.Struct, frozen=True, gc=False):
    """What a strategy wants. Size, price and exit levels follow from its plan unless named here.

    quantity in shares; limit_price, stop_distance and take_distance in dollars.
    """

    side: Side
    reason: str
    purpose: Purpose = Purpose.ENTRY
    quantity: float | None = None
    limit_price: float | None = None
    stop_distance: float | None = None
    take_distance: float | None = None


class Nothing(msgspec.Struct, frozen=True, gc=False):
    """The strategy was asked and declines."""

    reason: str


class NoState(msgspec.Struct, frozen=True):
    """The State of a strategy that remembers nothing between calls."""


Decide = Callable[[View, Any, Attention], tuple[Any, Intent | Nothing]]
Trigger = Callable[[Any, Any, Any, Any], int]


class Strategy(msgspec.Struct, frozen=True, kw_only=True):
    """A loaded strategy with its parameters: what the engine runs. `plan` follows from `params`."""

    strategy_id: str
    name: str
    version: int
    module: str
    source: bytes
    sha256: str
    params: Any
    state: Any  # opening State
    plan: Any  # strategies.plan.Plan
    decide: Decide
    trigger: Trigger | None
