"""Every check: what it refuses, what it lets pass at its limit, and what it cannot see."""

import dataclasses
from collections.abc import Callable, Iterator
from copy import copy
from typing import Any

import msgspec
import pytest

from tests.portfolio.making import INSTRUMENTS, NOW_NS, PRICE, command, fill, reserve, send, shares, usd
from tests.portfolio.making import books as empty_books
from tests.portfolio.making import intent as order_intent
from tests.portfolio.test_portfolio import moved
from tests.risk import in_trade_cases
from tests.risk.making import ASK, BID, LIMITS, entry, leave, limits, verdict, view
from tidegate.events.acts import CheckResult, TradeIntent
from tidegate.events.codec import decode, encode
from tidegate.market import rows
from tidegate.portfolio.portfolio import Portfolio
from tidegate.risk.checks import APPROVAL_CHECKS, ASKING_CHECKS, BY_NAME, CHECKS, INPUT_MISSING, Applies, Check, refusal_catalogue
from tidegate.risk.exposure_checks import MICROS_MOST
from tidegate.risk.gates import GateVerdict
from tidegate.risk.view import BLOCKING_QUALITY, RiskView
from tidegate.risk.wording import WORDING
from tidegate.values.enums import (
    CommandKind,
    GateScope,
    GateState,
    OrderType,
    Purpose,
    Regime,
    Side,
    Verdict,
)
from tidegate.values.money import NANOS
from tidegate.values.time import MINUTE_NS, SECOND_NS

Case = tuple[TradeIntent, RiskView]
CENT = NANOS // 100
MILLION = 1_000_000


def holding(*fills: tuple[float, str], strategy: str = "mr") -> Portfolio:
    portfolio = empty_books()
    for quantity, symbol in fills:
        price = {"AIG": BID, "BAC": 20 * NANOS, "RAIN": 10 * NANOS}[symbol]
        multiplier = INSTRUMENTS[symbol].multiplier
        portfolio.fold_fill(fill(quantity, price, symbol=symbol, strategy=strategy, multiplier=multiplier))
    return portfolio


def gate(state: GateState, scope: GateScope = GateScope.SYMBOL) -> GateVerdict:
    return GateVerdict(state, scope, "AIG", "drift")


def sent_before(of: TradeIntent, seconds: float, **changes: Any) -> RiskView:
    portfolio = empty_books()
    send(portfolio, of, now_ns=NOW_NS - round(seconds * SECOND_NS))
    portfolio.fold_order(moved("0-a", working=False))
    return view(portfolio, **changes)


def messages(count: int, *, kind: CommandKind = CommandKind.CANCEL) -> Portfolio:
    portfolio = holding((1_000, "AIG"))
    for _ in range(count):
        portfolio.fold_command(command(order_intent(), kind=kind, decision_id="", target="x"))
    return portfolio


def orders(count: int) -> Portfolio:
    portfolio = empty_books()
    for number in range(count):
        send(portfolio, order_intent(quantity=1, symbol="BAC", price=number + 1), order=f"0-{number}")
        portfolio.fold_order(moved(f"0-{number}", working=False, symbol="BAC"))
    return portfolio


def resting(side: Side, price: int, order_type: OrderType = OrderType.LIMIT) -> Portfolio:
    portfolio = empty_books()
    send(portfolio, order_intent(side, 10, price, order_type=order_type))
    return portfolio


def exits_sent(seconds: float, correlation: str) -> Portfolio:
    portfolio = holding((200, "AIG"))
    send(portfolio, leave(quantity=10, correlation=correlation), now_ns=NOW_NS - round(seconds * SECOND_NS))
    return portfolio


def replaced(seconds: float) -> Portfolio:
    portfolio = holding((200, "AIG"))
    send(portfolio, entry(quantity=10), now_ns=NOW_NS - round(seconds * SECOND_NS))
    return portfolio


def doomed(name: str) -> list[tuple[Case, int | None, int | None]]:
    """Cases that a check must refuse, each with the limit and observed value it must tell."""
    return [(case, limit, observed) for case, passed, limit, observed in CASES[name]() if not passed]


Row = tuple[Case, bool, int | None, int | None]  # intent and view, passed, limit, observed


def flag(field: str, good: Any, bad: Any, *, blind: bool = True) -> Callable[[], list[Row]]:
    def rows_of() -> list[Row]:
        found: list[Row] = [
            ((entry(), view(**{field: good})), True, 1, 1),
            ((entry(), view(**{field: bad})), False, 1, 0),
        ]
        return found + [((entry(), view(**{field: None})), False, 1, None)] * blind

    return rows_of


