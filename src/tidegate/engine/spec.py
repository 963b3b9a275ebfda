"""What an engine is built from: one frozen value that the configuration makes and the engine never looks behind."""

from hashlib import sha256
from typing import Final

import msgspec

from tidegate.oms.plans import OmsPolicy
from tidegate.risk.approval_rules import ApprovalRule
from tidegate.risk.limits import RiskLimits
from tidegate.risk.scopes import LOSSES, LimitScope, ScopedLimits
from tidegate.strategies.strategy import Strategy
from tidegate.values.enums import Regime
from tidegate.values.instruments import Instrument
from tidegate.values.time import MINUTE_NS, NEVER_NS

_encoder: Final = msgspec.msgpack.Encoder(order="deterministic")

Cells = tuple[tuple[Regime, Regime], ...]  # (symbol regime, market regime)


class MarketSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Data-quality thresholds."""

    wide_bps: float
    spike_bps: float
    spikes_max: int
    gap_ns: int
    future_ns: int
    stale_ns: int


class FeatureSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How fast the rolling numbers forget (weights of one second bar, minute bar or quote) and when they count as warm."""

    ema_fast_weight: float
    ema_slow_weight: float
    variance_short_weight: float
    variance_long_weight: float
    trend_weight: float
    atr_weight: float
    spread_weight: float
    volume_short_weight: float
    volume_long_weight: float
    range_minutes: int
    warm_seconds_min: int
    warm_minutes_min: int
    shock_volume: float
    shock_ns: int


class RegimeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Thresholds to enter and to leave a label, and how long a new one must hold."""

    expansion_enter: float
    expansion_leave: float
    trend_enter: float
    trend_leave: float
    spread_enter: float
    spread_leave: float
    confirmations_min: int
    breadth_enter: float
    breadth_leave: float
    readable_min: float
    evaluate_ns: int


class MarketGroup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Symbols whose market regime is judged together; index_symbol empty: breadth alone."""

    name: str
    index_symbol: str = ""


class EligibleCell(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A strategy may enter where the symbol and its market are in these regimes and the spread is at most this."""

    symbol_regime: Regime
    market_regime: Regime
    spread_bps_max: float


class StrategySlot(msgspec.Struct, frozen=True, kw_only=True):
    """A loaded strategy and where it may trade. Its place in the engine's tuple is its precedence."""

    strategy: Strategy
    symbols: tuple[str, ...]  # the instruments it watches
    eligible: tuple[EligibleCell, ...]


class NoTradeWindow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Entries are off for so long after the open and before the close."""

    after_open_ns: int
    before_close_ns: int


class EngineSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that decides what an engine will do with its inputs."""

    session_id: str
    account: str
    cash_attos: int
    instruments: tuple[Instrument, ...]  # place = Instrument.index
    groups: tuple[MarketGroup, ...]
    market: MarketSettings
    features: FeatureSettings
    regime: RegimeSettings
    no_trade: NoTradeWindow
    strategies: tuple[StrategySlot, ...]
    limits: RiskLimits
    soft: tuple[str, ...] = ()  # checks that ask for a person, instead of refusing
    scoped: tuple[ScopedLimits, ...] = ()  # narrower limits of single strategies, symbols and sectors
    orders: OmsPolicy
    symbols_shared: bool = False  # several strategies may own one symbol
    symbol_cooldown_ns: int = 0  # after a closed position, for every strategy
    valuation_ns: int = MINUTE_NS  # how often the account is valued; NEVER_NS: never
    command_valid_ns: int = 5_000_000_000
    lease_epoch: int = 0
    approval_rules: tuple[ApprovalRule, ...] = ()  # entries that a person has to approve, besides those above the limits
    stale_ns: dict[str, int] = {}  # without a quote for so long these symbols are untradeable; the others as `market` says

    def check(self) -> None:
        """Assert what the configuration has promised."""
        assert [i.index for i in self.instruments] == list(range(len(self.instruments)))
        assert len({slot.strategy.strategy_id for slot in self.strategies}) == len(self.strategies)
        assert 0 < self.valuation_ns <= NEVER_NS

    def own_losses(self) -> tuple[str, ...]:
        """Return the strategies that have a loss limit of their own, in the order of the configuration."""
        found = (one.key for one in self.scoped if one.scope is LimitScope.STRATEGY and not LOSSES.isdisjoint(one.limits))
        return tuple(dict.fromkeys(found))

    def judged_by_sha256(self) -> str:
        """Return the hash of what an order of this configuration is decided and judged by: account, limits, rules, strategies.

        Not of what changes with each start, such as the session. An approval is good for the configuration it was asked for under.
        """
        strategies = [(s.strategy.strategy_id, s.strategy.name, s.strategy.version, s.strategy.sha256, s.symbols) for s in self.strategies]
        params = [_encoder.encode(slot.strategy.params) for slot in self.strategies]
        parts = (self.account, self.limits.canonical(), self.scoped, self.soft, self.approval_rules, strategies, params)
        return sha256(_encoder.encode(parts)).hexdigest()
