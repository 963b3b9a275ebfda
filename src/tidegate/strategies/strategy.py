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
    """A closed bar; prices in dollars."""

    start_ns: int  # when it began
    length_ns: int  # a second or a minute
    open: float  # the first accepted mid; for a symbol with bars from trades, the first regular print
    high: float  # the highest
    low: float  # the lowest
    close: float  # the last
    volume: float  # shares of regular trades
    trades: int  # how many these were


class View(msgspec.Struct, frozen=True, gc=False):
    """A copy of what a strategy may see at its turn, earlier reservations of the same input included.

    Prices in dollars as floats for convenience; `features` holds the exact ones. Equity is None where it cannot be valued.
    """

    now_ns: int  # receive time of the input, the only now there is
    symbol: str  # whom it is about
    instrument: Instrument  # its grid, lot, multiplier and sector
    params: Any  # the file's own Params
    features: FeatureSnapshot  # what the senses know, prices exact
    bid: float  # of the last accepted quote
    ask: float  # likewise
    position: float  # shares of this strategy, signed
    entry_price: float  # mean price of what is held; 0 when flat
    age_ns: int  # since the position was opened
    equity_usd: float | None  # what the account is worth; None: something held has no price
    bar: Bar | None  # the bar that was subscribed to and has closed
    scratch: tuple[float, ...]  # the trigger's numbers


class Attention(msgspec.Struct, frozen=True, gc=False):
    """Why `decide` is called."""

    kind: AttentionKind  # entry: the trigger fired; bar, quote or timer: as subscribed
    side: Side | None  # the trigger's; None for bars, quotes and timers


class Intent(msgspec.Struct, frozen=True, gc=False):
    """What a strategy wants. Size, price and exit levels follow from its plan unless named here."""

    side: Side  # BUY or SELL; an exit's side follows from what is held
    reason: str  # why, in words that the log keeps
    purpose: Purpose = Purpose.ENTRY  # EXIT leaves all that is held, whatever else is named
    quantity: float | None = None  # shares, instead of the plan's size
    limit_price: float | None = None  # dollars, instead of the plan's price
    stop_distance: float | None = None  # dollars, instead of the plan's
    take_distance: float | None = None  # dollars, instead of the plan's


class Nothing(msgspec.Struct, frozen=True, gc=False):
    """The strategy was asked and declines."""

    reason: str  # why, in words that the log keeps


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
