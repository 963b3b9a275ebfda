"""Every control x every kind of order x everybody who may ask: it stops what adds risk, says why with numbers, and stops no way out.

The rows say what breaks a control for any order. What must follow is stated from design 7's table alone: an entry is refused by each
control that is about entries; an exit only by what is about exits, however broken everything else is; a person's flatten passes a halt too.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import pytest

from tests.portfolio.making import CASH, INSTRUMENTS, NOW_NS, books, send, shares, usd
from tests.portfolio.test_portfolio import moved
from tests.risk.making import ASK, BID, entry, leave, limits, verdict, view
from tests.risk.test_checks import gate, holding, messages
from tidegate.events.acts import TradeIntent
from tidegate.market import rows
from tidegate.portfolio.in_trade import InTrade
from tidegate.portfolio.periods import Period
from tidegate.portfolio.portfolio import Portfolio
from tidegate.risk.checks import CHECKS, MAY_BE_SOFT, Applies
from tidegate.values.enums import ExitReason, GateScope, GateState, OrderType, Purpose, Regime, Side, Verdict
from tidegate.values.money import NANOS
from tidegate.values.time import SECOND_NS

pytestmark = pytest.mark.req("B3.1", "B3.2", "B3.3", "B3.6", "B3.7")

CENT = NANOS // 100


class Kind(NamedTuple):
    """An order to be judged, the books it meets, and its instrument."""

    order: TradeIntent
    portfolio: Portfolio
    instrument: Any


class Break(msgspec.Struct, frozen=True):
    """How a control is broken: changes of the view, of the limits, of the order, of the books."""

    view: dict[str, Any] = {}
    limits: dict[str, Any] = {}
    order: Callable[[TradeIntent], TradeIntent] = lambda order: order
    books: Callable[[Kind], Portfolio] = lambda kind: kind.portfolio


WHOLE = INSTRUMENTS["AIG"]
HALF = msgspec.structs.replace(WHOLE, lot_nanos=NANOS // 10)


def long() -> Kind:
    return Kind(entry(), books(), WHOLE)


def short() -> Kind:
    return Kind(entry(side=Side.SELL, price=BID), books(), WHOLE)


def fractional() -> Kind:
    return Kind(entry(quantity="0.5"), books(), HALF)


def bracketed() -> Kind:
    order = msgspec.structs.replace(entry(), stop_distance_nanos=50 * CENT, take_distance_nanos=NANOS)
    return Kind(order, books(), WHOLE)


def replacing() -> Kind:
    """Asks for twice the size of a working order in its place."""
    portfolio = books()
    send(portfolio, entry(quantity=50), now_ns=NOW_NS - 5 * SECOND_NS)
    return Kind(entry(quantity=100, replaces="0-a"), portfolio, WHOLE)


def closing() -> Kind:
    return Kind(leave(), holding((100, "AIG")), WHOLE)


def covering() -> Kind:
    return Kind(leave(side=Side.BUY, price=ASK), holding((-100, "AIG")), WHOLE)


def closing_a_fraction() -> Kind:
    return Kind(leave(quantity="0.5"), holding((0.5, "AIG")), HALF)


def leg() -> Kind:
    """The stop of a bracket, waiting at the venue for what is held."""
    stop = leave(order_type=OrderType.STOP, price=0, stop=BID - NANOS)
    return Kind(stop, holding((100, "AIG")), WHOLE)


def replacing_an_exit() -> Kind:
    portfolio = holding((100, "AIG"))
    send(portfolio, leave(quantity=50), now_ns=NOW_NS - 5 * SECOND_NS)
    return Kind(leave(quantity=60, replaces="0-a"), portfolio, WHOLE)


ENTRIES = {"long": long, "short": short, "fractional": fractional, "bracket": bracketed, "replace": replacing}
EXITS = {
    "sell to close": closing,
    "buy to cover": covering,
    "sell a fraction": closing_a_fraction,
    "bracket leg": leg,
    "replace an exit": replacing_an_exit,
}


def asked_by(kind: Kind, who: str) -> tuple[Kind, bool]:
    """Return the order as a strategy, an operator or a flatten asks for it. Only a person's way out is known by its reason."""
    if who == "strategy" or kind.order.purpose is Purpose.ENTRY:
        return kind, False
    order = msgspec.structs.replace(kind.order, exit_reason=ExitReason.OPERATOR, correlation_id=f"s-{who}-0")
    return kind._replace(order=order), True


