"""Scripted sessions: what an engine would have written, told act by act, so that every figure is known."""

from dataclasses import dataclass, field

from tests.analytics.parts import OPEN_NS, PASSED, SESSION, Head, Order, Quote, trading_hours
from tidegate.analytics.entries import Entry
from tidegate.events.acts import (
    AttentionRaised,
    CheckResult,
    FeatureSnapshot,
    GateChanged,
    NothingDone,
    OrderChanged,
    OrderCommand,
    PositionSnapshot,
    RegimeChanged,
    RiskDecision,
    StrategyFaulted,
    TradeIntent,
)
from tidegate.events.codec import AnyMessage
from tidegate.events.inputs import OrderEvent
from tidegate.values.enums import (
    AttentionKind,
    CommandKind,
    ExitReason,
    GateScope,
    GateState,
    Liquidity,
    OrderEventKind,
    OrderState,
    OrderType,
    Purpose,
    Regime,
    Side,
    TimeInForce,
    Verdict,
)
from tidegate.values.ids import EventId, client_order_id, event_id
from tidegate.values.money import NANOS, attos, attos_text, nanos, notional_attos
from tidegate.values.time import MILLISECOND_NS, MINUTE_NS, SECOND_NS


@dataclass
class Scripted:
    """Write one session, input by input."""

    entries: list[Entry] = field(default_factory=list)
    n: int = 0
    k: int = 0
    now: int = OPEN_NS
    position: dict[tuple[str, str], int] = field(default_factory=dict)
    cash: int = attos("100000")
    fees: int = 0
    regime: dict[str, Regime] = field(default_factory=dict)

    def at(self, ns: int) -> "Scripted":
        """Begin the next input at this time."""
        self.n, self.k, self.now = self.n + 1, 0, ns
        return self

    def say(self, message: AnyMessage) -> None:
        """Put a message at the next place."""
        self.entries.append(Entry(self.n, self.k, message))

    def head(self, symbol: str, strategy: str, correlation: str = "") -> Head:
        """Return the head of the next act."""
        self.k += 1
        event = event_id(SESSION, self.n, self.k)
        return Head(
            event_id=event,
            timestamp=self.now,
            symbol=symbol,
            strategy_id=strategy,
            correlation_id=correlation or event,
        )

    def fault(self, symbol: str, strategy: str, story: str, error: str) -> None:
        """A strategy's code fails, and its gate is tightened."""
        head = self.head(symbol, strategy, story)
        self.say(StrategyFaulted(**head, error=error, where="mine.py:12 in decide"))
        self.say(
            GateChanged(
                **self.head("", strategy),
                scope=GateScope.STRATEGY,
                key=strategy,
                before=GateState.ACTIVE,
                after=GateState.REDUCE_ONLY,
                reason=f"decide failed: {error}",
                actor="rule:strategy-fault",
            )
        )

    def label(self, symbol: str, after: Regime, why: str = "volatility ratio 2.4 over 2.0", group: str = "") -> None:
        """Change a regime label."""
        key = symbol or group
        self.say(
            RegimeChanged(
                **self.head(symbol, ""),
                group=group,
                before=self.regime.get(key, Regime.UNTRADEABLE),
                after=after,
                why=why,
            )
        )
        self.regime[key] = after

    def attend(
        self,
        symbol: str,
        strategy: str,
        quote: Quote,
        side: Side | None = None,
        *,
        exit_reason: ExitReason = ExitReason.NONE,
        kind: AttentionKind = AttentionKind.ENTRY,
    ) -> str:
        """Raise an attention and show the features; return the story's id."""
        head = self.head(symbol, strategy)
        story = head["event_id"]
        level = nanos(quote[0]) if kind is AttentionKind.EXIT else 0
        self.say(AttentionRaised(**head, kind=kind, side=side, exit_reason=exit_reason, level_nanos=level))
        self.features(symbol, strategy, story, nanos(quote[0]), nanos(quote[1]))
        return story

    def features(self, symbol: str, strategy: str, story: str, bid: int, ask: int) -> None:
        """Show what could be seen."""
        self.say(
            FeatureSnapshot(
                **self.head(symbol, strategy, story),
                bid_nanos=bid,
                ask_nanos=ask,
                bid_size_nanos=300 * NANOS,
                ask_size_nanos=500 * NANOS,
                last_trade_nanos=bid,
                quote_age_ns=12 * MILLISECOND_NS,
                quality_flags=0,
                features_valid=True,
                spread_bps=(ask - bid) / ((ask + bid) / 2) * 10_000 if bid and ask else 0.0,
                ema_fast=bid / NANOS,
                ema_slow=bid / NANOS - 0.03,
                volatility_short=0.00021,
                volatility_long=0.00014,
                atr=0.043,
                trend_strength=0.61,
                trend_direction=1.0,
                spread_anomaly=0.4,
                volume_anomaly=1.2,
                symbol_regime=self.regime.get(symbol, Regime.CHOP),
                market_regime=self.regime.get("us_stocks", Regime.CHOP),
                breadth=0.67,
                position_nanos=self.position.get((strategy, symbol), 0) * NANOS,
                working_exit_nanos=0,
            )
        )

    def intend(
        self,
        symbol: str,
        strategy: str,
        story: str,
        side: Side,
        quantity: int,
        limit: str,
        *,
        purpose: Purpose = Purpose.ENTRY,
        exit_reason: ExitReason = ExitReason.NONE,
        stop: str = "0.10",
        replaces: str = "",
    ) -> str:
        """Write an intent; return its id."""
        head = self.head(symbol, strategy, story)
        entry = purpose is Purpose.ENTRY
        self.say(
            TradeIntent(
                **head,
                purpose=purpose,
                side=side,
                order_type=OrderType.LIMIT,
                time_in_force=TimeInForce.IOC if entry else TimeInForce.DAY,
                quantity_nanos=quantity * NANOS,
                limit_price_nanos=nanos(limit),
                reference_price_nanos=nanos(limit),
                stop_distance_nanos=nanos(stop) if entry else 0,
                take_distance_nanos=nanos("0.15") if entry else 0,
                time_stop_ns=20 * MINUTE_NS if entry else 0,
                exit_reason=exit_reason,
                replaces=replaces,
                sizing=f"$100 of risk over a stop distance of ${stop} gives {quantity}, within the shown 500." if entry else "",
                reason="price is 2.1 deviations below its mean" if entry else "",
            )
        )
        return head["event_id"]

    def judge(
        self,
        symbol: str,
        strategy: str,
        story: str,
        intent_id: str,
        failed: tuple[CheckResult, ...] = (),
        sentence: str = "",
    ) -> str:
        """Write a verdict on the intent said last; return its id."""
        intent = next(e.message for e in reversed(self.entries) if isinstance(e.message, TradeIntent))
        head = self.head(symbol, strategy, story)
        self.say(
            RiskDecision(
                **head,
                intent_id=intent_id,
                verdict=Verdict.REFUSED if failed else Verdict.APPROVED,
                purpose=intent.purpose,
                side=intent.side,
                quantity_nanos=intent.quantity_nanos,
                limit_price_nanos=intent.limit_price_nanos,
                checks=PASSED + failed,
                refusals=tuple(c[0] if c[3] is not None else f"input_missing:{c[0]}" for c in failed),
                sentence=sentence,
            )
        )
        return head["event_id"]

    def submit(self, symbol: str, strategy: str, story: str, decision_id: str, kind: CommandKind = CommandKind.SUBMIT) -> Order:
        """Write the command for the intent said last."""
        intent = next(e.message for e in reversed(self.entries) if isinstance(e.message, TradeIntent))
        head = self.head(symbol, strategy, story)
        name = client_order_id(account="sim", event=EventId(head["event_id"]), chain=0, epoch=0)
        self.say(
            OrderCommand(
                **head,
                kind=kind,
                client_order_id=name,
                venue="sim",
                account="sim",
                side=intent.side,
                order_type=intent.order_type,
                time_in_force=intent.time_in_force,
                quantity_nanos=intent.quantity_nanos,
                limit_price_nanos=intent.limit_price_nanos,
                stop_price_nanos=0,
                trail_nanos=0,
                valid_until_ns=self.now + 5 * SECOND_NS,
                decision_id=decision_id,
            )
        )
        order = Order(name, strategy, symbol, intent.side, intent.quantity_nanos // NANOS, story)
        self.change(order, OrderState.SUBMITTED, before=OrderState.NEW)
        return order

    def enter(self, symbol: str, strategy: str, side: Side, quantity: int, quote: Quote, *, stop: str = "0.10") -> Order:
        """Write a whole approved entry at the far side of the book."""
        story = self.attend(symbol, strategy, quote, side)
        intent = self.intend(symbol, strategy, story, side, quantity, quote[1] if side is Side.BUY else quote[0], stop=stop)
        return self.submit(symbol, strategy, story, self.judge(symbol, strategy, story, intent))

    def leave(self, symbol: str, strategy: str, side: Side, quantity: int, quote: Quote, why: ExitReason) -> Order:
        """Write a whole approved exit."""
        story = self.attend(symbol, strategy, quote, side, exit_reason=why, kind=AttentionKind.EXIT)
        limit = quote[1] if side is Side.BUY else quote[0]
        intent = self.intend(symbol, strategy, story, side, quantity, limit, purpose=Purpose.EXIT, exit_reason=why)
        return self.submit(symbol, strategy, story, self.judge(symbol, strategy, story, intent))

    def refuse(self, symbol: str, strategy: str, quote: Quote, failed: tuple[CheckResult, ...], sentence: str) -> str:
        """Write an entry the gate refuses; return the decision's id."""
        story = self.attend(symbol, strategy, quote, Side.BUY)
        intent = self.intend(symbol, strategy, story, Side.BUY, 200, quote[1])
        return self.judge(symbol, strategy, story, intent, failed, sentence)

    def decline(self, symbol: str, strategy: str, quote: Quote, reason: str) -> str:
        """Write a moment a strategy let pass; return the act's id."""
        story = self.attend(symbol, strategy, quote, Side.BUY)
        head = self.head(symbol, strategy, story)
        self.say(NothingDone(**head, reason=reason))
        return head["event_id"]

    def hear(
        self,
        order: Order,
        kind: OrderEventKind,
        *,
        quantity: int = 0,
        price: str = "0",
        fee: str = "0",
        execution: str = "",
        reason: str = "",
    ) -> None:
        """Write an order event as this input."""
        self.say(
            OrderEvent(
                event_id=event_id(SESSION, self.n, 0),
                timestamp=self.now,
                symbol=order.symbol,
                strategy_id="",
                correlation_id=event_id(SESSION, self.n, 0),
                client_order_id=order.client_id,
                venue_order_id=f"v-{order.client_id[:6]}",
                kind=kind,
                side=order.side,
                ts_venue=self.now - MILLISECOND_NS,
                execution_id=execution or (f"x{self.n}" if quantity else ""),
                last_quantity_nanos=quantity * NANOS,
                last_price_nanos=nanos(price),
                cum_quantity_nanos=(order.filled + quantity) * NANOS,
                fee_usd=fee,
                liquidity=Liquidity.TAKER if quantity else None,
                reason=reason,
            )
        )

    def change(self, order: Order, after: OrderState, note: str = "", before: OrderState | None = None) -> None:
        """Write the order's new state."""
        self.say(
            OrderChanged(
                **self.head(order.symbol, order.strategy, order.story),
                client_order_id=order.client_id,
                before=before or order.state,
                after=after,
                quantity_nanos=order.quantity * NANOS,
                filled_nanos=order.filled * NANOS,
                note=note,
            )
        )
        order.state = after

    def accept(self, order: Order) -> None:
        """The venue has it."""
        self.hear(order, OrderEventKind.ACCEPTED)
        self.change(order, OrderState.ACCEPTED)

    def fill(self, order: Order, quantity: int, price: str, fee: str = "0", execution: str = "") -> None:
        """The venue filled some or all of it."""
        done = order.filled + quantity == order.quantity
        kind = OrderEventKind.FILLED if done else OrderEventKind.PARTIALLY_FILLED
        self.hear(order, kind, quantity=quantity, price=price, fee=fee, execution=execution)
        order.filled += quantity
        self.change(order, OrderState.FILLED if done else OrderState.PARTIAL)
        key = (order.strategy, order.symbol)
        self.position[key] = self.position.get(key, 0) + order.side.sign * quantity
        self.cash -= order.side.sign * notional_attos(nanos(price), quantity * NANOS) + attos(fee)
        self.fees += attos(fee)
        self.say(
            PositionSnapshot(
                **self.head(order.symbol, order.strategy, order.story),
                account="sim",
                quantity_nanos=self.position[key] * NANOS,
                cost_basis_usd=attos_text(notional_attos(nanos(price), self.position[key] * NANOS)),
                realized_usd="0",
                fees_usd=attos_text(self.fees),
                cash_usd=attos_text(self.cash),
            )
        )

    def end(self, order: Order, kind: OrderEventKind, state: OrderState, reason: str = "") -> None:
        """The order is over without (all of) its quantity."""
        self.hear(order, kind, reason=reason)
        self.change(order, state, reason)

    def value(self, equity: str | None) -> None:
        """Value the whole account."""
        self.say(
            PositionSnapshot(
                **self.head("", ""),
                account="sim",
                quantity_nanos=0,
                cost_basis_usd="0",
                realized_usd="0",
                fees_usd=attos_text(self.fees),
                cash_usd=attos_text(self.cash),
                equity_usd=equity,
            )
        )

    def hours(self) -> None:
        """Tell the day's trading hours."""
        self.say(trading_hours(self.n, self.now))
