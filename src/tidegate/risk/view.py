"""All that the gate may look at for one intent.

The engine fills it; what it leaves None could not be seen, and is refused. Plain ints in nanos, ns and attos.
One view serves one verdict: the engine may reuse the object by setting its fields again. What only entries are judged by it need not
set for an exit: no check of an exit reads it.
"""

from dataclasses import dataclass
from typing import Final, final

from tidegate.market import rows
from tidegate.portfolio.exposure import UNTOUCHED, SymbolBook
from tidegate.portfolio.in_trade import InTrade
from tidegate.portfolio.portfolio import Portfolio
from tidegate.portfolio.valuation import Exposure, Marks
from tidegate.risk.approval_rules import ApprovalRule
from tidegate.risk.gates import OPEN, GateVerdict
from tidegate.risk.limits import Bounds, RiskLimits
from tidegate.values.enums import Regime
from tidegate.values.instruments import Instrument

BLOCKING_QUALITY: Final = (
    rows.CROSSED
    | rows.LOCKED
    | rows.ONE_SIDED
    | rows.WIDE
    | rows.SPIKE
    | rows.GAP
    | rows.FUTURE
    | rows.SUSPICIOUS
    | rows.FEED_DOWN
    | rows.SLOW_QUOTE
    | rows.NO_QUOTE
)  # halts have a check of their own


NOTHING_ALLOWED: Final = Bounds(None)


@final
@dataclass(slots=True, kw_only=True)  # a message's fields would be set at three times the cost, and each verdict sets most of them
class RiskView:
    """What is known at the moment of the verdict."""

    now_ns: int
    limits: RiskLimits
    portfolio: Portfolio
    in_trade: InTrade
    mark: Marks  # price at which a position could be closed now, or None
    instrument: Instrument | None
    soft: frozenset[str] = frozenset()  # checks that ask for a person, instead of refusing

    # Of any order.
    gate: GateVerdict = OPEN  # strictest state over all scopes
    by_person: bool = False  # a person's flatten: passes HALTED
    approval_id: str = ""  # of the approval under which the intent is judged as new
    approvals_given: int = 0  # persons who have approved it
    bid_nanos: int = 0  # last accepted quote; 0: none
    ask_nanos: int = 0
    quote_ns: int = 0  # receive time of the last accepted quote; 0: none
    quality: int = rows.NO_QUOTE  # flags of `market.rows` on the last quote
    last_good_nanos: int = 0  # last price that can be trusted (accepted mid or regular trade); 0: none

    # Of an entry alone: the symbol.
    bid_size_nanos: int = 0
    ask_size_nanos: int = 0
    halted: bool | None = None
    features_valid: bool | None = None
    newsy: bool | None = None
    open_ns: int = 0  # trading session of the symbol's venue; 0: unknown
    close_ns: int = 0
    no_trade_window: str = ""  # name of the declared window now in force; empty: none
    cooldown_until_ns: int = 0

    # Regime and permission.
    symbol_regime: Regime = Regime.UNTRADEABLE
    market_regime: Regime = Regime.UNTRADEABLE
    eligible: bool | None = None  # the matrix lets this strategy enter in these regimes
    cell_spread_bps_max: int | None = None  # the matrix cell's own maximum; None: no cell
    permitted: bool | None = None  # the strategy's permission to trade is in force

    owner: str | None = None  # strategy that holds or works the symbol; empty: none does
    foreign_nanos: int | None = None  # position in the symbol that nobody here ordered
    symbols_shared: bool = False  # the configuration lets several strategies own one symbol

    # The account and ourselves.
    lag_ns: int | None = None
    streams_up: bool | None = None  # market and order stream trusted
    store_ok: bool | None = None  # log and ledger durable
    equity_attos: int | None = None

    # Approvals.
    approval_rules: tuple[ApprovalRule, ...] = ()
    approvals_waiting: int = 0

    # Worked out by the gate before the checks of an entry run. Money in millionths of a dollar, rounded up.
    bounds: Bounds = NOTHING_ALLOWED  # of `limits`; made anew when those are others
    book: SymbolBook = UNTOUCHED
    worst_nanos: int = 0  # largest absolute position that could come about with this order
    whole_micros: int | None = None  # notional of the whole entry that it is a slice of, or its own
    notional_micros: int | None = None  # at the higher of the order's prices and the touch it takes
    worst_micros: int | None = None  # worth of the worst position
    added_micros: int | None = None  # what the order adds to the symbol's worst position
    equity_micros: int | None = None  # rounded down
    day_loss_micros: int | None = None  # what the account is down by today; 0 for a gain
    exposure: Exposure | None = None  # of the account without this order