WHO = ("strategy", "operator", "flatten")


def spent(period: Period) -> InTrade:
    found = InTrade(CASH)
    found.spending.spent[period] = usd(10**7)
    return found


def lost() -> InTrade:
    found = InTrade(CASH)
    found.losses.fold_valued(NOW_NS, CASH)
    return found


def crowded(kind: Kind) -> Portfolio:
    """Books in which so many orders of the account were sent within the minute."""
    for number in range(30):
        send(kind.portfolio, entry(symbol="BAC", quantity=1, price=number + 1), order=f"0-{number}x")
        kind.portfolio.fold_order(moved(f"0-{number}x", working=False, symbol="BAC"))
    return kind.portfolio


def noisy(kind: Kind) -> Portfolio:
    kind.portfolio.activity.by_symbol = messages(20).activity.by_symbol
    return kind.portfolio


def sent_already(kind: Kind) -> Portfolio:
    send(kind.portfolio, kind.order, order="0-b")
    kind.portfolio.fold_order(moved("0-b", working=False))
    return kind.portfolio


def opposed(kind: Kind) -> Portfolio:
    """Books with an own order on the other side that this one would meet."""
    order = kind.order
    send(kind.portfolio, entry(side=order.side.opposite, quantity=1, price=ASK if order.side is Side.SELL else BID), order="0-b", now_ns=0)
    return kind.portfolio


def just_left(kind: Kind) -> Portfolio:
    held = kind.portfolio.holding(kind.order.strategy_id, "AIG")
    held.exit_ns, held.exit_correlation_id = NOW_NS - 1, "another"
    return kind.portfolio


def just_sent(kind: Kind) -> Portfolio:
    for working in kind.portfolio.book("AIG").orders.values():
        working.sent_ns = NOW_NS
    return kind.portfolio


def flat(_kind: Kind) -> Portfolio:
    return books()


def off_grid(order: TradeIntent) -> TradeIntent:
    stop = order.stop_price_nanos
    return msgspec.structs.replace(order, limit_price_nanos=order.limit_price_nanos + 1, stop_price_nanos=stop + 1 if stop else 0)


