"""May anybody enter this market now.

Gates, permission, hours, streams, quote quality, regime, spread and displayed size. Each check returns (name,
passed, limit, observed); observed None with passed False means that it could not be seen. Constant results
are built once: most orders pass most checks.
"""

from typing import Final

from tidegate.events.acts import CheckResult, TradeIntent
from tidegate.risk.limits import BPS
from tidegate.risk.view import BLOCKING_QUALITY, RiskView
from tidegate.values.enums import GateScope, GateState, Purpose, Side

SCOPES: Final = tuple(GateScope)
STATES: Final = (GateState.ACTIVE, GateState.REDUCE_ONLY, GateState.HALTED)
CODE_BASE: Final = 10  # observed of a gate: 10 x strictness + scope; of a regime: 10 x symbol's + market's

_GATE_OPEN: Final = ("gate_state", True, 0, 0)
_REDUCING: Final = 1

# Members of an enum are looked up slowly before Python 3.12.
_BUY: Final = Side.BUY
_ACTIVE: Final = GateState.ACTIVE
_ENTRY: Final = Purpose.ENTRY


def _flag(name: str) -> dict[bool | None, CheckResult]:
    return {True: (name, True, 1, 1), False: (name, False, 1, 0), None: (name, False, 1, None)}


_PERMITTED: Final = _flag("permitted")
_ALLOWED: Final = _flag("symbol_allowed")
_NOT_BLOCKED: Final = _flag("symbol_not_blocked")
_OWNER: Final = _flag("symbol_owner")
_NO_WINDOW: Final = _flag("no_trade_window")
_TRADING: Final = _flag("not_halted")
_STREAMS: Final = _flag("streams_up")
_STORE: Final = _flag("store_durable")
_WARM: Final = _flag("features_warm")
_QUIET: Final = _flag("no_news")
_NEGATED: Final[dict[bool | None, bool | None]] = {True: False, False: True, None: None}


def gate_state(intent: TradeIntent, view: RiskView) -> CheckResult:
    """Entries need ACTIVE; exits any state but HALTED, which lets only a person's flatten pass."""
    gate = view.gate
    if gate.state is _ACTIVE:
        return _GATE_OPEN
    strictness = STATES.index(gate.state)
    code = CODE_BASE * strictness + SCOPES.index(gate.scope)
    if intent.purpose is _ENTRY:
        return ("gate_state", False, 0, code)
    return ("gate_state", view.by_person or strictness <= _REDUCING, CODE_BASE * _REDUCING, code)


def permitted(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """The strategy's permission to trade is in force."""
    return _PERMITTED[view.permitted]


def symbol_allowed(intent: TradeIntent, view: RiskView) -> CheckResult:
    """The symbol is on the allowlist, where there is one."""
    allowed = view.limits.symbols_allowed
    return _ALLOWED[allowed is None or intent.symbol in allowed]


def symbol_not_blocked(intent: TradeIntent, view: RiskView) -> CheckResult:
    """The symbol is not on the blocklist."""
    return _NOT_BLOCKED[intent.symbol not in view.limits.symbols_blocked]


def symbol_owner(intent: TradeIntent, view: RiskView) -> CheckResult:
    """No other strategy holds or works anything in the symbol, unless the configuration shares symbols.

    Two owners could hold opposite positions: each exit would add to the account's net, and none could be
    proved to reduce it.
    """
    if view.owner is None:
        return _OWNER[None]
    return _OWNER[view.symbols_shared or view.owner in ("", intent.strategy_id)]


def foreign_position(intent: TradeIntent, view: RiskView) -> CheckResult:
    """The entry does not go against a position that nobody here ordered.

    It would close what somebody else holds; its own exit could then not be proved to reduce anything. Observed is that position.
    """
    foreign = view.foreign_nanos
    against = foreign is None or (foreign < 0 if intent.side is _BUY else foreign > 0)
    return ("foreign_position", not against, 0, foreign)


def session_hours(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """The venue's trading session is open: open <= now < close."""
    now_ns = view.now_ns
    if not view.close_ns:
        return ("session_hours", False, None, None)
    if now_ns < view.open_ns:
        return ("session_hours", False, view.open_ns, now_ns)
    return ("session_hours", now_ns < view.close_ns, view.close_ns, now_ns)


def no_trade_window(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """No declared no-trade window is in force."""
    return _NO_WINDOW[not view.no_trade_window]


def not_halted(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """The symbol is not halted."""
    return _TRADING[_NEGATED[view.halted]]


def streams_up(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """Market and order streams are connected and have been resynchronized, and the venue does not block the account."""
    return _STREAMS[view.streams_up]


def store_durable(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """Log and ledger take what we write."""
    return _STORE[view.store_ok]


def processing_lag(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """We do not run behind the market."""
    lag_ns = view.lag_ns
    limit = view.limits.lag_ns_max
    return ("processing_lag", lag_ns is not None and lag_ns <= limit, limit, lag_ns)


def quote_age(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """The last accepted quote is fresh."""
    limit = view.limits.quote_age_ns_max
    if not view.quote_ns:
        return ("quote_age", False, limit, None)
    age_ns = view.now_ns - view.quote_ns
    return ("quote_age", age_ns <= limit, limit, age_ns)


def quote_quality(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """Nothing is wrong with the last quote.

    Not crossed, locked, one-sided, wide, a spike, after a gap, or from the future.
    """
    doubts = view.quality & BLOCKING_QUALITY
    return ("quote_quality", doubts == 0, 0, doubts)


def features_warm(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """The features have seen enough since the last gap."""
    return _WARM[view.features_valid]


def no_news(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """No news, listed event or shock makes the symbol newsy."""
    return _QUIET[_NEGATED[view.newsy]]


def regime_eligible(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """The eligibility matrix lets this strategy enter in these regimes."""
    if view.eligible is None:
        return ("regime_eligible", False, None, None)
    return ("regime_eligible", view.eligible, None, CODE_BASE * view.symbol_regime + view.market_regime)


def cooldown(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """The symbol's cooldown is over."""
    return ("cooldown", view.now_ns >= view.cooldown_until_ns, view.cooldown_until_ns, view.now_ns)


def spread(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """The spread is within the account's maximum and that of the matrix cell.

    Observed is rounded up to whole bps.
    """
    limit = view.limits.spread_bps_max
    cell = view.cell_spread_bps_max
    if cell is not None and cell < limit:
        limit = cell
    bid, ask = view.bid_nanos, view.ask_nanos
    if bid <= 0 or ask <= 0:
        return ("spread", False, limit, None)
    bps = -((bid - ask) * 2 * BPS // (bid + ask))
    return ("spread", bps <= limit, limit, bps)


def displayed_size(_intent: TradeIntent, view: RiskView) -> CheckResult:
    """Enough is displayed on both sides."""
    limit = view.limits.displayed_size_nanos_min
    bid, ask = view.bid_size_nanos, view.ask_size_nanos
    if bid <= 0 or ask <= 0:
        return ("displayed_size", False, limit, None)
    size = min(bid, ask)
    return ("displayed_size", size >= limit, limit, size)


def liquidity(intent: TradeIntent, view: RiskView) -> CheckResult:
    """The order takes no more than its share of the displayed size it would trade with."""
    limit = view.limits.liquidity_bps_max
    size = view.ask_size_nanos if intent.side is _BUY else view.bid_size_nanos
    if size <= 0:
        return ("liquidity", False, limit, None)
    bps = -(-intent.quantity_nanos * BPS // size)
    return ("liquidity", bps <= limit, limit, bps)
