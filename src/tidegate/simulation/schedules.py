"""Limits under concurrency: many strategies, one account, answers that come late, twice, out of turn or not at all.

Each seed draws a schedule: who wants what, when each command reaches the venue, what fills, which answers are lost. The judgement is the
real one (gate, orders, portfolio). The venue keeps its own books, and after every step the worst that could still come of them
(held, working, on the way there) is laid beside every limit. The strategies never wait for each other's answers.
"""

from collections import deque
from collections.abc import Callable, Mapping
from random import Random
from time import perf_counter
from typing import Final, NamedTuple, final

import msgspec

from tidegate.events.acts import OrderCommand, TradeIntent
from tidegate.events.inputs import OrderEvent
from tidegate.oms.order import Change
from tidegate.oms.orders import Orders
from tidegate.oms.plans import KEEP_PLAN, OmsPolicy
from tidegate.portfolio.in_trade import InTrade
from tidegate.portfolio.portfolio import Portfolio
from tidegate.risk.gate import judge
from tidegate.risk.view import RiskView
from tidegate.simulation.schedule_setting import CASH, INSTRUMENTS, LIMITS, NOW_NS, PRICES, SHARES_MAX, STRATEGIES
from tidegate.values.enums import CommandKind, OrderEventKind, OrderType, Purpose, Regime, Side, TimeInForce, Verdict
from tidegate.values.money import ATTOS, NANOS
from tidegate.values.time import HOUR_NS, MILLISECOND_NS, SECOND_NS

STEPS: Final = 60
PROGRESS_EVERY: Final = 100

Count = Callable[[Portfolio, Change], None]


class Outcome(NamedTuple):
    """What one schedule came to. broken: the first breach in words; empty: none."""

    seed: int
    broken: str
    approved: int
    refused: int
    unknown: int


class Schedules(NamedTuple):
    """What a range of seeds came to."""

    seeds: int
    broken: tuple[Outcome, ...]
    approved: int
    refused: int
    unknown: int
    seconds: float


class _Working(msgspec.Struct):
    """An order as the venue has it, or as it is on the way there."""

    command: OrderCommand
    left_nanos: int
    arrived: bool = False
    ended: bool = False
    executions: int = 0


def count(portfolio: Portfolio, change: Change) -> None:
    """Take over what the orders made of an event: the one place at which exposure is counted."""
    for fill in change.fills:
        portfolio.fold_fill(fill)
    portfolio.fold_order(change.order)
    for other, _before in change.others:
        portfolio.fold_order(other)


def run_schedule(seed: int, *, counting: Count = count) -> Outcome:
    """Run one schedule to its end or its first breach. `counting` is exchanged by tests that plant a fault."""
    return _Schedule(seed, counting).run()


def run_schedules(seeds: range, *, counting: Count = count, progress: Callable[[int, int], None] | None = None) -> Schedules:
    """Run the schedule of every seed and count."""
    started = perf_counter()
    broken: list[Outcome] = []
    approved = refused = unknown = 0
    for done, seed in enumerate(seeds, start=1):
        outcome = run_schedule(seed, counting=counting)
        approved, refused, unknown = approved + outcome.approved, refused + outcome.refused, unknown + outcome.unknown
        if outcome.broken:
            broken.append(outcome)
        if progress is not None and not done % PROGRESS_EVERY:
            progress(done, len(seeds))
    return Schedules(len(seeds), tuple(broken), approved, refused, unknown, perf_counter() - started)


