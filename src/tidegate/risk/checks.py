"""The policy: every check in order of precedence. The manual's catalogue of refusals is made from this table.

A new check is a function in one of the `*_checks` files, a row here and its words in `wording`; a test fails
until there is a case that it refuses.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple

from tidegate.events.acts import CheckResult, TradeIntent
from tidegate.risk import approval_checks as approval
from tidegate.risk import exposure_checks as exposure
from tidegate.risk import in_trade_checks as in_trade
from tidegate.risk import market_checks as market
from tidegate.risk import order_checks as order
from tidegate.risk.view import RiskView
from tidegate.risk.wording import WORDING
from tidegate.values.enums import Purpose

Function = Callable[[TradeIntent, RiskView], CheckResult]

INPUT_MISSING: Final = "input_missing"  # refusals of what could not be seen begin so, then the check's name


class Unit(StrEnum):
    """What limit and observed of a check are."""

    FLAG = "yes or no"
    USD = "dollars"  # in millionths
    QUANTITY = "shares or contracts"  # in nanos
    PRICE = "price"  # in nanos
    BPS = "basis points"
    DURATION = "duration"  # in ns
    TIME = "time"  # ns UTC
    COUNT = "count"
    GATE = "gate state"  # 10 x strictness + scope
    QUALITY = "quality flags"  # bits of `market.rows`
    REGIME = "regimes"  # 10 x symbol's + market's


class Applies(StrEnum):
    """Which orders a check is asked about."""

    ENTRY = "entries"
    EXIT = "exits"
    BOTH = "entries and exits"


class Check(NamedTuple):
    """One row of the policy: a named function, the unit of its numbers, and what it is asked about."""

    name: str
    function: Function
    unit: Unit
    applies: Applies


def _check(function: Function, unit: Unit, applies: Applies) -> Check:
    return Check(function.__name__, function, unit, applies)


CHECKS: Final = (
    _check(market.gate_state, Unit.GATE, Applies.BOTH),
    _check(market.permitted, Unit.FLAG, Applies.ENTRY),
    _check(market.symbol_allowed, Unit.FLAG, Applies.ENTRY),
    _check(market.symbol_not_blocked, Unit.FLAG, Applies.ENTRY),
    _check(market.symbol_owner, Unit.FLAG, Applies.ENTRY),
    _check(market.foreign_position, Unit.QUANTITY, Applies.ENTRY),
    _check(market.session_hours, Unit.TIME, Applies.ENTRY),
    _check(market.no_trade_window, Unit.FLAG, Applies.ENTRY),
    _check(market.not_halted, Unit.FLAG, Applies.ENTRY),
    _check(market.streams_up, Unit.FLAG, Applies.ENTRY),
    _check(market.store_durable, Unit.FLAG, Applies.ENTRY),
    _check(market.processing_lag, Unit.DURATION, Applies.ENTRY),
    _check(market.quote_age, Unit.DURATION, Applies.ENTRY),
    _check(market.quote_quality, Unit.QUALITY, Applies.ENTRY),
    _check(market.features_warm, Unit.FLAG, Applies.ENTRY),
    _check(market.no_news, Unit.FLAG, Applies.ENTRY),
    _check(market.regime_eligible, Unit.REGIME, Applies.ENTRY),
    _check(market.cooldown, Unit.TIME, Applies.ENTRY),
    _check(in_trade.daily_loss, Unit.USD, Applies.ENTRY),
    _check(in_trade.weekly_loss, Unit.USD, Applies.ENTRY),
    _check(in_trade.monthly_loss, Unit.USD, Applies.ENTRY),
    _check(in_trade.intraday_drawdown, Unit.BPS, Applies.ENTRY),
    _check(in_trade.drawdown, Unit.BPS, Applies.ENTRY),
    _check(order.price_grid, Unit.PRICE, Applies.BOTH),
    _check(order.quantity_grid, Unit.QUANTITY, Applies.BOTH),
    _check(order.reducing_quantity, Unit.QUANTITY, Applies.EXIT),
    _check(order.exit_price, Unit.BPS, Applies.EXIT),
    _check(order.exit_repeat, Unit.DURATION, Applies.EXIT),
    _check(market.spread, Unit.BPS, Applies.ENTRY),
    _check(market.displayed_size, Unit.QUANTITY, Applies.ENTRY),
    _check(market.liquidity, Unit.BPS, Applies.ENTRY),
    _check(order.price_collar, Unit.BPS, Applies.ENTRY),
    _check(order.order_quantity, Unit.QUANTITY, Applies.ENTRY),
    _check(exposure.order_notional, Unit.USD, Applies.ENTRY),
    _check(order.duplicate_order, Unit.DURATION, Applies.ENTRY),
    _check(order.self_trade, Unit.PRICE, Applies.ENTRY),
    _check(order.amend_spacing, Unit.DURATION, Applies.BOTH),
    _check(order.orders_per_minute, Unit.COUNT, Applies.ENTRY),
    _check(order.symbol_messages, Unit.COUNT, Applies.BOTH),
    _check(in_trade.entries_per_hour, Unit.COUNT, Applies.ENTRY),
    _check(exposure.position_quantity, Unit.QUANTITY, Applies.ENTRY),
    _check(exposure.position_notional, Unit.USD, Applies.ENTRY),
    _check(exposure.total_quantity, Unit.QUANTITY, Applies.ENTRY),
    _check(exposure.total_notional, Unit.USD, Applies.ENTRY),
    _check(exposure.concentration, Unit.USD, Applies.ENTRY),
    _check(exposure.sector_exposure, Unit.USD, Applies.ENTRY),
    _check(exposure.cluster_exposure, Unit.USD, Applies.ENTRY),
    _check(exposure.gross_exposure, Unit.USD, Applies.ENTRY),
    _check(exposure.net_exposure, Unit.USD, Applies.ENTRY),
    _check(exposure.buying_power, Unit.USD, Applies.ENTRY),
    _check(in_trade.daily_spend, Unit.USD, Applies.ENTRY),
    _check(in_trade.weekly_spend, Unit.USD, Applies.ENTRY),
    _check(in_trade.monthly_spend, Unit.USD, Applies.ENTRY),
)

# Asked about an entry that passes all of those: a failed one of the first asks for a person, of the second refuses after all.
APPROVAL_CHECKS: Final = (
    _check(approval.approval_notional, Unit.USD, Applies.ENTRY),
    _check(approval.second_approval_notional, Unit.USD, Applies.ENTRY),
    _check(approval.approval_loss, Unit.USD, Applies.ENTRY),
    _check(approval.approval_rule, Unit.COUNT, Applies.ENTRY),
)
ASKING_CHECKS: Final = (
    _check(approval.approval_part, Unit.FLAG, Applies.ENTRY),
    _check(approval.approval_queue, Unit.COUNT, Applies.ENTRY),
)

# What a configuration may call soft: sizes of positions and of the account, and what the market shows. The cap on one order, losses,
# gates and what could not be seen are hard.
MAY_BE_SOFT: Final = frozenset(
    {
        "spread",
        "displayed_size",
        "liquidity",
        "position_quantity",
        "position_notional",
        "total_quantity",
        "total_notional",
        "concentration",
        "sector_exposure",
        "cluster_exposure",
        "gross_exposure",
        "net_exposure",
        "daily_spend",
        "weekly_spend",
        "monthly_spend",
    }
)

BY_NAME: Final = {check.name: check for check in (*CHECKS, *APPROVAL_CHECKS, *ASKING_CHECKS)}
ENTRY_CHECKS: Final = tuple(check.function for check in CHECKS if check.applies is not Applies.EXIT)
EXIT_CHECKS: Final = tuple(check.function for check in CHECKS if check.applies is not Applies.ENTRY)
APPROVALS: Final = tuple(check.function for check in APPROVAL_CHECKS)
ASKING: Final = tuple(check.function for check in ASKING_CHECKS)
CHECKS_FOR: Final = {Purpose.ENTRY: (*ENTRY_CHECKS, *APPROVALS), Purpose.EXIT: EXIT_CHECKS}


def refusal_catalogue() -> list[tuple[str, str, str, str]]:
    """Return (name, what it is about, unit, applies to) of every refusal, in order of precedence."""
    refusing = (*CHECKS, *ASKING_CHECKS)
    rows = [(check.name, WORDING[check.name].what, check.unit.value, check.applies.value) for check in refusing]
    unseen = "what a check needs could not be seen; the check's name follows after a colon"
    return [*rows, (INPUT_MISSING, unseen, "", Applies.BOTH.value)]