def gate_rows() -> list[Row]:
    closed = [
        ((entry(), view(gate=gate(GateState.REDUCE_ONLY))), False, 0, 14),
        ((entry(), view(gate=gate(GateState.HALTED, GateScope.GLOBAL))), False, 0, 20),
        ((leave(), view(holding((100, "AIG")), gate=gate(GateState.HALTED))), False, 10, 24),
        ((entry(), view(gate=gate(GateState.HALTED), by_person=True)), False, 0, 24),
    ]
    opened = [
        ((entry(), view()), True, 0, 0),
        ((leave(), view(holding((100, "AIG")))), True, 0, 0),
        ((leave(), view(holding((100, "AIG")), gate=gate(GateState.REDUCE_ONLY))), True, 10, 14),
        ((leave(), view(holding((100, "AIG")), gate=gate(GateState.HALTED), by_person=True)), True, 10, 24),
    ]
    return [*closed, *opened]


def quality_rows() -> list[Row]:
    bits = [bit for bit in rows.QUALITY_NAMES if bit & BLOCKING_QUALITY]
    found: list[Row] = [((entry(), view(quality=bit)), False, 0, bit) for bit in bits]
    return [*found, ((entry(), view(quality=rows.HALTED)), True, 0, 0), ((entry(), view()), True, 0, 0)]


def money_rows(name: str, portfolio: Callable[[], Portfolio], total: int, *, symbol: str = "AIG", **what: Any) -> Callable[[], list[Row]]:
    """Below, at and above a money limit: `total` dollars are observed with an order of 100 at 50."""

    def rows_of() -> list[Row]:
        found: list[Row] = []
        for limit in (total + 1, total, total - 1):
            changed = view(portfolio(), limits=limits(**{name: usd(limit)}), instrument=INSTRUMENTS[symbol])
            found.append(((entry(symbol=symbol, **what), changed), limit >= total, limit * MILLION, total * MILLION))
        near = view(portfolio(), limits=limits(**{name: usd(total) - 1}), instrument=INSTRUMENTS[symbol])
        found.append(((entry(symbol=symbol, **what), near), False, total * MILLION - 1, total * MILLION))
        dark = {"ask_nanos": 0, "limits": limits(**{name: usd(total)}), "instrument": INSTRUMENTS[symbol]}
        blind = entry(symbol=symbol, price=0, order_type=OrderType.MARKET)
        found.append(((blind, view(portfolio(), **dark)), False, total * MILLION, None))
        unmarked = holding((1, "BAC"))
        if name not in {"order_notional_attos_max", "position_notional_attos_max"}:
            nothing = {"mark": lambda _symbol, _sign: None, "limits": limits(**{name: usd(total)})}
            seen = view(unmarked, instrument=INSTRUMENTS[symbol], **nothing)
            found.append(((entry(symbol=symbol, **what), seen), False, total * MILLION, None))
        unknown = view(portfolio(), instrument=None, limits=limits(**{name: usd(total)}))
        return [*found, ((entry(symbol=symbol, **what), unknown), False, total * MILLION, None)]

    return rows_of