def given_away(order: TradeIntent) -> TradeIntent:
    """The same exit at a limit a tenth beyond the touch."""
    price = order.stop_price_nanos or (ASK if order.side is Side.BUY else BID)
    kind = OrderType.STOP_LIMIT if order.stop_price_nanos else OrderType.LIMIT
    return msgspec.structs.replace(order, order_type=kind, limit_price_nanos=(price + order.side.sign * price // 10) // CENT * CENT)


BREAKS: dict[str, Break] = {
    "gate_state": Break({"gate": gate(GateState.REDUCE_ONLY)}),
    "permitted": Break({"permitted": False}),
    "symbol_allowed": Break(limits={"symbols_allowed": frozenset({"BAC"})}),
    "symbol_not_blocked": Break(limits={"symbols_blocked": frozenset({"AIG"})}),
    "symbol_owner": Break({"owner": "trend"}),
    "foreign_position": Break({"foreign_nanos": None}),
    "session_hours": Break({"open_ns": NOW_NS - 2, "close_ns": NOW_NS - 1}),
    "no_trade_window": Break({"no_trade_window": "after the open"}),
    "not_halted": Break({"halted": True}),
    "streams_up": Break({"streams_up": False}),
    "store_durable": Break({"store_ok": False}),
    "processing_lag": Break({"lag_ns": SECOND_NS}),
    "quote_age": Break({"quote_ns": NOW_NS - 5 * SECOND_NS}),
    "quote_quality": Break({"quality": rows.SUSPICIOUS}),
    "features_warm": Break({"features_valid": False}),
    "no_news": Break({"newsy": True}),
    "regime_eligible": Break({"eligible": False, "symbol_regime": Regime.VOL_EXPANSION}),
    "cooldown": Break({"cooldown_until_ns": NOW_NS + 1}),
    "daily_loss": Break({"equity_attos": CASH - usd("5000.01"), "in_trade": lost()}),
    "weekly_loss": Break({"equity_attos": CASH - usd(15_001), "in_trade": lost()}),
    "monthly_loss": Break({"equity_attos": CASH - usd(30_001), "in_trade": lost()}),
    "intraday_drawdown": Break({"equity_attos": CASH * 91 // 100, "in_trade": lost()}),
    "drawdown": Break({"equity_attos": CASH * 89 // 100, "in_trade": lost()}),
    "price_grid": Break(order=off_grid),
    "quantity_grid": Break(order=lambda order: msgspec.structs.replace(order, quantity_nanos=order.quantity_nanos - 1)),
    "reducing_quantity": Break(books=flat),
    "exit_price": Break(order=given_away),
    "exit_repeat": Break(books=just_left),
    "spread": Break(limits={"spread_bps_max": 1}),
    "displayed_size": Break({"bid_size_nanos": shares(1)}),
    "liquidity": Break(limits={"liquidity_bps_max": 0}),
    "price_collar": Break(order=given_away),
    "order_quantity": Break(limits={"order_quantity_nanos_max": 0}),
    "order_notional": Break(limits={"order_notional_attos_max": usd(1)}),
    "duplicate_order": Break(books=sent_already),
    "self_trade": Break(books=opposed),
    "amend_spacing": Break(books=just_sent),
    "orders_per_minute": Break(books=crowded),
    "symbol_messages": Break(books=noisy),
    "entries_per_hour": Break(limits={"entries_per_hour_max": 0}),
    "position_quantity": Break(limits={"position_quantity_nanos_max": 0}),
    "position_notional": Break(limits={"position_notional_attos_max": usd(1)}),
    "total_quantity": Break(limits={"total_quantity_nanos_max": 0}),
    "total_notional": Break(limits={"total_notional_attos_max": usd(1)}),
    "concentration": Break(limits={"concentration_bps_max": 0}),
    "sector_exposure": Break(limits={"sector_exposure_attos_max": usd(1)}),
    "cluster_exposure": Break(limits={"cluster_exposure_attos_max": usd(1)}),
    "gross_exposure": Break(limits={"gross_exposure_attos_max": usd(1)}),
    "net_exposure": Break(limits={"net_exposure_attos_max": usd(1)}),
    "buying_power": Break(limits={"buying_power_bps": 0}),
    "daily_spend": Break({"in_trade": spent(Period.DAY)}),
    "weekly_spend": Break({"in_trade": spent(Period.WEEK)}),
    "monthly_spend": Break({"in_trade": spent(Period.MONTH)}),
}

# What cannot be broken for an order, with why: everything else must trip.
WITHOUT_MEANING = {("amend_spacing", name): "it replaces nothing" for name in {*ENTRIES, *EXITS} - {"replace", "replace an exit"}} | {
    ("duplicate_order", "replace"): "a replacement may be like what it replaces",
    ("exit_repeat", "bracket leg"): "a stop waits for its price",
}


def judged(name: str, make: Callable[[], Kind], who: str, **more: Any) -> Any:
    how = BREAKS[name]
    kind, by_person = asked_by(make(), who)
    kind = kind._replace(order=how.order(kind.order))
    instrument = kind.instrument
    if name == "cluster_exposure":
        instrument = msgspec.structs.replace(instrument, event_cluster="weather")
    portfolio = how.books(kind)
    changes: dict[str, Any] = {"instrument": instrument, "by_person": by_person, **how.view, **more}
    return verdict(kind.order, view(portfolio, limits=limits(**how.limits), **changes))


def test_the_table_has_every_control() -> None:
    assert list(BREAKS) == [check.name for check in CHECKS]


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("kind", ENTRIES)
@pytest.mark.parametrize("check", [check for check in CHECKS if check.applies is not Applies.EXIT], ids=lambda check: check.name)
def test_each_control_stops_each_entry_whoever_asks(check: Any, kind: str, who: str) -> None:
    decision = judged(check.name, ENTRIES[kind], who)
    if (check.name, kind) in WITHOUT_MEANING:
        assert check.name not in decision.refusals
        return
    assert decision.verdict is Verdict.REFUSED
    names = {refusal.rpartition(":")[2] for refusal in decision.refusals}
    assert check.name in names
    assert decision.sentence.startswith("The entry was refused because ")
    assert decision.sentence.endswith(".")
    found = {result[0]: result for result in decision.checks}[check.name]
    if found[2] is not None and found[3] is not None and check.unit.value in {"dollars", "basis points", "count", "duration"}:
        assert any(digit.isdigit() for digit in decision.sentence), "it says the numbers"


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("kind", EXITS)
@pytest.mark.parametrize("check", [check for check in CHECKS if check.applies is Applies.ENTRY], ids=lambda check: check.name)
def test_what_is_about_entries_never_stops_a_way_out(check: Any, kind: str, who: str) -> None:
    if BREAKS[check.name].order is given_away:
        return  # the same price is what exit_price is about
    assert judged(check.name, EXITS[kind], who).verdict is Verdict.APPROVED


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("kind", EXITS)
@pytest.mark.parametrize("check", [check for check in CHECKS if check.applies is not Applies.ENTRY], ids=lambda check: check.name)
def test_what_is_about_exits_stops_each_of_them(check: Any, kind: str, who: str) -> None:
    decision = judged(check.name, EXITS[kind], who)
    if (check.name, kind) in WITHOUT_MEANING or check.name == "gate_state":  # reduce-only lets every exit pass
        assert check.name not in decision.refusals
        return
    assert check.name in {refusal.rpartition(":")[2] for refusal in decision.refusals}
    assert decision.sentence.startswith("The exit was refused because ")


@pytest.mark.parametrize("scope", GateScope)
@pytest.mark.parametrize("state", GateState)
@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("kind", [*ENTRIES, *EXITS])
def test_the_gates_are_design_7s_table(kind: str, who: str, state: GateState, scope: GateScope) -> None:
    made, by_person = asked_by((ENTRIES | EXITS)[kind](), who)
    seen = view(made.portfolio, instrument=made.instrument, by_person=by_person, gate=gate(state, scope))
    decision = verdict(made.order, seen)
    passes = {
        GateState.ACTIVE: True,
        GateState.REDUCE_ONLY: kind in EXITS,
        GateState.HALTED: kind in EXITS and who != "strategy",
    }[state]
    assert (decision.verdict is Verdict.APPROVED) is passes
    if not passes:
        assert f"{state.value} by {scope.value} AIG (drift)" in decision.sentence


@pytest.mark.req("B3.5")
@pytest.mark.parametrize("kind", ENTRIES)
@pytest.mark.parametrize("name", sorted(MAY_BE_SOFT))
def test_a_soft_limit_asks_for_a_person_who_may_let_it_pass(name: str, kind: str) -> None:
    soft = frozenset({name}) if name != "displayed_size" else frozenset({name, "liquidity"})
    asked = judged(name, ENTRIES[kind], "strategy", soft=soft)
    if kind == "replace":  # what continues an order does not wait
        assert (asked.verdict, asked.refusals) == (Verdict.REFUSED, ("approval_part",))
        return
    assert asked.verdict is Verdict.NEEDS_APPROVAL
    assert asked.refusals == ()
    assert asked.sentence.startswith("The entry needs the approval of a person because ")
    assert judged(name, ENTRIES[kind], "strategy", soft=soft, approvals_given=1).verdict is Verdict.APPROVED
    halted = judged(name, ENTRIES[kind], "strategy", soft=soft, approvals_given=2, gate=gate(GateState.HALTED))
    assert halted.verdict is Verdict.REFUSED
    assert set(halted.refusals) >= {"gate_state", name}


@pytest.mark.req("B3.5")
def test_what_cannot_be_seen_is_hard_and_so_is_the_cap_on_one_order() -> None:
    unseen = verdict(entry(), view(instrument=None, soft=frozenset(MAY_BE_SOFT), approvals_given=2))
    assert unseen.verdict is Verdict.REFUSED
    assert {"order_quantity", "order_notional", "daily_loss", "gate_state", "drawdown", "buying_power"}.isdisjoint(MAY_BE_SOFT)
