"""The engine's state and its numbering: what the rest of the engine reads, and the one way an act comes into the world.

Judgement state changes only in `engine.folding`, by inputs and acts. `emit` numbers an act, folds it and keeps it for the
caller, so deciding and recovering move the state through the same code.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, final

import msgspec

from tidegate.engine.clocks import Clocks, after
from tidegate.engine.layout import Counts
from tidegate.engine.reading import Reading
from tidegate.engine.records import Pending, RequestBook
from tidegate.engine.senses import SensesHost
from tidegate.engine.setup import order_plans, venues_of, write_spec
from tidegate.engine.spec import EngineSpec
from tidegate.engine.toolchain import Toolchain
from tidegate.events.acts import ExitWaits, Lapse, TradeIntent
from tidegate.events.base import Act
from tidegate.oms.order import Order
from tidegate.oms.orders import Orders
from tidegate.portfolio.in_trade import InTrade
from tidegate.portfolio.portfolio import Portfolio
from tidegate.risk.approvals import ApprovalBook, order_sha256
from tidegate.risk.gates import Gates, GateVerdict
from tidegate.risk.limits import RiskLimits
from tidegate.risk.scopes import LimitScope, narrowed
from tidegate.strategies.plan import Plan
from tidegate.values.ids import EventId, SessionId
from tidegate.values.instruments import Instrument
from tidegate.values.time import MINUTE_NS, NEVER_NS, SECOND_NS

NumberedAct = tuple[int, int, Act]


class PairMemory(msgspec.Struct, kw_only=True, gc=False):
    """What judgement remembers of a pair of strategy and symbol; changed by folding only."""

    entry: TradeIntent | None = None  # the intent whose exit plan guards the position
    average_nanos: int = 0  # entry price the exit levels were counted from
    realized_before: str = "0"  # attos when the position was opened, as text: 64 bits do not hold them
    exit_failures: int = 0  # exits in a row that ended without a fill
    unprotected: bool = False  # a stop at the venue ended otherwise than by filling: none is placed for this position any more
    waiting: ExitWaits | None = None  # the exit that goes out once the stops at the venue are canceled


class BrokenOff(msgspec.Struct, frozen=True, kw_only=True):
    """What the session before left half done, until the first input of this one tells it."""

    session: str
    judged_to: int
    taken_to: int
    lapsed: tuple[Lapse, ...]


@final
class Core:
    """State, numbering and quick ways to both. One per engine; nothing outside the engine holds it."""

    def __init__(self, spec: EngineSpec, toolchain: Toolchain, *, telling: bool) -> None:
        spec.check()
        self.telling: Final = telling
        self.spec: Final = spec
        self.session: Final = SessionId(spec.session_id)
        strategies = tuple(slot.strategy for slot in spec.strategies)
        self.strategies: Final = strategies
        self.strategy_places: Final = {strategy.strategy_id: place for place, strategy in enumerate(strategies)}
        self.plans: Final[tuple[Plan, ...]] = tuple(strategy.plan for strategy in strategies)
        self.instruments: Final[dict[str, Instrument]] = {i.symbol: i for i in spec.instruments}
        self.by_place: Final = spec.instruments
        self.venues: Final = venues_of(spec)
        counts = Counts(len(spec.instruments), len(spec.groups), len(strategies), len(self.venues))
        self.host: Final = SensesHost(counts, strategies, toolchain)
        write_spec(self.host, spec)
        self.reading: Final = Reading(self.host)
        self.portfolio: Final = Portfolio(spec.account, spec.cash_attos, self.instruments)
        self.in_trade: Final = InTrade(spec.cash_attos)
        self.in_trade.watch(spec.own_losses())
        self.orders: Final = Orders(spec.account, self.instruments, order_plans(spec), spec.orders)
        self.gates: Final = Gates()
        self.approvals: Final = ApprovalBook()
        self._judged_by = ""
        self.not_permitted: Final[dict[str, str]] = {}  # strategies whose permission to trade is void, with why
        self.states: Final[list[Any]] = [strategy.state for strategy in strategies]
        self.pairs: Final[dict[tuple[int, int], PairMemory]] = {}
        self.intents: Final[dict[str, TradeIntent]] = {}  # of this input, until their verdict
        self._narrowed: Final[dict[tuple[str, str], RiskLimits]] = {}
        self._own_limits: Final[dict[str, RiskLimits]] = {}
        self.lag_ns = 0
        self.streams_down: Final[dict[str, str]] = {}
        self.pending: Final[dict[str, Pending]] = {}  # differences that a second report must confirm; "": cash
        self.adjusted_attos = 0  # what reconciliation changed cash by: no fill explains it
        self.requests: Final = RequestBook()
        self.clocks: Final = Clocks(spec.valuation_ns, [plan.subscribe.timer_ns or NEVER_NS for plan in self.plans])
        self.broken_off: BrokenOff | None = None
        self.n = 0
        self._prefix = ""  # of this input's event ids: values.ids.event_id, less the number of the act
        self.k = 0
        self.now_ns = 0
        self.acts: list[NumberedAct] = []
        self.folds: Mapping[type[Act], Callable[[Any], None]] = {}  # of each act that moves state, bound by `Folding`
        self.commanded = False

    def gate_of(self, symbol: str, strategy_id: str) -> GateVerdict:
        """Return the strictest gate over an order of a strategy in a symbol."""
        venue = self.instruments[symbol].venue
        return self.gates.strictest(venue=venue, account=self.spec.account, strategy_id=strategy_id, symbol=symbol)

    def limits_for(self, strategy_id: str, symbol: str) -> RiskLimits:
        """Return the limits of a strategy's orders in a symbol: the tightest of the account's and of each scope that covers them."""
        spec = self.spec
        if not spec.scoped:
            return spec.limits
        found = self._narrowed.get((strategy_id, symbol))
        if found is None:
            instrument = self.instruments[symbol]
            covering = [one for one in spec.scoped if one.covers(strategy_id, instrument)]
            found = self._narrowed[strategy_id, symbol] = narrowed(spec.limits, covering, losses=False)
        return found

    def limits_of(self, strategy_id: str) -> RiskLimits:
        """Return the limits that a strategy's conduct and own losses are laid beside."""
        if not self.spec.scoped:
            return self.spec.limits
        found = self._own_limits.get(strategy_id)
        if found is None:
            own = [one for one in self.spec.scoped if one.scope is LimitScope.STRATEGY and one.key == strategy_id]
            found = self._own_limits[strategy_id] = narrowed(self.spec.limits, own)
        return found

    def transfer(self, change_attos: int, worth_attos: int | None = None) -> None:
        """Count what changed cash or holdings without a trade of ours: neither gain nor loss.

        worth_attos: what that changed the account's worth by, where it is not the money that it cost.
        """
        self.adjusted_attos += change_attos
        self.in_trade.losses.fold_transfer(change_attos if worth_attos is None else worth_attos)

    def order_sha256(self, whole: TradeIntent) -> str:
        """Return the hash of a whole entry under this configuration; what a person approves."""
        self._judged_by = self._judged_by or self.spec.judged_by_sha256()  # most sessions never ask
        return order_sha256(self.spec.account, self._judged_by, whole)

    def protective(self, strategy_id: str, symbol: str) -> list[Order]:
        """Return a strategy's stops that rest at the venue for its position, by id."""
        working = self.portfolio.book(symbol).orders
        if not working:
            return []
        orders = (self.orders.find(key) for key in sorted(working))
        return [order for order in orders if order is not None and order.is_protective and order.strategy_id == strategy_id]

    def begin(self) -> None:
        """Take over number and time of the input the senses have just counted."""
        integers = self.host.integers
        self.n = integers[self.reading.n_cell]
        self._prefix = f"{self.session}-{self.n}-"
        self.now_ns = integers[self.reading.now_cell]
        self.k = 0
        self.commanded = False

    def count_input(self, timestamp: int) -> None:
        """Number an input that is not a market record; time never goes back."""
        integers, n_cell, now_cell = self.host.integers, self.reading.n_cell, self.reading.now_cell
        integers[n_cell] += 1
        if integers[n_cell] == 1:
            self._start_clocks(timestamp)
        integers[now_cell] = max(integers[now_cell], timestamp)
        self.begin()

    def _start_clocks(self, now_ns: int) -> None:
        """Set every timer going with the session's first input: what is due is due from there on."""
        self.clocks.start(now_ns)
        header = self.host.table("header")[0]
        header["next_second_ns"] = after(now_ns, SECOND_NS) if any(p.subscribe.second_bars for p in self.plans) else NEVER_NS
        header["next_minute_ns"] = after(now_ns, MINUTE_NS) if any(p.subscribe.minute_bars for p in self.plans) else NEVER_NS

    def next_id(self) -> EventId:
        """Return the id of the act that is emitted next."""
        return f"{self._prefix}{self.k + 1}"  # type: ignore[return-value]  # an EventId: saying so by a call would cost as much again

    def emit(self, act: Act) -> None:
        """Number an act made with `next_id`, fold it, and keep it for the caller."""
        self.k = k = self.k + 1
        self.acts.append((self.n, k, act))
        self.folds[type(act)](act)

    def tell(self, act: Act) -> None:
        """Number an act that folding ignores, made with `next_id`, and keep it for the caller if anybody listens."""
        self.k = k = self.k + 1
        if self.telling:
            self.acts.append((self.n, k, act))

    def keep_to_itself(self, acts: int = 1) -> None:
        """Number acts that folding ignores and that nobody listens to, without making them: numbers and ids are the same."""
        self.k += acts

    def mark(self, symbol: str, sign: int) -> int | None:
        """Return the price at which a position of this sign could be closed now; None where no quote was accepted yet."""
        return self.reading.touch(self.instruments[symbol].index, sign) or None

    def memory(self, strategy: int, place: int) -> PairMemory:
        """Return what is remembered of a pair."""
        memory = self.pairs.get((strategy, place))
        if memory is None:
            memory = self.pairs[strategy, place] = PairMemory()
        return memory

    def note_due(self, due_ns: int) -> None:
        """Tell the senses that something is due by then: the kernel's bound may only come down."""
        integers, cell = self.host.integers, self.host.due_bound_cell
        integers[cell] = min(integers[cell], due_ns)

    def set_timer(self) -> None:
        """Write the earliest timer of judgement where the kernel sees it."""
        due_ns = min(self.orders.due_ns(), self.clocks.earliest_ns, self.in_trade.periods.next_ns)
        if self.gates.any_closed:
            due_ns = min(due_ns, self.gates.lifts_ns(self.spec.limits.breaker_cooldown_ns))
        if self.requests.jobs:
            due_ns = min(due_ns, self.requests.due_ns())
        if self.approvals.open:
            due_ns = min(due_ns, self.approvals.due_ns())
        self.host.integers[self.reading.timer_cell] = due_ns
        self.note_due(due_ns)