def equity_rows(field: str, portfolio: Callable[[], Portfolio], total: int) -> Callable[[], list[Row]]:
    """The limit is `equity x share`; with a share of 50 % the observed total passes from twice itself on."""

    def rows_of() -> list[Row]:
        found: list[Row] = []
        for equity in (2 * total + 2, 2 * total, 2 * total - 2):
            changed = view(portfolio(), limits=limits(**{field: 5_000}), equity_attos=usd(equity))
            found.append(((entry(), changed), equity >= 2 * total, equity // 2 * MILLION, total * MILLION))
        found.append(((entry(), view(portfolio(), equity_attos=None)), False, None, None))
        blind = entry(price=0, order_type=OrderType.MARKET)
        found.append(((blind, view(portfolio(), ask_nanos=0)), False, None, None))
        ruined = view(portfolio(), equity_attos=usd(-10), limits=limits(**{field: 5_000}))
        return [*found, ((entry(), ruined), False, -5 * MILLION, total * MILLION)]

    return rows_of


def unmarked_power_rows() -> list[Row]:
    seen = view(holding((1, "BAC")), mark=lambda _symbol, _sign: None)
    return [
        *equity_rows("buying_power_bps", lambda: holding((100, "BAC")), 7_000)(),
        ((entry(), seen), False, None, None),
    ]


def around(make: Callable[[int], Case], limit: int, *, at_least: bool = False, told: int | None = None) -> Callable[[], list[Row]]:
    """Below, at and above a limit on a plain number."""

    def rows_of() -> list[Row]:
        shown = limit if told is None else told
        return [(make(value), value >= limit if at_least else value <= limit, shown, value) for value in (limit - 1, limit, limit + 1)]

    return rows_of


def net_rows() -> list[Row]:
    rows_found: list[Row] = []
    for side, limit, passed, observed in (
        (Side.BUY, 8_000, True, 7_000),  # long 2,000 and 5,000 more
        (Side.BUY, 7_000, True, 7_000),
        (Side.BUY, 6_999, False, 7_000),
        (Side.SELL, 2_990, True, 2_990),  # 2,000 less 100 at 49.90
        (Side.SELL, 2_989, False, 2_990),
    ):
        price = ASK if side is Side.BUY else 4_990 * CENT
        seen = view(
            holding((100, "BAC")),
            limits=limits(net_exposure_attos_max=usd(limit)),
            bid_nanos=4_990 * CENT,
        )
        rows_found.append(((entry(side=side, price=price), seen), passed, limit * MILLION, observed * MILLION))
    unmarked = view(holding((1, "BAC")), mark=lambda _symbol, _sign: None)
    unpriced = view(ask_nanos=0)
    blind = entry(price=0, order_type=OrderType.MARKET)
    top = LIMITS.net_exposure_attos_max // 10**12
    return [*rows_found, ((entry(), unmarked), False, top, None), ((blind, unpriced), False, top, None)]


CASES: dict[str, Callable[[], list[Row]]] = in_trade_cases.CASES | {
    "gate_state": gate_rows,
    "permitted": flag("permitted", good=True, bad=False),
    "symbol_allowed": lambda: [
        ((entry(), view(limits=limits(symbols_allowed=frozenset({"BAC"})))), False, 1, 0),
        ((entry(), view(limits=limits(symbols_allowed=frozenset()))), False, 1, 0),
        ((entry(), view(limits=limits(symbols_allowed=frozenset({"AIG"})))), True, 1, 1),
        ((entry(), view()), True, 1, 1),
    ],
    "symbol_not_blocked": lambda: [
        ((entry(), view(limits=limits(symbols_blocked=frozenset({"AIG"})))), False, 1, 0),
        ((entry(), view(limits=limits(symbols_blocked=frozenset({"BAC"})))), True, 1, 1),
    ],
    "symbol_owner": lambda: [
        ((entry(), view(owner="")), True, 1, 1),
        ((entry(), view(owner="mr")), True, 1, 1),
        ((entry(), view(owner="trend")), False, 1, 0),
        ((entry(), view(owner="trend", symbols_shared=True)), True, 1, 1),
        ((entry(), view(owner=None)), False, 1, None),
        ((entry(), view(owner=None, symbols_shared=True)), False, 1, None),
    ],
    "foreign_position": lambda: [
        ((entry(), view(foreign_nanos=0)), True, 0, 0),
        ((entry(), view(foreign_nanos=NANOS)), True, 0, NANOS),
        ((entry(), view(foreign_nanos=-1)), False, 0, -1),
        ((entry(side=Side.SELL), view(foreign_nanos=0)), True, 0, 0),
        ((entry(side=Side.SELL), view(foreign_nanos=-NANOS)), True, 0, -NANOS),
        ((entry(side=Side.SELL), view(foreign_nanos=1)), False, 0, 1),
        ((entry(), view(foreign_nanos=None)), False, 0, None),
    ],
    "session_hours": lambda: [
        ((entry(), view(open_ns=NOW_NS + 1, close_ns=NOW_NS + 2)), False, NOW_NS + 1, NOW_NS),
        ((entry(), view(open_ns=NOW_NS, close_ns=NOW_NS + 1)), True, NOW_NS + 1, NOW_NS),
        ((entry(), view(open_ns=NOW_NS - 1, close_ns=NOW_NS)), False, NOW_NS, NOW_NS),
        ((entry(), view(open_ns=0, close_ns=0)), False, None, None),
    ],
    "no_trade_window": flag("no_trade_window", good="", bad="first five minutes", blind=False),
    "not_halted": flag("halted", good=False, bad=True),
    "streams_up": flag("streams_up", good=True, bad=False),
    "store_durable": flag("store_ok", good=True, bad=False),
    "processing_lag": lambda: [
        *around(lambda value: (entry(), view(lag_ns=value)), LIMITS.lag_ns_max)(),
        ((entry(), view(lag_ns=None)), False, LIMITS.lag_ns_max, None),
    ],
    "quote_age": lambda: [
        *around(lambda value: (entry(), view(quote_ns=NOW_NS - value)), LIMITS.quote_age_ns_max)(),
        ((entry(), view(quote_ns=0)), False, LIMITS.quote_age_ns_max, None),
    ],
    "quote_quality": quality_rows,
    "features_warm": flag("features_valid", good=True, bad=False),
    "no_news": flag("newsy", good=False, bad=True),
    "regime_eligible": lambda: [
        ((entry(), view()), True, None, 21),
        ((entry(), view(eligible=False, symbol_regime=Regime.VOL_EXPANSION)), False, None, 31),
        ((entry(), view(eligible=None)), False, None, None),
    ],
    "cooldown": lambda: [
        ((entry(), view(cooldown_until_ns=NOW_NS + 1)), False, NOW_NS + 1, NOW_NS),
        ((entry(), view(cooldown_until_ns=NOW_NS)), True, NOW_NS, NOW_NS),
    ],
    "price_grid": lambda: [
        ((entry(), view()), True, None, ASK),
        ((entry(price=ASK + 1), view()), False, CENT, ASK + 1),
        ((entry(price=0), view()), False, CENT // 100, 0),
        ((entry(price=1), view()), False, CENT // 100, 1),
        ((entry(price=-CENT), view()), False, CENT // 100, -CENT),
        (
            (entry(price=NANOS // 2 + CENT // 100), view()),
            True,
            None,
            NANOS // 2 + CENT // 100,
        ),  # finer below $1
        ((entry(price=0, order_type=OrderType.MARKET), view()), True, None, 0),
        ((entry(price=7, order_type=OrderType.MARKET), view()), True, None, 7),
        ((entry(price=0, order_type=OrderType.STOP, stop=ASK), view()), True, None, 0),
        ((entry(price=0, order_type=OrderType.STOP, stop=ASK + 1), view()), False, CENT, ASK + 1),
        ((entry(price=0, order_type=OrderType.STOP), view()), False, CENT // 100, 0),
        ((entry(order_type=OrderType.STOP_LIMIT, stop=ASK), view()), True, None, ASK),
        ((entry(order_type=OrderType.STOP_LIMIT, stop=ASK - 1), view()), False, CENT, ASK - 1),
        ((entry(order_type=OrderType.STOP_LIMIT, stop=ASK, price=ASK + 1), view()), False, CENT, ASK + 1),
        ((entry(price=0, order_type=OrderType.TRAILING_STOP, trail=1), view()), True, None, 0),
        ((entry(price=0, order_type=OrderType.TRAILING_STOP), view()), False, CENT // 100, 0),
        ((entry(), view(instrument=None)), False, None, None),
        ((leave(price=BID + 1), view(holding((100, "AIG")))), False, CENT, BID + 1),
    ],
    "quantity_grid": lambda: [
        ((entry(quantity=1), view()), True, NANOS, NANOS),
        ((entry(quantity=0), view()), False, NANOS, 0),
        ((entry(quantity="1.5"), view()), False, NANOS, 3 * NANOS // 2),
        ((entry(quantity=-1), view()), False, NANOS, -NANOS),
        ((entry(), view(instrument=None)), False, None, None),
        ((leave(quantity="0.5"), view(holding((100, "AIG")))), False, NANOS, NANOS // 2),
    ],
    "reducing_quantity": lambda: [
        ((leave(quantity=99), view(holding((100, "AIG")))), True, shares(100), shares(99)),
        ((leave(quantity=100), view(holding((100, "AIG")))), True, shares(100), shares(100)),
        ((leave(quantity=101), view(holding((100, "AIG")))), False, shares(100), shares(101)),
        ((leave(quantity=1), view()), False, 0, shares(1)),
        ((leave(quantity=1, side=Side.BUY, price=ASK), view(holding((100, "AIG")))), False, 0, shares(1)),
    ],
    "exit_price": lambda: list(exit_price_rows()),
    "exit_repeat": lambda: [
        ((leave(), view(exits_sent(1.9, "other"))), False, 2 * SECOND_NS, 1_900_000_000),
        ((leave(), view(exits_sent(2, "other"))), True, 2 * SECOND_NS, 2 * SECOND_NS),
        ((leave(), view(exits_sent(0, "s-1-0"))), True, 2 * SECOND_NS, None),  # a slice of the same story
        ((leave(), view(holding((100, "AIG")))), True, 2 * SECOND_NS, None),
    ],
    "spread": lambda: [
        ((entry(), view(bid_nanos=9_990, ask_nanos=10_010)), True, 20, 20),
        ((entry(), view(bid_nanos=9_990, ask_nanos=10_011)), False, 20, 21),  # 20.998 bps: rounded up
        ((entry(), view(bid_nanos=99_900_000, ask_nanos=100_100_001)), False, 20, 21),
        ((entry(), view(bid_nanos=9_991, ask_nanos=10_010)), True, 20, 19),
        ((entry(), view(bid_nanos=9_990, ask_nanos=10_010, cell_spread_bps_max=19)), False, 19, 20),
        ((entry(), view(bid_nanos=9_990, ask_nanos=10_010, cell_spread_bps_max=20)), True, 20, 20),
        ((entry(), view(bid_nanos=9_990, ask_nanos=10_030, cell_spread_bps_max=50)), False, 20, 40),
        ((entry(), view(bid_nanos=0)), False, 20, None),
        ((entry(), view(ask_nanos=0)), False, 20, None),
    ],
    "displayed_size": lambda: [
        *around(lambda value: (entry(), view(bid_size_nanos=value)), shares(100), at_least=True)(),
        *around(lambda value: (entry(), view(ask_size_nanos=value)), shares(100), at_least=True)(),
        ((entry(), view(bid_size_nanos=0)), False, shares(100), None),
        ((entry(), view(ask_size_nanos=0)), False, shares(100), None),
    ],
    "liquidity": lambda: [
        ((entry(quantity=200), view()), True, 5_000, 5_000),  # of 400 asked
        ((entry(quantity=201), view()), False, 5_000, 5_025),
        ((entry(quantity=199), view()), True, 5_000, 4_975),
        ((entry(quantity="200.0001"), view()), False, 5_000, 5_001),  # rounded up
        ((entry(quantity=250, side=Side.SELL, price=BID), view()), True, 5_000, 5_000),  # of 500 bid
        ((entry(quantity=251, side=Side.SELL, price=BID), view()), False, 5_000, 5_020),
        ((entry(), view(ask_size_nanos=0)), False, 5_000, None),
    ],
    "price_collar": lambda: [
        ((entry(), view()), True, 50, 0),
        ((entry(price=ASK + 25 * CENT), view()), True, 50, 50),
        ((entry(price=ASK + 26 * CENT), view()), False, 50, 52),
        ((entry(price=ASK - 300 * CENT), view()), True, 50, 0),
        ((entry(side=Side.SELL, price=BID), view()), True, 50, 0),
        ((entry(side=Side.SELL, price=BID - 24 * CENT), view()), True, 50, 49),
        ((entry(side=Side.SELL, price=BID - 25 * CENT), view()), False, 50, 51),
        ((entry(price=0, order_type=OrderType.MARKET), view(ask_nanos=0)), True, 50, 0),
        (
            (entry(order_type=OrderType.STOP_LIMIT, stop=ASK, price=ASK + 25 * CENT), view(ask_nanos=1)),
            True,
            50,
            50,
        ),
        ((entry(order_type=OrderType.STOP_LIMIT, stop=ASK, price=ASK + 26 * CENT), view()), False, 50, 52),
        ((entry(order_type=OrderType.STOP_LIMIT, stop=0), view()), False, 50, None),
        ((entry(), view(ask_nanos=0)), False, 50, None),
        ((entry(side=Side.SELL, price=BID), view(bid_nanos=0)), False, 50, None),
    ],
    "order_quantity": around(lambda value: (_sized(value), view()), shares(1_000)),
    "order_notional": money_rows("order_notional_attos_max", empty_books, 5_000),
    "duplicate_order": lambda: [
        ((entry(), sent_before(entry(), 0.9)), False, SECOND_NS, 900_000_000),
        ((entry(), sent_before(entry(), 1)), True, SECOND_NS, SECOND_NS),
        ((entry(), sent_before(entry(quantity=99), 0)), True, SECOND_NS, None),
        ((entry(replaces="0-a"), sent_before(entry(), 0)), True, SECOND_NS, None),
        ((entry(), view()), True, SECOND_NS, None),
    ],
    "self_trade": lambda: [
        ((entry(), view(resting(Side.SELL, ASK + CENT))), True, None, ASK),
        ((entry(), view(resting(Side.SELL, ASK))), False, ASK, ASK),
        ((entry(), view(resting(Side.SELL, ASK - CENT))), False, ASK - CENT, ASK),
        ((entry(side=Side.SELL, price=BID), view(resting(Side.BUY, BID - CENT))), True, None, BID),
        ((entry(side=Side.SELL, price=BID), view(resting(Side.BUY, BID))), False, BID, BID),
        ((entry(), view(resting(Side.SELL, 0, OrderType.MARKET))), False, 0, ASK),
        ((entry(order_type=OrderType.MARKET, price=0), view(resting(Side.SELL, 9 * ASK))), False, 9 * ASK, 0),
        (
            (entry(order_type=OrderType.TRAILING_STOP, trail=1), view(resting(Side.SELL, ASK))),
            True,
            None,
            None,
        ),
        ((entry(), view(resting(Side.BUY, ASK))), True, None, None),
        ((entry(replaces="0-a"), view(resting(Side.SELL, ASK))), True, None, ASK),
        ((entry(), view()), True, None, None),
    ],
    "amend_spacing": lambda: [
        ((entry(replaces="0-a"), view(replaced(0.9))), False, SECOND_NS, 900_000_000),
        ((entry(replaces="0-a"), view(replaced(1))), True, SECOND_NS, SECOND_NS),
        ((entry(replaces="done"), view(replaced(0))), True, SECOND_NS, None),
        ((entry(), view(replaced(0))), True, SECOND_NS, None),
        ((leave(replaces="0-a", quantity=1), view(replaced(0))), False, SECOND_NS, 0),
    ],
    "orders_per_minute": lambda: [
        ((entry(), view(orders(29))), True, 30, 30),
        ((entry(), view(orders(30))), False, 30, 31),
        ((entry(), view(orders(30), now_ns=NOW_NS + MINUTE_NS)), True, 30, 1),
    ],
    "symbol_messages": lambda: [
        ((entry(), view(messages(19))), True, 20, 20),
        ((entry(), view(messages(20))), False, 20, 21),
        ((leave(), view(messages(20))), False, 20, 21),
        ((entry(), view(messages(20), now_ns=NOW_NS + MINUTE_NS)), True, 20, 1),
        ((entry(symbol="BAC"), view(messages(20))), True, 20, 1),
        ((entry(), view(messages(50, kind=CommandKind.LOOKUP))), True, 20, 1),
    ],
    "position_quantity": lambda: [
        ((entry(quantity=1_200), view()), True, shares(1_200), shares(1_200)),
        ((entry(quantity=1_201), view()), False, shares(1_200), shares(1_201)),
        ((entry(quantity=700), view(holding((500, "AIG")))), True, shares(1_200), shares(1_200)),
        ((entry(quantity=701), view(holding((500, "AIG")))), False, shares(1_200), shares(1_201)),
        (
            (entry(side=Side.SELL, quantity=701), view(holding((-500, "AIG")))),
            False,
            shares(1_200),
            shares(1_201),
        ),
        (
            (entry(side=Side.SELL, quantity=100), view(holding((500, "AIG")))),
            True,
            shares(1_200),
            shares(500),
        ),
        ((entry(quantity=200), view(_working(1_000))), True, shares(1_200), shares(1_200)),
        ((entry(quantity=201), view(_working(1_000))), False, shares(1_200), shares(1_201)),
        ((entry(quantity=201), view(_working(1_000, unknown=True))), False, shares(1_200), shares(1_201)),
        ((entry(quantity=201), view(_reserved(1_000))), False, shares(1_200), shares(1_201)),
        ((entry(quantity=1_200, replaces="0-a"), view(_working(1_000))), True, shares(1_200), shares(1_200)),
        ((entry(quantity=1_201, replaces="0-a"), view(_working(1_000))), False, shares(1_200), shares(1_201)),
    ],
    "position_notional": money_rows("position_notional_attos_max", lambda: _working(100), 10_000),
    "total_quantity": lambda: [
        *[
            (
                (entry(), view(_both(), limits=limits(total_quantity_nanos_max=shares(limit)))),
                limit >= 350,
                shares(limit),
                shares(350),
            )
            for limit in (351, 350, 349)
        ],
        ((entry(), view(holding((1, "BAC")), mark=lambda _symbol, _sign: None)), False, shares(4_000), None),
    ],
    "total_notional": money_rows("total_notional_attos_max", lambda: holding((-100, "BAC")), 7_000),
    "concentration": equity_rows("concentration_bps_max", lambda: _working(100), 10_000),
    "sector_exposure": money_rows("sector_exposure_attos_max", lambda: _working(100, also=("BAC", 50)), 9_999),
    "cluster_exposure": lambda: [
        *money_rows("cluster_exposure_attos_max", lambda: holding((100, "RAIN")), 18_000, symbol="RAIN")(),
        ((entry(), view(limits=limits(cluster_exposure_attos_max=0))), True, None, None),
    ],
    "gross_exposure": money_rows("gross_exposure_attos_max", lambda: holding((-100, "BAC")), 7_000),
    "net_exposure": net_rows,
    "buying_power": unmarked_power_rows,
}


def _sized(quantity_nanos: int) -> TradeIntent:
    return msgspec.structs.replace(entry(), quantity_nanos=quantity_nanos)


def _working(quantity: float, *, unknown: bool = False, also: tuple[str, int] | None = None) -> Portfolio:
    portfolio = holding((also[1], also[0])) if also else empty_books()
    send(portfolio, order_intent(quantity=quantity, price=ASK))
    portfolio.book("AIG").orders["0-a"].unknown = unknown
    return portfolio


def _reserved(quantity: float) -> Portfolio:
    portfolio = empty_books()
    reserve(portfolio, order_intent(quantity=quantity))
    return portfolio


def _both() -> Portfolio:
    """Held: 200 short of one and 50 long of another; what works is not held."""
    portfolio = holding((-200, "BAC"), (50, "AIG"))
    send(portfolio, order_intent(quantity=500))
    return portfolio


def exit_price_rows() -> Iterator[Row]:
    def held(**changes: Any) -> RiskView:
        return view(holding((100, "AIG")), **changes)

    low = BID * 97 // 100  # exactly 3 % below
    yield (leave(), held()), True, 300, 0
    yield (leave(price=low), held()), True, 300, 300
    yield (leave(price=low - 1), held()), False, 300, 301
    yield (leave(price=ASK * 2), held()), True, 300, 0
    short = view(holding((-100, "AIG")))
    yield (leave(side=Side.BUY, price=ASK * 103 // 100), short), True, 300, 300
    yield (leave(side=Side.BUY, price=ASK * 103 // 100 + 1), short), False, 300, 301
    yield (leave(price=0, order_type=OrderType.MARKET), held()), True, 300, 0
    yield (leave(price=0, order_type=OrderType.STOP, stop=CENT), held(quote_ns=0)), True, 300, 0
    yield (leave(price=0, order_type=OrderType.TRAILING_STOP, trail=CENT), held(quote_ns=0)), True, 300, 0
    stop_limit = OrderType.STOP_LIMIT
    yield (leave(order_type=stop_limit, stop=BID, price=low), held(quote_ns=0)), True, 300, 300
    yield (leave(order_type=stop_limit, stop=BID, price=low - 1), held(quote_ns=0)), False, 300, 301
    yield (leave(order_type=stop_limit, stop=0), held()), False, 300, None
    # Blind: against the last good price, with the wider collar.
    stale = NOW_NS - LIMITS.quote_age_ns_max - 1
    for blind in (
        {"quote_ns": stale},
        {"quality": rows.CROSSED},
        {"bid_nanos": 0},
        {"ask_nanos": 0},
        {"quote_ns": 0},
    ):
        yield (leave(price=ASK * 9 // 10), held(**blind)), True, 1_000, 1_000
        yield (leave(price=ASK * 9 // 10 - 1), held(**blind)), False, 1_000, 1_001
        yield (leave(price=0, order_type=OrderType.MARKET), held(**blind)), False, 1_000, None
        yield (leave(), held(**blind, last_good_nanos=0)), False, 1_000, None
    fresh = NOW_NS - LIMITS.quote_age_ns_max
    yield (leave(price=low - 1), held(quote_ns=fresh)), False, 300, 301
    yield (leave(price=low - 1), held(quality=rows.HALTED)), False, 300, 301


def result_of(check: Check, case: Case) -> CheckResult:
    decision = verdict(*case)
    return next(result for result in decision.checks if result[0] == check.name)


@pytest.mark.req("B3.1", "A3.4", "A4.1", "A1.4", "B4.2", "B4.3", "A1.2", "A1.3")
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_each_check_refuses_what_it_must_and_lets_pass_what_it_may(check: Check) -> None:
    found = CASES[check.name]()
    assert any(passed for _, passed, _, _ in found)
    assert any(not passed for _, passed, _, _ in found)
    for number, (case, passed, limit, observed) in enumerate(found):
        result = result_of(check, case)
        assert result == (check.name, passed, limit, observed), f"case {number}"
        assert {type(value) for value in result[2:]} <= {int, type(None)}, "no float touches a limit"


@pytest.mark.req("B3.1", "B3.7")
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_each_refusal_reaches_the_verdict_with_its_numbers_in_words(check: Check) -> None:
    for case, _limit, observed in doomed(check.name):
        decision = verdict(*case)
        assert decision.verdict is Verdict.REFUSED
        expected = check.name if observed is not None else f"{INPUT_MISSING}:{check.name}"
        assert expected in decision.refusals
        words = WORDING[check.name]
        start = words.what if observed is None else words.fails.partition("{")[0]
        assert start in decision.sentence
        assert "{" not in decision.sentence


@pytest.mark.req("B3.1")
def test_an_entry_with_everything_in_order_passes_every_check() -> None:
    decision = verdict(entry(), view())
    assert decision.verdict is Verdict.APPROVED
    assert (decision.refusals, decision.sentence) == ((), "")
    asked = [check.name for check in (*CHECKS, *APPROVAL_CHECKS) if check.applies is not Applies.EXIT]
    assert [result[0] for result in decision.checks] == asked


@pytest.mark.req("B3.1")
def test_an_exit_is_asked_about_nothing_that_could_trap_it() -> None:
    decision = verdict(leave(), view(holding((100, "AIG"))))
    assert decision.verdict is Verdict.APPROVED
    assert [result[0] for result in decision.checks] == [
        "gate_state",
        "price_grid",
        "quantity_grid",
        "reducing_quantity",
        "exit_price",
        "exit_repeat",
        "amend_spacing",
        "symbol_messages",
    ]


@pytest.mark.req("A1.2")
def test_what_stops_entries_does_not_stop_exits() -> None:
    seen = view(
        holding((100, "AIG")),
        limits=limits(order_quantity_nanos_max=0, symbols_blocked=frozenset({"AIG"}), orders_per_minute_max=0),
        quality=rows.NO_QUOTE,
        quote_ns=0,
        halted=True,
        features_valid=False,
        newsy=True,
        open_ns=0,
        close_ns=0,
        no_trade_window="close",
        eligible=False,
        permitted=False,
        streams_up=False,
        store_ok=False,
        lag_ns=None,
        equity_attos=None,
        gate=gate(GateState.REDUCE_ONLY),
    )
    assert verdict(leave(), seen).verdict is Verdict.APPROVED


OF_ANY_ORDER = {
    *("now_ns", "limits", "portfolio", "instrument", "soft", "gate", "by_person", "approval_id"),
    *("bid_nanos", "ask_nanos", "quote_ns", "quality", "last_good_nanos"),
}


def test_an_exit_is_judged_by_nothing_that_is_seen_of_entries_alone() -> None:
    exits = [case for rows_of in CASES.values() for case, *_ in rows_of() if case[0].purpose is Purpose.EXIT]
    assert len(exits) > 40
    for order, seen in exits:
        expected, less = verdict(order, seen), copy(seen)
        for field in dataclasses.fields(less):
            if field.name not in OF_ANY_ORDER:
                delattr(less, field.name)
        assert verdict(order, less) == expected


@pytest.mark.req("B3.1")
def test_the_catalogue_lists_every_refusal_in_order_of_precedence() -> None:
    listed = refusal_catalogue()
    assert [row[0] for row in listed] == [*(check.name for check in (*CHECKS, *ASKING_CHECKS)), INPUT_MISSING]
    assert len({row[0] for row in listed}) == len(listed)
    for (name, what, unit, applies), check in zip(listed, (*CHECKS, *ASKING_CHECKS), strict=False):
        assert what == WORDING[name].what
        assert (unit, applies) == (check.unit.value, check.applies.value)
    assert {check.name for check in CHECKS} == set(CASES)
    assert set(WORDING) == set(BY_NAME)
    assert all(listed[-1][:2])
    assert listed[-1][3] == "entries and exits"


def test_a_check_carries_the_name_of_its_function() -> None:
    for check in CHECKS:
        for purpose, make in ((Purpose.ENTRY, entry), (Purpose.EXIT, leave)):
            if check.applies is Applies.BOTH or (check.applies is Applies.ENTRY) == (purpose is Purpose.ENTRY):
                assert check.function.__name__ == check.name
                assert any(result[0] == check.name for result in verdict(make(), view()).checks)


def test_the_price_of_an_order_is_the_highest_that_could_be_paid() -> None:
    for what, unit in (
        ({"price": ASK - 300 * CENT}, ASK),  # a low buy limit is still valued at the ask
        ({"price": ASK + 5 * CENT}, ASK + 5 * CENT),
        ({"price": 0, "order_type": OrderType.MARKET}, ASK),
        ({"price": 0, "order_type": OrderType.STOP, "stop": ASK + 9 * CENT}, ASK + 9 * CENT),
        ({"side": Side.SELL, "price": BID - 5 * CENT}, BID),
        ({"side": Side.SELL, "price": BID + 5 * CENT}, BID + 5 * CENT),
    ):
        seen = view()
        verdict(entry(**what), seen)
        assert seen.notional_micros == unit * 100 // 1_000


def test_amounts_that_do_not_divide_stay_whole_numbers() -> None:
    odd = usd("99999.999999999999999999") + 1 - 7
    seen = view(_working(3), limits=limits(concentration_bps_max=3_333, buying_power_bps=3_333), equity_attos=odd)
    decision = verdict(entry(quantity="7", price=ASK - CENT), seen)
    for _name, _passed, limit, observed in decision.checks:
        assert {type(limit), type(observed)} <= {int, type(None)}
    assert seen.equity_micros == odd // 10**12


def test_an_entry_worth_more_than_a_message_can_carry_is_refused_with_what_it_can() -> None:
    quantity_nanos = 2**62
    huge = msgspec.structs.replace(entry(price=10**6 * NANOS), quantity_nanos=quantity_nanos, whole_quantity_nanos=quantity_nanos)
    seen = view(_working(3))
    decision = verdict(huge, seen)
    assert decision.verdict is Verdict.REFUSED
    assert (seen.notional_micros, seen.whole_micros, seen.worst_micros, seen.added_micros) == (MICROS_MOST,) * 4
    told = {name: observed for name, _passed, _limit, observed in decision.checks}
    assert (told["order_notional"], told["position_notional"]) == (MICROS_MOST, MICROS_MOST)
    assert decode(encode(decision)) == decision


def test_one_view_may_be_used_again_with_other_limits() -> None:
    seen = view()
    assert verdict(entry(), seen).verdict is Verdict.APPROVED
    seen.limits = limits(order_notional_attos_max=usd(1))
    assert verdict(entry(), seen).refusals == ("order_notional",)
    seen.instrument = None
    assert "input_missing:order_notional" in verdict(entry(), seen).refusals
    seen.instrument, seen.limits = INSTRUMENTS["AIG"], LIMITS
    assert verdict(entry(), seen).verdict is Verdict.APPROVED
    assert PRICE == ASK