@final
class _Schedule:
    """One account, its strategies, and a venue with books of its own."""

    def __init__(self, seed: int, counting: Count) -> None:
        self._seed = seed
        self._draw = Random(seed)  # noqa: S311 - a schedule, not a secret
        self._counting = counting
        self._now_ns = NOW_NS
        self._portfolio = Portfolio("test", CASH, INSTRUMENTS)
        self._in_trade = InTrade(CASH)
        self._orders = Orders("test", INSTRUMENTS, dict.fromkeys(STRATEGIES, KEEP_PLAN), OmsPolicy())
        self._view = self._open_view()
        self._venue: dict[str, _Working] = {}
        self._held = dict.fromkeys(PRICES, 0)
        self._spent = 0
        self._underway: list[str] = []  # commands that left us and have not arrived
        self._told: deque[OrderEvent] = deque()  # answers on the way back
        self._k = 0
        self._approved = self._refused = self._unknown = 0

    def run(self) -> Outcome:
        steps: tuple[Callable[[], None], ...] = (self._want, self._want, self._arrive, self._fill, self._hear, self._hear, self._lose)
        broken = ""
        for _ in range(STEPS):
            self._now_ns += self._draw.choice((0, MILLISECOND_NS, SECOND_NS, 6 * SECOND_NS))
            self._draw.choice((*steps, self._cancel, self._expire))()
            self._ask_after()
            broken = self._breach()
            if broken:
                break
        return Outcome(self._seed, broken, self._approved, self._refused, self._unknown)

    # Our side.

    def _want(self) -> None:
        """Let a strategy ask for an entry, or for the way out of what it holds."""
        draw = self._draw
        strategy, symbol = draw.choice(STRATEGIES), draw.choice(tuple(PRICES))
        held = self._portfolio.holding(strategy, symbol).quantity_nanos
        leaving = held != 0 and draw.random() < 0.3  # noqa: PLR2004 - as often as is worth while
        side = (Side.SELL if held > 0 else Side.BUY) if leaving else draw.choice(tuple(Side))
        quantity = min(abs(held), SHARES_MAX * NANOS) if leaving else draw.randint(1, SHARES_MAX) * NANOS
        price = PRICES[symbol] * NANOS - side.sign * NANOS // 100  # a cent apart: no order of ours meets another
        intent = TradeIntent(
            event_id=self._id(),
            timestamp=self._now_ns,
            symbol=symbol,
            strategy_id=strategy,
            correlation_id=f"s-{self._k}-0",
            purpose=Purpose.EXIT if leaving else Purpose.ENTRY,
            side=side,
            order_type=OrderType.LIMIT,
            time_in_force=TimeInForce.DAY,
            quantity_nanos=quantity,
            limit_price_nanos=price,
            reference_price_nanos=price,
        )
        self._judge(intent)

    def _judge(self, intent: TradeIntent) -> None:
        view = self._view
        view.instrument, view.now_ns = INSTRUMENTS[intent.symbol], self._now_ns
        view.bid_nanos = view.ask_nanos = view.last_good_nanos = PRICES[intent.symbol] * NANOS
        view.quote_ns = self._now_ns
        view.equity_attos = self._equity()
        decision = judge(intent, view, event_id=self._id())
        self._portfolio.fold_decision(decision, intent)
        self._orders.fold_decision(decision, intent)
        if decision.verdict is not Verdict.APPROVED:
            self._refused += 1
            return
        self._approved += 1
        event = self._id()
        command = self._orders.open(decision, intent, event_id=event, client_order_id=f"0-{event}", now_ns=self._now_ns)
        order = self._orders.fold_command(command)
        self._portfolio.fold_command(command)
        if intent.purpose is Purpose.ENTRY:
            self._in_trade.fold_entry(order, self._now_ns, 1, again=False)
        self._venue[command.client_order_id] = _Working(command, command.quantity_nanos)
        self._underway.append(command.client_order_id)

    def _hear(self) -> None:
        """Take one of the answers in: not always the oldest, and now and then twice."""
        if not self._told:
            return
        if self._draw.random() < 0.3:  # noqa: PLR2004
            self._told.rotate(-self._draw.randrange(len(self._told)))
        event = self._told.popleft()
        if self._draw.random() < 0.1:  # noqa: PLR2004
            self._told.append(event)
        self._fold(msgspec.structs.replace(event, timestamp=self._now_ns))

    def _fold(self, event: OrderEvent) -> None:
        change = self._orders.fold_event(event)
        if isinstance(change, Change):
            self._counting(self._portfolio, change)
            self._in_trade.fold_change(change.order, change.before, change.fills, self._now_ns, 1)

    def _ask_after(self) -> None:
        """Carry out what is due: the venue answers a lookup by what it has, and misses what never arrived."""
        for due in self._orders.due(self._now_ns):
            if due.kind is CommandKind.SUBMIT:
                continue
            self._orders.fold_command(self._orders.command_for(due, event_id=self._id(), now_ns=self._now_ns))
            if due.kind is CommandKind.LOOKUP:
                self._look_up(due.order.client_order_id)

    def _look_up(self, key: str) -> None:
        order = self._venue[key]
        if not order.arrived and not order.ended:
            return  # still on the way: past the venue's grace nothing is, so no answer is drawn
        if not order.arrived:
            self._tell(key, OrderEventKind.LOOKUP_MISSED)
        elif order.ended:
            self._tell(key, OrderEventKind.FILLED if not order.left_nanos else OrderEventKind.CANCELED)
        else:
            self._tell(key, OrderEventKind.FOUND_WORKING)

    def _cancel(self) -> None:
        live = sorted(self._orders.live)
        if not live:
            return
        order = self._orders.live[self._draw.choice(live)]
        self._orders.fold_command(self._orders.cancel(order, event_id=self._id(), now_ns=self._now_ns, reason="drawn"))
        there = self._venue[order.client_order_id]
        if there.arrived and not there.ended:
            there.ended = True
            self._tell(order.client_order_id, OrderEventKind.CANCELED)

    # The venue's side.

    def _arrive(self) -> None:
        """Let a command reach the venue: taken, refused, or lost on the way for good."""
        if not self._underway:
            return
        key = self._underway.pop(self._draw.randrange(len(self._underway)))
        order, kind = self._venue[key], self._draw.random()
        if kind < 0.1:  # noqa: PLR2004
            order.ended = True
            self._doubt(key)
        elif kind < 0.2:  # noqa: PLR2004
            order.arrived = order.ended = True
            self._tell(key, OrderEventKind.REJECTED)
        else:
            order.arrived = True
            if self._draw.random() < 0.7:  # noqa: PLR2004
                self._tell(key, OrderEventKind.ACCEPTED)
            else:
                self._doubt(key)

    def _fill(self) -> None:
        working = [key for key, order in self._venue.items() if order.arrived and not order.ended]
        if not working:
            return
        key = self._draw.choice(working)
        order = self._venue[key]
        shares = order.left_nanos // NANOS
        quantity = self._draw.randint(1, shares) * NANOS
        order.left_nanos -= quantity
        order.executions += 1
        order.ended = not order.left_nanos
        command = order.command
        self._held[command.symbol] += command.side.sign * quantity
        self._tell(key, OrderEventKind.FILLED if order.ended else OrderEventKind.PARTIALLY_FILLED, filled=quantity)

    def _expire(self) -> None:
        working = [key for key, order in self._venue.items() if order.arrived and not order.ended]
        if working:
            key = self._draw.choice(working)
            self._venue[key].ended = True
            self._tell(key, OrderEventKind.EXPIRED)

    def _lose(self) -> None:
        """Let an answer without a fill get lost: fills are told until they are heard."""
        if self._told and not self._told[0].last_quantity_nanos:
            lost = self._told.popleft()
            self._doubt(lost.client_order_id)

    def _doubt(self, key: str) -> None:
        self._unknown += 1
        self._tell(key, OrderEventKind.OUTCOME_UNKNOWN)

    def _tell(self, key: str, kind: OrderEventKind, *, filled: int = 0) -> None:
        order = self._venue[key]
        command = order.command
        self._told.append(
            OrderEvent(
                event_id="",
                timestamp=self._now_ns,
                symbol=command.symbol,
                strategy_id=command.strategy_id,
                correlation_id=command.correlation_id,
                client_order_id=key,
                venue_order_id=f"v{key}" if order.arrived else "",
                kind=kind,
                side=command.side,
                ts_venue=self._now_ns,
                execution_id=f"{key}/{order.executions}" if filled else "",
                last_quantity_nanos=filled,
                last_price_nanos=PRICES[command.symbol] * NANOS if filled else 0,
                cum_quantity_nanos=command.quantity_nanos - order.left_nanos if order.arrived else 0,
            )
        )

    # The judge of both.

    def _breach(self) -> str:
        """Lay the worst that can come of the venue's books beside the limits; return what is beyond one."""
        buys, sells, spent = dict.fromkeys(PRICES, 0), dict.fromkeys(PRICES, 0), 0
        for order in self._venue.values():
            command = order.command
            left = 0 if order.ended else order.left_nanos
            (buys if command.side is Side.BUY else sells)[command.symbol] += left
            if self._orders_purpose(command) is Purpose.ENTRY:
                spent += (command.quantity_nanos - order.left_nanos + left) * command.limit_price_nanos
        worst = {symbol: max(held + buys[symbol], sells[symbol] - held) for symbol, held in self._held.items()}
        return _beyond(worst, self._held, buys, sells, spent)

    def _orders_purpose(self, command: OrderCommand) -> Purpose:
        order = self._orders.find(command.client_order_id)
        assert order is not None, "a schedule is shorter than what is remembered"
        return order.purpose

    def _equity(self) -> int:
        held = ((book.net_nanos, symbol) for symbol, book in self._portfolio.active.items())
        return self._portfolio.cash_attos + sum(net * PRICES[symbol] * NANOS for net, symbol in held)

    def _id(self) -> str:
        self._k += 1
        return f"s-1-{self._k}"

    def _open_view(self) -> RiskView:
        return RiskView(
            now_ns=self._now_ns,
            limits=LIMITS,
            portfolio=self._portfolio,
            in_trade=self._in_trade,
            mark=lambda symbol, _sign: PRICES[symbol] * NANOS,
            instrument=None,
            bid_size_nanos=1_000 * NANOS,
            ask_size_nanos=1_000 * NANOS,
            quality=0,
            halted=False,
            features_valid=True,
            newsy=False,
            open_ns=NOW_NS - HOUR_NS,
            close_ns=NOW_NS + HOUR_NS,
            symbol_regime=Regime.CHOP,
            market_regime=Regime.CHOP,
            eligible=True,
            cell_spread_bps_max=100,
            permitted=True,
            owner="",
            foreign_nanos=0,
            symbols_shared=True,
            lag_ns=0,
            streams_up=True,
            store_ok=True,
        )


def _beyond(worst: Mapping[str, int], held: Mapping[str, int], buys: Mapping[str, int], sells: Mapping[str, int], spent: int) -> str:
    gross = sum(nanos * PRICES[symbol] * NANOS for symbol, nanos in worst.items())
    long = sum((held[symbol] + buys[symbol]) * PRICES[symbol] * NANOS for symbol in worst)
    short = sum((sells[symbol] - held[symbol]) * PRICES[symbol] * NANOS for symbol in worst)
    for symbol, nanos in worst.items():
        if nanos > LIMITS.position_quantity_nanos_max:
            return f"position of {symbol} could become {nanos // NANOS}"
        if nanos * PRICES[symbol] * NANOS > LIMITS.position_notional_attos_max:
            return f"position of {symbol} could be worth ${nanos // NANOS * PRICES[symbol]}"
    if gross > LIMITS.gross_exposure_attos_max:
        return f"gross exposure could become ${gross // ATTOS}"
    if max(long, short) > LIMITS.net_exposure_attos_max:
        return f"net exposure could become ${max(long, short) // ATTOS}"
    if spent > LIMITS.daily_spend_attos_max:
        return f"the day's entries come to ${spent // ATTOS}"
    return ""
