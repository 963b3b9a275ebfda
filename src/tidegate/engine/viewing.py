"""Builds what judgement looks at: the gate's view of one intent, and the strategy's view at its turn."""

from typing import Final, final

from tidegate.engine.core import Core
from tidegate.engine.spec import StrategySlot
from tidegate.events.acts import FeatureSnapshot, TradeIntent
from tidegate.market.rows import HALTED, NO_QUOTE
from tidegate.portfolio.valuation import valuation
from tidegate.risk.approvals import Approval
from tidegate.risk.view import RiskView
from tidegate.strategies.strategy import View
from tidegate.values.enums import ExitReason, Purpose, Regime
from tidegate.values.money import ATTOS, NANOS
from tidegate.values.time import NEVER_NS

# Members of an enum are looked up slowly before Python 3.12.
_ENTRY: Final = Purpose.ENTRY
_OPERATOR: Final = ExitReason.OPERATOR


@final
class Viewing:
    """Reads a core; changes nothing but the one reused risk view."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._risk = RiskView(
            now_ns=0,
            limits=core.spec.limits,
            portfolio=core.portfolio,
            in_trade=core.in_trade,
            soft=frozenset(core.spec.soft),
            mark=core.mark,
            instrument=None,
            store_ok=True,
            symbols_shared=core.spec.symbols_shared,
            approval_rules=core.spec.approval_rules,
        )
        # By strategy, then symbol's and market's regime: the matrix cell's largest spread; None: not eligible.
        self._matrix: Final = [_matrix(slot) for slot in core.spec.strategies]

    def equity_attos(self) -> int | None:
        """Return cash plus positions at the side they would be closed against; None when one cannot be priced."""
        core = self._core
        if not core.portfolio.active:
            return core.portfolio.cash_attos
        value = valuation(core.portfolio, core.mark)
        return None if value is None else value.equity_attos

    def strategy(self, strategy: int, place: int, features: FeatureSnapshot, bar_length_ns: int) -> View:
        """Return what a strategy sees at its turn."""
        core = self._core
        age_ns, entry_price, scratch = core.reading.own_view(core.host.pair(strategy, place))
        bid, ask = core.reading.prices(place)
        equity = self.equity_attos()
        return View(
            core.now_ns,
            features.symbol,
            core.by_place[place],
            core.strategies[strategy].params,
            features,
            bid,
            ask,
            features.position_nanos / NANOS,
            entry_price,
            age_ns,
            None if equity is None else equity / ATTOS,
            core.reading.bar(place, bar_length_ns) if bar_length_ns else None,
            scratch,
        )

    def risk(self, intent: TradeIntent, strategy: int, place: int, approval: Approval | None = None) -> RiskView:
        """Return the gate's view of one intent. One object is reused: it serves one verdict. approval: by persons, of this very entry.

        What only entries are judged by is not looked up for an exit.
        """
        core, view = self._core, self._risk
        view.instrument = core.by_place[place]
        view.now_ns = core.now_ns
        view.limits = core.limits_for(intent.strategy_id, intent.symbol)
        view.gate = core.gate_of(intent.symbol, intent.strategy_id)
        view.by_person = intent.exit_reason is _OPERATOR
        view.approval_id, view.approvals_given = ("", 0) if approval is None else (approval.approval_id, len(approval.approvers))
        bid, ask, bid_size, ask_size, quote_ns, last_trade, quality, *conditions = core.reading.judged(place)
        view.bid_nanos, view.ask_nanos, view.quote_ns = bid, ask, quote_ns
        view.quality = quality if quote_ns else quality | NO_QUOTE
        view.last_good_nanos = (bid + ask) // 2 if bid else last_trade
        if intent.purpose is _ENTRY:
            view.bid_size_nanos, view.ask_size_nanos, view.halted = bid_size, ask_size, quality & HALTED != 0
            self._read_hours(view, place)
            self._read_conditions(view, strategy, place, conditions)
            self._read_account(view, intent)
        return view

    def _read_hours(self, view: RiskView, place: int) -> None:
        now_ns = view.now_ns
        open_ns, close_ns, from_ns, until_ns = self._core.reading.hours(place)
        view.open_ns, view.close_ns, view.no_trade_window = open_ns, close_ns, ""
        if open_ns <= now_ns < from_ns:
            view.no_trade_window = "after the open"
        elif until_ns <= now_ns < close_ns:
            view.no_trade_window = "before the close"

    def _read_conditions(self, view: RiskView, strategy: int, place: int, conditions: list[int]) -> None:
        assert strategy >= 0, "what nobody decided adds no risk"
        core, now_ns = self._core, view.now_ns
        news_end_ns, news_ns, cooldown_ns, valid, shock_ns = conditions
        view.features_valid = valid == 1
        view.newsy = now_ns < shock_ns or news_ns <= now_ns < news_end_ns
        view.symbol_regime, view.market_regime = symbol_regime, market_regime = core.reading.labels(place)
        view.cell_spread_bps_max = spread_max = self._matrix[strategy][symbol_regime][market_regime]
        view.eligible = spread_max is not None
        armed_at_ns = core.reading.armed_at_ns(core.host.pair(strategy, place))
        # NEVER says that an entry of this pair is at work, this very one included; it is no time to wait for.
        view.cooldown_until_ns = cooldown_ns if armed_at_ns == NEVER_NS else max(cooldown_ns, armed_at_ns)

    def _read_account(self, view: RiskView, intent: TradeIntent) -> None:
        core, symbol, strategy_id = self._core, intent.symbol, intent.strategy_id
        view.permitted = strategy_id not in core.not_permitted
        view.owner = self._other_owner(symbol, strategy_id) or strategy_id
        view.foreign_nanos = core.portfolio.holding("", symbol).quantity_nanos
        view.lag_ns = core.lag_ns
        view.streams_up = not core.streams_down
        view.equity_attos = self.equity_attos()
        view.approvals_waiting = len(core.approvals.open)

    def _other_owner(self, symbol: str, strategy_id: str) -> str:
        """Return a strategy other than this one that holds, works or has reserved something in a symbol; empty: none does."""
        portfolio = self._core.portfolio
        if len(self._core.plans) == 1:
            return ""  # there is no other
        for order in portfolio.book(symbol).orders.values():
            if order.strategy_id not in ("", strategy_id):
                return order.strategy_id
        for held, _counted in portfolio.reserved.values():
            if held.symbol == symbol and held.strategy_id != strategy_id:
                return held.strategy_id
        for other in self._core.strategy_places:
            if other != strategy_id and portfolio.holding(other, symbol).quantity_nanos:
                return other
        return ""


def _matrix(slot: StrategySlot) -> list[list[int | None]]:
    found: list[list[int | None]] = [[None] * len(Regime) for _ in Regime]
    for cell in slot.eligible:
        found[cell.symbol_regime][cell.market_regime] = int(min(cell.spread_bps_max, 1e9))
    return found
